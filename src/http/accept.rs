//! Media types: which one a client accepts for the answer, and whether the request's body is JSON.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

/// The media types of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status tells whether the request was executed.
    GraphQlResponse,
    /// `application/json`: every well-formed request is answered 200.
    Json,
}

impl Media {
    const ALL: [Self; 2] = [Self::GraphQlResponse, Self::Json];

    fn subtype(self) -> &'static str {
        match self {
            Self::GraphQlResponse => "graphql-response+json",
            Self::Json => "json",
        }
    }

    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphQlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// The status of a well-formed request that is not executed.
    pub(super) fn refused(self) -> StatusCode {
        match self {
            Self::GraphQlResponse => StatusCode::BAD_REQUEST,
            Self::Json => StatusCode::OK,
        }
    }
}

/// How well a media range names a media type; the more exact range decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    Anything,
    Application,
    Exact,
}

/// The media type of the answer; none if the client accepts neither.
///
/// Without `Accept`, or with wildcards alone, it is `application/json`: that is what clients who do not say better
/// have always been given.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let ranges = || {
        headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
    };
    if ranges().all(|value| value.trim().is_empty()) && !headers.get_all(header::ACCEPT).iter().any(is_opaque) {
        return Some(Media::Json);
    }
    let weigh = |media: Media| {
        ranges()
            .flat_map(|value| value.split(','))
            .filter_map(|range| weight(range, media))
            .max()
    };
    Media::ALL
        .into_iter()
        .filter_map(|media| weigh(media).map(|(by, quality)| (quality, by == Match::Exact, media)))
        .filter(|(quality, ..)| *quality > 0)
        // Of equals the last one wins: JSON, unless only the newer type is named.
        .max_by_key(|(quality, exact, media)| (*quality, *exact && *media == Media::GraphQlResponse))
        .map(|(.., media)| media)
}

fn is_opaque(value: &HeaderValue) -> bool {
    value.to_str().is_err()
}

/// How exactly a range names a media type, and its quality in thousandths.
fn weight(range: &str, media: Media) -> Option<(Match, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let application = kind.eq_ignore_ascii_case("application");
    let by = match subtype {
        "*" if kind == "*" => Match::Anything,
        "*" if application => Match::Application,
        _ if application && subtype.eq_ignore_ascii_case(media.subtype()) => Match::Exact,
        _ => return None,
    };
    let mut quality = 1000;
    for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
        if name.trim().eq_ignore_ascii_case("q") {
            quality = thousandths(value.trim())?;
        } else if name.trim().eq_ignore_ascii_case("charset") && !is_utf8(value) {
            return None;
        }
    }
    Some((by, quality))
}

/// A quality such as `0.8`; none if it is not a number from 0 to 1.
fn thousandths(text: &str) -> Option<u16> {
    let quality: f32 = text.parse().ok()?;
    // The range is checked, so the conversion cannot lose anything but digits past the third.
    (0.0..=1.0)
        .contains(&quality)
        .then(|| (quality * 1000.0).round() as u16)
}

/// Whether the client takes server-sent events for an answer.
pub(super) fn takes_events(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim())
        .peekable();
    ranges.peek().is_none() || ranges.any(|range| ["text/event-stream", "text/*", "*/*"].contains(&range))
}

/// Whether the request's body is declared to be JSON in UTF-8 and nothing else.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let encoded = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity");
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(declared), None, false) = (
        types.next().and_then(|value| value.to_str().ok()),
        types.next(),
        encoded,
    ) else {
        return false;
    };
    let mut parts = declared.split(';').map(str::trim);
    parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts
            .filter(|parameter| !parameter.is_empty())
            .all(|parameter| match parameter.split_once('=') {
                Some((name, value)) => !name.trim().eq_ignore_ascii_case("charset") || is_utf8(value),
                None => false,
            })
}

fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim().trim_matches('"');
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}
