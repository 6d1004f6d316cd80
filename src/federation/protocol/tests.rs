//! What the simulation does not show: single rules, rare states, and real keys.

mod consumer;
mod publisher;
mod trust;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{directory::Standing, keys::Keys};
use crate::federation::wire::{
    Audience, Batch, Checkpoint, Epoch, Key, Member, Origin, ProtocolRange, PublicKey, Signature, Status,
    checkpoint_message, key_message, root_message,
};

/// A real key pair, always the same for a number.
struct Pair(Ed25519KeyPair);

impl Pair {
    fn new(number: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[number; 32]).unwrap())
    }

    fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().try_into().unwrap())
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).as_ref().try_into().unwrap())
    }

    /// Proves a key as the one before it.
    fn proves(&self, kid: &str, key: &Self) -> Option<Signature> {
        Some(self.sign(&key_message(site(), kid, key.public())))
    }

    /// Proves a key as the root.
    fn vouches(&self, kid: &str, key: &Self) -> Option<Signature> {
        Some(self.sign(&root_message(site(), kid, key.public())))
    }
}

fn site() -> Origin {
    Origin(Uuid::from_u128(1))
}

fn epoch(number: u128) -> Epoch {
    Epoch(Uuid::from_u128(0xe000 + number))
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_795_000_000 + seconds)
}

fn key(kid: &str, pair: &Pair, proof: Option<Signature>) -> Key {
    Key {
        kid: kid.into(),
        public: pair.public(),
        proof,
        feeds: Vec::new(),
        revoked_at: None,
    }
}

fn member(keys: Vec<Key>) -> Member {
    Member {
        site: site(),
        slug: "blackpool".into(),
        name: "Blackpool".into(),
        region: None,
        status: Status::Active,
        endpoint: None,
        types_allowed: vec!["project".into()],
        protocol: ProtocolRange { min: 1, max: 1 },
        keys,
    }
}

fn standing(keys: Keys) -> Standing {
    Standing::of(&member(Vec::new()), Origin(Uuid::from_u128(9)), keys)
}

/// Signs the end of a batch.
fn seal(pair: &Pair, batch: &mut Batch) {
    let Checkpoint {
        to, head, at, ref kid, ..
    } = batch.checkpoint;
    let unsigned = Checkpoint {
        to,
        head,
        at,
        kid: kid.clone(),
        sig: Signature([0; 64]),
    };
    let message = checkpoint_message(batch.origin, batch.audience, batch.epoch, &unsigned);
    batch.checkpoint.sig = pair.sign(&message);
}

fn audience() -> Audience {
    Audience::Network
}
