//! This host among hosts: its id and its count of changes.

use entity::{List, SiteId, host};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, OnConflict},
};

use super::{
    feeds::exact,
    wire::{Origin, PublicKey},
};
use crate::{
    app::{App, Work},
    error::{Error, Result},
};

/// The number of the one row.
const ONLY: i32 = 1;

/// By what other hosts know this one. Made once and kept in the database; replicas share it.
///
/// # Errors
/// Only when the database fails.
pub async fn id(app: &App) -> Result<Uuid> {
    match host::Entity::find_by_id(ONLY).one(app.reader()).await? {
        Some(host) => Ok(host.id),
        None => app.system("host", async |work| Ok(turn(work).await?.id)).await,
    }
}

/// The root of the network that this host keeps or has joined, when it knows it.
///
/// # Errors
/// Only when the database fails.
pub async fn root(db: &impl ConnectionTrait) -> Result<Option<PublicKey>> {
    let host = host::Entity::find_by_id(ONLY).one(db).await?;
    let root = host.and_then(|host| host.root_key);
    root.map(|root| exact(&root).map(PublicKey)).transpose()
}

/// Pins the root of the network.
///
/// # Errors
/// Only when the database fails.
pub async fn pin(work: &Work<'_>, root: PublicKey) -> Result<()> {
    turn(work).await?;
    let pinned = host::Entity::update_many().col_expr(host::Column::RootKey, Expr::value(root.0.to_vec()));
    pinned.filter(host::Column::Number.eq(ONLY)).exec(work.db()).await?;
    Ok(())
}

/// How often feeds of this host have changed. Every change up to this count is committed.
///
/// # Errors
/// Only when the database fails.
pub async fn changes(db: &impl ConnectionTrait) -> Result<i64> {
    let host = host::Entity::find_by_id(ONLY).one(db).await?;
    Ok(host.map_or(0, |host| host.changes))
}

/// Waits for the turn to change feeds that others write, and holds it until the work ends: so no two sites can bind one
/// record at the same moment, and none appends while its key changes or while it leaves. Whoever locks an entry of the
/// directory or feeds of others takes the turn first.
///
/// # Errors
/// Only when the database fails.
pub async fn turn(work: &Work<'_>) -> Result<host::Model> {
    let host = || host::Entity::find_by_id(ONLY).lock_exclusive();
    if let Some(host) = host().one(work.db()).await? {
        return Ok(host);
    }
    let made = host::Entity::insert(host::ActiveModel {
        number: Set(ONLY),
        id: Set(work.app().ids.unordered()),
        changes: Set(0),
        root_key: Set(None),
        doubted: Set(List::default()),
    });
    // Another replica may have been faster.
    let known = OnConflict::column(host::Column::Number).do_nothing().to_owned();
    made.on_conflict(known).exec_without_returning(work.db()).await?;
    let host = host().one(work.db()).await?;
    host.ok_or_else(|| Error::internal("this host has no id"))
}

/// The number of a change to feeds. Who has it holds the turn until the work ends, so numbers become visible in order
/// and whoever reads up to one has seen all before it.
///
/// # Errors
/// Only when the database fails.
pub async fn advance(work: &Work<'_>) -> Result<i64> {
    let changes = turn(work).await?.changes + 1;
    count(work, changes).await?;
    Ok(changes)
}

/// Sets the count of changes, here and beside the database.
async fn count(work: &Work<'_>, changes: i64) -> Result<()> {
    let counted = host::Entity::update_many().col_expr(host::Column::Changes, Expr::value(changes));
    counted.filter(host::Column::Number.eq(ONLY)).exec(work.db()).await?;
    work.count(changes);
    Ok(())
}

/// The sites of this host that publish nothing before others have told what they have read of them.
///
/// # Errors
/// Only when the database fails.
pub async fn doubted(db: &impl ConnectionTrait) -> Result<Vec<Origin>> {
    let host = host::Entity::find_by_id(ONLY).one(db).await?;
    Ok(host.map_or_else(Vec::new, |host| origins(&host)))
}

/// Has these sites publish nothing from now on, because this database is older than what stands beside it. The count goes on
/// behind both, so that no number is told twice.
///
/// # Errors
/// Only when the database fails.
pub async fn doubt(work: &Work<'_>, sites: &[Origin], beside: i64) -> Result<Vec<Origin>> {
    let host = turn(work).await?;
    let mut all = origins(&host);
    all.extend(sites);
    all.sort_unstable();
    all.dedup();
    keep_doubted(work, &all).await?;
    count(work, host.changes.max(beside) + 1).await?;
    Ok(all)
}

/// Lets a site publish again. Returns those that still do not.
///
/// # Errors
/// Only when the database fails.
pub async fn settled(work: &Work<'_>, site: SiteId) -> Result<Vec<Origin>> {
    let mut all = origins(&turn(work).await?);
    all.retain(|other| other.0 != site.0);
    keep_doubted(work, &all).await?;
    Ok(all)
}

fn origins(host: &host::Model) -> Vec<Origin> {
    host.doubted.0.iter().map(|site| Origin(site.0)).collect()
}

async fn keep_doubted(work: &Work<'_>, sites: &[Origin]) -> Result<()> {
    let doubted: List<_> = sites.iter().map(|site| SiteId(site.0)).collect::<Vec<_>>().into();
    let kept = host::Entity::update_many().col_expr(host::Column::Doubted, Expr::value(doubted));
    kept.filter(host::Column::Number.eq(ONLY)).exec(work.db()).await?;
    Ok(())
}
