//! How large an answer a request may ask for.
//!
//! A few hundred bytes of lists inside lists ask for millions of values, though each list keeps to its largest page. So
//! the values are added up before anything is read: a field counts once for every row that it may stand in.

use apollo_compiler::ast::FieldDefinition;
use apollo_compiler::schema::{ExtendedType, Schema};
use async_graphql::parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet};
use async_graphql::{Positioned, ServerError, Value as ConstValue, Variables};

use super::HttpSettings;
use super::convert::Fragments;
use super::plan::is_skipped;
use super::problem::over_limit;
use crate::read::{DEFAULT_PAGE, LARGEST_PAGE};

/// What a list without pages is taken to hold, such as the milestones of a project.
const PARTS: u64 = 10;

/// Most rows of a level that others are loaded for: one statement names them all, and SQLite takes 32,766 values in one.
const MOST_ROWS: u64 = 30_000;

/// The type of a field that holds a page of records in one value, and for how many values it counts.
const EXPORT: (&str, u64) = ("PersonExport", 20_000);

/// Refuses a request that asks for too many values or rows; tells how many values it asks for.
pub(super) fn check(
    schema: &Schema,
    document: &ExecutableDocument,
    variables: &Variables,
    settings: &HttpSettings,
) -> Result<u64, ServerError> {
    let mut answer = Answer {
        schema,
        fragments: &document.fragments,
        variables,
        most: settings.answer_values,
        values: 0,
    };
    document.operations.iter().try_for_each(|(_, operation)| {
        let roots = &schema.schema_definition;
        let root = match operation.node.ty {
            OperationType::Query => &roots.query,
            OperationType::Mutation => &roots.mutation,
            OperationType::Subscription => &roots.subscription,
        };
        let selections = &operation.node.selection_set.node;
        root.iter()
            .try_for_each(|root| answer.selection_set(root, selections, &Rows { shown: 1, page: None }))
    })?;
    Ok(answer.values)
}

/// The rows in which a selection set stands.
struct Rows {
    shown: u64,
    /// Of a connection: how many rows its lists hold.
    page: Option<u64>,
}

struct Answer<'a> {
    schema: &'a Schema,
    fragments: &'a Fragments,
    variables: &'a Variables,
    most: u64,
    values: u64,
}

impl<'a> Answer<'a> {
    fn selection_set(&mut self, parent: &str, selections: &SelectionSet, rows: &Rows) -> Result<(), ServerError> {
        for selection in &selections.items {
            if is_skipped(selection.node.directives(), self.variables) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => self.field(parent, field, rows)?,
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                    self.selection_set(on, &inline.node.selection_set.node, rows)?;
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.fragments.get(&spread.node.fragment_name.node) {
                        let on = &fragment.node.type_condition.node.on.node;
                        self.selection_set(on, &fragment.node.selection_set.node, rows)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, parent: &str, field: &Positioned<Field>, rows: &Rows) -> Result<(), ServerError> {
        self.count(rows.shown)?;
        // Fields about the schema itself are bounded where the document is read.
        let Some(definition) = self.definition(parent, &field.node.name.node) else {
            return Ok(());
        };
        let named = definition.ty.inner_named_type().clone();
        if named == EXPORT.0 {
            // Whoever may ask for few values at once may still ask for what is kept of them.
            self.count(EXPORT.1.min(self.most / 2).saturating_mul(rows.shown))?;
        }
        let loads = !field.node.selection_set.node.items.is_empty();
        if loads && rows.shown > MOST_ROWS {
            let of = "rows with others below them, at the page sizes of the lists around them";
            return Err(refusal("answer_rows", MOST_ROWS, of));
        }
        let page = definition
            .arguments
            .iter()
            .any(|argument| argument.name == "first")
            .then(|| self.page_size(&field.node));
        let times = match (definition.ty.is_list(), rows.page) {
            (false, _) => 1,
            (true, Some(page)) => page,
            (true, None) => self.asked_for(&field.node).unwrap_or(PARTS),
        };
        let below = Rows {
            shown: rows.shown.saturating_mul(times),
            page,
        };
        self.selection_set(&named, &field.node.selection_set.node, &below)
    }

    fn count(&mut self, values: u64) -> Result<(), ServerError> {
        self.values = self.values.saturating_add(values);
        if self.values <= self.most {
            return Ok(());
        }
        let of = "values: a field counts once for every row that it may stand in";
        Err(refusal("answer_values", self.most, of))
    }

    fn definition(&self, parent: &str, name: &str) -> Option<&'a FieldDefinition> {
        let fields = match self.schema.types.get(parent)? {
            ExtendedType::Object(object) => &object.fields,
            ExtendedType::Interface(interface) => &interface.fields,
            _ => return None,
        };
        fields.get(name).map(|field| &***field)
    }

    /// How many rows a page holds at the most. What is no page size is refused by the field itself.
    fn page_size(&self, field: &Field) -> u64 {
        let given = ["first", "last"]
            .iter()
            .find_map(|name| match self.argument(field, name)? {
                ConstValue::Number(size) => Some(size.as_u64().unwrap_or_default()),
                _ => None,
            });
        given.unwrap_or(DEFAULT_PAGE).min(LARGEST_PAGE)
    }

    /// How many things a field is asked for by their ids.
    fn asked_for(&self, field: &Field) -> Option<u64> {
        let named = ["ids", "representations"].iter();
        match named.into_iter().find_map(|name| self.argument(field, name))? {
            ConstValue::List(ids) => u64::try_from(ids.len()).ok(),
            _ => Some(1),
        }
    }

    fn argument(&self, field: &Field, name: &str) -> Option<ConstValue> {
        let given = field.get_argument(name)?.node.clone();
        let value = given.into_const_with(|name| Ok::<_, ()>(self.variables.get(&name).cloned().unwrap_or_default()));
        value.ok()
    }
}

fn refusal(limit: &'static str, most: u64, of: &str) -> ServerError {
    let message = format!("A request may ask for {most} {of}. Ask for smaller pages, or for fewer lists inside lists.");
    over_limit(limit, usize::try_from(most).unwrap_or(usize::MAX), message)
}
