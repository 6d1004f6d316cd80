//! Storing at the hub what sites append, byte for byte (`docs/federation.md`, sections 4 and 5).
//!
//! What may be appended, [`super::protocol::relay`] says. Entries, checkpoints and seals stand in the same tables as those
//! of the feeds that this host writes, and are read in the same way.

use std::collections::{HashMap, HashSet};

use entity::{SiteId, feed_checkpoint, feed_entry, feed_head, replica};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::{
    content, directory, erasures,
    feeds::{self, held, signed},
    host,
    protocol::{
        check::{Checked, Refusal, still_appends},
        publisher::Feed,
        relay::{self, Held, Taken},
        rules::Rules,
    },
    sequencer::head_row,
    wire::{Audience, Checkpoint, Header, Operation, Origin},
};
use crate::{
    app::{App, Work},
    database::ROWS_A_STATEMENT,
    error::{Error, Result},
};

/// Takes in a batch that a site appends and whose every byte it has vouched for.
///
/// # Errors
/// Only when the database fails. What the rules refuse is the inner error; nothing is stored then.
pub async fn append(app: &App, checked: &Checked) -> Result<Result<Taken, Refusal>> {
    let taken = app.system("relay", async |work| store(work, checked).await).await?;
    if matches!(taken, Ok(Taken::Stored { .. })) {
        app.signals.grew();
    }
    Ok(taken)
}

async fn store(work: &mut Work<'_>, checked: &Checked) -> Result<Result<Taken, Refusal>> {
    // One append at a time: two sites must not bind one record at the same moment.
    host::turn(work).await?;
    let sent = checked.batch();
    let site = SiteId(sent.origin.0);
    // The directory may have moved since the signatures were checked.
    let standing = directory::standing(work.db(), site).await?;
    if let Err(refusal) = still_appends(checked, standing.as_ref()) {
        return Ok(Err(refusal));
    }
    let present = feeds::feed(work.db(), site, sent.audience).await?;
    if present.is_none() && !directory::may_open(work.db(), site, sent.audience).await? {
        return Ok(Err(Refusal::NoSuchFeed));
    }
    let homes = homes(work.db(), checked).await?;
    let taken = relay::append(
        present.as_ref().map(held).as_ref(),
        checked,
        |gid| homes.get(&gid).copied(),
        Rules::default(),
    );
    if let Ok(Taken::Stored {
        held,
        opened,
        superseded,
    }) = &taken
    {
        let feed = grown(checked, held);
        if *opened {
            forget(work, &feed).await?;
            directory::opened(work, site, &sent.checkpoint.kid, sent.audience, sent.epoch).await?;
        }
        drop_payloads(work, &feed, superseded).await?;
        enter_erased(work, site, checked).await?;
        keep_entries(work, checked, superseded).await?;
        forget_promises(work, &feed).await?;
        for checkpoint in sent.seal.iter().chain([&sent.checkpoint]) {
            keep_checkpoint(work, &feed, checkpoint).await?;
        }
        advance(work, &feed).await?;
    }
    Ok(taken)
}

/// Enters in the ledger what a batch erases.
async fn enter_erased(work: &mut Work<'_>, site: SiteId, checked: &Checked) -> Result<()> {
    let named = |op: Operation| {
        let headers = checked.entries().iter().map(|entry| &entry.header);
        headers.filter(move |header| header.op == op).map(|header| header.gid)
    };
    let erased: Vec<_> = named(Operation::Erase).collect();
    let mut known: HashSet<_> = named(Operation::Put).collect();
    for erased in erased.chunks(ROWS_A_STATEMENT) {
        known.extend(known_of(work.db(), site, erased).await?);
    }
    erasures::enter(work, site, erased.into_iter().map(|gid| (gid, known.contains(&gid))))
}

/// Those of the records of a site that entries which are held have shown, or that this host has read.
async fn known_of(db: &impl ConnectionTrait, site: SiteId, records: &[Uuid]) -> Result<Vec<Uuid>> {
    let told = feed_entry::Entity::find()
        .select_only()
        .column(feed_entry::Column::Header)
        .filter(feed_entry::Column::RecordId.is_in(records.iter().copied()))
        .filter(feed_entry::Column::Origin.eq(site));
    let read = replica::Entity::find()
        .select_only()
        .column(replica::Column::RecordId)
        .filter(replica::Column::RecordId.is_in(records.iter().copied()))
        .filter(replica::Column::Origin.eq(site))
        .filter(replica::Column::FirstAppliedAt.is_not_null());
    let mut known: Vec<Uuid> = read.into_tuple().all(db).await?;
    for header in told.into_tuple::<String>().all(db).await? {
        let header = Header::parse(&header).map_err(Error::internal)?;
        known.extend((header.op == Operation::Put).then_some(header.gid));
    }
    Ok(known)
}

