//! What is done to support sessions, and how they are listed. Approved ones count into the measures tied to them.

use chrono::NaiveDate;
use entity::{
    Kind, ObservationState, SessionFigure, SessionMode, SupportSessionId, Visibility, impact_measure, support_session,
};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
};

use super::{
    Decision,
    months::{self, Approved},
    national, past_day,
};
use crate::{
    app::Work,
    error::{Error, Result},
    input::{self, Check, Patch},
    policy::Action,
    read::{KeyType, Listing, Sort},
    sites,
};

/// Longest session: a day.
const MOST_MINUTES: i32 = 24 * 60;
/// More people than one session helps.
const MOST_PEOPLE: i32 = 10_000;

/// What a session was like. No learner is named anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// On which day.
    pub held_on: NaiveDate,
    /// In which way.
    pub mode: SessionMode,
    /// How long it took.
    pub minutes: i32,
    /// How many people were helped.
    pub people_helped: i32,
    /// The health condition it was about.
    pub condition: Option<String>,
    /// People who signed up to see their record.
    pub records: i32,
    /// People who signed up to order prescriptions.
    pub prescriptions: i32,
    /// People who signed up to book appointments.
    pub appointments: i32,
    /// The campaign that brought them.
    pub campaign_code: Option<String>,
}

/// Records a session that the caller held.
///
/// # Errors
/// Problems of the session; what [`Work::allow_at`] and [`Work::author`] refuse.
pub async fn record(work: &mut Work<'_>, site: &str, held: Held) -> Result<support_session::Model> {
    let site = sites::ops::named(work.db(), site).await?;
    work.allow_at(Action::Create, Kind::SupportSession, site.id).await?;
    let owner = work.author(site.id)?;
    let mut check = Check::new();
    let row = support_session::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site.id),
        visibility: Set(Visibility::Site),
        owner_id: Set(owner),
        state: Set(ObservationState::Submitted),
        decision_reason: Set(None),
        ..checked(&mut check, held, work.today())
    };
    check.done()?;
    work.insert::<support_session::Entity>(row).await
}

fn checked(check: &mut Check, held: Held, today: NaiveDate) -> support_session::ActiveModel {
    let mut people = |path: &str, number: i32| Set(check.whole(path, number, 0..=MOST_PEOPLE));
    let people_helped = people("peopleHelped", held.people_helped);
    let records_sign_ups = people("signUps.records", held.records);
    let prescriptions_sign_ups = people("signUps.prescriptions", held.prescriptions);
    let appointments_sign_ups = people("signUps.appointments", held.appointments);
    let condition = check.optional_line("condition", held.condition, input::WORD);
    support_session::ActiveModel {
        held_on: Set(past_day(check, "heldOn", held.held_on, today)),
        mode: Set(held.mode),
        minutes: Set(check.whole("minutes", held.minutes, 1..=MOST_MINUTES)),
        people_helped,
        condition: Set(condition.map(|word| word.to_lowercase())),
        records_sign_ups,
        prescriptions_sign_ups,
        appointments_sign_ups,
        campaign_code: Set(check.optional_line("campaignCode", held.campaign_code, input::WORD)),
        ..support_session::ActiveModel::default()
    }
}

/// What changes in a session.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// On which day.
    pub held_on: Patch<NaiveDate>,
    /// In which way.
    pub mode: Patch<SessionMode>,
    /// How long it took.
    pub minutes: Patch<i32>,
    /// How many people were helped.
    pub people_helped: Patch<i32>,
    /// The health condition it was about.
    pub condition: Patch<String>,
    /// People who signed up to see their record, to order prescriptions and to book appointments; emptied, nobody did.
    pub sign_ups: Patch<(i32, i32, i32)>,
    /// The campaign that brought them.
    pub campaign_code: Patch<String>,
}

