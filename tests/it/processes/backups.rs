//! Hosts that come back from a backup.

use champion_network::federation::wire::Opening;

use super::{network::Held, *};

/// What the first entry of a feed names as its story until then: epoch and position.
async fn previous(host: &Process, site: &str) -> Option<(sea_orm::prelude::Uuid, u64)> {
    let held = Held::by(host, site).await;
    let opening = Opening::parse(held.entries.first()?.payload.as_deref()?).unwrap();
    opening.previous.map(|previous| (previous.epoch.0, previous.to))
}

/// Where a feed ends, said in the same way.
async fn end(host: &Process, site: &str) -> Option<(sea_orm::prelude::Uuid, u64)> {
    let head = Held::by(host, site).await.head?;
    Some((head.epoch, u64::try_from(head.pos).unwrap()))
}

/// Whether a host shows the card.
async fn shows(host: &Process, card: &Value) -> bool {
    let query = "query($id: ID!) { node(id: $id) { id } }";
    let reader = host.member("reader", "champion");
    !reader.asks(query, json!({ "id": card["id"] })).await["node"].is_null()
}

on_each_database! {
    async fn a_region_restored_from_a_backup_takes_the_network_back_with_it_but_nobody_who_was_erased(backend) {
        let (hub, [leeds, hull]) = network(backend, ["leeds", "hull"]).await;
        let hosts = [&hub, &leeds, &hull];
        let lead = leeds.champion("lead", "project_lead").await;
        let ana = leeds.champion("ana", "champion").await;
        let card = ana.card().await;
        lead.writes("Before").await;
        in_step(&hub, &leeds).await;
        in_step(&hull, &leeds).await;
        leeds.stops();
        let backup = leeds.backs_up();
        leeds.starts();

        lead.writes("After").await;
        ana.does("championErase", card.clone(), "champion { id }").await;
        in_step(&hub, &leeds).await;
        in_step(&hull, &leeds).await;
        for host in hosts {
            assert_eq!(titles(host, "leeds").await, ["After", "Before"]);
            assert!(!shows(host, &card).await);
        }
        let epoch = Held::by(&hub, "leeds").await.head.unwrap().epoch;

        leeds.dies();
        leeds.restores(&backup);
        leeds.starts();
        assert_eq!(titles(&leeds, "leeds").await, ["Before"]);
        lead.writes("Anew").await;
        for host in hosts {
            until("what only the lost days knew is gone", async || {
                (titles(host, "leeds").await == ["Anew", "Before"]).then_some(())
            }).await;
            assert!(!shows(host, &card).await, "the ledger keeps the erased person erased at {}", host.site);
        }
        in_step(&hull, &leeds).await;
        let (written, relayed) = (Held::by(&leeds, "leeds").await, Held::by(&hub, "leeds").await);
        assert_ne!(relayed.head.as_ref().unwrap().epoch, epoch);
        assert_eq!(relayed.entries, written.entries);
        relayed.is_whole();
        assert_eq!(Held::by(&hull, "leeds").await.shown(), relayed.shown());
    }
}

on_each_database! {
    async fn an_older_database_is_told_by_what_the_hub_has_seen_of_its_audit(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let lead = leeds.champion("lead", "project_lead").await;
        lead.writes("Before").await;
        in_step(&hub, &leeds).await;
        leeds.stops();
        let backup = leeds.backs_up();
        leeds.starts();
        lead.writes("After").await;
        lead.writes("Afterwards").await;
        let told = leeds.does(&["check"]);
        assert!(told.starts_with("Everything holds."), "while it runs: {told}");
        // A host that stops in order vouches for what was written, and tells the hub.
        leeds.stops();
        let told = leeds.does(&["check"]);
        assert!(told.starts_with("Everything holds."), "{told}");

        leeds.restores(&backup);
        let told = leeds.fails(&["check"]);
        assert!(told.contains("leeds: audit: the hub has seen 2 entries that are not here, from entry "), "{told}");
        assert!(leeds.does(&["check", "--offline"]).starts_with("Everything holds."), "of itself nobody can tell");
        leeds.starts();
        lead.writes("Anew").await;
        lead.writes("Once more").await;
        leeds.stops();
        let told = leeds.fails(&["check"]);
        assert!(told.contains("leeds: audit: among the entries ") && told.contains("the hub holds"), "{told}");
        assert!(hub.log().contains("a site vouches for another audit than it did before"), "{}", hub.log());
        assert!(leeds.log().contains("the hub holds another story of the audit of a site"), "{}", leeds.log());
    }
}

