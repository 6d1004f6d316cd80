//! What a moderator did to a thread or post, and why; kept so that it can be reverted.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, Kind, SiteId, SpaceId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "moderation_action")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub site_id: SiteId,
    pub subject_kind: Kind,
    pub subject_id: Uuid,
    pub moderator_id: Option<ChampionId>,
    pub from_state: String,
    pub to_state: String,
    /// Of a move: out of which space.
    pub from_space_id: Option<SpaceId>,
    /// Of a move: into which space.
    pub to_space_id: Option<SpaceId>,
    pub reason: String,
    pub acted_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
