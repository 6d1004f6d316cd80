//! What is done to releases, and how they are listed.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use entity::{Figure, ImpactMeasureId, ImpactReleaseId, Kind, ReleaseState, SiteId, Visibility, impact_release};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
};

mod withheld;

use super::{measure_of, months};
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    impact::{
        disclosure::{Figures, Released, Shape, disclose},
        period::Month,
    },
    input::Check,
    policy::Action,
    read::{KeyType, Listing, Sort},
    sites,
};
use withheld::Beside;

/// Most months that are released at once.
pub const MOST_MONTHS: i32 = 60;

/// Months to be released.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The slug of the site whose figures they are.
    pub site: String,
    /// Of which measure.
    pub measure: ImpactMeasureId,
    /// The first day of the first month.
    pub from: NaiveDate,
    /// The first or last day of the last month.
    pub to: NaiveDate,
    /// Who sees them.
    pub visibility: Visibility,
}

/// Publishes the approved figures of whole months after disclosure control. A month whose published figure would be
/// the same keeps its release; one without approved figures gets none.
///
/// # Errors
/// Problems of the draft, and of months that are not to be told beside what is told already; what [`Work::allow_at`]
/// refuses.
pub async fn release(work: &mut Work<'_>, draft: Draft) -> Result<Vec<impact_release::Model>> {
    let site = sites::ops::named(work.db(), &draft.site).await?;
    work.allow_at(Action::Create, Kind::ImpactRelease, site.id).await?;
    let mut check = Check::new();
    let measure = measure_of(work, &mut check, &site, draft.measure).await?;
    let (from, to) = whole_months(&mut check, draft.from, draft.to, work.today());
    check.done()?;
    let shape = Shape::of(&measure);
    let beside = Beside::of(work, site.id, &measure, (from, to)).await?;
    let approved = months::lock(work, site.id, measure.id, from, to).await?;
    let before = before(work, site.id, measure.id, from, to).await?;
    let earlier = |month: Month| before.get(&month).map_or(&[][..], Vec::as_slice);
    let figures = approved.into_iter().filter_map(|((_, month), projects)| {
        let figures = Figures::gather(shape, &projects)?;
        Some((month, disclose(shape, &figures)))
    });
    let figures: Vec<_> = figures.collect();
    let mut check = Check::new();
    for (month, figure) in &figures {
        beside.check(&mut check, &measure, *month, figure, earlier(*month));
    }
    check.done()?;
    let mut releases = Vec::new();
    for (month, figure) in figures {
        releases.push(correct(work, &draft, site.id, month, figure, earlier(month)).await?);
    }
    Ok(releases)
}

/// The months between two days, with a note of every reason why they cannot be released.
fn whole_months(check: &mut Check, from: NaiveDate, to: NaiveDate, today: NaiveDate) -> (Month, Month) {
    check.day("from", from, today);
    check.day("to", to, today);
    let mut wrong = |path: &str, why: &str| check.note(ProblemCode::Invalid, path, why);
    if from.day() != 1 {
        wrong("from", "Give the first day of a month.");
    }
    let (first, last) = (Month::of(from), Month::of(to));
    if to.day() != 1 && to.succ_opt().is_some_and(|next| next.day() != 1) {
        wrong("to", "Give the first or the last day of a month.");
    }
    if last < first {
        wrong("to", "This ends before it starts.");
    } else if last.since(first) >= MOST_MONTHS {
        wrong("to", "Release at most 60 months at once.");
    }
    if last >= Month::of(today) {
        wrong("to", "Only months that have ended can be released.");
    }
    (first, last)
}

/// Every release that was made of these months, whatever became of it.
async fn before(
    work: &Work<'_>,
    site: SiteId,
    measure: ImpactMeasureId,
    from: Month,
    to: Month,
) -> Result<HashMap<Month, Vec<impact_release::Model>>> {
    use impact_release::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::SiteId.eq(site))
        .filter(Column::MeasureId.eq(measure))
        .filter(Column::Month.between(from.first_day(), to.first_day()))
        .order_by_asc(Column::Id)
        .lock_exclusive();
    let mut before: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows.all(work.db()).await? {
        before.entry(Month::of(row.month)).or_default().push(row);
    }
    Ok(before)
}

