//! What goes into the erasure ledger of other sites' erasures, and erasing again what a backup of the database brought back.

use std::collections::BTreeMap;

use entity::{SiteId, feed_entry, feed_parked, replica};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select, prelude::Uuid, sea_query::Expr};

use crate::{
    app::{App, Work},
    champions,
    error::{Error, Result},
    federation::{content, directory, wire::Operation},
    forum::feed::{Touched, displace, settle},
    read,
};

/// Most records of a site that the ledger takes without this host ever having known them: a backup may know them still, but
/// nobody fills the ledger with what never was.
const MOST_UNKNOWN: usize = 1_000;

/// Enters in the ledger what a site of another host has erased: each record, and whether this host has known it.
///
/// # Errors
/// Only when the ledger fails.
pub fn enter(work: &mut Work<'_>, home: SiteId, erased: impl IntoIterator<Item = (Uuid, bool)>) -> Result<()> {
    let mut erased = erased.into_iter().peekable();
    if erased.peek().is_none() {
        return Ok(());
    }
    let held = work.app().ledger.count(home).map_err(Error::internal)?;
    let mut room = MOST_UNKNOWN.saturating_sub(held);
    for (record, known) in erased {
        if known || room > 0 {
            work.enter_erased(home, record);
            room = room.saturating_sub(1);
        }
    }
    Ok(())
}

/// Erases again what a backup of the database brought back, before anybody can ask for it.
///
/// # Errors
/// Only when the database or the ledger fails.
pub async fn again(app: &App) -> Result<()> {
    let db = app.reader();
    for home in app.ledger.homes().map_err(Error::internal)? {
        let erased = app.ledger.of_site(home).map_err(Error::internal)?;
        for records in erased.chunks(read::IDS_A_STATEMENT) {
            let is_back = !champions::ops::among(db, home, records).await?.is_empty()
                || copies(home, records).one(db).await?.is_some()
                || told(home, records).one(db).await?.is_some();
            if is_back {
                let erase = async |work: &mut Work<'_>| erase(work, home, records).await;
                app.system("erase again", erase).await?;
            }
        }
    }
    Ok(())
}

/// Erases records of a site, whichever host keeps it: rows, what was copied with its feed, and what its entries tell.
///
/// # Errors
/// Only when the database or the ledger fails.
pub async fn erase(work: &mut Work<'_>, home: SiteId, records: &[Uuid]) -> Result<()> {
    for records in records.chunks(read::IDS_A_STATEMENT) {
        champions::ops::erase_again(work, home, records).await?;
        let mut kinds: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
        for copy in copies(home, records).all(work.db()).await? {
            kinds.entry(copy.kind).or_default().push(copy.record_id);
        }
        let mut touched = Touched::default();
        for (kind, copies) in kinds {
            content::forget(work, home, &kind, &copies, &mut touched).await?;
            displace(work, &copies).await?;
        }
        settle(work, touched).await?;
        forget_words(work, home, records).await?;
        for record in records {
            work.enter_erased(home, *record);
        }
    }
    Ok(())
}

/// What feeds of a site say last of records, unless that they are gone.
fn copies(home: SiteId, records: &[Uuid]) -> Select<replica::Entity> {
    replica::Entity::find()
        .filter(replica::Column::Origin.eq(home))
        .filter(replica::Column::RecordId.is_in(records.iter().copied()))
        .filter(replica::Column::Operation.ne(Operation::Erase.word()))
}

/// The entries of a site that still tell something of records.
fn told(home: SiteId, records: &[Uuid]) -> Select<feed_entry::Entity> {
    feed_entry::Entity::find()
        .filter(feed_entry::Column::RecordId.is_in(records.iter().copied()))
        .filter(feed_entry::Column::Origin.eq(home))
        .filter(feed_entry::Column::Payload.is_not_null())
}

/// Forgets what entries of a site tell of records, and notes that these are gone.
async fn forget_words(work: &Work<'_>, home: SiteId, records: &[Uuid]) -> Result<()> {
    let entries = feed_entry::Entity::update_many()
        .col_expr(feed_entry::Column::Salt, Expr::value(None::<Vec<u8>>))
        .col_expr(feed_entry::Column::Payload, Expr::value(None::<String>))
        .filter(feed_entry::Column::RecordId.is_in(records.iter().copied()))
        .filter(feed_entry::Column::Origin.eq(home));
    entries.exec(work.db()).await?;
    let parked = feed_parked::Entity::delete_many()
        .filter(feed_parked::Column::Origin.eq(home))
        .filter(feed_parked::Column::RecordId.is_in(records.iter().copied()));
    parked.exec(work.db()).await?;
    let said = replica::Entity::update_many()
        .col_expr(replica::Column::Operation, Operation::Erase.word().into())
        .filter(replica::Column::Origin.eq(home))
        .filter(replica::Column::RecordId.is_in(records.iter().copied()));
    said.exec(work.db()).await?;
    Ok(())
}

/// Takes back what a site of another host has erased, because a key of it was revoked: its thief may have said so. What is
/// truly gone the site says again in its next epoch. Whose the records are stays known.
///
/// # Errors
/// Only when the database fails.
pub async fn take_back(work: &mut Work<'_>, home: SiteId) -> Result<()> {
    if directory::holds(work.db(), home).await? {
        // What is gone here, this host itself has erased.
        return Ok(());
    }
    let said = replica::Entity::update_many()
        .col_expr(replica::Column::Operation, Operation::Delete.word().into())
        .filter(replica::Column::Origin.eq(home))
        .filter(replica::Column::Operation.eq(Operation::Erase.word()));
    said.exec(work.db()).await?;
    work.take_back_erased(home);
    Ok(())
}
