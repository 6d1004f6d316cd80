//! Carrying out what the rules say of entries: rows, what the feed last said of them, what is parked and skipped.

use std::collections::{BTreeMap, BTreeSet};

use entity::{Kind, feed_parked, feed_seen, feed_skipped, replica};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, QueryTrait, prelude::Uuid,
    sea_query::OnConflict,
};

use super::{
    cursors::{self, Feed, number},
    replica::{Loaded, row},
};
use crate::{
    app::Work,
    database::ROWS_A_STATEMENT,
    error::{Error, Result},
    federation::{
        content::{self},
        directory::{self, Learnt},
        erasures,
        messages::MAX_REASON_CHARS,
        protocol::{
            apply::{Effect, Reason, Stored},
            cursor::Whole,
            rules::Rules,
        },
        wire::{Entry, Header, Operation},
    },
    forum::{self, feed::Touched},
    share::{self, Arrival, Landed, MEMBER},
};

/// What one work has carried out so far, over all feeds that it had to do with.
#[derive(Debug, Default)]
pub(super) struct Carried {
    touched: Touched,
    /// Records that have come, for which others may wait.
    pub(super) came: BTreeSet<Uuid>,
    /// Whether the feed that is being read has to be read anew: a key that signed it was revoked.
    pub(super) rolled: bool,
}

/// Carries out entries of one feed, under one generation.
pub(super) struct Carrier<'a> {
    pub(super) feed: Feed,
    pub(super) generation: u64,
    pub(super) loaded: &'a Loaded,
    /// What the feed now says last of its records.
    said: BTreeMap<Uuid, replica::Model>,
    parked: BTreeMap<u64, feed_parked::Model>,
    skipped: BTreeSet<Uuid>,
    /// Records that are gone for ever, and whether this host has known them.
    erased: BTreeMap<Uuid, bool>,
    /// Records that any effect names: what was parked or skipped of them before is over.
    named: BTreeSet<Uuid>,
    /// Records of one type that came one after the other: they are stored together.
    waiting: Waiting<'a>,
}

/// Records that are about to be stored.
#[derive(Debug, Default)]
struct Waiting<'a> {
    kind: String,
    puts: Vec<Put<'a>>,
    records: BTreeSet<Uuid>,
}

#[derive(Debug)]
struct Put<'a> {
    header: Header,
    payload: String,
    entry: &'a Entry,
}

impl<'a> Carrier<'a> {
    pub(super) fn new(feed: Feed, generation: u64, loaded: &'a Loaded) -> Self {
        Self {
            feed,
            generation,
            loaded,
            said: BTreeMap::new(),
            parked: BTreeMap::new(),
            skipped: BTreeSet::new(),
            erased: BTreeMap::new(),
            named: BTreeSet::new(),
            waiting: Waiting::default(),
        }
    }

    /// Carries out one effect of an entry.
    pub(super) async fn effect(
        &mut self,
        work: &mut Work<'_>,
        carried: &mut Carried,
        effect: Effect,
        entry: &'a Entry,
    ) -> Result<()> {
        let header = Header::parse(&entry.header).map_err(Error::internal)?;
        let gid = header.gid;
        if self.waiting.holds_up(&effect, gid) {
            self.store(work, carried).await?;
        }
        self.named.insert(gid);
        self.skipped.remove(&gid);
        self.parked.retain(|_, row| row.record_id != gid);
        match effect {
            Effect::Put { kind, .. } if self.kind(gid).is_some_and(|before| before != kind) => {
                self.park(&header, entry, "the record is of another type", None)?;
            }
            Effect::Put { kind, payload, .. } if kind == MEMBER.kind => {
                let landed = self.learn(work, carried, gid, &payload).await?;
                if landed == Landed::Stored {
                    work.tell(Kind::Site, gid);
                }
                self.landed(work, carried, landed, &header, entry)?;
            }
            Effect::Put { kind, payload, .. } => {
                self.waiting.kind = kind;
                self.waiting.records.insert(gid);
                self.waiting.puts.push(Put { header, payload, entry });
            }
            Effect::Delete { pos, last, .. } => {
                let kind = self.kind(gid).unwrap_or(&header.kind).to_owned();
                if last && self.said_before(gid) {
                    content::forget(work, self.feed.origin, &kind, &[gid], &mut carried.touched).await?;
                }
                self.say(work, &header, &kind, pos, Operation::Delete)?;
            }
            Effect::Erase { pos, .. } => {
                let kind = self.kind(gid).unwrap_or(&header.kind).to_owned();
                if self.said_before(gid) {
                    content::forget(work, self.feed.origin, &kind, &[gid], &mut carried.touched).await?;
                    forum::feed::displace(work, &[gid]).await?;
                }
                self.erased
                    .insert(gid, self.loaded.knows(gid) || self.said.contains_key(&gid));
                self.say(work, &header, &kind, pos, Operation::Erase)?;
            }
            Effect::Skip { .. } => {
                self.skipped.insert(gid);
            }
            Effect::Park { reason, .. } => {
                let waits_for = match &reason {
                    Reason::SpaceUnknown(space) => Some(*space),
                    _ => None,
                };
                self.park(&header, entry, &reason.to_string(), waits_for)?;
            }
        }
        Ok(())
    }

