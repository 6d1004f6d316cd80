//! Who did what: a link of the chain of its site. Kept at home, never changed.

use sea_orm::entity::prelude::*;

use crate::{AuditEntryId, Kind, SiteId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEntryId,
    pub site_id: SiteId,
    /// The place in the chain of the site, from 1 without gaps.
    pub position: i64,
    pub at: DateTimeUtc,
    /// Who did it, by the name that [`crate::audit_person`] explains; none when the host did it on its operator's word.
    pub pseudonym: Option<Uuid>,
    pub action: String,
    pub kind: Kind,
    pub record_id: Uuid,
    /// The end of the chain after this entry: 32 bytes of SHA-256.
    pub hash: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
