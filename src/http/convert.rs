//! Hands a validated document to the executor in the executor's own types.
//!
//! The executor's parser is never used: it recurses without a limit, knows fewer string escapes, and a second reading
//! of the text could differ from the one that was validated.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::ast;
use apollo_compiler::parser::SourceSpan;
use async_graphql::parser::types::{
    BaseType, Directive, Field, FragmentDefinition, FragmentSpread, InlineFragment, OperationDefinition, OperationType,
    Selection, SelectionSet, Type, TypeCondition, VariableDefinition,
};
use async_graphql::{Name, Pos, Positioned, ServerError, indexmap::IndexMap};
use async_graphql_value::{ConstValue, Number, Value};

use super::problem::{Code, problem_at};

/// The fragments of a document by name.
pub(super) type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// A name and a value, as fields and directives have them.
type Argument = (Positioned<Name>, Positioned<Value>);

/// The executor's form of a document.
pub(super) struct Converted {
    /// In the order of the text.
    pub(super) operations: Vec<Positioned<OperationDefinition>>,
    pub(super) fragments: Fragments,
}

/// Converts a validated document; `text` is what it was parsed from.
pub(super) fn convert(document: &ast::Document, text: &str) -> Result<Converted, ServerError> {
    let mut convert = Convert {
        text,
        offset: 0,
        place: Pos { line: 1, column: 1 },
    };
    let mut converted = Converted {
        operations: Vec::new(),
        fragments: HashMap::new(),
    };
    for definition in &document.definitions {
        match definition {
            ast::Definition::OperationDefinition(operation) => {
                converted.operations.push(convert.operation(operation)?);
            }
            ast::Definition::FragmentDefinition(fragment) => {
                let name = Name::new(&fragment.name);
                converted.fragments.insert(name, convert.fragment(fragment)?);
            }
            // A validated document defines nothing else.
            _ => {}
        }
    }
    Ok(converted)
}

/// Converts node by node in the order of the text, so that finding lines and columns reads the text once.
struct Convert<'a> {
    text: &'a str,
    offset: usize,
    place: Pos,
}

