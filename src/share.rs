//! What leaves this host of a record, and for whom. The features say it, the sequencer writes it into feeds.
//!
//! Most records leave exactly when a member of another site could read them here: the rule table decides, so that nothing
//! is on the wire that the API would refuse.

mod arrival;

use std::collections::HashSet;

use entity::{SiteId, SiteRole};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect, Select, prelude::Uuid};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    federation::wire::Audience,
    policy::{Caller, Role},
    scope::{Scoped, readable},
};

pub use arrival::{Arrival, Landed, Payload, facts, read, remove, store, store_all, take, take_all};

/// The directory's record of a site.
pub const MEMBER: Shape = Shape::new("member", "member@1");

/// What the national site decides on a proposal of another.
pub const DECISION: Shape = Shape::new("decision", "decision@1");

/// The types that the national site alone yields, besides all others.
pub const NATIONAL_TYPES: [&str; 2] = [MEMBER.kind, DECISION.kind];

/// The types of records that a site may yield unless the directory says less.
pub const TYPES: [&str; 13] = [
    "organisation",
    "champion",
    "resource",
    "edition",
    "proposal",
    "project",
    "space",
    "thread",
    "post",
    "placement",
    "report",
    "measure",
    "release",
];

/// What the entries of a feed are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// The type, such as `project`.
    pub kind: &'static str,
    /// The schema of the payload, such as `project@1`.
    pub schema: &'static str,
}

impl Shape {
    /// A type and its schema.
    pub const fn new(kind: &'static str, schema: &'static str) -> Self {
        Self { kind, schema }
    }
}

/// The shared state of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The record.
    pub id: Uuid,
    /// For whom it is.
    pub audience: Audience,
    /// The record that must be readable for this one to be.
    pub parent: Option<Uuid>,
    /// Its state as JSON.
    pub payload: String,
}

/// The id of what a site says of another site's record: a UUIDv8 (RFC 9562, 5.8) made of both, so that a site says one such
/// thing of a record, and no other site can have its id. `shape` keeps types apart.
pub fn derived_id(shape: Shape, site: SiteId, subject: Uuid) -> Uuid {
    let mut message = format!("cn-fed/1 {}", shape.kind).into_bytes();
    message.extend_from_slice(site.0.as_bytes());
    message.extend_from_slice(subject.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(message)[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl Share {
    /// Writes a record's shared state down.
    ///
    /// # Errors
    /// [`Error::Internal`] for what JSON cannot hold.
    pub fn new(id: impl Into<Uuid>, audience: Audience, payload: &impl Serialize) -> Result<Self> {
        Ok(Self {
            id: id.into(),
            audience,
            parent: None,
            payload: serde_json::to_string(payload).map_err(Error::internal)?,
        })
    }

    /// The same below a parent.
    #[must_use]
    pub fn below(self, parent: impl Into<Uuid>) -> Self {
        let parent = Some(parent.into());
        Self { parent, ..self }
    }
}

/// Somebody of another site, who holds no role here.
fn elsewhere() -> Caller {
    Caller {
        roles: vec![Role {
            site: SiteId(Uuid::nil()),
            role: SiteRole::Champion,
            national: false,
        }],
        ..Caller::default()
    }
}

/// Those of a site's records that a member of another site could read here.
pub fn shared<E: Scoped>(home: SiteId, ids: &[Uuid]) -> Select<E> {
    readable_elsewhere::<E>(ids).filter(E::home_column().eq(home.0))
}

fn readable_elsewhere<E: Scoped>(ids: &[Uuid]) -> Select<E> {
    readable::<E>(&elsewhere()).filter(E::id_column().is_in(ids.iter().copied()))
}

/// Those of the records that a payload may name: whoever reads it elsewhere can know them.
///
/// # Errors
/// Only when the database fails.
pub async fn ids<E: Scoped>(db: &impl ConnectionTrait, ids: impl IntoIterator<Item = E::Id>) -> Result<HashSet<E::Id>> {
    let ids: Vec<_> = ids.into_iter().map(Into::into).collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = readable_elsewhere::<E>(&ids).select_only().column(E::id_column());
    let rows: Vec<Uuid> = rows.into_tuple().all(db).await?;
    Ok(rows.into_iter().map(E::Id::from).collect())
}
