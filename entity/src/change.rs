//! What committed work has changed of records that this host shows, in the order in which it may be told to those who follow.

use sea_orm::entity::prelude::*;

use crate::Kind;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// On PostgreSQL the transaction that wrote the row, set by the database; 0 on SQLite.
    pub transaction_id: i64,
    pub at: DateTimeUtc,
    pub site_id: Uuid,
    pub kind: Kind,
    pub record_id: Uuid,
    /// The thread of a post.
    pub thread_id: Option<Uuid>,
    /// What the rules read of the record as it was; none when it was not there, or when that is the same as after.
    pub access_before: Option<String>,
    /// What the rules read of the record as it is after the change; none when it is gone.
    pub access_after: Option<String>,
    /// Whether it was there before.
    pub was_there: bool,
}

impl ActiveModelBehavior for ActiveModel {}
