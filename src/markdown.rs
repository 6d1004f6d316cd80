//! Markdown (CommonMark 0.31 with tables): stored as written, served as written and as sanitised HTML.

use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, Options, Parser, Tag, html};

/// Deeper nesting than a person writes; it costs more to show than to send.
const DEEPEST: usize = 12;

/// What raw HTML may not hold: each of these can run a script or load a page.
const ACTIVE: &[&str] = &[
    "<script", "<iframe", "<object", "<embed", "<style", "<link", "<meta", "<base", "<form", "<svg", "<math",
];

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut sanitiser = Builder::default();
    // A link such as `//elsewhere` leaves the site although it looks relative: no relative links at all.
    sanitiser
        .url_relative(UrlRelative::Deny)
        .url_schemes(["http", "https", "mailto", "tel"].into());
    sanitiser.link_rel(Some("noopener noreferrer nofollow"));
    sanitiser
});

/// Sanitised HTML. Tags that somebody wrote are shown as text: a few thousand that are never closed would grow to
/// gigabytes when an HTML parser puts them in order.
pub fn to_html(markdown: &str) -> String {
    let mut rendered = String::with_capacity(markdown.len() * 2);
    let plain = parser(markdown).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        other => other,
    });
    html::push_html(&mut rendered, plain);
    SANITISER.clean(&rendered).to_string()
}

/// Why a text is refused: it holds script, or is nested too deeply to be shown safely.
pub fn refusal(markdown: &str) -> Option<&'static str> {
    let mut depth = 0;
    for event in parser(markdown) {
        match event {
            Event::Start(tag) => {
                depth += 1;
                if depth > DEEPEST {
                    return Some("Lists and quotes are nested too deeply.");
                }
                if let Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } = &tag
                    && !harmless(dest_url)
                {
                    return Some("Links may only lead to web pages, e-mail addresses and telephone numbers.");
                }
            }
            Event::End(_) => depth -= 1,
            Event::Html(raw) | Event::InlineHtml(raw) if active(&raw) => {
                return Some("Script, embedded pages and event handlers are not allowed.");
            }
            _ => {}
        }
    }
    None
}

fn parser(markdown: &str) -> Parser<'_> {
    Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
}

fn harmless(link: &str) -> bool {
    let plain: String = link.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    match plain.split_once(':') {
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) => {
            matches!(
                scheme.to_ascii_lowercase().as_str(),
                "http" | "https" | "mailto" | "tel"
            )
        }
        _ => true,
    }
}

fn active(raw: &str) -> bool {
    let raw = raw.to_ascii_lowercase();
    let handler = raw
        .split(|c: char| c.is_whitespace() || c == '/' || c == '"' || c == '\'')
        .any(|word| {
            word.strip_prefix("on").is_some_and(|rest| {
                rest.split_once('=')
                    .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
            })
        });
    handler || raw.contains("javascript:") || ACTIVE.iter().any(|tag| raw.contains(tag))
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_is_refused_in_every_dress() {
        for script in [
            "<script>alert(1)</script>",
            "text <ScRiPt src=x>",
            "<img src=x onerror=alert(1)>",
            "[click](javascript:alert(1))",
            "![x](data:text/html,x)",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<iframe src=https://example.org>",
        ] {
            assert!(refusal(script).is_some(), "{script}");
        }
    }

    #[test]
    fn what_people_write_is_kept() {
        for text in [
            "# Title\n\n- one\n- two\n\n[NHS](https://www.nhs.uk/)",
            "1 < 2 and on = off",
            "`<script>` as code",
        ] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }

    #[test]
    fn html_is_sanitised_whatever_was_stored() {
        let html = to_html("**Bold** <script>alert(1)</script> [x](//elsewhere.example)");

        assert_eq!(
            html,
            "<p><strong>Bold</strong> &lt;script&gt;alert(1)&lt;/script&gt; \
             <a rel=\"noopener noreferrer nofollow\">x</a></p>\n"
        );
    }

    #[test]
    fn tags_that_are_never_closed_do_not_multiply() {
        let open: String = (0..500).map(|number| format!("<b a{number}>")).collect();
        let text = format!("{open}{}", "<p>".repeat(500));

        assert!(to_html(&text).len() < 20 * text.len());
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(refusal(&"> ".repeat(5_000)).is_some() || refusal(&format!("{}x", "> ".repeat(5_000))).is_some());
    }
}
