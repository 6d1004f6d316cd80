//! Reading a feed that this host writes or relays, as whoever asks for it is answered (`docs/federation.md`, section 4).

use chrono::Utc;
use entity::{SiteId, feed_checkpoint, feed_entry, feed_head, feed_shared, site};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{
    keys::{self, SiteKey},
    protocol::{
        publisher::Feed,
        relay::{self, Asked, Held, Reply},
        rules::Rules,
    },
    wire::{
        Audience, Batch, Checkpoint, Entry, Epoch, Head, Header, MAX_BATCH_ENTRIES, Operation, Origin, Previous, Salt,
        Signature, first_head,
    },
};
use crate::{
    app::App,
    error::{Error, Result},
    read::IDS_A_STATEMENT,
};

/// What a reader of a feed is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// The entries behind its position.
    Batch(Box<Batch>),
    /// Nothing new, and the site's word for that.
    Unchanged(Checkpoint),
    /// Its history is not that of the feed, which ends here.
    Diverged(Previous),
    /// This host has no such feed.
    Unknown,
}

/// Answers somebody who reads a feed that this host writes or relays. At most `limit` entries come at once, unless a relay
/// holds no signed end before.
///
/// # Errors
/// Only when the database fails.
pub async fn read(app: &App, site: SiteId, audience: Audience, asked: &Asked, limit: usize) -> Result<Served> {
    let db = app.reader();
    let Some(feed) = feed(db, site, audience).await? else {
        return Ok(Served::Unknown);
    };
    let Some(source) = Source::of(db, site).await? else {
        return Ok(Served::Unknown);
    };
    let known = head_at(db, &feed, asked.after).await?;
    let writes = matches!(source, Source::Key(_));
    match relay::answer(&held(&feed), writes, asked, |_| known, Rules::default()) {
        Reply::Diverged => Ok(Served::Diverged(feed.ended())),
        Reply::Unchanged => source.unchanged(app, &feed, asked.after).await,
        Reply::Entries { after } => batch(app, &source, &feed, after, limit).await,
    }
}

/// What this host sends the hub of a feed that it writes: the entries behind a position, or none of them and a fresh word
/// for its end. Nothing when it writes no such feed.
///
/// # Errors
/// Only when the database fails.
pub async fn to_append(app: &App, feed: &Feed, after: u64) -> Result<Option<Batch>> {
    let source = Source::of(app.reader(), SiteId(feed.origin.0)).await?;
    let Some(source @ Source::Key(_)) = source else {
        return Ok(None);
    };
    match batch(app, &source, feed, after, MAX_BATCH_ENTRIES).await? {
        Served::Batch(batch) => Ok(Some(*batch)),
        Served::Unchanged(checkpoint) => Ok(Some(Batch {
            origin: feed.origin,
            audience: feed.audience,
            epoch: feed.epoch,
            from: checkpoint.to + 1,
            to: checkpoint.to,
            prev: checkpoint.head,
            entries: Vec::new(),
            checkpoint,
            seal: None,
        })),
        Served::Diverged(_) | Served::Unknown => Ok(None),
    }
}

/// The headers of the entries in which a site's network feed last said an operation of their records, in its present epoch.
///
/// # Errors
/// Only when the database fails.
pub async fn last_said(db: &impl ConnectionTrait, site: SiteId, operation: Operation) -> Result<Vec<Header>> {
    let network = Audience::Network.to_string();
    let said = feed_shared::Entity::find()
        .select_only()
        .column(feed_shared::Column::Pos)
        .filter(feed_shared::Column::Origin.eq(site))
        .filter(feed_shared::Column::Audience.eq(&network))
        .filter(feed_shared::Column::Operation.eq(operation.word()));
    let positions: Vec<i64> = said.into_tuple().all(db).await?;
    let mut headers = Vec::with_capacity(positions.len());
    for positions in positions.chunks(IDS_A_STATEMENT) {
        let entries = feed_entry::Entity::find()
            .select_only()
            .column(feed_entry::Column::Header)
            .filter(feed_entry::Column::Origin.eq(site))
            .filter(feed_entry::Column::Audience.eq(&network))
            .filter(feed_entry::Column::Pos.is_in(positions.iter().copied()));
        for header in entries.into_tuple::<String>().all(db).await? {
            headers.push(Header::parse(&header).map_err(Error::internal)?);
        }
    }
    Ok(headers)
}

