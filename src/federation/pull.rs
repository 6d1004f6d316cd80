//! Taking in the answers to asking for a feed, wherever they come from: the hub, or what this host itself relays.

use std::collections::HashSet;

use entity::{SiteId, feed_cursor, feed_head, site};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{
    apply::{self, Received},
    directory,
    feeds::{self, Served},
    protocol::{check::Refusal, consumer::Answer, cursor::Cursor, relay::Asked, rules::Rules},
    wire::{Audience, Batch, Fork, MAX_BATCH_ENTRIES},
};
use crate::{app::App, error::Result};

/// After so many answers in a row that do not continue the cursor, whoever reads waits.
pub const MOST_DISCARDED: u32 = 3;

/// So often a feed is read from its start without a pause: an epoch may end while the one before it is read. One that never
/// comes to its end has to wait.
pub const MOST_RESTARTED: u32 = 2;

/// What somebody who was asked for a feed has answered.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// Entries.
    Batch(Box<Batch>),
    /// Anything else.
    Answer(Answer),
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask again: there may be more.
    Ask,
    /// Nothing more for now.
    Rest,
    /// The feed is read from its start: ask again, but not for ever.
    Restarted,
    /// What came does not continue the cursor: ask again, but not for ever.
    Discarded,
    /// What came is not believed.
    Refused(Refusal),
    /// The same, because the origin has signed two stories: tell the hub.
    Forked(Box<Fork>),
}

/// What to ask for from where this host stands.
pub fn asked(cursor: &Cursor) -> Asked {
    Asked {
        epoch: cursor.epoch,
        after: cursor.pos,
        head: cursor.epoch.map(|_| cursor.head),
    }
}

/// Takes an answer in.
///
/// # Errors
/// Only when the database fails.
pub async fn take(app: &App, origin: SiteId, audience: Audience, fetched: Fetched) -> Result<Next> {
    let (received, rest) = match fetched {
        Fetched::Batch(batch) => {
            let whole = batch.to >= batch.checkpoint.to;
            (apply::receive(app, *batch).await?, whole)
        }
        Fetched::Answer(answer) => (apply::answered(app, origin, audience, &answer).await?, true),
    };
    Ok(match received {
        Received::Applied(_) if rest => Next::Rest,
        Received::Applied(_) => Next::Ask,
        Received::Restarted(_) => Next::Restarted,
        Received::Discarded(_) => Next::Discarded,
        Received::Refused(refusal) => Next::Refused(refusal),
        Received::Forked(fork) => Next::Forked(fork),
    })
}

/// Takes into this host's own rows what it relays of a feed, as far as it may read it.
///
/// # Errors
/// Only when the database fails.
pub async fn catch_up(app: &App, origin: SiteId, audience: Audience) -> Result<()> {
    if !directory::reader(app.reader())
        .await?
        .may_read(audience, Rules::default())
    {
        return Ok(());
    }
    let (mut discarded, mut restarted) = (0, 0);
    // What is stored is not lost: the rest comes after the next start.
    while !app.signals.is_stopping() {
        let cursor = apply::cursor(app.reader(), origin, audience).await?;
        let fetched = match feeds::read(app, origin, audience, &asked(&cursor), MAX_BATCH_ENTRIES).await? {
            Served::Batch(batch) => Fetched::Batch(batch),
            Served::Unchanged(checkpoint) => Fetched::Answer(Answer::Unchanged(checkpoint)),
            Served::Diverged(_) => Fetched::Answer(Answer::Diverged),
            Served::Unknown => return Ok(()),
        };
        match take(app, origin, audience, fetched).await? {
            Next::Ask => {}
            Next::Rest => return Ok(()),
            // A twin in another request or process is at it.
            Next::Discarded if discarded < MOST_DISCARDED => discarded += 1,
            Next::Discarded => return Ok(()),
            Next::Restarted | Next::Forked(_) if restarted < MOST_RESTARTED => restarted += 1,
            Next::Restarted | Next::Forked(_) => {
                tracing::warn!(%origin, %audience, "a relayed feed is read from its start again and again");
                return Ok(());
            }
            Next::Refused(refusal) => {
                tracing::warn!(%origin, %audience, %refusal, "a relayed feed is not taken in");
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The feeds that this host relays and has not read to their end.
///
/// # Errors
/// Only when the database fails.
pub async fn behind(app: &App) -> Result<Vec<(SiteId, Audience)>> {
    let db = app.reader();
    let reader = directory::reader(db).await?;
    let own = site::Entity::find()
        .filter(site::Column::Hosted.eq(true))
        .all(db)
        .await?;
    let relayed = feed_head::Entity::find()
        .filter(feed_head::Column::Pos.gt(0))
        .filter(feed_head::Column::Origin.is_not_in(own.iter().map(|site| site.id)));
    let cursors = feed_cursor::Entity::find().all(db).await?.into_iter();
    let read: HashSet<_> = cursors
        .map(|cursor| (cursor.origin, cursor.audience, cursor.head))
        .collect();
    let mut behind = Vec::new();
    for row in relayed.all(db).await? {
        let feed = feeds::stored(&row)?;
        let whole = read.contains(&(row.origin, row.audience, row.head));
        if !whole && reader.may_read(feed.audience, Rules::default()) {
            behind.push((row.origin, feed.audience));
        }
    }
    Ok(behind)
}
