//! GraphQL documents: parsed, validated against the schema, and kept.

use std::sync::Arc;

use apollo_compiler::ast::{self, Definition, OperationType};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Node, Schema, introspection};
use async_graphql::parser::types;
use async_graphql::{Pos, ServerError};
use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest, Sha256};

use super::problem::{Code, over_limit, problem, problem_at};
use super::{convert, guard};
use crate::config::HttpSettings;

/// The most errors that one answer lists.
const MOST_ERRORS: usize = 20;

/// The length of text that counts as one in the weight of the cache.
const TEXT_UNIT: usize = 4 * 1024;

/// The SHA-256 of a document's text.
pub(super) type DocumentHash = [u8; 32];

/// A document that may be executed.
pub(super) struct Document {
    /// What the executor runs.
    pub(super) executable: types::ExecutableDocument,
    operations: Vec<Node<ast::OperationDefinition>>,
    weight: u64,
}

impl Document {
    /// The operation that a request asks for.
    pub(super) fn operation(&self, name: Option<&str>) -> Result<&ast::OperationDefinition, ServerError> {
        let refused = |message: String| problem(Code::ValidationFailed, message);
        match (name, self.operations.as_slice()) {
            (_, []) => Err(refused("The document has no operation.".to_owned())),
            (None, [only]) => Ok(only),
            (None, _) => Err(refused(
                "The document has several operations: `operationName` must say which one.".to_owned(),
            )),
            (Some(name), operations) => operations
                .iter()
                .find(|operation| operation.name.as_ref().is_some_and(|known| known == name))
                .map(|operation| &**operation)
                .ok_or_else(|| refused(format!("The document has no operation `{name}`."))),
        }
    }
}

/// Reads documents and remembers those that passed.
pub(super) struct Documents {
    schema: Valid<Schema>,
    settings: HttpSettings,
    known: Cache<DocumentHash, Arc<Document>, ByText>,
}

#[derive(Clone)]
struct ByText;

impl Weighter<DocumentHash, Arc<Document>> for ByText {
    fn weight(&self, _: &DocumentHash, document: &Arc<Document>) -> u64 {
        document.weight
    }
}

impl Documents {
    /// `sdl` is the schema that documents are validated against.
    pub(super) fn new(sdl: &str, settings: &HttpSettings) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql");
        let schema = schema.map_err(|invalid| format!("The schema is not valid GraphQL: {}", invalid.errors))?;
        let items = usize::try_from(settings.cached_documents).unwrap_or(usize::MAX);
        let known = Cache::with_weighter(items, settings.cached_documents, ByText);
        Ok(Self {
            schema,
            settings: settings.clone(),
            known,
        })
    }

    /// The schema that documents are validated against.
    pub(super) fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// A document that was read before and is still kept.
    pub(super) fn find(&self, hash: &DocumentHash) -> Option<Arc<Document>> {
        self.known.get(hash)
    }

    /// Reads a document, unless it is kept.
    pub(super) fn read(&self, text: &str) -> Result<Arc<Document>, Vec<ServerError>> {
        let hash = hash(text);
        if let Some(document) = self.find(&hash) {
            return Ok(document);
        }
        let document = Arc::new(self.parse(text)?);
        if text.len() <= self.settings.cached_document_bytes {
            self.known.insert(hash, Arc::clone(&document));
        }
        Ok(document)
    }

    /// Parses under limits, then measures, then validates: each step protects the next.
    fn parse(&self, text: &str) -> Result<Document, Vec<ServerError>> {
        let settings = &self.settings;
        let mut parser = Parser::new()
            .recursion_limit(settings.document_nesting)
            .token_limit(settings.document_tokens);
        let parsed = parser.parse_ast(text, "document");
        if parser.recursion_reached() > settings.document_nesting {
            let message = format!("Brackets may nest {} deep in a document.", settings.document_nesting);
            return Err(vec![over_limit("document_nesting", settings.document_nesting, message)]);
        }
        if parser.tokens_reached() > settings.document_tokens {
            let message = format!("A document may have {} tokens.", settings.document_tokens);
            return Err(vec![over_limit("document_tokens", settings.document_tokens, message)]);
        }
        let parsed = parsed.map_err(|invalid| listed(Code::ParseFailed, &invalid.errors))?;
        guard::check(&parsed, settings).map_err(|error| vec![error])?;
        let valid = parsed.to_executable_validate(&self.schema);
        let valid = valid.map_err(|invalid| listed(Code::ValidationFailed, &invalid.errors))?;
        introspection_is_bounded(&valid)?;
        let operations = parsed.definitions.iter().filter_map(|definition| match definition {
            Definition::OperationDefinition(operation) => Some(operation.clone()),
            _ => None,
        });
        Ok(Document {
            operations: operations.collect(),
            executable: convert::executable(&parsed, text).map_err(|error| vec![error])?,
            weight: u64::try_from(text.len().div_ceil(TEXT_UNIT)).unwrap_or(u64::MAX).max(1),
        })
    }
}

/// The hash under which a document is kept; also its name in the protocol of persisted queries.
pub(super) fn hash(text: &str) -> DocumentHash {
    Sha256::digest(text).into()
}

/// Whether an operation changes something.
pub(super) fn is_mutation(operation: &ast::OperationDefinition) -> bool {
    operation.operation_type == OperationType::Mutation
}

/// Whether an operation is a stream of events.
pub(super) fn is_subscription(operation: &ast::OperationDefinition) -> bool {
    operation.operation_type == OperationType::Subscription
}

/// The schema of the schema is a circle: nested lists of it multiply the answer at each level.
fn introspection_is_bounded(document: &Valid<ExecutableDocument>) -> Result<(), Vec<ServerError>> {
    for operation in document.operations.iter() {
        if let Err(error) = introspection::check_max_depth(document, operation) {
            let place = error.location().and_then(|span| span.line_column(&document.sources));
            let mut refused = over_limit(
                "introspection_lists",
                2,
                "Lists of types and fields may nest 2 deep in introspection.",
            );
            refused.locations.extend(place.map(|place| Pos {
                line: place.line,
                column: place.column,
            }));
            return Err(vec![refused]);
        }
    }
    Ok(())
}

/// The validator's findings as errors of the answer.
fn listed(code: Code, diagnostics: &DiagnosticList) -> Vec<ServerError> {
    let errors = diagnostics.iter().take(MOST_ERRORS).map(|diagnostic| {
        let place = diagnostic
            .error
            .location()
            .and_then(|span| span.line_column(diagnostic.sources));
        let place = place.map(|place| Pos {
            line: place.line,
            column: place.column,
        });
        problem_at(code, diagnostic.error.to_string(), place)
    });
    errors.collect()
}
