//! A milestone: a part of the project.

use sea_orm::entity::prelude::*;

use crate::ProjectId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "project_milestone")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    pub title: String,
    pub due_on: Option<Date>,
    pub done_on: Option<Date>,
}

impl ActiveModelBehavior for ActiveModel {}