impl Convert<'_> {
    fn operation(
        &mut self,
        operation: &Node<ast::OperationDefinition>,
    ) -> Result<Positioned<OperationDefinition>, ServerError> {
        let place = self.place(operation.location());
        let ty = match operation.operation_type {
            ast::OperationType::Query => OperationType::Query,
            ast::OperationType::Mutation => OperationType::Mutation,
            ast::OperationType::Subscription => OperationType::Subscription,
        };
        let variables = operation.variables.iter().map(|variable| self.variable(variable));
        let variable_definitions = variables.collect::<Result<_, _>>()?;
        let directives = self.directives(&operation.directives)?;
        let selection_set = self.selection_set(&operation.selection_set, place)?;
        Ok(Positioned::new(
            OperationDefinition {
                ty,
                variable_definitions,
                directives,
                selection_set,
            },
            place,
        ))
    }

    fn fragment(
        &mut self,
        fragment: &Node<ast::FragmentDefinition>,
    ) -> Result<Positioned<FragmentDefinition>, ServerError> {
        let place = self.place(fragment.location());
        let type_condition = self.type_condition(&fragment.type_condition);
        let directives = self.directives(&fragment.directives)?;
        let selection_set = self.selection_set(&fragment.selection_set, place)?;
        Ok(Positioned::new(
            FragmentDefinition {
                type_condition,
                directives,
                selection_set,
            },
            place,
        ))
    }

    fn variable(
        &mut self,
        variable: &Node<ast::VariableDefinition>,
    ) -> Result<Positioned<VariableDefinition>, ServerError> {
        let place = self.place(variable.location());
        let name = self.name(&variable.name);
        let var_type = Positioned::new(type_reference(&variable.ty), self.place(variable.ty.location()));
        let default_value = match &variable.default_value {
            Some(value) => Some(self.constant(value)?),
            None => None,
        };
        let directives = self.directives(&variable.directives)?;
        Ok(Positioned::new(
            VariableDefinition {
                name,
                var_type,
                directives,
                default_value,
            },
            place,
        ))
    }

    fn constant(&mut self, value: &Node<ast::Value>) -> Result<Positioned<ConstValue>, ServerError> {
        let converted = self.value(value)?;
        let place = converted.pos;
        let constant = converted.node.into_const().ok_or_else(|| {
            problem_at(
                Code::ValidationFailed,
                "A default value cannot hold a variable.",
                Some(place),
            )
        })?;
        Ok(Positioned::new(constant, place))
    }

    fn selection_set(
        &mut self,
        selections: &[ast::Selection],
        place: Pos,
    ) -> Result<Positioned<SelectionSet>, ServerError> {
        let items = selections
            .iter()
            .map(|selection| self.selection(selection))
            .collect::<Result<_, _>>()?;
        Ok(Positioned::new(SelectionSet { items }, place))
    }

    fn selection(&mut self, selection: &ast::Selection) -> Result<Positioned<Selection>, ServerError> {
        Ok(match selection {
            ast::Selection::Field(field) => {
                let field = self.field(field)?;
                let place = field.pos;
                Positioned::new(Selection::Field(field), place)
            }
            ast::Selection::FragmentSpread(spread) => {
                let place = self.place(spread.location());
                let fragment_name = self.name(&spread.fragment_name);
                let directives = self.directives(&spread.directives)?;
                let spread = FragmentSpread {
                    fragment_name,
                    directives,
                };
                Positioned::new(Selection::FragmentSpread(Positioned::new(spread, place)), place)
            }
            ast::Selection::InlineFragment(inline) => {
                let place = self.place(inline.location());
                let type_condition = inline.type_condition.as_ref().map(|name| self.type_condition(name));
                let directives = self.directives(&inline.directives)?;
                let selection_set = self.selection_set(&inline.selection_set, place)?;
                let inline = InlineFragment {
                    type_condition,
                    directives,
                    selection_set,
                };
                Positioned::new(Selection::InlineFragment(Positioned::new(inline, place)), place)
            }
        })
    }

    fn field(&mut self, field: &Node<ast::Field>) -> Result<Positioned<Field>, ServerError> {
        let place = self.place(field.location());
        let alias = field.alias.as_ref().map(|alias| self.name(alias));
        let name = self.name(&field.name);
        let arguments = self.arguments(&field.arguments)?;
        let directives = self.directives(&field.directives)?;
        let selection_set = self.selection_set(&field.selection_set, place)?;
        Ok(Positioned::new(
            Field {
                alias,
                name,
                arguments,
                directives,
                selection_set,
            },
            place,
        ))
    }

    fn type_condition(&mut self, name: &apollo_compiler::Name) -> Positioned<TypeCondition> {
        let on = self.name(name);
        let place = on.pos;
        Positioned::new(TypeCondition { on }, place)
    }

    fn directives(&mut self, directives: &[Node<ast::Directive>]) -> Result<Vec<Positioned<Directive>>, ServerError> {
        let directives = directives.iter().map(|directive| {
            let place = self.place(directive.location());
            let name = self.name(&directive.name);
            let arguments = self.arguments(&directive.arguments)?;
            Ok(Positioned::new(Directive { name, arguments }, place))
        });
        directives.collect()
    }

    fn arguments(&mut self, arguments: &[Node<ast::Argument>]) -> Result<Vec<Argument>, ServerError> {
        arguments
            .iter()
            .map(|argument| Ok((self.name(&argument.name), self.value(&argument.value)?)))
            .collect()
    }

    fn value(&mut self, value: &Node<ast::Value>) -> Result<Positioned<Value>, ServerError> {
        let place = self.place(value.location());
        let number = |text: &str| match serde_json::from_str::<Number>(text) {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => Err(problem_at(
                Code::InvalidArgument,
                "A number is out of range.",
                Some(place),
            )),
        };
        let converted = match &**value {
            ast::Value::Null => Value::Null,
            ast::Value::Enum(name) => Value::Enum(Name::new(name)),
            ast::Value::Variable(name) => Value::Variable(Name::new(name)),
            ast::Value::String(text) => Value::String(text.clone()),
            ast::Value::Float(text) => number(text.as_str())?,
            ast::Value::Int(text) => number(text.as_str())?,
            ast::Value::Boolean(value) => Value::Boolean(*value),
            ast::Value::List(items) => {
                let items = items.iter().map(|item| Ok(self.value(item)?.node));
                Value::List(items.collect::<Result<_, ServerError>>()?)
            }
            ast::Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, field)| Ok((Name::new(name), self.value(field)?.node)));
                Value::Object(fields.collect::<Result<IndexMap<_, _>, ServerError>>()?)
            }
        };
        Ok(Positioned::new(converted, place))
    }

    fn name(&mut self, name: &apollo_compiler::Name) -> Positioned<Name> {
        Positioned::new(Name::new(name), self.place(name.location()))
    }

    /// The line and column of a node.
    fn place(&mut self, span: Option<SourceSpan>) -> Pos {
        let Some(offset) = span.map(|span| span.offset()) else {
            return self.place;
        };
        if offset < self.offset {
            (self.offset, self.place) = (0, Pos { line: 1, column: 1 });
        }
        let Some(passed) = self.text.get(self.offset..offset) else {
            return self.place;
        };
        for (index, character) in passed.char_indices() {
            let ends_line = match character {
                '\n' => true,
                // Together with the line feed after it, a carriage return ends one line.
                '\r' => !self.text[self.offset + index + 1..].starts_with('\n'),
                _ => false,
            };
            self.place = match ends_line {
                true => Pos {
                    line: self.place.line + 1,
                    column: 1,
                },
                false => Pos {
                    line: self.place.line,
                    column: self.place.column + 1,
                },
            };
        }
        self.offset = offset;
        self.place
    }
}

fn type_reference(ty: &ast::Type) -> Type {
    let (base, nullable) = match ty {
        ast::Type::Named(name) => (BaseType::Named(Name::new(name)), true),
        ast::Type::NonNullNamed(name) => (BaseType::Named(Name::new(name)), false),
        ast::Type::List(item) => (BaseType::List(Box::new(type_reference(item))), true),
        ast::Type::NonNullList(item) => (BaseType::List(Box::new(type_reference(item))), false),
    };
    Type { base, nullable }
}
