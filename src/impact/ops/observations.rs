//! What is done to observations, and how they are listed.

use chrono::NaiveDate;
use entity::{
    ImpactMeasureId, Kind, MeasureKind, ObservationId, ObservationState, ProjectId, Visibility, impact_measure,
    observation, project,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveValue::Set, ColumnTrait, IntoActiveModel, QueryFilter, QueryTrait, Select};
use serde::{Deserialize, Serialize};

use super::{
    Decision, measure_of,
    months::{self, Approved},
    past_day, whole,
};
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    impact::disclosure::Shape,
    input::{self, Check, Patch},
    policy::Action,
    read::{self, KeyType, Listing, Sort, Wide},
    sites,
};

/// Most pairs of a breakdown.
pub const MOST_PAIRS: usize = 10;

/// By what a figure is broken down: a channel, a condition, a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakdown {
    /// What is told apart.
    pub dimension: String,
    /// Which of it.
    pub value: String,
}

/// Reads what the breakdown's column holds.
pub fn breakdown(row: &observation::Model) -> Vec<Breakdown> {
    serde_json::from_str(&row.breakdown).unwrap_or_default()
}

/// What an observation says.
#[derive(Clone, Debug)]
pub struct Said {
    /// In which project.
    pub project: Option<ProjectId>,
    /// On which day.
    pub observed_on: NaiveDate,
    /// The figure, unless the measure is a coverage.
    pub value: Option<Decimal>,
    /// Of a coverage: how many.
    pub numerator: Option<Decimal>,
    /// Of a coverage: of how many.
    pub denominator: Option<Decimal>,
    /// By what it is broken down.
    pub breakdown: Vec<Breakdown>,
    /// How the figure came about.
    pub note: Option<String>,
}

/// An observation to be recorded.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The slug of its home site.
    pub site: String,
    /// Of which measure.
    pub measure: ImpactMeasureId,
    /// What it says.
    pub said: Said,
}

/// Records a figure that somebody else is to approve.
///
/// # Errors
/// Problems of the draft; what [`Work::allow_at`] and [`Work::author`] refuse.
pub async fn record(work: &mut Work<'_>, draft: Draft) -> Result<observation::Model> {
    let site = sites::ops::named(work.db(), &draft.site).await?;
    work.allow_at(Action::Create, Kind::Observation, site.id).await?;
    let owner = work.author(site.id)?;
    let mut check = Check::new();
    let measure = measure_of(work, &mut check, &site, draft.measure).await?;
    in_project(work, &mut check, site.id, draft.said.project).await?;
    let row = observation::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site.id),
        visibility: Set(Visibility::Site),
        owner_id: Set(Some(owner)),
        measure_id: Set(measure.id),
        state: Set(ObservationState::Submitted),
        decision_reason: Set(None),
        ..checked(&mut check, &measure, draft.said, work.today())
    };
    check.done()?;
    work.insert::<observation::Entity>(row).await
}

/// Notes a problem when the project is one of another site.
async fn in_project(
    work: &Work<'_>,
    check: &mut Check,
    site: entity::SiteId,
    project: Option<ProjectId>,
) -> Result<()> {
    let Some(id) = project else { return Ok(()) };
    let project = read::get::<project::Entity>(work.db(), work.caller(), id).await?;
    if project.site_id != site {
        check.note(ProblemCode::Invalid, "project", "This project belongs to another site.");
    }
    Ok(())
}

/// The columns of what is said, with a note of every problem.
pub(super) fn checked(
    check: &mut Check,
    measure: &impact_measure::Model,
    said: Said,
    today: NaiveDate,
) -> observation::ActiveModel {
    let coverage = Shape::of(measure).coverage();
    check.figures("", coverage, said.value, said.numerator, said.denominator);
    if measure.kind == MeasureKind::Count {
        whole(check, "value", said.value);
    }
    if coverage && measure.counts_people {
        whole(check, "numerator", said.numerator);
        whole(check, "denominator", said.denominator);
    }
    let figure = |figure: Option<Decimal>| Set(figure.map(|figure| figure.normalize().into()));
    observation::ActiveModel {
        project_id: Set(said.project),
        observed_on: Set(past_day(check, "observedOn", said.observed_on, today)),
        value: figure(said.value),
        numerator: figure(said.numerator),
        denominator: figure(said.denominator),
        breakdown: Set(pairs(check, said.breakdown)),
        note: Set(check.optional_text("note", said.note, input::SUMMARY)),
        ..observation::ActiveModel::default()
    }
}

fn pairs(check: &mut Check, breakdown: Vec<Breakdown>) -> String {
    if breakdown.len() > MOST_PAIRS {
        check.note(
            ProblemCode::TooLong,
            "breakdown",
            format!("Break down by at most {MOST_PAIRS} dimensions."),
        );
    }
    let mut kept: Vec<Breakdown> = Vec::new();
    for (number, pair) in breakdown.iter().enumerate() {
        let mut word = |part: &str, text: &str| {
            let path = format!("breakdown.{number}.{part}");
            check.line(&path, text, input::WORD).to_lowercase()
        };
        let pair = Breakdown {
            dimension: word("dimension", &pair.dimension),
            value: word("value", &pair.value),
        };
        if kept.iter().any(|other| other.dimension == pair.dimension) {
            check.note(
                ProblemCode::Invalid,
                &format!("breakdown.{number}.dimension"),
                "Name each dimension once.",
            );
        }
        kept.push(pair);
    }
    serde_json::to_string(&kept).expect("pairs of texts are always JSON")
}

