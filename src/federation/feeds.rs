//! Reading a feed that this host writes, as whoever asks for it is answered (`docs/federation.md`, section 4).

use entity::{SiteId, feed_entry, feed_head};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    keys::{self, SiteKey},
    protocol::{
        publisher::Feed,
        relay::{self, Asked, Held, Reply},
        rules::Rules,
    },
    wire::{Audience, Batch, Checkpoint, Entry, Epoch, Head, MAX_BATCH_ENTRIES, Origin, Salt, first_head},
};
use crate::{
    app::App,
    error::{Error, Result},
};

/// What a reader of a feed is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// The entries behind its position.
    Batch(Box<Batch>),
    /// Nothing new, and the site's word for that.
    Unchanged(Checkpoint),
    /// Its history is not that of the feed.
    Diverged,
    /// This host writes no such feed.
    Unknown,
}

/// Answers somebody who reads a feed that this host writes. At most `limit` entries come at once.
///
/// # Errors
/// Only when the database fails.
pub async fn read(app: &App, site: SiteId, audience: Audience, asked: &Asked, limit: usize) -> Result<Served> {
    let db = app.reader();
    let (Some(feed), Some(key)) = (feed(db, site, audience).await?, keys::current(db, site).await?) else {
        return Ok(Served::Unknown);
    };
    let known = head_at(db, &feed, asked.after).await?;
    let held = Held {
        epoch: feed.epoch,
        to: feed.pos,
        head: feed.head,
        moved: feed.moved,
    };
    match relay::answer(&held, true, asked, |_| known, Rules::default()) {
        Reply::Diverged => Ok(Served::Diverged),
        Reply::Unchanged => sign(app, &key, &feed, (feed.pos, feed.head)).map(Served::Unchanged),
        Reply::Entries { after } => batch(app, &key, &feed, after, limit).await,
    }
}

async fn batch(app: &App, key: &SiteKey, feed: &Feed, after: u64, limit: usize) -> Result<Served> {
    use feed_entry::Column::{Audience, Epoch, Origin, Pos};
    let db = app.reader();
    let prev = match after {
        0 => first_head(feed.origin, feed.audience, feed.epoch),
        _ => head_at(db, feed, after)
            .await?
            .ok_or_else(|| Error::internal("a feed has a gap"))?,
    };
    let rows = feed_entry::Entity::find()
        .filter(Origin.eq(feed.origin.0))
        .filter(Audience.eq(feed.audience.to_string()))
        .filter(Epoch.eq(feed.epoch.0))
        .filter(Pos.gt(i64::try_from(after).map_err(Error::internal)?))
        .order_by_asc(Pos)
        .limit(MAX_BATCH_ENTRIES as u64);
    let rows = rows.all(db).await?;
    // The end of the feed is read after its entries: whatever replaced a payload that is missing lies before it.
    let Some(newest) = self::feed(db, SiteId(feed.origin.0), feed.audience).await? else {
        return Ok(Served::Unknown);
    };
    if newest.epoch != feed.epoch {
        return Ok(Served::Diverged);
    }
    let heads = rows.iter().map(|row| exact(&row.head).map(Head));
    let heads = heads.collect::<Result<Vec<_>>>()?;
    let entries = rows.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
    let sizes: Vec<_> = entries.iter().map(Entry::size).collect();
    let Some(to) = relay::cut(after, &sizes, None, limit) else {
        return sign(app, key, &newest, (newest.pos, newest.head)).map(Served::Unchanged);
    };
    let count = usize::try_from(to - after).map_err(Error::internal)?;
    let seal = match (to < newest.pos, heads.get(count - 1)) {
        (true, Some(head)) => Some(sign(app, key, &newest, (to, *head))?),
        _ => None,
    };
    Ok(Served::Batch(Box::new(Batch {
        origin: feed.origin,
        audience: feed.audience,
        epoch: feed.epoch,
        from: after + 1,
        to,
        prev,
        entries: entries.into_iter().take(count).collect(),
        checkpoint: sign(app, key, &newest, (newest.pos, newest.head))?,
        seal,
    })))
}

fn sign(app: &App, key: &SiteKey, feed: &Feed, end: (u64, Head)) -> Result<Checkpoint> {
    key.checkpoint((feed.origin, feed.audience, feed.epoch), end, app.clock.now())
}

/// The end of a feed that this host writes.
///
/// # Errors
/// Only when the database fails.
pub async fn feed(db: &impl ConnectionTrait, site: SiteId, audience: Audience) -> Result<Option<Feed>> {
    let row = feed_head::Entity::find_by_id((site, audience.to_string()));
    let written = row.one(db).await?.filter(|row| row.pos > 0);
    written.as_ref().map(stored).transpose()
}

/// A feed as its row says.
///
/// # Errors
/// [`Error::Internal`] for what no sequencer wrote.
pub fn stored(row: &feed_head::Model) -> Result<Feed> {
    Ok(Feed {
        origin: Origin(row.origin.0),
        audience: row.audience.parse().map_err(Error::internal)?,
        epoch: Epoch(row.epoch),
        pos: u64::try_from(row.pos).map_err(Error::internal)?,
        head: Head(exact(&row.head)?),
        moved: row.moved,
    })
}

async fn head_at(db: &impl ConnectionTrait, feed: &Feed, pos: u64) -> Result<Option<Head>> {
    let pos = i64::try_from(pos).map_err(Error::internal)?;
    let key = (SiteId(feed.origin.0), feed.audience.to_string(), feed.epoch.0, pos);
    let row = feed_entry::Entity::find_by_id(key).one(db).await?;
    row.map(|row| exact(&row.head).map(Head)).transpose()
}

fn entry(row: feed_entry::Model) -> Result<Entry> {
    Ok(Entry {
        header: row.header,
        salt: row.salt.map(|salt| exact(&salt).map(Salt)).transpose()?,
        payload: row.payload,
    })
}

/// Bytes of a fixed length as the database has them.
///
/// # Errors
/// [`Error::Internal`] for another length.
pub fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(Error::internal)
}
