//! Reading what other sites share: which feeds advanced, and a worker for each.

use std::{sync::Arc, time::Duration};

use entity::SiteId;
use reqwest::StatusCode;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

use super::{
    Dialling, errands,
    hub::{Ask, Told, Trouble},
    receipts, reports,
};
use crate::{
    app::Work,
    federation::{
        apply,
        backoff::Backoff,
        directory,
        messages::{Advance, Changes, Hello, MAX_WAIT_SECONDS},
        protocol::{check::Refusal, consumer::Answer, cursor::Cursor},
        pull::{self, Fetched, MOST_DISCARDED, MOST_RESTARTED, Next},
        wire::{Audience, Batch, Origin, Status},
    },
};

/// The shortest time from one answer to the next question, so that a busy network is asked in larger pieces.
const GATHERING: Duration = Duration::from_millis(50);

/// How often a feed of which nothing is heard is asked for, at first and at last. Whoever holds it at rest answers with the
/// origin's newest word: that of the hub's own sites is signed as it is asked for, so they stay live.
const SOONEST: Duration = Duration::from_secs(20);
const LATEST: Duration = Duration::from_secs(40);

/// How long somebody who has told the hub what it remembers waits until it asks again whether that was enough.
const TOLD: Duration = Duration::from_secs(2);

/// Asks, in the name of a site, which feeds advanced. One site of a host asks for all of them, the first that the hub does
/// not turn away; every other asks only for what is for it alone.
pub(super) async fn listen(dialling: Arc<Dialling>, site: SiteId, news: mpsc::Sender<Advance>) {
    let (mut since, mut directed, mut backoff) = (0, true, Backoff::default());
    loop {
        let alone = match dialling.speakers().await {
            Ok(speakers) if !speakers.contains(&site) => return,
            Ok(speakers) => speakers.first() != Some(&site),
            Err(_) => directed,
        };
        if alone != directed {
            (since, directed) = (0, alone);
        }
        let asked = heard(&dialling, site, directed, since).await;
        dialling.note(site, &asked).await;
        let pause = match asked {
            Ok(changes) => {
                backoff.reset();
                since = changes.since;
                for advance in changes.feeds {
                    if news.send(advance).await.is_err() {
                        return;
                    }
                }
                if changes.testify.is_empty() { GATHERING } else { TOLD }
            }
            Err(Trouble::NoKey) => return,
            Err(trouble) => {
                tracing::warn!(%site, %trouble, "the hub cannot be asked for changes");
                let known = trouble.is_unproved() && remind(&dialling, site).await;
                if known {
                    continue;
                }
                backoff.failed(&dialling.app.ids).max(trouble.pause())
            }
        };
        sleep(pause).await;
    }
}

/// Asks which feeds advanced, and tells the hub what this host remembers when it wants to know.
async fn heard(dialling: &Dialling, site: SiteId, directed: bool, since: i64) -> Result<Changes, Trouble> {
    dialling.recalled(site).await?;
    let changes = changes(dialling, site, directed, since).await?;
    if !changes.testify.is_empty() {
        receipts::testify(dialling, site, &changes.testify).await?;
    }
    Ok(changes)
}

/// A hub that came back from a backup may have forgotten with which key a site signs. Tells whether it knows now.
async fn remind(dialling: &Dialling, site: SiteId) -> bool {
    match errands::rotate_again(&dialling.app, &dialling.hub, site).await {
        Ok(known) => known,
        Err(trouble) => {
            tracing::warn!(%site, %trouble, "the hub does not take in again with which key a site signs");
            false
        }
    }
}

async fn changes(dialling: &Dialling, site: SiteId, directed: bool, since: i64) -> Result<Changes, Trouble> {
    let directed = if directed { "&directed=true" } else { "" };
    let target = format!("/fed/v1/changes?since={since}&wait={MAX_WAIT_SECONDS}{directed}");
    let ask = Ask {
        site,
        target: &target,
        body: None,
    };
    dialling.hub.wait(&ask).await?.expect(StatusCode::OK)
}

