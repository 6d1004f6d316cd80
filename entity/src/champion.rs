//! A person who helps others. `issuer`, `subject`, `email` and `phone` never leave the host.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, ChampionKind, ChampionStatus, DigitalSkill, List, SiteId, StaffGroup, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "champion")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChampionId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub display_name: String,
    pub kind: ChampionKind,
    pub staff_group: StaffGroup,
    pub skills: List<DigitalSkill>,
    pub languages: List<String>,
    pub bio: Option<String>,
    pub status: ChampionStatus,
    pub status_reason: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub issuer: Option<String>,
    pub subject: Option<String>,
    /// SHA-256 of the one-time code, in hexadecimal, until it is claimed.
    pub claim_code_hash: Option<String>,
    pub claim_expires_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
