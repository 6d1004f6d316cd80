//! Approved figures, added up by site, measure, project and month within the work that approves them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entity::{Figure, ImpactMeasureId, ProjectId, SiteId, impact_month};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, prelude::Uuid, sea_query::OnConflict,
};

use crate::{
    app::Work,
    error::{Error, Result},
    impact::period::Month,
};

/// A figure that was approved.
#[derive(Clone, Copy, Debug)]
pub struct Approved {
    /// The site whose figure it is.
    pub site: SiteId,
    /// Of which measure.
    pub measure: ImpactMeasureId,
    /// In which project.
    pub project: Option<ProjectId>,
    /// On which day.
    pub on: NaiveDate,
    /// The figure; 0 for a coverage.
    pub value: Decimal,
    /// Of a coverage: how many.
    pub numerator: Decimal,
    /// Of a coverage: of how many.
    pub denominator: Decimal,
}

/// Adds a figure to its month. Of several on one day, the one approved last is the latest.
///
/// # Errors
/// When the sum has more digits than can be stored exactly.
pub async fn add(work: &Work<'_>, figure: Approved) -> Result<()> {
    let row = open(work, &figure).await?;
    let sum = |one: Figure, more: Decimal| {
        let sum = one.0.checked_add(more).map(Figure);
        sum.ok_or_else(|| Error::internal("a month's sum has too many digits"))
    };
    let mut month = row.clone().into_active_model();
    month.count = Set(row.count.saturating_add(1));
    month.value = Set(sum(row.value, figure.value)?);
    month.numerator = Set(sum(row.numerator, figure.numerator)?);
    month.denominator = Set(sum(row.denominator, figure.denominator)?);
    if figure.on >= row.latest_on {
        month.latest_on = Set(figure.on);
        month.latest_value = Set(figure.value.into());
        month.latest_numerator = Set(figure.numerator.into());
        month.latest_denominator = Set(figure.denominator.into());
    }
    month.update(work.db()).await?;
    Ok(())
}

/// The month that a figure belongs to, locked; an empty one is made when it is the first.
async fn open(work: &Work<'_>, figure: &Approved) -> Result<impact_month::Model> {
    use impact_month::{ActiveModel, Column, Entity};
    let zero = || Set(Figure::default());
    let key = (
        figure.site,
        figure.measure,
        figure.project.map_or(Uuid::nil(), Into::into),
        Month::of(figure.on).first_day(),
    );
    let empty = ActiveModel {
        site_id: Set(key.0),
        measure_id: Set(key.1),
        project_id: Set(key.2),
        month: Set(key.3),
        count: Set(0),
        value: zero(),
        numerator: zero(),
        denominator: zero(),
        latest_on: Set(figure.on),
        latest_value: zero(),
        latest_numerator: zero(),
        latest_denominator: zero(),
    };
    let columns = [Column::SiteId, Column::MeasureId, Column::ProjectId, Column::Month];
    let present = OnConflict::columns(columns).do_nothing().to_owned();
    Entity::insert(empty)
        .on_conflict(present)
        .exec_without_returning(work.db())
        .await?;
    let row = Entity::find_by_id(key).lock_exclusive().one(work.db()).await?;
    row.ok_or_else(|| Error::internal("a month is gone that was just opened"))
}

/// The approved figures of sites between two months, both included, by site and month, each project's apart.
pub type ByMonth = BTreeMap<(SiteId, Month), Vec<impact_month::Model>>;

/// Reads approved figures.
///
/// # Errors
/// Only when the database fails.
pub async fn between(
    db: &impl ConnectionTrait,
    sites: &[SiteId],
    measure: ImpactMeasureId,
    from: Month,
    to: Month,
) -> Result<ByMonth> {
    if sites.is_empty() {
        return Ok(ByMonth::new());
    }
    let rows = chosen(sites, measure, from, to).all(db).await?;
    Ok(by_month(rows))
}

/// The same, locked until the work ends: nothing is approved into these months and nobody else releases them.
///
/// # Errors
/// Only when the database fails.
pub async fn lock(work: &Work<'_>, site: SiteId, measure: ImpactMeasureId, from: Month, to: Month) -> Result<ByMonth> {
    use impact_month::Column;
    let rows = chosen(&[site], measure, from, to)
        .order_by_asc(Column::Month)
        .order_by_asc(Column::ProjectId);
    Ok(by_month(rows.lock_exclusive().all(work.db()).await?))
}

/// Locks the months of several measures in the order in which sessions are counted into them, until the work ends.
///
/// # Errors
/// Only when the database fails.
pub async fn hold(work: &Work<'_>, site: SiteId, measures: &[ImpactMeasureId], from: Month, to: Month) -> Result<()> {
    use impact_month::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::SiteId.eq(site))
        .filter(Column::MeasureId.is_in(measures.iter().copied()))
        .filter(Column::Month.between(from.first_day(), to.first_day()))
        .order_by_asc(Column::MeasureId)
        .order_by_asc(Column::Month)
        .order_by_asc(Column::ProjectId);
    rows.lock_exclusive().all(work.db()).await?;
    Ok(())
}

fn chosen(sites: &[SiteId], measure: ImpactMeasureId, from: Month, to: Month) -> sea_orm::Select<impact_month::Entity> {
    use impact_month::{Column, Entity};
    Entity::find()
        .filter(Column::SiteId.is_in(sites.iter().copied()))
        .filter(Column::MeasureId.eq(measure))
        .filter(Column::Month.between(from.first_day(), to.first_day()))
}

fn by_month(rows: Vec<impact_month::Model>) -> ByMonth {
    let mut months = ByMonth::new();
    for row in rows {
        months.entry((row.site_id, Month::of(row.month))).or_default().push(row);
    }
    months
}
