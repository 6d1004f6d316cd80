//! Which history the changes of this database are, and up to where it no longer keeps them. One row.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// Another one when the database came back from a backup or moved to another server.
    pub history: String,
    /// The PostgreSQL server that numbers its transactions; empty before the first start, and on SQLite.
    pub server: String,
    pub swept_transaction_id: i64,
    pub swept_id: i64,
}

impl ActiveModelBehavior for ActiveModel {}
