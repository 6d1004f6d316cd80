//! GraphQL documents: parsed, validated against the schema, and kept.

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::ast::{self, Definition, OperationType};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Node, Schema, introspection};
use async_graphql::parser::types::OperationDefinition;
use async_graphql::{Pos, Positioned, ServerError};
use quick_cache::{Weighter, sync::Cache};
use sha2::{Digest, Sha256};

use super::convert::Fragments;
use super::params::Params;
use super::problem::{Code, over_limit, problem, problem_at};
use super::{HttpSettings, convert, guard, operations, scan};

/// The most errors that one answer lists.
const MOST_ERRORS: usize = 20;

/// The length of text that counts as one in the weight of the cache.
const TEXT_UNIT: usize = 4 * 1024;

/// How many spaces, commas and comments a document may have for each token that the limit counts.
const IGNORED_PER_TOKEN: usize = 5;

/// The SHA-256 of a document's text.
pub(super) type DocumentHash = [u8; 32];

/// A document that may be executed.
pub(super) struct Document {
    is_registered: bool,
    operations: Vec<Operation>,
    fragments: Fragments,
    weight: u64,
}

/// An operation in both its forms.
pub(super) struct Operation {
    /// As it was validated.
    pub(super) definition: Node<ast::OperationDefinition>,
    /// As the executor runs it.
    pub(super) executable: Positioned<OperationDefinition>,
}

impl Operation {
    /// Whether it changes something.
    pub(super) fn is_mutation(&self) -> bool {
        self.definition.operation_type == OperationType::Mutation
    }

    /// Whether it is a stream of events.
    pub(super) fn is_subscription(&self) -> bool {
        self.definition.operation_type == OperationType::Subscription
    }
}

impl Document {
    /// The operation that a request asks for.
    pub(super) fn operation(&self, name: Option<&str>) -> Result<&Operation, ServerError> {
        let refused = |message: String| problem(Code::ValidationFailed, message);
        match (name, self.operations.as_slice()) {
            (_, []) => Err(refused("The document has no operation.".to_owned())),
            (None, [only]) => Ok(only),
            (None, _) => Err(refused(
                "The document has several operations: `operationName` must say which one.".to_owned(),
            )),
            (Some(name), operations) => operations
                .iter()
                .find(|operation| operation.definition.name.as_ref().is_some_and(|known| known == name))
                .ok_or_else(|| refused(format!("The document has no operation `{name}`."))),
        }
    }

    /// The name of the operation that a request asks for, when frontends have registered it.
    pub(super) fn registered_name(&self, params: &Params) -> Option<&str> {
        let operation = self.operation(params.operation_name.as_deref()).ok()?;
        operation.definition.name.as_deref().filter(|_| self.is_registered)
    }

    /// The fragments that its operations spread.
    pub(super) fn fragments(&self) -> &Fragments {
        &self.fragments
    }
}

/// Reads documents and remembers those that passed.
pub(super) struct Documents {
    schema: Valid<Schema>,
    settings: HttpSettings,
    known: Cache<DocumentHash, Arc<Document>, ByText>,
    registered: Registered,
}

