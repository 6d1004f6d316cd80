//! The words of a record for full-text search, folded to plain lower-case terms; indexed by the dialect's own means.

use sea_orm::entity::prelude::*;

use crate::Kind;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "search_document")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub record_id: Uuid,
    pub kind: Kind,
    pub title: String,
    pub body: String,
}

impl ActiveModelBehavior for ActiveModel {}
