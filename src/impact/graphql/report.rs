//! The impact report in the API.

use async_graphql::{Context, Enum, Object, SimpleObject, Union};

use super::ImpactMeasure;
use crate::{
    error::Result,
    graphql::{
        Asking,
        scalars::{Date, Decimal},
        seen::Seen,
    },
    impact::{
        disclosure::{BASE, PROFILE},
        ops::report::{self as ops, Question},
        period::Period,
        report::{Total, Value},
    },
    sites::graphql::Site,
};

/// The periods of an impact report, by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Period")]
pub enum ImpactPeriod {
    /// Months, named `2026-03`.
    Month,
    /// Quarters from January, April, July and October, named `2026-Q1`.
    Quarter,
    /// Years, named `2026`.
    Year,
}

/// A figure, told as openly as disclosure control allows to you.
#[derive(Clone, Debug, Union)]
pub enum ImpactValue {
    /// As it is.
    Exact(ExactValue),
    /// Rounded.
    Rounded(RoundedValue),
    /// Withheld.
    Suppressed(SuppressedValue),
    /// Added up of what is published.
    Bounded(BoundedValue),
    /// Nothing is published.
    NotReported(NotReported),
}

/// A figure as it is: the measure counts no people, or you may read the site's observations.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct ExactValue {
    /// The figure; of a coverage its share from 0 to 1, to six decimal places.
    value: Decimal,
    /// Of a coverage: how many.
    numerator: Option<Decimal>,
    /// Of a coverage: of how many.
    denominator: Option<Decimal>,
    /// Of a mean: how many figures stand behind it.
    count: Option<Decimal>,
}

/// A figure about people as the site released it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct RoundedValue {
    /// The number of people, rounded to the nearest `base`; 0 is exact. Of a coverage its share from 0 to 1, made of the
    /// rounded parts; of a mean of numbers of people that of their rounded sum by the rounded count, of a mean of scores or
    /// amounts the nearest fifth.
    value: Decimal,
    /// Numbers of people are rounded to the nearest multiple of this.
    base: i32,
    /// Of a coverage: how many, rounded.
    numerator: Option<Decimal>,
    /// Of a coverage: of how many, rounded.
    denominator: Option<Decimal>,
    /// Of a mean: how many figures stand behind it, rounded.
    count: Option<Decimal>,
}

/// A figure that the site does not publish, since few people stand behind it. It is neither 0 nor unknown: show it as
/// suppressed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct SuppressedValue {
    /// Why, for people.
    reason: String,
    /// The rules that it follows.
    profile: String,
}

/// The figure of a quarter or year of which some months are rounded, suppressed or missing.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct BoundedValue {
    /// What is published, added up.
    value: Decimal,
    /// The least that the released months can stand for; of a mean, those whose mean is published.
    lower: Decimal,
    /// The most that they can stand for.
    upper: Decimal,
    /// How many months are suppressed. A sum has them between its bounds.
    months_suppressed: i32,
    /// How many months have no release. Nothing is known of them, so they are not between the bounds.
    months_missing: i32,
}

/// Nothing is released for the period.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct NotReported {
    /// Whether the site has released this measure for another period, so that this one can be expected.
    expected: bool,
}

impl From<Value> for ImpactValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Exact(told) => Self::Exact(ExactValue {
                value: Decimal(told.value),
                numerator: told.numerator.map(Decimal),
                denominator: told.denominator.map(Decimal),
                count: told.count.map(Decimal),
            }),
            Value::Rounded(told) => Self::Rounded(RoundedValue {
                value: Decimal(told.value),
                base: BASE,
                numerator: told.numerator.map(Decimal),
                denominator: told.denominator.map(Decimal),
                count: told.count.map(Decimal),
            }),
            Value::Suppressed => Self::Suppressed(SuppressedValue {
                reason: "From 1 to 7 people stand behind this figure, or behind each of its months, so it could point to a person."
                    .to_owned(),
                profile: PROFILE.to_owned(),
            }),
            Value::Bounded {
                value,
                interval,
                suppressed,
                missing,
            } => Self::Bounded(BoundedValue {
                value: Decimal(value),
                lower: Decimal(interval.low),
                upper: Decimal(interval.high),
                months_suppressed: number(suppressed),
                months_missing: number(missing),
            }),
            Value::NotReported { expected } => Self::NotReported(NotReported { expected }),
        }
    }
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A measure over sites and periods.
#[derive(Clone, Debug, SimpleObject)]
pub struct ImpactReport {
    /// The measure.
    measure: ImpactMeasure,
    /// How long the periods are.
    by: ImpactPeriod,
    /// A cell for each site and period: sites by name, their periods in order.
    cells: Vec<ImpactCell>,
    /// A total for each period, in order.
    totals: Vec<ImpactTotal>,
}

