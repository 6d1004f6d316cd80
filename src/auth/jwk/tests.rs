//! What may be registered as a key set, and what a key may be used for.

use serde_json::json;

use super::*;

const RSA_2048: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

/// The public keys printed in RFC 7517 (EC and RSA) and RFC 8037 (Ed25519), without optional members.
fn examples() -> [(Value, &'static [TokenAlgorithm]); 3] {
    [
        (
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
            &[EdDsa],
        ),
        (
            json!({
                "kty": "EC", "crv": "P-256",
                "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            }),
            &[Es256],
        ),
        (json!({ "kty": "RSA", "n": RSA_2048, "e": "AQAB" }), &[Rs256, Ps256]),
    ]
}

fn with(key: &Value, member: &str, value: impl Into<Value>) -> Value {
    let mut key = key.clone();
    key[member] = value.into();
    key
}

fn parse(keys: &[Value]) -> Result<JwkSet, &'static str> {
    parse_jwk_set(&json!({ "keys": keys }).to_string())
}

fn refusal(key: Value) -> &'static str {
    parse(&[key]).expect_err("a refused key")
}

#[test]
fn the_kind_of_a_key_decides_its_algorithms() {
    for (key, algorithms) in examples() {
        let set = parse(&[key]).unwrap();
        assert_eq!(set.keys[0].algorithms, algorithms);
    }
}

#[test]
fn the_alg_of_a_key_narrows_its_algorithms() {
    for (key, algorithms) in examples() {
        for algorithm in algorithms {
            let set = parse(&[with(&key, "alg", algorithm.as_str())]).unwrap();
            assert_eq!(set.keys[0].algorithms, [*algorithm]);
        }
    }
}

#[test]
fn an_alg_that_does_not_fit_its_key_is_refused() {
    for (key, algorithms) in examples() {
        let others = TokenAlgorithm::ALL.iter().filter(|other| !algorithms.contains(other));
        for alg in others
            .map(|algorithm| algorithm.as_str())
            .chain(["HS256", "none", "RS512", "ES384", "RSA-OAEP", "eddsa", ""])
        {
            assert_eq!(
                refusal(with(&key, "alg", alg)),
                "The alg of a key does not fit its kind or is not accepted."
            );
        }
        assert!(refusal(with(&key, "alg", Value::Null)).starts_with("The alg"));
    }
}

#[test]
fn a_key_for_another_use_is_refused() {
    for (key, _) in examples() {
        assert!(parse(&[with(&key, "use", "sig")]).is_ok());
        assert_eq!(refusal(with(&key, "use", "enc")), "A key has another use than sig.");
        assert_eq!(
            refusal(with(&key, "use", json!(["sig"]))),
            "A key has another use than sig."
        );
    }
}

#[test]
fn a_key_without_the_operation_verify_is_refused() {
    for (key, _) in examples() {
        assert!(parse(&[with(&key, "key_ops", json!(["verify"]))]).is_ok());
        for operations in [
            json!([]),
            json!(["sign"]),
            json!(["encrypt", "wrapKey"]),
            json!("verify"),
        ] {
            assert_eq!(
                refusal(with(&key, "key_ops", operations)),
                "The key_ops of a key do not list verify."
            );
        }
    }
}

#[test]
fn a_symmetric_key_is_refused_even_beside_good_keys() {
    let (good, _) = &examples()[0];
    for secret in [json!({ "kty": "oct", "k": "c2VjcmV0" }), json!({ "kty": "oct" })] {
        let why = parse(&[good.clone(), secret]).unwrap_err();
        assert_eq!(why, "The key set has a symmetric key; only public keys are accepted.");
    }
}

#[test]
fn a_private_member_is_refused_even_beside_good_keys() {
    let (good, _) = &examples()[0];
    for (key, _) in examples() {
        for member in SECRET_MEMBERS {
            let why = parse(&[good.clone(), with(&key, member, "AQAB")]).unwrap_err();
            assert!(why.starts_with("The key set has a private key"), "{member}");
        }
    }
}

#[test]
fn an_rsa_key_under_2048_bits_is_refused() {
    let [.., (key, _)] = examples();
    let modulus = |bytes: usize, first: u8| {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = first;
        with(&key, "n", URL_SAFE_NO_PAD.encode(modulus))
    };
    assert!(parse(&[modulus(256, 0x80)]).is_ok());
    assert!(parse(&[modulus(1024, 0xff)]).is_ok());
    let padded = [&[0; 3][..], &[0xff; 254]].concat();
    assert!(refusal(with(&key, "n", URL_SAFE_NO_PAD.encode(padded))).starts_with("An RSA key"));
    // The last two: 2,047 bits, and 2,040 bits behind a zero byte.
    for weak in [
        modulus(128, 0xff),
        modulus(255, 0xff),
        modulus(256, 0x7f),
        modulus(256, 0),
    ] {
        assert_eq!(refusal(weak), "An RSA key does not have 2048 to 8192 bits.");
    }
    assert!(refusal(modulus(1025, 0xff)).starts_with("An RSA key"));
    assert!(refusal(with(&key, "n", "")).starts_with("An RSA key"));
}

#[test]
fn an_rsa_key_with_a_weak_exponent_is_refused() {
    let [.., (key, _)] = examples();
    for exponent in ["", "AQ", "Aw", "__8", "AQAA", "AAAD"] {
        assert_eq!(
            refusal(with(&key, "e", exponent)),
            "The e of an RSA key is not an odd number of at least 65537."
        );
    }
}

#[test]
fn a_key_whose_numbers_are_wrong_is_refused() {
    let [(ed, _), (ec, _), (rsa, _)] = examples();
    for wrong in [json!("AAAA"), json!("not base64url!"), json!(7), Value::Null] {
        assert!(refusal(with(&ed, "x", wrong.clone())).starts_with("The x of an Ed25519 key"));
        assert!(refusal(with(&ec, "y", wrong.clone())).starts_with("The x or y of a P-256 key"));
        assert!(parse(&[with(&rsa, "n", wrong)]).is_err());
    }
    let off_the_curve = with(&ec, "y", ec["x"].clone());
    assert_eq!(refusal(off_the_curve), "A P-256 key is not a point of its curve.");
}

#[test]
fn a_key_of_another_kind_is_refused() {
    let [(ed, _), (ec, _), _] = examples();
    for key in [
        with(&ed, "crv", "X25519"),
        with(&ed, "crv", "Ed448"),
        with(&ec, "crv", "P-384"),
        with(&ec, "crv", "secp256k1"),
        with(&ec, "kty", "OKP"),
        with(&ed, "kty", "ed"),
        json!({}),
    ] {
        assert!(refusal(key).starts_with("A key is of none of the accepted kinds"));
    }
}

#[test]
fn a_kid_that_is_no_short_text_is_refused() {
    let (key, _) = &examples()[0];
    assert!(parse(&[with(key, "kid", "k".repeat(255))]).is_ok());
    for kid in [json!("k".repeat(256)), json!(7), Value::Null] {
        assert!(refusal(with(key, "kid", kid)).starts_with("The kid of a key"));
    }
}

#[test]
fn keys_for_others_are_left_out_of_a_set_that_has_a_usable_one() {
    let [(ed, _), (ec, _), (rsa, _)] = examples();
    let set = parse(&[
        with(&with(&rsa, "kid", "encrypts"), "use", "enc"),
        with(&ed, "kid", "signs"),
        with(&with(&ec, "kid", "other"), "crv", "P-521"),
        json!({ "kty": "AKP", "kid": "later", "alg": "ML-DSA-44" }),
    ])
    .unwrap();
    assert!(set.knows("signs"));
    assert!(!set.knows("encrypts") && !set.knows("other") && !set.knows("later"));
    assert_eq!(set.candidates(None).len(), 1);
}

#[test]
fn a_set_without_a_usable_key_tells_what_is_wrong_with_the_first() {
    let [(ed, _), (ec, _), _] = examples();
    assert_eq!(parse(&[]).unwrap_err(), "The key set has no keys.");
    let why = parse(&[with(&ed, "use", "enc"), with(&ec, "crv", "P-521")]).unwrap_err();
    assert_eq!(why, "A key has another use than sig.");
}

#[test]
fn a_set_has_at_most_20_keys() {
    let (key, _) = &examples()[0];
    assert!(parse(&vec![key.clone(); 20]).is_ok());
    assert_eq!(
        parse(&vec![key.clone(); 21]).unwrap_err(),
        "The key set has more than 20 keys."
    );
}

#[test]
fn a_set_has_at_most_64_kib() {
    let (key, _) = &examples()[0];
    let set = json!({ "keys": [key] }).to_string();
    let longest = set.clone() + &" ".repeat(MAX_JWK_SET_BYTES - set.len());
    assert!(parse_jwk_set(&longest).is_ok());
    assert_eq!(
        parse_jwk_set(&(longest + " ")).unwrap_err(),
        "The key set is longer than 64 KiB."
    );
}

#[test]
fn what_is_not_a_key_set_is_refused() {
    let why = |json: &str| parse_jwk_set(json).unwrap_err();
    assert_eq!(
        why("<html>"),
        "The key set is not a JSON object without repeated members."
    );
    assert_eq!(
        why(r#"{"keys":[],"keys":[]}"#),
        "The key set is not a JSON object without repeated members."
    );
    assert_eq!(why("{}"), "The key set has no list named keys.");
    assert_eq!(why(r#"{"keys":{}}"#), "The key set has no list named keys.");
    assert_eq!(
        why(r#"{"keys":["x"]}"#),
        "The key set lists something that is not a JSON object."
    );
}

#[test]
fn a_kid_selects_its_keys_and_no_kid_only_a_single_key() {
    let [(ed, _), (ec, _), _] = examples();
    let set = parse(&[with(&ed, "kid", "one"), ec]).unwrap();
    assert_eq!(set.candidates(Some("one")).len(), 1);
    assert!(set.candidates(Some("other")).is_empty());
    assert!(set.candidates(None).is_empty());
    let single = parse(&[ed]).unwrap();
    assert_eq!(single.candidates(None).len(), 1);
    assert!(single.candidates(Some("one")).is_empty());
}

#[test]
fn the_names_of_algorithms_are_exact() {
    for algorithm in TokenAlgorithm::ALL {
        assert_eq!(algorithm.as_str().parse().ok(), Some(*algorithm));
    }
    for name in ["none", "HS256", "eddsa", "ES256K", "RS384", ""] {
        assert!(name.parse::<TokenAlgorithm>().is_err());
    }
}
