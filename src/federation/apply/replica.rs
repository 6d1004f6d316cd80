//! What this host holds of a feed's records, read in bulk for the rules to ask.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{SiteId, feed_held, feed_skipped, replica};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};

use super::cursors::{Feed, count, number};
use crate::{
    app::Work,
    database::ROWS_A_STATEMENT,
    error::{Error, Result},
    federation::{
        content,
        feeds::exact,
        protocol::apply::{Replica, Stored},
        wire::{Checkpoint, Epoch, Head, Operation, Origin, Signature},
    },
};

/// What stands in the database of some records.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    homes: HashMap<Uuid, Origin>,
    stored: HashMap<Uuid, Stored>,
    kinds: HashMap<Uuid, String>,
    first: HashMap<Uuid, DateTime<Utc>>,
    elsewhere: HashSet<Uuid>,
    erased: HashSet<Uuid>,
    skipped: Vec<Uuid>,
    held: HashMap<(Epoch, u64), Checkpoint>,
}

impl Loaded {
    /// Reads what the rules may ask about these records.
    pub(super) async fn of(work: &Work<'_>, feed: Feed, records: impl IntoIterator<Item = Uuid>) -> Result<Self> {
        let db = work.db();
        let mut records: Vec<_> = records.into_iter().collect();
        records.sort_unstable();
        records.dedup();
        let erased = work.app().ledger.among(feed.origin, &records);
        let mut loaded = Self {
            erased: erased.map_err(Error::internal)?,
            ..Self::default()
        };
        for records in records.chunks(ROWS_A_STATEMENT) {
            let rows = replica::Entity::find().filter(replica::Column::RecordId.is_in(records.iter().copied()));
            for row in rows.all(db).await? {
                loaded.take(feed, row)?;
            }
            let unbound: Vec<_> = records
                .iter()
                .copied()
                .filter(|id| !loaded.homes.contains_key(id))
                .collect();
            let homes = content::homes(db, &unbound).await?.into_iter();
            loaded.homes.extend(homes.map(|(id, home)| (id, Origin(home.0))));
        }
        loaded.skipped = skipped(db, feed, &records).await?;
        loaded.held = held(db, feed).await?;
        Ok(loaded)
    }

    fn take(&mut self, feed: Feed, row: replica::Model) -> Result<()> {
        let op = Operation::from_word(&row.operation).ok_or_else(|| Error::internal("an unknown operation"))?;
        if row.first_applied_at.is_some() {
            self.homes.insert(row.record_id, Origin(row.origin.0));
        }
        if row.origin != feed.origin {
            return Ok(());
        }
        if op == Operation::Erase {
            self.erased.insert(row.record_id);
        }
        if row.audience != feed.audience.to_string() {
            if op == Operation::Put {
                self.elsewhere.insert(row.record_id);
            }
            return Ok(());
        }
        let stored = Stored {
            generation: count(row.generation)?,
            pos: count(row.pos)?,
            op,
        };
        self.stored.insert(row.record_id, stored);
        if let Some(at) = row.first_applied_at {
            self.kinds.insert(row.record_id, row.kind);
            self.first.insert(row.record_id, at);
        }
        Ok(())
    }

    /// The type as which a record came with this feed.
    pub(super) fn kind(&self, record: Uuid) -> Option<&str> {
        self.kinds.get(&record).map(String::as_str)
    }

    /// Whether this host has ever held a record.
    pub(super) fn knows(&self, record: Uuid) -> bool {
        self.homes.contains_key(&record)
    }

    /// When a record first came with this feed.
    pub(super) fn first(&self, record: Uuid) -> Option<DateTime<Utc>> {
        self.first.get(&record).copied()
    }
}

/// Those of the records that were skipped, and one other if there is any: a long feed may have skipped very many.
async fn skipped(db: &impl ConnectionTrait, feed: Feed, records: &[Uuid]) -> Result<Vec<Uuid>> {
    let skipped = || {
        feed_skipped::Entity::find()
            .select_only()
            .column(feed_skipped::Column::RecordId)
            .filter(feed_skipped::Column::Origin.eq(feed.origin))
            .filter(feed_skipped::Column::Audience.eq(feed.audience.to_string()))
    };
    let named = feed_skipped::Column::RecordId.is_in(records.iter().copied());
    let mut found: Vec<Uuid> = skipped().filter(named).into_tuple().all(db).await?;
    let others = feed_skipped::Column::RecordId.is_not_in(records.iter().copied());
    found.extend(skipped().filter(others).into_tuple::<Uuid>().one(db).await?);
    Ok(found)
}

async fn held(db: &impl ConnectionTrait, feed: Feed) -> Result<HashMap<(Epoch, u64), Checkpoint>> {
    let rows = feed_held::Entity::find()
        .filter(feed_held::Column::Origin.eq(feed.origin))
        .filter(feed_held::Column::Audience.eq(feed.audience.to_string()));
    let words = rows.all(db).await?.into_iter().map(|row| {
        let word = Checkpoint {
            to: count(row.pos)?,
            head: Head(exact(&row.head)?),
            at: row.signed_at,
            kid: row.kid,
            sig: Signature(exact(&row.signature)?),
        };
        Ok(((Epoch(row.epoch), word.to), word))
    });
    words.collect()
}

impl Replica for Loaded {
    fn home(&self, gid: Uuid) -> Option<Origin> {
        self.homes.get(&gid).copied()
    }

    fn stored(&self, gid: Uuid) -> Option<Stored> {
        self.stored.get(&gid).copied()
    }

    fn shown_elsewhere(&self, gid: Uuid) -> bool {
        self.elsewhere.contains(&gid)
    }

    fn erased(&self, gid: Uuid) -> bool {
        self.erased.contains(&gid)
    }

    fn skipped(&self) -> Vec<Uuid> {
        self.skipped.clone()
    }

    fn held(&self, epoch: Epoch, to: u64) -> Option<Checkpoint> {
        self.held.get(&(epoch, to)).cloned()
    }
}

/// A row of `replica`.
pub(super) fn row(
    feed: Feed,
    record: Uuid,
    kind: &str,
    stored: Stored,
    first: Option<DateTime<Utc>>,
) -> Result<replica::Model> {
    Ok(replica::Model {
        origin: SiteId(feed.origin.0),
        audience: feed.audience.to_string(),
        record_id: record,
        kind: kind.to_owned(),
        generation: number(stored.generation)?,
        pos: number(stored.pos)?,
        operation: stored.op.word().to_owned(),
        first_applied_at: first,
    })
}
