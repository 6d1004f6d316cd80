//! From the outbox to feeds (`docs/federation.md`, section 6): one transaction a run, after the writes have committed.
//!
//! Numbers are given here and not in the writes: so a long transaction holds up nobody, and no reader that follows the
//! positions can miss one that commits late. Several replicas may run at once; the feed's row lock puts them in turn.

mod reopen;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{Kind, SiteId, SiteStatus, feed_checkpoint, feed_entry, feed_head, feed_shared, outbox, site};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Uuid,
    sea_query::{Expr, OnConflict},
};

use super::{
    apply,
    content::{self, Content},
    directory,
    feeds::{self, exact, signed},
    host,
    keys::{self, SiteKey},
    protocol::{
        publisher::{self, Appended, Draft, Emitted, Feed, Shared, Written},
        rules::Rules,
    },
    relay,
    wire::{Audience, Epoch, Hash, Operation, Origin, Salt, first_head},
};
use crate::{
    app::{App, Work},
    database::ROWS_A_STATEMENT,
    error::{Error, Result},
};

pub use self::reopen::{recall, recall_in, reopen, replace_key};

/// Most outbox rows of one run.
const ROWS_A_RUN: u64 = 1_000;

/// Writes everything that waits into the feeds of the sites of this host. Returns how many entries that made.
///
/// # Errors
/// Only when the database fails. What was written before stays.
pub async fn run(app: &App) -> Result<usize> {
    let mut written = 0;
    loop {
        let waiting = waiting(app).await?;
        if waiting.is_empty() {
            return Ok(written);
        }
        for site in waiting {
            written += app.system("sequence", async |work| sequence(work, site).await).await?;
            app.signals.grew();
        }
    }
}

/// Opens the feed of a site that this host keeps, if it has none, and tells the key that signs it.
///
/// # Errors
/// Only when the database fails.
pub async fn introduce(app: &App, site: SiteId) -> Result<SiteKey> {
    let introduce = async |work: &mut Work<'_>| {
        let feeds = Locked::feeds(work, site).await?;
        let key = keys::signing(work, site).await?;
        feeds.sign(work).await?;
        Ok(key)
    };
    let key = app.system("introduce", introduce).await?;
    app.signals.grew();
    Ok(key)
}

/// Writes everything that waits into the feeds of one site, within a work that goes on after it.
///
/// # Errors
/// Only when the database fails.
pub async fn say_the_rest(work: &mut Work<'_>, site: SiteId) -> Result<()> {
    if host::doubted(work.db()).await?.contains(&Origin(site.0)) {
        return Err(Error::not_now(
            "This host publishes nothing of the site before others have told what they have read of it.",
        ));
    }
    let waiting = || outbox::Entity::find().filter(outbox::Column::SiteId.eq(site));
    while waiting().one(work.db()).await?.is_some() {
        sequence(work, site).await?;
    }
    Ok(())
}

/// The sites of this host for which something waits and that may publish it. What a suspended site writes waits until it is
/// reinstated: nobody may read it meanwhile, and that is not to be told as if it were gone.
async fn waiting(app: &App) -> Result<Vec<SiteId>> {
    let suspended = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Hosted.eq(true))
        .filter(site::Column::Status.eq(SiteStatus::Suspended));
    let rows = outbox::Entity::find()
        .select_only()
        .column(outbox::Column::SiteId)
        .filter(outbox::Column::SiteId.not_in_subquery(suspended.into_query()))
        .distinct();
    let mut waiting: Vec<SiteId> = rows.into_tuple().all(app.reader()).await?;
    if !waiting.is_empty() {
        let doubted = host::doubted(app.reader()).await?;
        waiting.retain(|site| !doubted.contains(&Origin(site.0)));
    }
    Ok(waiting)
}

/// One run for one site. What this host notes of a site that it does not keep is for no feed.
async fn sequence(work: &mut Work<'_>, site: SiteId) -> Result<usize> {
    let hosted = site::Entity::find_by_id(site).one(work.db()).await?;
    let mut feeds = match hosted {
        Some(site) if site.hosted => Some(Locked::feeds(work, site.id).await?),
        _ => None,
    };
    let rows = outbox::Entity::find()
        .filter(outbox::Column::SiteId.eq(site))
        .order_by_asc(outbox::Column::Id)
        .limit(ROWS_A_RUN);
    let rows = rows.all(work.db()).await?;
    let written = match &mut feeds {
        Some(feeds) => {
            let before = feeds.heads.clone();
            let written = feeds.say_all(work, &rows).await?;
            feeds.shorten(work, &before).await?;
            written
        }
        None => 0,
    };
    for ids in rows.chunks(ROWS_A_STATEMENT) {
        let done = ids.iter().map(|row| row.id);
        let done = outbox::Entity::delete_many().filter(outbox::Column::Id.is_in(done));
        done.exec(work.db()).await?;
    }
    if let Some(feeds) = feeds {
        feeds.sign(work).await?;
    }
    Ok(written)
}