on_each_database! {
    async fn a_reader_restored_from_a_backup_catches_up_without_a_gap(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let nora = hub.champion("nora", "project_lead").await;
        let first = nora.writes("First").await;
        nora.writes("Second").await;
        take_in(&[&hub, &leeds]).await;
        leeds.stops();
        let backup = leeds.backs_up();
        leeds.starts();

        nora.writes("Third").await;
        let private = json!({ "id": first["id"], "version": first["version"], "visibility": "SITE" });
        nora.does("projectUpdate", private, "project { id }").await;
        take_in(&[&hub, &leeds]).await;
        assert_eq!(titles(&leeds, "national").await, ["Second", "Third"]);
        let read = Held::by(&leeds, "national").await;

        leeds.dies();
        leeds.restores(&backup);
        assert_ne!(Held::by(&leeds, "national").await.records, read.records);
        leeds.starts();
        in_step(&leeds, &hub).await;
        assert_eq!(titles(&leeds, "national").await, ["Second", "Third"]);
        assert_eq!(Held::by(&leeds, "national").await.shown(), read.shown());
        nora.writes("Fourth").await;
        in_step(&leeds, &hub).await;
        assert_eq!(titles(&leeds, "national").await, ["Fourth", "Second", "Third"]);
    }
}

on_each_database! {
    async fn a_hub_restored_from_a_backup_publishes_nothing_before_its_peers_tell_what_they_have_read(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let nora = hub.champion("nora", "project_lead").await;
        let carla = hub.champion("carla", "champion").await;
        let card = carla.card().await;
        let lead = leeds.champion("lead", "project_lead").await;
        nora.writes("Before").await;
        take_in(&[&hub, &leeds]).await;
        hub.dies();
        let backup = hub.backs_up();
        hub.starts();

        nora.writes("After").await;
        carla.does("championErase", card.clone(), "champion { id }").await;
        lead.writes("Garden").await;
        take_in(&[&hub, &leeds]).await;
        assert_eq!(titles(&leeds, "national").await, ["After", "Before"]);
        leeds.dies();
        hub.dies();
        hub.restores(&backup);
        hub.forgets_erasures();
        let before = Held::by(&hub, "national").await.head;

        let log = hub.log().len();
        hub.starts();
        until("it says that it waits", async || hub.log()[log..].contains("publishes nothing").then_some(())).await;
        nora.writes("Anew").await;
        assert_eq!(titles(&hub, "national").await, ["Anew", "Before"], "its own people read and write");
        assert_eq!(Held::by(&hub, "national").await.head, before, "nobody has told it anything");

        leeds.starts();
        for host in [&hub, &leeds] {
            until("all have the hub's word", async || {
                (titles(host, "national").await == ["Anew", "Before"] && !shows(host, &card).await).then_some(())
            }).await;
        }
        take_in(&[&hub, &leeds]).await;
        assert_ne!(Held::by(&hub, "national").await.head.unwrap().epoch, before.unwrap().epoch);
        assert_eq!(titles(&hub, "leeds").await, ["Garden"], "what it had relayed comes again");
    }
}