/// Mends a session that is not approved yet, and hands it in again.
///
/// # Errors
/// Problems of the changes; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn update(
    work: &mut Work<'_>,
    id: SupportSessionId,
    version: i32,
    changes: Changes,
) -> Result<support_session::Model> {
    let row = work.get_at::<support_session::Entity>(id, version).await?;
    allow_undecided(work, Action::Edit, &row)?;
    let mut check = Check::new();
    let sign_ups = (
        row.records_sign_ups,
        row.prescriptions_sign_ups,
        row.appointments_sign_ups,
    );
    let (records, prescriptions, appointments) = changes.sign_ups.or_now(Some(sign_ups)).unwrap_or_default();
    let held = Held {
        held_on: check.required("heldOn", changes.held_on, &row.held_on),
        mode: check.required("mode", changes.mode, &row.mode),
        minutes: check.required("minutes", changes.minutes, &row.minutes),
        people_helped: check.required("peopleHelped", changes.people_helped, &row.people_helped),
        condition: changes.condition.or_now(row.condition.clone()),
        records,
        prescriptions,
        appointments,
        campaign_code: changes.campaign_code.or_now(row.campaign_code.clone()),
    };
    let held = checked(&mut check, held, work.today());
    check.done()?;
    let mut active = row.into_active_model();
    active.held_on = held.held_on;
    active.mode = held.mode;
    active.minutes = held.minutes;
    active.people_helped = held.people_helped;
    active.condition = held.condition;
    active.records_sign_ups = held.records_sign_ups;
    active.prescriptions_sign_ups = held.prescriptions_sign_ups;
    active.appointments_sign_ups = held.appointments_sign_ups;
    active.campaign_code = held.campaign_code;
    active.state = Set(ObservationState::Submitted);
    active.decision_reason = Set(None);
    work.update::<support_session::Entity>(active).await
}

/// Passes when an action is granted on a session that waits for a decision, and this one does, or was returned and may
/// be mended.
fn allow_undecided(work: &Work<'_>, action: Action, row: &support_session::Model) -> Result<()> {
    let undecided = support_session::Model {
        state: ObservationState::Submitted,
        ..row.clone()
    };
    work.allow::<support_session::Entity>(action, &undecided)?;
    match (row.state, action) {
        (ObservationState::Submitted, _) | (ObservationState::Returned, Action::Edit) => Ok(()),
        (ObservationState::Returned, _) => Err(Error::not_now(
            "This was returned. Whoever recorded it has to mend it first.",
        )),
        (ObservationState::Approved, _) => Err(Error::not_now("This is approved and stays as it is.")),
    }
}

/// Approves a session, so that it counts into the measures tied to sessions, or returns it.
///
/// # Errors
/// A problem when a return has no reason; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn decide(
    work: &mut Work<'_>,
    id: SupportSessionId,
    version: Option<i32>,
    decision: Decision,
) -> Result<support_session::Model> {
    let row = match version {
        Some(version) => work.get_at::<support_session::Entity>(id, version).await?,
        None => work.get::<support_session::Entity>(id).await?,
    };
    allow_undecided(work, Action::Approve, &row)?;
    let mut check = Check::new();
    let reason = decision.reason(&mut check);
    check.done()?;
    if decision.approve {
        count_in(work, &row).await?;
    }
    let mut active = row.into_active_model();
    active.state = Set(decision.state());
    active.decision_reason = Set(reason);
    work.update::<support_session::Entity>(active).await
}

/// Adds a session to its site's and the national measures, always in the same order: two approvals never wait for each
/// other in a circle. The measures are held, so that none becomes another kind meanwhile.
async fn count_in(work: &Work<'_>, session: &support_session::Model) -> Result<()> {
    use impact_measure::Column::{Id, SessionFigure, SiteId};
    let sites = std::iter::once(session.site_id).chain(national(work).await?);
    let tied = impact_measure::Entity::find()
        .filter(SessionFigure.is_not_null())
        .filter(SiteId.is_in(sites));
    let tied = tied.order_by_asc(Id).lock_shared().all(work.db()).await?;
    for measure in tied {
        let Some(figure) = measure.session_figure else { continue };
        let approved = Approved {
            site: session.site_id,
            measure: measure.id,
            project: None,
            on: session.held_on,
            value: Decimal::from(told(session, figure)),
            numerator: Decimal::ZERO,
            denominator: Decimal::ZERO,
        };
        months::add(work, approved).await?;
    }
    Ok(())
}

fn told(session: &support_session::Model, figure: SessionFigure) -> i32 {
    match figure {
        SessionFigure::SessionsHeld => 1,
        SessionFigure::PeopleHelped => session.people_helped,
        SessionFigure::SignUps => {
            session.records_sign_ups + session.prescriptions_sign_ups + session.appointments_sign_ups
        }
    }
}

/// Support sessions of a site, newest first.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// The site's slug.
    pub site: String,
}

impl Listing for Sessions {
    type Entity = support_session::Entity;

    fn narrow(&self, rows: Select<support_session::Entity>) -> Select<support_session::Entity> {
        let home = sites::ops::home_in(support_session::Column::SiteId, std::slice::from_ref(&self.site));
        rows.filter(home)
    }

    fn sort(&self) -> Sort {
        Sort::by("HELD_DESC", support_session::Column::HeldOn, KeyType::Day, true)
    }
}
