//! When a key set is fetched again, and what serves meanwhile.

use chrono::TimeDelta;

use super::*;

#[tokio::test]
async fn a_key_set_is_fetched_once_and_then_cached() {
    let (issuer, key, sets) = warm().await;
    for seconds in 0..20 {
        assert!(knows(&sets, &issuer, key.kid(), at(seconds)).await);
        assert!(sets.clone().lookup(&issuer.url, None, at(seconds)).await.is_ok());
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn each_url_has_its_own_key_set() {
    let (one, of_one, sets) = warm().await;
    let of_other = key();
    let other = Issuer::start(Answer::Keys(key_set(&of_other))).await;
    assert!(knows(&sets, &other, of_other.kid(), at(1)).await);
    assert!(!knows(&sets, &other, of_one.kid(), at(1)).await);
    assert!(knows(&sets, &one, of_one.kid(), at(1)).await);
}

#[tokio::test]
async fn a_new_key_counts_at_once() {
    let (issuer, _, sets) = warm().await;
    for seconds in [1, 2, 3] {
        let new = key();
        issuer.answers(Answer::Keys(key_set(&new)));
        assert!(
            knows(&sets, &issuer, new.kid(), at(seconds)).await,
            "at second {seconds}"
        );
    }
    assert_eq!(issuer.asked(), 4);
}

#[tokio::test]
async fn a_removed_key_stops_counting_when_its_set_is_too_old() {
    let (issuer, removed, sets) = warm().await;
    issuer.answers(Answer::Keys(key_set(&key())));
    assert!(knows(&sets, &issuer, removed.kid(), at(20)).await);
    assert!(!knows(&sets, &issuer, removed.kid(), at(26)).await);
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_set_in_use_is_renewed_before_it_is_too_old_and_nobody_waits() {
    let (issuer, old, sets) = warm().await;
    let (new, gate) = (key(), Arc::new(Semaphore::new(0)));
    issuer.answers(Answer::Gated(gate.clone(), key_set(&new)));
    assert!(within_seconds(knows(&sets, &issuer, old.kid(), at(21))).await);
    issuer.is_asked(2).await;
    assert!(within_seconds(knows(&sets, &issuer, old.kid(), at(22))).await);
    gate.add_permits(1);
    until(async || sets.lookup(&issuer.url, None, at(23)).await.unwrap().knows(new.kid())).await;
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_caller_who_read_the_clock_just_before_the_fetch_is_served_from_the_cache() {
    let (issuer, key, sets) = warm().await;
    assert!(knows(&sets, &issuer, key.kid(), at(-1)).await);
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_a_removed_key() {
    let (issuer, removed, sets) = warm().await;
    issuer.answers(Answer::Keys(key_set(&key())));
    assert!(!knows(&sets, &issuer, removed.kid(), at(-3_600)).await);
}

#[tokio::test]
async fn two_thousand_unknown_kids_cost_at_most_three_fetches() {
    let (issuer, key, sets) = warm().await;
    for index in 0..2_000 {
        assert!(!knows(&sets, &issuer, &format!("made-up-{index}"), at(index / 100)).await);
    }
    assert_eq!(issuer.asked(), 2);
    assert!(knows(&sets, &issuer, key.kid(), at(20)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_unknown_kids_at_once_cost_at_most_three_fetches() {
    let key = key();
    let issuer = Issuer::start(Answer::Keys(key_set(&key))).await;
    let sets = KeySets::new(loopback());
    let lookups = (0..2_000).map(|index| {
        let (sets, issuer) = (sets.clone(), issuer.clone());
        tokio::spawn(async move { knows(&sets, &issuer, &format!("made-up-{index}"), at(0)).await })
    });
    for lookup in lookups.collect::<Vec<_>>() {
        assert!(!within_seconds(lookup).await.unwrap());
    }
    assert!((1..=3).contains(&issuer.asked()), "{}", issuer.asked());
}

#[tokio::test]
async fn unknown_kids_cost_one_fetch_a_minute() {
    let sets = KeySets::new(KeyPolicy {
        max_age: Duration::from_secs(86_400),
        ..loopback()
    });
    let key = key();
    let issuer = Issuer::start(Answer::Keys(key_set(&key))).await;
    assert!(knows(&sets, &issuer, key.kid(), at(0)).await);
    for seconds in 1..=180 {
        assert!(!knows(&sets, &issuer, "made-up", at(seconds)).await);
    }
    // At the start, and at seconds 1, 61 and 121.
    assert_eq!(issuer.asked(), 4);
}

#[tokio::test]
async fn the_renewal_of_a_set_does_not_allow_another_search() {
    let (issuer, key, sets) = warm().await;
    assert!(!knows(&sets, &issuer, "made-up", at(1)).await);
    assert!(knows(&sets, &issuer, key.kid(), at(30)).await);
    assert!(!knows(&sets, &issuer, "made-up", at(31)).await);
    // At the start, for the made-up kid, and for the age of the set.
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn a_token_without_a_kid_never_causes_a_search() {
    let (issuer, _, sets) = warm().await;
    assert!(sets.lookup(&issuer.url, None, at(1)).await.is_ok());
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_fetch() {
    let (key, gate) = (key(), Arc::new(Semaphore::new(0)));
    let issuer = Issuer::start(Answer::Gated(gate.clone(), key_set(&key))).await;
    let sets = KeySets::new(loopback());
    let kid = key.kid().to_owned();
    let lookups: Vec<_> = (0..50)
        .map(|_| {
            let (sets, issuer, kid) = (sets.clone(), issuer.clone(), kid.clone());
            tokio::spawn(async move { knows(&sets, &issuer, &kid, at(0)).await })
        })
        .collect();
    issuer.is_asked(1).await;
    gate.add_permits(50);
    for lookup in lookups {
        assert!(within_seconds(lookup).await.unwrap());
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn callers_with_the_same_new_key_share_one_search() {
    let (issuer, _, sets) = warm().await;
    let (new, gate) = (key(), Arc::new(Semaphore::new(0)));
    issuer.answers(Answer::Gated(gate.clone(), key_set(&new)));
    let search = || {
        let (sets, issuer, kid) = (sets.clone(), issuer.clone(), new.kid().to_owned());
        tokio::spawn(async move { knows(&sets, &issuer, &kid, at(1)).await })
    };
    let searches = [(); 50].map(|()| search());
    issuer.is_asked(2).await;
    gate.add_permits(50);
    for search in searches {
        assert!(within_seconds(search).await.unwrap());
    }
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_while_a_made_up_one_is_searched() {
    let (issuer, _, sets) = warm().await;
    let (new, gate) = (key(), Arc::new(Semaphore::new(0)));
    issuer.answers(Answer::Gated(gate.clone(), key_set(&new)));
    let search = |kid: &str| {
        let (sets, issuer, kid) = (sets.clone(), issuer.clone(), kid.to_owned());
        tokio::spawn(async move { knows(&sets, &issuer, &kid, at(1)).await })
    };
    let made_up = search("made-up");
    issuer.is_asked(2).await;
    let real = search(new.kid());
    tokio::task::yield_now().await;
    gate.add_permits(2);
    assert!(!within_seconds(made_up).await.unwrap());
    assert!(within_seconds(real).await.unwrap());
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_end_the_fetch_for_others() {
    let (key, gate) = (key(), Arc::new(Semaphore::new(0)));
    let issuer = Issuer::start(Answer::Gated(gate.clone(), key_set(&key))).await;
    let sets = KeySets::new(loopback());
    let caller = {
        let (sets, issuer) = (sets.clone(), issuer.clone());
        tokio::spawn(async move { knows(&sets, &issuer, "any", at(0)).await })
    };
    issuer.is_asked(1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    assert!(within_seconds(knows(&sets, &issuer, key.kid(), at(0))).await);
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn the_last_good_set_serves_while_the_issuer_is_down() {
    let (issuer, key, sets) = warm().await;
    issuer.answers(Answer::Status(StatusCode::INTERNAL_SERVER_ERROR));
    for hours in 1..=48 {
        assert!(
            knows(&sets, &issuer, key.kid(), at(hours * 3_600)).await,
            "after {hours} hours"
        );
    }
}

#[tokio::test]
async fn a_key_set_that_turns_bad_does_not_replace_the_good_one() {
    let (issuer, key, sets) = warm().await;
    for bad in [
        "",
        "<html>",
        r#"{"keys":[]}"#,
        r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#,
    ] {
        issuer.answers(Answer::Keys(bad.to_owned()));
        assert!(knows(&sets, &issuer, key.kid(), at(100)).await);
        issuer.answers(Answer::Keys(key_set(&key)));
    }
}

#[tokio::test]
async fn an_outage_does_not_cost_a_fetch_per_request() {
    let issuer = Issuer::start(Answer::Status(StatusCode::BAD_GATEWAY)).await;
    let sets = KeySets::new(loopback());
    for tenths in 0..600 {
        let now = at(0) + TimeDelta::milliseconds(tenths * 100);
        assert!(sets.lookup(&issuer.url, Some("any"), now).await.is_err());
    }
    // Pauses of 2, 4, 8, 16 and 30 seconds: fetches at seconds 0, 2, 6, 14 and 30.
    assert_eq!(issuer.asked(), 5);
}

#[tokio::test]
async fn an_outage_with_a_set_at_hand_does_not_cost_a_fetch_per_request_either() {
    let (issuer, key, sets) = warm().await;
    issuer.answers(Answer::Status(StatusCode::BAD_GATEWAY));
    for tenths in 0..600 {
        let now = at(100) + TimeDelta::milliseconds(tenths * 100);
        assert!(!knows(&sets, &issuer, "made-up", now).await);
        assert!(sets.lookup(&issuer.url, None, now).await.unwrap().knows(key.kid()));
    }
    assert!((2..=6).contains(&issuer.asked()), "{}", issuer.asked());
}

#[tokio::test]
async fn nobody_waits_for_an_issuer_that_was_down_when_last_asked() {
    let (issuer, old, sets) = warm().await;
    issuer.answers(Answer::Status(StatusCode::BAD_GATEWAY));
    assert!(knows(&sets, &issuer, old.kid(), at(100)).await);
    let (new, gate) = (key(), Arc::new(Semaphore::new(0)));
    issuer.answers(Answer::Gated(gate.clone(), key_set(&new)));
    assert!(within_seconds(knows(&sets, &issuer, old.kid(), at(110))).await);
    issuer.is_asked(3).await;
    gate.add_permits(1);
    until(async || knows(&sets, &issuer, new.kid(), at(111)).await).await;
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn an_issuer_that_comes_back_is_used_again() {
    let issuer = Issuer::start(Answer::Status(StatusCode::SERVICE_UNAVAILABLE)).await;
    let sets = KeySets::new(loopback());
    let key = key();
    assert!(!knows(&sets, &issuer, key.kid(), at(0)).await);
    issuer.answers(Answer::Keys(key_set(&key)));
    assert!(!knows(&sets, &issuer, key.kid(), at(1)).await);
    assert!(knows(&sets, &issuer, key.kid(), at(2)).await);
    let new = super::key();
    issuer.answers(Answer::Keys(key_set(&new)));
    assert!(knows(&sets, &issuer, new.kid(), at(3)).await);
}
