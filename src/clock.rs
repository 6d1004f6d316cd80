//! Time and chance: the process's own, or set by a test.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{Kind, RecordId};
use sea_orm::prelude::Uuid;
use sha2::{Digest, Sha256};
use tokio::{sync::watch, time::sleep};

/// How long the machine's clock is trusted to go as fast as a timer: it may be set meanwhile.
const LOOKING: Duration = Duration::from_secs(60);

/// Tells the time in whole milliseconds.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's.
    #[default]
    System,
    /// Stands still until it is set; milliseconds since 1970.
    Set(Arc<watch::Sender<i64>>),
}

impl Clock {
    /// A clock that stands still at an instant.
    pub fn standing_at(instant: DateTime<Utc>) -> Self {
        Self::Set(Arc::new(watch::Sender::new(instant.timestamp_millis())))
    }

    /// The present instant.
    pub fn now(&self) -> DateTime<Utc> {
        let millis = match self {
            #[expect(clippy::disallowed_methods, reason = "the one clock")]
            Self::System => Utc::now().timestamp_millis(),
            Self::Set(millis) => *millis.borrow(),
        };
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }

    /// The present day, UTC.
    pub fn today(&self) -> NaiveDate {
        self.now().date_naive()
    }

    /// Moves a standing clock; the machine's goes its own way.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Set(millis) = self {
            millis.send_modify(|millis| *millis += by.num_milliseconds());
        }
    }

    /// Resolves when an instant has come.
    pub async fn reached(&self, instant: DateTime<Utc>) {
        if let Self::Set(millis) = self {
            let mut moves = millis.subscribe();
            // The sender lives as long as this.
            let _ = moves.wait_for(|now| *now >= instant.timestamp_millis()).await;
            return;
        }
        while let Ok(left) = (instant - self.now()).to_std()
            && !left.is_zero()
        {
            sleep(left.min(LOOKING)).await;
        }
    }
}

/// Times that only go forward, although a clock may be put back.
#[derive(Debug, Default)]
pub struct Forward(AtomicI64);

impl Forward {
    /// The present instant, or a millisecond after the last that was told when the clock is behind it.
    pub fn time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let now = now.timestamp_millis();
        let next = |last: i64| if now < last { last.saturating_add(1) } else { now };
        let last = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(next(last)));
        DateTime::from_timestamp_millis(last.map_or(now, next)).unwrap_or_default()
    }
}

/// Makes ids and secrets.
#[derive(Debug, Default)]
pub struct Ids {
    seed: Option<(u64, AtomicU64)>,
    last: Mutex<(i64, u16)>,
}

impl Ids {
    /// Makes the same ids in the same order for the same seed. For tests.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed: Some((seed, AtomicU64::new(0))),
            last: Mutex::default(),
        }
    }

    /// A new id: a UUIDv7, so that newer ids are greater, or a UUIDv4 for people, since an id must not tell when
    /// somebody joined.
    pub fn next<Id: RecordId>(&self, now: DateTime<Utc>) -> Id {
        if Id::KIND == Kind::Champion {
            Id::from(self.unordered())
        } else {
            Id::from(self.ordered(now))
        }
    }

    /// A UUIDv7 (RFC 9562, 5.7), counting up within a millisecond.
    pub fn ordered(&self, now: DateTime<Utc>) -> Uuid {
        let mut bytes = self.bytes::<10>();
        let millis = now.timestamp_millis();
        let count = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = if last.0 == millis {
                (millis, last.1.wrapping_add(1))
            } else {
                (millis, 0)
            };
            last.1
        };
        // The 12 bits after the version count up.
        bytes[..2].copy_from_slice(&(count & 0x0fff).to_be_bytes());
        let millis = u64::try_from(millis).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// A UUIDv4.
    pub fn unordered(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// Random bytes, fit for secrets unless seeded.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.seed {
            None => aws_lc_rs::rand::fill(&mut bytes).expect("the system's random source never runs dry"),
            Some((seed, count)) => {
                let count = count.fetch_add(1, Ordering::SeqCst);
                for (block, chunk) in bytes.chunks_mut(32).enumerate() {
                    let hash = Sha256::digest([*seed, count, block as u64].map(u64::to_be_bytes).concat());
                    chunk.copy_from_slice(&hash[..chunk.len()]);
                }
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_on_when_the_clock_is_put_back() {
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap();
        let forward = Forward::default();

        let told = [5, 5, 9, 2, 3, 12].map(|millis| forward.time(at(millis)).timestamp_millis());

        assert_eq!(told, [5, 5, 9, 10, 11, 12]);
    }

    #[tokio::test]
    async fn an_instant_comes_when_a_standing_clock_is_moved_there() {
        let clock = Clock::standing_at(DateTime::UNIX_EPOCH);
        let reached = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.reached(DateTime::UNIX_EPOCH + TimeDelta::seconds(2)).await })
        };
        clock.advance(TimeDelta::seconds(1));
        tokio::task::yield_now().await;
        assert!(!reached.is_finished());

        clock.advance(TimeDelta::seconds(1));
        reached.await.unwrap();
    }

    #[test]
    fn ids_of_one_millisecond_count_up() {
        let ids = Ids::seeded(1);
        let now = Clock::standing_at(DateTime::UNIX_EPOCH).now();

        let made: Vec<Uuid> = (0..100).map(|_| ids.ordered(now)).collect();

        assert!(made.is_sorted());
        assert_eq!(made[0].get_version_num(), 7);
    }
}
