//! Which registrations count, and what they grant.

use super::*;

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
