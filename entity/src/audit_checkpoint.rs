//! A site's signed word for its audit up to a position: its own ones, and at the hub those of all sites.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_checkpoint")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    pub hash: Vec<u8>,
    pub signed_at: DateTimeUtc,
    pub kid: String,
    pub signature: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
