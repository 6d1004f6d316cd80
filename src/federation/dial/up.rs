//! Sending a feed of a site of this host, from where the hub stands.

use std::{sync::Arc, time::Duration};

use entity::SiteId;
use reqwest::StatusCode;
use tokio::time::{Instant, sleep};

use super::{
    Dialling,
    hub::{Ask, Trouble},
};
use crate::{
    error::{Error, Result},
    federation::{
        backoff::Backoff,
        feeds,
        messages::Taken,
        protocol::{
            epoch::{Continue, resume},
            publisher::Feed,
        },
        sequencer,
        wire::{Audience, Batch, Epoch, Previous},
        witness,
    },
};

/// How long a feed may go without a fresh word of its site.
const WORD_EVERY: Duration = Duration::from_secs(25);

/// After so many refusals in a row of where this host wants to go on, it waits.
const MOST_CONFLICTS: u32 = 4;

/// Where the hub stood when it last answered.
#[derive(Clone, Copy, Debug)]
struct Sent {
    epoch: Epoch,
    to: u64,
    /// When it was told so; none when that is what is to be sent next.
    at: Option<Instant>,
}

impl Sent {
    /// How long the hub can still do without a fresh word.
    fn due(&self) -> Duration {
        self.at
            .map_or(Duration::ZERO, |at| WORD_EVERY.saturating_sub(at.elapsed()))
    }
}

/// What comes next.
enum Next {
    /// There is more to send.
    Send(Option<Sent>),
    /// The hub has all.
    Rest(Sent),
    /// The hub stands elsewhere.
    Resumed(Option<Sent>),
    /// There is no such feed any more.
    Gone,
}

/// Sends a feed for as long as there is one.
pub(super) async fn feed(dialling: Arc<Dialling>, site: SiteId, audience: Audience) {
    let app = &dialling.app;
    let (mut backoff, mut sent, mut conflicts) = (Backoff::default(), None, 0);
    let mut growth = app.signals.growth();
    loop {
        growth.mark_unchanged();
        let pause = match step(&dialling, site, audience, sent).await {
            Ok(Next::Gone) => return,
            Ok(Next::Send(now)) => {
                (sent, conflicts) = (now, 0);
                backoff.reset();
                continue;
            }
            Ok(Next::Rest(now)) => {
                (sent, conflicts) = (Some(now), 0);
                backoff.reset();
                tokio::select! {
                    _ = growth.changed() => {}
                    () = sleep(now.due()) => {}
                }
                continue;
            }
            Ok(Next::Resumed(now)) => {
                (sent, conflicts) = (now, conflicts + 1);
                if conflicts < MOST_CONFLICTS {
                    continue;
                }
                tracing::warn!(%site, %audience, "the hub does not take a feed from where it says to stand");
                backoff.failed(&app.ids)
            }
            Err(trouble) => {
                tracing::warn!(%site, %audience, %trouble, "a feed is not sent");
                backoff.failed(&app.ids).max(trouble.pause())
            }
        };
        sleep(pause).await;
    }
}

/// Asks the hub what it remembers of a site before anything of it is sent.
pub(super) async fn recall(dialling: &Dialling, site: SiteId) -> Result<(), Trouble> {
    let told = dialling.hub.witness(site).await?;
    witness::hear(&dialling.app, &told).await?;
    Ok(())
}

async fn step(dialling: &Dialling, site: SiteId, audience: Audience, sent: Option<Sent>) -> Result<Next, Trouble> {
    let app = &dialling.app;
    dialling.recalled(site).await?;
    let Some(feed) = feeds::feed(app.reader(), site, audience).await? else {
        return Ok(Next::Gone);
    };
    // The hub is first offered an empty batch: it answers where it stands.
    let known = sent.filter(|sent| sent.epoch == feed.epoch && sent.to <= feed.pos);
    let after = known.map_or(feed.pos, |sent| sent.to);
    if let Some(known) = known
        && known.to == feed.pos
        && !known.due().is_zero()
    {
        return Ok(Next::Rest(known));
    }
    let Some(batch) = feeds::to_append(app, &feed, after).await? else {
        return Ok(Next::Gone);
    };
    let target = format!("/fed/v1/feeds/{}/{audience}/append", site.0);
    let body = serde_json::to_vec(&batch).map_err(Error::internal)?;
    let ask = Ask {
        site,
        target: &target,
        body: Some(&body),
    };
    let told = dialling.hub.ask(&ask).await?;
    match told.status {
        StatusCode::OK => {
            told.json::<Taken>()?;
            Ok(taken(&batch))
        }
        StatusCode::CONFLICT => resumed(dialling, site, audience, told.json::<Taken>()?.cursor).await,
        _ => Err(told.refused()),
    }
}

fn taken(batch: &Batch) -> Next {
    let sent = Sent {
        epoch: batch.epoch,
        to: batch.to,
        at: Some(Instant::now()),
    };
    if batch.to < batch.checkpoint.to {
        Next::Send(Some(sent))
    } else {
        Next::Rest(sent)
    }
}

/// Goes on where the hub stands; in a new epoch, when the hub has read another story. The feed is read anew: another
/// replica may have sent more of it than this one knew.
async fn resumed(
    dialling: &Dialling,
    site: SiteId,
    audience: Audience,
    held: Option<Previous>,
) -> Result<Next, Trouble> {
    let app = &dialling.app;
    let Some(feed) = feeds::feed(app.reader(), site, audience).await? else {
        return Ok(Next::Gone);
    };
    match next(dialling, &feed, held).await? {
        Continue::From(pos) => Ok(Next::Resumed(Some(Sent {
            epoch: feed.epoch,
            to: pos - 1,
            at: None,
        }))),
        Continue::NewEpoch { previous } => {
            tracing::warn!(%site, %audience, "the hub has read another story of a feed: a new epoch begins");
            let opened = sequencer::reopen(app, &feed, previous).await?;
            let feed = feeds::feed(app.reader(), site, audience).await?.filter(|_| opened);
            Ok(Next::Resumed(feed.map(|feed| Sent {
                epoch: feed.epoch,
                to: 0,
                at: None,
            })))
        }
        Continue::Hold => Ok(Next::Resumed(None)),
    }
}

async fn next(dialling: &Dialling, feed: &Feed, held: Option<Previous>) -> Result<Continue> {
    let known = match held.filter(|held| held.epoch == feed.epoch) {
        Some(held) => feeds::head_at(dialling.app.reader(), feed, held.to).await?,
        None => None,
    };
    Ok(resume(feed, |_| known, held))
}
