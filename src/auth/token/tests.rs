//! Each rule of the token profile, with a token that breaks that rule alone.

use std::sync::LazyLock;

use entity::SiteRole::{Analyst, Champion, Curator, Moderator, ProjectLead, SiteAdmin};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::auth::{DevelopmentClaims, DevelopmentKey, Grant, KeyPolicy, parse_jwk_set};

mod claims;
mod fuzz;
mod keys;
mod roles;

const ISS: &str = "https://id.example.org/";
const AUDIENCE: &str = "champions";
const ISSUED: i64 = 1_800_000_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(ISSUED + seconds, 0).unwrap()
}

fn key() -> DevelopmentKey {
    DevelopmentKey::generate().unwrap()
}

fn site(number: u128) -> SiteId {
    SiteId(Uuid::from_u128(number))
}

fn inline(json: &str) -> KeySource {
    KeySource::Inline(Arc::new(parse_jwk_set(json).unwrap()))
}

/// Accepts tokens of `key` on Blackpool and lets them grant everything.
fn registration(keys: KeySource) -> Registration {
    Registration {
        site: site(1),
        site_slug: "blackpool".into(),
        iss: ISS.into(),
        audience: AUDIENCE.into(),
        algorithms: TokenAlgorithm::ALL.to_vec(),
        keys,
        roles_claim: "roles".into(),
        may_grant: vec![SiteAdmin, Analyst, Moderator, Curator, ProjectLead, Champion],
    }
}

fn header(key: &DevelopmentKey) -> Value {
    json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": key.kid() })
}

fn claims() -> Value {
    json!({ "iss": ISS, "sub": "ana", "aud": AUDIENCE, "iat": ISSUED, "exp": ISSUED + 3_600 })
}

fn with(object: Value, member: &str, value: impl Into<Value>) -> Value {
    let mut object = object;
    object[member] = value.into();
    object
}

fn without(object: Value, member: &str) -> Value {
    let mut object = object;
    object
        .as_object_mut()
        .unwrap()
        .remove(member)
        .expect("a member that can be left out");
    object
}

async fn check(token: &str, registrations: &[Registration]) -> Result<Proven, &'static str> {
    check_at(token, registrations, at(10)).await
}

async fn check_at(token: &str, registrations: &[Registration], now: DateTime<Utc>) -> Result<Proven, &'static str> {
    // Made once, because reading the root certificates of a machine takes long.
    static KEYS: LazyLock<KeySets> = LazyLock::new(|| KeySets::new(KeyPolicy::default()));
    verify(token, registrations, &KEYS, now)
        .await
        .map_err(|refused| refused.why)
}

/// What becomes of a well signed token whose header and claims are these texts.
async fn judge_texts(
    key: &DevelopmentKey,
    header: &str,
    claims: &str,
    now: DateTime<Utc>,
) -> Result<Proven, &'static str> {
    let token = key.sign_parts(header, claims).unwrap();
    check_at(&token, &[registration(inline(&key.jwk_set()))], now).await
}

async fn judge_header(change: impl FnOnce(Value) -> Value) -> Result<Proven, &'static str> {
    let key = key();
    judge_texts(&key, &change(header(&key)).to_string(), &claims().to_string(), at(10)).await
}

async fn judge_claims_at(now: DateTime<Utc>, claims: Value) -> Result<Proven, &'static str> {
    let key = key();
    judge_texts(&key, &header(&key).to_string(), &claims.to_string(), now).await
}

async fn judge_claims(claims: Value) -> Result<Proven, &'static str> {
    judge_claims_at(at(10), claims).await
}