    /// Whether a record ever came with this feed, in an earlier batch or this one: what never came here is nobody's to
    /// take away.
    fn said_before(&self, gid: Uuid) -> bool {
        self.loaded.first(gid).is_some() || self.said.get(&gid).is_some_and(|row| row.first_applied_at.is_some())
    }

    /// The type as which a record came with this feed.
    fn kind(&self, gid: Uuid) -> Option<&str> {
        let said = self.said.get(&gid).filter(|row| row.first_applied_at.is_some());
        said.map(|row| row.kind.as_str()).or_else(|| self.loaded.kind(gid))
    }

    /// Stores the records that wait for it.
    async fn store(&mut self, work: &Work<'_>, carried: &mut Carried) -> Result<()> {
        let Waiting { kind, puts, .. } = std::mem::take(&mut self.waiting);
        let home = self.feed.origin;
        let arrivals: Vec<_> = puts
            .iter()
            .map(|put| Arrival {
                id: put.header.gid,
                home,
                payload: &put.payload,
            })
            .collect();
        if arrivals.is_empty() {
            return Ok(());
        }
        let landed = content::store(work, &kind, &arrivals, &mut carried.touched).await?;
        for (put, landed) in puts.iter().zip(landed) {
            self.landed(work, carried, landed, &put.header, put.entry)?;
        }
        Ok(())
    }

    /// Takes in what the directory says of a site.
    async fn learn(&self, work: &mut Work<'_>, carried: &mut Carried, gid: Uuid, payload: &str) -> Result<Landed> {
        let home = self.feed.origin;
        let (landed, learnt) = directory::learn(work, &Arrival { id: gid, home, payload }).await?;
        if let Some(learnt) = learnt {
            carried.judge(work, Some(self.feed), &learnt).await?;
        }
        Ok(landed)
    }

    /// Notes what became of a record that came.
    fn landed(
        &mut self,
        work: &Work<'_>,
        carried: &mut Carried,
        landed: Landed,
        header: &Header,
        entry: &Entry,
    ) -> Result<()> {
        match landed {
            Landed::Stored => {
                carried.came.insert(header.gid);
                self.say(work, header, &header.kind, header.pos, Operation::Put)
            }
            Landed::Waits(record) => self.park(header, entry, "waits for a record", Some(record)),
            Landed::Refused(why) => self.park(header, entry, &why, None),
        }
    }

    fn say(&mut self, work: &Work<'_>, header: &Header, kind: &str, pos: u64, op: Operation) -> Result<()> {
        let gid = header.gid;
        let before = self.said.get(&gid).and_then(|row| row.first_applied_at);
        let first = self.loaded.first(gid).or(before);
        let first = first.or_else(|| (op == Operation::Put).then(|| work.now()));
        let generation = self.generation;
        let stored = Stored { generation, pos, op };
        self.said.insert(gid, row(self.feed, gid, kind, stored, first)?);
        Ok(())
    }

