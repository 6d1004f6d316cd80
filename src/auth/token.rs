//! The token profile: what an access token (RFC 9068) must look like to prove who is asking.
//!
//! The signature is checked by a library; everything else is checked here, claim by claim, so that each rule can be
//! read in one place. No rule reads a clock: `now` is a parameter.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use entity::{SiteId, SiteRole, TokenAlgorithm};
use serde_json::{Map, Value};
use url::Url;

use super::issuers::KeySets;
use super::jwk::JwkSet;
use super::strict_json;

const MAX_TOKEN_BYTES: usize = 8 * 1024;
const MAX_HEADER_BYTES: usize = 4 * 1024;
const MAX_TEXT_CHARS: usize = 255;
/// How far clocks may be apart.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(30);
const MAX_LIFE: TimeDelta = TimeDelta::hours(24);

/// Header members that bring a key of their own or change what the signature covers.
const DANGEROUS_MEMBERS: [&str; 7] = ["jwk", "jku", "x5u", "x5c", "crit", "zip", "b64"];

/// What a site has agreed with an issuer: whose tokens it accepts, and what they may grant there.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The only site that tokens can grant roles on through this registration.
    pub site: SiteId,
    /// The name of that site in the roles of a token.
    pub site_slug: String,
    /// The issuer, compared exactly.
    pub iss: String,
    /// The audience that a token must list, compared exactly.
    pub audience: String,
    /// The algorithms that the site accepts from this issuer.
    pub algorithms: Vec<TokenAlgorithm>,
    /// Where the keys of the issuer come from.
    pub keys: KeySource,
    /// The name of the claim that lists roles.
    pub roles_claim: String,
    /// The roles that the issuer may grant on the site.
    pub may_grant: Vec<SiteRole>,
}

/// Where the keys of an issuer come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Registered together with the issuer.
    Inline(Arc<JwkSet>),
    /// Published by the issuer.
    Url(Url),
}

/// What a token has proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Who signed the token.
    pub iss: String,
    /// Whom the token is about: unique within the issuer.
    pub sub: String,
    /// When the token ends, without leeway.
    pub expires_at: DateTime<Utc>,
    /// The sites with a registration that accepts the token; sorted, none twice. Only there is `sub` this person: another
    /// site may have registered other keys under the same issuer's name.
    pub sites: Vec<SiteId>,
    /// The roles that every registration which accepts the token grants on its own site; sorted, none twice.
    pub roles: Vec<(SiteId, SiteRole)>,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct TokenRefused {
    /// A sentence for the person who makes the tokens. Holds nothing of the token.
    pub why: &'static str,
}

/// The name of a role in a token.
pub fn role_name(role: SiteRole) -> &'static str {
    match role {
        SiteRole::Champion => "champion",
        SiteRole::ProjectLead => "project_lead",
        SiteRole::Curator => "curator",
        SiteRole::Moderator => "moderator",
        SiteRole::Analyst => "analyst",
        SiteRole::SiteAdmin => "site_admin",
    }
}

/// The issuer that a token names, so that its registrations can be looked up. Nothing is proved by it.
pub fn claimed_issuer(token: &str) -> Result<String, TokenRefused> {
    Ok(Token::read(token)?.claims.iss)
}

/// Proves who is asking: checks the token against each registration of its issuer and unites what they grant.
///
/// A registration counts if its audience is in the token, it lists the algorithm, its own keys verify the signature
/// and its roles claim can be read. One that does not count takes nothing from the others.
pub async fn verify(
    token: &str,
    registrations: &[Registration],
    keys: &KeySets,
    now: DateTime<Utc>,
) -> Result<Proven, TokenRefused> {
    let token = Token::read(token)?;
    token.claims.check_times(now)?;
    let mut refusal = None;
    let (mut sites, mut roles) = (BTreeSet::new(), BTreeSet::new());
    for registration in registrations
        .iter()
        .filter(|registration| registration.iss == token.claims.iss)
    {
        match token.granted(registration, keys, now).await {
            Ok(granted) => {
                sites.insert(registration.site);
                roles.extend(granted);
            }
            Err((stage, refused)) if refusal.is_none_or(|(furthest, _)| stage > furthest) => {
                refusal = Some((stage, refused));
            }
            Err(_) => {}
        }
    }
    if sites.is_empty() {
        return match refusal {
            Some((_, refused)) => Err(refused),
            None => refuse("The issuer of the token is not registered here."),
        };
    }
    Ok(Proven {
        iss: token.claims.iss,
        sub: token.claims.sub,
        expires_at: token.claims.expires_at,
        sites: sites.into_iter().collect(),
        roles: roles.into_iter().collect(),
    })
}

