//! What is gone for ever (`docs/federation.md`, sections 5 and 8, erasure): how far the erasures of a site have come, and who
//! owes to confirm them. What becomes of the rows is in `ledger`.

mod ledger;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{SiteId, SiteStatus, feed_cursor, peer_ack, site};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};

pub use self::ledger::{again, enter, erase, take_back};
use super::{
    feeds,
    messages::Acknowledged,
    protocol::{
        cursor::State,
        erasure::{Erased, Erasure, Peer, Progress, progress},
    },
    wire::{Audience, Epoch, Operation, Origin},
};
use crate::{
    app::App,
    error::{Error, Result},
    sites,
};

/// How long a host may take to acknowledge an erasure before it is overdue.
pub const PATIENCE: TimeDelta = TimeDelta::hours(24);

/// An erased record and how far its erasure has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasing {
    /// The record.
    pub record: Uuid,
    /// When the feed said so; none when that was in an epoch that is over, or when no other host ever had it.
    pub at: Option<DateTime<Utc>>,
    /// How far it has come.
    pub progress: Progress,
}

/// The erasures of a site of this host, those that the feed tells of last in the end. `acknowledged` is what its readers have
/// confirmed.
///
/// # Errors
/// Only when the database or the ledger fails.
pub async fn of_site(app: &App, site: SiteId, acknowledged: &[Acknowledged]) -> Result<Vec<Erasing>> {
    let db = app.reader();
    let audience = Audience::Network;
    let feed = feeds::feed(db, site, audience).await?;
    let said = feeds::last_said(db, site, Operation::Erase).await?.into_iter();
    let said: HashMap<_, _> = said.map(|header| (header.gid, (header.pos, header.at))).collect();
    let mut erased: Vec<_> = app.ledger.of_site(site).map_err(Error::internal)?;
    erased.sort_unstable_by_key(|id| (said.get(id).map(|(pos, _)| *pos), *id));
    let (peers, now) = (peers(db, acknowledged).await?, app.clock.now());
    let erasing = erased.into_iter().map(|record| {
        let told = said.get(&record).copied();
        // Who has read a later epoch so far as it goes now has swept what an earlier one showed.
        let end = feed.map(|feed| (audience, feed.epoch, told.map_or(feed.pos, |(pos, _)| pos)));
        let at = told.map(|(_, at)| at);
        let erasure = Erasure {
            gid: record,
            requested_at: at.unwrap_or(now),
            erased: Some(Erased {
                at: at.unwrap_or(now),
                feeds: end.into_iter().collect(),
            }),
        };
        let progress = progress(&erasure, &peers, now, PATIENCE);
        Erasing { record, at, progress }
    });
    Ok(erasing.collect())
}

/// The active sites of other hosts, each with what it has acknowledged. A site that this host keeps reads nothing.
async fn peers(db: &impl ConnectionTrait, acknowledged: &[Acknowledged]) -> Result<Vec<Peer>> {
    let others = site::Entity::find()
        .filter(site::Column::Hosted.eq(false))
        .filter(site::Column::Status.eq(SiteStatus::Active))
        .order_by_asc(site::Column::Slug);
    let peers = others.all(db).await?.into_iter().map(|site| {
        let own = acknowledged.iter().filter(|ack| ack.site.0 == site.id.0);
        Peer {
            host: site.id.0,
            reads: vec![Audience::Network],
            acknowledged: own.map(|ack| (ack.audience, ack.epoch, ack.pos)).collect(),
        }
    });
    Ok(peers.collect())
}

/// What the readers of a site's feeds have told this host, and how far this host itself has read them.
///
/// # Errors
/// Only when the database fails.
pub async fn acknowledged(db: &impl ConnectionTrait, origin: SiteId) -> Result<Vec<Acknowledged>> {
    let told = peer_ack::Entity::find().filter(peer_ack::Column::Origin.eq(origin));
    let mut all = Vec::new();
    for row in told.all(db).await? {
        all.push(Acknowledged {
            site: Origin(row.site_id.0),
            audience: row.audience.parse().map_err(Error::internal)?,
            epoch: Epoch(row.epoch),
            pos: u64::try_from(row.pos).map_err(Error::internal)?,
        });
    }
    let swept = HashSet::from([State::Live.word(), State::Stale.word()]);
    let own = feed_cursor::Entity::find().filter(feed_cursor::Column::Origin.eq(origin));
    let (national, own) = (sites::ops::national(db).await?, own.all(db).await?);
    for row in own.into_iter().filter(|row| swept.contains(row.state.as_str())) {
        if let (Some(national), Some(epoch)) = (&national, row.epoch) {
            all.push(Acknowledged {
                site: Origin(national.id.0),
                audience: row.audience.parse().map_err(Error::internal)?,
                epoch: Epoch(epoch),
                pos: u64::try_from(row.pos).map_err(Error::internal)?,
            });
        }
    }
    Ok(all)
}
