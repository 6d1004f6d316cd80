//! What is told of a figure, and every figure that would be told so.

use champion_network::impact::disclosure::{Figures, Released, Shape, disclose};
use entity::{Disclosed, MeasureKind};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::support::Value;

/// The greatest number that these worlds have, and the most figures behind a mean.
const MOST: i64 = 80;
const MOST_COUNT: i64 = 30;
/// Scores are whole numbers up to this.
const MOST_SCORE: i64 = 10;

/// A figure as the API tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// Whether its value is that it is suppressed.
    pub suppressed: bool,
    numbers: [Option<Decimal>; 4],
}

impl Told {
    /// Reads it from a release or a cell.
    pub fn read(value: &Value) -> Self {
        let number = |name: &str| value[name].as_str().map(|number| number.parse().unwrap());
        Self {
            suppressed: value["__typename"] == "SuppressedValue",
            numbers: ["value", "numerator", "denominator", "count"].map(number),
        }
    }

    fn of(shape: Shape, released: &Released) -> Self {
        let suppressed = released.disclosed == Disclosed::Suppressed;
        let value = (!suppressed).then(|| shape.value(released));
        Self {
            suppressed,
            numbers: [value, released.numerator, released.denominator, released.count],
        }
    }

    /// Which of its numbers are hidden: 0 is told as it is, and a sum of scores is no number of people.
    pub fn hides(&self, shape: Shape) -> [bool; 2] {
        let not_zero = |number: usize| self.suppressed || self.numbers[number].is_none_or(|number| !number.is_zero());
        if shape.coverage() {
            [not_zero(1), not_zero(2)]
        } else if shape.mean() {
            [shape.kind == MeasureKind::Count && not_zero(0), true]
        } else {
            [not_zero(0), false]
        }
    }
}

/// Every figure that would be told so, by the code.
pub fn as_told(shape: Shape, told: &Told) -> Vec<[i64; 2]> {
    let mut all = Vec::new();
    if shape.coverage() {
        all.extend((0..=MOST).flat_map(|all| (0..=all).map(move |some| [some, all])));
    } else if shape.mean() {
        all.extend((1..=MOST_COUNT).flat_map(|count| (0..=count * MOST_SCORE).map(move |sum| [sum, count])));
    } else {
        all.extend((0..=MOST).map(|number| [number, 0]));
    }
    all.retain(|numbers| Told::of(shape, &disclose(shape, &figures(shape, *numbers))) == *told);
    all
}

/// Numbers as figures of a measure.
pub fn figures(shape: Shape, [one, other]: [i64; 2]) -> Figures {
    let (one, other) = (Decimal::from(one), Decimal::from(other));
    if shape.coverage() {
        return Figures {
            count: 1,
            numerator: one,
            denominator: other,
            ..Figures::default()
        };
    }
    let count = if shape.mean() { other.to_i64().unwrap() } else { 1 };
    Figures {
        count,
        value: one,
        ..Figures::default()
    }
}
