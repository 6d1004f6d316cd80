//! An origin's signed word for its feed up to a position.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_checkpoint")]
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