/// Whose word goes with entries.
enum Source {
    /// That of this host's own site, given when it is asked for.
    Key(SiteKey),
    /// What the origin sent with its entries.
    Relay,
}

impl Source {
    async fn of(db: &impl ConnectionTrait, site: SiteId) -> Result<Option<Self>> {
        let hosted = site::Entity::find_by_id(site).one(db).await?;
        if hosted.is_some_and(|site| site.hosted) {
            Ok(keys::current(db, site).await?.map(Self::Key))
        } else {
            Ok(Some(Self::Relay))
        }
    }

    /// The newest word for the end of a feed, or for what a relay's reader has of it.
    async fn unchanged(&self, app: &App, feed: &Feed, after: u64) -> Result<Served> {
        Ok(match self {
            Self::Key(key) => Served::Unchanged(sign(app, key, feed, (feed.pos, feed.head))?),
            Self::Relay => {
                let newest = checkpoints(feed).filter(feed_checkpoint::Column::Pos.lte(signed(after)?));
                let newest = newest
                    .order_by_desc(feed_checkpoint::Column::Pos)
                    .one(app.reader())
                    .await?;
                newest
                    .map(checkpoint)
                    .transpose()?
                    .map_or(Served::Unknown, Served::Unchanged)
            }
        })
    }

    /// The positions behind one at which a batch may end; none when it may end anywhere.
    async fn seals(&self, app: &App, feed: &Feed, after: u64) -> Result<Option<Vec<Checkpoint>>> {
        let Self::Relay = self else { return Ok(None) };
        let sealed = checkpoints(feed)
            .filter(feed_checkpoint::Column::Pos.gt(signed(after)?))
            .order_by_asc(feed_checkpoint::Column::Pos)
            .limit(MAX_BATCH_ENTRIES as u64);
        let rows = sealed.all(app.reader()).await?.into_iter();
        let mut seals = rows.map(checkpoint).collect::<Result<Vec<_>>>()?;
        seals.extend(newest_checkpoint(app.reader(), feed).await?);
        Ok(Some(seals))
    }
}

async fn batch(app: &App, source: &Source, feed: &Feed, after: u64, limit: usize) -> Result<Served> {
    let db = app.reader();
    let prev = match after {
        0 => first_head(feed.origin, feed.audience, feed.epoch),
        _ => head_at(db, feed, after)
            .await?
            .ok_or_else(|| Error::internal("a feed has a gap"))?,
    };
    let rows = behind(feed, after)?.all(db).await?;
    // The end of the feed is read after its entries: whatever replaced a payload that is missing lies before it.
    let seals = source.seals(app, feed, after).await?;
    let Some(newest) = self::feed(db, SiteId(feed.origin.0), feed.audience).await? else {
        return Ok(Served::Unknown);
    };
    if newest.epoch != feed.epoch {
        return Ok(Served::Diverged(newest.ended()));
    }
    let heads = rows.iter().map(|row| exact(&row.head).map(Head));
    let heads = heads.collect::<Result<Vec<_>>>()?;
    let entries = rows.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
    let sizes: Vec<_> = entries.iter().map(Entry::size).collect();
    let ends = seals
        .as_ref()
        .map(|seals| seals.iter().map(|seal| seal.to).collect::<Vec<_>>());
    let Some(to) = relay::cut(after, &sizes, ends.as_deref(), limit) else {
        return source.unchanged(app, &newest, after).await;
    };
    let count = usize::try_from(to - after).map_err(Error::internal)?;
    let end = heads.get(count - 1).copied().unwrap_or(prev);
    let (checkpoint, seal) = match (source, seals) {
        (Source::Key(key), _) => {
            let seal = (to < newest.pos)
                .then(|| sign(app, key, &newest, (to, end)))
                .transpose()?;
            (sign(app, key, &newest, (newest.pos, newest.head))?, seal)
        }
        (Source::Relay, seals) => relay::vouchers(&seals.unwrap_or_default(), to)
            .ok_or_else(|| Error::internal("a relayed feed has an end that nobody signed"))?,
    };
    Ok(Served::Batch(Box::new(Batch {
        origin: feed.origin,
        audience: feed.audience,
        epoch: feed.epoch,
        from: after + 1,
        to,
        prev,
        entries: entries.into_iter().take(count).collect(),
        checkpoint,
        seal,
    })))
}