/// Reads a feed whenever it advances, and now and then to hear that it has not.
pub(super) async fn feed(
    dialling: Arc<Dialling>,
    origin: SiteId,
    audience: Audience,
    mut news: watch::Receiver<Option<Advance>>,
) {
    let ids = &dialling.app.ids;
    let (mut backoff, mut silence, mut discarded) = (Backoff::default(), SOONEST, 0);
    // Batches between two restarts are no progress: only the end of the feed is.
    let (mut restarted, mut restarts) = (0, Backoff::default());
    let mut directory = dialling.app.signals.directory();
    loop {
        directory.mark_unchanged();
        let advance = news.borrow_and_update().clone();
        let asked_at = Instant::now();
        let pause = match step(&dialling, origin, audience, advance).await {
            Ok(Next::Ask) => {
                backoff.reset();
                discarded = 0;
                continue;
            }
            Ok(next @ (Next::Restarted | Next::Forked(_))) => {
                if let Next::Forked(fork) = next {
                    reports::forked(&dialling, origin, audience, fork).await;
                }
                restarted += 1;
                if restarted <= MOST_RESTARTED {
                    continue;
                }
                tracing::warn!(%origin, %audience, "a feed is read from its start again and again");
                restarts.failed(ids)
            }
            Ok(Next::Rest) => {
                (restarted, restarts) = (0, Backoff::default());
                backoff.reset();
                discarded = 0;
                tokio::select! {
                    heard = news.changed() => match heard {
                        Ok(()) => silence = SOONEST,
                        Err(_) => return,
                    },
                    () = sleep(silence) => silence = (silence * 2).min(LATEST),
                }
                continue;
            }
            Ok(Next::Discarded) if discarded < MOST_DISCARDED => {
                discarded += 1;
                continue;
            }
            Ok(Next::Discarded) => backoff.failed(ids),
            // The key with which the national site tells of its keys may itself be a new one.
            Ok(Next::Refused(Refusal::UntrustedKey { .. })) if renewed(&dialling, origin).await => continue,
            Ok(Next::Refused(Refusal::NotActive(Status::Left))) => return,
            // A site that was just admitted, or signs with another key: the national feed is about to say so.
            Ok(Next::Refused(refusal @ (Refusal::NotActive(_) | Refusal::UntrustedKey { .. }))) => {
                tracing::info!(%origin, %audience, %refusal, "a feed waits for the directory");
                tokio::select! {
                    _ = directory.changed() => {}
                    () = sleep(backoff.failed(ids)) => {}
                }
                continue;
            }
            Ok(Next::Refused(refusal)) => {
                tracing::warn!(%origin, %audience, %refusal, "a feed is not taken in");
                reports::refused(&dialling, origin, audience, &refusal).await;
                backoff.failed(ids)
            }
            Err(trouble) if trouble.is_held() => {
                tracing::info!(%origin, %audience, "the hub does not publish a feed yet");
                trouble.pause()
            }
            Err(trouble) => {
                tracing::warn!(%origin, %audience, %trouble, "a feed cannot be read");
                backoff.failed(ids).max(trouble.pause())
            }
        };
        sleep(pause.saturating_sub(asked_at.elapsed())).await;
    }
}

/// Asks the hub for the national site's key, and takes it in when the root proves it. Tells whether it is a new one.
async fn renewed(dialling: &Dialling, origin: SiteId) -> bool {
    let Ok(Hello {
        keeper: Some(keeper), ..
    }) = dialling.hub.hello().await
    else {
        return false;
    };
    let Some(national) = errands::proven(keeper).filter(|national| national.id == origin) else {
        return false;
    };
    let renew = async |work: &mut Work<'_>| directory::renew(work, &national).await;
    let renewed = dialling.app.system("renew", renew).await;
    renewed.unwrap_or_else(|error| {
        tracing::error!(%error, "a new key of the national site cannot be kept");
        false
    })
}

async fn step(
    dialling: &Dialling,
    origin: SiteId,
    audience: Audience,
    advance: Option<Advance>,
) -> Result<Next, Trouble> {
    let app = &dialling.app;
    let cursor = apply::cursor(app.reader(), origin, audience).await?;
    // Who stands where the news says has the origin's fresh word already.
    let fetched = match advance.filter(|advance| is_at(&cursor, advance)) {
        Some(advance) if is_fresh(&cursor, &advance) => Fetched::Answer(Answer::Unchanged(advance.checkpoint)),
        _ => fetch(dialling, origin, audience, &cursor).await?,
    };
    Ok(pull::take(app, origin, audience, fetched).await?)
}

fn is_at(cursor: &Cursor, advance: &Advance) -> bool {
    let there = (advance.checkpoint.to, advance.checkpoint.head);
    cursor.epoch == Some(advance.epoch) && (cursor.pos, cursor.head) == there
}

fn is_fresh(cursor: &Cursor, advance: &Advance) -> bool {
    cursor.signed_at.is_none_or(|before| before < advance.checkpoint.at)
}

async fn fetch(dialling: &Dialling, origin: SiteId, audience: Audience, cursor: &Cursor) -> Result<Fetched, Trouble> {
    let asked = pull::asked(cursor);
    let mut target = format!("/fed/v1/feeds/{}/{audience}?after={}", origin.0, asked.after);
    if let Some(epoch) = asked.epoch {
        target.push_str(&format!("&epoch={}", epoch.0));
    }
    if let Some(head) = asked.head.filter(|_| asked.after > 0) {
        target.push_str(&format!("&head={head}"));
    }
    let told = dialling.ask_for(audience, &target, None).await?;
    fetched(&told, Origin(origin.0), audience)
}

fn fetched(told: &Told, origin: Origin, audience: Audience) -> Result<Fetched, Trouble> {
    match told.status {
        StatusCode::OK => {
            let batch = Batch::parse(told.bytes()).map_err(|_| Trouble::Garbage("no batch"))?;
            if (batch.origin, batch.audience) != (origin, audience) {
                return Err(Trouble::Garbage("a batch of another feed"));
            }
            Ok(Fetched::Batch(Box::new(batch)))
        }
        StatusCode::NO_CONTENT => Ok(Fetched::Answer(Answer::Unchanged(told.checkpoint()?))),
        StatusCode::CONFLICT => Ok(Fetched::Answer(Answer::Diverged)),
        _ => Err(told.refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::protocol::cursor::LIVE_FOR;

    #[test]
    fn a_quiet_feed_is_asked_for_before_it_is_stale() {
        let live_for = LIVE_FOR.to_std().unwrap();

        assert!(SOONEST <= LATEST);
        assert!(
            LATEST + GATHERING + Duration::from_secs(10) <= live_for,
            "time for the answer"
        );
    }
}
