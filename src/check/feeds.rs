//! Feeds that this host writes or relays (`docs/federation.md`, section 3).

use std::collections::{HashMap, HashSet};

use entity::{SiteId, feed_checkpoint, feed_entry, feed_head};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid};

use super::{Look, ROWS_AT_ONCE, name};
use crate::{
    error::Result,
    federation::{
        directory,
        feeds::{self, exact},
        protocol::publisher::Feed,
        wire::{
            Ed25519, Head, Header, PublicKey, Salt, Verify, checkpoint_message, first_head, next_head, payload_hash,
        },
    },
};

/// Follows every feed.
pub(super) async fn look(look: &mut Look<'_>) -> Result<()> {
    let heads = feed_head::Entity::find()
        .filter(feed_head::Column::Pos.gt(0))
        .order_by_asc(feed_head::Column::Origin)
        .order_by_asc(feed_head::Column::Audience);
    for row in heads.all(look.db).await? {
        let Ok(feed) = feeds::stored(&row) else {
            look.find(
                row.origin,
                format_args!("feed {}: its end cannot be read", row.audience),
            );
            continue;
        };
        look.report.feeds.0 += 1;
        let mut following = Following::begin(feed);
        if let Some(what) = following.follow(look).await? {
            look.find(row.origin, format_args!("feed {}: {what}", row.audience));
        } else if let Some(what) = checkpoints(look, &feed).await? {
            look.find(row.origin, format_args!("feed {}: {what}", row.audience));
        }
    }
    Ok(())
}

/// How far a feed was followed.
struct Following {
    feed: Feed,
    pos: u64,
    head: Head,
}

impl Following {
    fn begin(feed: Feed) -> Self {
        let head = first_head(feed.origin, feed.audience, feed.epoch);
        Self { feed, pos: 0, head }
    }

    /// Follows the feed to its end; tells the first fault.
    async fn follow(&mut self, look: &mut Look<'_>) -> Result<Option<String>> {
        loop {
            let rows = entries(look, &self.feed, self.pos).await?;
            if rows.is_empty() {
                break;
            }
            look.pass(rows.len());
            look.report.feeds.1 += rows.len() as u64;
            let replaced = replaced(look, &self.feed, &rows).await?;
            for row in &rows {
                let told = |what: &str| Some(format!("entry {} ({}): {what}", row.pos, named(row)));
                if u64::try_from(row.pos).ok() != Some(self.pos + 1) {
                    let next = self.pos + 1;
                    return Ok(Some(format!(
                        "entry {next} is missing: the next is {} ({})",
                        row.pos,
                        named(row)
                    )));
                }
                if let Err(what) = self.step(row, &replaced) {
                    return Ok(told(what));
                }
            }
        }
        Ok(self.ended())
    }

    fn step(&mut self, row: &feed_entry::Model, replaced: &HashSet<(Uuid, i64)>) -> Result<(), &'static str> {
        let header = Header::parse(&row.header).map_err(|_| "its header is none")?;
        self.head = next_head(self.head, &row.header);
        if row.head != self.head.0 {
            return Err("the hash behind it is not that of the entries up to here");
        }
        self.pos += 1;
        if header.pos != self.pos || header.gid != row.record_id {
            return Err("its header is that of another entry");
        }
        match (&row.payload, &row.salt) {
            (Some(payload), Some(salt)) => {
                let salt = exact(salt).map(Salt).map_err(|_| "its salt is none")?;
                if header.ph != Some(payload_hash(salt, payload)) {
                    return Err("its payload is not as it was written");
                }
            }
            (None, None) if header.op.has_payload() && !replaced.contains(&(row.record_id, row.pos)) => {
                return Err("its payload is missing, and no later entry replaces it");
            }
            (None, None) => {}
            _ => return Err("one of payload and salt is missing"),
        }
        Ok(())
    }

    fn ended(&self) -> Option<String> {
        let feed = &self.feed;
        if self.pos < feed.pos {
            return Some(format!("the entries {} to {} are missing", self.pos + 1, feed.pos));
        }
        if self.pos > feed.pos {
            return Some(format!("entry {} stands behind the end", feed.pos + 1));
        }
        (self.head != feed.head).then(|| format!("the end does not fit entry {}", self.pos))
    }
}