/// Makes the release of a month that the current one does not already say.
async fn correct(
    work: &mut Work<'_>,
    draft: &Draft,
    site: SiteId,
    month: Month,
    figure: Released,
    earlier: &[impact_release::Model],
) -> Result<impact_release::Model> {
    let current = earlier.iter().find(|row| row.state == ReleaseState::Current);
    if let Some(current) = current {
        if Released::from(current) == figure && current.visibility == draft.visibility {
            return Ok(current.clone());
        }
        let mut old = current.clone().into_active_model();
        old.state = Set(ReleaseState::Superseded);
        work.update::<impact_release::Entity>(old).await?;
    }
    let stored = |figure: Option<Decimal>| Set(figure.map(Figure));
    let row = impact_release::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site),
        visibility: Set(draft.visibility),
        measure_id: Set(draft.measure),
        month: Set(month.first_day()),
        revision: Set(earlier.iter().map(|row| row.revision).max().unwrap_or_default() + 1),
        supersedes_id: Set(current.map(|row| row.id)),
        state: Set(ReleaseState::Current),
        disclosed: Set(figure.disclosed),
        value: stored(figure.value),
        numerator: stored(figure.numerator),
        denominator: stored(figure.denominator),
        count: stored(figure.count),
        ..impact_release::ActiveModel::default()
    };
    work.insert::<impact_release::Entity>(row).await
}

/// Takes a release back. Whoever may release sees it as withdrawn; for all others it is gone.
///
/// # Errors
/// What [`Work::get_at`] and [`Work::allow`] refuse; a problem when it is no longer the current one.
pub async fn withdraw(work: &mut Work<'_>, id: ImpactReleaseId, version: i32) -> Result<impact_release::Model> {
    let row = work.get_at::<impact_release::Entity>(id, version).await?;
    let current = impact_release::Model {
        state: ReleaseState::Current,
        ..row.clone()
    };
    work.allow::<impact_release::Entity>(Action::Withdraw, &current)?;
    match row.state {
        ReleaseState::Current => {}
        ReleaseState::Superseded => {
            return Err(Error::not_now("A correction stands in its place. Withdraw that one."));
        }
        ReleaseState::Withdrawn => return Err(Error::not_now("This is withdrawn already.")),
    }
    let mut active = row.into_active_model();
    active.state = Set(ReleaseState::Withdrawn);
    work.update::<impact_release::Entity>(active).await
}

/// Releases, latest month first.
#[derive(Clone, Debug, Default)]
pub struct Releases {
    /// Only of the sites with these slugs.
    pub sites: Option<Vec<String>>,
    /// Only of this measure.
    pub measure: Option<ImpactMeasureId>,
    /// Only of months that begin on this day or later.
    pub from: Option<NaiveDate>,
    /// Only of months that begin on this day or earlier.
    pub to: Option<NaiveDate>,
    /// Only in one of these states.
    pub states: Option<Vec<ReleaseState>>,
}

impl Listing for Releases {
    type Entity = impact_release::Entity;

    fn narrow(&self, rows: Select<impact_release::Entity>) -> Select<impact_release::Entity> {
        use impact_release::Column::{MeasureId, Month, SiteId, State};
        rows.apply_if(self.sites.as_ref(), |rows, slugs| {
            rows.filter(sites::ops::home_in(SiteId, slugs))
        })
        .apply_if(self.measure, |rows, id| rows.filter(MeasureId.eq(id)))
        .apply_if(self.from, |rows, day| rows.filter(Month.gte(day)))
        .apply_if(self.to, |rows, day| rows.filter(Month.lte(day)))
        .apply_if(self.states.clone(), |rows, states| rows.filter(State.is_in(states)))
    }

    /// Within a month the ids count up, so the revisions of a site and measure do too.
    fn sort(&self) -> Sort {
        Sort::by("MONTH_DESC", impact_release::Column::Month, KeyType::Day, true)
    }
}
