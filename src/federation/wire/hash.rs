//! What is hashed and signed, byte for byte (`docs/federation.md`, section 3).
//!
//! A text is its length as four bytes, highest first, and its UTF-8 bytes; an id is its 16 bytes; a number is eight
//! bytes, highest first. Every purpose begins with a text of its own, so that no signature fits two purposes.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Audience, Checkpoint, Epoch, Hash, Head, Origin, PublicKey, Salt};

const HEAD: &str = "cn-fed/1 head";
const ENTRY: &str = "cn-fed/1 entry";
const PAYLOAD: &str = "cn-fed/1 payload";
const CHECKPOINT: &str = "cn-fed/1 checkpoint";
const KEY: &str = "cn-fed/1 key";
const ROOT: &str = "cn-fed/1 root";

/// The bytes of one hash or signature, put together piece by piece.
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn about(purpose: &str) -> Self {
        Self(Vec::with_capacity(512)).text(purpose)
    }

    pub(super) fn text(self, text: &str) -> Self {
        // Texts are limited to far less than four gigabytes before they come here.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.bytes(&length.to_be_bytes()).bytes(text.as_bytes())
    }

    pub(super) fn id(self, id: Uuid) -> Self {
        self.bytes(id.as_bytes())
    }

    pub(super) fn number(self, number: u64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    pub(super) fn time(self, time: DateTime<Utc>) -> Self {
        self.bytes(&time.timestamp_millis().to_be_bytes())
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// What is signed.
    pub(super) fn whole(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn hash(self) -> [u8; 32] {
        let hash = digest(&SHA256, &self.0);
        hash.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

/// The head of an epoch before its first entry: it names origin, audience and epoch.
pub fn first_head(origin: Origin, audience: Audience, epoch: Epoch) -> Head {
    let message = Message::about(HEAD)
        .id(origin.0)
        .text(&audience.to_string())
        .id(epoch.0);
    Head(message.hash())
}

/// The head after one more entry, of which the header's exact text counts.
pub fn next_head(previous: Head, header: &str) -> Head {
    Head(Message::about(ENTRY).bytes(&previous.0).text(header).hash())
}

/// The hash of a payload that a header carries as `ph`.
pub fn payload_hash(salt: Salt, payload: &str) -> Hash {
    Hash(Message::about(PAYLOAD).bytes(&salt.0).text(payload).hash())
}

/// What an origin signs to vouch for its feed up to a position. The signature itself and `kid` are no part of it.
pub fn checkpoint_message(origin: Origin, audience: Audience, epoch: Epoch, checkpoint: &Checkpoint) -> Vec<u8> {
    Message::about(CHECKPOINT)
        .id(origin.0)
        .text(&audience.to_string())
        .id(epoch.0)
        .number(checkpoint.to)
        .bytes(&checkpoint.head.0)
        .time(checkpoint.at)
        .0
}

/// What a site's previous key signs to prove the next one.
pub fn key_message(site: Origin, kid: &str, key: PublicKey) -> Vec<u8> {
    Message::about(KEY).id(site.0).text(kid).bytes(&key.0).0
}

/// What the network's offline root signs to prove a key after a loss, or a key of the hub.
pub fn root_message(site: Origin, kid: &str, key: PublicKey) -> Vec<u8> {
    Message::about(ROOT).id(site.0).text(kid).bytes(&key.0).0
}
