//! Which key verifies a token, and with which algorithm.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
};

use super::*;

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

/// Makes a signature over a message, with the algorithm of this name.
type Sign = Box<dyn Fn(&str, &[u8]) -> Vec<u8>>;

/// Signs with a key of another kind than the development issuer has.
struct OtherSigner {
    jwk: Value,
    sign: Sign,
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
