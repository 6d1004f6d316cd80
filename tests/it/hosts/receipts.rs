//! Changes, witness, acknowledgements and reports.

use std::time::Instant;

use entity::{peer_ack, peer_report};
use futures_util::future::join_all;

use super::*;

fn record(number: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_9000_0000_0000_0000 + number)
}

/// What advanced since: the feeds as `slug audience to`, and from where to ask next.
async fn changes(peer: &Peer<'_>, at: &Host, query: &str) -> (Vec<String>, i64) {
    let told = peer.gets(at, &format!("/fed/v1/changes?{query}")).await;
    assert_eq!(told.status(), 200, "{:?}", told.body());
    let told = json_of(&told);
    let mut feeds = Vec::new();
    for feed in told["feeds"].as_array().unwrap() {
        let origin = SiteId(feed["origin"].as_str().unwrap().parse().unwrap());
        let site = entity::site::Entity::find_by_id(origin).one(app(at).reader());
        let site = site.await.unwrap().unwrap();
        let audience = if feed["audience"] == "network" {
            "network"
        } else {
            "directed"
        };
        feeds.push(format!("{} {audience} {}", site.slug, feed["checkpoint"]["to"]));
    }
    (feeds, told["since"].as_i64().unwrap())
}

in_a_network! {
    async fn changes_tell_each_reader_what_advanced_for_it(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let (before, since) = changes(&hull, hub, "since=0").await;
        assert!(before.iter().all(|feed| feed.starts_with("national network")), "{before:?}");
        let mut story = Story::begins(&leeds, Audience::Network, None);
        assert_eq!(leeds.appends(hub, &story.whole()).await.status(), 200);
        let secret = Story::begins(&leeds, Audience::Site(hull.site.0), None);
        assert_eq!(leeds.appends(hub, &secret.whole()).await.status(), 200);
        assert_eq!(leeds.appends(hub, &Story::begins(&leeds, Audience::Hub, None).whole()).await.status(), 200);

        let (told, next) = changes(&hull, hub, &format!("since={since}")).await;
        assert_eq!(told, ["leeds network 1", "leeds directed 1"], "not what is for the hub");
        assert_eq!(changes(&hull, hub, &format!("since={since}&directed=true")).await.0, ["leeds directed 1"]);
        assert_eq!(changes(&leeds, hub, &format!("since={since}")).await.0, Vec::<String>::new(), "nor one's own");
        assert_eq!(changes(&hull, hub, &format!("since={next}")).await, (Vec::new(), next));
        story.tells(record(1), "Garden");
        assert_eq!(leeds.appends(hub, &story.batch(2, 2)).await.status(), 200);
        assert_eq!(changes(&hull, hub, &format!("since={next}")).await.0, ["leeds network 2"]);
        let future = changes(&hull, hub, &format!("since={}", next + 1000)).await.0;
        assert!(future.contains(&"leeds network 2".to_owned()), "a hub that has fallen back tells all again");
    }
}

in_a_network! {
    async fn a_growth_wakes_whoever_waits(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let (_, since) = changes(&hull, hub, "since=0").await;
        assert_eq!(changes(&hull, hub, &format!("since={since}")).await.0, Vec::<String>::new());
        let story = Story::begins(&leeds, Audience::Network, None);
        let batch = story.whole();
        let begun = Instant::now();

        let query = format!("since={since}&wait=25");
        let (told, appended) = tokio::join!(changes(&hull, hub, &query), leeds.appends(hub, &batch));

        assert_eq!(appended.status(), 200);
        assert_eq!(told.0, ["leeds network 1"]);
        assert!(begun.elapsed() < Duration::from_secs(20), "it did not wait to the end");
    }
}

in_a_network! {
    async fn who_waits_in_too_many_places_is_told_to_come_back_and_all_are_let_go_at_the_end(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let (_, since) = changes(&hull, hub, "since=0").await;
        let target = format!("/fed/v1/changes?since={since}&wait=25");
        let mut waiting = Vec::new();
        for _ in 0..32 {
            waiting.push(hull.request(hub, "GET", &target, b"").await);
        }
        let waiting = join_all(waiting.into_iter().map(|request| hub.send(request)));
        let turned_away = async {
            let told = until("one is turned away", async || {
                let told = hull.gets(hub, "/fed/v1/changes").await;
                (told.status() == 429).then_some(told)
            }).await;
            assert_eq!(refusal(&told), (429, "TOO_MANY".to_owned()));
            assert_eq!(told.headers()["retry-after"], "1");
            assert_eq!(leeds.gets(hub, "/fed/v1/changes").await.status(), 200, "others are served");
            app(hub).signals.stop();
        };
        let begun = Instant::now();
        let (waited, ()) = tokio::join!(waiting, turned_away);
        assert!(waited.iter().all(|told| told.status() == 200));
        assert!(begun.elapsed() < Duration::from_secs(20), "a host that stops lets nobody wait");
    }
}

