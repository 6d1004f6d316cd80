//! Whether a publisher may go on where its database stands (`docs/federation.md`, section 8, publisher).
//!
//! A database that came back from a backup has forgotten what it has already told the network. Whoever has read the feed
//! remembers: the hub for a region, the peers for the national site.

use super::{
    publisher::Feed,
    rules::{Rule, Rules},
};
use crate::federation::wire::{Epoch, Head, Previous};

/// What a publisher does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continue {
    /// The other side holds the feed up to before this position: send from here.
    From(u64),
    /// The other side has seen another story, or more of this one: open a new epoch before publishing, and name in its
    /// first entry what the other side holds.
    NewEpoch {
        /// What the other side holds.
        previous: Previous,
    },
    /// Nobody could be asked: serve reads, publish nothing, ask again.
    Hold,
}

/// What somebody who reads a feed says of it: the newest checkpoint that it has ever accepted, also one from before it
/// started over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// Out of reach.
    Silent,
    /// It holds nothing of the feed.
    Nothing,
    /// It holds the feed up to here.
    Holds(Previous),
}

/// What to do after an unclean stop. `witnesses` are the hub for a region's feed and all peers for the national site's;
/// `unasked` is the operator's `--no-witness`. `head_at` tells the head after a position of the present epoch, `earlier`
/// lists the epochs before it that this database knows.
pub fn start(
    feed: &Feed,
    earlier: &[Epoch],
    head_at: impl Fn(u64) -> Option<Head>,
    witnesses: &[Witness],
    unasked: bool,
    rules: Rules,
) -> Continue {
    if !rules.on(Rule::Witness) || unasked {
        return Continue::From(feed.pos + 1);
    }
    let mut answer = Continue::Hold;
    for witness in witnesses {
        let next = match witness {
            Witness::Silent => continue,
            Witness::Nothing => Continue::From(1),
            Witness::Holds(held) if earlier.contains(&held.epoch) => Continue::From(1),
            Witness::Holds(held) => resume(feed, &head_at, Some(*held)),
        };
        answer = match (answer, next) {
            // The peer that has read furthest of another story is the one to name.
            (Continue::NewEpoch { previous }, Continue::NewEpoch { previous: other }) if previous.to >= other.to => {
                answer
            }
            (Continue::NewEpoch { .. }, Continue::From(_)) => answer,
            _ => next,
        };
    }
    answer
}

/// Where to go on sending, given what the hub answered to an append: `None` asks for the epoch from its start; another
/// epoch than the present one means that the hub does not take the present one as its continuation.
pub fn resume(feed: &Feed, head_at: impl Fn(u64) -> Option<Head>, held: Option<Previous>) -> Continue {
    let Some(held) = held else { return Continue::From(1) };
    let on_my_chain = held.epoch == feed.epoch && held.to <= feed.pos && head_at(held.to) == Some(held.head);
    if on_my_chain {
        Continue::From(held.to + 1)
    } else {
        Continue::NewEpoch { previous: held }
    }
}
