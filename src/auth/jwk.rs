//! The public keys of an issuer: reading a JWK set (RFC 7517) and checking one signature with one key.
//!
//! A key says which algorithms it may be used with; a token never does. Keys that no token can be checked with (an
//! unknown kind, a weak modulus, meant for encryption) are left out, so that an issuer may list them for others. A
//! secret in the set is different: it has been published, so the whole set is refused.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::TokenAlgorithm::{self, EdDsa, Es256, Ps256, Rs256};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Map, Value};

use super::strict_json;

/// The longest JWK set that is read, in bytes.
pub const MAX_JWK_SET_BYTES: usize = 64 * 1024;

const MAX_KEYS: usize = 20;
const MAX_KID_CHARS: usize = 255;
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Members that hold a private or symmetric key, whatever the kind of key (RFC 7518 section 6, RFC 9964).
const SECRET_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// The usable public keys of an issuer: at least one.
#[derive(Debug)]
pub struct JwkSet {
    keys: Vec<VerifyingKey>,
}

/// One public key that signatures can be checked with.
#[derive(Debug)]
pub struct VerifyingKey {
    kid: Option<String>,
    algorithms: &'static [TokenAlgorithm],
    key: DecodingKey,
}

impl JwkSet {
    /// Whether a key of this name is in the set.
    pub fn knows(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// The keys that a token may have been signed with: those of its `kid`, or the only key there is.
    pub fn candidates(&self, kid: Option<&str>) -> Vec<&VerifyingKey> {
        match (kid, self.keys.as_slice()) {
            (Some(kid), keys) => keys.iter().filter(|key| key.kid.as_deref() == Some(kid)).collect(),
            (None, [only]) => vec![only],
            (None, _) => Vec::new(),
        }
    }
}

impl VerifyingKey {
    /// Whether this key may be used with an algorithm.
    pub fn allows(&self, algorithm: TokenAlgorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether this key made a signature (base64url) over a message with an algorithm that the key allows.
    pub fn verifies(&self, algorithm: TokenAlgorithm, message: &str, signature: &str) -> bool {
        let algorithm = match algorithm {
            asked if !self.allows(asked) => return false,
            EdDsa => Algorithm::EdDSA,
            Es256 => Algorithm::ES256,
            Rs256 => Algorithm::RS256,
            Ps256 => Algorithm::PS256,
        };
        crypto::verify(signature, message.as_bytes(), &self.key, algorithm).unwrap_or(false)
    }
}

/// Reads a JWK set as an administrator registers it or an issuer publishes it.
///
/// The error is a sentence for the person who can mend the set. When no key is usable it tells what is wrong with the
/// first one.
pub fn parse_jwk_set(json: &str) -> Result<JwkSet, &'static str> {
    if json.len() > MAX_JWK_SET_BYTES {
        return Err("The key set is longer than 64 KiB.");
    }
    let set =
        strict_json::object(json.as_bytes()).ok_or("The key set is not a JSON object without repeated members.")?;
    let Some(Value::Array(listed)) = set.get("keys") else {
        return Err("The key set has no list named keys.");
    };
    if listed.len() > MAX_KEYS {
        return Err("The key set has more than 20 keys.");
    }
    let mut keys = Vec::new();
    let mut trouble = None;
    for listed in listed {
        let Value::Object(members) = listed else {
            return Err("The key set lists something that is not a JSON object.");
        };
        refuse_secrets(members)?;
        match public_key(members) {
            Ok(key) => keys.push(key),
            Err(why) => trouble = trouble.or(Some(why)),
        }
    }
    if keys.is_empty() {
        Err(trouble.unwrap_or("The key set has no keys."))
    } else {
        Ok(JwkSet { keys })
    }
}

fn refuse_secrets(members: &Map<String, Value>) -> Result<(), &'static str> {
    if members.get("kty").and_then(Value::as_str) == Some("oct") {
        return Err("The key set has a symmetric key; only public keys are accepted.");
    }
    if SECRET_MEMBERS.iter().any(|name| members.contains_key(*name)) {
        return Err(
            "The key set has a private key; register its public part and make a new key, since this one is known.",
        );
    }
    Ok(())
}

