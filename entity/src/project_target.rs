//! A target that a project sets itself against a measure: a part of the project.

use sea_orm::entity::prelude::*;

use crate::{Figure, ImpactMeasureId, ProjectId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "project_target")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    pub measure_id: ImpactMeasureId,
    pub value: Option<Figure>,
    pub numerator: Option<Figure>,
    pub denominator: Option<Figure>,
    pub due_on: Option<Date>,
}

impl ActiveModelBehavior for ActiveModel {}
