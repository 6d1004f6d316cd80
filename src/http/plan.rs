//! One operation of a document, made ready for one execution.
//!
//! Three things that the specification asks for and the executor does not do are done here: `@skip` and `@include`
//! see the defaults of variables, an argument whose variable is omitted is as good as not written, and a field that
//! is selected twice at the root runs once, which matters to a mutation.

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value as ConstValue, Variables, indexmap::IndexMap};
use async_graphql_value::Value;

use super::convert::Fragments;

/// The chosen operation alone with its fragments, and the values of its variables with their defaults.
pub(super) fn plan(
    operation: &Positioned<OperationDefinition>,
    fragments: &Fragments,
    mut variables: Variables,
) -> (ExecutableDocument, Variables) {
    let mut operation = operation.clone();
    let mut fragments = fragments.clone();
    let omitted = fill_defaults(&operation.node, &mut variables);
    if !omitted.is_empty() {
        drop_arguments(&mut operation.node.selection_set.node, &omitted);
        for fragment in fragments.values_mut() {
            drop_arguments(&mut fragment.node.selection_set.node, &omitted);
        }
    }
    let mut fields = IndexMap::new();
    collect(&fragments, &operation.node.selection_set.node, &variables, &mut fields);
    operation.node.selection_set.node.items = fields.into_values().collect();
    let operations = DocumentOperations::Single(operation);
    (ExecutableDocument { operations, fragments }, variables)
}

/// How many fields of the root an operation that was made ready runs.
pub(super) fn root_fields(document: &ExecutableDocument) -> usize {
    let operations = document.operations.iter();
    operations
        .map(|(_, operation)| operation.node.selection_set.node.items.len())
        .sum()
}

/// Sets the variables that have a default and no value; names those that have neither.
fn fill_defaults(operation: &OperationDefinition, variables: &mut Variables) -> Vec<Name> {
    let mut omitted = Vec::new();
    for definition in &operation.variable_definitions {
        let name = &definition.node.name.node;
        match &definition.node.default_value {
            _ if variables.contains_key(name) => {}
            Some(default) => drop(variables.insert(name.clone(), default.node.clone())),
            None => omitted.push(name.clone()),
        }
    }
    omitted
}

/// Takes out the arguments that are nothing but an omitted variable, so that their own defaults apply.
fn drop_arguments(selections: &mut SelectionSet, omitted: &[Name]) {
    for selection in &mut selections.items {
        match &mut selection.node {
            Selection::Field(field) => {
                let is_given = |value: &Value| !matches!(value, Value::Variable(name) if omitted.contains(name));
                field.node.arguments.retain(|(_, value)| is_given(&value.node));
                drop_arguments(&mut field.node.selection_set.node, omitted);
            }
            Selection::InlineFragment(inline) => drop_arguments(&mut inline.node.selection_set.node, omitted),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Gathers the fields of the root under their response keys, in the order in which they first appear. The root has
/// one type, so every fragment on it applies.
fn collect(
    fragments: &Fragments,
    selections: &SelectionSet,
    variables: &Variables,
    fields: &mut IndexMap<Name, Positioned<Selection>>,
) {
    for selection in &selections.items {
        if is_skipped(selection.node.directives(), variables) {
            continue;
        }
        match &selection.node {
            Selection::Field(field) => add(field, selection, fields),
            Selection::InlineFragment(inline) => collect(fragments, &inline.node.selection_set.node, variables, fields),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    collect(fragments, &fragment.node.selection_set.node, variables, fields);
                }
            }
        }
    }
}

/// Validation has made sure that fields under one key are the same field with the same arguments.
fn add(
    field: &Positioned<Field>,
    selection: &Positioned<Selection>,
    fields: &mut IndexMap<Name, Positioned<Selection>>,
) {
    match fields
        .get_mut(&field.node.response_key().node)
        .map(|known| &mut known.node)
    {
        Some(Selection::Field(known)) => {
            known
                .node
                .selection_set
                .node
                .items
                .extend(field.node.selection_set.node.items.iter().cloned());
        }
        _ => drop(fields.insert(field.node.response_key().node.clone(), selection.clone())),
    }
}

/// Whether its directives leave a selection out.
pub(super) fn is_skipped(directives: &[Positioned<Directive>], variables: &Variables) -> bool {
    directives.iter().any(|directive| {
        let condition = match directive.node.get_argument("if").map(|value| &value.node) {
            Some(Value::Boolean(condition)) => *condition,
            Some(Value::Variable(name)) => variables.get(name) == Some(&ConstValue::Boolean(true)),
            _ => return false,
        };
        match directive.node.name.node.as_str() {
            "skip" => condition,
            "include" => !condition,
            _ => false,
        }
    })
}
