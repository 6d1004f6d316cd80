//! What a feed of another host last said of a record. It stands beside the row of the same id.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "replica")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    /// The type of the record on the wire.
    pub kind: String,
    pub generation: i64,
    pub pos: i64,
    /// `put`, `del` or `erase`.
    pub operation: String,
    /// When it first came; null for what was only ever deleted, which binds nothing.
    pub first_applied_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
