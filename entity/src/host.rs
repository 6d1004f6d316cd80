//! What this host is to others: one row.

use sea_orm::entity::prelude::*;

use crate::{List, SiteId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "host")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// By what other hosts know this one: whom tokens must be made out to.
    pub id: Uuid,
    /// How often a feed that this host writes or relays has grown or was vouched for anew.
    pub changes: i64,
    /// The public half of the network's root, 32 bytes of Ed25519: made at the hub, pinned by whoever joins.
    pub root_key: Option<Vec<u8>>,
    /// The sites that publish nothing before others have told what they have read: this database came back from a backup.
    pub doubted: List<SiteId>,
}

impl ActiveModelBehavior for ActiveModel {}
