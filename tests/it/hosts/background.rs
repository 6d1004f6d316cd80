//! What a host does in the background: whatever is written is numbered without being asked.

use champion_network::federation::{feeds, run::Background};

use super::*;
use crate::support::{Person, on_both};

async fn project(lead: &Person<'_>, title: &str) {
    let input = json!({
        "site": "leeds", "title": title, "summary": "All about it.", "visibility": "NETWORK",
        "focusAreas": ["STAFF_CULTURE"],
    });
    lead.does("projectCreate", input, "project { id }").await.record();
}

/// How far the feed of Leeds goes.
async fn length(app: &App) -> u64 {
    let site = id(app, "leeds").await;
    let feed = feeds::feed(app.reader(), site, Audience::Network).await.unwrap();
    feed.map_or(0, |feed| feed.pos)
}

async fn nothing_waits(app: &App) -> bool {
    entity::outbox::Entity::find()
        .one(app.reader())
        .await
        .unwrap()
        .is_none()
}

on_both! {
    async fn what_is_written_and_what_was_left_over_is_numbered_without_being_asked(host) {
        let app = app(host);
        let lead = host.champion(&["leeds:project_lead"]).await;
        project(&lead, "Left over").await;
        assert!(!nothing_waits(app).await);

        let background = Background::start(app).unwrap();
        until("what was left over is numbered", async || nothing_waits(app).await.then_some(())).await;
        let before = length(app).await;
        assert!(before > 1);
        let mut growth = app.signals.growth();
        growth.mark_unchanged();
        project(&lead, "New").await;
        let grown = async { growth.changed().await.unwrap() };
        tokio::time::timeout(Duration::from_secs(4), grown).await.expect("sooner than at the next look");
        until("the new project is numbered", async || (length(app).await == before + 1).then_some(())).await;
        background.end().await;
    }
}

on_both! {
    async fn a_host_that_ends_leaves_nothing_unnumbered(host) {
        let app = app(host);
        let lead = host.champion(&["leeds:project_lead"]).await;
        let background = Background::start(app).unwrap();
        until("all is numbered", async || nothing_waits(app).await.then_some(())).await;
        for number in 0..3 {
            project(&lead, &format!("Project {number}")).await;
        }
        background.end().await;

        assert!(nothing_waits(app).await);
    }
}

on_both! {
    async fn replicas_number_together_without_gap_or_repeat(host) {
        let app = app(host);
        let lead = host.champion(&["leeds:project_lead"]).await;
        let replicas = [Background::start(app).unwrap(), Background::start(app).unwrap()];
        for number in 0..10 {
            project(&lead, &format!("Project {number}")).await;
        }
        for replica in replicas {
            replica.end().await;
        }

        let entries = entity::feed_entry::Entity::find().all(app.reader()).await.unwrap();
        let leeds = id(app, "leeds").await;
        let mut positions: Vec<_> = entries.iter().filter(|entry| entry.origin == leeds).map(|entry| entry.pos).collect();
        positions.sort_unstable();
        assert_eq!(positions, (1..=i64::try_from(length(app).await).unwrap()).collect::<Vec<_>>());
        assert!(positions.len() > 10);
    }
}
