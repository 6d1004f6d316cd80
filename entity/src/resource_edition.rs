//! One edition of a resource; immutable once published.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, ResourceEditionId, ResourceId, ResourceStatus, SiteId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource_edition")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ResourceEditionId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub owner_id: Option<ChampionId>,
    pub resource_id: ResourceId,
    pub resource_status: ResourceStatus,
    pub number: i32,
    pub status: ResourceStatus,
    pub title: String,
    pub summary: String,
    pub body: Option<String>,
    pub url: Option<String>,
    /// What its author or reviewer said last; once published, what is new in it.
    pub note: Option<String>,
    /// When it was approved in review.
    pub approved_at: Option<DateTimeUtc>,
    pub published_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
