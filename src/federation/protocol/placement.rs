//! How the home of a space orders what others write into it (`docs/federation.md`, section 8, placement).
//!
//! A thread or post is a record of its author's site; its placement is a record of the home of the space. Until that says
//! [`State::Visible`], only the author and the moderators of both sites see the subject.

use uuid::Uuid;

use super::rules::{Rule, Rules};
use crate::federation::wire::Origin;

/// Where a subject stands in its space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has judged it yet.
    Pending,
    /// Everybody who may read the space sees it.
    Visible,
    /// Taken out of sight; may come back.
    Hidden,
    /// Taken out for good.
    Removed,
    /// Never let in, for this reason.
    Rejected(String),
}

/// What the home of the space decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Let it in.
    Accept,
    /// Do not let it in.
    Reject(String),
    /// Take it out of sight.
    Hide,
    /// Bring it back into sight.
    Show,
    /// Take it out for good.
    Remove,
}

/// A decision that the present state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the placement's state does not allow this")]
pub struct NotNow;

impl State {
    /// The state after a decision.
    ///
    /// # Errors
    ///
    /// The present state does not allow it.
    pub fn decide(&self, decision: Decision) -> Result<Self, NotNow> {
        match (self, decision) {
            (Self::Pending, Decision::Accept) | (Self::Hidden, Decision::Show) => Ok(Self::Visible),
            (Self::Pending, Decision::Reject(reason)) => Ok(Self::Rejected(reason)),
            (Self::Visible, Decision::Hide) => Ok(Self::Hidden),
            (Self::Visible | Self::Hidden, Decision::Remove) => Ok(Self::Removed),
            _ => Err(NotNow),
        }
    }
}

/// A subject's place: the part of a placement that these rules need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The thread or post.
    pub subject: Uuid,
    /// The space that the placement speaks for.
    pub space: Uuid,
    /// The subject's place in the order of its space, from 1; the same on every host.
    pub order: u64,
    /// Where it stands.
    pub state: State,
}

/// The placement that the home of a space makes when a subject is applied there. A subject that has one keeps it, however
/// often it is applied again (I6). `last` is the highest order that the space has given.
pub fn place(subject: Uuid, space: Uuid, placed: bool, last: u64, rules: Rules) -> Option<Place> {
    let again = placed && rules.on(Rule::PlacedOnce);
    (!again).then_some(Place {
        subject,
        space,
        order: last + 1,
        state: State::Pending,
    })
}

/// Whether a placement counts: it comes from the home of the space, and the subject itself says that it was written there.
/// `place` and `written_into` are the space of a thread, or the thread of a post. Otherwise one site could hide what was
/// written into another's.
pub fn counts(placed_by: Origin, space_home: Option<Origin>, place: Uuid, written_into: Uuid, rules: Rules) -> bool {
    !rules.on(Rule::PlacementHome) || (space_home == Some(placed_by) && place == written_into)
}