/// How far a token came with a registration. Of several refusals the one that came furthest is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Audience,
    Algorithm,
    Keys,
    Signature,
    Roles,
}

/// A token whose form is right. Nothing in it is proved yet.
struct Token<'a> {
    algorithm: TokenAlgorithm,
    kid: Option<String>,
    signed: &'a str,
    signature: &'a str,
    claims: Claims,
}

impl<'a> Token<'a> {
    fn read(token: &'a str) -> Result<Self, TokenRefused> {
        if token.len() > MAX_TOKEN_BYTES {
            return refuse("The token is longer than 8 KiB.");
        }
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [header, claims, signature] = parts[..] else {
            return refuse("The token does not have three parts.");
        };
        let (Some(header_bytes), Some(claims_bytes), Some(_)) = (decode(header), decode(claims), decode(signature))
        else {
            return refuse("A part of the token is not base64url without padding.");
        };
        let (algorithm, kid) = read_header(&header_bytes)?;
        Ok(Self {
            algorithm,
            kid,
            signed: &token[..header.len() + 1 + claims.len()],
            signature,
            claims: Claims::read(&claims_bytes)?,
        })
    }

    async fn granted(
        &self,
        registration: &Registration,
        keys: &KeySets,
        now: DateTime<Utc>,
    ) -> Result<Vec<(SiteId, SiteRole)>, (Stage, TokenRefused)> {
        if !self.claims.audiences.contains(&registration.audience) {
            return Err((
                Stage::Audience,
                TokenRefused {
                    why: "The token is for another audience.",
                },
            ));
        }
        if !registration.algorithms.contains(&self.algorithm) {
            let why = "The algorithm of the token is not one that is registered for its issuer.";
            return Err((Stage::Algorithm, TokenRefused { why }));
        }
        let fetched;
        let set = match &registration.keys {
            KeySource::Inline(set) => set,
            KeySource::Url(url) => {
                let answer = keys.lookup(url, self.kid.as_deref(), now).await;
                fetched = answer.map_err(|why| (Stage::Keys, TokenRefused { why }))?;
                &fetched
            }
        };
        self.check_signature(set)
            .map_err(|refused| (Stage::Signature, refused))?;
        self.claims
            .roles(registration)
            .map_err(|refused| (Stage::Roles, refused))
    }

    fn check_signature(&self, set: &JwkSet) -> Result<(), TokenRefused> {
        let candidates = set.candidates(self.kid.as_deref());
        if candidates.is_empty() {
            return refuse(match self.kid {
                Some(_) => "The issuer has no key of the kid that the token names.",
                None => "The token names no kid, and its issuer has several keys.",
            });
        }
        if !candidates.iter().any(|key| key.allows(self.algorithm)) {
            return refuse("The algorithm of the token is not that of its key.");
        }
        if !candidates
            .iter()
            .any(|key| key.verifies(self.algorithm, self.signed, self.signature))
        {
            return refuse("The signature of the token is wrong.");
        }
        Ok(())
    }
}

fn read_header(bytes: &[u8]) -> Result<(TokenAlgorithm, Option<String>), TokenRefused> {
    if bytes.len() > MAX_HEADER_BYTES {
        return refuse("The header of the token is longer than 4 KiB.");
    }
    let Some(header) = strict_json::object(bytes) else {
        return refuse("The header of the token is not a JSON object without repeated members.");
    };
    if DANGEROUS_MEMBERS.iter().any(|name| header.contains_key(*name)) {
        return refuse(
            "The header of the token has one of jwk, jku, x5u, x5c, crit, zip, b64, which are not accepted.",
        );
    }
    let kind = header.get("typ").and_then(Value::as_str).unwrap_or_default();
    if !["at+jwt", "application/at+jwt", "JWT"]
        .iter()
        .any(|accepted| kind.eq_ignore_ascii_case(accepted))
    {
        return refuse("The typ of the token is neither at+jwt nor JWT.");
    }
    let Some(algorithm) = header
        .get("alg")
        .and_then(Value::as_str)
        .and_then(|name| name.parse().ok())
    else {
        return refuse("The alg of the token is none of EdDSA, ES256, RS256, PS256.");
    };
    let Ok(kid) = header.get("kid").map(short_text).transpose() else {
        return refuse("The kid of the token is not a text of 1 to 255 characters.");
    };
    Ok((algorithm, kid))
}

