//! What is not published because of what is published already: two figures of one month that would be told apart by taking
//! one from the other.

use std::collections::HashMap;

use entity::{Disclosed, ImpactMeasureId, SessionFigure, SiteId, impact_measure, impact_release};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::months;
use crate::{
    app::Work,
    error::{ProblemCode, Result},
    impact::{
        disclosure::Released,
        period::Month,
        together::{Moment, narrow},
    },
    input::Check,
};

/// What a site has told of sessions, whatever became of it: who has read it knows it still.
#[derive(Default)]
pub(super) struct Beside {
    months: HashMap<Month, Vec<Told>>,
}

/// A figure of sessions that was told.
struct Told {
    measure: ImpactMeasureId,
    figure: SessionFigure,
    released: Released,
}

impl Beside {
    /// Reads it for the months of a release, in the order in which it was told. The months of all those measures are held,
    /// so that of two releases at once the second one sees the first.
    pub(super) async fn of(
        work: &Work<'_>,
        site: SiteId,
        measure: &impact_measure::Model,
        (from, to): (Month, Month),
    ) -> Result<Self> {
        use impact_release::Column::{Id, MeasureId, Month as MonthOf, SiteId};
        let mut beside = Self::default();
        if measure.session_figure.is_none() {
            return Ok(beside);
        }
        let tied = tied(work).await?;
        let held: Vec<_> = tied.keys().copied().collect();
        months::hold(work, site, &held, from, to).await?;
        let rows = impact_release::Entity::find()
            .filter(SiteId.eq(site))
            .filter(MeasureId.is_in(held))
            .filter(MonthOf.between(from.first_day(), to.first_day()))
            .order_by_asc(Id);
        for row in rows.all(work.db()).await? {
            if let Some(figure) = tied.get(&row.measure_id) {
                let told = Told {
                    measure: row.measure_id,
                    figure: *figure,
                    released: Released::from(&row),
                };
                beside.months.entry(Month::of(row.month)).or_default().push(told);
            }
        }
        Ok(beside)
    }

    /// Notes a problem when the figure of a month is not to be told beside these and beside its own earlier releases.
    pub(super) fn check(
        &self,
        check: &mut Check,
        measure: &impact_measure::Model,
        month: Month,
        told: &Released,
        earlier: &[impact_release::Model],
    ) {
        let first = month.first_day();
        let name = first.format("%B %Y");
        let mut refuse = |why: String| check.note(ProblemCode::NotAllowedNow, "measure", why);
        let openly = |row: &impact_release::Model| row.disclosed == Disclosed::Exact;
        if told.disclosed != Disclosed::Exact && earlier.iter().any(openly) {
            refuse(format!(
                "{name} is told exactly by an earlier release, beside which a rounded figure would hide little."
            ));
        }
        let Some(figure) = measure.session_figure else { return };
        let before = self.months.get(&month).map_or(&[][..], Vec::as_slice);
        if before
            .iter()
            .any(|one| one.figure == figure && one.measure != measure.id)
        {
            refuse(format!(
                "Another measure has told of the same sessions in {name}. Two such sums can be taken from one another."
            ));
        }
        let (mut standing, mut earlier) = moments(before);
        earlier.extend(standing.tell(figure, told));
        if standing.moment().is_some_and(|now| narrow(&now, &earlier)) {
            refuse(format!(
                "In {name} the people helped and their sign-ups, as they are told and were told before, are so close that \
                 together they tell how many there were. Release the people first, or the one without the other."
            ));
        }
    }
}

/// What was told last of the people and of their sign-ups. Both are told one after the other, and mean one moment.
#[derive(Default)]
struct Standing {
    people: Option<Released>,
    sign_ups: Option<Released>,
    of_moment: Vec<SessionFigure>,
}

impl Standing {
    /// Takes in what is told next. What stood before, when another moment begins with it.
    fn tell(&mut self, figure: SessionFigure, released: &Released) -> Option<Moment> {
        let again = self.of_moment.contains(&figure);
        let before = self.moment().filter(|_| again);
        if again {
            self.of_moment.clear();
        }
        self.of_moment.push(figure);
        match figure {
            SessionFigure::PeopleHelped => self.people = Some(*released),
            SessionFigure::SignUps => self.sign_ups = Some(*released),
            SessionFigure::SessionsHeld => {}
        }
        before
    }

    fn moment(&self) -> Option<Moment> {
        let (people, sign_ups) = self.people.zip(self.sign_ups)?;
        Some(Moment { people, sign_ups })
    }
}

/// What stands after figures were told in this order, and the moments before it.
fn moments(told: &[Told]) -> (Standing, Vec<Moment>) {
    let mut standing = Standing::default();
    let told = told.iter().filter(|one| one.figure != SessionFigure::SessionsHeld);
    let moments = told
        .filter_map(|one| standing.tell(one.figure, &one.released))
        .collect();
    (standing, moments)
}

/// The measures that sessions count into, with what of them.
async fn tied(work: &Work<'_>) -> Result<HashMap<ImpactMeasureId, SessionFigure>> {
    let tied = impact_measure::Entity::find().filter(impact_measure::Column::SessionFigure.is_not_null());
    let tied = tied.all(work.db()).await?.into_iter();
    Ok(tied.filter_map(|one| Some((one.id, one.session_figure?))).collect())
}
