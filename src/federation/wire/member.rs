//! The directory's record of a site, type `member` in the national feed (`docs/federation.md`, section 2).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Audience, Epoch, Origin, PublicKey, Signature};

/// What the network knows of a site. Its settings stay at its host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The site.
    pub site: Origin,
    /// Its name in addresses and roles. Never used again for another site.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The region that it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether it takes part.
    pub status: Status,
    /// Where its host answers GraphQL, for people's browsers. No host fetches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The types of records that it may yield.
    pub types_allowed: Vec<String>,
    /// The versions of the protocol that its host speaks.
    pub protocol: ProtocolRange,
    /// Its keys, oldest first.
    pub keys: Vec<Key>,
}

/// Whether a site takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It asked to take part.
    Applied,
    /// It takes part.
    Active,
    /// It is kept out for now: its rows are hidden.
    Suspended,
    /// It has gone: its rows are deleted.
    Left,
}

/// The lowest and highest version of the protocol that a host speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolRange {
    /// The lowest.
    pub min: u32,
    /// The highest.
    pub max: u32,
}

/// A key of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its name; never used again for another key of the site.
    pub kid: String,
    /// Its public half.
    #[serde(rename = "pub")]
    pub public: PublicKey,
    /// The signature of this key by the site's previous key, or by the network's root. The first key has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Signature>,
    /// Which positions of which feeds it may sign.
    pub feeds: Vec<Window>,
    /// Since when it must not be trusted, the past included.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "chrono::serde::ts_milliseconds_option"
    )]
    pub revoked_at: Option<DateTime<Utc>>,
}

/// The positions of one feed that a key may sign. A window without `to` is open: its epoch is the feed's current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The audience of the feed.
    pub audience: Audience,
    /// The epoch of the feed.
    pub epoch: Epoch,
    /// The first position.
    pub from: u64,
    /// The last position, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

impl Window {
    /// Whether it is of this feed and holds this position.
    pub fn covers(&self, audience: Audience, epoch: Epoch, position: u64) -> bool {
        self.audience == audience
            && self.epoch == epoch
            && self.from <= position
            && self.to.is_none_or(|to| position <= to)
    }
}

impl Member {
    /// Reads the payload of a directory record.
    pub fn parse(payload: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(payload)
    }
}
