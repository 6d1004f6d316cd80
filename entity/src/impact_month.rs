//! Approved figures of a site, measure, project (the nil uuid for none) and month, added up as they are approved.

use sea_orm::entity::prelude::*;

use crate::{Figure, ImpactMeasureId, SiteId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "impact_month")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub measure_id: ImpactMeasureId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: Uuid,
    /// The first day of the month.
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: Date,
    /// How many approved figures stand behind it.
    pub count: i32,
    pub value: Figure,
    pub numerator: Figure,
    pub denominator: Figure,
    pub latest_on: Date,
    pub latest_value: Figure,
    pub latest_numerator: Figure,
    pub latest_denominator: Figure,
}

impl ActiveModelBehavior for ActiveModel {}
