//! The `Idempotency-Key` header.

use async_graphql::ServerError;
use axum::http::HeaderMap;
use serde_json::{Map, Value};

use super::IdempotencyKey;
use super::problem::{Code, problem};

const MOST_CHARACTERS: usize = 255;

/// Reads the header: a structured-field string as its draft standard says, or the bare key that many clients send.
pub(super) fn read(headers: &HeaderMap) -> Result<IdempotencyKey, ServerError> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        return Ok(IdempotencyKey(None));
    };
    let key = value.to_str().ok().and_then(|text| unquoted(text.trim()));
    match key {
        Some(key) if values.next().is_none() && is_sane(&key) => Ok(IdempotencyKey(Some(key))),
        _ => Err(problem(
            Code::InvalidArgument,
            "Idempotency-Key must be given once and hold 1 to 255 visible ASCII characters, in double quotes or bare.",
        )),
    }
}

/// Reads `extensions.idempotencyKey`, which stands for the header where a message has none.
pub(super) fn of_extensions(extensions: &Map<String, Value>) -> Result<IdempotencyKey, ServerError> {
    match extensions.get("idempotencyKey") {
        None | Some(Value::Null) => Ok(IdempotencyKey(None)),
        Some(Value::String(key)) if is_sane(key) => Ok(IdempotencyKey(Some(key.clone()))),
        Some(_) => Err(problem(
            Code::InvalidArgument,
            "`extensions.idempotencyKey` must be a string of 1 to 255 visible ASCII characters.",
        )),
    }
}

/// The key without its quotes and escapes.
fn unquoted(text: &str) -> Option<String> {
    let Some(rest) = text.strip_prefix('"') else {
        return (!text.contains('"')).then(|| text.to_owned());
    };
    let mut key = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return characters.next().is_none().then_some(key),
            '\\' => key.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            plain => key.push(plain),
        }
    }
    None
}

fn is_sane(key: &str) -> bool {
    (1..=MOST_CHARACTERS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}
