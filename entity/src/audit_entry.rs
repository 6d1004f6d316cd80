//! Who did what. Kept at home, never changed.

use sea_orm::entity::prelude::*;

use crate::{AuditEntryId, Kind, SiteId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEntryId,
    pub site_id: SiteId,
    pub at: DateTimeUtc,
    pub issuer: Option<String>,
    pub subject: Option<String>,
    pub action: String,
    pub kind: Kind,
    pub record_id: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