fn public_key(members: &Map<String, Value>) -> Result<VerifyingKey, &'static str> {
    for_signatures(members)?;
    let kid = match members.get("kid") {
        None => None,
        Some(Value::String(kid)) if kid.chars().count() <= MAX_KID_CHARS => Some(kid.clone()),
        Some(_) => return Err("The kid of a key is not a text of at most 255 characters."),
    };
    let (possible, key) = match (text(members, "kty"), text(members, "crv")) {
        (Some("OKP"), Some("Ed25519")) => (&[EdDsa][..], ed25519(members)?),
        (Some("EC"), Some("P-256")) => (&[Es256][..], p256(members)?),
        (Some("RSA"), _) => (&[Rs256, Ps256][..], rsa(members)?),
        _ => return Err("A key is of none of the accepted kinds: OKP with Ed25519, EC with P-256, RSA."),
    };
    let algorithms = match members.get("alg") {
        None => possible,
        Some(alg) => alg
            .as_str()
            .and_then(|name| name.parse().ok())
            .and_then(|algorithm| possible.iter().position(|known| *known == algorithm))
            .map(|at| &possible[at..=at])
            .ok_or("The alg of a key does not fit its kind or is not accepted.")?,
    };
    Ok(VerifyingKey { kid, algorithms, key })
}

fn for_signatures(members: &Map<String, Value>) -> Result<(), &'static str> {
    if members.get("use").is_some_and(|usage| usage != "sig") {
        return Err("A key has another use than sig.");
    }
    match members.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => Ok(()),
        Some(_) => Err("The key_ops of a key do not list verify."),
    }
}

fn ed25519(members: &Map<String, Value>) -> Result<DecodingKey, &'static str> {
    let x = number::<32>(members, "x").ok_or("The x of an Ed25519 key is not 32 bytes in base64url.")?;
    ParsedPublicKey::new(&ED25519, x).map_err(|_| "An Ed25519 key is not a point of its curve.")?;
    Ok(DecodingKey::from_ed_der(&x))
}

fn p256(members: &Map<String, Value>) -> Result<DecodingKey, &'static str> {
    let why = "The x or y of a P-256 key is not 32 bytes in base64url.";
    let (x, y) = (
        number::<32>(members, "x").ok_or(why)?,
        number::<32>(members, "y").ok_or(why)?,
    );
    let point = [&[4][..], &x, &y].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|_| "A P-256 key is not a point of its curve.")?;
    Ok(DecodingKey::from_ec_der(&point))
}

fn rsa(members: &Map<String, Value>) -> Result<DecodingKey, &'static str> {
    let (Some(modulus), Some(exponent)) = (bytes(members, "n"), bytes(members, "e")) else {
        return Err("The n or e of an RSA key is not in base64url.");
    };
    // Some issuers put a zero byte in front, which must not pass for eight more bits.
    let (modulus, exponent) = (without_leading_zeros(&modulus), without_leading_zeros(&exponent));
    let bits = modulus
        .first()
        .map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) || !is_odd(modulus) {
        return Err("An RSA key does not have 2048 to 8192 bits.");
    }
    if !(3..=8).contains(&exponent.len()) || !is_odd(exponent) {
        return Err("The e of an RSA key is not an odd number of at least 65537.");
    }
    Ok(DecodingKey::from_rsa_raw_components(modulus, exponent))
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last & 1 == 1)
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

fn bytes(members: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(members, name)?).ok()
}

fn number<const LENGTH: usize>(members: &Map<String, Value>, name: &str) -> Option<[u8; LENGTH]> {
    bytes(members, name)?.try_into().ok()
}

#[cfg(test)]
mod tests;
