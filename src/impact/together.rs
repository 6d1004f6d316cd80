//! What figures of the same sessions tell of one another once they are published side by side. Pure arithmetic.
//!
//! A session has at least one person, and a person signs up to each of three services at most once. The number of sessions
//! says nothing of the people beyond what their own figure says, since both are rounded alike. Sign-ups do: fifteen of
//! them with people suppressed leave five, six or seven people.

use entity::{Disclosed, SessionFigure};
use rust_decimal::Decimal;

use super::disclosure::{Interval, Released, bounds};

/// A hidden figure keeps at least as many values that it could have.
pub const LEFT: i32 = 4;
/// To how many services one person can sign up: the record, prescriptions and appointments.
pub const SERVICES: i32 = 3;

/// The figure of the same sessions that another one is held against.
pub fn counterpart(figure: SessionFigure) -> Option<SessionFigure> {
    match figure {
        SessionFigure::PeopleHelped => Some(SessionFigure::SignUps),
        SessionFigure::SignUps => Some(SessionFigure::PeopleHelped),
        SessionFigure::SessionsHeld => None,
    }
}

/// Whether two figures of the same sessions leave fewer than [`LEFT`] values of one of them. Figures that cannot both be
/// true of the same people leave none and tell nothing: somebody has recorded more beside the sessions.
pub fn narrow(figure: SessionFigure, told: &Released, other: &Released) -> bool {
    match figure {
        SessionFigure::PeopleHelped => too_close(told, other),
        SessionFigure::SignUps => too_close(other, told),
        SessionFigure::SessionsHeld => false,
    }
}

fn too_close(people: &Released, sign_ups: &Released) -> bool {
    let services = Decimal::from(SERVICES);
    let (people, sign_ups) = (interval(people), interval(sign_ups));
    let least = (sign_ups.low / services).ceil().max(people.low);
    let most = people.high.saturating_mul(services).min(sign_ups.high);
    let close = |low: Decimal, high: Decimal, whole: Interval| {
        let left = high - low + Decimal::ONE;
        whole.high > Decimal::ZERO && left > Decimal::ZERO && left < Decimal::from(LEFT)
    };
    close(least, people.high, people) || close(sign_ups.low, most, sign_ups)
}

fn interval(released: &Released) -> Interval {
    match released.disclosed {
        Disclosed::Suppressed => bounds(Disclosed::Suppressed, Decimal::ZERO),
        _ => released.interval(),
    }
}

#[cfg(test)]
mod tests {
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

    fn close(people: i32, sign_ups: i32) -> bool {
        narrow(SessionFigure::SignUps, &told(sign_ups), &told(people))
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
                assert_eq!(
                    narrow(SessionFigure::PeopleHelped, &told(people), &told(sign_ups)),
                    expected
                );
            }
        }
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
