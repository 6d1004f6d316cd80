//! What another site's host last could not take of a feed.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "peer_report")]
pub struct Model {
    /// The site that reports.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    pub epoch: Option<Uuid>,
    pub pos: i64,
    pub reason: String,
    /// The proof that the origin has signed two stories, checked: JSON as it travels.
    pub fork: Option<String>,
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
