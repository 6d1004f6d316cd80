//! What other hosts see of an organisation.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{OrganisationRole, SiteId, Visibility, organisation};
use sea_orm::{ConnectionTrait, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    federation::wire::Audience,
    share::{Shape, Share, shared},
};

/// What its entries are.
pub const ORGANISATION: Shape = Shape::new("organisation", "organisation@1");

/// An organisation as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organisation {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    name: String,
    ods_code: Option<String>,
    role: OrganisationRole,
    opened_on: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    successors: Vec<String>,
}

/// The shared state of organisations; all of them leave.
///
/// # Errors
/// Only when the database fails.
pub async fn shares(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = shared::<organisation::Entity>(home, ids).all(db).await?;
    rows.into_iter()
        .map(|row| {
            let organisation = Organisation {
                version: row.version,
                visibility: row.visibility,
                created_at: row.created_at,
                updated_at: row.updated_at,
                name: row.name,
                ods_code: row.ods_code,
                role: row.role,
                opened_on: row.opened_on,
                closed_on: row.closed_on,
                successors: row.successors.0,
            };
            Share::new(row.id, Audience::Network, &organisation)
        })
        .collect()
}