/// Whose the records of a batch are, as far as this host knows: another's before the sender's. A site that begins a new
/// epoch keeps its records meanwhile, by the rows that came of them.
async fn homes(db: &impl ConnectionTrait, checked: &Checked) -> Result<HashMap<Uuid, Origin>> {
    let sender = SiteId(checked.batch().origin.0);
    let gids = checked.entries().iter().map(|entry| entry.header.gid);
    let gids: Vec<_> = gids.filter(|gid| !content::is_derived(*gid)).collect();
    let mut homes = HashMap::new();
    for gids in gids.chunks(ROWS_A_STATEMENT) {
        macro_rules! held_in {
            ($table:ident $(, $bound:ident)?) => {{
                use $table::{Column, Entity};
                let others = Entity::find()
                    .select_only()
                    .columns([Column::RecordId, Column::Origin])
                    .distinct()
                    .filter(Column::RecordId.is_in(gids.iter().copied()))
                    .filter(Column::Origin.ne(sender))
                    $(.filter(Column::$bound.is_not_null()))?;
                let others = others.into_tuple::<(Uuid, SiteId)>().all(db).await?.into_iter();
                others.map(|(gid, site)| (gid, Origin(site.0)))
            }};
        }
        homes.extend(held_in!(replica, FirstAppliedAt));
        homes.extend(held_in!(feed_entry));
    }
    Ok(homes)
}

fn grown(checked: &Checked, held: &Held) -> Feed {
    Feed {
        origin: checked.batch().origin,
        audience: checked.batch().audience,
        epoch: held.epoch,
        pos: held.to,
        head: held.head,
    }
}

/// Forgets the epochs of a feed before this one.
async fn forget(work: &Work<'_>, feed: &Feed) -> Result<()> {
    let entries = feed_entry::Entity::delete_many()
        .filter(feed_entry::Column::Origin.eq(feed.origin.0))
        .filter(feed_entry::Column::Audience.eq(feed.audience.to_string()))
        .filter(feed_entry::Column::Epoch.ne(feed.epoch.0));
    entries.exec(work.db()).await?;
    let checkpoints = feed_checkpoint::Entity::delete_many()
        .filter(feed_checkpoint::Column::Origin.eq(feed.origin.0))
        .filter(feed_checkpoint::Column::Audience.eq(feed.audience.to_string()))
        .filter(feed_checkpoint::Column::Epoch.ne(feed.epoch.0));
    checkpoints.exec(work.db()).await?;
    Ok(())
}

/// Forgets earlier words for positions that have not come yet: the newest is enough.
async fn forget_promises(work: &Work<'_>, feed: &Feed) -> Result<()> {
    let ahead = feed_checkpoint::Entity::delete_many()
        .filter(feed_checkpoint::Column::Origin.eq(feed.origin.0))
        .filter(feed_checkpoint::Column::Audience.eq(feed.audience.to_string()))
        .filter(feed_checkpoint::Column::Pos.gt(signed(feed.pos)?));
    ahead.exec(work.db()).await?;
    Ok(())
}

/// Drops the payloads of stored entries that the batch replaces.
async fn drop_payloads(work: &Work<'_>, feed: &Feed, superseded: &[(Uuid, u64)]) -> Result<()> {
    for records in superseded.chunks(ROWS_A_STATEMENT) {
        let earlier = feed_entry::Entity::update_many()
            .col_expr(feed_entry::Column::Salt, Expr::value(None::<Vec<u8>>))
            .col_expr(feed_entry::Column::Payload, Expr::value(None::<String>))
            .filter(feed_entry::Column::RecordId.is_in(records.iter().map(|(gid, _)| *gid)))
            .filter(feed_entry::Column::Origin.eq(feed.origin.0))
            .filter(feed_entry::Column::Audience.eq(feed.audience.to_string()))
            .filter(feed_entry::Column::Payload.is_not_null());
        earlier.exec(work.db()).await?;
    }
    Ok(())
}

