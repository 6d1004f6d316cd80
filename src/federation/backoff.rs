//! How long to wait after a failure: from two seconds to five minutes, and never for ever.

use std::time::Duration;

use crate::clock::Ids;

const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(300);

/// Counts failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Something worked.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Something failed: how long to wait before it is tried again. Each wait is about twice the one before; chance keeps
    /// many hosts from coming back at the same moment.
    pub fn failed(&mut self, ids: &Ids) -> Duration {
        let [chance] = ids.bytes::<1>();
        let longest = SHORTEST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let least = longest / 2;
        (least + least * u32::from(chance) / 255).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_two_seconds_to_five_minutes_and_begin_anew_after_a_success() {
        let ids = Ids::seeded(1);
        let mut backoff = Backoff::default();

        let waits: Vec<_> = (0..20).map(|_| backoff.failed(&ids)).collect();

        assert_eq!(waits[0], SHORTEST);
        assert!(
            waits.iter().all(|wait| (SHORTEST..=LONGEST).contains(wait)),
            "{waits:?}"
        );
        assert!(waits[12..].iter().all(|wait| *wait >= LONGEST / 2), "{waits:?}");
        assert!(waits[12..].windows(2).any(|pair| pair[0] != pair[1]), "they vary");
        backoff.reset();
        assert_eq!(backoff.failed(&ids), SHORTEST);
    }
}
