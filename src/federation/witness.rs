//! What others remember of the feeds that this host writes (`docs/federation.md`, section 8, publisher).
//!
//! A database that came back from a backup has forgotten what it told the network. A region asks the hub before it sends
//! anything. The hub sees that its database is older than the tally beside it, and publishes nothing of a site before a peer
//! has told, with an acknowledgement, what it has read. Nobody is believed without the site's own signature: only that shows
//! that this database is the older one, and only then are erasures taken over that others remember.

use std::collections::{HashMap, HashSet};

use entity::{SiteId, SiteStatus, feed_head, feed_held, peer_ack, site, site_key};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    directory, erasures,
    feeds::{self, exact},
    host,
    messages::{Testimony, Witness},
    protocol::{
        epoch::{self, Continue},
        publisher::Feed,
        rules::Rules,
    },
    sequencer,
    wire::{
        Audience, Checkpoint, Ed25519, Epoch, Head, Origin, Previous, PublicKey, Signature, Verify, checkpoint_message,
    },
};
use crate::{
    app::{App, Work},
    error::{Error, Result},
};

/// What words of a site, which its own keys have signed, say of this database.
#[derive(Debug, Default)]
struct Heard {
    /// Feeds of which this database knows all that was told.
    agrees: HashSet<Audience>,
    /// Feeds of which others have read more, or another story: the feed as it is here, and what they hold.
    more: Vec<(Audience, Option<Feed>, Previous)>,
}

impl Heard {
    async fn of(app: &App, site: SiteId, witness: &Witness) -> Result<Self> {
        let keys = own_keys(app, site).await?;
        let mut heard = Self::default();
        for told in &witness.feeds {
            let key = keys.get(&told.checkpoint.kid);
            let Some(key) = key.filter(|key| is_signed(witness.origin, told, key.public)) else {
                continue;
            };
            match known(app, site, told).await? {
                None => {
                    heard.agrees.insert(told.audience);
                }
                Some((feed, held)) if key.present => heard.more.push((told.audience, feed, held)),
                // This database knows all that the site signed before its last change of keys: somebody else has the key.
                Some(_) => tracing::warn!(%site, "somebody tells what a retired key has signed and this host has not"),
            }
        }
        Ok(heard)
    }

    /// Begins new epochs where others have read more, and erases what they remember to be erased. What is told in pages
    /// begins them with the last.
    async fn take_over(&self, app: &App, site: SiteId, witness: &Witness) -> Result<()> {
        if self.more.is_empty() {
            return Ok(());
        }
        let erase = async |work: &mut Work<'_>| erasures::erase(work, site, &witness.erased).await;
        app.system("erase again", erase).await?;
        if witness.next.is_some() {
            return Ok(());
        }
        tracing::warn!(%site, "the network has read more of this site than this database knows: a new epoch begins");
        for (audience, feed, previous) in &self.more {
            match feed {
                Some(feed) => sequencer::reopen(app, feed, *previous).await?,
                None => sequencer::recall(app, site, *audience, *previous).await?,
            };
        }
        Ok(())
    }
}

/// Compares what the hub remembers of a site of this host with what this database knows. Where it is the older one, a new
/// epoch begins and what was erased since is erased again. Tells whether it was.
///
/// # Errors
/// Only when the database or the ledger fails.
pub async fn hear(app: &App, witness: &Witness) -> Result<bool> {
    let site = SiteId(witness.origin.0);
    let own = site::Entity::find_by_id(site).one(app.reader()).await?;
    if own.is_none_or(|own| !own.hosted) {
        return Ok(false);
    }
    let heard = Heard::of(app, site, witness).await?;
    heard.take_over(app, site, witness).await?;
    Ok(!heard.more.is_empty())
}

