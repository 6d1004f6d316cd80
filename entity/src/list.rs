//! A short list kept in one text column, each item between two line feeds (`\na\nb\n`), so that the same `LIKE` finds
//! an item on every database. Items hold no line feed: the server's text checks see to that.

use std::{fmt, str::FromStr};

use sea_orm::{
    Value,
    sea_query::{ArrayType, ColumnType, Nullable, StringLen, ValueType, ValueTypeErr},
};

/// A list of texts or of enumeration values in one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self(items)
    }
}

impl<T: fmt::Display> fmt::Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in &self.0 {
            write!(f, "\n{item}")?;
        }
        if self.0.is_empty() { Ok(()) } else { f.write_str("\n") }
    }
}

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.split('\n')
            .filter(|item| !item.is_empty())
            .map(T::from_str)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl<T: fmt::Display> From<List<T>> for Value {
    fn from(list: List<T>) -> Self {
        list.to_string().into()
    }
}

impl<T: FromStr> sea_orm::TryGetable for List<T> {
    fn try_get_by<I: sea_orm::ColIdx>(row: &sea_orm::QueryResult, index: I) -> Result<Self, sea_orm::TryGetError> {
        let text = String::try_get_by(row, index)?;
        text.parse()
            .map_err(|_| sea_orm::DbErr::Type(format!("not a list of known values: {text:?}")).into())
    }
}

impl<T: FromStr> ValueType for List<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <String as ValueType>::try_from(value)?
            .parse()
            .map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        "List".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::String
    }

    fn column_type() -> ColumnType {
        ColumnType::String(StringLen::None)
    }
}

impl<T> Nullable for List<T> {
    fn null() -> Value {
        Value::String(None)
    }
}

impl<T> sea_orm::IntoActiveValue<List<T>> for List<T>
where
    Value: From<List<T>>,
{
    fn into_active_value(self) -> sea_orm::ActiveValue<List<T>> {
        sea_orm::ActiveValue::Set(self)
    }
}
