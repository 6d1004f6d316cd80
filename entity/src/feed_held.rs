//! An origin's signed word that this host has taken for a feed that it reads: whoever signs another story for the same
//! position is found out.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_held")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub pos: i64,
    pub head: Vec<u8>,
    pub signed_at: DateTimeUtc,
    pub kid: String,
    pub signature: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
