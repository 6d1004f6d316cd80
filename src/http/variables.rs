//! Variables: checked against their types before anything is executed.
//!
//! What is omitted stays omitted, since an update tells "keep" from "clear" by it. Values of the schema's own scalars
//! are read by the executor.

use apollo_compiler::ast::{OperationDefinition, Type};
use apollo_compiler::schema::{EnumType, ExtendedType, InputObjectType};
use apollo_compiler::{Name as TypeName, Node, Schema};
use async_graphql::{Name, ServerError, Value as ConstValue, Variables, indexmap::IndexMap};
use serde_json::{Map, Number, Value as Json};

use super::guard::too_many_items;
use super::problem::{Code, extend, problem, shortened};

/// The most errors that one answer lists.
const MOST_ERRORS: usize = 20;

/// The values of an operation's variables; values without a variable are dropped.
pub(super) fn coerce(
    schema: &Schema,
    operation: &OperationDefinition,
    mut values: Map<String, Json>,
    most_items: usize,
) -> Result<Variables, Vec<ServerError>> {
    let mut reader = Reader {
        schema,
        most_items,
        path: Vec::new(),
        errors: Vec::new(),
    };
    let mut variables = IndexMap::new();
    for variable in &operation.variables {
        reader.path = vec![ConstValue::from(variable.name.as_str())];
        match values.remove(variable.name.as_str()) {
            Some(value) => {
                variables.insert(Name::new(&variable.name), reader.value(&variable.ty, value));
            }
            None if variable.ty.is_non_null() && variable.default_value.is_none() => {
                reader.refuse(format!("The variable `${}` is required.", variable.name));
            }
            None => {}
        }
    }
    match reader.errors {
        errors if errors.is_empty() => Ok(Variables::from_value(ConstValue::Object(variables))),
        errors => Err(errors),
    }
}

/// Reads one variable; errors gather, so that a client learns of all at once.
struct Reader<'a> {
    schema: &'a Schema,
    most_items: usize,
    path: Vec<ConstValue>,
    errors: Vec<ServerError>,
}

