//! Which claims a token must have, and when it counts.

use super::*;

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
            json!(1e11),
            json!(8_210_266_876_799_u64),
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
