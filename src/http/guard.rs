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
        settings,
    };
    for definition in &document.definitions {
        if let Definition::FragmentDefinition(fragment) = definition {
            guard.fragments.entry(&fragment.name).or_insert(fragment);
        }
    }
    let mut extent = Extent::default();
    for definition in &document.definitions {
        extent.add(guard.definition(definition)?);
    }
    guard.bounded(extent)
}

/// The refusal of a list that is too long: the database knows no expressions of any length.
pub(super) fn too_many_items(most: usize) -> ServerError {
    over_limit("list_items", most, format!("A list may have {most} items."))
}

/// How many selection sets may stand in one another, those of fragments included: what bounds the recursion of whatever
/// walks them.
const MOST_LEVELS: usize = 40;

/// How deep the fields of introspection may nest. What every tool sends is 15 deep: a type inside nine others.
const INTROSPECTION_DEPTH: usize = 20;

/// How large a selection set is with all fragments unfolded.
#[derive(Clone, Copy, Default)]
struct Extent {
    selections: usize,
    aliases: usize,
    directives: usize,
    /// How deep its fields nest.
    depth: usize,
    /// How many selection sets stand in one another.
    levels: usize,
}

impl Extent {
    /// Takes in what stands beside it.
    fn add(&mut self, beside: Self) {
        self.selections = self.selections.saturating_add(beside.selections);
        self.aliases = self.aliases.saturating_add(beside.aliases);
        self.directives = self.directives.saturating_add(beside.directives);
        self.depth = self.depth.max(beside.depth);
        self.levels = self.levels.max(beside.levels);
    }
}

/// Where a selection set stands.
#[derive(Clone, Copy)]
struct Place {
    /// How many fields are around it.
    depth: usize,
    /// How many selection sets are around it.
    level: usize,
    /// How deep fields may nest here.
    most_depth: usize,
}

impl Place {
    fn below_field(self, name: &str) -> Self {
        let introspects = matches!(name, "__schema" | "__type");
        Self {
            depth: self.depth + 1,
            most_depth: if introspects {
                INTROSPECTION_DEPTH
            } else {
                self.most_depth
            },
            ..self.below_fragment()
        }
    }

    fn below_fragment(self) -> Self {
        Self {
            level: self.level + 1,
            ..self
        }
    }
}

struct Guard<'a> {
    document: &'a Document,
    fragments: HashMap<&'a Name, &'a Node<FragmentDefinition>>,
    /// None while a fragment is being measured.
    measured: HashMap<&'a Name, Option<Extent>>,
    settings: &'a HttpSettings,
}

impl<'a> Guard<'a> {
    fn definition(&mut self, definition: &'a Definition) -> Result<Extent, ServerError> {
        let start = Place {
            depth: 0,
            level: 0,
            most_depth: self.settings.document_depth,
        };
        match definition {
            Definition::OperationDefinition(operation) => {
                let mut extent = self.selection_set(&operation.selection_set, start)?;
                extent.directives += self.variables(&operation.variables)?;
                extent.directives += self.directives(&operation.directives)?;
                Ok(extent)
            }
            // Where it is spread decides how deep it may be, and there its aliases and directives are counted.
            Definition::FragmentDefinition(fragment) => {
                let anywhere = Place {
                    most_depth: start.most_depth.max(INTROSPECTION_DEPTH),
                    ..start
                };
                Ok(Extent {
                    aliases: 0,
                    directives: 0,
                    ..self.fragment(fragment, anywhere)?
                })
            }
            // The validator refuses definitions of types in a request.
            _ => Ok(Extent::default()),
        }
    }

    fn selection_set(&mut self, selections: &'a [Selection], place: Place) -> Result<Extent, ServerError> {
        self.shallow(
            place,
            Extent {
                depth: 1,
                ..Extent::default()
            },
        )?;
        let mut extent = Extent::default();
        for selection in selections {
            extent.add(self.selection(selection, place)?);
        }
        extent.levels += 1;
        Ok(extent)
    }

