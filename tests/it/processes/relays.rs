//! What somebody between a region and the hub can do: hold things up, and nothing else.

use entity::peer_report;
use sea_orm::EntityTrait;

use super::{
    network::Held,
    proxy::{Conduct, Proxy},
    *,
};

/// What all projects of a site say to a member of a host.
async fn summaries(host: &Process, site: &str) -> Vec<String> {
    let query = "query($site: String!) {
        projects(first: 100, filter: { sites: [$site] }) { nodes { summary } }
    }";
    let reader = host.member("reader", "champion");
    let seen = reader.asks(query, json!({ "site": site })).await;
    let nodes = seen["projects"]["nodes"].as_array().unwrap().iter();
    nodes.map(|node| node["summary"].as_str().unwrap().to_owned()).collect()
}

/// A host shows nothing of another but what that one has written.
async fn is_right(reader: &Process, writer: &Process) {
    let (shown, written) = (titles(reader, writer.site).await, titles(writer, writer.site).await);
    assert!(
        shown.iter().all(|title| written.contains(title)),
        "{shown:?} of {written:?}"
    );
    let summaries = summaries(reader, writer.site).await;
    assert!(
        summaries.iter().all(|summary| summary == "All about it."),
        "{summaries:?}"
    );
}

/// Two regions, one of which calls the hub by way of a proxy.
async fn relayed(backend: Backend) -> (Process, [Process; 2], Proxy) {
    let (hub, [leeds, hull]) = network(backend, ["leeds", "hull"]).await;
    leeds.stops();
    let proxy = Proxy::before(&hub).await;
    leeds.calls(proxy.address);
    leeds.starts();
    (hub, [leeds, hull], proxy)
}

on_each_database! {
    async fn whatever_a_relay_alters_is_refused_and_comes_when_the_relay_is_honest(backend) {
        let (hub, [leeds, hull], proxy) = relayed(backend).await;
        let lead = hull.champion("lead", "project_lead").await;
        lead.writes("Before").await;
        take_in(&[&hub, &leeds, &hull]).await;
        for conduct in [
            Conduct::AltersPayloads,
            Conduct::AltersHeaders,
            Conduct::DropsEntries,
            Conduct::SwapsEntries,
            Conduct::RepeatsAnswers,
            Conduct::MixesFeeds,
        ] {
            proxy.turns(conduct);
            let log = leeds.log().len();
            // Several at once, so that sooner or later there is an order to swap.
            let mut number = 0;
            until("something is altered", async || {
                number += 1;
                let names = ["Ash", "Birch"].map(|name| format!("{conduct:?} {name} {number}"));
                tokio::join!(lead.writes(&names[0]), lead.writes(&names[1]));
                proxy.has_altered().then_some(())
            })
            .await;
            if conduct != Conduct::RepeatsAnswers {
                until(&format!("{conduct:?} is noticed"), async || {
                    let told = leeds.log()[log..].to_owned();
                    (told.contains("a feed is not taken in") || told.contains("a feed cannot be read")).then_some(())
                })
                .await;
            }
            is_right(&leeds, &hull).await;
            proxy.turns(Conduct::Honest);
            in_step(&leeds, &hull).await;
            is_right(&leeds, &hull).await;
            assert_eq!(titles(&leeds, "hull").await, titles(&hull, "hull").await, "{conduct:?}");
        }
        let inside = hub.inside().await;
        let reports = peer_report::Entity::find().all(inside.0.reader()).await.unwrap();
        assert!(!reports.is_empty(), "the hub is told that a feed was forged on its way");
        inside.0.database.close().await.unwrap();
    }
}

on_each_database! {
    async fn what_a_relay_alters_on_the_way_up_never_reaches_the_hub(backend) {
        let (hub, [leeds, _hull], proxy) = relayed(backend).await;
        let lead = leeds.champion("lead", "project_lead").await;
        take_in(&[&hub, &leeds]).await;
        let before = Held::by(&hub, "leeds").await;

        proxy.turns(Conduct::AltersAppends);
        lead.writes("Garden").await;
        until("something is altered", async || proxy.has_altered().then_some(())).await;
        until("it is noticed", async || leeds.log().contains("a feed is not sent").then_some(())).await;
        assert_eq!(Held::by(&hub, "leeds").await.entries, before.entries);

        proxy.turns(Conduct::Honest);
        in_step(&hub, &leeds).await;
        assert_eq!(titles(&hub, "leeds").await, ["Garden"]);
        assert_eq!(summaries(&hub, "leeds").await, ["All about it."]);
    }
}
