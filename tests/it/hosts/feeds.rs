//! Feeds at the hub: what may be appended, and who reads what.

use champion_network::federation::protocol::{
    apply::{Content, Facts, Reason},
    directory::{Reader, Standing},
    keys::Keys,
};
use champion_network::federation::wire::{Entry, Header};
use champion_network::{
    error::Error,
    federation::{
        apply, directory,
        feeds::{self as own, Served},
        messages::Rotation,
        protocol::{
            check::{self as checks, check, check_append},
            relay::Asked,
            rules::Rules,
        },
        relay, renewal,
        wire::{Checkpoint, Ed25519, Status},
    },
};

use super::*;

fn record(number: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number)
}

fn address(peer: &Peer<'_>, audience: Audience) -> String {
    format!("/fed/v1/feeds/{}/{audience}", peer.site.0)
}

fn cursor(held: Previous) -> Value {
    json!({ "cursor": { "epoch": held.epoch, "to": held.to, "head": held.head } })
}

/// Takes every payload.
struct Anything;

impl Content for Anything {
    fn check(&self, _: &Header, _: &str, _: Origin, _: Audience) -> Result<Facts, Reason> {
        Ok(Facts::default())
    }

    fn is_national(&self, _: &str) -> bool {
        false
    }
}

/// Whether a consumer would take this batch of a site.
fn is_taken(peer: &Peer<'_>, batch: Batch) -> bool {
    let standing = Standing {
        origin: Origin(peer.site.0),
        status: Status::Active,
        national: false,
        types: Vec::new(),
        keys: Keys::pinned(peer.key.kid(), peer.key.public()),
    };
    check(
        batch,
        &Reader::default(),
        &standing,
        &Anything,
        &Ed25519,
        Rules::default(),
    )
    .is_ok()
}

in_a_network! {
    async fn a_feed_is_relayed_byte_for_byte_and_a_reader_is_told_where_it_stands(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let input = json!({
            "site": "leeds", "title": "Gardén", "summary": "\"Quoted\" \\ and\nbroken.", "visibility": "NETWORK",
            "focusAreas": ["STAFF_CULTURE"],
        });
        lead.does("projectCreate", input, "project { id }").await.record();
        sequencer::run(app(&network.leeds)).await.unwrap();
        let whole = Asked { epoch: None, after: 0, head: None };
        let Served::Batch(written) = own::read(app(&network.leeds), leeds.site, Audience::Network, &whole, 500).await.unwrap()
        else { panic!("leeds has written nothing") };
        assert!(written.to >= 3);
        let taken = leeds.appends(hub, &written).await;
        assert_eq!(taken.status(), 200, "{:?}", taken.body());

        let read = hull.gets(hub, &address(&leeds, Audience::Network)).await;
        assert_eq!(read.status(), 200);
        let relayed = Batch::parse(read.body()).unwrap();
        assert_eq!(relayed, *written, "entries, checkpoint and all");
        assert!(relayed.entries.iter().any(|entry| entry.payload.as_ref().is_some_and(|text| text.contains("Gardén"))));
        assert!(is_taken(&leeds, relayed.clone()));

        let at = |after: u64, head: &Head| {
            format!("{}?epoch={}&after={after}&head={head}", address(&leeds, Audience::Network), relayed.epoch.0)
        };
        let end = json_of(&taken)["cursor"]["head"].as_str().unwrap().to_owned();
        let unchanged = hull.gets(hub, &at(relayed.to, &Head::parse(&end).unwrap())).await;
        assert_eq!((unchanged.status().as_u16(), unchanged.body().len()), (204, 0));
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let word = URL_SAFE_NO_PAD.decode(&unchanged.headers()["cn-checkpoint"]).unwrap();
        assert_eq!(serde_json::from_slice::<Checkpoint>(&word).unwrap(), written.checkpoint);

        let lost = hull.gets(hub, &at(2, &Head([9; 32]))).await;
        let held = json!({ "epoch": relayed.epoch, "pos": relayed.to, "head": end });
        assert_eq!((lost.status().as_u16(), json_of(&lost)), (409, held));
        let elsewhere = format!("{}?epoch={}&after=1", address(&leeds, Audience::Network), record(5));
        assert_eq!(hull.gets(hub, &elsewhere).await.status(), 409);
    }
}

