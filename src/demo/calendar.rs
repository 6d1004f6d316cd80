//! When things happen in the demonstration, whatever the day on which it is started.
//!
//! The content was written for one month. Its plans (projects, milestones, targets, reviews) move with the month in which
//! the demonstration starts, so that it never looks abandoned; dates of real organisations do not move.

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};

/// The month that the content was written for.
const WRITTEN_FOR: (i32, u32) = (2026, 11);
/// How many months of figures there are.
pub const MONTHS: u32 = 24;
/// How many days before its start the demonstration's story begins.
const STORY_DAYS: i64 = 60;

/// The days of a demonstration.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    now: DateTime<Utc>,
}

impl Calendar {
    /// The days of a demonstration that starts now.
    pub fn starting(now: DateTime<Utc>) -> Self {
        Self { now }
    }

    /// When it starts.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// When its people register.
    pub fn begins(&self) -> DateTime<Utc> {
        self.now - TimeDelta::days(STORY_DAYS)
    }

    /// When its forum opens: half of the story is spent on setting up.
    pub fn forum_opens(&self) -> DateTime<Utc> {
        self.now - TimeDelta::days(STORY_DAYS / 2)
    }

    /// A day of a plan, moved with the start; no later than the end of next year, beyond which the API takes no date.
    pub fn planned(&self, day: NaiveDate) -> NaiveDate {
        let written = WRITTEN_FOR.0 * 12 + i32::try_from(WRITTEN_FOR.1).unwrap_or_default();
        let now = self.now.year() * 12 + i32::try_from(self.now.month()).unwrap_or_default();
        let months = Months::new(now.abs_diff(written));
        let moved = if now < written {
            day.checked_sub_months(months)
        } else {
            day.checked_add_months(months)
        };
        let latest = NaiveDate::from_ymd_opt(self.begins().year() + 1, 12, 31);
        moved.into_iter().chain(latest).min().unwrap_or(day)
    }

    /// The first day of a month of figures: 0 is the latest, the month before now.
    pub fn month(&self, offset: u32) -> NaiveDate {
        let first = self.now.date_naive().with_day(1).unwrap_or_default();
        first - Months::new(offset + 1)
    }

    /// The last day of a month of figures.
    pub fn month_end(&self, offset: u32) -> NaiveDate {
        self.month(offset) + Months::new(1) - TimeDelta::days(1)
    }

    /// A day of a month of figures.
    pub fn day(&self, offset: u32, day: u32) -> NaiveDate {
        self.month(offset) + TimeDelta::days(i64::from(day) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starting(day: &str) -> Calendar {
        Calendar::starting(format!("{day}T09:00:00Z").parse().unwrap())
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn plans_move_with_the_start() {
        assert_eq!(starting("2026-11-22").planned(day("2026-12-18")), day("2026-12-18"));
        assert_eq!(starting("2026-02-03").planned(day("2026-12-18")), day("2026-03-18"));
        assert_eq!(starting("2028-12-24").planned(day("2026-12-31")), day("2029-01-31"));
    }

    #[test]
    fn no_plan_lies_beyond_next_year_of_the_story() {
        assert_eq!(starting("2027-01-10").planned(day("2027-12-31")), day("2027-12-31"));
        assert_eq!(starting("2026-12-10").planned(day("2027-12-31")), day("2027-12-31"));
    }

    #[test]
    fn the_latest_month_is_the_one_before_now() {
        let calendar = starting("2026-03-31");
        assert_eq!(calendar.month_end(0), day("2026-02-28"));
        assert_eq!(calendar.month(2), day("2025-12-01"));
        assert_eq!(calendar.day(2, 28), day("2025-12-28"));
        assert_eq!(calendar.month(MONTHS - 1), day("2024-03-01"));
    }
}
