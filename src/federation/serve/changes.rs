//! What a host says of itself, and which feeds advanced.

use std::time::Duration;

use axum::{
    Json,
    extract::{FromRequest, Query, Request, State, rejection::QueryRejection},
    http::header,
};
use entity::{feed_checkpoint, feed_head};
use sea_orm::{ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef};
use serde::Deserialize;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Answer, Serving, call::Call, peers::MOST_TOKENS, query};
use crate::{
    app::App,
    error::Result,
    federation::{
        content, directory, feeds, host,
        messages::{Advance, Changes, Cursor, Hello, Limits, MAX_BODY_BYTES, MAX_LISTED, MAX_WAIT_SECONDS},
        relay, renewal,
        wire::{Audience, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_PAYLOAD_BYTES, ProtocolRange, VERSION},
    },
};

/// How long a growth may wait for others, so that many at once wake a reader once. Short: a reader itself pauses between two
/// questions, so that what comes in a row is told in larger pieces.
const GATHERING: Duration = Duration::from_millis(10);

/// How often a waiting reader's feeds are looked at although nobody in this process said anything: another may have
/// written.
const LOOKING: Duration = Duration::from_secs(1);

/// Says what this host is. With a token, also what it holds of the calling site's feeds.
pub async fn hello(State(serving): State<Serving>, request: Request) -> Answer<Json<Hello>> {
    let call = if request.headers().contains_key(header::AUTHORIZATION) {
        Some(Call::from_request(request, &serving).await?)
    } else {
        None
    };
    let app = &serving.app;
    let mut cursors = Vec::new();
    if let Some(call) = call {
        for (audience, feed, _) in relay::of_site(app.reader(), call.site()).await? {
            let held = feed.ended();
            cursors.push(Cursor { audience, held });
        }
    }
    let limits = Limits {
        entries: MAX_BATCH_ENTRIES,
        bytes: MAX_BATCH_BYTES,
        payload: MAX_PAYLOAD_BYTES,
        body: MAX_BODY_BYTES,
        wait: MAX_WAIT_SECONDS,
        requests: MOST_TOKENS,
    };
    Ok(Json(Hello {
        host: serving.host().await?,
        hub: directory::reader(app.reader()).await?.is_hub,
        protocol: ProtocolRange {
            min: VERSION,
            max: VERSION,
        },
        schemas: content::SHAPES.iter().map(|shape| shape.schema.to_owned()).collect(),
        keeper: renewal::keeper(app.reader()).await?,
        limits,
        at: app.clock.now(),
        cursors,
    }))
}

/// From where a reader wants to know, and how long it waits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    #[serde(default)]
    since: i64,
    #[serde(default)]
    wait: u64,
    /// Only the feeds that are for the calling site alone: for the further sites of one host.
    #[serde(default)]
    directed: bool,
}

/// Tells which feeds advanced, as soon as one does.
pub async fn changes(
    State(serving): State<Serving>,
    since: Result<Query<Since>, QueryRejection>,
    call: Call,
) -> Answer<Json<Changes>> {
    let asked = query(since)?;
    let signals = &serving.app.signals;
    let mut growth = signals.growth();
    let deadline = Instant::now() + Duration::from_secs(asked.wait.min(MAX_WAIT_SECONDS));
    loop {
        growth.mark_unchanged();
        let changes = advanced(&serving.app, &call, &asked).await?;
        if !changes.feeds.is_empty()
            || !changes.testify.is_empty()
            || Instant::now() >= deadline
            || signals.is_stopping()
        {
            return Ok(Json(changes));
        }
        tokio::select! {
            grown = growth.changed() => if grown.is_ok() { sleep(GATHERING).await },
            () = sleep(LOOKING) => {}
            () = sleep_until(deadline) => {}
            () = signals.stopping() => {}
        }
    }
}

