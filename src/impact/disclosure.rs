//! What a site publishes of a month's figure, and what a published figure still allows. Pure arithmetic.
//!
//! Profile `NHS_HES_2018`, for measures that count people: 0 stays 0, 1 to 7 is suppressed, everything else is rounded
//! to the nearest 5. A coverage is suppressed whole when either of its parts is; a mean when 1 to 7 figures (or people)
//! stand behind it. What somebody could still find out, and what they cannot, stands in `docs/disclosure.md`.

use entity::{Disclosed, MeasureAggregation, MeasureKind, impact_measure, impact_month, impact_release};
use rust_decimal::{Decimal, RoundingStrategy};

/// The profile by which figures that count people are disclosed.
pub const PROFILE: &str = "NHS_HES_2018";
/// Such figures are rounded to the nearest multiple of this.
pub const BASE: i32 = 5;
/// How far a rounded number of people is from the truth at most.
const REACH: i32 = (BASE - 1) / 2;
/// The smallest number of people that is published, besides 0.
pub const SMALLEST: i32 = 8;
/// Decimal places of a mean or share that is not about people.
pub const PLACES: u32 = 6;
/// Decimal places of a mean about people.
pub const MEAN_PLACES: u32 = 2;
/// A mean of scores or amounts about people is told in steps of a fifth. Of eight or more whole numbers every count then has
/// a sum that is told the same; finer steps would tell how many people there are, as 5.56 tells nine.
const MEAN_STEPS: i32 = 5;

/// How the figures of a measure are told and added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What kind of figure it is.
    pub kind: MeasureKind,
    /// How figures of one month and project add up.
    pub aggregation: MeasureAggregation,
    /// Whether disclosure control applies.
    pub counts_people: bool,
}

/// The approved figures of a site and month, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many figures there are.
    pub count: i64,
    /// Their sum, or the sum of each project's latest.
    pub value: Decimal,
    /// The same of the numerators of a coverage.
    pub numerator: Decimal,
    /// The same of its denominators.
    pub denominator: Decimal,
}

/// What is published of a month's figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// As what.
    pub disclosed: Disclosed,
    /// The figure; none of a coverage.
    pub value: Option<Decimal>,
    /// Of a coverage: how many.
    pub numerator: Option<Decimal>,
    /// Of a coverage: of how many.
    pub denominator: Option<Decimal>,
    /// Of a mean: how many figures stand behind it.
    pub count: Option<Decimal>,
}

/// Between which figures the truth lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// The least.
    pub low: Decimal,
    /// The greatest.
    pub high: Decimal,
}

impl Shape {
    /// That of a measure.
    pub const fn of(measure: &impact_measure::Model) -> Self {
        Self {
            kind: measure.kind,
            aggregation: measure.aggregation,
            counts_people: measure.counts_people,
        }
    }

    /// That of a release, as far as its figures tell: enough to show it alone.
    pub fn told_by(released: &Released) -> Self {
        Self {
            kind: if released.denominator.is_some() {
                MeasureKind::Coverage
            } else {
                MeasureKind::Count
            },
            aggregation: if released.count.is_some() {
                MeasureAggregation::Mean
            } else {
                MeasureAggregation::Sum
            },
            counts_people: released.disclosed != Disclosed::Exact,
        }
    }

    /// Whether it has a numerator and a denominator instead of a value.
    pub fn coverage(self) -> bool {
        self.kind == MeasureKind::Coverage
    }

    /// Whether it is a mean.
    pub fn mean(self) -> bool {
        !self.coverage() && self.aggregation == MeasureAggregation::Mean
    }

    /// Whether a longer period has the figure of its last month, instead of adding months up.
    pub fn takes_last(self) -> bool {
        self.coverage() || self.aggregation == MeasureAggregation::Latest
    }

    /// The one number that tells a figure: of a coverage its share, from 0 to 1.
    pub fn value(self, released: &Released) -> Decimal {
        if self.coverage() {
            share(
                released.numerator.unwrap_or_default(),
                released.denominator.unwrap_or_default(),
            )
        } else {
            released.value.unwrap_or_default()
        }
    }
}

