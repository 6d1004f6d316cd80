//! What the executor answered, made fit to be sent: every error has a code, and no internals show.

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::{Pos, Positioned, Response, ServerError, Value};

use super::RequestId;
use super::convert::Fragments;
use super::documents::Operation;
use super::problem::{Code, extend, problem, shortened};

/// What is told instead of an internal error.
const APOLOGY: &str = "Something went wrong on this host. Its operators find the cause under the request id.";

/// An answer to send.
pub(super) enum Outcome {
    /// The operation ran, perhaps with errors in places.
    Executed(Response),
    /// The executor refused the request as a whole: there is no data, not even null.
    Refused(Vec<ServerError>),
}

/// Gives each error its code.
pub(super) fn settle(mut response: Response, operation: &Operation, fragments: &Fragments, id: &RequestId) -> Outcome {
    let executed = response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty());
    response.errors = response
        .errors
        .into_iter()
        .map(|error| settle_error(error, operation, fragments, id))
        .collect();
    if executed || response.errors.is_empty() {
        Outcome::Executed(response)
    } else {
        Outcome::Refused(response.errors)
    }
}

/// The error of a request whose execution broke off.
pub(super) fn broken_off(id: &RequestId) -> ServerError {
    let mut error = problem(Code::Internal, APOLOGY);
    extend(&mut error, "requestId", id.0.as_str());
    error
}

fn settle_error(mut error: ServerError, operation: &Operation, fragments: &Fragments, id: &RequestId) -> ServerError {
    if error
        .extensions
        .as_ref()
        .is_some_and(|extensions| extensions.get("code").is_some())
    {
        return error;
    }
    if is_about_input(&error) {
        error.message = shortened(error.message);
        extend(&mut error, "code", Code::InvalidArgument.as_str());
        if let Some(argument) = error
            .locations
            .iter()
            .find_map(|place| argument_at(operation, fragments, *place))
        {
            extend(&mut error, "path", Value::List(vec![argument.into()]));
        }
        error.locations.retain(|place| *place != Pos::default());
        return error;
    }
    if error.path.is_empty() && is_limit(&error.message) {
        extend(&mut error, "code", Code::LimitExceeded.as_str());
        return error;
    }
    // Neither its path, which has names that a client makes up, nor its message, which may repeat a value.
    let places: Vec<_> = error.locations.iter().map(|place| (place.line, place.column)).collect();
    tracing::error!(request_id = %id.0, ?places, "a resolver failed without a code");
    let masked = broken_off(id);
    ServerError {
        locations: error.locations,
        path: error.path,
        ..masked
    }
}

/// Errors of the executor about values that a client gave; it has no better mark than their wording. An error that a
/// resolver passed on from elsewhere carries its source, and what it says is never shown.
fn is_about_input(error: &ServerError) -> bool {
    let message = &error.message;
    error.source.is_none()
        && (message.starts_with("Failed to parse \"")
            || message.starts_with("Expected input type \"")
            || message.starts_with("\"__typename\" must be")
            || message == "Entity not found.")
}

/// The executor's own limits, where the schema sets any.
fn is_limit(message: &str) -> bool {
    [
        "Query is too complex",
        "Query is nested too deep",
        "The recursion depth",
        "The number of directives",
        "The amount of aliases",
    ]
    .iter()
    .any(|start| message.starts_with(start))
}

/// The argument whose value stands at a place of the document.
fn argument_at(operation: &Operation, fragments: &Fragments, place: Pos) -> Option<String> {
    let root = &operation.executable.node.selection_set.node;
    let fragments = fragments.values().map(|fragment| &fragment.node.selection_set.node);
    std::iter::once(root)
        .chain(fragments)
        .find_map(|selections| argument_within(selections, place))
}

fn argument_within(selections: &SelectionSet, place: Pos) -> Option<String> {
    selections.items.iter().find_map(|selection| match &selection.node {
        Selection::Field(field) => {
            argument_of(field, place).or_else(|| argument_within(&field.node.selection_set.node, place))
        }
        Selection::InlineFragment(inline) => argument_within(&inline.node.selection_set.node, place),
        Selection::FragmentSpread(_) => None,
    })
}

fn argument_of(field: &Positioned<Field>, place: Pos) -> Option<String> {
    let found = field.node.arguments.iter().find(|(_, value)| value.pos == place);
    found.map(|(name, _)| name.node.to_string())
}