    fn park(&mut self, header: &Header, entry: &Entry, reason: &str, waits_for: Option<Uuid>) -> Result<()> {
        tracing::warn!(
            origin = %self.feed.origin, pos = header.pos, kind = header.kind, reason, "an entry is kept for later"
        );
        let row = feed_parked::Model {
            origin: self.feed.origin,
            audience: self.feed.audience.to_string(),
            pos: number(header.pos)?,
            record_id: header.gid,
            reason: reason.chars().take(MAX_REASON_CHARS).collect(),
            waits_for,
            header: entry.header.clone(),
            salt: entry.salt.map(|salt| salt.0.to_vec()),
            payload: entry.payload.clone(),
        };
        self.parked.insert(header.pos, row);
        Ok(())
    }

    /// Stores what still waits for it, and writes down what was said, parked and skipped.
    pub(super) async fn write(mut self, work: &mut Work<'_>, carried: &mut Carried) -> Result<()> {
        self.store(work, carried).await?;
        erasures::enter(work, self.feed.origin, std::mem::take(&mut self.erased))?;
        let audience = self.feed.audience.to_string();
        let named: Vec<_> = self.named.into_iter().collect();
        for records in named.chunks(ROWS_A_STATEMENT) {
            macro_rules! over {
                ($($table:ident),+) => {$(
                    let over = $table::Entity::delete_many()
                        .filter($table::Column::Origin.eq(self.feed.origin))
                        .filter($table::Column::Audience.eq(&audience))
                        .filter($table::Column::RecordId.is_in(records.iter().copied()));
                    over.exec(work.db()).await?;
                )+};
            }
            over!(feed_parked, feed_skipped);
        }
        share::store_all::<replica::Entity>(work.db(), self.said.into_values().collect()).await?;
        share::store_all::<feed_parked::Entity>(work.db(), self.parked.into_values().collect()).await?;
        let skipped: Vec<_> = self.skipped.into_iter().collect();
        for records in skipped.chunks(ROWS_A_STATEMENT) {
            let rows = records.iter().map(|record_id| {
                let row = feed_skipped::Model {
                    origin: self.feed.origin,
                    audience: audience.clone(),
                    record_id: *record_id,
                };
                row.into_active_model()
            });
            let rows = feed_skipped::Entity::insert_many(rows);
            rows.exec_without_returning(work.db()).await?;
        }
        Ok(())
    }
}

impl Waiting<'_> {
    /// Whether these have to be stored before an effect on a record is carried out: records of other types, and whatever
    /// takes records away, see what came before them.
    fn holds_up(&self, effect: &Effect, gid: Uuid) -> bool {
        let same = match effect {
            Effect::Put { kind, .. } => *kind == self.kind,
            Effect::Skip { .. } | Effect::Park { .. } => true,
            Effect::Delete { .. } | Effect::Erase { .. } => false,
        };
        !self.puts.is_empty() && (!same || self.records.contains(&gid))
    }
}

impl Carried {
    /// Does to the feeds of a site what the directory says of it.
    pub(super) async fn judge(&mut self, work: &mut Work<'_>, reading: Option<Feed>, learnt: &Learnt) -> Result<()> {
        let rules = Rules::default();
        if learnt.roll {
            erasures::take_back(work, learnt.site).await?;
        }
        for feed in cursors::of_site(work, learnt.site).await? {
            if Some(feed) == reading {
                // The cursor of the feed that says so moves with its batch.
                self.rolled |= learnt.roll;
                continue;
            }
            let before = feed.lock(work).await?;
            let (mut cursor, whole) = before.judged(learnt.status, rules);
            if learnt.roll {
                cursor = cursor.restarted(rules);
            }
            if cursor.generation != before.generation {
                feed.clear(work).await?;
            }
            if learnt.roll || whole == Some(Whole::Purge) {
                feed.forget_words(work).await?;
            }
            // Rows are hidden and shown by the status of their site.
            if whole == Some(Whole::Purge) {
                self.purge(work, feed).await?;
            }
            if cursor != before {
                feed.store(work, &cursor).await?;
            }
        }
        Ok(())
    }

    /// Deletes all rows of a feed. What it has erased stays known.
    async fn purge(&mut self, work: &mut Work<'_>, feed: Feed) -> Result<()> {
        let rows = replica::Entity::find()
            .filter(replica::Column::Origin.eq(feed.origin))
            .filter(replica::Column::Audience.eq(feed.audience.to_string()));
        self.drop(work, feed, rows.all(work.db()).await?).await
    }