impl Figures {
    /// Adds up the projects of a site and month: sums add, of the latest each project has its own.
    pub fn gather(shape: Shape, projects: &[impact_month::Model]) -> Option<Self> {
        let latest = shape.aggregation == MeasureAggregation::Latest;
        let add = |sum: Self, month: &impact_month::Model| {
            let (value, numerator, denominator) = if latest {
                (month.latest_value, month.latest_numerator, month.latest_denominator)
            } else {
                (month.value, month.numerator, month.denominator)
            };
            Self {
                count: sum.count + i64::from(month.count),
                value: sum.value.saturating_add(value.0),
                numerator: sum.numerator.saturating_add(numerator.0),
                denominator: sum.denominator.saturating_add(denominator.0),
            }
        };
        let sum = projects.iter().fold(Self::default(), add);
        (sum.count > 0).then_some(sum)
    }

    /// The mean of the figures, as it is.
    pub fn mean(&self, places: u32) -> Decimal {
        let mean = self.value.checked_div(Decimal::from(self.count)).unwrap_or_default();
        nearest(mean, places)
    }
}

impl Released {
    const SUPPRESSED: Self = Self {
        disclosed: Disclosed::Suppressed,
        value: None,
        numerator: None,
        denominator: None,
        count: None,
    };

    fn shown(disclosed: Disclosed) -> Self {
        Self {
            disclosed,
            ..Self::SUPPRESSED
        }
    }

    /// The numbers that its value can stand for.
    pub fn interval(&self) -> Interval {
        bounds(self.disclosed, self.value.unwrap_or_default())
    }
}

impl From<&impact_release::Model> for Released {
    fn from(row: &impact_release::Model) -> Self {
        let figure = |figure: Option<entity::Figure>| figure.map(|figure| figure.0);
        Self {
            disclosed: row.disclosed,
            value: figure(row.value),
            numerator: figure(row.numerator),
            denominator: figure(row.denominator),
            count: figure(row.count),
        }
    }
}

/// What may be published of a month's figures.
pub fn disclose(shape: Shape, figures: &Figures) -> Released {
    let (numerator, denominator) = (figures.numerator, figures.denominator);
    if !shape.counts_people {
        let exact = Released::shown(Disclosed::Exact);
        return if shape.coverage() {
            parts(exact, numerator, denominator)
        } else if shape.mean() {
            mean(exact, figures.mean(PLACES), Decimal::from(figures.count))
        } else {
            value(exact, figures.value)
        };
    }
    let shown = Released::shown(Disclosed::Rounded);
    let disclosed = if shape.coverage() {
        rounded(numerator)
            .zip(rounded(denominator))
            .map(|(some, all)| parts(shown, some, all))
    } else if shape.mean() {
        let count = rounded(Decimal::from(figures.count));
        let told = count.and_then(|count| mean_of_people(shape, figures, count));
        told.zip(count).map(|(told, count)| mean(shown, told, count))
    } else {
        rounded(figures.value).map(|people| value(shown, people))
    };
    disclosed.unwrap_or(Released::SUPPRESSED)
}

/// A mean about people, told so that it says no more of how many figures there are than their rounded count. The sum of
/// counts of people is a number of people itself, so their mean is made of what both round to.
fn mean_of_people(shape: Shape, figures: &Figures, count: Decimal) -> Option<Decimal> {
    if shape.kind == MeasureKind::Count {
        let mean = rounded(figures.value)?.checked_div(count).unwrap_or_default();
        return Some(nearest(mean, MEAN_PLACES));
    }
    let steps = Decimal::from(MEAN_STEPS);
    let scaled = figures.value.saturating_mul(steps);
    let mean = scaled.checked_div(Decimal::from(figures.count)).unwrap_or_default();
    Some((nearest(mean, 0) / steps).normalize())
}

