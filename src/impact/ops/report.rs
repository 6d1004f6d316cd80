//! Reads what the impact report adds up: a constant number of statements, however many sites and periods.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use entity::{Kind, ReleaseState, SiteId, SiteKind, SiteStatus, impact_measure, impact_release, site};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    measures,
    months::{self, ByMonth},
};
use crate::{
    error::{Error, Result},
    impact::{
        disclosure::{Figures, Released, Shape},
        period::{Month, Period, Span},
        report::{self, Total, Value},
    },
    policy::{Access, Action, Caller, reach},
    scope::readable,
};

/// Most periods of a report.
pub const MOST_PERIODS: usize = 120;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The id of a measure, or the code of a national one.
    pub measure: String,
    /// A day of the first period.
    pub from: NaiveDate,
    /// A day of the last period.
    pub to: NaiveDate,
    /// How long the periods are.
    pub by: Period,
    /// Only these sites, by their slugs.
    pub sites: Option<Vec<String>>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Report {
    /// The measure.
    pub measure: impact_measure::Model,
    /// The sites, by name.
    pub sites: Vec<site::Model>,
    /// A cell for each site and period.
    pub cells: Vec<Cell>,
    /// A total for each period, with the period's name.
    pub totals: Vec<(String, Total)>,
}

/// The figure of a site and period.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Which of the report's sites.
    pub site: usize,
    /// The period's name.
    pub period: String,
    /// The figure.
    pub value: Value,
}

/// What is known of the sites.
struct Known {
    shape: Shape,
    named: bool,
    published: HashMap<(SiteId, Month), Released>,
    reporting: HashSet<SiteId>,
    approved: ByMonth,
}

/// Adds up a measure over sites and periods.
///
/// # Errors
/// [`Error::Argument`] for periods that are none or too many; [`Error::NotFound`] for an unknown measure.
pub async fn report(db: &impl ConnectionTrait, caller: &Caller, question: &Question) -> Result<Report> {
    let spans = spans(question)?;
    let (first, last) = range(&spans);
    let measure = measures::named(db, caller, &question.measure).await?;
    let mut sites = active_sites(db).await?;
    let shared = sites
        .iter()
        .any(|site| site.kind == SiteKind::National && site.id == measure.site_id);
    if let Some(slugs) = &question.sites {
        sites.retain(|site| slugs.contains(&site.slug));
    }
    let reporting = reporting(db, caller, &measure).await?;
    let counts = |site: &&site::Model| shared || site.id == measure.site_id;
    let observed = sites.iter().filter(counts).filter(|site| may_observe(caller, site.id));
    let observed: Vec<_> = observed.map(|site| site.id).collect();
    let named = question.sites.is_some();
    sites.retain(|site| named || reporting.contains(&site.id) || observed.contains(&site.id));
    let known = Known {
        shape: Shape::of(&measure),
        named,
        published: published(db, caller, &measure, first, last).await?,
        reporting,
        approved: months::between(db, &observed, measure.id, first, last).await?,
    };
    let by_site = sites.iter().enumerate();
    let cells = by_site.flat_map(|(at, site)| {
        let (known, spans) = (&known, &spans);
        spans.iter().map(move |span| Cell {
            site: at,
            period: span.name.clone(),
            value: known.cell(site.id, span),
        })
    });
    let cells = cells.collect();
    let totals = spans.iter().map(|span| (span.name.clone(), known.total(&sites, span)));
    let totals = totals.collect();
    Ok(Report {
        measure,
        sites,
        cells,
        totals,
    })
}

fn spans(question: &Question) -> Result<Vec<Span>> {
    if question.to < question.from {
        return Err(Error::argument("to", "This is before `from`."));
    }
    let spans = question.by.spans(question.from, question.to, MOST_PERIODS);
    spans.ok_or_else(|| Error::argument("to", format!("Ask for at most {MOST_PERIODS} periods at once.")))
}

fn range(spans: &[Span]) -> (Month, Month) {
    let first = spans.first().map(|span| span.first);
    let last = spans.last().and_then(|span| span.months().last());
    let first = first.expect("two days have at least one period between them");
    (first, last.unwrap_or(first))
}

async fn active_sites(db: &impl ConnectionTrait) -> Result<Vec<site::Model>> {
    use site::Column::{Name, Slug, Status};
    let rows = site::Entity::find().filter(Status.eq(SiteStatus::Active));
    Ok(rows.order_by_asc(Name).order_by_asc(Slug).all(db).await?)
}

/// Whether a caller reads what anybody observes at a site.
fn may_observe(caller: &Caller, site: SiteId) -> bool {
    reach(caller, Action::Read, Kind::Observation).covers(&Access::at(Kind::Observation, site))
}

/// The sites with a current release of the measure that the caller may see.
async fn reporting(
    db: &impl ConnectionTrait,
    caller: &Caller,
    measure: &impact_measure::Model,
) -> Result<HashSet<SiteId>> {
    let rows = current(caller, measure).select_only().distinct();
    let sites: Vec<SiteId> = rows.column(impact_release::Column::SiteId).into_tuple().all(db).await?;
    Ok(sites.into_iter().collect())
}

async fn published(
    db: &impl ConnectionTrait,
    caller: &Caller,
    measure: &impact_measure::Model,
    first: Month,
    last: Month,
) -> Result<HashMap<(SiteId, Month), Released>> {
    let between = impact_release::Column::Month.between(first.first_day(), last.first_day());
    let rows = current(caller, measure).filter(between).all(db).await?;
    let rows = rows.iter();
    Ok(rows
        .map(|row| ((row.site_id, Month::of(row.month)), Released::from(row)))
        .collect())
}

fn current(caller: &Caller, measure: &impact_measure::Model) -> sea_orm::Select<impact_release::Entity> {
    use impact_release::Column::{MeasureId, State};
    readable::<impact_release::Entity>(caller)
        .filter(MeasureId.eq(measure.id))
        .filter(State.eq(ReleaseState::Current))
}

impl Known {
    fn cell(&self, site: SiteId, span: &Span) -> Value {
        let figures = |month| Figures::gather(self.shape, self.approved.get(&(site, month))?);
        let figures: Vec<_> = span.months().map(figures).collect();
        report::exact(self.shape, &figures).unwrap_or_else(|| {
            let expected = self.reporting.contains(&site);
            report::published(self.shape, &self.releases(site, span), expected)
        })
    }

    fn releases(&self, site: SiteId, span: &Span) -> Vec<Option<Released>> {
        let release = |month| self.published.get(&(site, month)).copied();
        span.months().map(release).collect()
    }

    /// Of what is published alone, so that it is the same for those who may read observations.
    fn total(&self, sites: &[site::Model], span: &Span) -> Total {
        let counted = sites
            .iter()
            .filter(|site| self.named || self.reporting.contains(&site.id));
        let releases: Vec<_> = counted.map(|site| self.releases(site.id, span)).collect();
        report::total(self.shape, &releases)
    }
}
