//! The answers to what is not served: a status, and a small JSON object with a code for programs.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    error::Error,
    federation::{
        messages::{HELD, Refused},
        protocol::check,
        transport::TokenRefused,
        wire::{Malformed, VERSION},
    },
};

/// Why a request is not served.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
        }
    }

    /// Nothing of this protocol.
    pub fn garbage(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MALFORMED", message)
    }

    /// Nobody knows who asks.
    pub fn unproved(why: &'static str) -> Self {
        let refusal = Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", why);
        refusal.with(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"cn-fed\""),
        )
    }

    /// Who asks may not have this.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// There is no such thing here.
    pub fn nothing(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// Only the hub does this.
    pub fn not_a_hub() -> Self {
        Self::nothing("NOT_A_HUB", "This host keeps no national site and relays nothing.")
    }

    /// What is said contradicts what was said before.
    pub fn contradicted(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "CONTRADICTED", message)
    }

    /// The peer speaks another version.
    pub fn other_protocol() -> Self {
        let message = format!("This host speaks version {VERSION} of the protocol; say it in the header cn-fed.");
        let refusal = Self::new(StatusCode::UPGRADE_REQUIRED, "PROTOCOL", message);
        refusal.with(header::UPGRADE, HeaderValue::from_static("cn-fed/1"))
    }

    /// The peer asks for too much at once.
    pub fn too_many(seconds: i64) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY", "This site asks too often.");
        refusal.with(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// This host may have forgotten what it published, and waits for others to tell it.
    pub fn held() -> Self {
        let message = "This host publishes nothing of the site before others have told what they have read of it.";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, HELD, message);
        refusal.with(header::RETRY_AFTER, HeaderValue::from_static("2"))
    }

    /// The body is too long.
    pub fn too_long() -> Self {
        let message = "The body is longer than this host accepts.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LONG", message)
    }

    /// The body is packed in another way than gzip.
    pub fn unknown_encoding() -> Self {
        let message = "A body comes as it is, or as gzip.";
        let refusal = Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "ENCODING", message);
        refusal.with(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))
    }

    /// The body does not come.
    pub fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "TOO_SLOW",
            "The body did not arrive in time.",
        )
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl From<TokenRefused> for Refusal {
    fn from(refused: TokenRefused) -> Self {
        Self::unproved(refused.0)
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::garbage(format!("The batch is malformed: {malformed}."))
    }
}

/// What is wrong with an append that no resending mends.
impl From<check::Refusal> for Refusal {
    fn from(refusal: check::Refusal) -> Self {
        use check::Refusal::{Malformed, NotActive, UntrustedKey};
        match refusal {
            Malformed(malformed) => malformed.into(),
            NotActive(_) => Self::forbidden("NOT_ACTIVE", format!("Not taken: {refusal}.")),
            UntrustedKey { .. } => Self::forbidden("UNTRUSTED_KEY", format!("Not taken: {refusal}.")),
            other => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "REFUSED",
                format!("Not taken: {other}."),
            ),
        }
    }
}

/// What goes wrong here is logged here, and the peer learns that it is not its doing.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if let Error::Argument { why, .. } = error {
            return Self::garbage(why);
        }
        error.log("another host could not be answered");
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", error.to_string());
        refusal.with(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Refused {
            code: self.code.to_owned(),
            message: self.message,
        };
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().extend(self.header);
        response
    }
}
