//! Checking what people type. Every check notes a problem with its place, so that a person sees all of them at once.

use unicode_normalization::UnicodeNormalization;

use crate::{
    error::{Error, Problem, ProblemCode, Result},
    markdown,
};

mod names;
mod numbers;
mod slugs;

pub use slugs::{free_slug, slug};

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
        let text = text.replace("\r\n", "\n");
        let text = match text.trim() {
            // Already in this form, and by far the most texts that other hosts send.
            ascii if ascii.is_ascii() => ascii.to_owned(),
            other => other.nfc().collect(),
        };
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
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn problems(run: impl FnOnce(&mut Check)) -> Vec<(ProblemCode, String)> {
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
}
