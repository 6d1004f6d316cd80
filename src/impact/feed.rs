//! What other hosts see of impact: measures, and figures that were released under disclosure control.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    Disclosed, ImpactMeasureId, ImpactReleaseId, MeasureAggregation, MeasureKind, ReleaseState, SessionFigure, SiteId,
    Visibility, impact_measure, impact_release,
};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    federation::wire::Audience,
    share::{Shape, Share, shared},
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
                supersedes: row.supersedes_id,
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
