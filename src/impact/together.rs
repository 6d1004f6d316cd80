//! What figures of the same sessions tell of one another once they are published side by side. Pure arithmetic.
//!
//! A session has at least one person, and a person signs up to each of three services at most once. The number of sessions
//! says nothing of the people that leaves fewer than four values, since both are rounded alike. Sign-ups do: fifteen of
//! them with people suppressed leave five, six or seven people; and when people go from 10 to 15 while sign-ups go from
//! none to 25, at least eight people came, so there were eight or nine.

use entity::Disclosed;
use rust_decimal::Decimal;

use super::disclosure::{Interval, Released, bounds};

/// A hidden figure keeps at least as many values that it could have.
pub const LEFT: i32 = 4;
/// To how many services one person can sign up: the record, prescriptions and appointments.
pub const SERVICES: i32 = 3;

/// What stands of the same sessions at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The people helped.
    pub people: Released,
    /// Their sign-ups.
    pub sign_ups: Released,
}

/// Whether what is to stand now leaves fewer than [`LEFT`] values of a figure, by itself or beside what stood earlier.
/// Figures that cannot both be true of the same people tell nothing: somebody has recorded more beside the sessions.
pub fn narrow(now: &Moment, earlier: &[Moment]) -> bool {
    let Some(both) = Both::of(now) else { return false };
    both.close(now)
        || earlier
            .iter()
            .filter_map(Both::of)
            .any(|before| both.grown_from(&before))
}

/// The people and sign-ups that are left of a moment.
#[derive(Clone, Copy, Debug)]
struct Both {
    people: Interval,
    sign_ups: Interval,
}

impl Both {
    fn of(moment: &Moment) -> Option<Self> {
        let services = Decimal::from(SERVICES);
        let (people, sign_ups) = (interval(&moment.people), interval(&moment.sign_ups));
        let least = (sign_ups.low / services).ceil().max(people.low);
        let most = people.high.saturating_mul(services).min(sign_ups.high);
        let both = Self {
            people: Interval { low: least, ..people },
            sign_ups: Interval { high: most, ..sign_ups },
        };
        (least <= people.high && sign_ups.low <= most).then_some(both)
    }

    /// Whether the one leaves too few values of the other.
    fn close(&self, moment: &Moment) -> bool {
        let close = |left: Interval, whole: Interval| {
            whole.high > Decimal::ZERO && left.high - left.low + Decimal::ONE < Decimal::from(LEFT)
        };
        close(self.people, interval(&moment.people)) || close(self.sign_ups, interval(&moment.sign_ups))
    }

    /// Whether what came since an earlier moment takes away any value of the four figures: those who came signed up to three
    /// services each at most.
    fn grown_from(&self, before: &Self) -> bool {
        let services = Decimal::from(SERVICES);
        let most = (self.people.high - before.people.low) * services;
        let sign_ups = self.sign_ups.low - before.sign_ups.high;
        let least = (sign_ups / services).ceil();
        let people = before.people.low + least > self.people.low || self.people.high - least < before.people.high;
        let others = before.sign_ups.high + most < self.sign_ups.high || self.sign_ups.low - most > before.sign_ups.low;
        sign_ups <= most && (people || others)
    }
}

fn interval(released: &Released) -> Interval {
    match released.disclosed {
        Disclosed::Suppressed => bounds(Disclosed::Suppressed, Decimal::ZERO),
        _ => released.interval(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use entity::{MeasureAggregation, MeasureKind};

    use super::*;
    use crate::impact::disclosure::{Figures, Shape, disclose};

    const PEOPLE: Shape = Shape {
        kind: MeasureKind::Count,
        aggregation: MeasureAggregation::Sum,
        counts_people: true,
    };

    fn told(number: i32) -> Released {
        let figures = Figures {
            count: 1,
            value: number.into(),
            ..Figures::default()
        };
        disclose(PEOPLE, &figures)
    }

    fn moment(people: i32, sign_ups: i32) -> Moment {
        Moment {
            people: told(people),
            sign_ups: told(sign_ups),
        }
    }

    fn close(people: i32, sign_ups: i32) -> bool {
        narrow(&moment(people, sign_ups), &[])
    }

    #[test]
    fn it_is_what_trying_every_pair_says() {
        for people in 0..=30 {
            for sign_ups in 0..=95 {
                let same = |number: &i32, as_this: i32| told(*number) == told(as_this);
                let fits = |one: i32, two: i32| two <= SERVICES * one;
                let of_people: Vec<_> = (0..=40).filter(|number| same(number, people)).collect();
                let of_sign_ups: Vec<_> = (0..=100).filter(|number| same(number, sign_ups)).collect();
                let left = of_people
                    .iter()
                    .filter(|one| of_sign_ups.iter().any(|two| fits(**one, *two)));
                let others = of_sign_ups
                    .iter()
                    .filter(|two| of_people.iter().any(|one| fits(*one, **two)));
                let few = |left: usize, all: &[i32]| all.len() > 1 && left > 0 && left < 4;
                let expected = few(left.count(), &of_people) || few(others.count(), &of_sign_ups);
                assert_eq!(
                    close(people, sign_ups),
                    expected,
                    "{people} people, {sign_ups} sign-ups"
                );
            }
        }
    }

    #[test]
    fn what_is_told_of_two_moments_keeps_four_values_of_each_figure() {
        let told: Vec<_> = (0..=112).map(|number| told(number).value).collect();
        // Every truth of two moments by what is told of it: people came, and signed up to three services each at most.
        let mut alike: BTreeMap<[Option<Decimal>; 4], Vec<[usize; 4]>> = BTreeMap::new();
        for (people, more) in (0..=14).flat_map(|people| (0..=22).map(move |more| (people, more))) {
            for (sign_ups, others) in (0..=3 * people).flat_map(|one| (0..=3 * more).map(move |more| (one, more))) {
                let truth = [people, sign_ups, people + more, sign_ups + others];
                alike.entry(truth.map(|number| told[number])).or_default().push(truth);
            }
        }
        let mut held_back = 0;
        for truths in alike.into_values() {
            let [people, sign_ups, later, later_sign_ups] = truths[0].map(|number| i32::try_from(number).unwrap());
            let (before, now) = (moment(people, sign_ups), moment(later, later_sign_ups));
            if narrow(&before, &[]) || narrow(&now, &[before]) {
                held_back += 1;
                continue;
            }
            // Of larger figures not every truth was tried.
            if truths
                .iter()
                .any(|truth| truth[0] > 12 || truth[2] > 22 || truth[1] > 32 || truth[3] > 62)
            {
                continue;
            }
            for place in 0..4 {
                let values: BTreeSet<_> = truths.iter().map(|truth| truth[place]).collect();
                assert!(values.contains(&0) || values.len() >= 4, "{place} of {truths:?}");
            }
        }
        assert!(held_back > 10, "nothing is held back");
    }

    #[test]
    fn people_who_came_and_their_sign_ups_tell_of_those_before() {
        let came = |people: i32, sign_ups: i32| narrow(&moment(people, sign_ups), &[moment(9, 0)]);

        assert!(came(17, 24), "at least eight came, so there were eight or nine");
        assert!(!came(17, 12));
        assert!(!came(29, 24));
    }

    #[test]
    fn usual_figures_are_not_held_back() {
        for people in 1..=200 {
            let twice_each = if people < 8 { 12 } else { people * 2 };
            for sign_ups in 0..=twice_each {
                assert!(!close(people, sign_ups), "{people} people, {sign_ups} sign-ups");
            }
        }
    }
}
