//! Which tokens a site has used, and how many of its requests are open: what makes a token count once, and keeps one peer
//! from taking everybody's place.
//!
//! Only what an active site has signed is remembered, and of each site no more than [`MOST_TOKENS`] at a time. So memory is
//! bounded, and remembering tokens is also what limits how often a site may ask.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use entity::SiteId;
use sea_orm::prelude::Uuid;

/// Most requests of a site within the life of their tokens.
pub const MOST_TOKENS: usize = 6_000;

/// Most requests of a site at the same moment.
const MOST_OPEN: usize = 32;

/// The sites that have asked lately.
#[derive(Debug, Default)]
pub struct Peers(Mutex<HashMap<SiteId, Peer>>);

#[derive(Debug, Default)]
struct Peer {
    /// Each token with the instant from which it would be refused anyway.
    used: HashMap<Uuid, DateTime<Utc>>,
    open: usize,
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// It was used before.
    Replayed,
    /// The site asks too often; how many seconds it should wait.
    TooMany(i64),
}

/// An open request. Its place is free again when this goes.
#[derive(Debug)]
pub struct Place {
    peers: Arc<Peers>,
    site: SiteId,
}

impl Peers {
    /// Notes that a site uses a token that counts until an instant.
    ///
    /// # Errors
    /// When it was used before, or the site asks too often.
    pub fn admit(
        self: &Arc<Self>,
        site: SiteId,
        token: Uuid,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Place, TurnedAway> {
        let mut peers = self.lock();
        if !peers.contains_key(&site) {
            peers.retain(|_, peer| peer.open > 0 || peer.used.values().any(|until| *until > now));
        }
        let peer = peers.entry(site).or_default();
        peer.used.retain(|_, until| *until > now);
        if peer.used.contains_key(&token) {
            return Err(TurnedAway::Replayed);
        }
        if peer.used.len() >= MOST_TOKENS {
            let next = peer.used.values().min().copied().unwrap_or(now);
            return Err(TurnedAway::TooMany((next - now).num_seconds() + 1));
        }
        if peer.open >= MOST_OPEN {
            return Err(TurnedAway::TooMany(1));
        }
        peer.used.insert(token, until);
        peer.open += 1;
        Ok(Place {
            peers: Arc::clone(self),
            site,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SiteId, Peer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(peer) = self.peers.lock().get_mut(&self.site) {
            peer.open = peer.open.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn number(number: usize) -> Uuid {
        Uuid::from_u128(number as u128)
    }

    #[test]
    fn a_token_counts_once_until_it_would_be_refused_anyway() {
        let (peers, now) = (Arc::<Peers>::default(), DateTime::UNIX_EPOCH);
        let (leeds, hull) = (SiteId(number(1)), SiteId(number(2)));
        let until = now + TimeDelta::seconds(90);

        assert!(peers.admit(leeds, number(7), until, now).is_ok());
        assert_eq!(
            peers.admit(leeds, number(7), until, now).unwrap_err(),
            TurnedAway::Replayed
        );
        assert!(
            peers.admit(hull, number(7), until, now).is_ok(),
            "another site's token is another one"
        );
        assert!(
            peers
                .admit(leeds, number(7), until + TimeDelta::seconds(90), until)
                .is_ok()
        );
    }

    #[test]
    fn a_site_that_asks_too_often_waits_and_nobody_else_does() {
        let (peers, now) = (Arc::<Peers>::default(), DateTime::UNIX_EPOCH);
        let (leeds, hull) = (SiteId(number(1)), SiteId(number(2)));
        let until = now + TimeDelta::seconds(90);
        for token in 0..MOST_TOKENS {
            drop(peers.admit(leeds, number(token), until, now).unwrap());
        }

        let refused = peers.admit(leeds, number(MOST_TOKENS), until, now).unwrap_err();
        assert_eq!(refused, TurnedAway::TooMany(91));
        assert!(peers.admit(hull, number(1), until, now).is_ok());
        assert!(
            peers
                .admit(leeds, number(MOST_TOKENS), until + TimeDelta::seconds(90), until)
                .is_ok()
        );
        assert!(peers.lock()[&leeds].used.len() == 1, "what is over is forgotten");
    }

    #[test]
    fn a_site_has_so_many_requests_open_and_no_more() {
        let (peers, now) = (Arc::<Peers>::default(), DateTime::UNIX_EPOCH);
        let (leeds, until) = (SiteId(number(1)), now + TimeDelta::seconds(90));
        let mut open: Vec<_> = (0..MOST_OPEN)
            .map(|token| peers.admit(leeds, number(token), until, now).unwrap())
            .collect();

        assert_eq!(
            peers.admit(leeds, number(900), until, now).unwrap_err(),
            TurnedAway::TooMany(1)
        );
        open.pop();
        assert!(peers.admit(leeds, number(900), until, now).is_ok());
    }

    #[test]
    fn who_has_not_asked_for_long_is_forgotten() {
        let (peers, now) = (Arc::<Peers>::default(), DateTime::UNIX_EPOCH);
        let until = now + TimeDelta::seconds(90);
        for site in 0..50 {
            drop(peers.admit(SiteId(number(site)), number(1), until, now).unwrap());
        }

        let later = until + TimeDelta::seconds(1);
        drop(
            peers
                .admit(SiteId(number(99)), number(1), later + TimeDelta::seconds(90), later)
                .unwrap(),
        );
        assert_eq!(peers.lock().len(), 1);
    }
}
