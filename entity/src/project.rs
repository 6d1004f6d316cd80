//! A local project of a site. Its owner is its lead.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, FocusArea, List, ProjectId, ProjectStatus, SiteId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "project")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProjectId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub owner_id: Option<ChampionId>,
    pub slug: String,
    pub title: String,
    pub summary: String,
    pub question: Option<String>,
    pub focus_areas: List<FocusArea>,
    pub conditions: List<String>,
    pub sponsors: List<String>,
    pub status: ProjectStatus,
    pub starts_on: Option<Date>,
    pub ends_on: Option<Date>,
    pub cloned_from_id: Option<ProjectId>,
}

impl ActiveModelBehavior for ActiveModel {}
