//! Headers of chance, each signed as it should be: one that passes names the listed algorithm, and nothing that changes what
//! is signed or with which key.

use std::sync::LazyLock;
use std::time::Instant;

use futures_util::FutureExt;

use super::*;
use crate::fuzz::{Choice, MOMENT, SOON, changed, seeds};

const SEEDS: &str = include_str!("../../../fuzz/headers.txt");

const WORDS: &[&str] = &[
    "\"alg\":",
    "\"none\"",
    "\"HS256\"",
    "\"EdDSA\"",
    "\"eddsa\"",
    "\"ES256\"",
    "\"RS256\"",
    "null",
    "[\"EdDSA\"]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "\\u0061lg",
    "\\",
    "\"jwk\":{}",
    "\"jku\":\"https://example.org\"",
    "\"x5u\":\"\"",
    "\"x5c\":[]",
    "\"crit\":[\"b64\"]",
    "\"b64\":false",
    "\"zip\":\"DEF\"",
    "\"typ\":\"JWT\"",
    "\"typ\":\"jwe\"",
    "\"kid\":null",
    " ",
    "\0",
    "\u{FEFF}",
    "ſ",
    "K",
];

static KEY: LazyLock<DevelopmentKey> = LazyLock::new(key);
static LISTED: LazyLock<[Registration; 1]> = LazyLock::new(|| {
    [Registration {
        algorithms: vec!["EdDSA".parse().unwrap()],
        ..registration(inline(&KEY.jwk_set()))
    }]
});

fn judged(token: &str) -> bool {
    let started = Instant::now();
    let proven = check(token, &*LISTED).now_or_never();
    assert!(started.elapsed() < SOON, "took {:?}: {token}", started.elapsed());
    proven.expect("a key that is at hand is not waited for").is_ok()
}

#[test]
fn no_header_passes_but_one_with_a_listed_algorithm_and_nothing_dangerous() {
    bolero::check!()
        .with_test_time(MOMENT)
        .with_type::<Choice>()
        .for_each(|choice: &Choice| {
            let own = header(&KEY).to_string();
            let mut all = seeds(SEEDS);
            all.push(&own);
            let text = changed(choice, &all, WORDS);
            if !judged(&KEY.sign_parts(&text, &claims().to_string()).unwrap()) {
                return;
            }
            let header: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(header["alg"], "EdDSA", "{text}");
            let typ = header["typ"].as_str().unwrap().to_ascii_lowercase();
            assert!(
                ["at+jwt", "application/at+jwt", "jwt"].contains(&typ.as_str()),
                "{text}"
            );
            for member in DANGEROUS_MEMBERS {
                assert!(header.get(member).is_none(), "{text}");
            }
        });
}

#[test]
fn no_change_to_a_signed_token_passes() {
    bolero::check!()
        .with_test_time(MOMENT)
        .with_type::<Choice>()
        .for_each(|choice: &Choice| {
            let token = KEY
                .sign_parts(&header(&KEY).to_string(), &claims().to_string())
                .unwrap();
            let parts: Vec<_> = token
                .split('.')
                .chain([".", "..", "=", "A", "_", "-", "+", "/"])
                .collect();
            let text = changed(choice, &[&token], &parts);
            assert_eq!(judged(&text), text == token, "{text}");
        });
}
