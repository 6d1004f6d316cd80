//! The order of a list, and places in it that a page can begin or end at.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::Datelike;
use sea_orm::{
    Condition, IntoSimpleExpr, Order, QueryResult,
    prelude::{Date, DateTimeUtc, Uuid},
    sea_query::{Expr, ExprTrait, SimpleExpr},
};
use serde::{Deserialize, Serialize};

use crate::{error::Result, scope::Scoped};

/// An order of a list: its name ties cursors to it, the id is its last key.
#[derive(Clone, Debug)]
pub struct Sort {
    /// Unlike that of any other order of the same table.
    pub name: &'static str,
    /// The keys, none of them ever null.
    pub keys: Vec<SortKey>,
}

/// One key of an order.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// What is compared.
    pub by: SimpleExpr,
    /// Its type.
    pub holds: KeyType,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// The type of a sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// A text.
    Text,
    /// An instant.
    Time,
    /// A day.
    Day,
    /// A whole number.
    Number,
}

impl Sort {
    /// An order by one column.
    pub fn by(name: &'static str, column: impl IntoSimpleExpr, holds: KeyType, descending: bool) -> Self {
        Self {
            name,
            keys: vec![SortKey {
                by: column.into_simple_expr(),
                holds,
                descending,
            }],
        }
    }

    /// With another key before all others.
    pub fn after(mut self, name: &'static str, key: SortKey) -> Self {
        self.name = name;
        self.keys.insert(0, key);
        self
    }
}

/// A place in a list, between two rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor(String, Vec<Key>, Uuid);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Key {
    Text(String),
    Time(DateTimeUtc),
    Day(Date),
    Number(i64),
}

impl Key {
    fn holds(&self) -> KeyType {
        match self {
            Self::Text(_) => KeyType::Text,
            Self::Time(_) => KeyType::Time,
            Self::Day(_) => KeyType::Day,
            Self::Number(_) => KeyType::Number,
        }
    }

    /// Whether it is something that a database could hold: a client may have made it up.
    fn is_storable(&self) -> bool {
        match self {
            Self::Text(text) => !text.contains('\0'),
            Self::Time(time) => (0..10_000).contains(&time.year()),
            Self::Day(day) => (0..10_000).contains(&day.year()),
            Self::Number(_) => true,
        }
    }

    fn expr(&self) -> Expr {
        match self {
            Self::Text(text) => Expr::val(text.as_str()),
            Self::Time(time) => Expr::val(*time),
            Self::Day(day) => Expr::val(*day),
            Self::Number(number) => Expr::val(*number),
        }
    }

    fn read(row: &QueryResult, column: &str, holds: KeyType) -> Result<Self> {
        Ok(match holds {
            KeyType::Text => Self::Text(row.try_get("", column)?),
            KeyType::Time => Self::Time(row.try_get("", column)?),
            KeyType::Day => Self::Day(row.try_get("", column)?),
            KeyType::Number => Self::Number(row.try_get("", column)?),
        })
    }
}

impl Cursor {
    /// Reads a cursor as the API printed it.
    pub fn parse(text: &str) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        cursor.1.iter().all(Key::is_storable).then_some(cursor)
    }

    /// The place of a row in a list, read from the columns that [`columns`] names.
    pub(super) fn at<E: Scoped>(row: &QueryResult, sort: &Sort, id: Uuid) -> Result<Self> {
        let keys = sort.keys.iter().zip(columns());
        let keys = keys
            .map(|(key, column)| Key::read(row, &column, key.holds))
            .collect::<Result<_>>()?;
        Ok(Self(list_name::<E>(sort), keys, id))
    }

    pub(super) fn fits<E: Scoped>(&self, sort: &Sort) -> bool {
        let kinds = self.1.iter().map(Key::holds);
        self.0 == list_name::<E>(sort) && kinds.eq(sort.keys.iter().map(|key| key.holds))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let json = serde_json::to_vec(self).map_err(|_| std::fmt::Error)?;
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(json))
    }
}

/// What the sort keys are called in a statement, in order.
pub(super) fn columns() -> impl Iterator<Item = String> {
    (0..).map(|number| format!("key_{number}"))
}

fn list_name<E: Scoped>(sort: &Sort) -> String {
    format!("{}:{}", E::KIND.prefix(), sort.name)
}

/// The rows after (or before) a cursor. The first key is bounded apart, so that an index on it is used.
pub(super) fn past<E: Scoped>(sort: &Sort, cursor: &Cursor, beyond: bool) -> Condition {
    let id = Expr::col((E::default(), E::id_column()));
    let mut keys: Vec<(Expr, Expr, bool)> = sort
        .keys
        .iter()
        .zip(&cursor.1)
        .map(|(key, at)| (key.by.clone(), at.expr(), key.descending))
        .collect();
    keys.push((id, Expr::val(cursor.2), false));
    let further = |by: &Expr, at: &Expr, descending: bool| {
        if descending == beyond {
            by.clone().lt(at.clone())
        } else {
            by.clone().gt(at.clone())
        }
    };
    let mut any = Condition::any();
    for (number, (by, at, descending)) in keys.iter().enumerate() {
        let mut all = Condition::all();
        for (earlier, same, _) in &keys[..number] {
            all = all.add(earlier.clone().eq(same.clone()));
        }
        any = any.add(all.add(further(by, at, *descending)));
    }
    let (by, at, descending) = &keys[0];
    let bound = if *descending == beyond {
        by.clone().lte(at.clone())
    } else {
        by.clone().gte(at.clone())
    };
    Condition::all().add(bound).add(any)
}

pub(super) fn ordering<E: Scoped>(sort: &Sort, backward: bool) -> Vec<(Expr, Order)> {
    let order = |descending: bool| {
        if descending == backward {
            Order::Asc
        } else {
            Order::Desc
        }
    };
    let mut all: Vec<_> = sort
        .keys
        .iter()
        .map(|key| (key.by.clone(), order(key.descending)))
        .collect();
    all.push((Expr::col((E::default(), E::id_column())), order(false)));
    all
}
