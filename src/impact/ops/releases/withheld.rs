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
        together::{counterpart, narrow},
    },
    input::Check,
};

/// What a site has told of sessions under other measures, whatever became of it: who has read it knows it still.
#[derive(Default)]
pub(super) struct Beside {
    months: HashMap<Month, HashMap<ImpactMeasureId, (SessionFigure, Released)>>,
}

impl Beside {
    /// Reads it for the months of a release: of each month and measure the last that was told. The months of all those
    /// measures are held, so that of two releases at once the second one sees the first.
    pub(super) async fn of(
        work: &Work<'_>,
        site: SiteId,
        measure: &impact_measure::Model,
        (from, to): (Month, Month),
    ) -> Result<Self> {
        use impact_release::Column::{MeasureId, Month as MonthOf, Revision, SiteId};
        let mut beside = Self::default();
        if measure.session_figure.is_none() {
            return Ok(beside);
        }
        let tied = tied(work, measure).await?;
        let held: Vec<_> = tied.keys().copied().chain([measure.id]).collect();
        months::hold(work, site, &held, from, to).await?;
        let rows = impact_release::Entity::find()
            .filter(SiteId.eq(site))
            .filter(MeasureId.is_in(tied.keys().copied()))
            .filter(MonthOf.between(from.first_day(), to.first_day()))
            .order_by_asc(Revision);
        for row in rows.all(work.db()).await? {
            if let Some(figure) = tied.get(&row.measure_id) {
                let month = beside.months.entry(Month::of(row.month)).or_default();
                month.insert(row.measure_id, (*figure, Released::from(&row)));
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
        let others = self.months.get(&month).into_iter().flatten().map(|(_, told)| told);
        for (of, other) in others {
            if *of == figure {
                refuse(format!(
                    "Another measure has told of the same sessions in {name}. Two such sums can be taken from one another."
                ));
            } else if counterpart(figure) == Some(*of) && narrow(figure, told, other) {
                refuse(format!(
                    "In {name} the people helped and their sign-ups are so close that together they tell how many there were. \
                     Release the one or the other."
                ));
            }
        }
    }
}

/// The other measures that sessions count into, with what of them.
async fn tied(work: &Work<'_>, measure: &impact_measure::Model) -> Result<HashMap<ImpactMeasureId, SessionFigure>> {
    let tied = impact_measure::Entity::find()
        .filter(impact_measure::Column::SessionFigure.is_not_null())
        .filter(impact_measure::Column::Id.ne(measure.id));
    let tied = tied.all(work.db()).await?.into_iter();
    Ok(tied
        .filter_map(|other| Some((other.id, other.session_figure?)))
        .collect())
}
