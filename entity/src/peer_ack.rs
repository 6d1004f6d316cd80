//! How far another site's host has read a feed, swept included: the receipt for every erasure up to there.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "peer_ack")]
pub struct Model {
    /// The site that signed the receipt.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    /// The host that says to keep the site.
    pub host_id: Uuid,
    pub epoch: Uuid,
    pub pos: i64,
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
