//! Why a demonstration did not come up.

use std::io;

use crate::error::Error as HostError;

/// What the functions of the demonstration return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a demonstration did not come up. Told to whoever typed the command, so causes are shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A content file says something that cannot be read.
    #[error("the content of {site} cannot be read: {why}")]
    Content {
        /// The file, by the slug of its site.
        site: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An item names another that no content file has.
    #[error("{item} names {wanted}, which is in no content file")]
    Unknown {
        /// The item.
        item: String,
        /// What it names.
        wanted: String,
    },
    /// The API refused an item: the content must be mended.
    #[error("{mutation} refused {item}: {why}")]
    Refused {
        /// The mutation.
        mutation: &'static str,
        /// The item, as `site/key`.
        item: String,
        /// The problems or errors of its answer.
        why: String,
    },
    /// The folder or the port cannot be used.
    #[error("{what}: {cause}")]
    Machine {
        /// What was tried.
        what: String,
        /// Why it failed.
        cause: io::Error,
    },
    /// The host itself failed; the log may tell more.
    #[error("the host failed: {}", cause(.0))]
    Host(#[from] HostError),
}

impl Error {
    /// Says what was tried when the machine refused.
    pub fn machine(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |cause| Self::Machine { what, cause }
    }

    /// Wraps what only a mistake in this program can cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Host(HostError::internal(cause))
    }
}

/// An internal error keeps its cause from callers of the API, but not from the person at this machine.
fn cause(error: &HostError) -> String {
    match error {
        HostError::Internal(cause) => cause.to_string(),
        HostError::Invalid(problems) => problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}
