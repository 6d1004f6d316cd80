//! Each rule of the token profile, with a token that breaks that rule alone.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
};
use entity::SiteRole::{Analyst, Champion, Curator, Moderator, ProjectLead, SiteAdmin};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::auth::{DevelopmentClaims, DevelopmentKey, Grant, KeyPolicy, parse_jwk_set};

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
    verify(token, registrations, &KeySets::new(KeyPolicy::default()), now)
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

#[tokio::test]
async fn a_token_without_a_required_claim_is_refused() {
    for (claim, why) in [
        ("iss", "The token has no iss of 1 to 255 characters."),
        ("sub", "The token has no sub of 1 to 255 characters."),
        ("aud", "The token has no aud that is a text or a list of texts."),
        ("iat", "The token has no iat that is a time in seconds."),
        ("exp", "The token has no exp that is a time in seconds."),
    ] {
        assert_eq!(judge_claims(without(claims(), claim)).await, Err(why));
        for wrong in [Value::Null, json!(true), json!({})] {
            assert_eq!(judge_claims(with(claims(), claim, wrong)).await, Err(why));
        }
    }
}

#[tokio::test]
async fn a_text_claim_of_another_type_or_length_is_refused() {
    for claim in ["iss", "sub"] {
        for wrong in [
            json!(7),
            json!(["ana"]),
            json!(""),
            json!("a".repeat(256)),
            json!("a\nb"),
            json!("a\u{0}"),
            json!("\u{85}"),
        ] {
            assert!(
                judge_claims(with(claims(), claim, wrong))
                    .await
                    .unwrap_err()
                    .starts_with("The token has no")
            );
        }
    }
    let longest = "ä".repeat(255);
    assert_eq!(
        judge_claims(with(claims(), "sub", longest.clone())).await.unwrap().sub,
        longest
    );
}