/// The entries behind a position, as many as go into a batch.
fn behind(feed: &Feed, after: u64) -> Result<Select<feed_entry::Entity>> {
    use feed_entry::Column::{Audience, Epoch, Origin, Pos};
    Ok(feed_entry::Entity::find()
        .filter(Origin.eq(feed.origin.0))
        .filter(Audience.eq(feed.audience.to_string()))
        .filter(Epoch.eq(feed.epoch.0))
        .filter(Pos.gt(signed(after)?))
        .order_by_asc(Pos)
        .limit(MAX_BATCH_ENTRIES as u64))
}

fn checkpoints(feed: &Feed) -> Select<feed_checkpoint::Entity> {
    use feed_checkpoint::Column::{Audience, Epoch, Origin};
    feed_checkpoint::Entity::find()
        .filter(Origin.eq(feed.origin.0))
        .filter(Audience.eq(feed.audience.to_string()))
        .filter(Epoch.eq(feed.epoch.0))
}

fn sign(app: &App, key: &SiteKey, feed: &Feed, end: (u64, Head)) -> Result<Checkpoint> {
    key.checkpoint(
        (feed.origin, feed.audience, feed.epoch),
        end,
        app.signed_at.time(app.clock.now()),
    )
}

/// The newest word of its site that this host holds of a feed.
///
/// # Errors
/// Only when the database fails.
pub async fn newest_checkpoint(db: &impl ConnectionTrait, feed: &Feed) -> Result<Option<Checkpoint>> {
    let newest = checkpoints(feed).order_by_desc(feed_checkpoint::Column::Pos);
    newest.one(db).await?.map(checkpoint).transpose()
}

/// A checkpoint as its row says.
///
/// # Errors
/// [`Error::Internal`] for what nobody stored.
pub fn checkpoint(row: feed_checkpoint::Model) -> Result<Checkpoint> {
    Ok(Checkpoint {
        to: u64::try_from(row.pos).map_err(Error::internal)?,
        head: Head(exact(&row.head)?),
        at: row.signed_at.with_timezone(&Utc),
        kid: row.kid,
        sig: Signature(exact(&row.signature)?),
    })
}

/// A feed as the rules of relaying see it.
pub fn held(feed: &Feed) -> Held {
    Held {
        epoch: feed.epoch,
        to: feed.pos,
        head: feed.head,
    }
}

/// The end of a feed that this host writes or relays.
///
/// # Errors
/// Only when the database fails.
pub async fn feed(db: &impl ConnectionTrait, site: SiteId, audience: Audience) -> Result<Option<Feed>> {
    let row = feed_head::Entity::find_by_id((site, audience.to_string()));
    let written = row.one(db).await?.filter(|row| row.pos > 0);
    written.as_ref().map(stored).transpose()
}

/// The ends of all feeds that this host writes or relays.
///
/// # Errors
/// Only when the database fails.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Feed>> {
    let written = feed_head::Entity::find().filter(feed_head::Column::Pos.gt(0));
    written.all(db).await?.iter().map(stored).collect()
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
    })
}

/// The head after a position of the present epoch.
///
/// # Errors
/// Only when the database fails.
pub async fn head_at(db: &impl ConnectionTrait, feed: &Feed, pos: u64) -> Result<Option<Head>> {
    // A position beyond all numbers is one that the feed does not have.
    let Ok(pos) = signed(pos) else { return Ok(None) };
    let key = (SiteId(feed.origin.0), feed.audience.to_string(), feed.epoch.0, pos);
    let head = feed_entry::Entity::find_by_id(key)
        .select_only()
        .column(feed_entry::Column::Head);
    let head = head.into_tuple::<Vec<u8>>().one(db).await?;
    head.map(|head| exact(&head).map(Head)).transpose()
}

fn entry(row: feed_entry::Model) -> Result<Entry> {
    Ok(Entry {
        header: row.header,
        salt: row.salt.map(|salt| exact(&salt).map(Salt)).transpose()?,
        payload: row.payload,
    })
}

/// A position as the database has it.
///
/// # Errors
/// [`Error::Internal`] for one beyond all numbers.
pub fn signed(pos: u64) -> Result<i64> {
    i64::try_from(pos).map_err(Error::internal)
}

/// Bytes of a fixed length as the database has them.
///
/// # Errors
/// [`Error::Internal`] for another length.
pub fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(Error::internal)
}
