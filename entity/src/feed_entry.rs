//! An entry of a feed, byte for byte as its origin wrote it. Salt and payload go when a later entry replaces them.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub pos: i64,
    pub record_id: Uuid,
    pub header: String,
    pub salt: Option<Vec<u8>>,
    pub payload: Option<String>,
    /// The head after it.
    pub head: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
