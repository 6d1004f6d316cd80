//! What others remember of the feeds that this host writes (`docs/federation.md`, section 8, publisher).
//!
//! A database that came back from a backup has forgotten what it told the network. A region asks the hub before it sends
//! anything; the hub, after it stopped without order, waits for what its peers tell it with their acknowledgements. Nobody is
//! believed without the site's own signature: only that shows that this database is the older one, and only then are
//! erasures taken over that others remember.

use std::collections::HashMap;

use entity::{SiteId, SiteStatus, feed_head, feed_held, host as hosts, site, site_key};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{
    directory, erasures,
    feeds::{self, exact},
    host,
    messages::{Testimony, Witness},
    protocol::{
        epoch::{self, Continue},
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

/// Compares what somebody remembers of a site of this host with what this database knows. Where it is the older one, a new
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
    let keys = public_keys(app, site).await?;
    let mut older = Vec::new();
    for told in &witness.feeds {
        let key = keys.get(&told.checkpoint.kid);
        if key.is_some_and(|key| is_signed(witness.origin, told, *key))
            && let Some(feed) = knows_more(app, site, told).await?
        {
            older.push(feed);
        }
    }
    if older.is_empty() {
        return Ok(false);
    }
    tracing::warn!(%site, "the network has read more of this site than this database knows: a new epoch begins");
    let erase = async |work: &mut Work<'_>| erasures::erase(work, site, &witness.erased).await;
    app.system("erase again", erase).await?;
    for (audience, known, previous) in older {
        match known {
            Some(feed) => sequencer::reopen(app, &feed, previous).await?,
            None => sequencer::recall(app, site, audience, previous).await?,
        };
    }
    Ok(true)
}

type Older = (Audience, Option<super::protocol::publisher::Feed>, Previous);

/// The feed in which a testimony knows more than this database, and what it knows.
async fn knows_more(app: &App, site: SiteId, told: &Testimony) -> Result<Option<Older>> {
    let held = Previous {
        epoch: told.epoch,
        to: told.checkpoint.to,
        head: told.checkpoint.head,
    };
    let Some(feed) = feeds::feed(app.reader(), site, told.audience).await? else {
        return Ok(Some((told.audience, None, held)));
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
        Continue::NewEpoch { previous } => Some((told.audience, Some(feed), previous)),
        Continue::From(_) | Continue::Hold => None,
    })
}

async fn public_keys(app: &App, site: SiteId) -> Result<HashMap<String, PublicKey>> {
    let rows = site_key::Entity::find().filter(site_key::Column::SiteId.eq(site));
    let keys = rows.all(app.reader()).await?.into_iter();
    keys.map(|row| Ok((row.kid, PublicKey(exact(&row.public_key)?))))
        .collect()
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
        acknowledged: Vec::new(),
    })
}

/// The sites of this host about which its peers have to be heard before it publishes anything: those of a hub that stopped
/// without order and that somebody reads.
///
/// # Errors
/// Only when the database fails.
pub async fn wanted(app: &App) -> Result<Vec<Origin>> {
    let db = app.reader();
    let at_work = hosts::Entity::find().one(db).await?.is_some_and(|host| host.at_work);
    if !at_work || !directory::is_kept_here(db).await? || !has_peers(db).await? {
        return Ok(Vec::new());
    }
    Ok(directory::reader(db).await?.sites)
}

/// Whether an active site of another host has ever sent anything.
async fn has_peers(db: &impl ConnectionTrait) -> Result<bool> {
    let others = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Hosted.eq(false))
        .filter(site::Column::Status.eq(SiteStatus::Active));
    let others: Vec<SiteId> = others.into_tuple().all(db).await?;
    let sent = feed_head::Entity::find().filter(feed_head::Column::Origin.is_in(others));
    Ok(sent.count(db).await? > 0)
}

/// Notes that this host is at work, or that it has stopped in order.
///
/// # Errors
/// Only when the database fails.
pub async fn note_work(app: &App, at_work: bool) -> Result<()> {
    let note = async |work: &mut Work<'_>| {
        host::turn(work).await?;
        let noted = hosts::Entity::update_many().set(hosts::ActiveModel {
            at_work: Set(at_work),
            ..hosts::ActiveModel::default()
        });
        noted.filter(Condition::all()).exec(work.db()).await?;
        Ok(())
    };
    app.system("host", note).await
}
