//! Days and figures.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::Check;
use crate::error::ProblemCode;

/// The National Health Service began in 1948: nothing here happened earlier.
const FIRST_YEAR: i32 = 1948;

impl Check {
    /// A day between 1948 and the end of next year.
    pub fn day(&mut self, path: &str, day: NaiveDate, today: NaiveDate) -> NaiveDate {
        if day.year() < FIRST_YEAR || day.year() > today.year() + 1 {
            self.note(
                ProblemCode::Invalid,
                path,
                format!("Give a date between {FIRST_YEAR} and the end of next year."),
            );
        }
        day
    }

    /// The same of a field that may be empty.
    pub fn optional_day(&mut self, path: &str, day: Option<NaiveDate>, today: NaiveDate) -> Option<NaiveDate> {
        day.map(|day| self.day(path, day, today))
    }

    /// A day by which something is to be looked at again, at most ten years ahead.
    pub fn optional_review_day(&mut self, path: &str, day: Option<NaiveDate>, today: NaiveDate) -> Option<NaiveDate> {
        if day.is_some_and(|day| day.year() < FIRST_YEAR || day.year() > today.year() + 10) {
            self.note(
                ProblemCode::Invalid,
                path,
                format!("Give a date between {FIRST_YEAR} and ten years from now."),
            );
        }
        day
    }

    /// A period that does not end before it starts.
    pub fn period(&mut self, path: &str, from: Option<NaiveDate>, to: Option<NaiveDate>) {
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            self.note(ProblemCode::Invalid, path, "This ends before it starts.");
        }
    }

    /// A whole number within a range.
    pub fn whole(&mut self, path: &str, number: i32, range: RangeInclusive<i32>) -> i32 {
        if !range.contains(&number) {
            self.note(
                ProblemCode::Invalid,
                path,
                format!("Give a number from {} to {}.", range.start(), range.end()),
            );
        }
        number
    }

    /// A decimal figure that fits on paper: at most 15 digits before the point and 6 behind it.
    pub fn figure(&mut self, path: &str, figure: Decimal) -> Decimal {
        let figure = figure.normalize();
        if figure.scale() > 6 || figure.abs() >= Decimal::from(1_000_000_000_000_000_i64) {
            self.note(
                ProblemCode::Invalid,
                path,
                "Give at most 15 digits before the decimal point and 6 behind it.",
            );
        }
        figure
    }

    /// The figures of a measure: one value, or for a coverage a numerator that is at most its denominator.
    pub fn figures(
        &mut self,
        path: &str,
        coverage: bool,
        value: Option<Decimal>,
        numerator: Option<Decimal>,
        denominator: Option<Decimal>,
    ) {
        let at = |field: &str| {
            if path.is_empty() {
                field.to_owned()
            } else {
                format!("{path}.{field}")
            }
        };
        let given = [
            ("value", value, !coverage),
            ("numerator", numerator, coverage),
            ("denominator", denominator, coverage),
        ];
        for (field, figure, wanted) in given {
            match figure {
                Some(figure) if wanted => {
                    self.figure(&at(field), figure);
                }
                Some(_) => self.note(
                    ProblemCode::Invalid,
                    &at(field),
                    "This measure is not told in this way.",
                ),
                None if wanted => self.note(ProblemCode::Required, &at(field), "This measure needs it."),
                None => {}
            }
        }
        if let (Some(numerator), Some(denominator)) = (numerator, denominator) {
            if numerator.is_sign_negative() && !numerator.is_zero() {
                self.note(ProblemCode::Invalid, &at("numerator"), "This cannot be below 0.");
            }
            if denominator <= Decimal::ZERO {
                self.note(ProblemCode::Invalid, &at("denominator"), "This must be above 0.");
            } else if numerator > denominator {
                self.note(
                    ProblemCode::Invalid,
                    &at("numerator"),
                    "This is more than the denominator.",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::problems;
    use super::*;

    #[test]
    fn a_day_before_the_service_began_is_refused() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let on = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();

        let found = problems(|check| {
            check.day("first", on(1948, 1, 1), today);
            check.day("early", on(1947, 12, 31), today);
            check.day("last", on(2027, 12, 31), today);
            check.day("late", on(2028, 1, 1), today);
        });

        assert_eq!(
            found,
            [
                (ProblemCode::Invalid, "early".to_owned()),
                (ProblemCode::Invalid, "late".to_owned())
            ]
        );
    }
}
