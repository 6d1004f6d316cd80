//! What the network knows of a site: its status, its slug and the windows of its keys (`docs/federation.md`, section 2).
//!
//! The national site changes these records; every host reads them from the national feed.

use chrono::{DateTime, Utc};

use super::{
    keys::Keys,
    rules::{Rule, Rules},
};
use crate::federation::wire::{Audience, Epoch, Key, Member, Origin, PublicKey, Signature, Status, Window};

/// Most keys that a site may have had without a revocation, and most windows of all of them: so whoever holds a key cannot
/// make the site's record too long to travel, by which it would be revoked.
const MOST_KEYS: usize = 100;
const MOST_WINDOWS: usize = 1_000;

/// What a host believes of an origin when it judges what it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The site.
    pub origin: Origin,
    /// Whether it takes part.
    pub status: Status,
    /// Whether it is the national site, which alone yields national types.
    pub national: bool,
    /// The types of records that it may yield.
    pub types: Vec<String>,
    /// Its accepted keys.
    pub keys: Keys,
}

/// A host as a reader of feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// The sites that it hosts.
    pub sites: Vec<Origin>,
    /// Whether it hosts the national site.
    pub is_hub: bool,
}

impl Reader {
    /// Whether a feed is for this host. The hub asks before it answers, and the host itself before it takes anything.
    pub fn may_read(&self, audience: Audience, rules: Rules) -> bool {
        let addressed = match audience {
            Audience::Network => true,
            Audience::Hub => self.is_hub,
            Audience::Site(site) => self.sites.contains(&Origin(site)),
        };
        addressed || !rules.on(Rule::AudienceCheck)
    }
}

/// Why a directory record cannot be what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryRefusal {
    /// The slug is or was another site's.
    #[error("the slug {0} is or was another site's")]
    SlugTaken(String),
    /// A status that the present one never becomes.
    #[error("a site that is {from:?} never becomes {to:?}")]
    Status {
        /// The present status.
        from: Status,
        /// The one asked for.
        to: Status,
    },
    /// There is no such key, or it is not the one that the site signs with now.
    #[error("the site does not sign with the key {0}")]
    Key(String),
}

impl Standing {
    /// What a host believes after it has accepted the keys of a directory record.
    pub fn of(member: &Member, national: Origin, keys: Keys) -> Self {
        Self {
            origin: member.site,
            status: member.status,
            national: member.site == national,
            types: member.types_allowed.clone(),
            keys,
        }
    }

    /// Whether it may yield records of this type.
    pub fn may_yield(&self, kind: &str) -> bool {
        self.types.iter().any(|allowed| allowed == kind)
    }
}

/// Whether a directory record may take the place of `present`. `owner` tells who has or had a slug, among all records
/// that were ever seen.
pub fn may_become(
    present: Option<&Member>,
    next: &Member,
    owner: impl Fn(&str) -> Option<Origin>,
) -> Result<(), DirectoryRefusal> {
    if owner(&next.slug).is_some_and(|owner| owner != next.site) {
        return Err(DirectoryRefusal::SlugTaken(next.slug.clone()));
    }
    let from = present.map_or(Status::Applied, |present| present.status);
    let to = next.status;
    let allowed = from == to
        || matches!(
            (from, to),
            (Status::Applied, Status::Active | Status::Left)
                | (Status::Active, Status::Suspended | Status::Left)
                | (Status::Suspended, Status::Active | Status::Left)
        );
    if allowed || present.is_none() {
        Ok(())
    } else {
        Err(DirectoryRefusal::Status { from, to })
    }
}

/// The record after the hub has taken in the first entries of a new epoch, signed by the site's present key: the windows
/// of that feed's earlier epochs go, for an epoch that has ended is never read again, and a new one opens.
///
/// # Errors
///
/// The key is not in the record.
pub fn opened(member: &Member, kid: &str, audience: Audience, epoch: Epoch) -> Result<Member, DirectoryRefusal> {
    let mut member = member.clone();
    for key in &mut member.keys {
        key.feeds.retain(|window| window.audience != audience);
    }
    find(&mut member, kid)?.feeds.push(Window {
        audience,
        epoch,
        from: 1,
        to: None,
    });
    Ok(member)
}

/// The record after a rotation: the present key's windows close at the positions that the hub holds, and the new key
/// takes over there. Both may sign that very position, so that a checkpoint of a feed at rest can be fresh.
///
/// `held` lists the feeds of the site that the hub holds: audience, epoch, last position. The caller has checked the
/// proof by [`Keys::learn`] of the record that this answers.
///
/// # Errors
///
/// The name of the key is taken.
pub fn rotated(
    member: &Member,
    kid: &str,
    public: PublicKey,
    proof: Signature,
    held: &[(Audience, Epoch, u64)],
) -> Result<Member, DirectoryRefusal> {
    let mut member = member.clone();
    if member.keys.iter().any(|key| key.kid == kid) {
        return Err(DirectoryRefusal::Key(kid.to_owned()));
    }
    let last = |window: &Window| {
        let feed = held
            .iter()
            .find(|feed| (feed.0, feed.1) == (window.audience, window.epoch));
        feed.map_or(window.from, |feed| feed.2.max(window.from))
    };
    for window in member.keys.iter_mut().flat_map(|key| &mut key.feeds) {
        window.to = window.to.or(Some(last(window)));
    }
    let feeds = held.iter().map(|(audience, epoch, pos)| Window {
        audience: *audience,
        epoch: *epoch,
        from: *pos,
        to: None,
    });
    member.keys.push(Key {
        kid: kid.to_owned(),
        public,
        proof: Some(proof),
        feeds: feeds.collect(),
        revoked_at: None,
    });
    Ok(member)
}

/// The record after a key was revoked: nothing that it signed counts any more, so the site opens new epochs.
///
/// # Errors
///
/// There is no such key.
pub fn revoked(member: &Member, kid: &str, at: DateTime<Utc>) -> Result<Member, DirectoryRefusal> {
    let mut member = member.clone();
    let key = find(&mut member, kid)?;
    key.revoked_at = key.revoked_at.or(Some(at));
    key.feeds.clear();
    Ok(member)
}

/// Whether the record has room for another key that the present one proves. The present key's windows come again under it.
pub fn may_rotate(member: &Member) -> bool {
    let present = member.keys.last().map_or(0, |key| key.feeds.len());
    member.keys.len() < MOST_KEYS && windows(member) + present <= MOST_WINDOWS
}

/// Whether the record has room for another feed.
pub fn may_open(member: &Member, audience: Audience) -> bool {
    let known = member.keys.iter().flat_map(|key| &key.feeds);
    let known = { known }.any(|window| window.audience == audience);
    known || windows(member) < MOST_WINDOWS
}

fn windows(member: &Member) -> usize {
    member.keys.iter().map(|key| key.feeds.len()).sum()
}

fn find<'a>(member: &'a mut Member, kid: &str) -> Result<&'a mut Key, DirectoryRefusal> {
    let key = member.keys.iter_mut().find(|key| key.kid == kid);
    key.ok_or_else(|| DirectoryRefusal::Key(kid.to_owned()))
}
