//! Periods and totals against figures that are known here: the truth lies within every bound.

use entity::{MeasureAggregation, MeasureKind};

use super::{super::disclosure::disclose, *};

fn shape(kind: MeasureKind, aggregation: MeasureAggregation, counts_people: bool) -> Shape {
    Shape {
        kind,
        aggregation,
        counts_people,
    }
}

const PEOPLE: Shape = Shape {
    kind: MeasureKind::Count,
    aggregation: MeasureAggregation::Sum,
    counts_people: true,
};

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn of_value(value: i64) -> Figures {
    Figures {
        count: 1,
        value: value.into(),
        ..Figures::default()
    }
}

fn of_parts(numerator: i64, denominator: i64) -> Figures {
    Figures {
        count: 1,
        numerator: numerator.into(),
        denominator: denominator.into(),
        ..Figures::default()
    }
}

fn released_months(shape: Shape, months: &[Option<Figures>]) -> Vec<Option<Released>> {
    months
        .iter()
        .map(|month| month.map(|figures| disclose(shape, &figures)))
        .collect()
}

fn people(months: &[Option<i64>]) -> Vec<Option<Released>> {
    let figures: Vec<_> = months.iter().map(|month| month.map(of_value)).collect();
    released_months(PEOPLE, &figures)
}

#[test]
fn one_month_is_told_as_released() {
    assert!(matches!(
        published(PEOPLE, &people(&[Some(3)]), true),
        Value::Suppressed
    ));
    let Value::Rounded(told) = published(PEOPLE, &people(&[Some(12)]), true) else {
        unreachable!("twelve people are rounded")
    };
    assert_eq!(told.value, Decimal::from(10));
    assert_eq!(
        published(PEOPLE, &people(&[None]), false),
        Value::NotReported { expected: false }
    );
}

