//! Which pages may open a WebSocket: browsers let every page do so, and say only from where it comes.

use axum::http::{HeaderMap, StatusCode, header};

use super::HttpSettings;
use super::problem::{Code, Refused, problem};

/// Passes who is no browser, pages of this host itself, and those of the origins that may call it.
pub(super) fn check(headers: &HeaderMap, settings: &HttpSettings) -> Result<(), Refused> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let allowed = origin.to_str().is_ok_and(|origin| {
        let listed = settings.allowed_origins.iter();
        listed.clone().any(|one| one == "*" || one == origin) || is_own(origin, headers)
    });
    if allowed && origins.next().is_none() {
        return Ok(());
    }
    let message =
        "Pages of this origin may not call this host: its operator lists those that may in `http.allowed_origins`.";
    Err(Refused::by_http(
        StatusCode::FORBIDDEN,
        problem(Code::Forbidden, message),
    ))
}

/// Whether the page comes from the address at which it calls. A proxy may have taken the encryption off.
fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let called = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let from = ["http://", "https://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(scheme));
    matches!((from, called), (Some(from), Some(called)) if from.eq_ignore_ascii_case(called))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(origins: &[&'static str], allowed: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "host.example:8080".parse().unwrap());
        for origin in origins {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        let settings = HttpSettings {
            allowed_origins: allowed.iter().map(|one| (*one).to_owned()).collect(),
            ..HttpSettings::default()
        };
        check(&headers, &settings).is_ok()
    }

    #[test]
    fn only_pages_that_may_call_open_a_socket() {
        let listed = &["https://app.example"][..];

        assert!(passes(&[], &[]), "no browser");
        assert!(passes(&["http://host.example:8080"], &[]));
        assert!(passes(&["https://HOST.example:8080"], &[]), "behind a proxy");
        assert!(passes(&["https://app.example"], listed));
        assert!(passes(&["https://other.example"], &["*"]));
        for other in [
            "https://other.example",
            "null",
            "",
            "host.example:8080",
            "https://app.example.evil",
            "http://host.example",
        ] {
            assert!(!passes(&[other], listed), "{other}");
        }
        assert!(!passes(&["https://app.example", "https://other.example"], listed));
    }
}
