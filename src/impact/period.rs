//! Calendar months and the periods that are made of them.

use chrono::{Datelike, NaiveDate};

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// The month that a day lies in.
    pub fn of(day: NaiveDate) -> Self {
        // `month0` is at most 11.
        Self(day.year() * 12 + day.month0().cast_signed())
    }

    /// Its first day.
    pub fn first_day(self) -> NaiveDate {
        let (year, month) = self.parts();
        NaiveDate::from_ymd_opt(year, month, 1).expect("every month near that of a written date has a first day")
    }

    /// The month so many months later.
    pub const fn later(self, months: i32) -> Self {
        Self(self.0 + months)
    }

    /// How many months lie between an earlier one and this one.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    fn parts(self) -> (i32, u32) {
        (self.0.div_euclid(12), self.0.rem_euclid(12).cast_unsigned() + 1)
    }
}

/// How many months a period has, by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// One.
    Month,
    /// Three, from January, April, July and October.
    Quarter,
    /// Twelve, from January.
    Year,
}

/// One period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its name: `2026-03`, `2026-Q1` or `2026`.
    pub name: String,
    /// Its first month.
    pub first: Month,
    /// How many months it has.
    pub length: i32,
}

impl Period {
    const fn length(self) -> i32 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }

    /// The whole periods from the one that holds a day to the one that holds another, when those are at most so many.
    pub fn spans(self, from: NaiveDate, to: NaiveDate, most: usize) -> Option<Vec<Span>> {
        let first = self.start(from);
        let count = self.start(to).since(first) / self.length() + 1;
        if usize::try_from(count).is_ok_and(|count| count > most) {
            return None;
        }
        Some(
            (0..count)
                .map(|number| self.span(first.later(number * self.length())))
                .collect(),
        )
    }

    fn start(self, day: NaiveDate) -> Month {
        let month = Month::of(day);
        month.later(-month.0.rem_euclid(self.length()))
    }

    fn span(self, first: Month) -> Span {
        let (year, month) = first.parts();
        let name = match self {
            Self::Month => format!("{year:04}-{month:02}"),
            Self::Quarter => format!("{year:04}-Q{}", month.div_ceil(3)),
            Self::Year => format!("{year:04}"),
        };
        Span {
            name,
            first,
            length: self.length(),
        }
    }
}

impl Span {
    /// Its months, earliest first.
    pub fn months(&self) -> impl Iterator<Item = Month> {
        (0..self.length).map(|number| self.first.later(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn names(by: Period, from: &str, to: &str) -> Vec<String> {
        let spans = by.spans(day(from), day(to), 120).unwrap();
        spans.into_iter().map(|span| span.name).collect()
    }

    #[test]
    fn periods_are_whole_and_go_by_the_calendar() {
        assert_eq!(
            names(Period::Month, "2025-12-31", "2026-02-01"),
            ["2025-12", "2026-01", "2026-02"]
        );
        assert_eq!(
            names(Period::Quarter, "2025-11-05", "2026-04-01"),
            ["2025-Q4", "2026-Q1", "2026-Q2"]
        );
        assert_eq!(names(Period::Year, "2025-11-05", "2026-04-01"), ["2025", "2026"]);
    }

    #[test]
    fn a_quarter_begins_with_its_first_month() {
        let spans = Period::Quarter.spans(day("2026-05-20"), day("2026-05-20"), 1).unwrap();

        assert_eq!(spans[0].first.first_day(), day("2026-04-01"));
        assert_eq!(spans[0].months().last().unwrap().first_day(), day("2026-06-01"));
    }

    #[test]
    fn more_periods_than_allowed_are_none() {
        assert!(Period::Month.spans(day("2016-01-01"), day("2025-12-31"), 120).is_some());
        assert!(Period::Month.spans(day("2016-01-01"), day("2026-01-01"), 120).is_none());
    }

    #[test]
    fn a_month_and_its_first_day_name_one_another() {
        for number in 0..600 {
            let month = Month::of(day("1990-01-15")).later(number);
            assert_eq!(Month::of(month.first_day()), month);
            assert_eq!(month.later(1).since(month), 1);
        }
    }
}
