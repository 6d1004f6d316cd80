//! Where the chain of a site's audit ends: locked by whoever adds to it.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_head")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    /// The position of the last entry; 0 before the first.
    pub position: i64,
    pub hash: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
