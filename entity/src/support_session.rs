//! A session in which a champion helped people. No learner is ever named.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, ObservationState, SessionMode, SiteId, SupportSessionId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "support_session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SupportSessionId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub owner_id: ChampionId,
    pub held_on: Date,
    pub mode: SessionMode,
    pub minutes: i32,
    pub people_helped: i32,
    pub condition: Option<String>,
    pub records_sign_ups: i32,
    pub prescriptions_sign_ups: i32,
    pub appointments_sign_ups: i32,
    pub campaign_code: Option<String>,
    pub state: ObservationState,
    pub decision_reason: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
