//! What comes of a record of another host: read, checked, stored. The features say how, the applier when.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use entity::{SiteId, Visibility, ids};
use rust_decimal::Decimal;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IdenStatic, IntoActiveModel, Iterable, PrimaryKeyToColumn, QueryFilter,
    QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, OnConflict},
};
use serde::de::DeserializeOwned;

use crate::{
    database::ROWS_A_STATEMENT,
    error::{Error, ProblemCode, Result},
    federation::protocol::apply::{Facts, Reason},
    input::{self, Check},
    scope::Scoped,
};

/// A record of another site that came with its feed, checked by [`facts`].
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The record.
    pub id: Uuid,
    /// The site whose record it is.
    pub home: SiteId,
    /// Its shared state.
    pub payload: &'a str,
}

/// What became of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landed {
    /// It is stored.
    Stored,
    /// It cannot be judged before this record has come.
    Waits(Uuid),
    /// It cannot be what it says.
    Refused(String),
}

/// The shape in which a kind of record travels.
pub trait Payload: DeserializeOwned {
    /// Notes what database or API could not bear. What its own site would have written otherwise is no reason to refuse
    /// it.
    fn check(&self, check: &mut Check);

    /// What the rules of the exchange need to know.
    fn facts(&self) -> Facts {
        Facts::default()
    }
}

/// Reads and checks a payload.
///
/// # Errors
/// [`Reason::Invalid`] with everything that is wrong with it.
pub fn facts<P: Payload>(payload: &str) -> Result<Facts, Reason> {
    let payload: P = read(payload)?;
    let mut check = Check::new();
    payload.check(&mut check);
    match check.done() {
        Ok(()) => Ok(payload.facts()),
        Err(Error::Invalid(problems)) => {
            let told = problems
                .iter()
                .map(|problem| format!("{}: {}", problem.path.join("."), problem.message));
            Err(Reason::Invalid(told.collect::<Vec<_>>().join(" ")))
        }
        Err(other) => Err(Reason::Invalid(other.to_string())),
    }
}

/// Reads the JSON of a payload. The reason does not repeat it: what is read there goes into logs and to other hosts.
///
/// # Errors
/// [`Reason::Invalid`] with the place where it ends to be what is expected.
pub fn read<P: DeserializeOwned>(payload: &str) -> Result<P, Reason> {
    serde_json::from_str(payload).map_err(|why| {
        let place = format!("line {}, column {}", why.line(), why.column());
        Reason::Invalid(format!("not of its schema at {place}"))
    })
}

impl Arrival<'_> {
    /// Reads what [`facts`] has checked.
    ///
    /// # Errors
    /// [`Error::Internal`] when nobody has checked it.
    pub fn read<P: Payload>(&self) -> Result<P> {
        serde_json::from_str(self.payload).map_err(Error::internal)
    }
}

/// Stores a row in the place of the one with its key, if there is one.
///
/// # Errors
/// Only when the database fails.
pub async fn store<E: EntityTrait>(db: &impl ConnectionTrait, row: E::Model) -> Result<()>
where
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    store_all::<E>(db, vec![row]).await
}

/// Stores rows, each in the place of the one with its key, if there is one. No two may have the same key.
///
/// # Errors
/// Only when the database fails.
pub async fn store_all<E: EntityTrait>(db: &impl ConnectionTrait, rows: Vec<E::Model>) -> Result<()>
where
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let key: Vec<_> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    let is_key = |column: &E::Column| key.iter().any(|key| key.as_str() == column.as_str());
    let others = E::Column::iter().filter(|column| !is_key(column));
    let replace = OnConflict::columns(key.iter().copied())
        .update_columns(others)
        .to_owned();
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        let some = rows.by_ref().take(ROWS_A_STATEMENT);
        let insert = E::insert_many(some).on_conflict(replace.clone());
        insert.exec_without_returning(db).await?;
    }
    Ok(())
}

/// Deletes the rows with these ids.
///
/// # Errors
/// Only when the database fails.
pub async fn remove<E: Scoped>(db: &impl ConnectionTrait, records: &[Uuid]) -> Result<()> {
    let rows = E::delete_many().filter(E::id_column().is_in(records.iter().copied()));
    rows.exec(db).await?;
    Ok(())
}

