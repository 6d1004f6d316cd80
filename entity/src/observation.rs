//! A figure that somebody recorded. Never leaves its site.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, Figure, ImpactMeasureId, ObservationId, ObservationState, ProjectId, SiteId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "observation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ObservationId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub owner_id: Option<ChampionId>,
    pub measure_id: ImpactMeasureId,
    pub project_id: Option<ProjectId>,
    pub observed_on: Date,
    pub value: Option<Figure>,
    pub numerator: Option<Figure>,
    pub denominator: Option<Figure>,
    /// JSON list of {dimension, value}.
    pub breakdown: String,
    pub state: ObservationState,
    pub note: Option<String>,
    pub decision_reason: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