in_a_network! {
    async fn the_hub_bears_witness_of_what_it_holds(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let mut story = Story::begins(&leeds, Audience::Network, None);
        story.tells(record(1), "Garden");
        let secret = Story::begins(&leeds, Audience::Hub, None);
        for batch in [story.whole(), secret.whole()] {
            assert_eq!(leeds.appends(hub, &batch).await.status(), 200);
        }
        let target = format!("/fed/v1/witness/{}", leeds.site.0);
        let own = json_of(&leeds.gets(hub, &target).await);
        let word = |story: &Story<'_>| json!({
            "audience": story.feed.audience, "epoch": story.feed.epoch, "checkpoint": story.whole().checkpoint,
        });
        let mut feeds = own["feeds"].as_array().unwrap().clone();
        feeds.sort_by_key(|feed| feed["audience"].as_str().unwrap().to_owned());
        assert_eq!(feeds, [word(&secret), word(&story)]);
        let others = json_of(&hull.gets(hub, &target).await);
        assert_eq!(others["feeds"], json!([word(&story)]));
    }
}

in_a_network! {
    async fn what_was_read_is_acknowledged_and_what_was_not_taken_is_reported(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let mut story = Story::begins(&leeds, Audience::Network, None);
        story.tells(record(1), "Garden");
        for batch in [story.whole(), Story::begins(&leeds, Audience::Hub, None).whole()] {
            assert_eq!(leeds.appends(hub, &batch).await.status(), 200);
        }
        let feed = |audience: &str, pos: u64| json!({
            "origin": leeds.site.0, "audience": audience, "epoch": story.feed.epoch, "pos": pos,
        });
        let ack = |cursors: Value| json!({ "host": Uuid::from_u128(3), "cursors": cursors }).to_string();
        let acks = || async { peer_ack::Entity::find().all(app(hub).reader()).await.unwrap() };
        for cursors in [json!([feed("network", 1)]), json!([feed("network", 2)]), json!([feed("network", 2)]), json!([])] {
            let told = hull.posts(hub, "/fed/v1/ack", ack(cursors).as_bytes()).await;
            assert_eq!(told.status(), 204, "{:?}", told.body());
        }
        let beyond = json!([feed("network", 3), feed("hub", 1)]);
        assert_eq!(hull.posts(hub, "/fed/v1/ack", ack(beyond).as_bytes()).await.status(), 204);
        let kept = acks().await;
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].site_id, kept[0].pos, kept[0].host_id), (hull.site, 2, Uuid::from_u128(3)));
        let many = vec![feed("network", 1); 501];
        assert_eq!(refusal(&hull.posts(hub, "/fed/v1/ack", ack(json!(many)).as_bytes()).await).0, 400);

        let report = |audience: &str, reason: &str| json!({
            "origin": leeds.site.0, "audience": audience, "epoch": null, "pos": 2, "reason": reason,
        }).to_string();
        for reason in ["forged entry", "forged entry again"] {
            assert_eq!(hull.posts(hub, "/fed/v1/reports", report("network", reason).as_bytes()).await.status(), 204);
        }
        let kept = peer_report::Entity::find().all(app(hub).reader()).await.unwrap();
        assert_eq!(kept.iter().map(|report| report.reason.as_str()).collect::<Vec<_>>(), ["forged entry again"]);
        let told = hull.posts(hub, "/fed/v1/reports", report("hub", "x").as_bytes()).await;
        assert_eq!(refusal(&told), (404, "UNKNOWN_FEED".to_owned()));
        for reason in ["x".repeat(501), "two\nlines".to_owned()] {
            let told = hull.posts(hub, "/fed/v1/reports", report("network", &reason).as_bytes()).await;
            assert_eq!(refusal(&told), (400, "MALFORMED".to_owned()));
        }
    }
}
