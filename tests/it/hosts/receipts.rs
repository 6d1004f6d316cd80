//! Changes, witness, acknowledgements and reports.

use std::time::Instant;

use champion_network::{
    clock::Ids,
    federation::{
        feeds,
        messages::{Ack, MAX_ERASED, Receipt, Testimony, Witness},
        run::Background,
        wire::{Header, Opening},
        witness,
    },
    server::Server,
};
use entity::{feed_entry, host as hosts, peer_ack, peer_report};
use futures_util::future::join_all;
use sea_orm::{
    ColumnTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

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
        for cursors in [json!([feed("network", 1)]), json!([feed("network", 2)]), json!([feed("network", 1), feed("network", 2)]), json!([])] {
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

in_a_network! {
    async fn a_long_ledger_is_told_in_pages(network) {
        let (leeds, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        let mut erased: Vec<_> = (0..2 * MAX_ERASED as u128 + 5).map(|number| (leeds.site, record(number * 7919 % 104_729))).collect();
        app(hub).ledger.write(&[], &erased).unwrap();
        let target = format!("/fed/v1/witness/{}", leeds.site.0);
        let (mut told, mut pages, mut next) = (Vec::new(), 0, None::<Uuid>);
        loop {
            let after = next.map(|after| format!("?after={after}")).unwrap_or_default();
            let page: Witness = serde_json::from_slice(leeds.gets(hub, &format!("{target}{after}")).await.body()).unwrap();
            assert!(page.erased.len() <= MAX_ERASED);
            told.extend(page.erased);
            (pages, next) = (pages + 1, page.next);
            if next.is_none() {
                break;
            }
        }
        erased.sort_unstable();
        assert_eq!(told, erased.iter().map(|(_, id)| *id).collect::<Vec<_>>());
        assert_eq!(pages, 3);
        assert_eq!(refusal(&leeds.gets(hub, &format!("{target}?after=1")).await), (400, "MALFORMED".to_owned()));
    }
}

in_a_network! {
    async fn a_site_in_doubt_is_read_by_nobody_and_the_rest_goes_on(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let national = Origin(id(app(hub), NATIONAL).await.0);
        let mut story = Story::begins(&leeds, Audience::Network, None);
        assert_eq!(leeds.appends(hub, &story.whole()).await.status(), 200);
        let feed = |site: SiteId| format!("/fed/v1/feeds/{}/network", site.0);
        assert_eq!(hull.gets(hub, &feed(SiteId(national.0))).await.status(), 200);
        let (_, since) = changes(&hull, hub, "since=0").await;

        doubts(hub, &[national]).await;
        let told = hull.gets(hub, &feed(SiteId(national.0))).await;
        assert_eq!(refusal(&told), (503, "HELD".to_owned()));
        assert_eq!(told.headers()["retry-after"], "2");
        story.tells(record(1), "Garden");
        assert_eq!(leeds.appends(hub, &story.batch(2, 2)).await.status(), 200);
        assert_eq!(hull.gets(hub, &feed(leeds.site)).await.status(), 200);
        let told = json_of(&hull.gets(hub, &format!("/fed/v1/changes?since={since}")).await);
        assert_eq!(told["testify"], json!([national]));
        let before = feeds::feed(app(hub).reader(), SiteId(national.0), Audience::Network).await.unwrap();
        hub.champion(&["national:champion"]).await;
        assert_eq!(sequencer::run(app(hub)).await.unwrap(), 0, "nothing of it is numbered");
        assert_eq!(feeds::feed(app(hub).reader(), SiteId(national.0), Audience::Network).await.unwrap(), before);
    }
}

/// Has sites of a host publish nothing before others have told what they have read.
async fn doubts(host: &Host, sites: &[Origin]) {
    let doubt = app(host).system("doubt", async |work| host::doubt(work, sites, 0).await);
    app(host).signals.ask(doubt.await.unwrap());
}

/// What somebody says that a site has signed, and what it has erased.
fn testimony(story: &Story<'_>, erased: &[Uuid], next: Option<Uuid>) -> Witness {
    Witness {
        origin: story.feed.origin,
        feeds: vec![Testimony {
            audience: story.feed.audience,
            epoch: story.feed.epoch,
            checkpoint: story.whole().checkpoint,
        }],
        erased: erased.to_vec(),
        next,
        acknowledged: Vec::new(),
    }
}

in_a_network! {
    async fn only_a_site_in_doubt_hears_testimony_and_only_of_its_present_key(network) {
        let (hull, leeds, hub) = (Peer::of(&network.hull, "hull").await, Peer::of(&network.leeds, "leeds").await, &network.hub);
        let carla = hub.champion(&["national:champion"]).await;
        let card = carla.run("{ viewer { champion { id } } }", json!({})).await.data()["viewer"]["champion"]["id"].clone();
        let carla = entity::ids::parse_any(card.as_str().unwrap()).unwrap().1;
        sequencer::run(app(hub)).await.unwrap();
        let stolen = Peer::of(hub, NATIONAL).await;
        let site = stolen.site;
        let renew = app(hub).system("another key", async |work| {
            let key = keys::make(work, site).await?;
            keys::take_over(work, site, &key).await
        });
        renew.await.unwrap();
        let present = Peer::of(hub, NATIONAL).await;
        app(hub).clock.advance(chrono::TimeDelta::seconds(1));
        let epoch = async || feeds::feed(app(hub).reader(), site, Audience::Network).await.unwrap().unwrap().epoch;
        let reader = hub.person(&["national:champion"]);
        let is_there = async || {
            let seen = reader.run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": card })).await;
            seen.data()["node"] != Value::Null
        };
        let acknowledges = async |cursors: Vec<Receipt>, testimony: Vec<Witness>| {
            let ack = Ack { host: Uuid::from_u128(3), cursors, testimony };
            let told = hull.posts(hub, "/fed/v1/ack", &serde_json::to_vec(&ack).unwrap()).await;
            assert_eq!(told.status(), 204, "{:?}", told.body());
        };
        let tells = async |told: Witness| acknowledges(Vec::new(), vec![told]).await;
        let before = epoch().await;
        let read = Receipt { origin: Origin(site.0), audience: Audience::Network, epoch: before, pos: 1 };
        acknowledges(vec![read], Vec::new()).await;

        let (forged, true_one) = (Story::begins(&stolen, Audience::Network, None), Story::begins(&present, Audience::Network, None));
        tells(testimony(&true_one, &[carla], None)).await;
        assert!(is_there().await && epoch().await == before, "nobody was asked");
        doubts(hub, &[Origin(site.0), Origin(leeds.site.0)]).await;
        tells(testimony(&forged, &[carla], None)).await;
        let nothing = Witness { feeds: Vec::new(), ..testimony(&true_one, &[carla], None) };
        tells(nothing.clone()).await;
        assert!(is_there().await && epoch().await == before);
        assert_eq!(app(hub).signals.asks().len(), 2, "neither a stolen key nor nothing is an answer");
        tells(Witness { origin: Origin(leeds.site.0), ..nothing }).await;
        assert_eq!(app(hub).signals.asks(), [Origin(site.0)], "nothing is, where nobody has acknowledged anything");

        tells(testimony(&true_one, &[carla], Some(carla))).await;
        assert!(!is_there().await);
        assert_eq!(epoch().await, before, "more is about to be told");
        tells(testimony(&true_one, &[], None)).await;
        assert_eq!(app(hub).signals.asks(), []);
        let entries = feed_entry::Entity::find().filter(feed_entry::Column::Origin.eq(site));
        let entries = entries.filter(feed_entry::Column::Pos.eq(1)).all(app(hub).reader()).await.unwrap();
        let opening = Opening::parse(entries[0].payload.as_deref().unwrap()).unwrap();
        assert_eq!(Header::parse(&entries[0].header).unwrap().gid, epoch().await.0);
        assert_eq!(opening.previous, Some(true_one.ended()));
    }
}

/// Has the database of a host count less than it did, as an older one does.
async fn falls_back(host: &Host) {
    let back = app(host).system("fall back", async |work| {
        let changes = Expr::col(hosts::Column::Changes).sub(1);
        let less = hosts::Entity::update_many().col_expr(hosts::Column::Changes, changes);
        less.exec(work.db()).await?;
        Ok(())
    });
    back.await.unwrap();
}

in_a_network! {
    async fn a_database_is_in_doubt_while_it_counts_less_than_the_tally_beside_it(network) {
        let (hull, hub) = (Peer::of(&network.hull, "hull").await, &network.hub);
        let national = id(app(hub), NATIONAL).await;
        let opened = async || {
            let clock = app(hub).clock.clone();
            Server::open(hub.settings.clone(), clock, Ids::default()).await.unwrap().0
        };
        let epoch = async || feeds::feed(app(hub).reader(), national, Audience::Network).await.unwrap().unwrap().epoch;
        assert_eq!(opened().await.signals.asks(), [], "a host that was killed has its newest database");
        falls_back(hub).await;
        assert_eq!(opened().await.signals.asks(), [Origin(national.0)]);
        assert_eq!(opened().await.signals.asks(), [Origin(national.0)], "also at the next start");

        let before = epoch().await;
        let (unread, all_heard) = (opened().await, "it publishes again");
        let background = Background::start(&unread).unwrap();
        until(all_heard, async || unread.signals.asks().is_empty().then_some(())).await;
        assert_ne!(epoch().await, before, "nobody can tell, so nothing is contradicted");
        background.end().await;

        let feed = feeds::feed(app(hub).reader(), national, Audience::Network).await.unwrap().unwrap();
        let read = Receipt { origin: feed.origin, audience: feed.audience, epoch: feed.epoch, pos: 1 };
        let ack = Ack { host: Uuid::from_u128(3), cursors: vec![read], testimony: Vec::new() };
        assert_eq!(hull.posts(hub, "/fed/v1/ack", &serde_json::to_vec(&ack).unwrap()).await.status(), 204);
        std::fs::remove_file(format!("{}.tally", app(hub).ledger.path().display())).unwrap();
        let replicas = [opened().await, opened().await];
        let working = replicas.each_ref().map(|replica| Background::start(replica).unwrap());
        witness::settle_unread(&replicas[0]).await.unwrap();
        assert_eq!(replicas[0].signals.asks(), [Origin(national.0)], "somebody has read it and could tell");
        witness::trust(&replicas[1]).await.unwrap();
        until(all_heard, async || replicas[0].signals.asks().is_empty().then_some(())).await;
        assert_eq!(epoch().await, feed.epoch);
        for background in working {
            background.end().await;
        }
    }
}
