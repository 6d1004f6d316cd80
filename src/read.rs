//! Reading lists: one keyset query a page, one windowed query for the pages of many parents.

use std::{collections::HashMap, hash::Hash};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, Iterable, Order, QueryFilter,
    QueryOrder, QueryResult, QuerySelect, QueryTrait, Select,
    prelude::Uuid,
    sea_query::{
        Alias, ColumnRef, Expr, ExprTrait, Func, IntoColumnRef, IntoCondition, JoinType, LikeExpr, Query,
        WindowStatement,
    },
};

use crate::{
    error::{Error, Result},
    policy::Caller,
    scope::{Scoped, readable},
};

mod order;

pub use order::{Cursor, KeyType, Sort, SortKey};
use order::{ordering, past};

/// The page size when none is asked for.
pub const DEFAULT_PAGE: u64 = 20;
/// The largest page.
pub const LARGEST_PAGE: u64 = 100;

/// Ids that go into one statement. SQLite takes 32,766 values.
pub const IDS_A_STATEMENT: usize = 5_000;

/// The longest item of a list column, generously. SQLite refuses patterns of 50,000 bytes.
const LONGEST_ITEM: usize = 1_000;

/// A list: which rows besides the caller's rights, in which order.
pub trait Listing: Send + Sync {
    /// The table.
    type Entity: Scoped;

    /// Keeps the rows that belong into the list. Below parents it may join to the table that [`Parent`] joins.
    fn narrow(&self, rows: Select<Self::Entity>) -> Select<Self::Entity>;

    /// The order.
    fn sort(&self) -> Sort;

    /// Columns too wide to read when none of the named API fields is asked for.
    fn wide(&self) -> &'static [Wide<Self::Entity>] {
        &[]
    }
}

/// A column of long text and the API fields that show it.
pub type Wide<E> = (<E as EntityTrait>::Column, &'static [&'static str]);

/// Where in a list a page lies and how long it is.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// How many rows at the most.
    pub limit: u64,
    /// Only what comes after this cursor.
    pub after: Option<Cursor>,
    /// Only what comes before this cursor.
    pub before: Option<Cursor>,
    /// Whether the page is the last one instead of the first.
    pub backward: bool,
    /// The API fields asked of each row; empty for all.
    pub asked: Vec<String>,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<M> {
    /// The rows with the cursor of each.
    pub rows: Vec<(M, Cursor)>,
    /// Whether there are rows after the last.
    pub has_next: bool,
    /// Whether there are rows before the first.
    pub has_previous: bool,
}

impl<M> Default for Page<M> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            has_next: false,
            has_previous: false,
        }
    }
}

/// How the rows of a list belong to parents, for the pages of many parents at once.
#[derive(Clone, Debug)]
pub enum Parent<E: EntityTrait> {
    /// A column of the row names its parent.
    Column(E::Column),
    /// Another table pairs parents with rows.
    Through {
        /// The pairing table.
        table: &'static str,
        /// Its column that names the parent.
        parent: &'static str,
        /// Its column that names the row.
        row: &'static str,
    },
    /// Every parent has the rows that meet a condition on a joined table of parents.
    Joined {
        /// The table of parents; its column `id` names the parent.
        table: &'static str,
        /// When a row belongs to a parent.
        on: Condition,
    },
}

/// A row that the caller may read.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn get<E: Scoped>(db: &impl ConnectionTrait, caller: &Caller, id: E::Id) -> Result<E::Model> {
    let found = readable::<E>(caller)
        .filter(E::id_column().eq(id.into()))
        .one(db)
        .await?;
    found.ok_or(Error::NotFound(E::KIND))
}

/// Rows by their ids, without those that the caller may not read.
///
/// # Errors
/// Only when the database fails.
pub async fn by_ids<E: Scoped>(db: &impl ConnectionTrait, caller: &Caller, ids: &[E::Id]) -> Result<Vec<E::Model>> {
    let mut rows = Vec::new();
    for ids in batches(ids.iter().map(|id| (*id).into()).collect()) {
        let wanted = readable::<E>(caller).filter(E::id_column().is_in(ids));
        rows.extend(wanted.all(db).await?);
    }
    Ok(rows)
}

