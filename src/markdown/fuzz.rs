//! Texts of chance: their HTML is made soon and holds only tags, attributes and links that are allowed, whatever they hold.

use std::time::Instant;

use super::{refusal, to_html};
use crate::fuzz::{Choice, MOMENT, SOON, changed, seeds};

const SEEDS: &str = include_str!("../fuzz/markdown.txt");

const WORDS: &[&str] = &[
    "<",
    ">",
    "</",
    "<b>",
    "<p ",
    "<div",
    "<a href=",
    "<img src=x ",
    "<svg>",
    "<math>",
    "<title>",
    "<table>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?",
    "on",
    "load=",
    "\"",
    "'",
    "`",
    "```",
    "~~~",
    "[x](",
    "](",
    ")",
    "![",
    "[",
    "]",
    "<http:",
    "javascript:",
    "JaVa\tScript:",
    "data:",
    "vbscript:",
    "//x.example",
    "&#106;",
    "&Tab;",
    "&lt;",
    "\\",
    "* ",
    "> ",
    "    ",
    "1. ",
    "| a | b |\n",
    "|---|---|\n",
    "# ",
    "\n",
    "\n\n",
    "\r",
    "\0",
    "\u{FFFD}",
    "\u{202E}",
    "***",
    "___",
    "~~",
    "[a]: ",
    "http://",
    "mailto:",
    "tel:",
];

/// What CommonMark with tables makes of what people write.
const TAGS: &[&str] = &[
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];
const ATTRIBUTES: &[&str] = &["align", "alt", "href", "rel", "src", "start", "style", "title"];
const SCHEMES: &[&str] = &["http:", "https:", "mailto:", "tel:"];

/// Reads HTML as it is served: fails at a tag, an attribute or a link that is not allowed, and at one that does not end.
fn holds_only_what_is_allowed(html: &str) {
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let closing = tag.strip_prefix('/');
        let named = closing.unwrap_or(tag);
        let end = named.find(|c: char| !c.is_ascii_alphanumeric()).expect("a tag ends");
        assert!(TAGS.contains(&&named[..end]), "<{} in {html}", &named[..end]);
        rest = attributes(&named[end..], html);
    }
}

/// Reads the attributes of a tag; gives what stands behind it.
fn attributes<'h>(mut rest: &'h str, html: &str) -> &'h str {
    loop {
        rest = rest.trim_start_matches(' ');
        if let Some(behind) = rest.strip_prefix('>') {
            return behind;
        }
        let (name, value) = rest.split_once("=\"").expect("an attribute has a value in quotes");
        let (value, behind) = value.split_once('"').expect("a value ends");
        assert!(ATTRIBUTES.contains(&name), "{name} in {html}");
        if ["href", "src"].contains(&name) {
            let lower = value.to_ascii_lowercase();
            assert!(
                SCHEMES.iter().any(|scheme| lower.starts_with(scheme)),
                "{value} in {html}"
            );
        }
        rest = behind;
    }
}

#[test]
fn html_holds_only_what_is_allowed_whatever_somebody_wrote() {
    bolero::check!()
        .with_test_time(MOMENT)
        .with_type::<Choice>()
        .for_each(|choice: &Choice| {
            let text = changed(choice, &seeds(SEEDS), WORDS);
            let started = Instant::now();
            let html = to_html(&text);
            assert!(started.elapsed() < SOON, "took {:?}: {text}", started.elapsed());
            holds_only_what_is_allowed(&html);
            assert!(html.len() <= 1_000 + 200 * text.len(), "{} bytes of {text}", html.len());
            assert_eq!(to_html(&text), html);
            let started = Instant::now();
            refusal(&text);
            assert!(started.elapsed() < SOON, "took {:?}: {text}", started.elapsed());
        });
}

#[test]
fn a_reader_of_html_that_sees_nothing_finds_nothing() {
    holds_only_what_is_allowed("<p>1 &lt; 2 <a href=\"https://example.org/\" rel=\"x\">y</a></p>");
    for wrong in ["<script>", "<p onclick=\"x\">", "<a href=\"javascript:x\">", "<p"] {
        assert!(
            std::panic::catch_unwind(|| holds_only_what_is_allowed(wrong)).is_err(),
            "{wrong}"
        );
    }
}
