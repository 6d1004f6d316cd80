//! What a document may cost before anything walks its fragments.
//!
//! A few hundred bytes of fragments that spread each other unfold to billions of fields. Here every fragment is
//! measured once, so the check is linear in the length of the document, and both validation and execution, which
//! unfold fragments, meet only documents of bounded size. Lists that are too long and texts that no database could store
//! are refused on the way, and so is a field given twice in one object, which the validator overlooks.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{Definition, Directive, Document, FragmentDefinition, Selection, Value, VariableDefinition};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};
use async_graphql::{Pos, ServerError};

use super::HttpSettings;
use super::problem::{Code, over_limit, problem_at};

/// Measures a parsed document and refuses one that is too large, spreads a fragment in itself, or holds an overlong list
/// or a NUL.
pub(super) fn check(document: &Document, settings: &HttpSettings) -> Result<(), ServerError> {
    let mut guard = Guard {
        document,
        fragments: HashMap::new(),
        measured: HashMap::new(),
        most_depth: settings.document_depth,
        most_selections: settings.document_selections,
        most_items: settings.list_items,
    };
    for definition in &document.definitions {
        if let Definition::FragmentDefinition(fragment) = definition {
            guard.fragments.entry(&fragment.name).or_insert(fragment);
        }
    }
    let mut selections = 0_usize;
    for definition in &document.definitions {
        let extent = guard.definition(definition)?;
        selections = selections.saturating_add(extent.selections);
    }
    guard.bounded(selections)
}

/// The refusal of a list that is too long: the database knows no expressions of any length.
pub(super) fn too_many_items(most: usize) -> ServerError {
    over_limit("list_items", most, format!("A list may have {most} items."))
}

/// How large a selection set is with all fragments unfolded.
#[derive(Clone, Copy, Default)]
struct Extent {
    selections: usize,
    depth: usize,
}

struct Guard<'a> {
    document: &'a Document,
    fragments: HashMap<&'a Name, &'a Node<FragmentDefinition>>,
    /// None while a fragment is being measured.
    measured: HashMap<&'a Name, Option<Extent>>,
    most_depth: usize,
    most_selections: usize,
    most_items: usize,
}

impl<'a> Guard<'a> {
    fn definition(&mut self, definition: &'a Definition) -> Result<Extent, ServerError> {
        match definition {
            Definition::OperationDefinition(operation) => {
                self.variables(&operation.variables)?;
                self.directives(&operation.directives)?;
                self.selection_set(&operation.selection_set, 0)
            }
            Definition::FragmentDefinition(fragment) => self.fragment(fragment, 0),
            // The validator refuses definitions of types in a request.
            _ => Ok(Extent::default()),
        }
    }

    /// `level` is the number of selection sets around this one. It bounds the recursion too.
    fn selection_set(&mut self, selections: &'a [Selection], level: usize) -> Result<Extent, ServerError> {
        self.shallow(level)?;
        let mut extent = Extent {
            selections: selections.len(),
            depth: 0,
        };
        for selection in selections {
            let below = match selection {
                Selection::Field(field) => {
                    self.directives(&field.directives)?;
                    field
                        .arguments
                        .iter()
                        .try_for_each(|argument| self.value(&argument.value))?;
                    match field.selection_set.as_slice() {
                        [] => continue,
                        nested => self.selection_set(nested, level + 1)?,
                    }
                }
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.directives)?;
                    self.selection_set(&inline.selection_set, level + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives)?;
                    match self.fragments.get(&spread.fragment_name) {
                        Some(fragment) => self.fragment(fragment, level + 1)?,
                        // The validator knows better what to say of an unknown fragment.
                        None => continue,
                    }
                }
            };
            extent.selections = extent.selections.saturating_add(below.selections);
            extent.depth = extent.depth.max(below.depth + 1);
        }
        Ok(extent)
    }

    fn fragment(&mut self, fragment: &'a Node<FragmentDefinition>, level: usize) -> Result<Extent, ServerError> {
        match self.measured.get(&fragment.name) {
            Some(Some(extent)) => {
                let extent = *extent;
                self.shallow(level + extent.depth)?;
                return Ok(extent);
            }
            Some(None) => {
                let message = format!("The fragment `{}` spreads itself.", fragment.name);
                return Err(problem_at(
                    Code::ValidationFailed,
                    message,
                    self.locate(fragment.location()),
                ));
            }
            None => {}
        }
        self.measured.insert(&fragment.name, None);
        self.directives(&fragment.directives)?;
        let extent = self.selection_set(&fragment.selection_set, level)?;
        self.bounded(extent.selections)?;
        self.measured.insert(&fragment.name, Some(extent));
        Ok(extent)
    }

    fn shallow(&self, level: usize) -> Result<(), ServerError> {
        if level <= self.most_depth {
            return Ok(());
        }
        let message = format!("Selections may nest {} deep, fragments included.", self.most_depth);
        Err(over_limit("document_depth", self.most_depth, message))
    }

    fn bounded(&self, selections: usize) -> Result<(), ServerError> {
        if selections <= self.most_selections {
            return Ok(());
        }
        let message = format!(
            "A document may select {} fields and fragments, every fragment counted at each spread.",
            self.most_selections
        );
        Err(over_limit("document_selections", self.most_selections, message))
    }

    fn variables(&self, variables: &[Node<VariableDefinition>]) -> Result<(), ServerError> {
        variables.iter().try_for_each(|variable| {
            self.directives(&variable.directives)?;
            variable.default_value.iter().try_for_each(|value| self.value(value))
        })
    }

    fn directives(&self, directives: &[Node<Directive>]) -> Result<(), ServerError> {
        let mut arguments = directives.iter().flat_map(|directive| &directive.arguments);
        arguments.try_for_each(|argument| self.value(&argument.value))
    }

    /// The parser has bounded how deep values nest.
    fn value(&self, value: &Node<Value>) -> Result<(), ServerError> {
        match &**value {
            Value::String(text) if text.contains('\0') => {
                let message = "A string in the document holds a NUL character.";
                Err(problem_at(
                    Code::InvalidArgument,
                    message,
                    self.locate(value.location()),
                ))
            }
            Value::List(items) if items.len() > self.most_items => {
                let mut refused = too_many_items(self.most_items);
                refused.locations.extend(self.locate(value.location()));
                Err(refused)
            }
            Value::List(items) => items.iter().try_for_each(|item| self.value(item)),
            Value::Object(fields) => {
                let mut names = HashSet::new();
                fields.iter().try_for_each(|(name, field)| match names.insert(name) {
                    true => self.value(field),
                    false => {
                        let message = format!("The field `{name}` is given twice in one object.");
                        Err(problem_at(
                            Code::ValidationFailed,
                            message,
                            self.locate(name.location()),
                        ))
                    }
                })
            }
            _ => Ok(()),
        }
    }

    fn locate(&self, span: Option<SourceSpan>) -> Option<Pos> {
        let place = span?.line_column(&self.document.sources)?;
        Some(Pos {
            line: place.line,
            column: place.column,
        })
    }
}