/// Ids, each once, in as few parts as statements can take.
fn batches(mut ids: Vec<Uuid>) -> Vec<Vec<Uuid>> {
    ids.sort_unstable();
    ids.dedup();
    ids.chunks(IDS_A_STATEMENT).map(<[Uuid]>::to_vec).collect()
}

/// A page of a list.
///
/// # Errors
/// [`Error::Argument`] when a cursor belongs to another list.
pub async fn page<L: Listing>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    list: &L,
    window: &Window,
) -> Result<Page<<L::Entity as EntityTrait>::Model>> {
    let sort = list.sort();
    let mut rows = keyed(list.narrow(readable::<L::Entity>(caller)), list, &sort, window)?;
    for (expr, order) in ordering::<L::Entity>(&sort, window.backward) {
        rows = rows.order_by(expr, order);
    }
    let statement = rows.limit(window.limit + 1).into_query();
    let found = db.query_all(&statement).await?;
    found
        .iter()
        .map(|row| decode::<L::Entity>(row, &sort))
        .collect::<Result<Vec<_>>>()
        .map(|rows| cut(rows, window))
}

/// The same page of a list for each of many parents, in one statement.
///
/// # Errors
/// [`Error::Argument`] when a cursor belongs to another list.
pub async fn pages<L: Listing>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    list: &L,
    window: &Window,
    parent: &Parent<L::Entity>,
    parents: &[Uuid],
) -> Result<HashMap<Uuid, Page<<L::Entity as EntityTrait>::Model>>> {
    let sort = list.sort();
    let mut by_parent: HashMap<Uuid, Vec<_>> = HashMap::new();
    for parents in batches(parents.to_vec()) {
        let (rows, parent) = belonging(readable::<L::Entity>(caller), parent, parents);
        let rows = keyed(list.narrow(rows), list, &sort, window)?;
        let mut rank = WindowStatement::partition_by(parent.clone());
        for (expr, order) in ordering::<L::Entity>(&sort, window.backward) {
            rank.order_by_expr(expr, order);
        }
        let rows = rows.expr_as(Expr::col(parent), "parent_id");
        let mut ranked = rows.into_query();
        ranked.expr_window_as(Func::cust("ROW_NUMBER"), rank, "row_rank");
        let outer = Query::select()
            .expr(Expr::cust("*"))
            .from_subquery(ranked, "ranked")
            .and_where(Expr::col("row_rank").lte(window.limit + 1))
            .order_by("row_rank", Order::Asc)
            .to_owned();
        for row in db.query_all(&outer).await? {
            by_parent
                .entry(row.try_get("", "parent_id")?)
                .or_default()
                .push(decode::<L::Entity>(&row, &sort)?);
        }
    }
    Ok(by_parent
        .into_iter()
        .map(|(parent, rows)| (parent, cut(rows, window)))
        .collect())
}

/// How many rows a list has in all.
///
/// # Errors
/// Only when the database fails.
pub async fn count<L: Listing>(db: &impl ConnectionTrait, caller: &Caller, list: &L) -> Result<u64> {
    let rows = list.narrow(readable::<L::Entity>(caller));
    let statement = rows.select_only().expr_as(Expr::cust("COUNT(*)"), "count").into_query();
    let row = db.query_one(&statement).await?;
    let count: i64 = row.map(|row| row.try_get("", "count")).transpose()?.unwrap_or_default();
    Ok(count.try_into().unwrap_or_default())
}

/// How many rows a list has for each of many parents, in one statement.
///
/// # Errors
/// Only when the database fails.
pub async fn counts<L: Listing>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    list: &L,
    parent: &Parent<L::Entity>,
    parents: &[Uuid],
) -> Result<HashMap<Uuid, u64>> {
    let mut counts = HashMap::new();
    for parents in batches(parents.to_vec()) {
        let (rows, parent) = belonging(readable::<L::Entity>(caller), parent, parents);
        let statement = list
            .narrow(rows)
            .select_only()
            .expr_as(Expr::col(parent.clone()), "parent_id")
            .expr_as(Expr::cust("COUNT(*)"), "count")
            .into_query()
            .add_group_by([Expr::col(parent)])
            .to_owned();
        for row in db.query_all(&statement).await? {
            let count: i64 = row.try_get("", "count")?;
            counts.insert(row.try_get("", "parent_id")?, count.try_into().unwrap_or_default());
        }
    }
    Ok(counts)
}

