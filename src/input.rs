//! Checking what people type. Every check notes a problem with its place, so that a person sees all of them at once.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use unicode_normalization::UnicodeNormalization;
use url::Url;

use crate::{
    error::{Error, Problem, ProblemCode, Result},
    markdown,
};

/// Longest title or name, in characters.
pub const TITLE: usize = 200;
/// Longest summary, reason or question, in characters.
pub const SUMMARY: usize = 1_000;
/// Longest text about something or somebody, in characters.
pub const ABOUT: usize = 5_000;
/// Longest Markdown body, in characters.
pub const BODY: usize = 50_000;
/// Longest tag, topic or condition, in characters.
pub const WORD: usize = 60;
/// Most items of a short list.
pub const ITEMS: usize = 30;

/// The National Health Service began in 1948: nothing here happened earlier.
const FIRST_YEAR: i32 = 1948;

/// What an update says of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leaves it as it is.
    #[default]
    Keep,
    /// Empties it.
    Clear,
    /// Gives it another value.
    Set(T),
}

impl<T> Patch<T> {
    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(change(value)),
        }
    }

    /// What a nullable field holds afterwards.
    pub fn or_now(self, now: Option<T>) -> Option<T> {
        match self {
            Self::Keep => now,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// Collects the problems of one input.
#[derive(Debug, Default)]
pub struct Check {
    problems: Vec<Problem>,
}

impl Check {
    /// A check without problems yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the check.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every problem that was noted.
    pub fn done(self) -> Result<()> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.problems))
        }
    }

    /// Notes a problem.
    pub fn note(&mut self, code: ProblemCode, path: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(code, path, message));
    }

    /// Notes the problems of an outcome and hands on its value.
    ///
    /// # Errors
    /// Those that are no problems of the input.
    pub fn take<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(Error::Invalid(problems)) => {
                self.problems.extend(problems);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// What a required field holds after an update.
    pub fn required<T: Clone>(&mut self, path: &str, patch: Patch<T>, now: &T) -> T {
        match patch {
            Patch::Keep => now.clone(),
            Patch::Set(value) => value,
            Patch::Clear => {
                self.note(ProblemCode::Required, path, "This cannot be empty.");
                now.clone()
            }
        }
    }

    /// A text of one line: trimmed, in Unicode form NFC, not empty, at most `most` characters.
    pub fn line(&mut self, path: &str, text: &str, most: usize) -> String {
        let text = self.text(path, text, most);
        if text.contains('\n') {
            self.note(ProblemCode::Invalid, path, "This must be one line.");
        }
        text
    }

    /// The same of a field that may be empty; an empty text is none.
    pub fn optional_line(&mut self, path: &str, text: Option<String>, most: usize) -> Option<String> {
        text.filter(|text| !text.trim().is_empty())
            .map(|text| self.line(path, &text, most))
    }

    /// A text of several lines.
    pub fn text(&mut self, path: &str, text: &str, most: usize) -> String {
        let text: String = text.replace("\r\n", "\n").trim().nfc().collect();
        if text.is_empty() {
            self.note(ProblemCode::Required, path, "This cannot be empty.");
        } else if text.chars().count() > most {
            self.note(ProblemCode::TooLong, path, format!("Use at most {most} characters."));
        } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.note(
                ProblemCode::Invalid,
                path,
                "This holds a control character, which cannot be stored.",
            );
        }
        text
    }

    /// The same of a field that may be empty.
    pub fn optional_text(&mut self, path: &str, text: Option<String>, most: usize) -> Option<String> {
        text.filter(|text| !text.trim().is_empty())
            .map(|text| self.text(path, &text, most))
    }

    /// A Markdown text without script.
    pub fn markdown(&mut self, path: &str, text: &str, most: usize) -> String {
        let text = self.text(path, text, most);
        if let Some(why) = markdown::refusal(&text) {
            self.note(ProblemCode::Invalid, path, why);
        }
        text
    }

    /// The same of a field that may be empty.
    pub fn optional_markdown(&mut self, path: &str, text: Option<String>, most: usize) -> Option<String> {
        text.filter(|text| !text.trim().is_empty())
            .map(|text| self.markdown(path, &text, most))
    }

    /// Tags, topics, conditions: lower case, each once, in the order given.
    pub fn words(&mut self, path: &str, words: Vec<String>) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        self.count(path, words.len());
        for (number, word) in words.iter().enumerate() {
            let word = self.line(&format!("{path}.{number}"), word, WORD).to_lowercase();
            if !kept.contains(&word) {
                kept.push(word);
            }
        }
        kept
    }

    /// Values of an enumeration: each once, in the order given.
    pub fn set<T: PartialEq>(&mut self, path: &str, values: Vec<T>) -> Vec<T> {
        self.count(path, values.len());
        let mut kept = Vec::new();
        for value in values {
            if !kept.contains(&value) {
                kept.push(value);
            }
        }
        kept
    }

    fn count(&mut self, path: &str, items: usize) {
        if items > ITEMS {
            self.note(ProblemCode::TooLong, path, format!("Give at most {ITEMS} of these."));
        }
    }

    /// Languages as BCP 47 tags, e.g. `en`, `so`, `zh-Hant`.
    pub fn languages(&mut self, path: &str, tags: Vec<String>) -> Vec<String> {
        self.count(path, tags.len());
        let checked = tags
            .iter()
            .enumerate()
            .map(|(number, tag)| self.language(&format!("{path}.{number}"), tag));
        let checked: Vec<_> = checked.collect();
        self.set(path, checked)
    }

    /// A language as a BCP 47 tag.
    pub fn language(&mut self, path: &str, tag: &str) -> String {
        let mut parts = tag.split('-');
        let primary = parts
            .next()
            .is_some_and(|part| (2..=3).contains(&part.len()) && ascii_letters(part));
        let rest = parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !(primary && rest && tag.len() <= 35) {
            self.note(
                ProblemCode::Invalid,
                path,
                "Give a language tag such as en, so or zh-Hant (BCP 47).",
            );
        }
        tag.to_owned()
    }

    /// A web address: http or https, with a host, without a password.
    pub fn optional_url(&mut self, path: &str, text: Option<String>) -> Option<String> {
        let text = self.optional_line(path, text, 2_000)?;
        let fine = Url::parse(&text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host().is_some()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !fine {
            self.note(
                ProblemCode::Invalid,
                path,
                "Give a web address that begins with https:// or http://.",
            );
        }
        Some(text)
    }

    /// An e-mail address, checked no further than that it can be one.
    pub fn optional_email(&mut self, path: &str, text: Option<String>) -> Option<String> {
        let text = self.optional_line(path, text, 254)?;
        let fine = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !domain.contains('@') && !text.contains(char::is_whitespace)
        });
        if !fine {
            self.note(ProblemCode::Invalid, path, "Give an e-mail address.");
        }
        Some(text)
    }

    /// A telephone number: digits, spaces, and a plus sign in front.
    pub fn optional_phone(&mut self, path: &str, text: Option<String>) -> Option<String> {
        let text = self.optional_line(path, text, 30)?;
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let known = text
            .char_indices()
            .all(|(at, c)| c.is_ascii_digit() || " -()".contains(c) || (c == '+' && at == 0));
        if !known || digits < 7 {
            self.note(ProblemCode::Invalid, path, "Give a telephone number.");
        }
        Some(text)
    }

    /// An ODS code: 3 to 10 capital letters and digits.
    pub fn optional_ods_code(&mut self, path: &str, text: Option<String>) -> Option<String> {
        let text = self.optional_line(path, text, 10)?;
        let fine = text.len() >= 3 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !fine {
            self.note(
                ProblemCode::Invalid,
                path,
                "An ODS code has 3 to 10 capital letters and digits.",
            );
        }
        Some(text)
    }

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