/// Between which figures a mean lies that is told with its count.
pub fn mean_bounds(shape: Shape, released: &Released) -> Interval {
    let mean = released.value.unwrap_or_default();
    if released.disclosed == Disclosed::Exact {
        return Interval { low: mean, high: mean };
    }
    let around = |figure: Decimal, reach: Decimal| Interval {
        low: figure.saturating_sub(reach),
        high: figure.saturating_add(reach),
    };
    if shape.kind != MeasureKind::Count {
        return around(mean, Decimal::new(1, 1));
    }
    let told = released.count.unwrap_or_default();
    let half = Decimal::new(5, MEAN_PLACES + 1).saturating_mul(told);
    // The smallest sum but 0 is told as 10: its mean shows as 0 only when it is spread over thousands.
    let nobody = mean.is_zero() && half <= Decimal::from(SMALLEST + REACH);
    if nobody {
        return Interval::default();
    }
    let counts = bounds(released.disclosed, told);
    let sums = around(mean.saturating_mul(told), half.saturating_add(Decimal::from(REACH)));
    let low = sums.low.max(Decimal::from(SMALLEST)).checked_div(counts.high);
    Interval {
        low: low.filter(|_| !mean.is_zero()).unwrap_or_default(),
        high: sums.high.checked_div(counts.low).unwrap_or(sums.high),
    }
}

fn value(released: Released, value: Decimal) -> Released {
    Released {
        value: Some(value.normalize()),
        ..released
    }
}

fn mean(released: Released, mean: Decimal, count: Decimal) -> Released {
    Released {
        count: Some(count.normalize()),
        ..value(released, mean)
    }
}

fn parts(released: Released, numerator: Decimal, denominator: Decimal) -> Released {
    Released {
        numerator: Some(numerator.normalize()),
        denominator: Some(denominator.normalize()),
        ..released
    }
}

/// A number of people as it is published; none when it is suppressed.
fn rounded(people: Decimal) -> Option<Decimal> {
    if people.is_zero() {
        Some(Decimal::ZERO)
    } else if people.abs() < Decimal::from(SMALLEST) {
        None
    } else {
        let base = Decimal::from(BASE);
        Some(nearest(people / base, 0).saturating_mul(base))
    }
}

/// The numbers of people that a published one can stand for; the figure itself where it was not about people.
pub fn bounds(disclosed: Disclosed, figure: Decimal) -> Interval {
    match disclosed {
        Disclosed::Exact => Interval {
            low: figure,
            high: figure,
        },
        Disclosed::Suppressed => Interval {
            low: Decimal::ONE,
            high: Decimal::from(SMALLEST - 1),
        },
        Disclosed::Rounded if figure.is_zero() => Interval::default(),
        Disclosed::Rounded => {
            let reach = Decimal::from(REACH);
            let high = figure.saturating_add(reach);
            let low = figure.saturating_sub(reach).max(Decimal::from(SMALLEST)).min(high);
            Interval { low, high }
        }
    }
}

/// A share from 0 to 1.
pub fn share(numerator: Decimal, denominator: Decimal) -> Decimal {
    nearest(numerator.checked_div(denominator).unwrap_or_default(), PLACES)
}