/// The figure of a site and period.
#[derive(Clone, Debug, SimpleObject)]
pub struct ImpactCell {
    /// The site.
    site: Site,
    /// The period's name: `2026-03`, `2026-Q1` or `2026`.
    period: String,
    /// The figure.
    value: ImpactValue,
}

/// What the published cells of a period add up to: the same for everybody who sees the same releases, whoever may read
/// observations.
#[derive(Clone, Debug, SimpleObject)]
pub struct ImpactTotal {
    /// The period's name.
    period: String,
    /// What is published, added up; of a coverage the share of both parts added up, of a mean the mean weighed by the
    /// released counts. Null where nobody reports or a mean has no count.
    value: Option<Decimal>,
    /// The least that the released figures can stand for, the suppressed ones included. Null where that is not known: a
    /// suppressed mean can be anything.
    lower: Option<Decimal>,
    /// The most that they can stand for.
    upper: Option<Decimal>,
    /// Of a coverage: the published numerators, added up.
    numerator: Option<Decimal>,
    /// Of a coverage: the published denominators, added up.
    denominator: Option<Decimal>,
    /// How many sites published a figure.
    sites_reporting: i32,
    /// How many sites published that theirs is suppressed.
    sites_suppressed: i32,
    /// How many sites published nothing, of those that released the measure for another period or that you named.
    sites_missing: i32,
}

impl ImpactTotal {
    fn of(period: String, total: Total) -> Self {
        Self {
            period,
            value: total.value.map(Decimal),
            lower: total.interval.map(|interval| Decimal(interval.low)),
            upper: total.interval.map(|interval| Decimal(interval.high)),
            numerator: total.numerator.map(Decimal),
            denominator: total.denominator.map(Decimal),
            sites_reporting: number(total.reporting),
            sites_suppressed: number(total.suppressed),
            sites_missing: number(total.missing),
        }
    }
}

impl ImpactReport {
    fn of(report: ops::Report, by: ImpactPeriod) -> Self {
        let sites: Vec<_> = Seen::all(report.sites).map(Site).collect();
        let cells = report.cells.into_iter().map(|cell| ImpactCell {
            site: sites[cell.site].clone(),
            period: cell.period,
            value: cell.value.into(),
        });
        let totals = report.totals.into_iter();
        Self {
            measure: ImpactMeasure(Seen::alone(report.measure)),
            by,
            cells: cells.collect(),
            totals: totals.map(|(period, total)| ImpactTotal::of(period, total)).collect(),
        }
    }
}

/// What can be asked about the network's impact.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImpactReportQueries;

/// What can be asked about the network's impact.
#[Object]
impl ImpactReportQueries {
    /// Impact over the network: a cell for each site and period, and for each period the total with its honest bounds.
    /// Sites are those that have released the measure, and those whose observations you may read. At most 120 periods.
    async fn impact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of a measure, or the code of a national one.")] measure: String,
        #[graphql(desc = "A day of the first period.")] from: Date,
        #[graphql(desc = "A day of the last period.")] to: Date,
        #[graphql(desc = "How long the periods are.", default_with = "ImpactPeriod::Month")] by: ImpactPeriod,
        #[graphql(desc = "Only the sites with these slugs, also those that have released nothing.")] sites: Option<
            Vec<String>,
        >,
    ) -> Result<ImpactReport> {
        let question = Question {
            measure,
            from: from.0,
            to: to.0,
            by: by.into(),
            sites,
        };
        let report = ops::report(ctx.app().reader(), ctx.caller(), &question).await?;
        Ok(ImpactReport::of(report, by))
    }
}