fn named(row: &feed_entry::Model) -> String {
    let kind = Header::parse(&row.header).map_or_else(|_| "record".to_owned(), |header| header.kind);
    name(&kind, row.record_id)
}

/// The next entries of a feed.
async fn entries(look: &Look<'_>, feed: &Feed, after: u64) -> Result<Vec<feed_entry::Model>> {
    let rows = of(feed)
        .filter(feed_entry::Column::Pos.gt(feeds::signed(after)?))
        .order_by_asc(feed_entry::Column::Pos)
        .limit(ROWS_AT_ONCE);
    Ok(rows.all(look.db).await?)
}

fn of(feed: &Feed) -> sea_orm::Select<feed_entry::Entity> {
    feed_entry::Entity::find()
        .filter(feed_entry::Column::Origin.eq(feed.origin.0))
        .filter(feed_entry::Column::Audience.eq(feed.audience.to_string()))
        .filter(feed_entry::Column::Epoch.eq(feed.epoch.0))
}

/// Those of the entries without payload that need none any more: a later one says more of the record, or it is gone for ever.
async fn replaced(look: &Look<'_>, feed: &Feed, rows: &[feed_entry::Model]) -> Result<HashSet<(Uuid, i64)>> {
    let bare: Vec<_> = rows.iter().filter(|row| row.payload.is_none()).collect();
    let records: Vec<_> = bare.iter().map(|row| row.record_id).collect();
    if records.is_empty() {
        return Ok(HashSet::new());
    }
    let last = of(feed)
        .select_only()
        .column(feed_entry::Column::RecordId)
        .column_as(feed_entry::Column::Pos.max(), "last")
        .filter(feed_entry::Column::RecordId.is_in(records.iter().copied()))
        .group_by(feed_entry::Column::RecordId);
    let last: HashMap<Uuid, i64> = last.into_tuple().all(look.db).await?.into_iter().collect();
    let erased = look.erased(SiteId(feed.origin.0), &records)?;
    let replaced = bare
        .into_iter()
        .filter(|row| erased.contains(&row.record_id) || last.get(&row.record_id).is_some_and(|last| *last > row.pos));
    Ok(replaced.map(|row| (row.record_id, row.pos)).collect())
}

/// What is wrong with the signatures of a feed.
async fn checkpoints(look: &Look<'_>, feed: &Feed) -> Result<Option<String>> {
    let keys = keys(look, SiteId(feed.origin.0)).await?;
    let rows = feed_checkpoint::Entity::find()
        .filter(feed_checkpoint::Column::Origin.eq(feed.origin.0))
        .filter(feed_checkpoint::Column::Audience.eq(feed.audience.to_string()))
        .filter(feed_checkpoint::Column::Epoch.eq(feed.epoch.0))
        .order_by_asc(feed_checkpoint::Column::Pos);
    let mut ends = false;
    for row in rows.all(look.db).await? {
        let told = |what: &str| Some(format!("the checkpoint at entry {}: {what}", row.pos));
        let Ok(checkpoint) = feeds::checkpoint(row.clone()) else {
            return Ok(told("it cannot be read"));
        };
        let message = checkpoint_message(feed.origin, feed.audience, feed.epoch, &checkpoint);
        let key = keys.get(&checkpoint.kid);
        if !key.is_some_and(|key| Ed25519.verify(*key, &message, checkpoint.sig)) {
            return Ok(told("no key of the site has signed it"));
        }
        let head = feeds::head_at(look.db, feed, checkpoint.to).await?;
        if checkpoint.to <= feed.pos && head != Some(checkpoint.head) {
            return Ok(told("it is for other entries than these"));
        }
        ends |= checkpoint.to >= feed.pos;
    }
    if !ends {
        return Ok(Some(format!("nobody has signed its end at entry {}", feed.pos)));
    }
    Ok(None)
}

/// The keys of a site, those that sign no more included.
async fn keys(look: &Look<'_>, site: SiteId) -> Result<HashMap<String, PublicKey>> {
    if look.is_hosted(site) {
        return look.own_keys(site).await;
    }
    let standing = directory::standing(look.db, site).await?;
    let keys = standing.map(|standing| standing.keys).unwrap_or_default();
    Ok(keys.held().iter().map(|key| (key.kid.clone(), key.public)).collect())
}
