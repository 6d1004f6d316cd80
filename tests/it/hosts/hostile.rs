//! A site whose host sends what no honest one would.

use champion_network::{federation::wire::Checkpoint, forum::feed::placement_id};
use entity::{feed_cursor, feed_parked};
use sea_orm::{ColumnTrait, QueryFilter};

use super::*;

fn record(number: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_a000_0000_0000_0000 + number)
}

/// Where the hub stands in what a site tells everybody.
async fn cursor(hub: &Host, site: SiteId) -> feed_cursor::Model {
    let key = (site, Audience::Network.to_string());
    let row = feed_cursor::Entity::find_by_id(key).one(app(hub).reader());
    row.await.unwrap().unwrap()
}

/// Why the hub has put entries of a site aside, first to last.
async fn reasons(hub: &Host, site: SiteId) -> Vec<String> {
    let rows = feed_parked::Entity::find().filter(feed_parked::Column::Origin.eq(site));
    let mut rows = rows.all(app(hub).reader()).await.unwrap();
    rows.sort_by_key(|row| row.pos);
    rows.into_iter().map(|row| row.reason).collect()
}

in_a_network! {
    async fn a_payload_that_never_follows_holds_up_nobody(network) {
        let hub = &network.hub;
        let (leeds, hull) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await);
        let mut story = Story::begins(&hull, Audience::Network, None);
        story.tells(record(1), "Withheld");
        let mut batch = story.whole();
        (batch.entries[1].payload, batch.entries[1].salt) = (None, None);

        assert_eq!(hull.appends(hub, &batch).await.status(), 200);
        let stuck = cursor(hub, hull.site).await;
        assert_eq!(stuck.pos, 0);
        assert!(stuck.generation < 5, "it is not read again and again: {stuck:?}");
        let mut other = Story::begins(&leeds, Audience::Network, None);
        other.tells(record(2), "Not held up");
        assert_eq!(leeds.appends(hub, &other.whole()).await.status(), 200);
        assert_eq!(cursor(hub, leeds.site).await.pos, 2);

        story.tells(record(1), "It came");
        assert_eq!(hull.appends(hub, &story.batch(3, 3)).await.status(), 200);
        assert_eq!(cursor(hub, hull.site).await.pos, 3);
    }
}

in_a_network! {
    async fn what_cannot_be_stored_is_refused_and_a_reason_repeats_nothing(network) {
        let hub = &network.hub;
        let hull = Peer::of(&network.hull, "hull").await;
        for (kind, schema) in [("proj\0ect", "project@1"), ("project", "project\0"), ("", "project@1"), ("a b", "project@1")] {
            let mut story = Story::begins(&hull, Audience::Network, None);
            story.says_of((kind, schema), record(1), Shared::As("{}".to_owned()));
            let told = hull.appends(hub, &story.whole()).await;
            assert_eq!(refusal(&told), (422, "REFUSED".to_owned()), "{kind:?} {schema:?}");
        }

        let mut story = Story::begins(&hull, Audience::Network, None);
        for (number, payload) in [r#"{"ana@leeds.test\u0000": 1}"#, r#"{"title": "ana@leeds.test"}"#, r#""ana@leeds.test""#].iter().enumerate() {
            story.says(record(number as u128), Shared::As((*payload).to_owned()));
        }
        assert_eq!(hull.appends(hub, &story.whole()).await.status(), 200);
        assert_eq!(cursor(hub, hull.site).await.pos, 4);
        let reasons = reasons(hub, hull.site).await;
        assert_eq!(reasons.len(), 3);
        assert!(reasons.iter().all(|reason| reason.starts_with("invalid payload") && !reason.contains("ana")), "{reasons:?}");
    }
}

in_a_network! {
    async fn a_record_stays_what_it_was_and_whose_it_is_made_of(network) {
        let hub = &network.hub;
        let (leeds, hull) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await);
        let organisation = json!({
            "version": 1, "visibility": "NETWORK", "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z", "name": "The trust", "odsCode": null, "role": "NHS_TRUST",
            "openedOn": null, "closedOn": null, "successors": [],
        });
        let nothing = || Shared::As("{}".to_owned());
        // How Leeds would place a thread: nobody can say so before Leeds does.
        let placed = placement_id(leeds.site, record(9));
        let mut story = Story::begins(&hull, Audience::Network, None);
        story.says_of(("organisation", "organisation@1"), record(1), Shared::As(organisation.to_string()));
        story.says_of(("placement", "placement@1"), placed, nothing());
        story.says_of(("project", "project@1"), placement_id(leeds.site, record(8)), nothing());
        assert_eq!(hull.appends(hub, &story.whole()).await.status(), 200);
        assert_eq!(reasons(hub, hull.site).await.len(), 2);

        let mut other = Story::begins(&leeds, Audience::Network, None);
        other.says_of(("placement", "placement@1"), placed, nothing());
        assert_eq!(leeds.appends(hub, &other.whole()).await.status(), 200, "nobody has taken its place");

        story.says_of(("project", "project@1"), record(1), nothing());
        assert_eq!(hull.appends(hub, &story.batch(5, 5)).await.status(), 200);
        let organisations = entity::organisation::Entity::find().all(app(hub).reader()).await.unwrap();
        assert_eq!(organisations.len(), 1);
        assert_eq!(reasons(hub, hull.site).await.len(), 3);
    }
}

in_a_network! {
    async fn a_second_story_is_proven_to_the_hub(network) {
        use entity::peer_report;
        let hub = &network.hub;
        let (leeds, hull) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await);
        let mut story = Story::begins(&hull, Audience::Network, None);
        let mut second = story.clone();
        story.tells(record(1), "One story");
        second.tells(record(1), "Another story");
        second.tells(record(2), "And more of it");
        assert_eq!(hull.appends(hub, &story.whole()).await.status(), 200);
        let report = |held: &Checkpoint, shown: &Checkpoint| {
            json!({
                "origin": hull.site.0, "audience": "network", "epoch": story.feed.epoch, "pos": 2,
                "reason": "the origin signed two stories",
                "fork": { "epoch": story.feed.epoch, "held": held, "shown": shown },
            })
        };
        let sends = async |report: Value| leeds.posts(hub, "/fed/v1/reports", report.to_string().as_bytes()).await;
        let kept = async || peer_report::Entity::find().all(app(hub).reader()).await.unwrap();
        let (first, rival) = (story.whole().checkpoint, second.batch(1, 2).seal.unwrap());

        let forged = Checkpoint { head: rival.head, ..first.clone() };
        for (held, shown) in [(&first, &first), (&forged, &first), (&first, &second.whole().checkpoint)] {
            let told = sends(report(held, shown)).await;
            assert_eq!(refusal(&told), (403, "UNPROVEN".to_owned()));
        }
        assert!(kept().await.is_empty());

        // Two words for one position, and one that the chain that the hub holds does not pass through.
        let mut longer = story.clone();
        longer.tells(record(3), "More of the first");
        assert_eq!(hull.appends(hub, &longer.batch(3, 3)).await.status(), 200);
        for shown in [&first, &longer.whole().checkpoint] {
            assert_eq!(sends(report(&rival, shown)).await.status(), 204);
            let kept = kept().await;
            let proof = kept[0].fork.as_deref().unwrap_or_default();
            assert_eq!(serde_json::from_str::<Value>(proof).unwrap()["shown"], json!(shown));
        }

        // What else it has to say of the feed later takes nothing back.
        let mut plain = report(&rival, &first);
        plain["fork"] = Value::Null;
        assert_eq!(sends(plain).await.status(), 204);
        assert!(kept().await[0].fork.is_some());
    }
}
