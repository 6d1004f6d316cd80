//! A resource: the identity. Title, summary and edition number repeat those of the edition that is shown.

use sea_orm::entity::prelude::*;

use crate::{
    ChampionId, List, ProjectId, ResourceEditionId, ResourceId, ResourceStatus, ResourceType, SiteId, StaffGroup,
    Theme, Visibility,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ResourceId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub owner_id: Option<ChampionId>,
    pub slug: String,
    pub kind: ResourceType,
    pub topics: List<String>,
    pub themes: List<Theme>,
    pub audience: List<StaffGroup>,
    pub language: String,
    pub licence: String,
    pub review_by: Option<Date>,
    pub project_id: Option<ProjectId>,
    pub derived_from_id: Option<ResourceId>,
    /// That of the published edition, of the draft when there is none.
    pub status: ResourceStatus,
    pub shown_edition_id: ResourceEditionId,
    pub draft_edition_id: Option<ResourceEditionId>,
    /// Who changed the text of the open draft last. Stays at home.
    pub draft_by_id: Option<ChampionId>,
    pub title: String,
    pub summary: String,
    pub edition: i32,
    pub published_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
