//! Entries, batches and checkpoints (`docs/federation.md`, section 3).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Audience, Epoch, Hash, Head, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_HEADER_BYTES, MAX_NAME_BYTES,
    MAX_PAYLOAD_BYTES, Operation, Origin, Salt, Signature,
};

/// What an entry says about itself. Its JSON text is what the chain hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The position in the epoch, from 1 without gaps. It is the version of the record's shared state.
    pub pos: u64,
    /// The record; the epoch itself for [`Operation::Open`].
    pub gid: Uuid,
    /// The type of the record, such as `project`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The shape of the payload, such as `project@1`.
    pub schema: String,
    /// What happened to the record.
    pub op: Operation,
    /// The record that must be readable for this one to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Uuid>,
    /// The hash of the salted payload; absent when the operation carries none.
    pub ph: Option<Hash>,
    /// When the origin wrote it. It informs and never orders.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
}

/// One entry of a feed. Salt and payload are absent once a later entry of the same record has replaced them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The exact JSON text of a [`Header`].
    pub header: String,
    /// The salt of the payload's hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
    /// The exact JSON text of the record's shared state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// An origin's word for its feed up to a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The position.
    pub to: u64,
    /// The head after it.
    pub head: Head,
    /// When it was signed, by the origin's clock: compared only with other checkpoints of the same origin.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// Which key signed it.
    pub kid: String,
    /// The signature of [`super::checkpoint_message`].
    pub sig: Signature,
}

/// The proof that an origin has told two stories: it has signed two checkpoints of one epoch of a feed, and what leads to
/// the later one does not pass through the earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    /// The epoch.
    pub epoch: Epoch,
    /// The checkpoint that was held. Its position is not after that of the other.
    pub held: Checkpoint,
    /// The one that came.
    pub shown: Checkpoint,
}

/// The origin's word for the last entry of a batch. The same thing as a checkpoint; named for its place.
pub type Seal = Checkpoint;

/// Some entries of a feed in a row, with the origin's word for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Whose feed.
    pub origin: Origin,
    /// For whom.
    pub audience: Audience,
    /// Which stretch of its history.
    pub epoch: Epoch,
    /// The position of the first entry.
    pub from: u64,
    /// The position of the last entry; `from - 1` when there is none and only the checkpoint is news.
    pub to: u64,
    /// The head before the first entry.
    pub prev: Head,
    /// The entries, lowest position first.
    pub entries: Vec<Entry>,
    /// The newest checkpoint of the feed that the sender has, at `to` or later.
    pub checkpoint: Checkpoint,
    /// The origin's signature at exactly `to`, when the checkpoint lies further on. Without it a relay could alter the
    /// entries of a batch, and nobody would notice before the checkpoint is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

/// Where an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The epoch.
    pub epoch: Epoch,
    /// Its last position.
    pub to: u64,
    /// The head there.
    pub head: Head,
}

/// The payload of an epoch's first entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The epoch before; absent in a feed's first.
    pub previous: Option<Previous>,
}

/// Why a message is no message of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is not the JSON that it should be.
    #[error("not the JSON of a {0}")]
    Json(&'static str),
    /// A type or schema that is no name.
    #[error("a type or schema is no name")]
    Name,
    /// More entries than [`MAX_BATCH_ENTRIES`].
    #[error("more than {MAX_BATCH_ENTRIES} entries")]
    Entries,
    /// More bytes than [`MAX_BATCH_BYTES`].
    #[error("more than {MAX_BATCH_BYTES} bytes of entries")]
    Bytes,
    /// A header is longer than [`MAX_HEADER_BYTES`].
    #[error("a header of more than {MAX_HEADER_BYTES} bytes")]
    Header,
    /// A payload is longer than [`MAX_PAYLOAD_BYTES`].
    #[error("a payload of more than {MAX_PAYLOAD_BYTES} bytes")]
    Payload,
    /// `from`, `to` and the number of entries contradict each other, or the checkpoint lies before `to`.
    #[error("positions that contradict each other")]
    Positions,
}

impl Header {
    /// Reads the text of a header.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let header: Self = serde_json::from_str(text).map_err(|_| Malformed::Json("header"))?;
        let is_name = |name: &str| {
            let fits = (1..=MAX_NAME_BYTES).contains(&name.len());
            fits && name.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if is_name(&header.kind) && is_name(&header.schema) {
            Ok(header)
        } else {
            Err(Malformed::Name)
        }
    }

    /// Writes it, for the publisher. What was once written is never written again from its parts.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("a header has nothing that JSON cannot hold")
    }
}

impl Entry {
    /// Its bytes as the limits of a batch count them: the texts themselves.
    pub fn size(&self) -> usize {
        self.header.len() + self.payload.as_ref().map_or(0, String::len)
    }
}

impl Batch {
    /// Reads a batch and holds it to the limits. Garbage is an error, never a panic.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let batch: Self = serde_json::from_slice(bytes).map_err(|_| Malformed::Json("batch"))?;
        batch.within_limits()?;
        Ok(batch)
    }

    /// Whether its size and its positions are possible.
    pub fn within_limits(&self) -> Result<(), Malformed> {
        if self.entries.len() > MAX_BATCH_ENTRIES {
            return Err(Malformed::Entries);
        }
        if self.entries.iter().any(|entry| entry.header.len() > MAX_HEADER_BYTES) {
            return Err(Malformed::Header);
        }
        let payloads = self.entries.iter().filter_map(|entry| entry.payload.as_ref());
        if payloads.map(String::len).any(|length| length > MAX_PAYLOAD_BYTES) {
            return Err(Malformed::Payload);
        }
        if self.entries.iter().map(Entry::size).sum::<usize>() > MAX_BATCH_BYTES {
            return Err(Malformed::Bytes);
        }
        let end = self.from.checked_add(self.entries.len() as u64);
        let sealed_at = self.seal.as_ref().map_or(self.to, |seal| seal.to);
        if self.from == 0 || end != self.to.checked_add(1) || sealed_at != self.to || self.checkpoint.to < self.to {
            return Err(Malformed::Positions);
        }
        Ok(())
    }

    /// The origin's word for its last entry, when it has one.
    pub fn sealed_by(&self) -> Option<&Seal> {
        self.seal
            .as_ref()
            .or_else(|| (self.checkpoint.to == self.to).then_some(&self.checkpoint))
    }
}

impl Opening {
    /// Reads the payload of an epoch's first entry.
    pub fn parse(payload: &str) -> Result<Self, Malformed> {
        serde_json::from_str(payload).map_err(|_| Malformed::Json("opening"))
    }

    /// Writes it, for the publisher.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("an opening has nothing that JSON cannot hold")
    }
}
