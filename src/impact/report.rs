//! How figures add up over the months of a period and over sites. Pure arithmetic: a total is made of what is
//! published and of nothing else, whoever asks.

use std::cmp::Ordering;

use entity::Disclosed;
use rust_decimal::{Decimal, RoundingStrategy};

use super::disclosure::{
    Figures, Interval, MEAN_PLACES, PLACES, Released, SMALLEST, Shape, bounds, mean_bounds, nearest, share,
};

/// A figure as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The figure; of a coverage its share.
    pub value: Decimal,
    /// Of a coverage: how many.
    pub numerator: Option<Decimal>,
    /// Of a coverage: of how many.
    pub denominator: Option<Decimal>,
    /// Of a mean: how many figures stand behind it.
    pub count: Option<Decimal>,
}

/// The figure of a site and period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// As it is.
    Exact(Told),
    /// Rounded by disclosure control.
    Rounded(Told),
    /// Withheld by disclosure control.
    Suppressed,
    /// Added up of months of which some are rounded, suppressed or missing.
    Bounded {
        /// What is published, added up.
        value: Decimal,
        /// Between which figures the truth lies, as far as it is published.
        interval: Interval,
        /// How many months are suppressed.
        suppressed: usize,
        /// How many months were not released.
        missing: usize,
    },
    /// Nothing is released for the period.
    NotReported {
        /// Whether the site has released the measure for another period.
        expected: bool,
    },
}

/// What sites have published of one period, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The sum or mean; of a coverage the share.
    pub value: Option<Decimal>,
    /// Between which figures the truth lies.
    pub interval: Option<Interval>,
    /// Of a coverage: how many.
    pub numerator: Option<Decimal>,
    /// Of a coverage: of how many.
    pub denominator: Option<Decimal>,
    /// How many sites have published a figure.
    pub reporting: usize,
    /// How many sites have published that theirs is suppressed.
    pub suppressed: usize,
    /// How many sites have published nothing.
    pub missing: usize,
}

impl Value {
    fn of(shape: Shape, released: &Released) -> Self {
        let told = Told {
            value: shape.value(released),
            numerator: released.numerator,
            denominator: released.denominator,
            count: released.count,
        };
        match released.disclosed {
            Disclosed::Exact => Self::Exact(told),
            Disclosed::Rounded => Self::Rounded(told),
            Disclosed::Suppressed => Self::Suppressed,
        }
    }
}

/// A single release.
pub fn released(shape: Shape, released: &Released) -> Value {
    Value::of(shape, released)
}

/// What a site has published of a period; `months` are all of its months, earliest first.
pub fn published(shape: Shape, months: &[Option<Released>], expected: bool) -> Value {
    let counted = counted(shape, months);
    match counted.as_slice() {
        [] => Value::NotReported { expected },
        [one] if months.len() == 1 || shape.takes_last() => Value::of(shape, one),
        several => rolled_up(shape, several, months.len() - several.len()),
    }
}

/// The exact figure of a period, for those who may read the site's observations.
pub fn exact(shape: Shape, months: &[Option<Figures>]) -> Option<Value> {
    let known: Vec<_> = months.iter().flatten().collect();
    let last = known.last()?;
    let sum = if shape.takes_last() {
        **last
    } else {
        known.iter().fold(Figures::default(), |sum, month| Figures {
            count: sum.count + month.count,
            value: sum.value.saturating_add(month.value),
            ..sum
        })
    };
    let coverage = |part: Decimal| shape.coverage().then(|| part.normalize());
    Some(Value::Exact(Told {
        value: if shape.coverage() {
            share(sum.numerator, sum.denominator)
        } else if shape.mean() {
            sum.mean(PLACES)
        } else {
            sum.value.normalize()
        },
        numerator: coverage(sum.numerator),
        denominator: coverage(sum.denominator),
        count: shape.mean().then(|| Decimal::from(sum.count)),
    }))
}

/// Adds up what sites have published of a period; each has all months of it, earliest first.
pub fn total(shape: Shape, sites: &[Vec<Option<Released>>]) -> Total {
    let mut total = Total::default();
    for months in sites {
        match published(shape, months, true) {
            Value::Suppressed => total.suppressed += 1,
            Value::NotReported { .. } => total.missing += 1,
            _ => total.reporting += 1,
        }
    }
    let all: Vec<_> = sites.iter().flat_map(|months| counted(shape, months)).collect();
    if shape.coverage() {
        add_coverages(&mut total, shape, &all);
    } else if let Some((value, interval)) = added(shape, &all) {
        total.value = value.filter(|_| total.reporting > 0);
        total.interval = interval;
    }
    total
}