/// The operations of the host's own file, by their ids and by the hashes of their texts.
#[derive(Default)]
struct Registered {
    by_id: HashMap<String, Arc<Document>>,
    by_hash: HashMap<DocumentHash, Arc<Document>>,
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
    ///
    /// # Errors
    /// A sentence for the operator when the schema is none, or an operation of the host's file does not fit it.
    pub(super) fn new(sdl: &str, settings: &HttpSettings) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql");
        let schema = schema.map_err(|invalid| format!("The schema is not valid GraphQL: {}", invalid.errors))?;
        let items = usize::try_from(settings.cached_documents).unwrap_or(usize::MAX);
        let known = Cache::with_weighter(items, settings.cached_documents, ByText);
        let mut documents = Self {
            schema,
            settings: settings.clone(),
            known,
            registered: Registered::default(),
        };
        for (id, text) in operations::read(&settings.operations_file)? {
            documents.register(id, &text)?;
        }
        Ok(documents)
    }

    fn register(&mut self, id: String, text: &str) -> Result<(), String> {
        let mut document = self.parse(text).map_err(|errors| {
            let why = errors.first().map(|error| error.message.as_str()).unwrap_or_default();
            format!("operations_file: the operation `{id}` cannot run: {why}")
        })?;
        document.is_registered = true;
        let document = Arc::new(document);
        self.registered.by_hash.insert(hash(text), Arc::clone(&document));
        match self.registered.by_id.insert(id.clone(), document) {
            None => Ok(()),
            Some(_) => Err(format!("operations_file: the id `{id}` is given twice")),
        }
    }

    /// The schema that documents are validated against.
    pub(super) fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// A registered document by its id.
    pub(super) fn registered(&self, id: &str) -> Option<Arc<Document>> {
        self.registered.by_id.get(id).cloned()
    }

    /// A document that is registered, or was read before and is still kept.
    pub(super) fn find(&self, hash: &DocumentHash) -> Option<Arc<Document>> {
        let registered = self.registered.by_hash.get(hash).cloned();
        registered.or_else(|| self.known.get(hash))
    }

    /// Reads a document, unless it is kept. Where only registered ones run, all others are refused.
    pub(super) fn read(&self, text: &str) -> Result<Arc<Document>, Vec<ServerError>> {
        let hash = hash(text);
        if let Some(document) = self.find(&hash) {
            return Ok(document);
        }
        if self.settings.operations_only {
            let message = "This host runs only operations that are registered with it, and this is none of them.";
            return Err(vec![problem(Code::PersistedQueryNotFound, message)]);
        }
        let document = Arc::new(self.parse(text)?);
        if text.len() <= self.settings.cached_document_bytes {
            self.known.insert(hash, Arc::clone(&document));
        }
        Ok(document)
    }

    /// Scans, parses, measures, then validates: each step protects the next.
    fn parse(&self, text: &str) -> Result<Document, Vec<ServerError>> {
        let settings = &self.settings;
        scan::check(text, settings).map_err(|error| vec![error])?;
        // The parser's own limits count white space and commas too; they stand behind the scan.
        let most_tokens = settings.document_tokens.saturating_mul(IGNORED_PER_TOKEN);
        let mut parser = Parser::new()
            .recursion_limit(settings.document_nesting)
            .token_limit(most_tokens);
        let parsed = parser.parse_ast(text, "document");
        if parser.tokens_reached() > most_tokens {
            return Err(vec![scan::too_many(settings)]);
        }
        let parsed = parsed.map_err(|invalid| listed(Code::ParseFailed, &invalid.errors))?;
        guard::check(&parsed, settings).map_err(|error| vec![error])?;
        let valid = parsed.to_executable_validate(&self.schema);
        let valid = valid.map_err(|invalid| listed(Code::ValidationFailed, &invalid.errors))?;
        introspection_is_bounded(&valid)?;
        let converted = convert::convert(&parsed, text).map_err(|error| vec![error])?;
        let definitions = parsed
            .definitions
            .into_iter()
            .filter_map(|definition| match definition {
                Definition::OperationDefinition(operation) => Some(operation),
                _ => None,
            });
        let operations = definitions.zip(converted.operations);
        Ok(Document {
            is_registered: false,
            operations: operations
                .map(|(definition, executable)| Operation { definition, executable })
                .collect(),
            fragments: converted.fragments,
            weight: u64::try_from(text.len().div_ceil(TEXT_UNIT)).unwrap_or(u64::MAX).max(1),
        })
    }
}

/// The hash under which a document is kept; also its name in the protocol of persisted queries.
pub(super) fn hash(text: &str) -> DocumentHash {
    Sha256::digest(text).into()
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
