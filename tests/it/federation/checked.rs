//! What `champion-network check` says of copies.

use champion_network::config::Settings;

use crate::{
    audit::{findings, suffers},
    support::{Backend, Host, NATIONAL, Network, json, on_each_database},
    sweep::{Seeds, whatever_is_asked},
};

/// A network in which York, next to the national site, has a record of every kind, and Leeds some that others see.
async fn filled(backend: Backend) -> Network {
    let asked = |settings: &mut Settings| whatever_is_asked(settings);
    let hub = Host::keeping(backend, &[NATIONAL, "york"], 7, asked).await;
    let network = Network::around(hub, backend, |_| {}).await;
    let (seeds, _) = Seeds::plant(&network.hub, "york").await;
    network.meets().await;
    let lead = network.leeds.champion(&["leeds:project_lead", "leeds:moderator"]).await;
    for title in ["Garden", "Orchard"] {
        let input = json!({ "site": "leeds", "title": title, "summary": "Ours.", "visibility": "NETWORK" });
        lead.does("projectCreate", input, "project { id }").await.record();
    }
    let started = json!({ "space": seeds.ids["square"], "title": "Tablets", "body": "Who has some?" });
    let thread = lead.does("threadStart", started, "thread { id }").await.record()["id"].clone();
    let answer = json!({ "thread": thread, "body": "We do." });
    lead.does("postCreate", answer, "post { id }").await.record();
    network.meets().await;
    network
}

on_each_database! {
    async fn copies_of_every_kind_hold_together_on_every_host(backend) {
        let network = filled(backend).await;
        for host in [&network.hub, &network.leeds, &network.hull] {
            assert_eq!(findings(host).await, Vec::<String>::new());
        }
    }
}

on_each_database! {
    async fn copies_that_are_not_as_their_feed_says_are_found(backend) {
        let network = Network::start(backend).await;
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let mut ids = Vec::new();
        for title in ["Garden", "Orchard", "Meadow"] {
            let input = json!({ "site": "leeds", "title": title, "summary": "Ours.", "visibility": "NETWORK" });
            let made = lead.does("projectCreate", input, "project { id }").await.record()["id"].clone();
            ids.push(made.as_str().unwrap().to_owned());
        }
        network.meets().await;
        let (hub, hull) = (&network.hub, &network.hull);
        for host in [hub, hull] {
            assert_eq!(findings(host).await, Vec::<String>::new());
        }
        let copies = "leeds: copies of the feed network";

        // The hub keeps what Leeds wrote.
        suffers(hub, "UPDATE project SET summary = 'Theirs.' WHERE title = 'Garden'").await;
        assert_eq!(findings(hub).await, [format!("{copies}: {} has another summary than its feed says", ids[0])]);
        suffers(hub, "UPDATE project SET summary = 'Ours.', visibility = 'SITE' WHERE title = 'Garden'").await;
        assert_eq!(findings(hub).await, [format!("{copies}: {} is not shown here as its feed says", ids[0])]);

        // Others know which records there are.
        suffers(hull, "DELETE FROM project WHERE title = 'Orchard'").await;
        assert_eq!(findings(hull).await, [format!("{copies}: {} has come with it and is not here", ids[1])]);
        suffers(hull, "DELETE FROM replica WHERE record_id NOT IN (SELECT id FROM project) AND kind = 'project'").await;
        assert_eq!(findings(hull).await, Vec::<String>::new());
        suffers(hull, "UPDATE replica SET operation = 'del' WHERE record_id IN (SELECT id FROM project WHERE title = 'Meadow')").await;
        let found = findings(hull).await;
        assert_eq!(found, [
            format!("{copies}: {} is here although its site shares it no longer", ids[2]),
            format!("leeds: copies: {} is here, and no feed of its site shows it", ids[2]),
        ]);
        suffers(hull, "DELETE FROM replica WHERE operation = 'del'").await;
        assert_eq!(findings(hull).await, [format!("leeds: copies: {} is here, and no feed of its site shows it", ids[2])]);
    }
}
