//! Witness, acknowledgements, reports and new keys: what hosts tell each other beside their feeds.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
};
use entity::{SiteId, peer_ack};
use sea_orm::{ActiveValue::Set, EntityTrait, prelude::Uuid, sea_query::OnConflict};
use serde::Deserialize;

use super::{Answer, Serving, call::Call, json, query, refusal::Refusal, site};
use crate::{
    app::Work,
    error::{Error, Result},
    federation::{
        directory, erasures,
        feeds::{self, signed},
        messages::{Ack, MAX_ERASED, MAX_LISTED, MAX_REASON_CHARS, Receipt, Report, Rotation, Testimony, Witness},
        protocol::rules::Rules,
        relay, renewal, reports,
        wire::Origin,
        witness,
    },
};

/// Behind which erased record a host goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behind {
    after: Option<Uuid>,
}

/// Tells what this host holds of a site's feeds: all of them to the site itself, to others what they may read.
pub async fn witness_of(
    State(serving): State<Serving>,
    path: Result<Path<String>, PathRejection>,
    behind: Result<Query<Behind>, QueryRejection>,
    call: Call,
) -> Answer<Json<Witness>> {
    let Ok(Path(origin)) = path else {
        return Err(Refusal::garbage("The address names no site."));
    };
    let (origin, behind) = (site(&origin)?, query(behind)?);
    let reader = call.reader();
    let mut feeds = Vec::new();
    for (audience, feed, checkpoint) in relay::of_site(serving.app.reader(), origin).await? {
        let told = origin == call.site() || reader.may_read(audience, Rules::default());
        if let Some(checkpoint) = checkpoint.filter(|_| told) {
            let epoch = feed.epoch;
            feeds.push(Testimony {
                audience,
                epoch,
                checkpoint,
            });
        }
    }
    let erased = serving.app.ledger.of_site(origin).map_err(Error::internal)?;
    let acknowledged = if origin == call.site() {
        erasures::acknowledged(serving.app.reader(), origin).await?
    } else {
        Vec::new()
    };
    let whole = Witness {
        origin: Origin(origin.0),
        feeds,
        erased,
        next: None,
        acknowledged,
    };
    Ok(Json(whole.page(behind.after)))
}

/// Keeps how far a site's host has read feeds. A receipt for a feed that this host does not have, or for more than there
/// is of it, says nothing and is left out.
pub async fn ack(State(serving): State<Serving>, call: Call) -> Answer<StatusCode> {
    let ack: Ack = json(&call.body)?;
    fits(&ack)?;
    let (db, reader, site) = (serving.app.reader(), call.reader(), call.site());
    let mut rows = BTreeMap::new();
    for receipt in ack.cursors {
        let feed = feeds::feed(db, SiteId(receipt.origin.0), receipt.audience).await?;
        let known = feed.is_some_and(|feed| feed.epoch == receipt.epoch && receipt.pos <= feed.pos);
        if known && reader.may_read(receipt.audience, Rules::default()) {
            // One statement cannot write one row twice.
            rows.insert((receipt.origin, receipt.audience), row(site, ack.host, &receipt)?);
        }
    }
    keep(&serving, rows.into_values().collect()).await?;
    for told in &ack.testimony {
        witness::hear_peer(&serving.app, told).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn fits(ack: &Ack) -> Answer<()> {
    let told = |told: &Witness| told.feeds.len() <= MAX_LISTED && told.erased.len() <= MAX_ERASED;
    if ack.cursors.len().max(ack.testimony.len()) > MAX_LISTED || !ack.testimony.iter().all(told) {
        let message = format!("At most {MAX_LISTED} cursors, and {MAX_ERASED} erased records, go into one message.");
        return Err(Refusal::garbage(message));
    }
    Ok(())
}

fn row(site: SiteId, host: Uuid, receipt: &Receipt) -> Result<peer_ack::ActiveModel> {
    Ok(peer_ack::ActiveModel {
        site_id: Set(site),
        origin: Set(SiteId(receipt.origin.0)),
        audience: Set(receipt.audience.to_string()),
        host_id: Set(host),
        epoch: Set(receipt.epoch.0),
        pos: Set(signed(receipt.pos)?),
        ..peer_ack::ActiveModel::default()
    })
}

async fn keep(serving: &Serving, rows: Vec<peer_ack::ActiveModel>) -> Result<()> {
    use peer_ack::Column;
    if rows.is_empty() {
        return Ok(());
    }
    let key = OnConflict::columns([Column::SiteId, Column::Origin, Column::Audience]);
    let latest = [Column::HostId, Column::Epoch, Column::Pos, Column::At];
    let latest = { key }.update_columns(latest).to_owned();
    serving
        .app
        .system("ack", async |work| {
            let at = work.now();
            let rows = rows.into_iter().map(|row| peer_ack::ActiveModel { at: Set(at), ..row });
            let rows = peer_ack::Entity::insert_many(rows).on_conflict(latest);
            rows.exec_without_returning(work.db()).await?;
            Ok(())
        })
        .await
}

/// Notes what a site's host could not take of a feed; the last report of each feed is kept.
pub async fn report(State(serving): State<Serving>, call: Call) -> Answer<StatusCode> {
    let report: Report = json(&call.body)?;
    if report.reason.chars().count() > MAX_REASON_CHARS || report.reason.contains(char::is_control) {
        let message = format!("A reason is a line of at most {MAX_REASON_CHARS} characters.");
        return Err(Refusal::garbage(message));
    }
    let origin = SiteId(report.origin.0);
    let known = feeds::feed(serving.app.reader(), origin, report.audience).await?;
    if known.is_none() || !call.reader().may_read(report.audience, Rules::default()) {
        return Err(Refusal::nothing("UNKNOWN_FEED", "This host has no such feed."));
    }
    if reports::note(&serving.app, call.site(), report).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::forbidden(
            "UNPROVEN",
            "These checkpoints do not prove two stories.",
        ))
    }
}

/// Takes in the next key of the calling site.
pub async fn rotate(State(serving): State<Serving>, call: Call) -> Answer<StatusCode> {
    let next: Rotation = json(&call.body)?;
    let site = call.site();
    if !directory::is_kept_here(serving.app.reader()).await? {
        return Err(Refusal::not_a_hub());
    }
    let taken = async |work: &mut Work<'_>| renewal::rotate(work, site, &next).await;
    match serving.app.system("rotate key", taken).await? {
        Ok(()) => {
            tracing::info!(%site, "a site signs with another key from now on");
            Ok(StatusCode::NO_CONTENT)
        }
        Err(refused) => Err(Refusal::forbidden("UNPROVEN", refused.0)),
    }
}
