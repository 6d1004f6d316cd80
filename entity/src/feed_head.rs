//! The end of a feed that this host writes, or relays for others: where it stands, and the row that is locked while it grows.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_head")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    pub epoch: Uuid,
    pub pos: i64,
    pub head: Vec<u8>,
    /// The host's count of changes when it last grew or was vouched for anew.
    pub changed: i64,
}

impl ActiveModelBehavior for ActiveModel {}
