//! What is measured, in which unit, and how months and sites add up.

use sea_orm::entity::prelude::*;

use crate::{ImpactMeasureId, MeasureAggregation, MeasureKind, SessionFigure, SiteId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "impact_measure")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ImpactMeasureId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub code: String,
    pub name: String,
    pub definition: String,
    pub unit: String,
    pub kind: MeasureKind,
    pub aggregation: MeasureAggregation,
    pub counts_people: bool,
    /// The figure of approved support sessions that counts into it.
    pub session_figure: Option<SessionFigure>,
}

impl ActiveModelBehavior for ActiveModel {}