/// The claims of a token, rightly typed.
struct Claims {
    iss: String,
    sub: String,
    audiences: Vec<String>,
    issued_at: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    all: Map<String, Value>,
}

impl Claims {
    fn read(bytes: &[u8]) -> Result<Self, TokenRefused> {
        let Some(all) = strict_json::object(bytes) else {
            return refuse("The claims of the token are not a JSON object without repeated members.");
        };
        if all.get("jti").is_some_and(|id| !id.is_string()) {
            return refuse("The jti of the token is not a text.");
        }
        Ok(Self {
            iss: required(&all, "iss", short_text, "The token has no iss of 1 to 255 characters.")?,
            sub: required(&all, "sub", short_text, "The token has no sub of 1 to 255 characters.")?,
            audiences: required(
                &all,
                "aud",
                texts,
                "The token has no aud that is a text or a list of texts.",
            )?,
            issued_at: required(&all, "iat", instant, "The token has no iat that is a time in seconds.")?,
            expires_at: required(&all, "exp", instant, "The token has no exp that is a time in seconds.")?,
            not_before: match all.get("nbf") {
                None => None,
                Some(_) => Some(required(
                    &all,
                    "nbf",
                    instant,
                    "The nbf of the token is not a time in seconds.",
                )?),
            },
            all,
        })
    }

    fn check_times(&self, now: DateTime<Utc>) -> Result<(), TokenRefused> {
        if now >= self.expires_at + LEEWAY {
            return refuse("The token has expired.");
        }
        if self.not_before.is_some_and(|not_before| now + LEEWAY < not_before) {
            return refuse("The token is not valid yet.");
        }
        if now + LEEWAY < self.issued_at {
            return refuse("The token was issued in the future.");
        }
        if self.expires_at <= self.issued_at || self.expires_at - self.issued_at > MAX_LIFE {
            return refuse("The token does not expire within 24 hours of its issue.");
        }
        Ok(())
    }

    /// What the token asks for on the site of a registration, as far as the registration lets its issuer grant it.
    fn roles(&self, registration: &Registration) -> Result<Vec<(SiteId, SiteRole)>, TokenRefused> {
        let listed = match self.all.get(&registration.roles_claim) {
            None => return Ok(Vec::new()),
            Some(Value::Array(listed)) if listed.iter().all(Value::is_string) => listed,
            Some(_) => return refuse("The roles claim of the token is not a list of texts."),
        };
        let asked: BTreeSet<&str> = listed
            .iter()
            .filter_map(|entry| entry.as_str()?.split_once(':'))
            .filter(|(site, _)| *site == registration.site_slug)
            .map(|(_, role)| role)
            .collect();
        let granted = registration
            .may_grant
            .iter()
            .filter(|role| asked.contains(role_name(**role)));
        Ok(granted.map(|role| (registration.site, *role)).collect())
    }
}

fn required<T>(
    claims: &Map<String, Value>,
    name: &str,
    read: fn(&Value) -> Result<T, ()>,
    why: &'static str,
) -> Result<T, TokenRefused> {
    claims
        .get(name)
        .ok_or(())
        .and_then(read)
        .map_err(|()| TokenRefused { why })
}

fn short_text(value: &Value) -> Result<String, ()> {
    let text = value.as_str().ok_or(())?;
    let fits = (1..=MAX_TEXT_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(()) }
}

fn texts(value: &Value) -> Result<Vec<String>, ()> {
    match value {
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(several) => several
            .iter()
            .map(|text| text.as_str().map(str::to_owned).ok_or(()))
            .collect(),
        _ => Err(()),
    }
}

/// A NumericDate (RFC 7519): seconds since 1970, fractions allowed.
fn instant(value: &Value) -> Result<DateTime<Utc>, ()> {
    // Far beyond any real token, and near enough that no later sum can overflow.
    const FURTHEST: f64 = 1e11;
    let seconds = value.as_f64().filter(|seconds| seconds.abs() < FURTHEST).ok_or(())?;
    DateTime::from_timestamp_millis((seconds * 1000.0).floor() as i64).ok_or(())
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

fn refuse<T>(why: &'static str) -> Result<T, TokenRefused> {
    Err(TokenRefused { why })
}

#[cfg(test)]
mod tests;