on_each_database! {
    async fn a_hub_restored_while_its_peers_read_on_names_the_last_that_they_have_read(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let nora = hub.champion("nora", "project_lead").await;
        let carla = hub.champion("carla", "champion").await;
        let card = carla.card().await;
        nora.writes("Before").await;
        take_in(&[&hub, &leeds]).await;
        // A backup of a host that stopped in order says nothing of what comes after it.
        hub.stops();
        let backup = hub.backs_up();
        hub.starts();
        nora.writes("After").await;
        carla.does("championErase", card.clone(), "champion { id }").await;
        take_in(&[&hub, &leeds]).await;

        // The second time, what Leeds has read last is of an epoch that the backup does not know.
        for number in 1..=2 {
            let lost = end(&hub, "national").await;
            hub.dies();
            hub.restores(&backup);
            hub.forgets_erasures();
            hub.starts();
            let title = format!("Anew {number}");
            nora.writes(&title).await;
            for host in [&hub, &leeds] {
                until("all have the hub's word", async || {
                    (titles(host, "national").await == [title.as_str(), "Before"] && !shows(host, &card).await).then_some(())
                }).await;
            }
            take_in(&[&hub, &leeds]).await;
            assert_eq!(previous(&hub, "national").await, lost);
        }
    }
}

on_each_database! {
    async fn a_region_restored_while_the_hub_is_away_sends_nothing_before_it_is_back(backend) {
        let (hub, [leeds, hull]) = network(backend, ["leeds", "hull"]).await;
        let lead = leeds.champion("lead", "project_lead").await;
        lead.writes("Before").await;
        in_step(&hub, &leeds).await;
        leeds.stops();
        let backup = leeds.backs_up();
        leeds.starts();
        for title in ["After 1", "After 2"] {
            lead.writes(title).await;
        }
        in_step(&hub, &leeds).await;
        in_step(&hull, &leeds).await;
        let lost = end(&hub, "leeds").await;

        hub.dies();
        leeds.dies();
        leeds.restores(&backup);
        let log = leeds.log().len();
        leeds.starts();
        assert_eq!(titles(&leeds, "leeds").await, ["Before"]);
        for title in ["Anew 1", "Anew 2", "Anew 3"] {
            lead.writes(title).await;
        }
        assert_eq!(titles(&leeds, "leeds").await, ["Anew 1", "Anew 2", "Anew 3", "Before"], "its own people read and write");
        until("it says that it sends nothing", async || leeds.log()[log..].contains("a feed is not sent").then_some(())).await;

        hub.starts();
        for host in [&hub, &hull] {
            until("all have the word of Leeds", async || {
                (titles(host, "leeds").await == ["Anew 1", "Anew 2", "Anew 3", "Before"]).then_some(())
            }).await;
        }
        in_step(&hub, &leeds).await;
        assert_eq!(previous(&hub, "leeds").await, lost);
        Held::by(&hub, "leeds").await.is_whole();
    }
}

on_each_database! {
    async fn a_hub_restored_from_before_a_rotation_takes_it_in_again(backend) {
        let (hub, [leeds, hull]) = network(backend, ["leeds", "hull"]).await;
        let lead = leeds.champion("lead", "project_lead").await;
        lead.writes("Before").await;
        take_in(&[&hub, &leeds, &hull]).await;
        hub.stops();
        let backup = hub.backs_up();
        hub.starts();
        for title in ["Rotated 1", "Rotated 2"] {
            leeds.does(&["site", "rotate-key", "leeds"]);
            lead.writes(title).await;
        }
        take_in(&[&hub, &leeds, &hull]).await;

        hub.dies();
        hub.restores(&backup);
        hub.starts();
        lead.writes("Then").await;
        for host in [&hub, &hull] {
            until("the hub knows the key again", async || {
                (titles(host, "leeds").await == ["Before", "Rotated 1", "Rotated 2", "Then"]).then_some(())
            }).await;
        }
        take_in(&[&hub, &leeds, &hull]).await;
    }
}
