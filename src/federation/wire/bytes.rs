//! Byte strings of a fixed length, written as base64url without padding.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! fixed_bytes {
    ($($(#[$doc:meta])* $name:ident: $length:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// Reads base64url without padding; anything else, or another length, is `None`.
            pub fn parse(text: &str) -> Option<Self> {
                let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({self})", stringify!($name))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text)
                    .ok_or_else(|| de::Error::custom(concat!("expected ", $length, " bytes as base64url without padding")))
            }
        }
    )*};
}

fixed_bytes! {
    /// The hash chain of a feed up to a position: 32 bytes, 43 characters.
    Head: 32;
    /// The hash of a salted payload: 32 bytes, 43 characters.
    Hash: 32;
    /// What stops guessing a payload from its hash: 16 random bytes an entry, 22 characters.
    Salt: 16;
    /// The public half of an Ed25519 key: 32 bytes, 43 characters.
    PublicKey: 32;
    /// An Ed25519 signature: 64 bytes, 86 characters.
    Signature: 64;
}