/// Takes in at the hub what a peer remembers of a site that waits for that, and lets the site publish again. What was not asked
/// is not heard, and that a peer remembers nothing is an answer only where none has ever acknowledged anything. Tells whether the
/// site publishes again.
///
/// # Errors
/// Only when the database or the ledger fails.
pub async fn hear_peer(app: &App, witness: &Witness) -> Result<bool> {
    let site = SiteId(witness.origin.0);
    if !app.signals.asks_about(witness.origin) {
        return Ok(false);
    }
    let heard = Heard::of(app, site, witness).await?;
    heard.take_over(app, site, witness).await?;
    let mut told = heard.agrees;
    told.extend(heard.more.iter().map(|(audience, ..)| *audience));
    let nothing = witness.feeds.is_empty() && !is_acknowledged(app.reader(), site).await?;
    if witness.next.is_some() || (told.is_empty() && !nothing) {
        return Ok(false);
    }
    settle(app, site, &told).await?;
    Ok(true)
}

/// Lets a site publish again. Feeds of which nobody has told go on in a new epoch, in which nothing contradicts what they
/// may have said.
async fn settle(app: &App, site: SiteId, told: &HashSet<Audience>) -> Result<()> {
    for feed in feeds::all(app.reader()).await? {
        if feed.origin.0 == site.0 && !told.contains(&feed.audience) {
            sequencer::reopen(app, &feed, feed.ended()).await?;
        }
    }
    let settled = async |work: &mut Work<'_>| host::settled(work, site).await;
    let doubted = app.system("settle", settled).await?;
    tracing::info!(%site, "a site publishes again");
    app.signals.ask(doubted);
    Ok(())
}

type Older = (Option<Feed>, Previous);

/// The feed of a testimony, and what it says to hold, when this database does not know all of that.
async fn known(app: &App, site: SiteId, told: &Testimony) -> Result<Option<Older>> {
    let held = Previous {
        epoch: told.epoch,
        to: told.checkpoint.to,
        head: told.checkpoint.head,
    };
    let Some(feed) = feeds::feed(app.reader(), site, told.audience).await? else {
        return Ok(Some((None, held)));
    };
    let known = if held.epoch == feed.epoch {
        feeds::head_at(app.reader(), &feed, held.to).await?
    } else {
        None
    };
    // Epochs are in the order in which they began: who still reads an earlier one is merely late.
    let earlier: &[Epoch] = if held.epoch < feed.epoch { &[held.epoch] } else { &[] };
    let said = epoch::Witness::Holds(held);
    let next = epoch::start(&feed, earlier, |_| known, &[said], false, Rules::default());
    Ok(match next {
        Continue::NewEpoch { previous } => Some((Some(feed), previous)),
        Continue::From(_) | Continue::Hold => None,
    })
}

/// A key of a site of this host.
struct OwnKey {
    public: PublicKey,
    /// Whether no later one has taken its place.
    present: bool,
}

async fn own_keys(app: &App, site: SiteId) -> Result<HashMap<String, OwnKey>> {
    let rows = site_key::Entity::find().filter(site_key::Column::SiteId.eq(site));
    let keys = rows.all(app.reader()).await?.into_iter().map(|row| {
        let key = OwnKey {
            public: PublicKey(exact(&row.public_key)?),
            present: row.retired_at.is_none(),
        };
        Ok((row.kid, key))
    });
    keys.collect()
}

fn is_signed(origin: Origin, told: &Testimony, key: PublicKey) -> bool {
    let message = checkpoint_message(origin, told.audience, told.epoch, &told.checkpoint);
    Ed25519.verify(key, &message, told.checkpoint.sig)
}

/// What this host remembers of a site that another one keeps.
///
/// # Errors
/// Only when the database or the ledger fails.
pub async fn testify(app: &App, origin: Origin) -> Result<Witness> {
    let site = SiteId(origin.0);
    let words = feed_held::Entity::find()
        .filter(feed_held::Column::Origin.eq(site))
        .order_by_asc(feed_held::Column::Epoch)
        .order_by_asc(feed_held::Column::Pos);
    let mut newest: HashMap<Audience, Testimony> = HashMap::new();
    for row in words.all(app.reader()).await? {
        let audience = row.audience.parse().map_err(Error::internal)?;
        let checkpoint = Checkpoint {
            to: u64::try_from(row.pos).map_err(Error::internal)?,
            head: Head(exact(&row.head)?),
            at: row.signed_at,
            kid: row.kid,
            sig: Signature(exact(&row.signature)?),
        };
        let epoch = Epoch(row.epoch);
        newest.insert(
            audience,
            Testimony {
                audience,
                epoch,
                checkpoint,
            },
        );
    }
    Ok(Witness {
        origin,
        feeds: newest.into_values().collect(),
        erased: app.ledger.of_site(site).map_err(Error::internal)?,
        next: None,
        acknowledged: Vec::new(),
    })
}

