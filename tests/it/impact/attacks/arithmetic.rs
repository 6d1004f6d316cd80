//! Whole small worlds: every truth is tried, those that are published alike are put together, and each hidden figure takes on
//! at least four values among them. This is exact: nothing that is computed from what is published can do better.

use std::collections::{BTreeMap, BTreeSet};

use champion_network::impact::{
    disclosure::{Released, Shape, disclose},
    report::{published, total},
};
use entity::{Disclosed, MeasureAggregation, MeasureKind};

use super::{knowledge::LEFT, told::figures};

fn people(kind: MeasureKind, aggregation: MeasureAggregation) -> Shape {
    Shape {
        kind,
        aggregation,
        counts_people: true,
    }
}

const SUM: Shape = Shape {
    kind: MeasureKind::Count,
    aggregation: MeasureAggregation::Sum,
    counts_people: true,
};

fn told(shape: Shape, numbers: [i64; 2]) -> Released {
    disclose(shape, &figures(shape, numbers))
}

/// Truths that are published alike.
type Alike<const N: usize> = BTreeMap<String, Vec<[i64; N]>>;

/// Fails when a number that is hidden and below `edge` takes on fewer values than are to be left.
fn keeps_values<const N: usize>(alike: &Alike<N>, hidden: impl Fn(&[i64; N], usize) -> bool, edge: i64) {
    let mut hidden_ones = 0;
    for (view, truths) in alike {
        for place in 0..N {
            let values: BTreeSet<_> = truths.iter().map(|truth| truth[place]).collect();
            // Beyond the edge of the world there are truths that are published like these.
            let whole = truths.iter().flatten().all(|number| *number < edge);
            if whole && hidden(&truths[0], place) {
                hidden_ones += 1;
                assert!(values.len() >= LEFT, "number {place} of {truths:?}: {view}");
            }
        }
    }
    assert!(hidden_ones > 0, "nothing is hidden in this world");
}

fn not_zero<const N: usize>(truth: &[i64; N], place: usize) -> bool {
    truth[place] > 0
}

#[test]
fn two_sites_and_two_months_in_every_report_keep_their_values() {
    let mut alike: Alike<4> = BTreeMap::new();
    // 0, the suppressed, and what is told as 10.
    let numbers: Vec<i64> = (0..=12).collect();
    for one in &numbers {
        for two in &numbers {
            for three in &numbers {
                for four in &numbers {
                    let truth = [*one, *two, *three, *four];
                    alike.entry(reports(truth)).or_default().push(truth);
                }
            }
        }
    }
    keeps_values(&alike, not_zero, 13);
}

/// What the reports say of two sites with two months each: every cell, by month and longer, and every total.
fn reports(truth: [i64; 4]) -> String {
    let released = truth.map(|number| Some(told(SUM, [number, 0])));
    let (leeds, hull) = (released[..2].to_vec(), released[2..].to_vec());
    let quarters: Vec<_> = [&leeds, &hull].map(|site| published(SUM, site, true)).into();
    let months: Vec<_> = released.iter().map(|month| published(SUM, &[*month], true)).collect();
    let both = total(SUM, &[leeds.clone(), hull.clone()]);
    let alone = total(SUM, std::slice::from_ref(&leeds));
    let first = total(SUM, &[leeds[..1].to_vec(), hull[..1].to_vec()]);
    format!("{quarters:?} {months:?} {both:?} {alone:?} {first:?}")
}

#[test]
fn corrections_of_a_sum_keep_every_earlier_and_later_value() {
    let mut alike: Alike<3> = BTreeMap::new();
    for one in 0..=23 {
        for two in one..=23 {
            for three in two..=23 {
                let mut revisions = vec![told(SUM, [one, 0])];
                for next in [two, three] {
                    let next = told(SUM, [next, 0]);
                    if revisions.last() != Some(&next) {
                        revisions.push(next);
                    }
                }
                let truth = [one, two, three];
                let seen = truth.map(|number| told(SUM, [number, 0]));
                // Whoever asks after each release knows which one stood when.
                alike.entry(format!("{revisions:?} {seen:?}")).or_default().push(truth);
            }
        }
    }
    keeps_values(&alike, not_zero, 23);
}

#[test]
fn a_coverage_keeps_the_values_of_both_parts() {
    for aggregation in [MeasureAggregation::Latest, MeasureAggregation::Sum] {
        let shape = people(MeasureKind::Coverage, aggregation);
        let mut alike: Alike<3> = BTreeMap::new();
        for all in 0..=48 {
            for some in 0..=all {
                let released = told(shape, [some, all]);
                // Those who are not covered are people too.
                alike
                    .entry(format!("{released:?}"))
                    .or_default()
                    .push([some, all, all - some]);
            }
        }
        // Of those that are told the numerator may be 0, and then everybody is left out.
        let hidden = |truth: &[i64; 3], place: usize| {
            let released = told(shape, [truth[0], truth[1]]);
            released.disclosed == Disclosed::Suppressed || truth[1] > 0 && (truth[0] > 0 || place > 0)
        };
        keeps_values(&alike, hidden, 48);
    }
}

#[test]
fn a_mean_keeps_the_values_of_its_count_and_sum() {
    for kind in [MeasureKind::Count, MeasureKind::Score, MeasureKind::Currency] {
        let shape = people(kind, MeasureAggregation::Mean);
        let mut alike: Alike<2> = BTreeMap::new();
        for count in 1..=48 {
            for sum in 0..=240 {
                let released = told(shape, [sum, count]);
                alike.entry(format!("{released:?}")).or_default().push([sum, count]);
            }
        }
        // The greatest count that is told like another is half as much again.
        let whole = |truths: &Vec<[i64; 2]>| truths.iter().all(|truth| truth[0] < 150 && truth[1] < 48);
        alike.retain(|_, truths| whole(truths));
        let hidden = |truth: &[i64; 2], place: usize| place == 1 || (kind == MeasureKind::Count && truth[0] > 0);
        keeps_values(&alike, hidden, 150);
    }
}

#[test]
fn what_is_added_up_is_what_is_published() {
    // Two truths that are published alike have the same reports, whatever else is beside them.
    for beside in [0, 3, 9, 21] {
        for number in 0..=40 {
            for other in 0..=40 {
                if told(SUM, [number, 0]) == told(SUM, [other, 0]) {
                    let reports = [number, other].map(|number| reports([number, beside, beside + 1, number]));
                    assert_eq!(reports[0], reports[1]);
                }
            }
        }
    }
}
