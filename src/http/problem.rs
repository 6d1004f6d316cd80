//! Errors that the transport itself makes: their codes, their shape, their HTTP status.

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};
use axum::http::{HeaderName, HeaderValue, StatusCode};

/// The longest message that is sent; what a client wrote may stand in one.
const MESSAGE_CHARS: usize = 300;

/// The codes of `extensions.code` that the transport uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Forbidden,
    InvalidArgument,
    Internal,
    LimitExceeded,
    NotFound,
    ParseFailed,
    PersistedQueryNotFound,
    RateLimited,
    Unauthenticated,
    ValidationFailed,
}

impl Code {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "FORBIDDEN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::Internal => "INTERNAL",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::ParseFailed => "PARSE_FAILED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::RateLimited => "RATE_LIMITED",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::ValidationFailed => "VALIDATION_FAILED",
        }
    }
}

/// An error with a code.
pub(super) fn problem(code: Code, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(shortened(message.into()), None);
    extend(&mut error, "code", code.as_str());
    error
}

/// An error with a code at a place of the document.
pub(super) fn problem_at(code: Code, message: impl Into<String>, location: Option<Pos>) -> ServerError {
    let mut error = problem(code, message);
    error.locations.extend(location);
    error
}

/// A refusal by a limit, with the limit's name and value.
pub(super) fn over_limit(limit: &'static str, maximum: usize, message: impl Into<String>) -> ServerError {
    let mut error = problem(Code::LimitExceeded, message);
    extend(&mut error, "limit", limit);
    extend(&mut error, "maximum", maximum);
    error
}

/// Sets a member of an error's extensions.
pub(super) fn extend(error: &mut ServerError, name: &str, value: impl Into<Value>) {
    error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default)
        .set(name, value);
}

/// A message of bearable length.
pub(super) fn shortened(message: String) -> String {
    match message.char_indices().nth(MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}

/// A request that is not executed, and why.
#[derive(Debug)]
pub(super) struct Refused {
    /// None where the request is well-formed GraphQL over HTTP: then the media type of the answer decides.
    pub(super) status: Option<StatusCode>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) errors: Vec<ServerError>,
}

impl Refused {
    /// A request that HTTP itself refuses, whatever media type was asked for.
    pub(super) fn by_http(status: StatusCode, error: ServerError) -> Self {
        Self {
            status: Some(status),
            headers: Vec::new(),
            errors: vec![error],
        }
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<Vec<ServerError>> for Refused {
    fn from(errors: Vec<ServerError>) -> Self {
        Self {
            status: None,
            headers: Vec::new(),
            errors,
        }
    }
}

impl From<ServerError> for Refused {
    fn from(error: ServerError) -> Self {
        Self::from(vec![error])
    }
}
