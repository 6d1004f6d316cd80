//! What is kept no longer than needed (`docs/privacy.md`, section 5): a few rows a work, as the host itself.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{ChampionStatus, ObservationState, ReportState, champion, observation, report, support_session};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::{
    app::{App, Work},
    champions,
    error::Result,
    record::Record,
    scope::kept_here,
};

/// Rows that one work forgets, so that nobody waits long for it.
const AT_ONCE: u64 = 50;

/// Forgets what is kept for longer than the settings say.
///
/// # Errors
/// Only when the database or the ledger fails.
pub async fn sweep(app: &App) -> Result<()> {
    let days = &app.settings.retention;
    until_none(app, days.applications_days, forget_applications).await?;
    until_none(app, days.invitations_days, forget_invitations).await?;
    until_none(app, days.contact_days, forget_contacts).await?;
    until_none(app, days.reports_days, forget_reports).await?;
    until_none(app, days.figures_days, forget_sessions).await?;
    until_none(app, days.figures_days, forget_observations).await
}

/// Forgets what is older than so many days, in works of their own, until there is none.
async fn until_none(
    app: &App,
    days: u32,
    forget: impl AsyncFn(&mut Work<'_>, DateTime<Utc>) -> Result<usize>,
) -> Result<()> {
    let before = app.clock.now().checked_sub_signed(TimeDelta::days(days.into()));
    let Some(before) = before.filter(|_| days > 0) else {
        return Ok(());
    };
    while !app.signals.is_stopping() {
        let forgotten = app.system("retention", async |work| forget(work, before).await).await?;
        if forgotten == 0 {
            break;
        }
    }
    Ok(())
}

/// Some of the rows of this host that meet a condition, locked.
fn some<E: Record>(due: Condition) -> Select<E> {
    E::find()
        .filter(due)
        .filter(E::home_column().in_subquery(kept_here()))
        .order_by_asc(E::id_column())
        .limit(AT_ONCE)
        .lock_exclusive()
}

async fn erase(work: &mut Work<'_>, due: Condition) -> Result<usize> {
    let rows = some::<champion::Entity>(due).all(work.db()).await?;
    let count = rows.len();
    for row in rows {
        champions::ops::remove(work, row).await?;
    }
    Ok(count)
}

/// Those who never became champions.
async fn forget_applications(work: &mut Work<'_>, before: DateTime<Utc>) -> Result<usize> {
    let never = [ChampionStatus::Applied, ChampionStatus::Declined];
    let due = Condition::all()
        .add(champion::Column::Status.is_in(never))
        .add(champion::Column::UpdatedAt.lt(before));
    erase(work, due).await
}

/// Those who have not come.
async fn forget_invitations(work: &mut Work<'_>, before: DateTime<Utc>) -> Result<usize> {
    let due = Condition::all()
        .add(champion::Column::ClaimCodeHash.is_not_null())
        .add(champion::Column::ClaimExpiresAt.lt(before));
    erase(work, due).await
}

/// How to reach those who have gone.
async fn forget_contacts(work: &mut Work<'_>, before: DateTime<Utc>) -> Result<usize> {
    let contact = Condition::any()
        .add(champion::Column::Email.is_not_null())
        .add(champion::Column::Phone.is_not_null());
    let due = contact_due(before).add(contact);
    let rows = some::<champion::Entity>(due).all(work.db()).await?;
    let count = rows.len();
    for row in rows {
        let mut row = row.into_active_model();
        row.email = Set(None);
        row.phone = Set(None);
        work.update::<champion::Entity>(row).await?;
        work.forgets();
    }
    Ok(count)
}

fn contact_due(before: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(champion::Column::Status.eq(ChampionStatus::StoodDown))
        .add(champion::Column::UpdatedAt.lt(before))
}

/// The words of reports that moderators are done with.
async fn forget_reports(work: &mut Work<'_>, before: DateTime<Utc>) -> Result<usize> {
    let words = Condition::any()
        .add(report::Column::Reason.ne(""))
        .add(report::Column::Outcome.is_not_null());
    let due = Condition::all()
        .add(report::Column::State.eq(ReportState::Closed))
        .add(report::Column::ClosedAt.lt(before))
        .add(words);
    let rows = some::<report::Entity>(due).all(work.db()).await?;
    let count = rows.len();
    for row in rows {
        let mut row = row.into_active_model();
        row.reason = Set(String::new());
        row.outcome = Set(None);
        work.update::<report::Entity>(row).await?;
        work.forgets();
    }
    Ok(count)
}

/// States in which a record of figures is not changed any more, or was not for years.
const DECIDED: [ObservationState; 2] = [ObservationState::Approved, ObservationState::Returned];

/// Sessions whose figures are in the sums.
async fn forget_sessions(work: &mut Work<'_>, before: DateTime<Utc>) -> Result<usize> {
    let due = Condition::all()
        .add(support_session::Column::State.is_in(DECIDED))
        .add(support_session::Column::HeldOn.lt(before.date_naive()));
    delete::<support_session::Entity>(work, due).await
}

/// Figures that are in the sums.
async fn forget_observations(work: &mut Work<'_>, before: DateTime<Utc>) -> Result<usize> {
    let due = Condition::all()
        .add(observation::Column::State.is_in(DECIDED))
        .add(observation::Column::ObservedOn.lt(before.date_naive()));
    delete::<observation::Entity>(work, due).await
}

/// A backup that brings them back brings their age too, so that they go again without being listed as erased.
async fn delete<E: Record>(work: &mut Work<'_>, due: Condition) -> Result<usize>
where
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let rows = some::<E>(due).all(work.db()).await?;
    let count = rows.len();
    for row in rows {
        work.delete::<E>(row).await?;
        work.forgets();
    }
    Ok(count)
}
