//! From a feed of another host to the rows of this one (`docs/federation.md`, section 7): one transaction a batch, all or
//! nothing.
//!
//! The rules say what becomes of a batch; here it is carried out. Rows, what the feed last said of them, what waits and
//! the cursor move together, so that a host that stops anywhere goes on as if it had not.

use entity::SiteId;
use sea_orm::ConnectionTrait;

use super::{
    content::Known,
    directory::{self, Learnt},
    erasures,
    protocol::{
        check::{Checked, Refusal, check},
        consumer::{self, Answer, Step},
        cursor::Cursor,
        rules::Rules,
    },
    wire::{Audience, Batch, Ed25519, Fork, Status},
};
use crate::{
    app::{App, Work},
    error::{Error, Result},
    share::MEMBER,
};

mod carry;
mod cursors;
mod parked;
mod replica;

use carry::{Carried, Carrier};
use cursors::Feed;
use replica::Loaded;

/// What became of a batch, or of an answer without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It was taken in.
    Applied(Cursor),
    /// It does not continue where this host stands: ask again from here.
    Discarded(Cursor),
    /// The feed's history broke: it is read from its start.
    Restarted(Cursor),
    /// The same, and the origin has signed both.
    Forked(Box<Fork>),
    /// It was not taken, and nothing was changed.
    Refused(Refusal),
}

/// Where this host stands in a feed.
///
/// # Errors
/// Only when the database fails.
pub async fn cursor(db: &impl ConnectionTrait, origin: SiteId, audience: Audience) -> Result<Cursor> {
    Feed { origin, audience }.cursor(db).await
}

/// Takes in a batch that this host has pulled. Its signatures are checked before any lock is taken.
///
/// # Errors
/// Only when the database fails: then nothing was changed, and the batch may come again.
pub async fn receive(app: &App, batch: Batch) -> Result<Received> {
    let feed = Feed {
        origin: SiteId(batch.origin.0),
        audience: batch.audience,
    };
    let Some(standing) = directory::standing(app.reader(), feed.origin).await? else {
        return Ok(Received::Refused(Refusal::NotActive(Status::Applied)));
    };
    let reader = directory::reader(app.reader()).await?;
    if reader.sites.contains(&batch.origin) {
        return Ok(Received::Refused(Refusal::NotForUs));
    }
    let checked = match check(batch, &reader, &standing, &Known, &Ed25519, Rules::default()) {
        Ok(checked) => checked,
        Err(refusal) => return Ok(Received::Refused(refusal)),
    };
    let tells_of_sites = checked.entries().iter().any(|entry| entry.header.kind == MEMBER.kind);
    let receive = async |work: &mut Work<'_>| {
        let cursor = feed.lock(work).await?;
        // The directory may have moved since the signatures were checked, or the site itself to this host.
        let stands = directory::standing(work.db(), feed.origin).await?.as_ref() == Some(&standing);
        if !stands || directory::holds(work.db(), feed.origin).await? {
            return Ok(Received::Discarded(cursor));
        }
        let loaded = Loaded::of(work, feed, checked.gids()).await?;
        let (now, rules) = (work.now(), Rules::default());
        match consumer::receive(&cursor, &standing, &checked, &Known, &loaded, now, rules) {
            Ok(step) => carry_out(work, feed, &checked, &loaded, step).await,
            Err(refusal) => refused(work, feed, &cursor, refusal).await,
        }
    };
    let received = app.system("apply", receive).await?;
    if tells_of_sites {
        app.signals.learnt();
    }
    Ok(received)
}

/// Takes in an answer without a batch.
///
/// # Errors
/// Only when the database fails.
pub async fn answered(app: &App, origin: SiteId, audience: Audience, answer: &Answer) -> Result<Received> {
    let feed = Feed { origin, audience };
    let answered = async |work: &mut Work<'_>| {
        let cursor = feed.lock(work).await?;
        let Some(standing) = directory::standing(work.db(), origin).await? else {
            return Ok(Received::Refused(Refusal::NotActive(Status::Applied)));
        };
        let (now, rules) = (work.now(), Rules::default());
        match consumer::answered(&cursor, &standing, audience, answer, &Ed25519, now, rules) {
            Ok(next) if next.generation != cursor.generation => restart(work, feed, next).await,
            Ok(next) => {
                feed.store(work, &next).await?;
                Ok(Received::Applied(next))
            }
            Err(refusal) => refused(work, feed, &cursor, refusal).await,
        }
    };
    app.system("apply", answered).await
}

