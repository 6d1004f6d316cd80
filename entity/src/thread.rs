//! A thread. State, answer and order are what the placement by the space's home says.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, List, PostId, ProjectId, SiteId, SpaceId, ThreadId, ThreadState, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "thread")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ThreadId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub owner_id: Option<ChampionId>,
    pub space_id: SpaceId,
    pub space_home_id: SiteId,
    pub closed_space_id: Option<SpaceId>,
    pub project_id: Option<ProjectId>,
    pub title: String,
    pub body: String,
    pub tags: List<String>,
    pub edited_at: Option<DateTimeUtc>,
    pub withdrawn_at: Option<DateTimeUtc>,
    pub state: ThreadState,
    pub answer_id: Option<PostId>,
    /// Visible posts.
    pub post_count: i32,
    pub last_post_at: Option<DateTimeUtc>,
    /// The last visible post's time, the thread's own when there is none.
    pub active_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
