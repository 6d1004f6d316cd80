//! How much work a caller may ask for.

use axum::Router;
use serde_json::{Value, json};

use super::{HttpSettings, Reply, Toy, answered, code, post, with};
use crate::config::BudgetSettings;

/// Everybody may ask for 110 units and gains next to nothing in the time of a test.
fn poor(settings: &mut HttpSettings) {
    settings.answer_values = 100;
    settings.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
    settings.budget = BudgetSettings {
        person_units: 110,
        person_units_per_second: 1,
        address_units: 110,
        address_units_per_second: 1,
        request_cost: 10,
        mutation_cost: 80,
        remembered: 100,
    };
}

async fn ask(router: &Router, token: Option<&'static str>, body: Value) -> Reply {
    let request = post(body.to_string());
    let request = match token {
        Some(token) => with(request, "authorization", token),
        None => request,
    };
    answered(router.clone(), request).await
}

#[tokio::test]
async fn whoever_asks_for_too_much_is_told_when_to_come_again() {
    let router = Toy::with(poor).router();
    let hello = json!({ "query": "{ hello }" });
    for _ in 0..10 {
        assert_eq!(ask(&router, None, hello.clone()).await.status, 200);
    }
    let refused = ask(&router, None, hello.clone()).await;
    assert_eq!(refused.code(), code(429, "RATE_LIMITED"));
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=11).contains(&seconds), "{seconds}");

    // Somebody with a token has a budget of their own, and a mutation costs more than a query.
    let rename = json!({ "query": "mutation { rename(to: \"x\") { to } }" });
    assert_eq!(ask(&router, Some("Bearer good"), rename.clone()).await.status, 200);
    let refused = ask(&router, Some("Bearer good"), rename).await;
    assert_eq!(refused.code(), code(429, "RATE_LIMITED"));
}

#[tokio::test]
async fn what_is_refused_costs_too() {
    for (body, token, refusal) in [
        (json!({ "query": "{ missing }" }), None, code(400, "VALIDATION_FAILED")),
        (json!({ "query": 7 }), None, code(400, "PARSE_FAILED")),
        (
            json!({ "query": "{ hello }" }),
            Some("Bearer bad"),
            code(401, "UNAUTHENTICATED"),
        ),
    ] {
        let router = Toy::with(poor).router();
        for _ in 0..11 {
            assert_eq!(ask(&router, token, body.clone()).await.code(), refusal);
        }
        assert_eq!(ask(&router, token, body).await.code(), code(429, "RATE_LIMITED"));
    }
}

#[test]
fn a_budget_that_no_allowed_request_fits_into_is_told_to_the_operator() {
    let toy = Toy::with(|settings| settings.budget.person_units = 1_000);
    let refused = super::router(
        toy,
        super::schema(),
        &super::schema().sdl(),
        String::new(),
        Router::new(),
    );
    assert!(refused.is_err_and(|why| why.contains("budget.person_units")));
}