#[tokio::test]
async fn a_time_claim_that_is_no_finite_number_is_refused() {
    for claim in ["iat", "exp", "nbf"] {
        for wrong in [
            json!("1800000000"),
            json!([ISSUED]),
            json!(1e300),
            json!(-1e300),
            json!(u64::MAX),
            json!(i64::MIN),
            Value::Null,
        ] {
            let refused = judge_claims(with(claims(), claim, wrong.clone())).await.unwrap_err();
            assert!(refused.ends_with("a time in seconds."), "{claim} {wrong}: {refused}");
        }
    }
    let key = key();
    let infinite = claims().to_string().replace(&(ISSUED + 3_600).to_string(), "1e999");
    assert!(
        judge_texts(&key, &header(&key).to_string(), &infinite, at(10))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_time_may_have_a_fraction() {
    let claims = with(with(claims(), "iat", ISSUED as f64 + 0.25), "exp", ISSUED as f64 + 60.5);
    assert_eq!(
        judge_claims(claims).await.unwrap().expires_at,
        at(60) + TimeDelta::milliseconds(500)
    );
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused() {
    for accepted in [json!(AUDIENCE), json!([AUDIENCE]), json!(["other", AUDIENCE])] {
        assert!(judge_claims(with(claims(), "aud", accepted)).await.is_ok());
    }
    for other in [
        json!("other"),
        json!("champions2"),
        json!("Champions"),
        json!(""),
        json!([]),
        json!(["other"]),
    ] {
        let refused = judge_claims(with(claims(), "aud", other)).await;
        assert_eq!(refused, Err("The token is for another audience."));
    }
    let mixed = judge_claims(with(claims(), "aud", json!([AUDIENCE, 7]))).await;
    assert_eq!(mixed, Err("The token has no aud that is a text or a list of texts."));
}

#[tokio::test]
async fn a_token_expires_30_seconds_after_its_exp() {
    assert!(judge_claims_at(at(3_629), claims()).await.is_ok());
    assert_eq!(
        judge_claims_at(at(3_630), claims()).await,
        Err("The token has expired.")
    );
}

#[tokio::test]
async fn a_token_is_not_valid_more_than_30_seconds_before_its_nbf() {
    let claims = with(claims(), "nbf", ISSUED + 600);
    assert!(judge_claims_at(at(570), claims.clone()).await.is_ok());
    assert_eq!(
        judge_claims_at(at(569), claims).await,
        Err("The token is not valid yet.")
    );
}

#[tokio::test]
async fn a_token_is_not_issued_more_than_30_seconds_ahead() {
    assert!(judge_claims_at(at(-30), claims()).await.is_ok());
    assert_eq!(
        judge_claims_at(at(-31), claims()).await,
        Err("The token was issued in the future.")
    );
}

#[tokio::test]
async fn a_token_lives_at_most_24_hours() {
    let why = Err("The token does not expire within 24 hours of its issue.");
    assert!(judge_claims(with(claims(), "exp", ISSUED + 86_400)).await.is_ok());
    assert_eq!(judge_claims(with(claims(), "exp", ISSUED + 86_401)).await, why);
    assert_eq!(judge_claims(with(claims(), "exp", ISSUED)).await, why);
    assert_eq!(judge_claims(with(claims(), "exp", ISSUED - 1)).await, why);
}

#[tokio::test]
async fn a_jti_that_is_no_text_is_refused() {
    assert!(judge_claims(with(claims(), "jti", "4f2a")).await.is_ok());
    for wrong in [json!(7), json!({}), Value::Null] {
        assert_eq!(
            judge_claims(with(claims(), "jti", wrong)).await,
            Err("The jti of the token is not a text.")
        );
    }
}

#[tokio::test]
async fn a_token_of_an_issuer_that_is_not_registered_is_refused() {
    let why = Err("The issuer of the token is not registered here.");
    for other in [
        "https://id.example.org",
        "https://ID.example.org/",
        "https://other.example.org/",
    ] {
        assert_eq!(judge_claims(with(claims(), "iss", other)).await, why);
    }
    assert_eq!(check(&key().sign(&claims()).unwrap(), &[]).await, why);
}

#[tokio::test]
async fn a_token_that_was_changed_or_signed_by_another_is_refused() {
    let why = Err("The signature of the token is wrong.");
    let (key, other) = (key(), key());
    let registrations = [registration(inline(&key.jwk_set()))];
    let token = key.sign(&claims()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let admin = with(claims(), "roles", json!(["blackpool:site_admin"]));
    let forged = key.sign(&admin).unwrap();
    let (forged, _) = forged.rsplit_once('.').unwrap();
    assert_eq!(check(&format!("{forged}.{signature}"), &registrations).await, why);
    assert_eq!(check(&format!("{signed}."), &registrations).await, why);
    assert_eq!(
        check(&format!("{signed}.{}", &signature[..84]), &registrations).await,
        why
    );
    let named_alike = other
        .sign_parts(&header(&key).to_string(), &claims().to_string())
        .unwrap();
    assert_eq!(check(&named_alike, &registrations).await, why);
}

#[tokio::test]
async fn a_kid_must_name_a_key_of_the_issuer() {
    for kid in ["other", "../../keys", "' OR 1=1"] {
        let refused = judge_header(|header| with(header, "kid", kid)).await;
        assert_eq!(refused, Err("The issuer has no key of the kid that the token names."));
    }
    for wrong in [json!(""), json!("k".repeat(256)), json!("a\tb"), json!(7), Value::Null] {
        let refused = judge_header(|header| with(header, "kid", wrong)).await;
        assert_eq!(
            refused,
            Err("The kid of the token is not a text of 1 to 255 characters.")
        );
    }
}

#[tokio::test]
async fn a_token_without_a_kid_needs_an_issuer_with_one_key() {
    assert!(judge_header(|header| without(header, "kid")).await.is_ok());
    let (one, other) = (key(), key());
    let jwk = |key: &DevelopmentKey| serde_json::from_str::<Value>(&key.jwk_set()).unwrap()["keys"][0].clone();
    let both = json!({ "keys": [jwk(&one), jwk(&other)] }).to_string();
    let token = one
        .sign_parts(&without(header(&one), "kid").to_string(), &claims().to_string())
        .unwrap();
    let refused = check(&token, &[registration(inline(&both))]).await;
    assert_eq!(refused, Err("The token names no kid, and its issuer has several keys."));
}

/// Signs with a key of another kind than the development issuer has.
struct OtherSigner {
    jwk: Value,
    sign: Box<dyn Fn(&str, &[u8]) -> Vec<u8>>,
}

impl OtherSigner {
    fn es256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let number = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        Self {
            jwk: json!({ "kty": "EC", "crv": "P-256", "kid": "ec", "x": number(1..33), "y": number(33..65) }),
            sign: Box::new(move |_, message| pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()),
        }
    }

    fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Self {
            jwk: json!({
                "kty": "RSA", "kid": "rsa",
                "n": number(n.big_endian_without_leading_zero()),
                "e": number(e.big_endian_without_leading_zero()),
            }),
            sign: Box::new(move |alg, message| {
                let padding: &'static dyn RsaEncoding = if alg == "PS256" {
                    &RSA_PSS_SHA256
                } else {
                    &RSA_PKCS1_SHA256
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut signature)
                    .unwrap();
                signature
            }),
        }
    }

    /// A token whose header says `named` and whose signature is made with `used`.
    fn token(&self, named: &str, used: &str) -> String {
        let header = json!({ "typ": "at+jwt", "alg": named, "kid": self.jwk["kid"] });
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims()));
        let signature = (self.sign)(used, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn registration(&self) -> Registration {
        self.registration_with_alg(None)
    }

    fn registration_with_alg(&self, alg: Option<&str>) -> Registration {
        let mut jwk = self.jwk.clone();
        if let Some(alg) = alg {
            jwk["alg"] = alg.into();
        }
        registration(inline(&json!({ "keys": [jwk] }).to_string()))
    }
}

#[tokio::test]
async fn every_accepted_algorithm_verifies() {
    let (ec, rsa) = (OtherSigner::es256(), OtherSigner::rsa());
    for (signer, alg) in [(&ec, "ES256"), (&rsa, "RS256"), (&rsa, "PS256")] {
        let token = signer.token(alg, alg);
        assert!(check(&token, &[signer.registration()]).await.is_ok(), "{alg}");
        assert!(
            check(&token, &[signer.registration_with_alg(Some(alg))]).await.is_ok(),
            "{alg}"
        );
    }
}

#[tokio::test]
async fn the_key_decides_the_algorithm() {
    let (ec, rsa) = (OtherSigner::es256(), OtherSigner::rsa());
    let why = Err("The algorithm of the token is not that of its key.");
    for (signer, named, used) in [
        (&ec, "EdDSA", "ES256"),
        (&ec, "RS256", "ES256"),
        (&rsa, "ES256", "RS256"),
    ] {
        assert_eq!(check(&signer.token(named, used), &[signer.registration()]).await, why);
    }
    for (of_key, of_token) in [("RS256", "PS256"), ("PS256", "RS256")] {
        let registrations = [rsa.registration_with_alg(Some(of_key))];
        assert_eq!(check(&rsa.token(of_token, of_token), &registrations).await, why);
    }
    for (named, used) in [("RS256", "PS256"), ("PS256", "RS256")] {
        let refused = check(&rsa.token(named, used), &[rsa.registration()]).await;
        assert_eq!(refused, Err("The signature of the token is wrong."));
    }
}

#[tokio::test]
async fn only_registered_algorithms_are_accepted() {
    let rsa = OtherSigner::rsa();
    let mut registration = rsa.registration();
    for (registered, other) in [("RS256", "PS256"), ("PS256", "RS256")] {
        registration.algorithms = vec![TokenAlgorithm::EdDsa, registered.parse().unwrap()];
        let registrations = [registration.clone()];
        assert!(check(&rsa.token(registered, registered), &registrations).await.is_ok());
        let refused = check(&rsa.token(other, other), &registrations).await;
        assert_eq!(
            refused,
            Err("The algorithm of the token is not one that is registered for its issuer.")
        );
    }
}

async fn roles(claim: Value) -> Vec<(SiteId, SiteRole)> {
    judge_claims(with(claims(), "roles", claim)).await.unwrap().roles
}

#[tokio::test]
async fn roles_are_read_in_their_exact_spelling() {
    assert!(judge_claims(claims()).await.unwrap().roles.is_empty());
    assert!(roles(json!([])).await.is_empty());
    for role in [Champion, ProjectLead, Curator, Moderator, Analyst, SiteAdmin] {
        assert_eq!(
            roles(json!([format!("blackpool:{}", role_name(role))])).await,
            [(site(1), role)]
        );
    }
    for ignored in [
        "blackpool",
        "blackpool:",
        ":curator",
        "curator",
        "blackpool:CURATOR",
        "Blackpool:curator",
        "blackpool:owner",
        "blackpool: curator",
        "blackpool:curator ",
        "blackpool:curator:",
        "x:blackpool:curator",
        "leeds:curator",
        "national:curator",
        "*:curator",
        "",
    ] {
        assert!(roles(json!([ignored])).await.is_empty(), "{ignored}");
    }
}

#[tokio::test]
async fn roles_are_sorted_and_none_is_listed_twice() {
    let listed = json!([
        "blackpool:analyst",
        "leeds:site_admin",
        "blackpool:curator",
        "blackpool:analyst"
    ]);
    assert_eq!(roles(listed).await, [(site(1), Curator), (site(1), Analyst)]);
}

#[tokio::test]
async fn a_roles_claim_that_is_no_list_of_texts_is_refused() {
    for wrong in [
        json!("blackpool:curator"),
        json!({}),
        json!([["blackpool:curator"]]),
        json!([7]),
        Value::Null,
    ] {
        let refused = judge_claims(with(claims(), "roles", wrong)).await;
        assert_eq!(refused, Err("The roles claim of the token is not a list of texts."));
    }
}

#[tokio::test]
async fn an_issuer_grants_only_what_its_registration_allows() {
    let key = key();
    let listed = json!(["blackpool:site_admin", "blackpool:curator"]);
    let token = key.sign(&with(claims(), "groups", listed)).unwrap();
    let mut registration = registration(inline(&key.jwk_set()));
    registration.roles_claim = "groups".into();
    registration.may_grant = vec![Curator, Moderator];
    assert_eq!(
        check(&token, &[registration.clone()]).await.unwrap().roles,
        [(site(1), Curator)]
    );
    registration.may_grant = vec![];
    assert!(check(&token, &[registration]).await.unwrap().roles.is_empty());
}

/// Two sites that share an identity provider, and a token for both.
fn two_sites() -> ([DevelopmentKey; 2], [Registration; 2], Value) {
    let keys = [key(), key()];
    let blackpool = registration(inline(&keys[0].jwk_set()));
    let leeds = Registration {
        site: site(2),
        site_slug: "leeds".into(),
        audience: "leeds".into(),
        ..blackpool.clone()
    };
    let listed = json!(["leeds:analyst", "blackpool:curator"]);
    let claims = with(with(claims(), "aud", json!([AUDIENCE, "leeds"])), "roles", listed);
    (keys, [blackpool, leeds], claims)
}

#[tokio::test]
async fn registrations_of_one_issuer_unite_their_roles() {
    let ([key, _], registrations, claims) = two_sites();
    let token = key.sign(&claims).unwrap();
    let united = [(site(1), Curator), (site(2), Analyst)];
    assert_eq!(check(&token, &registrations).await.unwrap().roles, united);
    let [blackpool, leeds] = registrations;
    assert_eq!(
        check(&token, &[leeds, blackpool.clone(), blackpool])
            .await
            .unwrap()
            .roles,
        united
    );
}

#[tokio::test]
async fn a_registration_for_another_audience_grants_nothing() {
    let ([key, _], registrations, claims) = two_sites();
    let token = key.sign(&with(claims, "aud", "leeds")).unwrap();
    assert_eq!(check(&token, &registrations).await.unwrap().roles, [(site(2), Analyst)]);
}

#[tokio::test]
async fn a_registration_whose_own_keys_do_not_verify_grants_nothing() {
    let ([one, other], [blackpool, leeds], claims) = two_sites();
    let leeds = Registration {
        keys: inline(&other.jwk_set()),
        ..leeds
    };
    let registrations = [blackpool, leeds];
    let roles = async |key: &DevelopmentKey| check(&key.sign(&claims).unwrap(), &registrations).await.unwrap().roles;
    assert_eq!(roles(&one).await, [(site(1), Curator)]);
    assert_eq!(roles(&other).await, [(site(2), Analyst)]);
    let refused = check(&key().sign(&claims).unwrap(), &registrations).await;
    assert_eq!(refused, Err("The issuer has no key of the kid that the token names."));
}

#[tokio::test]
async fn a_registration_that_cannot_be_used_takes_nothing_from_the_others() {
    let ([key, _], [blackpool, leeds], claims) = two_sites();
    let token = key.sign(&claims).unwrap();
    let unreachable = KeySource::Url("https://10.0.0.1/keys".parse().unwrap());
    for useless in [
        Registration {
            keys: unreachable.clone(),
            ..leeds.clone()
        },
        Registration {
            roles_claim: "sub".into(),
            ..leeds.clone()
        },
        Registration {
            algorithms: vec![],
            ..leeds.clone()
        },
    ] {
        let proven = check(&token, &[useless, blackpool.clone()]).await.unwrap();
        assert_eq!(proven.roles, [(site(1), Curator)]);
    }
    let refused = check(
        &token,
        &[Registration {
            keys: unreachable,
            ..leeds
        }],
    )
    .await;
    assert_eq!(refused, Err("The JWKS URL leads to an address that is not public."));
}

#[tokio::test]
async fn of_several_refusals_the_one_that_came_furthest_is_told() {
    let ([_, other], [blackpool, leeds], claims) = two_sites();
    let token = other.sign(&with(claims, "aud", "leeds")).unwrap();
    for registrations in [[blackpool.clone(), leeds.clone()], [leeds, blackpool]] {
        let refused = check(&token, &registrations).await;
        assert_eq!(refused, Err("The issuer has no key of the kid that the token names."));
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
