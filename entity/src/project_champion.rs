//! A champion in a project's team: a part of the project.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, ProjectId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "project_champion")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub champion_id: ChampionId,
    pub joined_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