impl Reader<'_> {
    fn refuse(&mut self, message: impl Into<String>) -> ConstValue {
        self.note(|| problem(Code::InvalidArgument, message))
    }

    fn note(&mut self, error: impl FnOnce() -> ServerError) -> ConstValue {
        if self.errors.len() < MOST_ERRORS {
            let mut error = error();
            extend(&mut error, "path", ConstValue::List(self.path.clone()));
            self.errors.push(error);
        }
        ConstValue::Null
    }

    fn list(&mut self, values: Vec<Json>, read: impl Fn(&mut Self, Json) -> ConstValue) -> ConstValue {
        if values.len() > self.most_items {
            let most = self.most_items;
            return self.note(|| too_many_items(most));
        }
        let values = values.into_iter().enumerate();
        ConstValue::List(
            values
                .map(|(index, value)| self.below(index, |reader| read(reader, value)))
                .collect(),
        )
    }

    fn below(&mut self, step: impl Into<ConstValue>, read: impl FnOnce(&mut Self) -> ConstValue) -> ConstValue {
        self.path.push(step.into());
        let value = read(self);
        self.path.pop();
        value
    }

    fn value(&mut self, ty: &Type, value: Json) -> ConstValue {
        match (ty, value) {
            (ty, Json::Null) if ty.is_non_null() => self.refuse("A value is required here, not null."),
            (_, Json::Null) => ConstValue::Null,
            (Type::List(item) | Type::NonNullList(item), Json::Array(values)) => {
                self.list(values, |reader, value| reader.value(item, value))
            }
            // A single value stands for a list of one.
            (Type::List(item) | Type::NonNullList(item), value) => ConstValue::List(vec![self.value(item, value)]),
            (Type::Named(name) | Type::NonNullNamed(name), value) => self.named(name, value),
        }
    }

    fn named(&mut self, name: &TypeName, value: Json) -> ConstValue {
        let schema = self.schema;
        match schema.types.get(name) {
            Some(ExtendedType::Enum(definition)) => self.enumeration(definition, value),
            Some(ExtendedType::InputObject(definition)) => self.object(definition, value),
            _ => self.scalar(name, value),
        }
    }

    fn scalar(&mut self, name: &TypeName, value: Json) -> ConstValue {
        match (name.as_str(), value) {
            ("Int", Json::Number(number)) => match whole(&number) {
                Some(whole) => whole.into(),
                None => self.refuse("Expected an Int: a whole number between -2147483648 and 2147483647."),
            },
            ("Float", value @ Json::Number(_)) | ("Boolean", value @ Json::Bool(_)) => self.plain(value),
            ("String" | "ID", value @ Json::String(_)) => self.plain(value),
            ("ID", Json::Number(number)) if number.is_i64() || number.is_u64() => ConstValue::Number(number),
            (built_in @ ("Int" | "Float" | "String" | "Boolean" | "ID"), value) => self.refuse(format!(
                "Expected a value of the type {built_in}, found {}.",
                kind(&value)
            )),
            (_, value) => self.plain(value),
        }
    }

    /// A value as it came, unless a text in it could not be stored.
    fn plain(&mut self, value: Json) -> ConstValue {
        match value {
            Json::Null => ConstValue::Null,
            Json::Bool(value) => value.into(),
            Json::Number(number) => ConstValue::Number(number),
            Json::String(text) if text.contains('\0') => self.refuse("A text cannot hold a NUL character."),
            Json::String(text) => text.into(),
            Json::Array(values) => self.list(values, Self::plain),
            Json::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| {
                    let step = name.clone();
                    if name.contains('\0') {
                        self.refuse("A text cannot hold a NUL character.");
                    }
                    (Name::new(name), self.below(step, |reader| reader.plain(value)))
                });
                ConstValue::Object(fields.collect())
            }
        }
    }

    fn enumeration(&mut self, definition: &Node<EnumType>, value: Json) -> ConstValue {
        match value {
            Json::String(text) if definition.values.contains_key(text.as_str()) => ConstValue::Enum(Name::new(text)),
            Json::String(_) => {
                let values = definition
                    .values
                    .keys()
                    .map(TypeName::as_str)
                    .collect::<Vec<_>>()
                    .join(", ");
                self.refuse(format!("Expected a value of {}: {values}.", definition.name))
            }
            value => self.refuse(format!(
                "Expected a value of {} as a string, found {}.",
                definition.name,
                kind(&value)
            )),
        }
    }

    fn object(&mut self, definition: &Node<InputObjectType>, value: Json) -> ConstValue {
        let Json::Object(mut values) = value else {
            return self.refuse(format!(
                "Expected an object of the type {}, found {}.",
                definition.name,
                kind(&value)
            ));
        };
        let one_of = definition.directives.has("oneOf");
        if one_of && (values.len() != 1 || values.values().any(Json::is_null)) {
            return self.refuse(format!(
                "Exactly one field of {} must be given, and not null.",
                definition.name
            ));
        }
        let mut fields = IndexMap::new();
        for (name, field) in &definition.fields {
            match values.remove(name.as_str()) {
                Some(value) => {
                    let value = self.below(name.as_str(), |reader| reader.value(&field.ty, value));
                    fields.insert(Name::new(name), value);
                }
                None if field.ty.is_non_null() && field.default_value.is_none() => {
                    self.below(name.as_str(), |reader| reader.refuse("This field is required."));
                }
                None => {}
            }
        }
        for name in values.keys() {
            self.below(shortened(name.clone()), |reader| {
                reader.refuse(format!("{} has no such field.", definition.name))
            });
        }
        ConstValue::Object(fields)
    }
}

/// The whole number that a JSON number stands for, also when it is written like `1.0`.
fn whole(number: &Number) -> Option<i32> {
    if let Some(whole) = number.as_i64() {
        return i32::try_from(whole).ok();
    }
    let float = number.as_f64()?;
    let fits = float.fract() == 0.0 && float >= f64::from(i32::MIN) && float <= f64::from(i32::MAX);
    // Checked to be whole and in range, so nothing is cut off.
    fits.then_some(float as i32)
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
