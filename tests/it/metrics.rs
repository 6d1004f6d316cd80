//! What a Prometheus server reads of a host.

use axum::{body::Body, http::Request};

use crate::support::{Host, Network, on_each_database};

const TOKEN: &str = "let me in";

async fn read(host: &Host) -> String {
    let request = Request::builder()
        .uri("/metrics")
        .header("authorization", format!("Bearer {TOKEN}"));
    let response = host.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 200);
    String::from_utf8(response.into_body().to_vec()).unwrap()
}

on_each_database! {
    async fn how_far_copies_of_other_sites_are_behind_is_told(backend) {
        let shown = |settings: &mut champion_network::config::Settings| settings.http.metrics_token = TOKEN.to_owned();
        let network = Network::joined(backend, shown, shown).await;
        network.meets().await;
        let text = read(&network.leeds).await;
        for site in ["national", "hull"] {
            let parked = format!("champion_feed_parked_entries{{site=\"{site}\"}} 0.0");
            assert!(text.lines().any(|line| line == parked), "{text}");
            let lag = format!("champion_feed_lag_seconds{{site=\"{site}\"}} ");
            assert!(text.lines().any(|line| line.starts_with(&lag)), "{text}");
        }
        // It has no copies of its own sites.
        assert!(!text.contains("site=\"leeds\""), "{text}");
        assert!(text.contains("champion_database_connections{"), "{text}");
        let people = network.leeds.champion(&["leeds:champion"]).await;
        people.run("query Secret { viewer { __typename } }", crate::support::json!({})).await.data();
        assert!(!read(&network.leeds).await.contains("Secret"));
    }
}
