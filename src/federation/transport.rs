//! Tokens between hosts (`docs/federation.md`, section 4): a site signs each of its requests to another host.
//!
//! A token is a JWT for one request to one host: method, address and body stand in it. It lives for at most a minute and
//! counts once; remembering which were used is the receiver's affair.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::serde::ts_seconds;
use chrono::{DateTime, TimeDelta, Utc};
use entity::SiteId;
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{
    keys::SiteKey,
    protocol::directory::Standing,
    wire::{Ed25519, Hash, Signature, Verify},
};
use crate::error::{Error, Result};

/// The `typ` of a token: no token for anything else passes for one.
const KIND: &str = "cn-fed+jwt";

const ALGORITHM: &str = "EdDSA";
const MAX_TOKEN_BYTES: usize = 2 * 1024;

/// The longest life of a token.
pub const LIFE: TimeDelta = TimeDelta::seconds(60);

/// How long a token of this host lives: the shorter, the more requests go into the memory of the other host.
const SIGNED_FOR: TimeDelta = TimeDelta::seconds(30);

/// How far two hosts' clocks may differ.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// The request that a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The host that is asked.
    pub host: Uuid,
    /// GET or POST.
    pub method: &'a str,
    /// Path and query behind the host's base address, from `/fed/v1/` on.
    pub target: &'a str,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

/// Exactly these claims, each once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: Uuid,
    sub: Uuid,
    aud: Uuid,
    #[serde(with = "ts_seconds")]
    iat: DateTime<Utc>,
    #[serde(with = "ts_seconds")]
    exp: DateTime<Utc>,
    jti: Uuid,
    htm: String,
    htu: String,
    bh: Hash,
}

/// Why a token does not count. A sentence for whoever runs the other host; it holds nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenRefused(pub &'static str);

/// A token that says the right things. Nothing is proved before [`Presented::is_signed_by`].
#[derive(Debug)]
pub struct Presented {
    kid: String,
    message: String,
    signature: Signature,
    claims: Claims,
}

/// Signs a request in the name of a site. `now` is the receiver's time as far as it is known.
///
/// # Errors
/// Only when the key cannot sign.
pub fn sign(
    key: &SiteKey,
    site: SiteId,
    request: &Request<'_>,
    body: &[u8],
    now: DateTime<Utc>,
    id: Uuid,
) -> Result<String> {
    let header = Header {
        typ: KIND.to_owned(),
        alg: ALGORITHM.to_owned(),
        kid: key.kid().to_owned(),
    };
    let until = now.checked_add_signed(SIGNED_FOR);
    let claims = Claims {
        iss: site.0,
        sub: site.0,
        aud: request.host,
        iat: now,
        exp: until.ok_or_else(|| Error::internal("a time that no clock shows"))?,
        jti: id,
        htm: request.method.to_owned(),
        htu: request.target.to_owned(),
        bh: body_hash(body),
    };
    let message = format!("{}.{}", part(&header)?, part(&claims)?);
    let signature = key.sign(message.as_bytes())?;
    Ok(format!("{message}.{signature}"))
}

/// Reads a token for a request to this host.
///
/// # Errors
/// What is wrong with it.
pub fn read(token: &str, request: &Request<'_>, now: DateTime<Utc>) -> Result<Presented, TokenRefused> {
    if token.len() > MAX_TOKEN_BYTES {
        return refuse("The token is longer than 2 KiB.");
    }
    let parts: Vec<_> = token.splitn(4, '.').collect();
    let [header, claims, signature] = parts[..] else {
        return refuse("The token does not have three parts.");
    };
    let message = &token[..header.len() + 1 + claims.len()];
    let Some(read) = decode::<Header>(header) else {
        return refuse("The header of the token is not typ, alg and kid.");
    };
    if read.typ != KIND || read.alg != ALGORITHM {
        return refuse("The typ of the token is not cn-fed+jwt, or its alg is not EdDSA.");
    }
    let Some(claims) = decode::<Claims>(claims) else {
        return refuse("The claims of the token are not iss, sub, aud, iat, exp, jti, htm, htu and bh.");
    };
    let Some(signature) = Signature::parse(signature) else {
        return refuse("The signature of the token is not one of Ed25519.");
    };
    claims.check(request, now)?;
    Ok(Presented {
        kid: read.kid,
        message: message.to_owned(),
        signature,
        claims,
    })
}

impl Claims {
    fn check(&self, request: &Request<'_>, now: DateTime<Utc>) -> Result<(), TokenRefused> {
        if self.iss != self.sub {
            return refuse("The iss and the sub of the token differ.");
        }
        if self.aud != request.host {
            return refuse("The token is for another host.");
        }
        if self.htm != request.method {
            return refuse("The token is for another method.");
        }
        if self.htu != request.target {
            return refuse("The token is for another address.");
        }
        if self.exp <= self.iat || self.exp - self.iat > LIFE {
            return refuse("The token does not expire within 60 seconds of its issue.");
        }
        if now + LEEWAY < self.iat {
            return refuse("The token was issued in the future.");
        }
        if now >= self.exp + LEEWAY {
            return refuse("The token has expired.");
        }
        Ok(())
    }
}

impl Presented {
    /// The site that it claims to be of.
    pub fn site(&self) -> SiteId {
        SiteId(self.claims.iss)
    }

    /// What tells it from all other tokens of the site.
    pub fn id(&self) -> Uuid {
        self.claims.jti
    }

    /// Until when it would count again if nobody remembered it.
    pub fn until(&self) -> DateTime<Utc> {
        self.claims.exp + LEEWAY
    }

    /// Whether the present key of the site signed it.
    ///
    /// # Errors
    /// What is wrong with the key or the signature.
    pub fn is_signed_by(&self, standing: &Standing) -> Result<(), TokenRefused> {
        let Some(key) = standing.keys.current().filter(|key| key.kid == self.kid) else {
            return refuse("The token is not signed with the present key of the site.");
        };
        if standing.origin.0 == self.claims.iss && Ed25519.verify(key.public, self.message.as_bytes(), self.signature) {
            Ok(())
        } else {
            refuse("The signature of the token is wrong.")
        }
    }

    /// Whether it is for this body.
    ///
    /// # Errors
    /// When it is for another.
    pub fn is_for(&self, body: &[u8]) -> Result<(), TokenRefused> {
        if body_hash(body) == self.claims.bh {
            Ok(())
        } else {
            refuse("The token is for another body.")
        }
    }
}

fn body_hash(body: &[u8]) -> Hash {
    Hash(Sha256::digest(body).into())
}

fn part(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(value).map_err(Error::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn refuse<T>(why: &'static str) -> Result<T, TokenRefused> {
    Err(TokenRefused(why))
}
