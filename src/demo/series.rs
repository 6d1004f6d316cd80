//! Figures that follow a line with a little unrest, the same at every start.

use entity::MeasureKind;
use rust_decimal::Decimal;

use super::content::Series;

/// How far each month lies off the line, in quarters of the wobble. Series begin at different places.
const UNREST: [i64; 11] = [0, 3, -2, 1, -4, 2, 4, -1, -3, 0, 2];

/// The figure of one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of a count, a score or a sum of money.
    Plain(Decimal),
    /// Of a coverage: how many of how many.
    Coverage(Decimal, Decimal),
}

/// The least and the most that somebody can answer.
const SCORES: (Decimal, Decimal) = (Decimal::ONE, Decimal::TEN);
/// A score is the mean of this many questions.
const QUESTIONS: Decimal = Decimal::from_parts(5, 0, 0, false, 0);

impl Series {
    /// The figures of a month, 0 being the first: one, or one for everybody who answered. `place` tells series of the
    /// same shape apart.
    pub fn figures(&self, kind: MeasureKind, place: usize, month: u32) -> Vec<Value> {
        let along = Decimal::from(month);
        if let Some(denominator) = self.denominator {
            let numerator = self.numerator_base + self.numerator_step * along;
            return vec![Value::Coverage(
                numerator.clamp(Decimal::ZERO, denominator),
                denominator,
            )];
        }
        let position = usize::try_from(month).unwrap_or_default() + place * 3;
        let value = self.base + self.step * along + self.wobble * unrest(position);
        if let Some(answers) = self.answers {
            // Now one fewer, now two more than usual.
            let answers = (answers + month * 3 % 4).saturating_sub(1);
            let spread = (0..answers as usize).map(|person| value + unrest(position + person * 4) * Decimal::TWO);
            return spread.map(|score| Value::Plain(answered(score))).collect();
        }
        let digits = match kind {
            MeasureKind::Score | MeasureKind::Currency => 2,
            MeasureKind::Count | MeasureKind::Coverage => 0,
        };
        vec![Value::Plain(value.round_dp(digits).max(Decimal::ZERO).normalize())]
    }
}

/// How far off the line, between -1 and 1.
fn unrest(position: usize) -> Decimal {
    Decimal::new(UNREST[position % UNREST.len()] * 25, 2)
}

/// The nearest score that somebody can give.
fn answered(score: Decimal) -> Decimal {
    let (least, most) = SCORES;
    ((score * QUESTIONS).round() / QUESTIONS).clamp(least, most).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::content;

    fn figures(site: &str, measure: &str, kind: MeasureKind) -> Vec<Value> {
        let contents = content::load().unwrap();
        let content = contents.iter().find(|content| content.site.slug == site).unwrap();
        let series = content
            .observations
            .iter()
            .find(|series| series.measure == measure)
            .unwrap();
        (0..series.months)
            .flat_map(|month| series.figures(kind, 0, month))
            .collect()
    }

    #[test]
    fn a_count_is_whole_and_never_below_nought() {
        for value in figures("blackpool", "people-helped", MeasureKind::Count) {
            let Value::Plain(value) = value else {
                unreachable!("a count is plain")
            };
            assert!(value.is_integer() && !value.is_sign_negative(), "{value}");
        }
    }

    #[test]
    fn a_coverage_never_exceeds_its_whole() {
        for value in figures("sheffield", "follow-up-returned", MeasureKind::Coverage) {
            let Value::Coverage(numerator, denominator) = value else {
                unreachable!("a coverage has two parts")
            };
            assert!(numerator <= denominator, "{numerator} of {denominator}");
        }
    }

    #[test]
    fn everybody_scores_from_one_to_ten_in_fifths() {
        let scores = figures("sheffield", "digital-confidence", MeasureKind::Score);
        assert!(scores.len() > 24 * 7);
        for value in scores {
            let Value::Plain(value) = value else {
                unreachable!("a score is plain")
            };
            assert!(value >= Decimal::ONE && value <= Decimal::TEN, "{value}");
            assert!((value * Decimal::from(5)).is_integer(), "{value}");
        }
    }
}
