//! What is done to measures, observations, support sessions and releases, and how they are listed.

use entity::{ImpactMeasureId, Kind, SiteId, impact_measure, site};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check},
    scope::readable,
    sites,
};

pub mod import;
pub mod measures;
pub mod months;
pub mod observations;
pub mod releases;
pub mod report;
pub mod sessions;

/// What somebody says of a figure or session that waits for a decision.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Whether it counts from now on.
    pub approve: bool,
    /// Why; needed to return it.
    pub reason: Option<String>,
}

impl Decision {
    /// The reason, which nobody is left without whose work is returned.
    fn reason(&self, check: &mut Check) -> Option<String> {
        let reason = check.optional_text("reason", self.reason.clone(), input::SUMMARY);
        if reason.is_none() && !self.approve {
            check.note(ProblemCode::Required, "reason", "Say what has to be mended.");
        }
        reason
    }

    fn state(&self) -> entity::ObservationState {
        if self.approve {
            entity::ObservationState::Approved
        } else {
            entity::ObservationState::Returned
        }
    }
}

/// The national site, whose measures all sites share.
async fn national(work: &Work<'_>) -> Result<Option<SiteId>> {
    Ok(sites::ops::national(work.db()).await?.map(|national| national.id))
}

/// A measure that a site may count in: its own, or a national one. Held until the work ends, so that nobody makes it
/// another kind of measure meanwhile.
async fn measure_of(
    work: &Work<'_>,
    check: &mut Check,
    site: &site::Model,
    id: ImpactMeasureId,
) -> Result<impact_measure::Model> {
    let found = readable::<impact_measure::Entity>(work.caller()).filter(impact_measure::Column::Id.eq(id));
    let found = found.lock_shared().one(work.db()).await?;
    let measure = found.ok_or(Error::NotFound(Kind::ImpactMeasure))?;
    if measure.site_id != site.id && Some(measure.site_id) != national(work).await? {
        check.note(
            ProblemCode::Invalid,
            "measure",
            "This measure belongs to another region. Use a national one or one of your site.",
        );
    }
    Ok(measure)
}

/// Notes a problem when a number that counts things is broken or below 0.
fn whole(check: &mut Check, path: &str, figure: Option<Decimal>) {
    let broken = |figure: &Decimal| !figure.fract().is_zero() || (figure.is_sign_negative() && !figure.is_zero());
    if figure.as_ref().is_some_and(broken) {
        check.note(ProblemCode::Invalid, path, "Give a whole number that is not below 0.");
    }
}

/// A day on which something happened.
fn past_day(check: &mut Check, path: &str, day: chrono::NaiveDate, today: chrono::NaiveDate) -> chrono::NaiveDate {
    if day > today {
        check.note(ProblemCode::Invalid, path, "This day is still to come.");
        day
    } else {
        check.day(path, day, today)
    }
}
