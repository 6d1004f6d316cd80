//! What hosts tell each other beside batches (`docs/federation.md`, section 4). Everything is JSON; times are whole
//! milliseconds since 1970.

use chrono::{DateTime, Utc};
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};

use super::wire::{
    Audience, AuditCheckpoint, Checkpoint, Epoch, Fork, Head, MAX_BATCH_BYTES, Origin, Previous, ProtocolRange,
    PublicKey, Signature,
};

/// Most bytes of a body in either direction: a batch whose every byte is escaped, and what stands around it.
pub const MAX_BODY_BYTES: usize = 2 * MAX_BATCH_BYTES + 256 * 1024;

/// The longest that a host waits for changes before it answers that there are none.
pub const MAX_WAIT_SECONDS: u64 = 25;

/// Most feeds of one answer to `changes`, and most cursors of one `ack`.
pub const MAX_LISTED: usize = 500;

/// Most erased records of one [`Witness`].
pub const MAX_ERASED: usize = 10_000;

/// Most characters of the reason of a report.
pub const MAX_REASON_CHARS: usize = 500;

/// The header in which a host says which version of the protocol it speaks.
pub const PROTOCOL_HEADER: &str = "cn-fed";

/// The header of a 204 that carries the origin's word: base64url of a [`Checkpoint`]'s JSON.
pub const CHECKPOINT_HEADER: &str = "cn-checkpoint";

/// The code of a 503 for a feed that its host does not publish before others have told it what they have read.
pub const HELD: &str = "HELD";

/// What a host says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Whom tokens for it are made out to.
    pub host: Uuid,
    /// Whether it keeps the national site.
    pub hub: bool,
    /// The versions of the protocol that it speaks.
    pub protocol: ProtocolRange,
    /// The shapes of payloads that it knows.
    pub schemas: Vec<String>,
    /// The national site, at the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeper: Option<Keeper>,
    /// What it accepts.
    pub limits: Limits,
    /// Its time, so that a host whose clock is wrong can still make tokens.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// What it holds of the calling site's feeds; nothing without a token.
    pub cursors: Vec<Cursor>,
}

/// The national site as its host tells of it: what a host has to know that joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeper {
    /// Its id.
    pub site: Origin,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The key that it signs with.
    #[serde(rename = "pub")]
    pub public: PublicKey,
    /// The root's signature of that key.
    pub proof: Signature,
    /// The network's root.
    pub root: PublicKey,
}

/// A key that is to take the place of the present one of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Its public half. Its name is its thumbprint (RFC 7638).
    #[serde(rename = "pub")]
    pub public: PublicKey,
    /// Its signature by the present key.
    pub proof: Signature,
}

/// What a host accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most entries of a batch.
    pub entries: usize,
    /// Most bytes of a batch's entries.
    pub bytes: usize,
    /// Most bytes of a payload.
    pub payload: usize,
    /// Most bytes of a body.
    pub body: usize,
    /// The longest wait for changes, in seconds.
    pub wait: u64,
    /// Most requests of a site while their tokens live.
    pub requests: usize,
}

/// What a host holds of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// For whom the feed is.
    pub audience: Audience,
    /// Where what is held ends.
    #[serde(flatten)]
    pub held: Previous,
}

/// The answer to an append: 200 with what is held now, or 409 with what is held instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Where what is held ends; none when the epoch is unknown and has to be sent from its start.
    pub cursor: Option<Previous>,
}

/// Which feeds advanced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// What to ask from next time.
    pub since: i64,
    /// The feeds, those that advanced longest ago first.
    pub feeds: Vec<Advance>,
    /// Sites of the answering host that publish nothing before somebody has told it, in an `ack`, what the network has read
    /// of them: it stopped without order, and may have come back from a backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub testify: Vec<Origin>,
}

/// A feed that advanced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advance {
    /// Whose.
    pub origin: Origin,
    /// For whom.
    pub audience: Audience,
    /// Its present epoch.
    pub epoch: Epoch,
    /// The origin's word for its end: who stands there need not ask for it.
    pub checkpoint: Checkpoint,
}

/// What a host says of the feeds that it keeps for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Whose feeds.
    pub origin: Origin,
    /// The feeds, with the newest word of the origin that is held of each.
    pub feeds: Vec<Testimony>,
    /// Its records that are gone for ever, at most [`MAX_ERASED`] of them, in the order of their ids.
    #[serde(default)]
    pub erased: Vec<Uuid>,
    /// The last of these records when more of them follow behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
    /// Who has read its feeds how far; told to the origin alone.
    #[serde(default)]
    pub acknowledged: Vec<Acknowledged>,
}

impl Witness {
    /// The records that follow one of `erased`, which come in order, as many as are told at once.
    pub fn page(&self, after: Option<Uuid>) -> Self {
        let mut page = self.clone();
        page.erased.retain(|id| after.is_none_or(|after| *id > after));
        page.erased.sort_unstable();
        let more = page.erased.len() > MAX_ERASED;
        page.erased.truncate(MAX_ERASED);
        page.next = page.erased.last().copied().filter(|_| more);
        page
    }
}

/// How far a site's host has read a feed to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledged {
    /// The site that says so.
    pub site: Origin,
    /// For whom the feed is.
    pub audience: Audience,
    /// Its epoch.
    pub epoch: Epoch,
    /// The position.
    pub pos: u64,
}

/// The newest word of an origin that a host holds of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Testimony {
    /// For whom the feed is.
    pub audience: Audience,
    /// Its epoch.
    pub epoch: Epoch,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

/// How far a host has read feeds to the end: a receipt for every erasure up to there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    /// The host.
    pub host: Uuid,
    /// The feeds.
    pub cursors: Vec<Receipt>,
    /// What it remembers of the sites that asked to be told ([`Changes::testify`]).
    #[serde(default)]
    pub testimony: Vec<Witness>,
}

/// How far one feed was read to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Whose.
    pub origin: Origin,
    /// For whom.
    pub audience: Audience,
    /// Its epoch.
    pub epoch: Epoch,
    /// The position.
    pub pos: u64,
}

/// Something of a feed that a host could not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Whose.
    pub origin: Origin,
    /// For whom.
    pub audience: Audience,
    /// The epoch, when one was being read.
    pub epoch: Option<Epoch>,
    /// The position behind which it was.
    pub pos: u64,
    /// What was wrong. Nothing of a payload.
    pub reason: String,
    /// The proof, when it is that the origin has signed two stories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<Box<Fork>>,
}

/// What the hub has signed of the audits of the sites that it keeps: its answer to a checkpoint of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditTold {
    /// The newest checkpoint of each.
    pub kept: Vec<SiteAudit>,
}

/// The newest word of a site for its audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteAudit {
    /// Whose audit it is.
    pub site: Origin,
    /// The word.
    pub checkpoint: AuditCheckpoint,
}

/// What the hub holds of the audit of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHeld {
    /// The checkpoints behind the position that was asked for, at most [`MAX_LISTED`], in order.
    pub checkpoints: Vec<AuditCheckpoint>,
    /// Whether there are more behind the last.
    pub more: bool,
}

/// Why a request was not served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// The answer 409 to a reader whose history is not that of the feed: what the feed is instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diverged {
    /// The present epoch.
    pub epoch: Epoch,
    /// Its last position.
    pub pos: u64,
    /// The head after it.
    pub head: Head,
}
