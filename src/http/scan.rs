//! A first look at a document's text: how many tokens it has and how deep its brackets nest.
//!
//! It reads each byte once and keeps nothing, so that an overlong or overdeep document is refused before a parser
//! builds anything of it. What it takes for a token may differ from the grammar only in text that is no GraphQL.

use async_graphql::ServerError;

use super::HttpSettings;
use super::problem::over_limit;

/// Refuses a document with too many tokens or brackets that nest too deep. White space, commas and comments are free.
pub(super) fn check(text: &str, settings: &HttpSettings) -> Result<(), ServerError> {
    let mut rest = text.as_bytes();
    let (mut tokens, mut depth) = (0_usize, 0_usize);
    while let Some(first) = rest.first() {
        let (length, is_token) = match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => (1, false),
            b'#' => (until(rest, |byte| matches!(byte, b'\r' | b'\n')), false),
            b'"' => (string(rest), true),
            b'.' => (until(rest, |byte| byte != b'.'), true),
            byte if is_wordy(*byte) => (until(rest, |byte| !is_wordy(byte) && byte != b'.'), true),
            // A sign belongs to the number after it; the continuation of a character to its start.
            b'-' | b'+' | 0x80..=0xBF => (1, false),
            _ => (1, true),
        };
        match first {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        tokens += usize::from(is_token);
        if depth > settings.document_nesting {
            let message = format!("Brackets may nest {} deep in a document.", settings.document_nesting);
            return Err(over_limit("document_nesting", settings.document_nesting, message));
        }
        if tokens > settings.document_tokens {
            return Err(too_many(settings));
        }
        rest = &rest[length..];
    }
    Ok(())
}

/// The refusal of a document with too many tokens.
pub(super) fn too_many(settings: &HttpSettings) -> ServerError {
    let message = format!("A document may have {} tokens.", settings.document_tokens);
    over_limit("document_tokens", settings.document_tokens, message)
}

fn is_wordy(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn until(text: &[u8], is_end: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| is_end(*byte)).unwrap_or(text.len())
}

/// The length of a string that begins here, with its quotes.
fn string(text: &[u8]) -> usize {
    let is_block = text.starts_with(b"\"\"\"");
    let mut length = if is_block { 3 } else { 1 };
    while let Some(byte) = text.get(length) {
        let rest = &text[length..];
        match byte {
            b'"' if !is_block => return length + 1,
            b'"' if rest.starts_with(b"\"\"\"") => return length + 3,
            b'\r' | b'\n' if !is_block => return length,
            b'\\' if is_block && rest.starts_with(b"\\\"\"\"") => length += 4,
            b'\\' if !is_block => length += 2,
            _ => length += 1,
        }
    }
    text.len()
}