/// The releases of a site that count into a period: the last one, or all of them.
fn counted(shape: Shape, months: &[Option<Released>]) -> Vec<&Released> {
    let all = months.iter().flatten();
    if shape.takes_last() {
        all.last().into_iter().collect()
    } else {
        all.collect()
    }
}

fn rolled_up(shape: Shape, months: &[&Released], missing: usize) -> Value {
    let suppressed = months.iter().filter(|month| hidden(shape, month)).count();
    let shown: Vec<_> = months.iter().copied().filter(|month| !hidden(shape, month)).collect();
    let Some((Some(value), Some(interval))) = added(shape, &shown) else {
        return Value::Suppressed;
    };
    if missing == 0 && suppressed == 0 && all_exact(&shown) {
        let count = shown
            .iter()
            .filter_map(|month| month.count)
            .fold(Decimal::ZERO, Decimal::saturating_add);
        return Value::Exact(Told {
            value,
            numerator: None,
            denominator: None,
            count: shape.mean().then_some(count),
        });
    }
    // What a suppressed month adds to a sum is known within bounds; what it does to a mean is not.
    let interval = if shape.mean() {
        interval
    } else {
        sum_of_suppressed(interval, suppressed)
    };
    Value::Bounded {
        value,
        interval,
        suppressed,
        missing,
    }
}

/// Whether nothing of a release can be added up: it is suppressed, or a mean without its count.
fn hidden(shape: Shape, released: &Released) -> bool {
    released.disclosed == Disclosed::Suppressed || (shape.mean() && released.count.is_none())
}

fn all_exact(releases: &[&Released]) -> bool {
    releases.iter().all(|released| released.disclosed == Disclosed::Exact)
}

type Added = (Option<Decimal>, Option<Interval>);

/// The sum or the weighted mean of releases and its bounds; none of no releases.
fn added(shape: Shape, releases: &[&Released]) -> Option<Added> {
    if releases.is_empty() {
        return None;
    }
    let shown: Vec<_> = releases.iter().copied().filter(|one| !hidden(shape, one)).collect();
    let suppressed = releases.len() - shown.len();
    if shape.mean() {
        let uncounted = |one: &&Released| one.disclosed != Disclosed::Suppressed && one.count.is_none();
        let weighed = !releases.iter().any(uncounted);
        let value = weighted_mean(shape, &shown).filter(|_| weighed);
        let interval = value
            .filter(|_| suppressed == 0)
            .map(|value| bounds_of_means(shape, &shown, value));
        return Some((value, interval));
    }
    let sum = shown.iter().fold(Decimal::ZERO, |sum, one| {
        sum.saturating_add(one.value.unwrap_or_default())
    });
    let interval = shown
        .iter()
        .fold(Interval::default(), |sum, one| plus(sum, one.interval()));
    let value = (!shown.is_empty()).then(|| sum.normalize());
    Some((value, Some(sum_of_suppressed(interval, suppressed))))
}

fn plus(one: Interval, other: Interval) -> Interval {
    Interval {
        low: one.low.saturating_add(other.low),
        high: one.high.saturating_add(other.high),
    }
}

fn sum_of_suppressed(interval: Interval, suppressed: usize) -> Interval {
    let each = bounds(Disclosed::Suppressed, Decimal::ZERO);
    let sum = (0..suppressed).fold(interval, |sum, _| plus(sum, each));
    Interval {
        low: sum.low.normalize(),
        high: sum.high.normalize(),
    }
}

fn weighted_mean(shape: Shape, releases: &[&Released]) -> Option<Decimal> {
    let places = places(shape);
    let mut sum = Decimal::ZERO;
    let mut weights = Decimal::ZERO;
    for one in releases {
        let weight = one.count.unwrap_or_default();
        sum = sum.saturating_add(one.value.unwrap_or_default().saturating_mul(weight));
        weights = weights.saturating_add(weight);
    }
    sum.checked_div(weights).map(|mean| nearest(mean, places))
}

const fn places(shape: Shape) -> u32 {
    if shape.counts_people { MEAN_PLACES } else { PLACES }
}