async fn keep_entries(work: &Work<'_>, checked: &Checked, superseded: &[(Uuid, u64)]) -> Result<()> {
    let newest: HashMap<_, _> = superseded.iter().copied().collect();
    let sent = checked.batch();
    let mut rows = Vec::with_capacity(sent.entries.len());
    for (read, bytes) in checked.entries().iter().zip(&sent.entries) {
        let replaced = newest.get(&read.header.gid).is_some_and(|pos| read.header.pos < *pos);
        let bytes_kept = Some(bytes).filter(|_| !replaced);
        rows.push(feed_entry::ActiveModel {
            origin: Set(SiteId(sent.origin.0)),
            audience: Set(sent.audience.to_string()),
            epoch: Set(sent.epoch.0),
            pos: Set(signed(read.header.pos)?),
            record_id: Set(read.header.gid),
            header: Set(bytes.header.clone()),
            salt: Set(bytes_kept.and_then(|bytes| bytes.salt).map(|salt| salt.0.to_vec())),
            payload: Set(bytes_kept.and_then(|bytes| bytes.payload.clone())),
            head: Set(read.head.0.to_vec()),
        });
    }
    for rows in rows.chunks(ROWS_A_STATEMENT) {
        let rows = feed_entry::Entity::insert_many(rows.to_vec());
        rows.exec_without_returning(work.db()).await?;
    }
    Ok(())
}

/// Keeps the site's word for a position; a later word for the same one takes its place.
async fn keep_checkpoint(work: &Work<'_>, feed: &Feed, checkpoint: &Checkpoint) -> Result<()> {
    use feed_checkpoint::Column;
    let row = feed_checkpoint::ActiveModel {
        origin: Set(SiteId(feed.origin.0)),
        audience: Set(feed.audience.to_string()),
        epoch: Set(feed.epoch.0),
        pos: Set(signed(checkpoint.to)?),
        head: Set(checkpoint.head.0.to_vec()),
        signed_at: Set(checkpoint.at),
        kid: Set(checkpoint.kid.clone()),
        signature: Set(checkpoint.sig.0.to_vec()),
    };
    let key = [Column::Origin, Column::Audience, Column::Epoch, Column::Pos];
    let mut newer = OnConflict::columns(key);
    newer
        .update_columns([Column::Head, Column::SignedAt, Column::Kid, Column::Signature])
        .action_and_where(Expr::col((feed_checkpoint::Entity, Column::SignedAt)).lt(checkpoint.at));
    let row = feed_checkpoint::Entity::insert(row).on_conflict(newer);
    row.exec_without_returning(work.db()).await?;
    Ok(())
}

async fn advance(work: &Work<'_>, feed: &Feed) -> Result<()> {
    use feed_head::Column;
    let changed = host::advance(work).await?;
    let mut moved = OnConflict::columns([Column::Origin, Column::Audience]);
    moved.update_columns([Column::Epoch, Column::Pos, Column::Head, Column::Changed]);
    let head = feed_head::Entity::insert(head_row(feed, changed)?).on_conflict(moved);
    head.exec_without_returning(work.db()).await?;
    Ok(())
}

/// Forgets all feeds of a site that has left: nobody reads them any more.
///
/// # Errors
/// Only when the database fails.
pub async fn forget_site(work: &Work<'_>, site: SiteId) -> Result<()> {
    macro_rules! forget {
        ($($table:ident),+) => {$(
            let all = $table::Entity::delete_many().filter($table::Column::Origin.eq(site));
            all.exec(work.db()).await?;
        )+};
    }
    forget!(feed_head, feed_entry, feed_checkpoint);
    Ok(())
}

/// What is held of the feeds of a site, those that go only to one other site included.
///
/// # Errors
/// Only when the database fails.
pub async fn of_site(db: &impl ConnectionTrait, site: SiteId) -> Result<Vec<(Audience, Feed, Option<Checkpoint>)>> {
    let rows = feed_head::Entity::find()
        .filter(feed_head::Column::Origin.eq(site))
        .filter(feed_head::Column::Pos.gt(0))
        .all(db)
        .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let feed = feeds::stored(&row)?;
        let checkpoint = feeds::newest_checkpoint(db, &feed).await?;
        all.push((feed.audience, feed, checkpoint));
    }
    Ok(all)
}