in_a_network! {
    async fn the_hub_signs_its_own_feeds_afresh(network) {
        let (hull, hub) = (Peer::of(&network.hull, "hull").await, &network.hub);
        let national = Peer::of(hub, NATIONAL).await;
        let read = hull.gets(hub, &address(&national, Audience::Network)).await;
        let batch = Batch::parse(read.body()).unwrap();
        assert!(is_taken(&national, batch.clone()));
        app(hub).clock.advance(chrono::TimeDelta::seconds(20));
        let rest = format!("{}?epoch={}&after={}", address(&national, Audience::Network), batch.epoch.0, batch.to);
        let told = hull.gets(hub, &rest).await;
        assert_eq!(told.status(), 204);
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let word = URL_SAFE_NO_PAD.decode(&told.headers()["cn-checkpoint"]).unwrap();
        let word: Checkpoint = serde_json::from_slice(&word).unwrap();
        assert_eq!((word.to, word.at), (batch.to, hub.now()));
    }
}

in_a_network! {
    async fn a_directed_feed_reaches_only_whom_it_is_for(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        for audience in [Audience::Site(hull.site.0), Audience::Hub] {
            let mut story = Story::begins(&leeds, audience, None);
            story.tells(record(1), "Between us");
            assert_eq!(leeds.appends(hub, &story.whole()).await.status(), 200);
        }
        let to_hull = address(&leeds, Audience::Site(hull.site.0));
        assert_eq!(hull.gets(hub, &to_hull).await.status(), 200);
        assert_eq!(refusal(&leeds.gets(hub, &to_hull).await), (403, "NOT_FOR_YOU".to_owned()));
        let to_hub = address(&leeds, Audience::Hub);
        assert_eq!(refusal(&hull.gets(hub, &to_hub).await), (403, "NOT_FOR_YOU".to_owned()));
        let none = address(&hull, Audience::Network);
        assert_eq!(refusal(&leeds.gets(hub, &none).await), (404, "UNKNOWN_FEED".to_owned()));

        let read = apply::cursor(app(hub).reader(), leeds.site, Audience::Hub).await.unwrap();
        assert_eq!(read.pos, 2, "what is for the hub is applied there");
        let read = apply::cursor(app(hub).reader(), leeds.site, Audience::Site(hull.site.0)).await.unwrap();
        assert_eq!(read.pos, 0, "what is for others is not");
    }
}