/// Rounded as people do it, half away from zero.
pub fn nearest(figure: Decimal, places: u32) -> Decimal {
    figure
        .round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
        .normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(kind: MeasureKind, aggregation: MeasureAggregation) -> Shape {
        Shape {
            kind,
            aggregation,
            counts_people: true,
        }
    }

    fn figures(count: i64, value: i64, numerator: i64, denominator: i64) -> Figures {
        Figures {
            count,
            value: value.into(),
            numerator: numerator.into(),
            denominator: denominator.into(),
        }
    }

    fn counted(value: i64) -> Released {
        disclose(
            people(MeasureKind::Count, MeasureAggregation::Sum),
            &figures(1, value, 0, 0),
        )
    }

    #[test]
    fn nothing_between_one_and_seven_is_published() {
        for small in 1..=7 {
            assert_eq!(counted(small), Released::SUPPRESSED, "{small}");
        }
        assert_eq!(counted(0).value, Some(Decimal::ZERO));
        assert_eq!(counted(0).disclosed, Disclosed::Rounded);
        assert_eq!(counted(8).value, Some(Decimal::from(10)));
    }

    #[test]
    fn every_number_of_people_lies_in_the_interval_of_what_is_published() {
        for number in 0..=2_000 {
            let released = counted(number);
            let interval = match released.disclosed {
                Disclosed::Suppressed => bounds(Disclosed::Suppressed, Decimal::ZERO),
                _ => released.interval(),
            };
            let number = Decimal::from(number);
            assert!(
                interval.low <= number && number <= interval.high,
                "{number}: {interval:?}"
            );
        }
    }

    #[test]
    fn an_interval_holds_no_number_that_would_be_published_otherwise() {
        for published in [0, 10, 15, 20, 995] {
            let interval = bounds(Disclosed::Rounded, Decimal::from(published));
            for number in 0..=1_010 {
                let inside = interval.low <= Decimal::from(number) && Decimal::from(number) <= interval.high;
                let same = counted(number).value == Some(Decimal::from(published));
                assert_eq!(inside, same, "{number} as {published}");
            }
        }
    }

    #[test]
    fn what_is_published_is_a_multiple_of_five_and_never_five_itself() {
        for number in 0..=500 {
            let Some(value) = counted(number).value else { continue };
            assert_eq!(value % Decimal::from(5), Decimal::ZERO);
            assert_ne!(value, Decimal::from(5), "{number}");
            assert!((value - Decimal::from(number)).abs() <= Decimal::from(2));
        }
    }

    #[test]
    fn a_coverage_is_suppressed_whole_when_either_part_is() {
        let shape = people(MeasureKind::Coverage, MeasureAggregation::Latest);
        for denominator in 1..=60 {
            for numerator in 0..=denominator {
                let released = disclose(shape, &figures(1, 0, numerator, denominator));
                let small = |part: i64| (1..=7).contains(&part);
                if small(numerator) || small(denominator) {
                    assert_eq!(released, Released::SUPPRESSED, "{numerator} of {denominator}");
                } else {
                    assert_eq!(released.numerator, counted(numerator).value);
                    assert_eq!(released.denominator, counted(denominator).value);
                    assert!(shape.value(&released) <= Decimal::ONE);
                }
            }
        }
    }

    #[test]
    fn a_mean_about_people_shows_only_with_eight_figures_behind_it() {
        let shape = people(MeasureKind::Score, MeasureAggregation::Mean);
        for count in 1..=7 {
            assert_eq!(disclose(shape, &figures(count, 30, 0, 0)), Released::SUPPRESSED);
        }
        let released = disclose(shape, &figures(9, 50, 0, 0));
        assert_eq!(released.value, Some("5.6".parse().unwrap()));
        assert_eq!(released.count, Some(Decimal::from(10)));
    }

    #[test]
    fn a_mean_of_counts_does_not_tell_a_small_sum() {
        let shape = people(MeasureKind::Count, MeasureAggregation::Mean);

        assert_eq!(disclose(shape, &figures(20, 7, 0, 0)), Released::SUPPRESSED);
        let released = disclose(shape, &figures(21, 8, 0, 0));
        assert_eq!(
            (released.disclosed, released.value),
            (Disclosed::Rounded, Some(Decimal::new(5, 1)))
        );
    }

    #[test]
    fn a_mean_lies_within_its_bounds() {
        for kind in [MeasureKind::Count, MeasureKind::Score] {
            let shape = people(kind, MeasureAggregation::Mean);
            for count in 8..=40 {
                for sum in (0..=400).filter(|sum| kind == MeasureKind::Score || *sum == 0 || *sum > 7) {
                    let released = disclose(shape, &figures(count, sum, 0, 0));
                    let truth = Decimal::from(sum) / Decimal::from(count);
                    let interval = mean_bounds(shape, &released);
                    assert!(
                        interval.low <= truth && truth <= interval.high,
                        "{sum} of {count}: {interval:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_counts_no_people_is_published_as_it_is() {
        let shape = |kind, aggregation| Shape {
            counts_people: false,
            ..people(kind, aggregation)
        };
        let sum = disclose(shape(MeasureKind::Count, MeasureAggregation::Sum), &figures(1, 3, 0, 0));
        assert_eq!((sum.disclosed, sum.value), (Disclosed::Exact, Some(Decimal::from(3))));
        let shape = shape(MeasureKind::Coverage, MeasureAggregation::Latest);
        let coverage = disclose(shape, &figures(1, 0, 60, 81));
        assert_eq!(coverage.numerator, Some(Decimal::from(60)));
        assert_eq!(shape.value(&coverage).to_string(), "0.740741");
    }
}
