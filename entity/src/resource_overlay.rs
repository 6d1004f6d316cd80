//! What a site lays over a resource of the national site without changing it.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, ResourceId, ResourceOverlayId, ResourceStatus, SiteId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource_overlay")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ResourceOverlayId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub resource_id: ResourceId,
    pub resource_home_id: SiteId,
    pub resource_owner_id: Option<ChampionId>,
    pub resource_visibility: Visibility,
    pub resource_status: ResourceStatus,
    pub pinned: bool,
    pub hidden: bool,
    pub note: Option<String>,
    pub pinned_edition: Option<i32>,
}

impl ActiveModelBehavior for ActiveModel {}
