//! Where a host stands in a feed that it reads (`docs/federation.md`, section 8, consumer).

use chrono::{DateTime, TimeDelta, Utc};

use super::rules::{Rule, Rules};
use crate::federation::wire::{Checkpoint, Epoch, Head, Status};

/// How long a feed counts as live after its origin's last word.
pub const LIVE_FOR: TimeDelta = TimeDelta::seconds(60);

/// A position and the head after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The position.
    pub pos: u64,
    /// The head.
    pub head: Head,
}

/// Where a host stands in a feed: one row of `fed_cursor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The epoch that is being read; none before the first batch and after starting over.
    pub epoch: Option<Epoch>,
    /// The last position that was applied; 0 before the first.
    pub pos: u64,
    /// The head after it. Means nothing without an epoch.
    pub head: Head,
    /// How often the feed was read from its start. Rows of a higher generation beat those of a lower.
    pub generation: u64,
    /// What the reading host is doing.
    pub state: State,
    /// While catching up: the head to reach. Set by the first batch.
    pub boot: Option<Mark>,
    /// While payloads were skipped as superseded: the head by which all of them have been followed.
    pub skip: Option<Mark>,
    /// When the origin's newest word came, by this host's clock.
    pub verified_at: Option<DateTime<Utc>>,
    /// When the origin signed its newest word, by its own clock.
    pub signed_at: Option<DateTime<Utc>>,
}

/// What a host is doing with a feed that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was read yet.
    New,
    /// Reading from the start. Rows of the generation before are served meanwhile.
    CatchingUp,
    /// Up to date as far as the origin said within the last minute.
    Live,
    /// Served, but the origin's last word is older than [`LIVE_FOR`].
    Stale,
    /// The directory keeps the origin out: its rows are hidden.
    Suspended,
    /// The origin has gone: its rows were deleted.
    Left,
}

/// What becomes of all rows of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// Hide them.
    Hide,
    /// Show them again.
    Show,
    /// Delete them, and what was seen, parked, skipped and held of the feed.
    Purge,
}

impl Cursor {
    /// A feed of which nothing was read.
    pub const fn new() -> Self {
        Self {
            epoch: None,
            pos: 0,
            head: Head([0; 32]),
            generation: 0,
            state: State::New,
            boot: None,
            skip: None,
            verified_at: None,
            signed_at: None,
        }
    }

    /// The cursor after history broke: the feed is read from its start under a new generation.
    ///
    /// In the same transaction the caller forgets what it saw, parked, skipped and which checkpoints it held of the feed.
    /// Rows stay and are served until the sweep.
    #[must_use]
    pub fn restarted(&self, rules: Rules) -> Self {
        let state = match self.state {
            State::Suspended | State::Left => self.state,
            _ => State::CatchingUp,
        };
        Self {
            generation: self.generation + u64::from(rules.on(Rule::Generation)),
            state,
            verified_at: self.verified_at,
            ..Self::new()
        }
    }

    /// The cursor as time passes: without a word of the origin for [`LIVE_FOR`] a live feed is stale.
    #[must_use]
    pub fn aged(&self, now: DateTime<Utc>) -> Self {
        let mut cursor = self.clone();
        // A clock that was put back must not keep a feed live.
        cursor.verified_at = self.verified_at.map(|at| at.min(now));
        let live = cursor.verified_at.is_some_and(|at| now - at <= LIVE_FOR);
        if cursor.state == State::Live && !live {
            cursor.state = State::Stale;
        }
        cursor
    }

    /// The cursor after the directory said something about the origin, and what becomes of its rows.
    #[must_use]
    pub fn judged(&self, status: Status, rules: Rules) -> (Self, Option<Whole>) {
        let mut cursor = self.clone();
        match (status, self.state) {
            (Status::Left, State::Left) | (Status::Suspended | Status::Applied, State::Suspended) => (cursor, None),
            (Status::Left, _) => {
                cursor = cursor.restarted(rules);
                cursor.state = State::Left;
                (cursor, Some(Whole::Purge))
            }
            (Status::Suspended | Status::Applied, State::Left) => (cursor, None),
            (Status::Suspended | Status::Applied, _) => {
                cursor.state = State::Suspended;
                (cursor, Some(Whole::Hide))
            }
            (Status::Active, State::Suspended) => {
                let caught_up = self.epoch.is_some() && self.boot.is_none();
                cursor.state = if caught_up { State::Stale } else { State::CatchingUp };
                (cursor, Some(Whole::Show))
            }
            (Status::Active, State::Left) => {
                cursor.state = State::New;
                (cursor, None)
            }
            (Status::Active, _) => (cursor, None),
        }
    }

    /// What this host may acknowledge of the feed: only what it has read to the end and swept, so that an acknowledged
    /// position proves every erasure up to it.
    pub fn acknowledgement(&self) -> Option<(Epoch, u64)> {
        let swept = matches!(self.state, State::Live | State::Stale);
        self.epoch.filter(|_| swept).map(|epoch| (epoch, self.pos))
    }

    /// Takes note of the origin's word. One that is not newer than what came before says nothing about now: so a hub
    /// that repeats itself is shown as stale.
    pub(super) fn heard(&mut self, checkpoint: &Checkpoint, now: DateTime<Utc>, rules: Rules) {
        if self.is_news(checkpoint) || !rules.on(Rule::Freshness) {
            self.signed_at = Some(checkpoint.at);
            self.verified_at = Some(now);
        }
        if self.boot.is_some() {
            self.state = State::CatchingUp;
        } else if self.verified_at.is_some_and(|at| now - at <= LIVE_FOR) {
            self.state = State::Live;
        } else {
            self.state = State::Stale;
        }
    }

    /// Whether a checkpoint was signed after the newest that came before.
    pub(super) fn is_news(&self, checkpoint: &Checkpoint) -> bool {
        self.signed_at.is_none_or(|before| before < checkpoint.at)
    }
}

impl Default for Cursor {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// The word that stands in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::CatchingUp => "CATCHING_UP",
            Self::Live => "LIVE",
            Self::Stale => "STALE",
            Self::Suspended => "SUSPENDED",
            Self::Left => "LEFT",
        }
    }

    /// The state of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::New,
            Self::CatchingUp,
            Self::Live,
            Self::Stale,
            Self::Suspended,
            Self::Left,
        ];
        all.into_iter().find(|state| state.word() == word)
    }
}