/// Does what the directory says, at the host that keeps it: nobody reads it to this one.
async fn obey(work: &mut Work<'_>, sites: &[Uuid]) -> Result<()> {
    let listed = site::Entity::find()
        .filter(site::Column::Id.is_in(sites.iter().copied()))
        .filter(site::Column::Hosted.eq(false));
    let listed = listed.all(work.db()).await?;
    if !listed.is_empty() {
        // Nothing of a site is stored behind what is done to it here.
        host::turn(work).await?;
    }
    for site in listed {
        apply::obey(work, site.id).await?;
        if site.status == SiteStatus::Left {
            relay::forget_site(work, site.id).await?;
        }
    }
    Ok(())
}

/// The feeds of a site, locked until the work ends.
struct Locked {
    site: SiteId,
    heads: BTreeMap<Audience, Feed>,
    /// Feeds that grew in this run.
    grown: BTreeSet<Audience>,
}

impl Locked {
    /// Locks the feeds of a site, and opens its network feed when it has none.
    async fn feeds(work: &mut Work<'_>, site: SiteId) -> Result<Self> {
        let mut feeds = Self::locked(work, site).await?;
        feeds.feed(work, Audience::Network).await?;
        Ok(feeds)
    }

    /// Locks the feeds of a site by the row of its network feed, which is made when there is none.
    async fn locked(work: &Work<'_>, site: SiteId) -> Result<Self> {
        use feed_head::{Column, Entity};
        let mut feeds = Self {
            site,
            heads: BTreeMap::new(),
            grown: BTreeSet::new(),
        };
        let key = [Column::Origin, Column::Audience];
        let unmade = OnConflict::columns(key).do_nothing().to_owned();
        let made = Entity::insert(head_row(&feeds.unwritten(work, Audience::Network), 0)?).on_conflict(unmade);
        made.exec_without_returning(work.db()).await?;
        let network = Entity::find()
            .filter(Column::Origin.eq(site))
            .filter(Column::Audience.eq(Audience::Network.to_string()));
        network.lock_exclusive().one(work.db()).await?;
        let heads = Entity::find().filter(Column::Origin.eq(site));
        for row in heads.all(work.db()).await? {
            let feed = feeds::stored(&row)?;
            feeds.heads.insert(feed.audience, feed);
        }
        Ok(feeds)
    }

    /// A feed that nothing was written to yet.
    fn unwritten(&self, work: &Work<'_>, audience: Audience) -> Feed {
        let (origin, epoch) = (Origin(self.site.0), Epoch(work.app().ids.ordered(work.now())));
        let head = first_head(origin, audience, epoch);
        let pos = 0;
        Feed {
            origin,
            audience,
            epoch,
            pos,
            head,
        }
    }

    /// The feed for an audience, opened when it is new.
    async fn feed(&mut self, work: &mut Work<'_>, audience: Audience) -> Result<Feed> {
        let feed = self
            .heads
            .get(&audience)
            .copied()
            .unwrap_or_else(|| self.unwritten(work, audience));
        if feed.pos > 0 {
            return Ok(feed);
        }
        let salt = Salt(work.app().ids.bytes());
        let opened = publisher::open(feed.origin, audience, feed.epoch, None, salt, work.now());
        self.store(work, &opened).await?;
        self.tell_opened(work, audience).await?;
        Ok(opened.feed)
    }

    /// Tells the directory of a new epoch, where it is kept: next to the national site nobody else does.
    async fn tell_opened(&self, work: &mut Work<'_>, audience: Audience) -> Result<()> {
        if directory::is_kept_here(work.db()).await? {
            let key = keys::signing(work, self.site).await?;
            let epoch = self.heads[&audience].epoch;
            directory::opened(work, self.site, key.kid(), audience, epoch).await?;
        }
        Ok(())
    }

    /// Says what has become of the records that outbox rows name.
    async fn say_all(&mut self, work: &mut Work<'_>, rows: &[outbox::Model]) -> Result<usize> {
        let mut changed: BTreeMap<&'static str, (Kind, BTreeSet<Uuid>)> = BTreeMap::new();
        for row in rows {
            let kind = changed.entry(row.kind.as_str()).or_insert((row.kind, BTreeSet::new()));
            kind.1.insert(row.record_id);
        }
        let mut written = 0;
        for (kind, ids) in changed.into_values() {
            let ids: Vec<_> = ids.into_iter().collect();
            if kind == Kind::Site && directory::is_kept_here(work.db()).await? {
                obey(work, &ids).await?;
            }
            for content in content::of(work.db(), self.site, kind, &ids).await? {
                written += self.say(work, content).await?;
            }
        }
        Ok(written)
    }