/// Compares this database with the tally beside it. One that has counted less came back from a backup: where this host is the
/// hub, its sites publish nothing from now on. A region asks the hub at each start, whatever was counted.
///
/// # Errors
/// When the database fails, or the tally cannot be read.
pub async fn doubt(app: &App) -> Result<bool> {
    let older = is_older(app, host::changes(app.reader()).await?)?.is_some();
    let doubted = if older {
        // Only who has the turn knows that nobody is just counting on.
        app.system("doubt", async |work| doubt_all(work).await).await?
    } else {
        host::doubted(app.reader()).await?
    };
    app.signals.ask(doubted);
    Ok(older)
}

/// What the tally counts, when this database has counted less.
fn is_older(app: &App, changes: i64) -> Result<Option<i64>> {
    let counted = app.tally.read().map_err(Error::internal)?;
    Ok(match counted {
        Some(counted) => (changes < counted).then_some(counted),
        None => (changes > 0).then_some(0),
    })
}

async fn doubt_all(work: &mut Work<'_>) -> Result<Vec<Origin>> {
    let changes = host::turn(work).await?.changes;
    let Some(counted) = is_older(work.app(), changes)? else {
        return host::doubted(work.db()).await;
    };
    let doubted = if directory::is_kept_here(work.db()).await? {
        directory::reader(work.db()).await?.sites
    } else {
        Vec::new()
    };
    host::doubt(work, &doubted, counted).await
}

/// Lets sites publish again of which nobody could tell, because no active peer has ever sent or acknowledged anything. Their
/// feeds go on in new epochs.
///
/// # Errors
/// Only when the database fails.
pub async fn settle_unread(app: &App) -> Result<()> {
    let db = app.reader();
    for origin in host::doubted(db).await? {
        let site = SiteId(origin.0);
        if !has_peers(db).await? && !is_acknowledged(db, site).await? {
            settle(app, site, &HashSet::new()).await?;
        }
    }
    app.signals.ask(host::doubted(app.reader()).await?);
    Ok(())
}

/// Whether an active site of another host has acknowledged something of a site.
async fn is_acknowledged(db: &impl ConnectionTrait, origin: SiteId) -> Result<bool> {
    let read = peer_ack::Entity::find()
        .filter(peer_ack::Column::Origin.eq(origin))
        .filter(peer_ack::Column::SiteId.is_in(others(db).await?));
    Ok(read.count(db).await? > 0)
}

/// Whether an active site of another host has ever sent anything.
async fn has_peers(db: &impl ConnectionTrait) -> Result<bool> {
    let sent = feed_head::Entity::find().filter(feed_head::Column::Origin.is_in(others(db).await?));
    Ok(sent.count(db).await? > 0)
}

/// The active sites of other hosts.
async fn others(db: &impl ConnectionTrait) -> Result<Vec<SiteId>> {
    let others = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Hosted.eq(false))
        .filter(site::Column::Status.eq(SiteStatus::Active));
    Ok(others.into_tuple().all(db).await?)
}

/// Lets all sites publish on as this database has them: the operator says that it is the newest one.
///
/// # Errors
/// Only when the database fails.
pub async fn trust(app: &App) -> Result<()> {
    let trust = async |work: &mut Work<'_>| {
        for origin in host::doubted(work.db()).await? {
            host::settled(work, SiteId(origin.0)).await?;
        }
        Ok(())
    };
    app.system("trust", trust).await?;
    app.signals.ask(Vec::new());
    Ok(())
}
