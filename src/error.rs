//! The one error of the server, named from the caller's side.

use std::sync::Arc;

use entity::Kind;
use sea_orm::{DbErr, RuntimeErr, SqlErr, prelude::Uuid};

/// What the server's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done.
///
/// [`Error::Invalid`] and [`Error::Conflict`] become `problems` in a mutation's payload, since a person can mend them.
/// All others are GraphQL errors with `extensions.code`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, and the thing asked needs somebody.
    #[error("Sign in to do this.")]
    Unauthenticated,
    /// The caller sees it but may not do this to it.
    #[error("You may not do this.")]
    Forbidden,
    /// There is nothing of this kind that the caller may see.
    #[error("There is no such {}.", .0.noun())]
    NotFound(Kind),
    /// The record to be written has its home on another host.
    #[error("This belongs to the site {site}, which another host keeps.")]
    NotHostedHere {
        /// The slug of the home site.
        site: String,
        /// Where that site's host answers GraphQL, when it is known.
        endpoint: Option<String>,
    },
    /// An argument of a query is wrong.
    #[error("{why}")]
    Argument {
        /// The argument's path, outermost first.
        path: Vec<String>,
        /// What is wrong, for people.
        why: String,
    },
    /// The input of a mutation has problems that a person can mend.
    #[error("The input has problems.")]
    Invalid(Vec<Problem>),
    /// Somebody was faster: the record has another version than the one that was read.
    #[error("Somebody changed this {} in the meantime.", .0.noun())]
    Conflict(Kind, Uuid),
    /// Something went wrong that the caller cannot mend. The cause is logged, never sent.
    #[error("Something went wrong on our side.")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// What a person can mend in the input of a mutation.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// What kind of problem it is.
    pub code: ProblemCode,
    /// What to tell the person.
    pub message: String,
    /// Where in the input it is, outermost first; empty when it is about the whole.
    pub path: Vec<String>,
}

/// Kinds of problems, for a frontend to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProblemCode {
    /// A value is needed and missing.
    Required,
    /// A text or list is too long.
    TooLong,
    /// A text or list is too short.
    TooShort,
    /// A value is wrong in another way.
    Invalid,
    /// The value is already used by another record.
    Taken,
    /// Somebody was faster.
    Conflict,
    /// The record's present state does not allow it.
    NotAllowedNow,
}

impl Error {
    /// One problem at one place of the input.
    pub fn problem(code: ProblemCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(code, path, message)])
    }

    /// The record's present state does not allow it.
    pub fn not_now(message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem {
            code: ProblemCode::NotAllowedNow,
            message: message.into(),
            path: Vec::new(),
        }])
    }

    /// A wrong argument of a query.
    pub fn argument(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Argument {
            path: dotted(&path.into()),
            why: why.into(),
        }
    }

    /// Wraps what the caller neither caused nor can mend.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(cause.into()))
    }

    /// Why it is an internal one: what it does not print, because callers may see what it prints.
    pub fn cause(&self) -> Option<String> {
        std::error::Error::source(self).map(ToString::to_string)
    }

    /// Logs for the operator what has failed, and why.
    pub fn log(&self, what: &str) {
        tracing::error!(error = %self, cause = self.cause(), "{what}");
    }

    /// The code of a GraphQL error, as `extensions.code` shows it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::NotHostedHere { .. } => "NOT_HOSTED_HERE",
            Self::Argument { .. } | Self::Invalid(_) => "INVALID_ARGUMENT",
            Self::Conflict(..) => "CONFLICT",
            Self::Internal(_) => "INTERNAL",
        }
    }
}

impl Problem {
    /// A problem at a place of the input, written with dots: `milestones.0.title`.
    pub fn new(code: ProblemCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            path: dotted(&path.into()),
        }
    }
}

fn dotted(path: &str) -> Vec<String> {
    path.split('.')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What the database says of a caller's doing becomes an answer for the caller; everything else is internal.
impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(_)) = error.sql_err() {
            return Self::problem(
                ProblemCode::Taken,
                "",
                "Somebody has just used one of these values. Choose another.",
            );
        }
        match state(&error).as_deref() {
            // PostgreSQL: serialization failure, deadlock, lock not available. SQLite: busy.
            Some("40001" | "40P01" | "55P03" | "5" | "517") => Self::problem(
                ProblemCode::Conflict,
                "",
                "Somebody else changed this at the same moment. Try again.",
            ),
            // PostgreSQL: a character that it cannot store, such as NUL.
            Some("22021" | "22P05") => Self::argument("", "A text holds a character that cannot be stored."),
            _ => Self::internal(error),
        }
    }
}

fn state(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) = error else {
        return None;
    };
    cause.as_database_error()?.code().map(|code| code.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_error_does_not_tell_its_cause() {
        let error = Error::internal("the database password is wrong");

        assert_eq!(error.to_string(), "Something went wrong on our side.");
        assert_eq!(error.code(), "INTERNAL");
    }

    #[test]
    fn a_path_is_written_with_dots() {
        let Error::Invalid(problems) = Error::problem(ProblemCode::Required, "targets.2.value", "Say a value.") else {
            unreachable!("a problem is invalid input");
        };

        assert_eq!(problems[0].path, ["targets", "2", "value"]);
    }
}
