//! What a feed of this host last said of a record in its present epoch.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_shared")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    pub pos: i64,
    /// `put`, `del` or `erase`.
    pub operation: String,
    pub payload_hash: Option<Vec<u8>>,
    pub salt: Option<Vec<u8>>,
}

impl ActiveModelBehavior for ActiveModel {}
