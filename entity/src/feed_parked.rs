//! An entry that cannot be applied yet, with its bytes.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_parked")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub audience: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub pos: i64,
    pub record_id: Uuid,
    pub reason: String,
    /// The record that has to come first, when it is that.
    pub waits_for: Option<Uuid>,
    pub header: String,
    pub salt: Option<Vec<u8>>,
    pub payload: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
