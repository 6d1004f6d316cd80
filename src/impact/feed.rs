//! What other hosts see of impact: measures, and figures that were released under disclosure control.

use std::collections::HashSet;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use entity::{
    Disclosed, ImpactMeasureId, ImpactReleaseId, MeasureAggregation, MeasureKind, ReleaseState, SessionFigure, SiteId,
    Visibility, impact_measure, impact_release,
};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    app::Work,
    error::{ProblemCode, Result},
    federation::wire::Audience,
    impact::ops::measures::fits_together,
    input::{self, Check},
    policy::states::RELEASED,
    share::{self, Arrival, Payload, Shape, Share, shared},
};

/// What the entries of a measure are.
pub const MEASURE: Shape = Shape::new("measure", "measure@1");

/// What the entries of a release are.
pub const RELEASE: Shape = Shape::new("release", "release@1");

/// A measure as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Measure {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    code: String,
    name: String,
    definition: String,
    unit: String,
    kind: MeasureKind,
    aggregation: MeasureAggregation,
    counts_people: bool,
    session_figure: Option<SessionFigure>,
}

/// A release as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Release {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    measure: ImpactMeasureId,
    month: NaiveDate,
    revision: i32,
    supersedes: Option<ImpactReleaseId>,
    state: ReleaseState,
    disclosed: Disclosed,
    value: Option<Decimal>,
    numerator: Option<Decimal>,
    denominator: Option<Decimal>,
    count: Option<Decimal>,
}

/// The shared state of measures.
///
/// # Errors
/// Only when the database fails.
pub async fn measures(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = shared::<impact_measure::Entity>(home, ids).all(db).await?;
    rows.into_iter()
        .map(|row| {
            let measure = Measure {
                version: row.version,
                visibility: row.visibility,
                created_at: row.created_at,
                updated_at: row.updated_at,
                code: row.code,
                name: row.name,
                definition: row.definition,
                unit: row.unit,
                kind: row.kind,
                aggregation: row.aggregation,
                counts_people: row.counts_people,
                session_figure: row.session_figure,
            };
            Share::new(row.id, Audience::Network, &measure)
        })
        .collect()
}

/// The shared state of those of the releases that leave this host.
///
/// # Errors
/// Only when the database fails.
pub async fn releases(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = shared::<impact_release::Entity>(home, ids).all(db).await?;
    let earlier = share::ids::<impact_release::Entity>(db, rows.iter().filter_map(|row| row.supersedes_id)).await?;
    rows.into_iter()
        .map(|row| {
            let release = Release {
                version: row.version,
                visibility: row.visibility,
                created_at: row.created_at,
                updated_at: row.updated_at,
                measure: row.measure_id,
                month: row.month,
                revision: row.revision,
                supersedes: row.supersedes_id.filter(|before| earlier.contains(before)),
                state: row.state,
                disclosed: row.disclosed,
                value: row.value.map(|figure| figure.0),
                numerator: row.numerator.map(|figure| figure.0),
                denominator: row.denominator.map(|figure| figure.0),
                count: row.count.map(|figure| figure.0),
            };
            Ok(Share::new(row.id, Audience::Network, &release)?.below(row.measure_id))
        })
        .collect()
}

impl Payload for Measure {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, self.visibility, [self.created_at, self.updated_at]);
        check.address("code", &self.code);
        check.line("name", &self.name, input::TITLE);
        check.text("definition", &self.definition, input::ABOUT);
        check.line("unit", &self.unit, input::WORD);
        fits_together(
            check,
            self.kind,
            self.aggregation,
            self.counts_people,
            self.session_figure,
        );
    }
}

impl Payload for Release {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, self.visibility, [self.created_at, self.updated_at]);
        check.calendar_day("month", Some(self.month));
        if self.month.day() != 1 {
            check.note(ProblemCode::Invalid, "month", "This is not the first day of a month.");
        }
        check.whole("revision", self.revision, 1..=i32::MAX);
        if !RELEASED.contains(&self.state.as_str()) {
            check.note(ProblemCode::Invalid, "state", "Readers do not see this release.");
        }
        check.sum("value", self.value);
        check.sum("numerator", self.numerator);
        check.sum("denominator", self.denominator);
        check.sum("count", self.count);
    }
}

/// Stores measures of another host, each once.
///
/// # Errors
/// Only when the database fails.
pub async fn apply_measures(work: &Work<'_>, arrivals: &[Arrival<'_>]) -> Result<()> {
    let Some(home) = arrivals.first().map(|arrival| arrival.home) else {
        return Ok(());
    };
    let said: Vec<Measure> = arrivals.iter().map(Arrival::read).collect::<Result<_>>()?;
    let mut said: Vec<_> = arrivals.iter().map(|arrival| arrival.id).zip(said).collect();
    let counted = counting_people(work, &said).await?;
    let codes = said.iter_mut().map(|(id, said)| (*id, &mut said.code)).collect();
    share::take_all::<impact_measure::Entity>(work.db(), home, impact_measure::Column::Code, codes).await?;
    let rows = said.into_iter().map(|(id, said)| impact_measure::Model {
        id: ImpactMeasureId(id),
        site_id: home,
        visibility: said.visibility,
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        code: said.code,
        name: said.name,
        definition: said.definition,
        unit: said.unit,
        kind: said.kind,
        aggregation: said.aggregation,
        // Figures of people that are recorded here would be published as they are if another host could say otherwise.
        counts_people: said.counts_people || counted.contains(&id),
        session_figure: said.session_figure,
    });
    share::store_all::<impact_measure::Entity>(work.db(), rows.collect()).await
}

/// Which of these measures count people as far as this host knows.
async fn counting_people(work: &Work<'_>, said: &[(Uuid, Measure)]) -> Result<HashSet<Uuid>> {
    use impact_measure::Column::{CountsPeople, Id};
    let known = impact_measure::Entity::find()
        .filter(Id.is_in(said.iter().map(|(id, _)| *id)))
        .filter(CountsPeople.eq(true));
    let known = known.all(work.db()).await?;
    Ok(known.into_iter().map(|measure| measure.id.0).collect())
}

/// Stores a release of another host. It never counts into the months of this one.
///
/// # Errors
/// Only when the database fails.
pub async fn apply_release(work: &Work<'_>, arrival: &Arrival<'_>) -> Result<()> {
    use impact_release::{Column, Entity};
    let said: Release = arrival.read()?;
    let id = ImpactReleaseId(arrival.id);
    // A site that has started its history over may have given the number to another release.
    let earlier = Entity::delete_many()
        .filter(Column::SiteId.eq(arrival.home))
        .filter(Column::MeasureId.eq(said.measure))
        .filter(Column::Month.eq(said.month))
        .filter(Column::Revision.eq(said.revision))
        .filter(Column::Id.ne(id));
    earlier.exec(work.db()).await?;
    let row = impact_release::Model {
        id,
        site_id: arrival.home,
        visibility: said.visibility,
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        measure_id: said.measure,
        month: said.month,
        revision: said.revision,
        supersedes_id: said.supersedes,
        state: said.state,
        disclosed: said.disclosed,
        value: said.value.map(Into::into),
        numerator: said.numerator.map(Into::into),
        denominator: said.denominator.map(Into::into),
        count: said.count.map(Into::into),
    };
    share::store::<Entity>(work.db(), row).await
}
