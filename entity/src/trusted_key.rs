//! A key of another site that this host has accepted. It never becomes another, and a revoked one never good again.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trusted_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// Its place among the site's keys, oldest first.
    pub position: i32,
    pub public_key: Vec<u8>,
    pub revoked: bool,
    /// JSON of the windows that it may sign; absent for the pinned key of the national site, which may sign all.
    pub windows: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
