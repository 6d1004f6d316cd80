//! Proof that something is gone (`docs/federation.md`, section 8, erasure).

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::federation::wire::{Audience, Epoch};

/// An erasure on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The record.
    pub gid: Uuid,
    /// When somebody asked for it.
    pub requested_at: DateTime<Utc>,
    /// When this host erased it, and where each feed that ever carried it says so.
    pub erased: Option<Erased>,
}

/// A record that this host has erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// When.
    pub at: DateTime<Utc>,
    /// Audience, epoch and position of the erasing entries. After a new epoch, the epoch and the position of its last
    /// live entry: who has read so far and swept holds the record no more.
    pub feeds: Vec<(Audience, Epoch, u64)>,
}

/// A host that reads this host's feeds, and what it has acknowledged
/// ([`super::cursor::Cursor::acknowledgement`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The host.
    pub host: Uuid,
    /// The feeds that it may read. One that it may not read owes nothing.
    pub reads: Vec<Audience>,
    /// Audience, epoch and position of its acknowledgements.
    pub acknowledged: Vec<(Audience, Epoch, u64)>,
}

/// How far an erasure has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Asked for; this host still holds the record.
    Requested,
    /// This host has erased it, and nobody else ever held it.
    Erased,
    /// Some active peers have not confirmed it yet.
    Propagating {
        /// Those peers.
        waiting: Vec<Uuid>,
    },
    /// Every active peer has read past it.
    Proven,
    /// Some active peers have not confirmed it within the time allowed.
    Overdue {
        /// Those peers.
        waiting: Vec<Uuid>,
        /// Since when the erasure travels.
        age: TimeDelta,
    },
}

/// How far an erasure has come, given all active peers. `patience` is how long a peer may take.
pub fn progress(erasure: &Erasure, peers: &[Peer], now: DateTime<Utc>, patience: TimeDelta) -> Progress {
    let Some(erased) = &erasure.erased else {
        return Progress::Requested;
    };
    if erased.feeds.is_empty() {
        return Progress::Erased;
    }
    let confirmed = |peer: &Peer, (audience, epoch, pos): (Audience, Epoch, u64)| {
        let past = |ack: &(Audience, Epoch, u64)| (ack.0, ack.1) == (audience, epoch) && ack.2 >= pos;
        !peer.reads.contains(&audience) || peer.acknowledged.iter().any(past)
    };
    let owes = |peer: &&Peer| !erased.feeds.iter().all(|feed| confirmed(peer, *feed));
    let waiting: Vec<Uuid> = peers.iter().filter(owes).map(|peer| peer.host).collect();
    let age = now - erased.at;
    match () {
        () if waiting.is_empty() => Progress::Proven,
        () if age > patience => Progress::Overdue { waiting, age },
        () => Progress::Propagating { waiting },
    }
}