/// What changes in an observation.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// In which project.
    pub project: Patch<ProjectId>,
    /// On which day.
    pub observed_on: Patch<NaiveDate>,
    /// The figure.
    pub value: Patch<Decimal>,
    /// Of a coverage: how many.
    pub numerator: Patch<Decimal>,
    /// Of a coverage: of how many.
    pub denominator: Patch<Decimal>,
    /// By what it is broken down.
    pub breakdown: Patch<Vec<Breakdown>>,
    /// How the figure came about.
    pub note: Patch<String>,
}

/// Mends an observation that is not approved yet, and hands it in again.
///
/// # Errors
/// Problems of the changes; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn update(
    work: &mut Work<'_>,
    id: ObservationId,
    version: i32,
    changes: Changes,
) -> Result<observation::Model> {
    let row = work.get_at::<observation::Entity>(id, version).await?;
    allow_undecided(work, Action::Edit, &row)?;
    let mut check = Check::new();
    let site = work.hosted(row.site_id).await?;
    let measure = measure_of(work, &mut check, &site, row.measure_id).await?;
    let now = |figure: Option<entity::Figure>| figure.map(|figure| figure.0);
    let said = Said {
        project: changes.project.or_now(row.project_id),
        observed_on: check.required("observedOn", changes.observed_on, &row.observed_on),
        value: changes.value.or_now(now(row.value)),
        numerator: changes.numerator.or_now(now(row.numerator)),
        denominator: changes.denominator.or_now(now(row.denominator)),
        breakdown: changes.breakdown.or_now(Some(breakdown(&row))).unwrap_or_default(),
        note: changes.note.or_now(row.note.clone()),
    };
    if said.project != row.project_id {
        in_project(work, &mut check, site.id, said.project).await?;
    }
    let said = checked(&mut check, &measure, said, work.today());
    let mut active = row.into_active_model();
    active.project_id = said.project_id;
    active.observed_on = said.observed_on;
    active.value = said.value;
    active.numerator = said.numerator;
    active.denominator = said.denominator;
    active.breakdown = said.breakdown;
    active.note = said.note;
    active.state = Set(ObservationState::Submitted);
    active.decision_reason = Set(None);
    check.done()?;
    work.update::<observation::Entity>(active).await
}

/// Passes when an action is granted on an observation that waits for a decision, and this one does, or was returned
/// and may be mended.
fn allow_undecided(work: &Work<'_>, action: Action, row: &observation::Model) -> Result<()> {
    let undecided = observation::Model {
        state: ObservationState::Submitted,
        ..row.clone()
    };
    work.allow::<observation::Entity>(action, &undecided)?;
    match (row.state, action) {
        (ObservationState::Submitted, _) | (ObservationState::Returned, Action::Edit) => Ok(()),
        (ObservationState::Returned, _) => Err(Error::not_now(
            "This was returned. Whoever recorded it has to mend it first.",
        )),
        (ObservationState::Approved, _) => Err(Error::not_now(
            "This is approved and stays as it is. Record another figure that corrects it.",
        )),
    }
}

/// Approves an observation, so that it counts into its month, or returns it.
///
/// # Errors
/// A problem when a return has no reason; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn decide(
    work: &mut Work<'_>,
    id: ObservationId,
    version: Option<i32>,
    decision: Decision,
) -> Result<observation::Model> {
    let row = match version {
        Some(version) => work.get_at::<observation::Entity>(id, version).await?,
        None => work.get::<observation::Entity>(id).await?,
    };
    allow_undecided(work, Action::Approve, &row)?;
    let mut check = Check::new();
    let reason = decision.reason(&mut check);
    check.done()?;
    if decision.approve {
        let figure = |figure: Option<entity::Figure>| figure.unwrap_or_default().0;
        let approved = Approved {
            site: row.site_id,
            measure: row.measure_id,
            project: row.project_id,
            on: row.observed_on,
            value: figure(row.value),
            numerator: figure(row.numerator),
            denominator: figure(row.denominator),
        };
        months::add(work, approved).await?;
    }
    let mut active = row.into_active_model();
    active.state = Set(decision.state());
    active.decision_reason = Set(reason);
    work.update::<observation::Entity>(active).await
}

/// Observations of a site, newest first.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// The site's slug.
    pub site: String,
    /// Only of this measure.
    pub measure: Option<ImpactMeasureId>,
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Only in one of these states.
    pub states: Option<Vec<ObservationState>>,
    /// Only of this day or later.
    pub from: Option<NaiveDate>,
    /// Only of this day or earlier.
    pub to: Option<NaiveDate>,
}

impl Listing for Observations {
    type Entity = observation::Entity;

    fn narrow(&self, rows: Select<observation::Entity>) -> Select<observation::Entity> {
        use observation::Column::{MeasureId, ObservedOn, ProjectId, SiteId, State};
        rows.filter(sites::ops::home_in(SiteId, std::slice::from_ref(&self.site)))
            .apply_if(self.measure, |rows, id| rows.filter(MeasureId.eq(id)))
            .apply_if(self.project, |rows, id| rows.filter(ProjectId.eq(id)))
            .apply_if(self.states.clone(), |rows, states| rows.filter(State.is_in(states)))
            .apply_if(self.from, |rows, day| rows.filter(ObservedOn.gte(day)))
            .apply_if(self.to, |rows, day| rows.filter(ObservedOn.lte(day)))
    }

    fn sort(&self) -> Sort {
        Sort::by("OBSERVED_DESC", observation::Column::ObservedOn, KeyType::Day, true)
    }

    fn wide(&self) -> &'static [Wide<observation::Entity>] {
        &[
            (observation::Column::Note, &["note"]),
            (observation::Column::Breakdown, &["breakdown"]),
        ]
    }
}