/// The feeds that a site may read and that advanced since, those of the site itself left out.
async fn advanced(app: &App, call: &Call, asked: &Since) -> Result<Changes> {
    use feed_head::Column;
    let db = app.reader();
    let newest = host::changes(db).await?;
    // A host that came back from a backup has forgotten some: tell everything again.
    let since = if asked.since > newest { 0 } else { asked.since };
    let directed = Audience::Site(call.standing.origin.0).to_string();
    let mut readable = Condition::any().add(Column::Audience.eq(directed));
    if !asked.directed {
        readable = readable.add(Column::Audience.eq(Audience::Network.to_string()));
    }
    let heads = feed_checkpoint::Entity::find()
        .join(JoinType::InnerJoin, end_of_feed())
        .filter(Column::Changed.gt(since))
        .filter(Column::Changed.lte(newest))
        .filter(Column::Origin.ne(call.site()))
        .filter(readable)
        .order_by_asc(Column::Changed)
        .limit(MAX_LISTED as u64)
        .select_also(feed_head::Entity);
    let heads = heads.all(db).await?.into_iter();
    let heads = heads.filter_map(|(checkpoint, head)| Some((checkpoint, head?)));
    let heads: Vec<_> = heads.collect();
    let (whole, changed) = told_of(&heads, newest, MAX_LISTED);
    let mut told = Vec::new();
    for (checkpoint, head) in heads.into_iter().take(whole) {
        let feed = feeds::stored(&head)?;
        told.push(Advance {
            origin: feed.origin,
            audience: feed.audience,
            epoch: feed.epoch,
            checkpoint: feeds::checkpoint(checkpoint)?,
        });
    }
    Ok(Changes {
        since: changed,
        feeds: told,
        testify: app.signals.asks(),
    })
}

/// How many of these feeds are told now, and up to which change that is everything. Feeds that grew in one run share its
/// number: where there are too many, the cut comes before a number and not within one.
fn told_of(heads: &[(feed_checkpoint::Model, feed_head::Model)], newest: i64, most: usize) -> (usize, i64) {
    let Some((_, last)) = heads.last().filter(|_| heads.len() >= most) else {
        return (heads.len(), newest);
    };
    let whole = heads.partition_point(|(_, head)| head.changed < last.changed);
    match whole.checked_sub(1).and_then(|before| heads.get(before)) {
        Some((_, before)) => (whole, before.changed),
        None => (heads.len(), last.changed),
    }
}

fn end_of_feed() -> RelationDef {
    use feed_checkpoint::Column as Word;
    use feed_head::Column as End;
    let words = feed_checkpoint::Entity::belongs_to(feed_head::Entity);
    words
        .from((Word::Origin, Word::Audience, Word::Epoch, Word::Pos))
        .to((End::Origin, End::Audience, End::Epoch, End::Pos))
        .into()
}

#[cfg(test)]
mod tests {
    use entity::SiteId;
    use sea_orm::prelude::Uuid;

    use super::*;

    fn grown(changed: &[i64]) -> Vec<(feed_checkpoint::Model, feed_head::Model)> {
        let (origin, audience, epoch) = (SiteId(Uuid::nil()), String::new(), Uuid::nil());
        let word = feed_checkpoint::Model {
            origin,
            audience: audience.clone(),
            epoch,
            pos: 1,
            head: Vec::new(),
            signed_at: chrono::DateTime::UNIX_EPOCH,
            kid: String::new(),
            signature: Vec::new(),
        };
        let head = |changed: &i64| feed_head::Model {
            origin,
            audience: audience.clone(),
            epoch,
            pos: 1,
            head: Vec::new(),
            changed: *changed,
        };
        changed.iter().map(|changed| (word.clone(), head(changed))).collect()
    }

    #[test]
    fn feeds_that_grew_in_one_run_are_told_together() {
        for (changed, told) in [
            (&[][..], (0, 9)),
            (&[1, 2, 2], (3, 9)),
            (&[1, 2, 3, 4], (3, 3)),
            (&[1, 2, 3, 3], (2, 2)),
            (&[1, 3, 3, 3], (1, 1)),
        ] {
            assert_eq!(told_of(&grown(changed), 9, 4), told, "{changed:?}");
        }
    }
}