#[tokio::test]
async fn a_token_proves_who_is_asking() {
    let key = key();
    let grant = |role| Grant {
        site_slug: "blackpool".into(),
        role,
    };
    let token = key
        .sign(&DevelopmentClaims {
            iss: ISS.into(),
            sub: "ana".into(),
            aud: AUDIENCE.into(),
            iat: at(0),
            exp: at(3_600),
            roles: vec![grant(Moderator), grant(ProjectLead)],
        })
        .unwrap();
    assert_eq!(claimed_issuer(&token).unwrap(), ISS);
    let proven = check(&token, &[registration(inline(&key.jwk_set()))]).await.unwrap();
    let roles = vec![(site(1), ProjectLead), (site(1), Moderator)];
    assert_eq!(
        proven,
        Proven {
            iss: ISS.into(),
            sub: "ana".into(),
            expires_at: at(3_600),
            sites: vec![site(1)],
            roles
        }
    );
}

#[tokio::test]
async fn checking_a_token_can_be_done_on_any_thread() {
    let (token, keys) = (key().sign(&claims()).unwrap(), KeySets::new(KeyPolicy::default()));
    let checked = tokio::spawn(async move { verify(&token, &[], &keys, at(10)).await });
    assert!(checked.await.unwrap().is_err());
}

#[tokio::test]
async fn a_token_without_the_right_typ_is_refused() {
    for accepted in ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt"] {
        assert!(
            judge_header(|header| with(header, "typ", accepted)).await.is_ok(),
            "{accepted}"
        );
    }
    let why = Err("The typ of the token is neither at+jwt nor JWT.");
    for other in [
        json!("id+jwt"),
        json!("logout+jwt"),
        json!("JOSE"),
        json!(""),
        json!(7),
        Value::Null,
    ] {
        assert_eq!(judge_header(|header| with(header, "typ", other)).await, why);
    }
    assert_eq!(judge_header(|header| without(header, "typ")).await, why);
}

#[tokio::test]
async fn a_token_without_a_known_asymmetric_algorithm_is_refused() {
    let why = Err("The alg of the token is none of EdDSA, ES256, RS256, PS256.");
    for other in [
        "none", "None", "NONE", "", "HS256", "HS384", "HS512", "RS384", "ES384", "eddsa", "Ed25519",
    ] {
        assert_eq!(judge_header(|header| with(header, "alg", other)).await, why, "{other}");
    }
    assert_eq!(judge_header(|header| with(header, "alg", json!(["EdDSA"]))).await, why);
    assert_eq!(judge_header(|header| without(header, "alg")).await, why);
}

#[tokio::test]
async fn a_header_that_brings_a_key_or_an_extension_is_refused() {
    let why = "The header of the token has one of jwk, jku, x5u, x5c, crit, zip, b64, which are not accepted.";
    for member in ["jwk", "jku", "x5u", "x5c", "crit", "zip", "b64"] {
        for value in [
            json!({}),
            json!([]),
            json!("https://id.example.org/"),
            json!(true),
            Value::Null,
        ] {
            assert_eq!(
                judge_header(|header| with(header, member, value)).await,
                Err(why),
                "{member}"
            );
        }
    }
    for member in ["x5t", "x5t#S256", "cty", "nonce"] {
        assert!(
            judge_header(|header| with(header, member, "any")).await.is_ok(),
            "{member}"
        );
    }
}

