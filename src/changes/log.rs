//! Reading the log.

use std::{collections::HashSet, sync::Arc};

use entity::{Kind, SiteId, ThreadId, change, change_log};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};

use super::place::{Cursor, Place};
use crate::error::{Error, Result};

/// A line of the log.
pub type Line = change::Model;

/// Which lines somebody follows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of records of these kinds.
    pub kinds: Option<Vec<Kind>>,
    /// Only of records whose home is this site.
    pub site: Option<SiteId>,
    /// Only of posts in this thread.
    pub thread: Option<ThreadId>,
}

impl Filter {
    /// Whether a line is among them.
    pub fn holds(&self, line: &Line) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&line.kind))
            && self.site.is_none_or(|site| line.site_id == site.0)
            && self.thread.is_none_or(|thread| line.thread_id == Some(thread.0))
    }

    fn condition(&self) -> Condition {
        let kinds = self.kinds.as_ref();
        Condition::all()
            .add_option(kinds.map(|kinds| change::Column::Kind.is_in(kinds.iter().copied())))
            .add_option(self.site.map(|site| change::Column::SiteId.eq(site.0)))
            .add_option(self.thread.map(|thread| change::Column::ThreadId.eq(thread.0)))
    }
}

/// Where somebody begins to follow.
#[derive(Clone, Debug)]
pub struct Start {
    /// The history of the database, for cursors.
    pub history: Arc<str>,
    pub(super) place: Place,
    /// Lines behind that place that were there already.
    pub(super) passed: Arc<HashSet<i64>>,
}

/// The place of a line.
pub(super) const fn place(line: &Line) -> Place {
    Place {
        transaction: line.transaction_id,
        id: line.id,
    }
}

/// The present end: what is committed from now on is told.
///
/// # Errors
/// Only when the database fails.
pub async fn start(db: &impl ConnectionTrait) -> Result<Start> {
    let log = kept(db).await?;
    let place = end(db).await?;
    let mut passed = HashSet::new();
    if db.get_database_backend() == DbBackend::Postgres {
        // Committed, and held back by an older transaction that is still open.
        let rows = change::Entity::find().select_only().column(change::Column::Id);
        let rows: Vec<i64> = rows.filter(beyond(place)).into_tuple().all(db).await?;
        passed.extend(rows);
    }
    Ok(Start {
        history: log.history.into(),
        place,
        passed: Arc::new(passed),
    })
}

/// The place behind which somebody wants to go on.
///
/// # Errors
/// [`Error::Argument`] for what is no cursor, or one from which nothing can be told without a gap.
pub async fn resume(db: &impl ConnectionTrait, cursor: &str) -> Result<Start> {
    let log = kept(db).await?;
    let Some(Cursor { history, place }) = Cursor::parse(cursor) else {
        return Err(Error::argument("after", "This is not the cursor of an event."));
    };
    if history != log.history || place > last(db).await? {
        let why = "This cursor is of another database than the one that this host has now. \
                   Fetch your lists anew, and subscribe without `after`.";
        return Err(Error::argument("after", why));
    }
    if place < swept(&log) {
        return Err(too_old());
    }
    Ok(Start {
        history: log.history.into(),
        place,
        passed: Arc::default(),
    })
}

/// The refusal of a place behind which lines are no longer kept.
pub(super) fn too_old() -> Error {
    let why = "This cursor is older than what this host keeps of changes. \
               Fetch your lists anew, and subscribe without `after`.";
    Error::argument("after", why)
}

/// Up to where lines are no longer kept.
pub(super) const fn swept(log: &change_log::Model) -> Place {
    Place {
        transaction: log.swept_transaction_id,
        id: log.swept_id,
    }
}

/// What the database says of its log.
pub(super) async fn kept(db: &impl ConnectionTrait) -> Result<change_log::Model> {
    let log = change_log::Entity::find_by_id(1).one(db).await?;
    log.ok_or_else(|| Error::internal("the log of changes says nothing of itself"))
}

/// The last place that may be told; the log's beginning when it is empty.
pub(super) async fn end(db: &impl ConnectionTrait) -> Result<Place> {
    last_of(db, change::Entity::find().filter(settled(db))).await
}

/// The last place, whether it may be told or not.
async fn last(db: &impl ConnectionTrait) -> Result<Place> {
    last_of(db, change::Entity::find()).await
}

async fn last_of(db: &impl ConnectionTrait, lines: Select<change::Entity>) -> Result<Place> {
    match last_among(db, lines).await? {
        Some(place) => Ok(place),
        None => Ok(swept(&kept(db).await?)),
    }
}

/// The place of the last of some lines.
pub(super) async fn last_among(db: &impl ConnectionTrait, lines: Select<change::Entity>) -> Result<Option<Place>> {
    use change::Column::{Id, TransactionId};
    let last = lines
        .select_only()
        .columns([TransactionId, Id])
        .order_by_desc(TransactionId)
        .order_by_desc(Id)
        .limit(1)
        .into_tuple::<(i64, i64)>();
    let last = last.one(db).await?;
    Ok(last.map(|(transaction, id)| Place { transaction, id }))
}

/// The lines behind a place that may be told and that somebody follows, in order; `upto` ends them.
pub(super) async fn read(
    db: &impl ConnectionTrait,
    after: Place,
    upto: Option<Place>,
    filter: &Filter,
    most: u64,
) -> Result<Vec<Line>> {
    let mut lines = change::Entity::find().filter(beyond(after)).filter(settled(db));
    if let Some(upto) = upto {
        lines = lines.filter(columns().lte(values(upto)));
    }
    let lines = lines
        .filter(filter.condition())
        .order_by_asc(change::Column::TransactionId)
        .order_by_asc(change::Column::Id)
        .limit(most);
    Ok(lines.all(db).await?)
}

fn beyond(place: Place) -> Condition {
    Condition::all().add(columns().gt(values(place)))
}

fn columns() -> Expr {
    let column = |column| Expr::col((change::Entity, column));
    Expr::tuple([column(change::Column::TransactionId), column(change::Column::Id)])
}

fn values(place: Place) -> Expr {
    Expr::tuple([Expr::val(place.transaction), Expr::val(place.id)])
}

/// Lines before which none can appear any more: on PostgreSQL those of transactions older than every one that is open.
fn settled(db: &impl ConnectionTrait) -> Condition {
    let mut all = Condition::all();
    if db.get_database_backend() == DbBackend::Postgres {
        let oldest = "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)";
        all = all.add(Expr::col((change::Entity, change::Column::TransactionId)).lt(Expr::cust(oldest)));
    }
    all
}
