//! What comes from other hosts is told like what is written here.

use champion_network::federation::{protocol::publisher::Shared, wire::Audience};
use entity::Kind;
use sea_orm::prelude::Uuid;

use super::{CHANGED, POSTS, post, project, space, thread, told, update};
use crate::{
    hosts::{Peer, Story},
    support::{Network, Served, between_hosts, json, network::exchange, on_each_database},
};

between_hosts! {
    async fn copies_are_told_of_as_they_come_change_and_go(network) {
        let served = Served::start(&network.hull.server).await;
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let mut reader = served.socket(&network.hull.person(&["hull:champion"])).await;
        reader.follows("1", CHANGED, json!({ "kinds": ["PROJECT"], "site": "leeds" })).await;

        let garden = project(&lead, "Garden", "NETWORK").await;
        network.meets().await;
        let garden = update(&lead, &garden, json!({ "title": "Park" })).await;
        network.meets().await;
        update(&lead, &garden, json!({ "visibility": "SITE" })).await;
        network.meets().await;
        project(&lead, "Pond", "NETWORK").await;
        network.meets().await;

        let created = reader.event("1").await;
        assert_eq!((&created["change"], &created["id"]), (&json!("CREATED"), &garden["id"]));
        assert_eq!(reader.event("1").await["change"], "UPDATED");
        assert_eq!(reader.event("1").await["change"], "REMOVED");
        assert_eq!(told(&mut reader, "1").await, "CREATED Pond");
    }
}

between_hosts! {
    async fn a_post_of_another_site_is_told_once_its_place_is_known(network) {
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let ben = network.hull.champion(&["hull:champion"]).await;
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let started = thread(&ana, &space).await;
        network.meets().await;
        let at_leeds = Served::start(&network.leeds.server).await;
        let at_hull = Served::start(&network.hull.server).await;
        let at_hub = Served::start(&network.hub.server).await;
        let mut sockets = [
            at_leeds.socket(&ana).await,
            at_hull.socket(&network.hull.person(&["hull:champion"])).await,
            at_hub.socket(&network.hub.person(&["national:champion"])).await,
        ];
        for socket in &mut sockets {
            socket.follows("1", POSTS, json!({ "thread": started["id"] })).await;
        }

        post(&ben, &started, "From Hull.").await;
        network.meets().await;
        post(&ana, &started, "From Leeds.").await;
        network.meets().await;

        for socket in &mut sockets {
            assert_eq!(socket.event("1").await["post"]["body"], "From Hull.");
            assert_eq!(socket.event("1").await["post"]["body"], "From Leeds.");
        }
    }
}

between_hosts! {
    async fn posts_that_come_together_are_told_in_the_order_of_their_thread(network) {
        let ben = network.hull.champion(&["hull:champion"]).await;
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let started = thread(&ben, &space).await;
        network.meets().await;
        let served = Served::start(&network.leeds.server).await;
        let mut reader = served.socket(&network.leeds.person(&["leeds:champion"])).await;
        reader.follows("1", POSTS, json!({ "thread": started["id"] })).await;

        let bodies: Vec<_> = (0..6).map(|number| format!("Post {number}.")).collect();
        for body in &bodies {
            post(&ben, &started, body).await;
        }
        network.meets().await;

        for body in &bodies {
            assert_eq!(reader.event("1").await["post"]["body"], **body);
        }
    }
}

on_each_database! {
    async fn a_release_whose_number_another_one_takes_is_told_as_gone(backend) {
        let network = Network::joined(backend, |_| {}, |_| {}).await;
        let analyst = network.hub.person(&["national:analyst"]);
        let measure = json!({
            "site": "national", "code": "practices", "name": "Practices", "definition": "Those that take part.",
            "unit": "practices", "kind": "COUNT", "aggregation": "SUM", "countsPeople": false,
        });
        let measure = analyst.does("measureDefine", measure, "measure { id }").await.record()["id"].clone();
        exchange(&network.hub, &network.hull).await;
        let served = Served::start(&network.hull.server).await;
        let mut reader = served.socket(&network.hull.person(&["hull:champion"])).await;
        reader.follows("1", CHANGED, json!({ "kinds": ["RELEASE"], "site": "leeds" })).await;

        // Leeds starts its history over and publishes another figure under the same number.
        let leeds = Peer::at(&network.leeds.server.0, "leeds").await;
        let now = network.leeds.now();
        let (_, measure) = entity::ids::parse_any(measure.as_str().unwrap()).unwrap();
        let [first, second] = [(); 2].map(|()| leeds.app.ids.ordered(now));
        let release = |value: i32| {
            let release = json!({
                "version": 1, "visibility": "NETWORK", "createdAt": now, "updatedAt": now, "measure": measure,
                "month": "2026-04-01", "revision": 1, "supersedes": null, "state": "CURRENT", "disclosed": "EXACT",
                "value": value.to_string(), "numerator": null, "denominator": null, "count": null,
            });
            Shared::As(release.to_string())
        };
        let mut before = None;
        for (id, value) in [(first, 60), (second, 81)] {
            let mut story = Story::begins(&leeds, Audience::Network, before);
            story.says_of(("release", "release@1"), id, release(value));
            assert_eq!(leeds.appends(&network.hub, &story.whole()).await.status(), 200);
            // Once to hear that its history began anew, once to read it.
            for _ in 0..2 {
                exchange(&network.hub, &network.hull).await;
            }
            before = Some(story.feed.ended());
        }

        let name = |id: Uuid| json!(entity::ids::print(Kind::ImpactRelease, id));
        let (one, other, third) = (reader.event("1").await, reader.event("1").await, reader.event("1").await);
        assert_eq!((&one["change"], &one["id"]), (&json!("CREATED"), &name(first)));
        let mut then = [other, third].map(|event| (event["change"].clone(), event["id"].clone()));
        then.sort_by_key(|(change, _)| change.to_string());
        assert_eq!(then, [(json!("CREATED"), name(second)), (json!("REMOVED"), name(first))]);
    }
}
