//! A forum area.

use sea_orm::entity::prelude::*;

use crate::{SiteId, SpaceAccess, SpaceId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "space")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SpaceId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub slug: String,
    pub name: String,
    pub about: String,
    pub access: SpaceAccess,
    /// The space itself when it is closed, so that access reads one column on every forum table.
    pub closed_space_id: Option<SpaceId>,
}

impl ActiveModelBehavior for ActiveModel {}