/// The rows that belong to one of the parents, and the expression that names which.
fn belonging<E: Scoped>(mut rows: Select<E>, parent: &Parent<E>, parents: Vec<Uuid>) -> (Select<E>, ColumnRef) {
    let named = match parent {
        Parent::Column(column) => (E::default(), *column).into_column_ref(),
        Parent::Through { table, parent, row } => {
            let pairs = Expr::col((*table, *row)).equals((E::default(), E::id_column()));
            QueryTrait::query(&mut rows).inner_join(Alias::new(*table), pairs);
            (*table, *parent).into_column_ref()
        }
        Parent::Joined { table, on } => {
            let on = on.clone().into_condition();
            QueryTrait::query(&mut rows).join(JoinType::InnerJoin, Alias::new(*table), on);
            (*table, "id").into_column_ref()
        }
    };
    (rows.filter(Expr::col(named.clone()).is_in(parents)), named)
}

/// Adds the sort keys as columns and keeps what lies inside the window's cursors.
fn keyed<L: Listing>(rows: Select<L::Entity>, list: &L, sort: &Sort, window: &Window) -> Result<Select<L::Entity>> {
    let mut rows = columns(rows, list, window);
    for (key, column) in sort.keys.iter().zip(order::columns()) {
        rows = rows.expr_as(key.by.clone(), column);
    }
    for (argument, cursor, beyond) in [("after", &window.after, true), ("before", &window.before, false)] {
        let Some(cursor) = cursor else { continue };
        if !cursor.fits::<L::Entity>(sort) {
            return Err(Error::argument(
                argument,
                "This cursor belongs to another list or order.",
            ));
        }
        rows = rows.filter(past::<L::Entity>(sort, cursor, beyond));
    }
    Ok(rows)
}

/// Reads a blank in place of a wide column that nobody asked for.
fn columns<L: Listing>(rows: Select<L::Entity>, list: &L, window: &Window) -> Select<L::Entity> {
    let unasked = |fields: &[&str]| {
        !window.asked.is_empty() && !window.asked.iter().any(|asked| fields.contains(&asked.as_str()))
    };
    let mut rows = rows.select_only();
    for column in <L::Entity as EntityTrait>::Column::iter() {
        let wide = list.wide().iter().find(|(wide, _)| wide.as_str() == column.as_str());
        rows = match wide {
            Some((_, fields)) if unasked(fields) => rows.expr_as(Expr::val(""), column.as_str()),
            _ => rows.column(column),
        };
    }
    rows
}

fn decode<E: Scoped>(row: &QueryResult, sort: &Sort) -> Result<(E::Model, Cursor)> {
    let model = E::Model::from_query_result(row, "")?;
    let cursor = Cursor::at::<E>(row, sort, E::id(&model).into())?;
    Ok((model, cursor))
}

/// Cuts the one row too many that tells whether there are more, and puts the rows in order.
fn cut<M>(mut rows: Vec<(M, Cursor)>, window: &Window) -> Page<M> {
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    if window.backward {
        rows.reverse();
        Page {
            rows,
            has_next: window.before.is_some(),
            has_previous: more,
        }
    } else {
        Page {
            rows,
            has_next: more,
            has_previous: window.after.is_some(),
        }
    }
}

/// A map by a key of each row.
pub fn by_key<K: Eq + Hash, M>(rows: Vec<M>, key: impl Fn(&M) -> K) -> HashMap<K, M> {
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

/// Rows whose list column holds one of these items. Those that are too long to be held are not looked for.
pub fn holds_any<T: std::fmt::Display>(column: impl ColumnTrait, items: &[T]) -> Condition {
    let escaped = |item: &str| {
        let item = item.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        LikeExpr::new(format!("%\n{item}\n%")).escape('\\')
    };
    let items = items
        .iter()
        .map(ToString::to_string)
        .filter(|item| item.len() <= LONGEST_ITEM);
    let any = items.map(|item| column.like(escaped(&item)));
    any.fold(Condition::any().add(Expr::cust("1 = 0")), Condition::add)
}
