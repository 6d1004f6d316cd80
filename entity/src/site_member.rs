//! What the directory says of a site: its keys and what it may yield. Name, slug, region and status stand on the site itself.

use sea_orm::entity::prelude::*;

use crate::{List, SiteId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "site_member")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    /// JSON of the wire's keys, oldest first.
    pub keys: String,
    /// The types of records that it may yield.
    pub types: List<String>,
    pub protocol_min: i32,
    pub protocol_max: i32,
}

impl ActiveModelBehavior for ActiveModel {}
