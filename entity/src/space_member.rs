//! A champion's membership of a closed space: a part of the space.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, SpaceId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "space_member")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub space_id: SpaceId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub champion_id: ChampionId,
    pub added_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
