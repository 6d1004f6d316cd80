//! Telling the hub what this host could not take. That it does not listen changes nothing.

use std::collections::BTreeMap;

use entity::SiteId;
use reqwest::StatusCode;

use super::{Dialling, hub::Trouble};
use crate::{
    error::Error,
    federation::{
        apply,
        messages::{MAX_REASON_CHARS, Report},
        protocol::check::Refusal,
        reports,
        wire::{Audience, Fork, Origin},
    },
};

/// Of each feed the last entry that the hub was told of.
pub(super) type Told = BTreeMap<(SiteId, Audience), u64>;

/// Reports entries that were kept for later because this host cannot take them.
pub(super) async fn parked(dialling: &Dialling, told: &mut Told) -> Result<(), Trouble> {
    let db = dialling.app.reader();
    let parked = reports::last_parked(db).await?;
    // An entry that comes again, after a new beginning of its feed, is told again.
    told.retain(|feed, _| parked.contains_key(feed));
    for ((origin, audience), pos) in parked {
        if told.get(&(origin, audience)) == Some(&pos) {
            continue;
        }
        let Some(reason) = reports::why_parked(db, origin, audience, pos).await? else {
            continue;
        };
        match send(dialling, origin, audience, format!("{pos}: {reason}"), None).await {
            // What the hub does not want to know holds up nothing that it does.
            Err(trouble) if trouble.is_final() => unheard(Err(trouble), origin, audience),
            sent => sent?,
        }
        told.insert((origin, audience), pos);
    }
    Ok(())
}

/// Reports what no honest host would send.
pub(super) async fn refused(dialling: &Dialling, origin: SiteId, audience: Audience, refusal: &Refusal) {
    let dishonest = matches!(
        refusal,
        Refusal::Forged { .. } | Refusal::Signature { .. } | Refusal::Unsealed
    );
    if dishonest {
        let sent = send(dialling, origin, audience, refusal.to_string(), None);
        unheard(sent.await, origin, audience);
    }
}

/// Reports that a site has signed two stories, with the proof.
pub(super) async fn forked(dialling: &Dialling, origin: SiteId, audience: Audience, fork: Box<Fork>) {
    let reason = Refusal::Fork(fork.clone()).to_string();
    let sent = send(dialling, origin, audience, reason, Some(fork));
    unheard(sent.await, origin, audience);
}

fn unheard(sent: Result<(), Trouble>, origin: SiteId, audience: Audience) {
    if let Err(trouble) = sent {
        tracing::warn!(%origin, %audience, %trouble, "the hub does not take a report");
    }
}

async fn send(
    dialling: &Dialling,
    origin: SiteId,
    audience: Audience,
    reason: String,
    fork: Option<Box<Fork>>,
) -> Result<(), Trouble> {
    let cursor = apply::cursor(dialling.app.reader(), origin, audience).await?;
    let reason = reason.chars().filter(|c| !c.is_control());
    let report = Report {
        origin: Origin(origin.0),
        audience,
        epoch: fork.as_ref().map(|fork| fork.epoch).or(cursor.epoch),
        pos: fork.as_ref().map_or(cursor.pos, |fork| fork.held.to),
        reason: reason.take(MAX_REASON_CHARS).collect(),
        fork,
    };
    let body = serde_json::to_vec(&report).map_err(Error::internal)?;
    let told = dialling.ask_for(audience, "/fed/v1/reports", Some(&body)).await?;
    if told.status == StatusCode::NO_CONTENT {
        Ok(())
    } else {
        Err(told.refused())
    }
}