    /// Writes an entry for every record of which the feeds should say something else than they last said.
    async fn say(&mut self, work: &mut Work<'_>, content: Content) -> Result<usize> {
        let said = said(work.db(), self.site, &content.records).await?;
        let erased = work.app().ledger.among(self.site, &content.records);
        let erased = erased.map_err(Error::internal)?;
        if !erased.is_empty() {
            // What the feeds said of them goes now.
            work.forgets();
        }
        let kind = content.shape.kind;
        let mut written = 0;
        for (audience, drafts) in drafts(content, &said) {
            let feed = self.feed(work, audience).await?;
            let appended = publisher::append(
                &feed,
                &drafts,
                |id| said.get(&(audience, id)).copied(),
                |id| erased.contains(&id),
                || Salt(work.app().ids.bytes()),
                work.now(),
                Rules::default(),
            );
            for id in &appended.too_large {
                tracing::error!(%id, kind, "a record is too large to travel");
            }
            written += appended.entries.len();
            self.store(work, &appended).await?;
        }
        Ok(written)
    }

    /// Stores new entries, what they say of their records, and that earlier ones of the same records have no payload now.
    async fn store(&mut self, work: &Work<'_>, appended: &Appended) -> Result<()> {
        let audience = appended.feed.audience;
        if appended.entries.is_empty() {
            return Ok(());
        }
        for entries in appended.entries.chunks(ROWS_A_STATEMENT) {
            self.forget_payloads(work, audience, entries).await?;
            let rows: Vec<_> = entries
                .iter()
                .map(|written| entry_row(&appended.feed, written))
                .collect::<Result<_>>()?;
            let rows = feed_entry::Entity::insert_many(rows);
            rows.exec_without_returning(work.db()).await?;
            let rows: Vec<_> = entries
                .iter()
                .map(|written| shared_row(&appended.feed, written))
                .collect::<Result<_>>()?;
            let key = [
                feed_shared::Column::Origin,
                feed_shared::Column::Audience,
                feed_shared::Column::RecordId,
            ];
            let replaced = [
                feed_shared::Column::Pos,
                feed_shared::Column::Operation,
                feed_shared::Column::PayloadHash,
                feed_shared::Column::Salt,
            ];
            let latest = OnConflict::columns(key).update_columns(replaced).to_owned();
            let rows = feed_shared::Entity::insert_many(rows).on_conflict(latest);
            rows.exec_without_returning(work.db()).await?;
        }
        self.heads.insert(audience, appended.feed);
        self.grown.insert(audience);
        Ok(())
    }

    async fn forget_payloads(&self, work: &Work<'_>, audience: Audience, entries: &[Written]) -> Result<()> {
        let records = entries.iter().map(|written| written.gid);
        let earlier = feed_entry::Entity::update_many()
            .col_expr(feed_entry::Column::Salt, Expr::value(None::<Vec<u8>>))
            .col_expr(feed_entry::Column::Payload, Expr::value(None::<String>))
            .filter(feed_entry::Column::RecordId.is_in(records))
            .filter(feed_entry::Column::Origin.eq(self.site))
            .filter(feed_entry::Column::Audience.eq(audience.to_string()))
            .filter(feed_entry::Column::Payload.is_not_null());
        earlier.exec(work.db()).await?;
        Ok(())
    }

    /// Vouches for the new ends of the feeds that grew. A checkpoint replaces the one before.
    async fn sign(self, work: &Work<'_>) -> Result<()> {
        if self.grown.is_empty() {
            return Ok(());
        }
        let key = keys::signing(work, self.site).await?;
        let changed = host::advance(work).await?;
        for audience in &self.grown {
            let feed = &self.heads[audience];
            let key_columns = [feed_head::Column::Origin, feed_head::Column::Audience];
            let moved = [
                feed_head::Column::Epoch,
                feed_head::Column::Pos,
                feed_head::Column::Head,
                feed_head::Column::Changed,
            ];
            let moved = OnConflict::columns(key_columns).update_columns(moved).to_owned();
            let head = feed_head::Entity::insert(head_row(feed, changed)?).on_conflict(moved);
            head.exec_without_returning(work.db()).await?;
            let row = checkpoint_row(work, feed, &key)?;
            let earlier = feed_checkpoint::Entity::delete_many()
                .filter(feed_checkpoint::Column::Origin.eq(self.site))
                .filter(feed_checkpoint::Column::Audience.eq(audience.to_string()));
            earlier.exec(work.db()).await?;
            feed_checkpoint::Entity::insert(row)
                .exec_without_returning(work.db())
                .await?;
        }
        Ok(())
    }
}

