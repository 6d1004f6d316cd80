//! Where this host stands in a feed of another.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_cursor")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    pub epoch: Option<Uuid>,
    pub pos: i64,
    pub head: Vec<u8>,
    pub generation: i64,
    pub state: String,
    /// While catching up: the head to reach.
    pub boot_pos: Option<i64>,
    pub boot_head: Option<Vec<u8>>,
    /// While payloads were skipped: the head by which all of them have been followed.
    pub skip_pos: Option<i64>,
    pub skip_head: Option<Vec<u8>>,
    /// When the origin's newest word came, by this host's clock.
    pub verified_at: Option<DateTimeUtc>,
    /// When the origin signed its newest word, by its own clock.
    pub signed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