/// Takes a value that is unique on its site from a record that still has it: a site that has started its history over may
/// have given it away. What keeps its row has its id there instead, until its site says more of it.
///
/// # Errors
/// Only when the database fails.
pub async fn take<E: Scoped>(
    db: &impl ConnectionTrait,
    to: &Arrival<'_>,
    column: E::Column,
    value: &str,
) -> Result<()> {
    let mut value = value.to_owned();
    take_all::<E>(db, to.home, column, vec![(to.id, &mut value)]).await
}

/// The same for several records of a site, as if they had come one by one: of two that want one value, the last has it.
///
/// # Errors
/// Only when the database fails.
pub async fn take_all<E: Scoped>(
    db: &impl ConnectionTrait,
    home: SiteId,
    column: E::Column,
    wanted: Vec<(Uuid, &mut String)>,
) -> Result<()> {
    let mut last: HashMap<String, Uuid> = HashMap::with_capacity(wanted.len());
    for (id, value) in wanted.into_iter().rev() {
        if *last.entry(value.clone()).or_insert(id) != id {
            *value = ids::print(E::KIND, id);
        }
    }
    let others = E::find()
        .select_only()
        .column(E::id_column())
        .column(column)
        .filter(E::home_column().eq(home.0))
        .filter(column.is_in(last.keys()));
    for (other, value) in others.into_tuple::<(Uuid, String)>().all(db).await? {
        if last.get(&value) != Some(&other) {
            let name = Expr::value(ids::print(E::KIND, other));
            let given = E::update_many().col_expr(column, name);
            given.filter(E::id_column().eq(other)).exec(db).await?;
        }
    }
    Ok(())
}

impl Check {
    /// Notes a problem with a version below 1, a time that no calendar shows, or what would not have left its site.
    pub fn shared(&mut self, version: i32, visibility: Visibility, times: [DateTime<Utc>; 2]) {
        self.whole("version", version, 1..=i32::MAX);
        if visibility == Visibility::Site {
            self.note(ProblemCode::Invalid, "visibility", "This does not leave its site.");
        }
        self.time("createdAt", Some(times[0]));
        self.time("updatedAt", Some(times[1]));
    }

    /// Notes a problem with a time that the databases would not order.
    pub fn time(&mut self, path: &str, time: Option<DateTime<Utc>>) {
        self.calendar_day(path, time.map(|time| time.date_naive()));
    }

    /// Notes a problem with a day that the databases would not order.
    pub fn calendar_day(&mut self, path: &str, day: Option<NaiveDate>) {
        if day.is_some_and(|day| !(1_900..=9_998).contains(&day.year())) {
            self.note(ProblemCode::Invalid, path, "This day is not between 1900 and 9998.");
        }
    }

    /// Notes a problem with what is no name for an address.
    pub fn address(&mut self, path: &str, slug: &str) {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fine = !slug.is_empty() && slug.len() <= input::TITLE && slug.bytes().all(letters);
        if !fine || slug.starts_with('-') || slug.ends_with('-') {
            self.note(ProblemCode::Invalid, path, "This is no name for an address.");
        }
    }

    /// Notes problems with texts that go into a list column, where a line feed would part them.
    pub fn items(&mut self, path: &str, items: &[String], longest: usize) {
        if items.len() > input::ITEMS {
            self.note(ProblemCode::TooLong, path, "These are too many.");
        }
        for (number, item) in items.iter().enumerate() {
            let path = format!("{path}.{number}");
            self.line(&path, item, longest);
            if item.contains(['\n', '\r']) {
                self.note(ProblemCode::Invalid, &path, "This must be one line.");
            }
        }
    }

    /// Notes a problem with a figure that could not be added up.
    pub fn sum(&mut self, path: &str, figure: Option<Decimal>) {
        let most = Decimal::from(10_i64.pow(18));
        if figure.is_some_and(|figure| figure.abs() > most || figure.normalize().scale() > 9) {
            self.note(ProblemCode::Invalid, path, "This figure has too many digits.");
        }
    }

    /// Notes problems with the number of values of an enumeration.
    pub fn values<T>(&mut self, path: &str, values: &[T]) {
        if values.len() > input::ITEMS {
            self.note(ProblemCode::TooLong, path, "These are too many.");
        }
    }
}
