//! The parameters of a GraphQL request, from a JSON body or from a query string.

use async_graphql::ServerError;
use serde_json::{Map, Value};

use super::problem::{Code, problem};

/// What a client sends with every GraphQL request.
#[derive(Debug, Default)]
pub(super) struct Params {
    pub(super) query: Option<String>,
    pub(super) document_id: Option<String>,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Map<String, Value>,
    pub(super) extensions: Map<String, Value>,
}

impl Params {
    /// Reads a body. Members that GraphQL over HTTP does not know are ignored, as its specification says.
    pub(super) fn from_body(body: &[u8]) -> Result<Self, ServerError> {
        // Also refuses escapes of lone surrogates, invalid UTF-8 and nesting that could exhaust the stack.
        let body: Value =
            serde_json::from_slice(body).map_err(|error| malformed(format!("The body is not JSON: {error}.")))?;
        match body {
            Value::Object(members) => Self::from_members(members),
            Value::Array(_) => Err(malformed("Batches are not accepted: send one request at a time.")),
            _ => Err(malformed("The body must be a JSON object.")),
        }
    }

    /// Reads the members of a body, or of the payload of a message.
    pub(super) fn from_members(mut members: Map<String, Value>) -> Result<Self, ServerError> {
        Ok(Self {
            query: text(&mut members, "query")?,
            document_id: text(&mut members, "documentId")?,
            operation_name: text(&mut members, "operationName")?,
            variables: map(members.remove("variables"), "variables")?,
            extensions: map(members.remove("extensions"), "extensions")?,
        })
    }

    /// Reads a query string, in which `variables` and `extensions` are JSON.
    pub(super) fn from_query(query: &str) -> Result<Self, ServerError> {
        let mut members = Map::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = match &*name {
                _ if value.is_empty() => continue,
                "query" | "documentId" | "operationName" => Value::String(value.into_owned()),
                "variables" | "extensions" => serde_json::from_str(&value)
                    .map_err(|error| malformed(format!("`{name}` is not JSON: {error}.")))?,
                _ => continue,
            };
            if members.contains_key(&*name) {
                return Err(malformed(format!("`{name}` is given twice.")));
            }
            members.insert(name.into_owned(), value);
        }
        Ok(Self {
            query: text(&mut members, "query")?,
            document_id: text(&mut members, "documentId")?,
            operation_name: text(&mut members, "operationName")?,
            variables: map(members.remove("variables"), "variables")?,
            extensions: map(members.remove("extensions"), "extensions")?,
        })
    }
}

fn malformed(message: impl Into<String>) -> ServerError {
    problem(Code::ParseFailed, message)
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, ServerError> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(format!("`{name}` must be a string."))),
    }
}

fn map(value: Option<Value>, name: &str) -> Result<Map<String, Value>, ServerError> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(malformed(format!("`{name}` must be an object."))),
    }
}
