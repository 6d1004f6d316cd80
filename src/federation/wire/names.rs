//! What feeds are called: origin, audience, epoch, and the operations of their entries.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// One stretch of a feed's history: a UUIDv7, new whenever history broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub Uuid);

/// The home site of what a feed carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(pub Uuid);

/// Whom a feed is for. Its text form (`network`, `hub` or a site's id) stands in addresses and is what is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Every active member.
    Network,
    /// The national site's host alone, such as proposals.
    Hub,
    /// One site alone, such as reports; the hub relays it to that site's host.
    Site(Uuid),
}

/// The text names no audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an audience is `network`, `hub` or a site's id in lower case")]
pub struct UnknownAudience;

impl fmt::Display for Audience {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network => formatter.write_str("network"),
            Self::Hub => formatter.write_str("hub"),
            Self::Site(site) => write!(formatter, "{}", site.hyphenated()),
        }
    }
}

impl FromStr for Audience {
    type Err = UnknownAudience;

    /// Takes one spelling of each audience, so that an address and a hash never differ.
    fn from_str(text: &str) -> Result<Self, UnknownAudience> {
        let audience = match text {
            "network" => Self::Network,
            "hub" => Self::Hub,
            site => Self::Site(Uuid::try_parse(site).map_err(|_| UnknownAudience)?),
        };
        if audience.to_string() == text {
            Ok(audience)
        } else {
            Err(UnknownAudience)
        }
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What an entry does to its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Begins an epoch and names the one before, so that two stories cannot hide behind a new epoch.
    Open,
    /// The whole shared state of a record.
    Put,
    /// No longer shared. Reversible.
    #[serde(rename = "del")]
    Delete,
    /// Gone for ever. Nothing follows for this record.
    Erase,
}

impl Operation {
    /// The word that stands in a header and in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Put => "put",
            Self::Delete => "del",
            Self::Erase => "erase",
        }
    }

    /// The operation of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Put, Self::Delete, Self::Erase]
            .into_iter()
            .find(|operation| operation.word() == word)
    }

    /// Whether its entries carry a payload until a later entry replaces them.
    pub const fn has_payload(self) -> bool {
        matches!(self, Self::Open | Self::Put)
    }
}
