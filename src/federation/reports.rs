//! What hosts could not take of feeds, and the proof when a site has signed two stories (`docs/federation.md`, sections 4
//! and 10): told to the hub by whoever reads, kept there for people.

use std::collections::BTreeMap;

use entity::{SiteId, feed_parked, peer_report};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    directory,
    feeds::{self, signed},
    messages::Report,
    protocol::{check::is_proof, rules::Rules},
    wire::{Audience, Ed25519, Fork},
};
use crate::{
    app::{App, Work},
    error::{Error, Result},
    share,
};

/// Keeps the report of a site's host; of each feed only the last. Tells whether it was kept: a proof that proves
/// nothing is not.
///
/// # Errors
/// When the position is none; otherwise only when the database fails.
pub async fn note(app: &App, reporter: SiteId, report: Report) -> Result<bool> {
    let (origin, audience) = (SiteId(report.origin.0), report.audience);
    let pos = signed(report.pos).map_err(|_| Error::argument("pos", "There is no such position."))?;
    if let Some(fork) = &report.fork {
        if !is_proven(app, origin, audience, fork).await? {
            return Ok(false);
        }
        tracing::error!(%reporter, %origin, %audience, ?fork, "it is proven that a site has signed two stories");
    }
    tracing::warn!(
        %reporter, %origin, %audience, pos = report.pos, reason = ?report.reason, "another host could not take a feed"
    );
    let fork = report.fork.map(|fork| serde_json::to_string(&fork)).transpose();
    let fork = fork.map_err(Error::internal)?;
    let note = async |work: &mut Work<'_>| {
        let audience = audience.to_string();
        let before = peer_report::Entity::find_by_id((reporter, origin, audience.clone()));
        // A proof stays proven, whatever the reporter has to say later.
        let proven = before.one(work.db()).await?.and_then(|before| before.fork);
        let row = peer_report::Model {
            site_id: reporter,
            origin,
            audience,
            epoch: report.epoch.map(|epoch| epoch.0),
            pos,
            reason: report.reason,
            fork: fork.or(proven),
            at: work.now(),
        };
        share::store::<peer_report::Entity>(work.db(), row).await
    };
    app.system("report", note).await?;
    Ok(true)
}

async fn is_proven(app: &App, origin: SiteId, audience: Audience, fork: &Fork) -> Result<bool> {
    let db = app.reader();
    let Some(standing) = directory::standing(db, origin).await? else {
        return Ok(false);
    };
    let feed = feeds::feed(db, origin, audience).await?;
    let head = match feed.filter(|feed| feed.epoch == fork.epoch) {
        Some(feed) => feeds::head_at(db, &feed, fork.held.to).await?,
        None => None,
    };
    let rules = Rules::default();
    Ok(is_proof(audience, fork, &standing, |_| head, &Ed25519, rules))
}

/// What other hosts have reported, newest first.
///
/// # Errors
/// Only when the database fails.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<peer_report::Model>> {
    let reports = peer_report::Entity::find().order_by_desc(peer_report::Column::At);
    Ok(reports.all(db).await?)
}

/// Of each feed that this host reads, the position of the last entry that it could not take. What only waits for another
/// record is no fault of anybody's.
///
/// # Errors
/// Only when the database fails.
pub async fn last_parked(db: &impl ConnectionTrait) -> Result<BTreeMap<(SiteId, Audience), u64>> {
    use feed_parked::Column;
    let last = feed_parked::Entity::find()
        .select_only()
        .columns([Column::Origin, Column::Audience])
        .column_as(Column::Pos.max(), "pos")
        .filter(Column::WaitsFor.is_null())
        .group_by(Column::Origin)
        .group_by(Column::Audience);
    let last = last.into_tuple::<(SiteId, String, i64)>().all(db).await?;
    let last = last.into_iter().map(|(origin, audience, pos)| {
        let audience = audience.parse().map_err(Error::internal)?;
        Ok(((origin, audience), u64::try_from(pos).map_err(Error::internal)?))
    });
    last.collect()
}

/// Why this host could not take an entry; nothing when it has done so since.
///
/// # Errors
/// Only when the database fails.
pub async fn why_parked(
    db: &impl ConnectionTrait,
    origin: SiteId,
    audience: Audience,
    pos: u64,
) -> Result<Option<String>> {
    let parked = feed_parked::Entity::find_by_id((origin, audience.to_string(), signed(pos)?));
    Ok(parked.one(db).await?.map(|row| row.reason))
}