#[tokio::test]
async fn a_repeated_member_is_refused() {
    let key = key();
    let (header, claims) = (header(&key).to_string(), claims().to_string());
    let repeat = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let in_header = judge_texts(&key, &repeat(&header, r#""alg":"EdDSA""#), &claims, at(10)).await;
    assert_eq!(
        in_header,
        Err("The header of the token is not a JSON object without repeated members.")
    );
    for member in [r#""sub":"ana""#, r#""other":{"a":1,"a":1}"#] {
        let in_claims = judge_texts(&key, &header, &repeat(&claims, member), at(10)).await;
        assert_eq!(
            in_claims,
            Err("The claims of the token are not a JSON object without repeated members.")
        );
    }
}

#[tokio::test]
async fn a_header_or_claims_that_are_no_json_object_are_refused() {
    let key = key();
    for text in ["", "[]", "null", "\"x\"", "{}{}", "{", "\u{feff}{}"] {
        assert!(
            judge_texts(&key, text, &claims().to_string(), at(10))
                .await
                .unwrap_err()
                .starts_with("The header")
        );
        assert!(
            judge_texts(&key, &header(&key).to_string(), text, at(10))
                .await
                .unwrap_err()
                .starts_with("The claims")
        );
    }
}

#[tokio::test]
async fn a_header_longer_than_4_kib_is_refused() {
    let key = key();
    let header = header(&key).to_string();
    let (longest, longer) = (MAX_HEADER_BYTES, MAX_HEADER_BYTES + 1);
    assert!(
        judge_texts(&key, &format!("{header:longest$}"), &claims().to_string(), at(10))
            .await
            .is_ok()
    );
    let why = judge_texts(&key, &format!("{header:longer$}"), &claims().to_string(), at(10)).await;
    assert_eq!(why, Err("The header of the token is longer than 4 KiB."));
}

#[tokio::test]
async fn a_token_longer_than_8_kib_is_refused() {
    let key = key();
    let registrations = [registration(inline(&key.jwk_set()))];
    let token = |length: usize| {
        let mut spaces = 0;
        loop {
            let claims = format!("{}{}", claims(), " ".repeat(spaces));
            let token = key.sign_parts(&header(&key).to_string(), &claims).unwrap();
            if token.len() >= length {
                break token;
            }
            spaces += (length - token.len()).div_ceil(2);
        }
    };
    assert!(check(&token(MAX_TOKEN_BYTES - 1), &registrations).await.is_ok());
    let longer = token(MAX_TOKEN_BYTES + 1);
    assert_eq!(
        check(&longer, &registrations).await,
        Err("The token is longer than 8 KiB.")
    );
    assert!(claimed_issuer(&longer).is_err());
}

#[tokio::test]
async fn a_token_that_has_not_three_parts_is_refused() {
    let token = key().sign(&claims()).unwrap();
    let (unsigned, _) = token.rsplit_once('.').unwrap();
    for other in [
        "",
        "token",
        unsigned,
        &format!("{token}."),
        &format!("{token}.e30.e30"),
        &"a.".repeat(4_000),
    ] {
        assert_eq!(
            check(other, &[]).await,
            Err("The token does not have three parts."),
            "{other}"
        );
    }
}

#[tokio::test]
async fn a_part_that_is_not_plain_base64url_is_refused() {
    let token = key().sign(&claims()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    for at in 0..3 {
        for wrong in [
            format!("{}=", parts[at]),
            format!("{}+/", parts[at]),
            format!(" {}", parts[at]),
            "A".into(),
        ] {
            let mut changed = parts.clone();
            changed[at] = &wrong;
            let why = check(&changed.join("."), &[]).await;
            assert_eq!(
                why,
                Err("A part of the token is not base64url without padding."),
                "{wrong}"
            );
        }
    }
}

#[tokio::test]
async fn a_signature_has_one_spelling() {
    let key = key();
    let token = key.sign(&claims()).unwrap();
    // 64 bytes end in a letter of which four bits mean nothing: they must be zero.
    let last = token.chars().last().unwrap();
    let spellings = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['-', '_'])
        .filter(|other| *other != last);
    for other in spellings {
        let token = format!("{}{other}", &token[..token.len() - 1]);
        assert!(
            check(&token, &[registration(inline(&key.jwk_set()))]).await.is_err(),
            "{other}"
        );
    }
}

#[test]
fn the_claimed_issuer_is_read_from_well_formed_tokens_only() {
    let key = key();
    let name = |claims: Value| claimed_issuer(&key.sign(&claims).unwrap());
    assert_eq!(name(claims()).unwrap(), ISS);
    assert!(name(without(claims(), "iss")).is_err());
    assert!(name(without(claims(), "exp")).is_err());
    assert!(claimed_issuer("Bearer").is_err());
}

#[test]
fn a_refusal_prints_its_reason() {
    assert_eq!(
        claimed_issuer("").unwrap_err().to_string(),
        "The token does not have three parts."
    );
}
