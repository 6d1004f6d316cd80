//! The chain of a site's audit, and the site's word for it (`docs/security.md`, section 4). Entries stay at home; what
//! travels is the position and the hash at which the chain ends, signed by the site.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Head, Origin, Signature, hash::Message};

const START: &str = "cn-audit/1 start";
const ENTRY: &str = "cn-audit/1 entry";
const CHECKPOINT: &str = "cn-audit/1 checkpoint";

/// What an entry of the audit says: all of it counts in its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditLink<'a> {
    /// Whose audit it is.
    pub site: Origin,
    /// Its place in the chain, from 1 without gaps.
    pub position: u64,
    /// Its id.
    pub id: Uuid,
    /// When it happened, in whole milliseconds.
    pub at: DateTime<Utc>,
    /// Who did it; none when the host did it on its operator's word.
    pub pseudonym: Option<Uuid>,
    /// What was done.
    pub action: &'a str,
    /// What kind of record was changed.
    pub kind: &'a str,
    /// The record that was changed.
    pub record: Uuid,
}

/// A site's word for its audit up to a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditCheckpoint {
    /// The position.
    pub position: u64,
    /// The end of the chain there.
    pub hash: Head,
    /// When it was signed, by the clock of the site's host.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// Which key signed it.
    pub kid: String,
    /// The signature of [`audit_message`].
    pub sig: Signature,
}

/// The end of a chain before its first entry.
pub fn first_link(site: Origin) -> Head {
    Head(Message::about(START).id(site.0).hash())
}

/// The end of a chain after one more entry.
pub fn next_link(previous: Head, link: &AuditLink<'_>) -> Head {
    let message = Message::about(ENTRY)
        .bytes(&previous.0)
        .id(link.site.0)
        .number(link.position)
        .id(link.id)
        .time(link.at);
    // A byte says whether a person follows, so that no other parts give the same bytes.
    let message = match link.pseudonym {
        Some(pseudonym) => message.bytes(&[1]).id(pseudonym),
        None => message.bytes(&[0]),
    };
    Head(message.text(link.action).text(link.kind).id(link.record).hash())
}

/// What a site signs to vouch for its audit up to a position. The signature itself and `kid` are no part of it.
pub fn audit_message(site: Origin, checkpoint: &AuditCheckpoint) -> Vec<u8> {
    Message::about(CHECKPOINT)
        .id(site.0)
        .number(checkpoint.position)
        .bytes(&checkpoint.hash.0)
        .time(checkpoint.at)
        .whole()
}