    /// After a feed was read from its start: deletes what it no longer knows.
    pub(super) async fn sweep(&mut self, work: &mut Work<'_>, feed: Feed, generation: u64) -> Result<()> {
        let audience = feed.audience.to_string();
        let seen = feed_seen::Entity::find()
            .select_only()
            .column(feed_seen::Column::RecordId)
            .filter(feed_seen::Column::Origin.eq(feed.origin))
            .filter(feed_seen::Column::Audience.eq(&audience));
        let unseen = replica::Entity::find()
            .filter(replica::Column::Origin.eq(feed.origin))
            .filter(replica::Column::Audience.eq(&audience))
            .filter(replica::Column::Generation.lt(number(generation)?))
            .filter(replica::Column::RecordId.not_in_subquery(seen.into_query()));
        self.drop(work, feed, unseen.all(work.db()).await?).await?;
        let seen = feed_seen::Entity::delete_many().filter(feed_seen::Column::Origin.eq(feed.origin));
        let seen = seen.filter(feed_seen::Column::Audience.eq(&audience));
        seen.exec(work.db()).await?;
        Ok(())
    }

    async fn drop(&mut self, work: &mut Work<'_>, feed: Feed, rows: Vec<replica::Model>) -> Result<()> {
        let mut gone: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
        for row in rows {
            if row.operation != Operation::Erase.word() {
                gone.entry(row.kind).or_default().push(row.record_id);
            }
        }
        for (kind, records) in gone {
            for records in records.chunks(ROWS_A_STATEMENT) {
                let shown = replica::Entity::find()
                    .select_only()
                    .column(replica::Column::RecordId)
                    .filter(replica::Column::RecordId.is_in(records.iter().copied()))
                    .filter(replica::Column::Origin.eq(feed.origin))
                    .filter(replica::Column::Audience.ne(feed.audience.to_string()))
                    .filter(replica::Column::Operation.eq(Operation::Put.word()));
                let shown: BTreeSet<Uuid> = shown.into_tuple().all(work.db()).await?.into_iter().collect();
                let last: Vec<_> = records.iter().copied().filter(|id| !shown.contains(id)).collect();
                content::forget(work, feed.origin, &kind, &last, &mut self.touched).await?;
                let forgotten = replica::Entity::delete_many()
                    .filter(replica::Column::Origin.eq(feed.origin))
                    .filter(replica::Column::Audience.eq(feed.audience.to_string()))
                    .filter(replica::Column::RecordId.is_in(records.iter().copied()));
                forgotten.exec(work.db()).await?;
            }
        }
        Ok(())
    }

    /// Brings in step what rows repeat of one another.
    pub(super) async fn settle(self, work: &mut Work<'_>) -> Result<()> {
        forum::feed::settle(work, self.touched).await
    }
}

/// Notes records that the feed still knows, while it is read from its start.
pub(super) async fn see(work: &Work<'_>, feed: Feed, seen: Vec<Uuid>) -> Result<()> {
    use feed_seen::{Column, Entity};
    let seen: BTreeSet<_> = seen.into_iter().collect();
    let seen: Vec<_> = seen.into_iter().collect();
    for records in seen.chunks(ROWS_A_STATEMENT) {
        let rows = records.iter().map(|record_id| {
            let row = feed_seen::Model {
                origin: feed.origin,
                audience: feed.audience.to_string(),
                record_id: *record_id,
            };
            row.into_active_model()
        });
        let known = OnConflict::columns([Column::Origin, Column::Audience, Column::RecordId])
            .do_nothing()
            .to_owned();
        let rows = Entity::insert_many(rows).on_conflict(known);
        rows.exec_without_returning(work.db()).await?;
    }
    Ok(())
}

/// The position of an effect.
pub(super) const fn position(effect: &Effect) -> u64 {
    match effect {
        Effect::Put { pos, .. }
        | Effect::Delete { pos, .. }
        | Effect::Erase { pos, .. }
        | Effect::Skip { pos, .. }
        | Effect::Park { pos, .. } => *pos,
    }
}