/// What the feeds of a site last said of records.
///
/// # Errors
/// Only when the database fails.
pub async fn said(db: &impl ConnectionTrait, site: SiteId, ids: &[Uuid]) -> Result<HashMap<(Audience, Uuid), Emitted>> {
    let rows = feed_shared::Entity::find()
        .filter(feed_shared::Column::Origin.eq(site))
        .filter(feed_shared::Column::RecordId.is_in(ids.iter().copied()));
    let rows = rows.all(db).await?;
    let said = rows.into_iter().map(|row| {
        let emitted = Emitted {
            op: Operation::from_word(&row.operation).ok_or_else(|| Error::internal("an unknown operation"))?,
            ph: row.payload_hash.map(|bytes| exact(&bytes).map(Hash)).transpose()?,
            salt: row.salt.map(|bytes| exact(&bytes).map(Salt)).transpose()?,
        };
        Ok(((audience_of(&row.audience)?, row.record_id), emitted))
    });
    said.collect()
}

/// What the feeds of a site should say of records now: of those that they have told of, and of those that are shared.
pub fn drafts(content: Content, said: &HashMap<(Audience, Uuid), Emitted>) -> BTreeMap<Audience, Vec<Draft>> {
    let shares = content.shares.into_iter();
    let mut shares: HashMap<_, _> = shares.map(|share| ((share.audience, share.id), share)).collect();
    let told: BTreeSet<_> = said.keys().chain(shares.keys()).copied().collect();
    let mut drafts: BTreeMap<Audience, Vec<Draft>> = BTreeMap::new();
    for (audience, id) in told {
        let share = shares.remove(&(audience, id));
        drafts.entry(audience).or_default().push(Draft {
            gid: id,
            kind: content.shape.kind.to_owned(),
            schema: content.shape.schema.to_owned(),
            parent: share.as_ref().and_then(|share| share.parent),
            shared: share.map_or(Shared::No, |share| Shared::As(share.payload)),
        });
    }
    drafts
}

pub(super) fn head_row(feed: &Feed, changed: i64) -> Result<feed_head::ActiveModel> {
    Ok(feed_head::ActiveModel {
        origin: Set(SiteId(feed.origin.0)),
        audience: Set(feed.audience.to_string()),
        epoch: Set(feed.epoch.0),
        pos: Set(signed(feed.pos)?),
        head: Set(feed.head.0.to_vec()),
        changed: Set(changed),
    })
}

fn entry_row(feed: &Feed, written: &Written) -> Result<feed_entry::ActiveModel> {
    Ok(feed_entry::ActiveModel {
        origin: Set(SiteId(feed.origin.0)),
        audience: Set(feed.audience.to_string()),
        epoch: Set(feed.epoch.0),
        pos: Set(signed(written.pos)?),
        record_id: Set(written.gid),
        header: Set(written.entry.header.clone()),
        salt: Set(written.entry.salt.map(|salt| salt.0.to_vec())),
        payload: Set(written.entry.payload.clone()),
        head: Set(written.head.0.to_vec()),
    })
}

fn shared_row(feed: &Feed, written: &Written) -> Result<feed_shared::ActiveModel> {
    Ok(feed_shared::ActiveModel {
        origin: Set(SiteId(feed.origin.0)),
        audience: Set(feed.audience.to_string()),
        record_id: Set(written.gid),
        pos: Set(signed(written.pos)?),
        operation: Set(written.emitted.op.word().to_owned()),
        payload_hash: Set(written.emitted.ph.map(|hash| hash.0.to_vec())),
        salt: Set(written.emitted.salt.map(|salt| salt.0.to_vec())),
    })
}

fn checkpoint_row(work: &Work<'_>, feed: &Feed, key: &SiteKey) -> Result<feed_checkpoint::ActiveModel> {
    let of = (feed.origin, feed.audience, feed.epoch);
    let checkpoint = key.checkpoint(of, (feed.pos, feed.head), work.app().signed_at.time(work.now()))?;
    Ok(feed_checkpoint::ActiveModel {
        origin: Set(SiteId(feed.origin.0)),
        audience: Set(feed.audience.to_string()),
        epoch: Set(feed.epoch.0),
        pos: Set(signed(checkpoint.to)?),
        head: Set(checkpoint.head.0.to_vec()),
        signed_at: Set(checkpoint.at),
        kid: Set(checkpoint.kid),
        signature: Set(checkpoint.sig.0.to_vec()),
    })
}

fn audience_of(text: &str) -> Result<Audience> {
    text.parse().map_err(Error::internal)
}