    fn selection(&mut self, selection: &'a Selection, place: Place) -> Result<Extent, ServerError> {
        let (directives, mut extent) = match selection {
            Selection::Field(field) => {
                let mut arguments = field.arguments.iter();
                arguments.try_for_each(|argument| self.value(&argument.value))?;
                let mut below = match field.selection_set.as_slice() {
                    [] => Extent::default(),
                    nested => self.selection_set(nested, place.below_field(&field.name))?,
                };
                below.depth += 1;
                below.aliases += usize::from(field.alias.is_some());
                (&field.directives, below)
            }
            Selection::InlineFragment(inline) => {
                let below = self.selection_set(&inline.selection_set, place.below_fragment())?;
                (&inline.directives, below)
            }
            Selection::FragmentSpread(spread) => {
                let below = match self.fragments.get(&spread.fragment_name) {
                    Some(fragment) => self.fragment(fragment, place.below_fragment())?,
                    // The validator knows better what to say of an unknown fragment.
                    None => Extent::default(),
                };
                (&spread.directives, below)
            }
        };
        extent.selections = extent.selections.saturating_add(1);
        extent.directives = extent.directives.saturating_add(self.directives(directives)?);
        Ok(extent)
    }

    fn fragment(&mut self, fragment: &'a Node<FragmentDefinition>, place: Place) -> Result<Extent, ServerError> {
        match self.measured.get(&fragment.name) {
            Some(Some(extent)) => {
                let extent = *extent;
                self.shallow(place, extent)?;
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
        let mut extent = self.selection_set(&fragment.selection_set, place)?;
        extent.directives = extent.directives.saturating_add(self.directives(&fragment.directives)?);
        self.bounded(extent)?;
        self.measured.insert(&fragment.name, Some(extent));
        Ok(extent)
    }

    /// Refuses what would nest too deep at its place.
    fn shallow(&self, place: Place, below: Extent) -> Result<(), ServerError> {
        if place.depth + below.depth > place.most_depth {
            let message = format!("Fields may nest {} deep.", place.most_depth);
            return Err(over_limit("document_depth", place.most_depth, message));
        }
        if place.level + below.levels > MOST_LEVELS {
            let message = format!("Selections may nest {MOST_LEVELS} deep, fragments included.");
            return Err(over_limit("document_levels", MOST_LEVELS, message));
        }
        Ok(())
    }

    fn bounded(&self, extent: Extent) -> Result<(), ServerError> {
        let HttpSettings {
            document_selections,
            document_aliases,
            document_directives,
            ..
        } = *self.settings;
        for (found, most, limit, of) in [
            (
                extent.selections,
                document_selections,
                "document_selections",
                "select {} fields and fragments",
            ),
            (extent.aliases, document_aliases, "document_aliases", "have {} aliases"),
            (
                extent.directives,
                document_directives,
                "document_directives",
                "have {} directives",
            ),
        ] {
            if found > most {
                let of = of.replace("{}", &most.to_string());
                let message = format!("A document may {of}, every fragment counted at each spread.");
                return Err(over_limit(limit, most, message));
            }
        }
        Ok(())
    }

    /// Checks the defaults of variables; tells how many directives they have.
    fn variables(&self, variables: &[Node<VariableDefinition>]) -> Result<usize, ServerError> {
        variables.iter().try_fold(0, |directives, variable| {
            variable.default_value.iter().try_for_each(|value| self.value(value))?;
            Ok(directives + self.directives(&variable.directives)?)
        })
    }

    /// Checks what directives are given; tells how many they are.
    fn directives(&self, directives: &[Node<Directive>]) -> Result<usize, ServerError> {
        let mut arguments = directives.iter().flat_map(|directive| &directive.arguments);
        arguments.try_for_each(|argument| self.value(&argument.value))?;
        Ok(directives.len())
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
            Value::List(items) if items.len() > self.settings.list_items => {
                let mut refused = too_many_items(self.settings.list_items);
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
