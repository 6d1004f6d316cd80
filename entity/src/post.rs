//! A post in a thread.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, PostId, PostState, SiteId, SpaceId, ThreadId, ThreadState, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PostId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub owner_id: Option<ChampionId>,
    pub thread_id: ThreadId,
    pub thread_home_id: SiteId,
    pub thread_owner_id: Option<ChampionId>,
    pub thread_state: ThreadState,
    pub space_home_id: SiteId,
    pub closed_space_id: Option<SpaceId>,
    pub reply_to_id: Option<PostId>,
    pub body: String,
    pub edited_at: Option<DateTimeUtc>,
    pub withdrawn_at: Option<DateTimeUtc>,
    pub state: PostState,
    /// The order within the thread, given by the space's home.
    pub position: i64,
}

impl ActiveModelBehavior for ActiveModel {}