#[test]
fn every_quarter_of_small_months_lies_within_its_bounds() {
    for first in 0..=16 {
        for second in 0..=16 {
            for third in 0..=16 {
                let truth = Decimal::from(first + second + third);
                match published(PEOPLE, &people(&[Some(first), Some(second), Some(third)]), true) {
                    Value::Bounded { interval, missing, .. } => {
                        assert!(
                            interval.low <= truth && truth <= interval.high,
                            "{first} {second} {third}"
                        );
                        assert_eq!(missing, 0);
                    }
                    Value::Suppressed => {
                        assert!([first, second, third].iter().all(|month| (1..=7).contains(month)));
                    }
                    other => unreachable!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn a_missing_month_is_counted_and_not_bounded_in() {
    let quarter = published(PEOPLE, &people(&[Some(12), None, Some(3)]), true);

    assert_eq!(
        quarter,
        Value::Bounded {
            value: Decimal::from(10),
            interval: Interval {
                low: Decimal::from(9),
                high: Decimal::from(19)
            },
            suppressed: 1,
            missing: 1
        }
    );
}

#[test]
fn a_quarter_that_counts_no_people_is_exact_once_it_is_whole() {
    let sum = shape(MeasureKind::Currency, MeasureAggregation::Sum, false);
    let months = [Some(of_value(3)), Some(of_value(4)), Some(of_value(5))];
    let Value::Exact(told) = published(sum, &released_months(sum, &months), true) else {
        unreachable!("nothing is rounded")
    };
    assert_eq!(told.value, Decimal::from(12));
    let broken = released_months(sum, &[Some(of_value(3)), None, Some(of_value(5))]);
    assert!(matches!(
        published(sum, &broken, true),
        Value::Bounded { missing: 1, .. }
    ));
}

#[test]
fn the_latest_and_a_coverage_take_the_last_released_month() {
    let latest = shape(MeasureKind::Count, MeasureAggregation::Latest, true);
    let months = released_months(latest, &[Some(of_value(40)), Some(of_value(21)), None]);
    let Value::Rounded(told) = published(latest, &months, true) else {
        unreachable!("twenty-one people are rounded")
    };
    assert_eq!(told.value, Decimal::from(20));
    let coverage = shape(MeasureKind::Coverage, MeasureAggregation::Latest, false);
    let months = released_months(coverage, &[Some(of_parts(59, 81)), Some(of_parts(60, 81)), None]);
    let Value::Exact(told) = published(coverage, &months, true) else {
        unreachable!("practices are no people")
    };
    assert_eq!(told.numerator, Some(Decimal::from(60)));
}

#[test]
fn every_total_of_small_sites_lies_within_its_bounds() {
    for one in 0..=16 {
        for two in 0..=16 {
            for three in 0..=16 {
                let sites = [people(&[Some(one)]), people(&[Some(two)]), people(&[Some(three)])];
                let total = total(PEOPLE, &sites);
                let interval = total.interval.unwrap();
                let truth = Decimal::from(one + two + three);
                assert!(interval.low <= truth && truth <= interval.high, "{one} {two} {three}");
                let hidden = [one, two, three]
                    .iter()
                    .filter(|people| (1..=7).contains(*people))
                    .count();
                assert_eq!(
                    (total.suppressed, total.reporting, total.missing),
                    (hidden, 3 - hidden, 0)
                );
                assert_eq!(total.value.is_none(), hidden == 3);
            }
        }
    }
}

#[test]
fn nobody_reporting_has_no_total() {
    let total = total(PEOPLE, &[people(&[None]), people(&[None, None, None])]);

    assert_eq!((total.value, total.interval, total.missing), (None, None, 2));
}

#[test]
fn every_total_of_small_coverages_lies_within_its_bounds() {
    let coverage = shape(MeasureKind::Coverage, MeasureAggregation::Latest, true);
    for all in (1..=40).step_by(3) {
        for some in 0..=all {
            for other in [(0, 9), (5, 30), (9, 9), (26, 81)] {
                let sites = [
                    released_months(coverage, &[Some(of_parts(some, all))]),
                    released_months(coverage, &[Some(of_parts(other.0, other.1))]),
                ];
                let total = total(coverage, &sites);
                let truth = share(Decimal::from(some + other.0), Decimal::from(all + other.1));
                if let Some(interval) = total.interval {
                    assert!(
                        interval.low <= truth && truth <= interval.high,
                        "{some} of {all}, {other:?}"
                    );
                } else {
                    assert_eq!(total.reporting, 0);
                }
            }
        }
    }
}

#[test]
fn practices_of_the_network_add_up_in_both_parts() {
    let coverage = shape(MeasureKind::Coverage, MeasureAggregation::Latest, false);
    let sites = [
        released_months(coverage, &[Some(of_parts(60, 81))]),
        released_months(coverage, &[Some(of_parts(20, 40))]),
    ];

    let total = total(coverage, &sites);

    assert_eq!(total.numerator, Some(Decimal::from(80)));
    assert_eq!(total.denominator, Some(Decimal::from(121)));
    assert_eq!(total.value, Some(number("0.661157")));
    assert_eq!(total.interval.unwrap().low, number("0.661157"));
}

fn scores(count: i64, sum: i64) -> Option<Figures> {
    Some(Figures {
        count,
        value: sum.into(),
        ..Figures::default()
    })
}

#[test]
fn a_mean_weighs_by_the_released_count_and_lies_within_its_bounds() {
    let mean = shape(MeasureKind::Score, MeasureAggregation::Mean, true);
    for one in 8..=23 {
        for two in 8..=23 {
            let sites = [
                released_months(mean, &[scores(one, one * 3)]),
                released_months(mean, &[scores(two, two * 8)]),
            ];
            let total = total(mean, &sites);
            let truth = Decimal::from(one * 3 + two * 8) / Decimal::from(one + two);
            let interval = total.interval.unwrap();
            assert!(interval.low <= truth && truth <= interval.high, "{one} {two}");
        }
    }
    let sites = [
        released_months(mean, &[scores(10, 30)]),
        released_months(mean, &[scores(30, 240)]),
    ];
    assert_eq!(total(mean, &sites).value, Some(number("6.75")));
}

#[test]
fn a_suppressed_mean_leaves_the_total_without_bounds() {
    let mean = shape(MeasureKind::Score, MeasureAggregation::Mean, true);
    let sites = [
        released_months(mean, &[scores(10, 30)]),
        released_months(mean, &[scores(5, 40)]),
    ];

    let total = total(mean, &sites);

    assert_eq!((total.value, total.interval), (Some(Decimal::from(3)), None));
    assert_eq!((total.reporting, total.suppressed), (1, 1));
}

#[test]
fn a_mean_without_its_count_has_no_total() {
    let mean = shape(MeasureKind::Score, MeasureAggregation::Mean, false);
    let mut uncounted = released_months(mean, &[scores(10, 30)]);
    uncounted[0].as_mut().unwrap().count = None;

    let total = total(mean, &[uncounted, released_months(mean, &[scores(4, 40)])]);

    assert_eq!((total.value, total.reporting), (None, 2));
}

#[test]
fn those_who_may_read_observations_see_the_exact_figure() {
    let months = [Some(of_value(3)), None, Some(of_value(4))];
    let Some(Value::Exact(told)) = exact(PEOPLE, &months) else {
        unreachable!("it is exact")
    };
    assert_eq!(told.value, Decimal::from(7));
    let mean = shape(MeasureKind::Score, MeasureAggregation::Mean, true);
    let Some(Value::Exact(told)) = exact(mean, &[scores(2, 11), scores(1, 7)]) else {
        unreachable!("it is exact")
    };
    assert_eq!((told.value, told.count), (Decimal::from(6), Some(Decimal::from(3))));
    assert_eq!(exact(PEOPLE, &[None, None]), None);
}
