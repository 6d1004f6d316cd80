//! Reading feeds, and appending to them.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::PathRejection, rejection::QueryRejection},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{SiteId, site};
use sea_orm::{EntityTrait, prelude::Uuid};
use serde::Deserialize;

use super::{Answer, Serving, call::Call, feed, query, refusal::Refusal};
use crate::{
    error::Error,
    federation::{
        directory,
        feeds::{self, Served},
        messages::{CHECKPOINT_HEADER, Diverged, Taken},
        protocol::{
            check::check_append,
            relay::{self as rules, Asked},
            rules::Rules,
        },
        pull, relay,
        wire::{Audience, Batch, Checkpoint, Ed25519, Epoch, Head, MAX_BATCH_ENTRIES, Origin, Previous},
    },
};

/// Where a reader stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    epoch: Option<Uuid>,
    #[serde(default)]
    after: u64,
    head: Option<String>,
    limit: Option<usize>,
}

/// Answers a reader of a feed.
pub async fn read(
    State(serving): State<Serving>,
    path: Result<Path<(String, String)>, PathRejection>,
    position: Result<Query<Position>, QueryRejection>,
    call: Call,
) -> Answer<Response> {
    let (origin, audience) = feed(path)?;
    let position = query(position)?;
    if !call.reader().may_read(audience, Rules::default()) {
        return Err(Refusal::forbidden("NOT_FOR_YOU", "This feed is for others."));
    }
    if serving.app.signals.asks_about(Origin(origin.0)) {
        return Err(Refusal::held());
    }
    let head = position.head.as_deref().map(Head::parse);
    if head == Some(None) {
        return Err(Refusal::garbage("The head is not 32 bytes in base64url."));
    }
    let asked = Asked {
        epoch: position.epoch.map(Epoch),
        after: position.after,
        head: head.flatten(),
    };
    let limit = position.limit.unwrap_or(MAX_BATCH_ENTRIES);
    match feeds::read(&serving.app, origin, audience, &asked, limit).await? {
        Served::Batch(batch) => Ok(Json(*batch).into_response()),
        Served::Unchanged(checkpoint) => unchanged(&checkpoint),
        Served::Diverged(held) => {
            let Previous { epoch, to: pos, head } = held;
            Ok((StatusCode::CONFLICT, Json(Diverged { epoch, pos, head })).into_response())
        }
        Served::Unknown => Err(Refusal::nothing("UNKNOWN_FEED", "This host has no such feed.")),
    }
}

/// A 204 has no body: the origin's word stands in a header.
fn unchanged(checkpoint: &Checkpoint) -> Answer<Response> {
    let text = serde_json::to_string(checkpoint).map_err(Error::internal)?;
    let text = HeaderValue::from_str(&URL_SAFE_NO_PAD.encode(text)).map_err(Error::internal)?;
    Ok((StatusCode::NO_CONTENT, [(CHECKPOINT_HEADER, text)]).into_response())
}

/// Takes in what a site adds to one of its feeds. What the hub may read of it is applied before it answers.
pub async fn append(
    State(serving): State<Serving>,
    path: Result<Path<(String, String)>, PathRejection>,
    call: Call,
) -> Answer<Response> {
    let app = &serving.app;
    if !directory::reader(app.reader()).await?.is_hub {
        return Err(Refusal::not_a_hub());
    }
    let (origin, audience) = feed(path)?;
    if call.site() != origin {
        return Err(Refusal::forbidden(
            "NOT_YOURS",
            "A site appends to its own feeds alone.",
        ));
    }
    let hosted = site::Entity::find_by_id(origin)
        .one(app.reader())
        .await
        .map_err(Error::from)?;
    if hosted.is_some_and(|site| site.hosted) {
        return Err(Refusal::forbidden(
            "HOSTED_HERE",
            "This host writes the feeds of that site itself.",
        ));
    }
    let batch = Batch::parse(&call.body)?;
    if (batch.origin, batch.audience) != (Origin(origin.0), audience) {
        return Err(Refusal::garbage("The batch is of another feed than the address."));
    }
    storable(&batch)?;
    let checked = check_append(batch, &call.standing, &Ed25519, Rules::default())?;
    let (status, cursor) = match relay::append(app, &checked).await?? {
        rules::Taken::Stored { held, .. } => (StatusCode::OK, Some(held.ended())),
        rules::Taken::Conflict(held) => (StatusCode::CONFLICT, held),
    };
    if status == StatusCode::OK {
        take_in(&serving, origin, audience).await;
    }
    Ok((status, Json(Taken { cursor })).into_response())
}

/// Refuses what no database holds: positions beyond all numbers, and NUL in a text.
fn storable(batch: &Batch) -> Answer<()> {
    let nul = |text: &String| text.contains('\0');
    let texts = batch
        .entries
        .iter()
        .any(|entry| nul(&entry.header) || entry.payload.as_ref().is_some_and(nul));
    if texts || feeds::signed(batch.checkpoint.to).is_err() {
        return Err(Refusal::garbage(
            "The batch holds a number or a character that cannot be stored.",
        ));
    }
    Ok(())
}

/// What is stored is safe: if it cannot be applied now, it is later.
async fn take_in(serving: &Serving, origin: SiteId, audience: Audience) {
    if let Err(error) = pull::catch_up(&serving.app, origin, audience).await {
        tracing::warn!(%error, cause = error.cause(), %origin, %audience, "an appended batch is applied later");
    }
}