/// The least and the greatest mean that rounded means under rounded weights can have.
fn bounds_of_means(shape: Shape, releases: &[&Released], value: Decimal) -> Interval {
    if all_exact(releases) {
        return Interval {
            low: value,
            high: value,
        };
    }
    let weighed: Vec<_> = releases.iter().map(|one| Weighed::of(shape, one)).collect();
    let least = extreme(&weighed, |one| one.mean.low, |new, best| new < best);
    let greatest = extreme(&weighed, |one| one.mean.high, |new, best| new > best);
    outward(least.unwrap_or(value), greatest.unwrap_or(value), places(shape))
}

fn outward(low: Decimal, high: Decimal, places: u32) -> Interval {
    let down = low.round_dp_with_strategy(places, RoundingStrategy::ToNegativeInfinity);
    let up = high.round_dp_with_strategy(places, RoundingStrategy::ToPositiveInfinity);
    Interval {
        low: down.normalize(),
        high: up.normalize(),
    }
}

/// A published mean: between which figures it lies and how much it may weigh.
struct Weighed {
    mean: Interval,
    weight: Interval,
}

impl Weighed {
    fn of(shape: Shape, released: &Released) -> Self {
        Self {
            mean: mean_bounds(shape, released),
            weight: bounds(released.disclosed, released.count.unwrap_or_default()),
        }
    }
}

/// The best mean over all weights: it gives most weight to the means before some place in their order, least to the
/// others, so trying every place finds it.
fn extreme(
    weighed: &[Weighed],
    mean: impl Fn(&Weighed) -> Decimal,
    better: impl Fn(Decimal, Decimal) -> bool,
) -> Option<Decimal> {
    let mut order: Vec<&Weighed> = weighed.iter().collect();
    order.sort_by(|one, other| match (mean(one), mean(other)) {
        (one, other) if better(one, other) => Ordering::Less,
        (one, other) if better(other, one) => Ordering::Greater,
        _ => Ordering::Equal,
    });
    let mut sum = Decimal::ZERO;
    let mut weights = Decimal::ZERO;
    for one in &order {
        sum = sum.saturating_add(mean(one).saturating_mul(one.weight.low));
        weights = weights.saturating_add(one.weight.low);
    }
    let mut best = sum.checked_div(weights);
    for one in order {
        let more = one.weight.high.saturating_sub(one.weight.low);
        sum = sum.saturating_add(mean(one).saturating_mul(more));
        weights = weights.saturating_add(more);
        let next = sum.checked_div(weights);
        if let (Some(new), Some(old)) = (next, best)
            && better(new, old)
        {
            best = next;
        }
    }
    best
}

/// Adds up both parts. A suppressed site has at most seven in its numerator, of nobody knows how many.
fn add_coverages(total: &mut Total, shape: Shape, releases: &[&Released]) {
    let shown: Vec<_> = releases.iter().copied().filter(|one| !hidden(shape, one)).collect();
    let suppressed = releases.len() - shown.len();
    if shown.is_empty() {
        return;
    }
    let mut sums = (Decimal::ZERO, Decimal::ZERO);
    let mut between = (Interval::default(), Interval::default());
    for one in &shown {
        let (some, all) = (one.numerator.unwrap_or_default(), one.denominator.unwrap_or_default());
        sums = (sums.0.saturating_add(some), sums.1.saturating_add(all));
        between = (
            plus(between.0, bounds(one.disclosed, some)),
            plus(between.1, bounds(one.disclosed, all)),
        );
    }
    let value = share(sums.0, sums.1);
    total.value = Some(value);
    total.numerator = Some(sums.0.normalize());
    total.denominator = Some(sums.1.normalize());
    total.interval = Some(if suppressed == 0 && all_exact(&shown) {
        Interval {
            low: value,
            high: value,
        }
    } else {
        share_bounds(between.0, between.1, suppressed)
    });
}

fn share_bounds(some: Interval, all: Interval, suppressed: usize) -> Interval {
    let most = Decimal::from(SMALLEST - 1).saturating_mul(Decimal::from(suppressed));
    let low = if suppressed > 0 {
        Decimal::ZERO
    } else {
        some.low.checked_div(all.high).unwrap_or_default()
    };
    let high = some
        .high
        .saturating_add(most)
        .checked_div(all.low.saturating_add(most))
        .unwrap_or(Decimal::ONE);
    outward(low, high.min(Decimal::ONE), PLACES)
}

#[cfg(test)]
mod tests;