/// The part of a web address that names a record: lower-case letters and digits with hyphens, made from its title.
pub fn slug(title: &str) -> String {
    let terms = crate::search::terms(title);
    let mut slug = String::new();
    for term in terms.iter().filter(|term| term.is_ascii()) {
        if slug.len() + term.len() > WORD {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(term);
    }
    if slug.is_empty() { "untitled".to_owned() } else { slug }
}

/// A slug with a number behind it when others have it already: `garden`, `garden-2`.
pub fn free_slug(title: &str, taken: &[String]) -> String {
    let slug = slug(title);
    let numbered = (2..).map(|number| format!("{slug}-{number}"));
    std::iter::once(slug.clone())
        .chain(numbered)
        .find(|candidate| !taken.contains(candidate))
        .unwrap_or(slug)
}

fn ascii_letters(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(run: impl FnOnce(&mut Check)) -> Vec<(ProblemCode, String)> {
        let mut check = Check::new();
        run(&mut check);
        check
            .problems
            .into_iter()
            .map(|problem| (problem.code, problem.path.join(".")))
            .collect()
    }

    #[test]
    fn a_text_with_nul_is_refused_with_its_place() {
        let found = problems(|check| {
            check.line("title", "a\0b", TITLE);
        });

        assert_eq!(found, [(ProblemCode::Invalid, "title".to_owned())]);
    }

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

    #[test]
    fn only_web_addresses_are_urls() {
        for wrong in [
            "javascript:alert(1)",
            "ftp://example.org/",
            "//example.org",
            "https://user:word@example.org/",
            "https://",
        ] {
            let found = problems(|check| {
                check.optional_url("url", Some(wrong.to_owned()));
            });
            assert_eq!(found.len(), 1, "{wrong}");
        }
        assert!(problems(|check| drop(check.optional_url("url", Some("https://www.nhs.uk/".to_owned())))).is_empty());
    }

    #[test]
    fn slugs_are_plain_and_free() {
        assert_eq!(slug("Café culture: 60 of 81!"), "cafe-culture-60-of-81");
        assert_eq!(slug("健康"), "untitled");
        assert_eq!(
            free_slug("Garden", &["garden".to_owned(), "garden-2".to_owned()]),
            "garden-3"
        );
    }
}