/// Tries again what this server could not take when it came: after an upgrade it may understand it.
///
/// # Errors
/// Only when the database fails.
pub async fn retry(app: &App) -> Result<()> {
    let mut after = None;
    loop {
        let retry = async |work: &mut Work<'_>| {
            let rows = parked::unfit(work, after.as_ref()).await?;
            let last = rows.last().map(parked::place);
            let mut carried = Carried::default();
            for row in rows {
                let feed = Feed {
                    origin: row.origin,
                    audience: row.audience.parse().map_err(Error::internal)?,
                };
                let generation = feed.lock(work).await?.generation;
                carried.again(work, (feed, generation), row).await?;
                carried.retry(work, feed, generation).await?;
            }
            carried.settle(work).await?;
            Ok(last)
        };
        after = app.system("apply", retry).await?;
        if after.is_none() || app.signals.is_stopping() {
            return Ok(());
        }
    }
}

/// Does to what this host has read of a site what its own directory says now: hidden while it is suspended, deleted when
/// it has left.
///
/// # Errors
/// Only when the database fails.
pub async fn obey(work: &mut Work<'_>, site: SiteId) -> Result<()> {
    let Some(standing) = directory::standing(work.db(), site).await? else {
        return Ok(());
    };
    let learnt = Learnt {
        site,
        status: standing.status,
        roll: false,
    };
    let mut carried = Carried::default();
    carried.judge(work, None, &learnt).await?;
    carried.settle(work).await
}

/// Has the feed of a site be read from its start that this host wrote until now: what it does not show is swept in the end.
///
/// # Errors
/// Only when the database fails.
pub async fn begin_anew(work: &Work<'_>, site: SiteId) -> Result<()> {
    let feed = Feed {
        origin: site,
        audience: Audience::Network,
    };
    let cursor = feed.lock(work).await?;
    feed.store(work, &cursor.restarted(Rules::default())).await
}

/// Has every feed of a site read anew, because a key that signed it was revoked, and takes back what it has erased.
///
/// # Errors
/// Only when the database fails.
pub async fn roll(work: &mut Work<'_>, site: SiteId) -> Result<()> {
    erasures::take_back(work, site).await?;
    for feed in cursors::of_site(work, site).await? {
        let cursor = feed.lock(work).await?;
        feed.forget_words(work).await?;
        restart(work, feed, cursor.restarted(Rules::default())).await?;
    }
    Ok(())
}

/// Carries out what the rules say of a batch.
async fn carry_out(
    work: &mut Work<'_>,
    feed: Feed,
    checked: &Checked,
    loaded: &Loaded,
    step: Step,
) -> Result<Received> {
    let batch = checked.batch();
    let generation = step.cursor.generation;
    let mut carried = Carried::default();
    let mut carrier = Carrier::new(feed, generation, loaded);
    for effect in step.effects {
        let index = usize::try_from(carry::position(&effect) - batch.from).map_err(Error::internal)?;
        carrier
            .effect(work, &mut carried, effect, &batch.entries[index])
            .await?;
    }
    carrier.write(work, &mut carried).await?;
    carry::see(work, feed, step.seen).await?;
    carried.retry(work, feed, generation).await?;
    if step.sweep {
        carried.sweep(work, feed, generation).await?;
    }
    let rolled = carried.rolled;
    carried.settle(work).await?;
    if rolled {
        feed.forget_words(work).await?;
        return restart(work, feed, step.cursor.restarted(Rules::default())).await;
    }
    let words = [Some(&batch.checkpoint), batch.seal.as_ref()];
    feed.hold(work, batch.epoch, step.cursor.pos, words.into_iter().flatten())
        .await?;
    feed.store(work, &step.cursor).await?;
    Ok(Received::Applied(step.cursor))
}

/// Does what a refusal asks for.
async fn refused(work: &Work<'_>, feed: Feed, cursor: &Cursor, refusal: Refusal) -> Result<Received> {
    match &refusal {
        Refusal::Discard => return Ok(Received::Discarded(cursor.clone())),
        Refusal::Restart(why) => tracing::warn!(origin = %feed.origin, %why, "a feed is read from its start"),
        Refusal::Fork(fork) => {
            tracing::error!(origin = %feed.origin, audience = %feed.audience, ?fork, "a site has signed two stories");
            feed.forget_words(work).await?;
            restart(work, feed, cursor.restarted(Rules::default())).await?;
            return Ok(Received::Forked(fork.clone()));
        }
        _ => return Ok(Received::Refused(refusal)),
    }
    restart(work, feed, cursor.restarted(Rules::default())).await
}

/// Reads a feed from its start, under the generation that the cursor says. Its rows stay and are served until then.
async fn restart(work: &Work<'_>, feed: Feed, cursor: Cursor) -> Result<Received> {
    feed.clear(work).await?;
    feed.store(work, &cursor).await?;
    Ok(Received::Restarted(cursor))
}
