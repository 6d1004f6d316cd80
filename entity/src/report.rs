//! A report of a thread or post. It belongs to the reporter's site.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, Kind, ReportId, ReportState, SiteId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "report")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReportId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub owner_id: Option<ChampionId>,
    pub subject_kind: Kind,
    pub subject_id: Uuid,
    pub subject_home_id: SiteId,
    pub subject_owner_id: Option<ChampionId>,
    pub space_home_id: SiteId,
    pub reason: String,
    pub state: ReportState,
    pub outcome: Option<String>,
    pub closed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
