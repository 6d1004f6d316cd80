//! Other keys for a site while hosts run: rotated in the middle of a feed, stolen, revoked and replaced.

use champion_network::federation::{
    feeds,
    wire::{Audience, PublicKey},
};
use entity::{site_key, trusted_key};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{
    hostile::appends,
    network::{Held, ROOT},
    *,
};
use crate::hosts::{Peer, Story};

/// How many keys of a site a host has accepted, and how many of them count no longer.
async fn keys(host: &Process, site: &str) -> (usize, usize) {
    let inside = host.inside().await;
    let of = network::id(&inside.0, site).await;
    let rows = trusted_key::Entity::find().filter(trusted_key::Column::SiteId.eq(of));
    let rows = rows.all(inside.0.reader()).await.unwrap();
    inside.0.database.close().await.unwrap();
    (rows.len(), rows.iter().filter(|row| row.revoked).count())
}

on_each_database! {
    async fn a_key_is_rotated_in_the_middle_of_a_feed_and_every_row_stays(backend) {
        let (hub, [leeds, hull]) = network(backend, ["leeds", "hull"]).await;
        let lead = leeds.champion("lead", "project_lead").await;
        for number in 1..=12 {
            lead.writes(&format!("Project {number:02}")).await;
            if number % 4 == 0 {
                leeds.does(&["site", "rotate-key", "leeds"]);
            }
        }
        take_in(&[&hub, &leeds, &hull]).await;
        let written = titles(&leeds, "leeds").await;
        assert_eq!(written.len(), 12);
        for host in [&hub, &hull] {
            assert_eq!(titles(host, "leeds").await, written);
        }
        assert_eq!(keys(&hull, "leeds").await, (4, 0));
        let (own, relayed) = (Held::by(&leeds, "leeds").await, Held::by(&hub, "leeds").await);
        assert_eq!(relayed.entries, own.entries);
        assert_eq!(relayed.cursor.unwrap().generation, 0, "nobody had to read anew");
        }
}

on_each_database! {
    async fn a_stolen_key_is_revoked_and_replaced_and_every_row_is_right_before_and_after(backend) {
        let (hub, [leeds, hull]) = network(backend, ["leeds", "hull"]).await;
        let lead = leeds.champion("lead", "project_lead").await;
        lead.writes("Before").await;
        take_in(&[&hub, &leeds, &hull]).await;
        let thief = leeds.inside().await;
        let stolen = Peer::at(&thief.0, "leeds").await;
        let ana = leeds.champion("ana", "champion").await;
        let card = ana.card().await;
        take_in(&[&hub, &leeds, &hull]).await;
        ana.does("championErase", card.clone(), "champion { id }").await;
        take_in(&[&hub, &leeds, &hull]).await;
        // While the key still counts, its thief has everything erased.
        let held = Held::by(&hub, "leeds").await;
        let end = feeds::stored(held.head.as_ref().unwrap()).unwrap().ended();
        let mut erases = Story::begins(&stolen, Audience::Network, Some(end));
        erases.erases(held.shown());
        assert_eq!(appends(&stolen, &hub, &erases.whole()).await.0, 200);
        assert!(titles(&hub, "leeds").await.is_empty());
        until("the other region has read it, or what the site has said against it", async || {
            let present = Held::by(&hub, "leeds").await.head.unwrap().epoch == erases.feed.epoch.0;
            (!present || titles(&hull, "leeds").await.is_empty()).then_some(())
        }).await;

        hub.does(&["site", "revoke-key", "leeds"]);
        // The thief goes on in the feed's name, from its start and in a new epoch.
        let forged = Story::begins(&stolen, Audience::Network, None);
        let told = appends(&stolen, &hub, &forged.whole()).await;
        assert_eq!(told.0, 401, "{told:?}");
        lead.writes("Meanwhile").await;
        let new = leeds.does(&["site", "replace-key", "leeds"]);
                hub.does(&["site", "accept-key", "leeds", "--public-key", &new, "--root", ROOT]);

        for host in [&hub, &hull] {
            until("all of it is there", async || {
                (titles(host, "leeds").await == ["Before", "Meanwhile"]).then_some(())
            }).await;
        }
        assert_eq!(keys(&hull, "leeds").await, (2, 1));
        let told = appends(&stolen, &hub, &forged.whole()).await;
        assert_eq!(told.0, 401, "{told:?}");
        lead.writes("After").await;
        take_in(&[&hub, &leeds, &hull]).await;
        for host in [&hub, &hull] {
            assert_eq!(titles(host, "leeds").await, ["After", "Before", "Meanwhile"]);
        }
        let relayed = Held::by(&hub, "leeds").await;
        relayed.is_whole();
        assert_eq!(Held::by(&hull, "leeds").await.shown(), relayed.shown());
        let gone = entity::ids::parse_any(card["id"].as_str().unwrap()).unwrap().1;
        for host in [&hub, &hull] {
            let inside = host.inside().await;
            assert_eq!(inside.0.ledger.of_site(stolen.site).unwrap(), [gone], "what the site itself has erased, and no more");
            inside.0.database.close().await.unwrap();
        }
        thief.0.database.close().await.unwrap();
    }
}

on_each_database! {
    async fn a_key_that_was_never_used_is_forgotten_after_a_theft(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        leeds.champion("lead", "project_lead").await.writes("Before").await;
        in_step(&hub, &leeds).await;
        hub.dies();
        assert!(!leeds.fails(&["site", "rotate-key", "leeds"]).is_empty(), "nobody takes the key in");
        let stolen = own_keys(&leeds).await;
        assert_eq!(stolen.len(), 2);
        hub.starts();
        hub.does(&["site", "revoke-key", "leeds"]);
        let new = leeds.does(&["site", "replace-key", "leeds"]);
        hub.does(&["site", "accept-key", "leeds", "--public-key", &new, "--root", ROOT]);
        in_step(&hub, &leeds).await;
        let next = leeds.does(&["site", "rotate-key", "leeds"]);
        assert!(!stolen.contains(&next), "the thief has every key that was made before");
        in_step(&hub, &leeds).await;
    }
}

/// Every key of the site of a host, used or not, as it is printed.
async fn own_keys(host: &Process) -> Vec<String> {
    let inside = host.inside().await;
    let rows = site_key::Entity::find().all(inside.0.reader()).await.unwrap();
    inside.0.database.close().await.unwrap();
    let keys = rows
        .into_iter()
        .map(|row| PublicKey(row.public_key.try_into().unwrap()));
    keys.map(|key| key.to_string()).collect()
}