in_a_network! {
    async fn an_append_may_be_repeated_and_goes_on_where_the_hub_stands(network) {
        let (leeds, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        let mut story = Story::begins(&leeds, Audience::Network, None);
        for number in 1..=6 {
            story.tells(record(number), "Garden");
        }
        let late = leeds.appends(hub, &story.batch(4, 5)).await;
        assert_eq!((late.status().as_u16(), json_of(&late)), (409, json!({ "cursor": null })), "an epoch begins at 1");

        let first = leeds.appends(hub, &story.batch(1, 3)).await;
        let held = Previous { epoch: story.feed.epoch, to: 3, head: story.head(3) };
        assert_eq!((first.status().as_u16(), json_of(&first)), (200, cursor(held)));
        for (from, to) in [(1, 3), (2, 4), (5, 7)] {
            let again = leeds.appends(hub, &story.batch(from, to)).await;
            assert_eq!((again.status().as_u16(), json_of(&again)), (409, cursor(held)), "{from} to {to}");
        }
        assert_eq!(leeds.appends(hub, &story.batch(4, 7)).await.status(), 200);
        app(&network.leeds).clock.advance(chrono::TimeDelta::seconds(30));
        let fresh = leeds.appends(hub, &story.batch(8, 7)).await;
        assert_eq!((fresh.status().as_u16(), json_of(&fresh)), (200, cursor(story.ended())), "only a word is news");
        let read = apply::cursor(app(hub).reader(), leeds.site, Audience::Network).await.unwrap();
        assert_eq!((read.pos, read.head, read.signed_at), (7, story.head(7), Some(network.leeds.now())));

        let hull = Peer::of(&network.hull, "hull").await;
        let part = hull.gets(hub, &format!("{}?limit=2", address(&leeds, Audience::Network))).await;
        let part = Batch::parse(part.body()).unwrap();
        assert_eq!((part.from, part.to), (1, 3), "a relay cuts only where the site has signed");
        assert!(part.seal.is_some() && part.checkpoint.to == 7);
        assert!(is_taken(&leeds, part));
    }
}

in_a_network! {
    async fn a_replaced_payload_is_dropped_and_the_chain_still_holds(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let mut story = Story::begins(&leeds, Audience::Network, None);
        story.tells(record(1), "First");
        story.tells(record(1), "Second");
        story.tells(record(2), "Other");
        assert_eq!(leeds.appends(hub, &story.whole()).await.status(), 200);
        story.tells(record(1), "Third");
        story.says(record(2), Shared::No);
        assert_eq!(leeds.appends(hub, &story.batch(5, 6)).await.status(), 200);

        let read = hull.gets(hub, &address(&leeds, Audience::Network)).await;
        let batch = Batch::parse(read.body()).unwrap();
        let shown: Vec<_> = batch.entries.iter().map(|entry| entry.payload.is_some()).collect();
        assert_eq!(shown, [true, false, false, false, true, false]);
        assert!(batch.entries.iter().all(|entry: &Entry| entry.salt.is_some() == entry.payload.is_some()));
        assert!(is_taken(&leeds, batch));
    }
}

in_a_network! {
    async fn what_was_not_signed_or_is_anothers_is_refused(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let mut story = Story::begins(&leeds, Audience::Network, None);
        story.tells(record(1), "Garden");
        story.tells(record(2), "Cellar");
        let good = story.whole();
        type Forge = fn(&mut Batch);
        let forgeries: [(&str, Forge); 6] = [
            ("payload", |batch| batch.entries[1].payload = Some(r#"{"title":"Forged"}"#.to_owned())),
            ("header", |batch| batch.entries[1].header = batch.entries[1].header.replace("project@1", "project@2")),
            ("order", |batch| batch.entries.swap(1, 2)),
            ("signature", |batch| batch.checkpoint.sig.0[0] ^= 1),
            ("position", |batch| batch.checkpoint.to += 1),
            ("time", |batch| batch.checkpoint.at += chrono::TimeDelta::seconds(1)),
        ];
        for (what, forge) in forgeries {
            let mut batch = good.clone();
            forge(&mut batch);
            assert_eq!(refusal(&leeds.appends(hub, &batch).await), (422, "REFUSED".to_owned()), "{what}");
        }
        let mut unknown = good.clone();
        unknown.checkpoint.kid = "another".to_owned();
        assert_eq!(refusal(&leeds.appends(hub, &unknown).await), (403, "UNTRUSTED_KEY".to_owned()));
        assert_eq!(refusal(&hull.appends(hub, &good).await), (403, "NOT_YOURS".to_owned()));
        let national = Peer::of(hub, NATIONAL).await;
        let usurped = Story::begins(&national, Audience::Network, None).whole();
        assert_eq!(refusal(&national.appends(hub, &usurped).await), (403, "HOSTED_HERE".to_owned()));
        assert_eq!(refusal(&national.appends(&network.leeds, &usurped).await), (404, "NOT_A_HUB".to_owned()));
        let none = address(&leeds, Audience::Network);
        assert_eq!(hull.gets(hub, &none).await.status(), 404, "nothing of all that was kept");

        assert_eq!(leeds.appends(hub, &good).await.status(), 200);
        let mut thief = Story::begins(&hull, Audience::Network, None);
        thief.tells(record(9), "Mine");
        thief.tells(record(2), "Mine too");
        assert_eq!(refusal(&hull.appends(hub, &thief.whole()).await), (422, "REFUSED".to_owned()));
        assert_eq!(leeds.gets(hub, &address(&hull, Audience::Network)).await.status(), 404);
    }
}

in_a_network! {
    async fn an_old_epoch_is_refused_and_one_that_continues_replaces_it(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let mut first = Story::begins(&leeds, Audience::Network, None);
        first.tells(record(1), "Garden");
        assert_eq!(leeds.appends(hub, &first.whole()).await.status(), 200);
        let stranger = Story::begins(&leeds, Audience::Network, None);
        let told = leeds.appends(hub, &stranger.whole()).await;
        assert_eq!((told.status().as_u16(), json_of(&told)), (409, cursor(first.ended())));

        let mut second = Story::begins(&leeds, Audience::Network, Some(first.ended()));
        second.tells(record(1), "Garden");
        assert_eq!(leeds.appends(hub, &second.whole()).await.status(), 200);
        let told = leeds.appends(hub, &first.whole()).await;
        assert_eq!((told.status().as_u16(), json_of(&told)), (409, cursor(second.ended())));
        let read = hull.gets(hub, &address(&leeds, Audience::Network)).await;
        assert_eq!(Batch::parse(read.body()).unwrap(), second.whole());
        let behind = format!("{}?epoch={}&after=1", address(&leeds, Audience::Network), first.feed.epoch.0);
        assert_eq!(hull.gets(hub, &behind).await.status(), 409);
        let read = apply::cursor(app(hub).reader(), leeds.site, Audience::Network).await.unwrap();
        assert_eq!((read.epoch, read.pos), (Some(second.feed.epoch), 2), "the hub itself reads on");
    }
}

in_a_network! {
    async fn garbage_is_answered_and_costs_nobody_anything(network) {
        let (leeds, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        let mut story = Story::begins(&leeds, Audience::Network, None);
        story.tells(record(1), "Garden");
        let good = story.whole();
        let at = address_of(&good);
        let mut far = good.clone();
        (far.seal, far.checkpoint.to) = (Some(good.checkpoint.clone()), u64::MAX);
        let mut nul = good.clone();
        nul.entries[1].payload = Some("\0".to_owned());
        let mut elsewhere = good.clone();
        elsewhere.audience = Audience::Hub;
        let mut gap = good.clone();
        gap.from = 2;
        let bodies: Vec<Vec<u8>> = [&far, &nul, &elsewhere, &gap]
            .map(|batch| serde_json::to_vec(batch).unwrap())
            .into_iter()
            .chain(["", "{}", "null", "[", "{\"entries\":[[[[", "\u{0}\u{1}"].map(|text| text.as_bytes().to_vec()))
            .chain([b"\xff\xfe".to_vec(), b"[".repeat(200_000)])
            .collect();
        for body in &bodies {
            let told = leeds.posts(hub, &at, body).await;
            assert_eq!(refusal(&told), (400, "MALFORMED".to_owned()), "{:?}", &body[..body.len().min(60)]);
        }
        let long = vec![b' '; champion_network::federation::messages::MAX_BODY_BYTES + 1];
        assert_eq!(refusal(&leeds.posts(hub, &at, &long).await), (413, "TOO_LONG".to_owned()));
        for target in [
            "/fed/v1/feeds/leeds/network",
            "/fed/v1/feeds/00000000-0000-0000-0000-000000000009/nobody",
            "/fed/v1/feeds/%ff/network",
            "/fed/v1/changes?since=soon",
            "/fed/v1/changes?until=1",
            "/fed/v1/witness/leeds",
        ] {
            assert_eq!(refusal(&leeds.gets(hub, target).await), (400, "MALFORMED".to_owned()), "{target}");
        }
        for query in ["after=-1", "head=short", "epoch=1", "limit=x", "after=1&colour=red"] {
            let target = format!("{}?{query}", address(&leeds, Audience::Network));
            assert_eq!(refusal(&leeds.gets(hub, &target).await), (400, "MALFORMED".to_owned()), "{query}");
        }
        assert_eq!(leeds.appends(hub, &good).await.status(), 200);
        let beyond = format!("{}?epoch={}&after={}", address(&leeds, Audience::Network), good.epoch.0, u64::MAX);
        let hull = Peer::of(&network.hull, "hull").await;
        assert_eq!(hull.gets(hub, &beyond).await.status(), 503);
    }
}

in_a_network! {
    async fn an_append_under_way_is_not_stored_once_its_key_is_another_or_its_site_has_left(network) {
        let (leeds, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        let mut story = Story::begins(&leeds, Audience::Network, None);
        assert_eq!(leeds.appends(hub, &story.whole()).await.status(), 200);
        story.tells(record(1), "Garden");
        let standing = directory::standing(app(hub).reader(), leeds.site).await.unwrap().unwrap();
        let checked = check_append(story.batch(2, 2), &standing, &Ed25519, Rules::default()).unwrap();
        let late = async || relay::append(app(hub), &checked).await.unwrap();
        let held = async || own::feed(app(hub).reader(), leeds.site, Audience::Network).await.unwrap().map(|feed| feed.pos);

        app(hub).system("rotate", async |work| {
            let (key, proof) = {
                let next = app(&network.leeds).system("next", async |work| keys::next(work, leeds.site).await);
                next.await.unwrap()
            };
            let next = Rotation { public: key.public(), proof };
            renewal::rotate(work, leeds.site, &next).await?.map_err(|refused| Error::not_now(refused.0))
        }).await.unwrap();
        assert!(matches!(late().await, Err(checks::Refusal::UntrustedKey { .. })));
        assert_eq!(held().await, Some(1), "behind the rotation nobody could read it");

        let admin = hub.person(&["national:site_admin"]);
        admin.does("siteLeave", json!({ "site": "leeds", "reason": "Closed." }), "site { status }").await.record();
        assert!(matches!(late().await, Err(checks::Refusal::NotActive(Status::Left))));
        sequencer::run(app(hub)).await.unwrap();
        assert_eq!(held().await, None);
        assert!(matches!(late().await, Err(checks::Refusal::NotActive(Status::Left))));
        assert_eq!(held().await, None);
    }
}

in_a_network! {
    async fn a_feed_for_nobody_in_the_directory_is_refused(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        let invented = Story::begins(&leeds, Audience::Site(record(9)), None);
        assert_eq!(refusal(&leeds.appends(hub, &invented.whole()).await), (422, "REFUSED".to_owned()));
        let known = Story::begins(&leeds, Audience::Site(hull.site.0), None);
        assert_eq!(leeds.appends(hub, &known.whole()).await.status(), 200);
    }
}

in_a_network! {
    async fn the_ledger_takes_few_erasures_of_what_nobody_knew_and_all_of_what_was_known(network) {
        let (leeds, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        let mut story = Story::begins(&leeds, Audience::Network, None);
        for number in 1..=3 {
            story.tells(record(number), "Garden");
        }
        story.erases((1_000..2_200).map(record));
        story.erases((1_000..2_200).map(record));
        for number in 1..=3 {
            story.says(record(number), Shared::Erased);
        }
        for (from, to) in [(1, 500), (501, 1_000), (1_001, 1_500), (1_501, 2_000), (2_001, 2_407)] {
            assert_eq!(leeds.appends(hub, &story.batch(from, to)).await.status(), 200);
        }
        let ledger = &app(hub).ledger;
        assert_eq!(ledger.count(leeds.site).unwrap(), 1_003);
        assert_eq!(ledger.among(leeds.site, &[record(1), record(2), record(3)]).unwrap().len(), 3);
    }
}
