//! Entries that a reader cannot take.

use champion_network::federation::{
    protocol::publisher::Shared,
    wire::{Audience, Header},
};
use sea_orm::prelude::Uuid;

use super::{
    hostile::appends,
    network::{Held, joins},
    people::sync,
    *,
};
use crate::hosts::{Peer, Story};

fn record(number: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number)
}

/// What a project is on the wire, told from one that a region has shared.
async fn example(region: &Process) -> Value {
    let held = Held::by(region, region.site).await;
    let mut projects = held
        .entries
        .iter()
        .filter(|entry| Header::parse(&entry.header).unwrap().kind == "project");
    serde_json::from_str(projects.next().unwrap().payload.as_deref().unwrap()).unwrap()
}

fn titled(example: &Value, title: &str) -> Shared {
    let mut project = example.clone();
    (project["title"], project["slug"]) = (json!(title), json!(title.to_lowercase()));
    // Nobody of Hull has a card.
    (project["lead"], project["team"]) = (Value::Null, json!([]));
    Shared::As(project.to_string())
}

on_each_database! {
    async fn what_a_reader_cannot_take_waits_is_told_and_holds_up_nothing(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        leeds.champion("lead", "project_lead").await.writes("Garden").await;
        in_step(&hub, &leeds).await;
        let example = example(&leeds).await;
        // Hull never runs: a program of its own making writes its feed.
        let hull = Process::new(backend, "hull", Some(hub.address)).await;
        joins(&hull, &hub).await;
        let inside = hull.inside().await;
        let peer = Peer::at(&inside.0, "hull").await;
        let mut story = Story::begins(&peer, Audience::Network, None);
        story.says(record(1), titled(&example, "Harbour"));
        story.says_in("project@9", record(2), titled(&example, "Tomorrow"));
        story.tells(record(3), "Without the rest");
        story.says(record(4), Shared::As("[[[".to_owned()));
        story.says(record(5), titled(&example, "Lighthouse"));
        assert_eq!(appends(&peer, &hub, &story.whole()).await.0, 200);

        for host in [&hub, &leeds] {
            until("the rest went on", async || (sync(host, "hull").await["position"] == 6).then_some(())).await;
            assert_eq!(titles(host, "hull").await, ["Harbour", "Lighthouse"]);
            let sync = sync(host, "hull").await;
            assert_eq!(sync["parked"], 3, "{sync}");
            assert!(sync["lastError"].is_string(), "{sync}");
        }

        // The hub is told of it, and people there see it.
        let told = until("the hub is told", async || {
            let told = hub.does(&["site", "reports"]);
            (!told.is_empty()).then_some(told)
        });
        let told = told.await;
        assert!(told.starts_with("leeds\thull\tnetwork\t") && told.contains("invalid payload"), "{told}");

        // A server that knows the schema takes at its start what waited for it.
        leeds.stops();
        leeds.suffers("UPDATE feed_parked SET header = replace(header, 'project@9', 'project@1')").await;
        leeds.starts();
        until("what is understood now is taken", async || {
            (titles(&leeds, "hull").await == ["Harbour", "Lighthouse", "Tomorrow"]).then_some(())
        })
        .await;

        // The site mends two and takes one back.
        let mended = story.feed.pos + 1;
        story.says(record(3), titled(&example, "Mended"));
        story.says(record(4), titled(&example, "Quay"));
        story.says_in("project@9", record(2), Shared::No);
        assert_eq!(appends(&peer, &hub, &story.batch(mended, story.feed.pos)).await.0, 200);
        for host in [&hub, &leeds] {
            until("nothing waits", async || (sync(host, "hull").await["parked"] == 0).then_some(())).await;
            assert_eq!(titles(host, "hull").await, ["Harbour", "Lighthouse", "Mended", "Quay"]);
        }
        inside.0.database.close().await.unwrap();
    }
}
