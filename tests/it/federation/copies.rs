//! Copies of what other hosts keep are read only: whoever would change one is told who keeps it.

use std::collections::BTreeSet;

use entity::{audit_entry, outbox};
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::{
    support::{Host, NATIONAL, Network, Person, Value, json, on_each_database},
    sweep::{Filler, Schema, Seeds, whatever_is_asked},
};

/// What changes no copy: people write records of their own site about it, or try a code that this host does not know.
const WRITTEN_AT_HOME: [&str; 4] = ["championClaim", "postCreate", "postReport", "threadStart"];

async fn is_here(person: &Person<'_>, input: &Value) -> bool {
    let named = ["id", "space", "thread", "resource", "measure"].map(|field| &input[field]);
    let Some(id) = named.into_iter().find(|id| id.is_string()) else {
        return false;
    };
    let query = "query($id: ID!) { node(id: $id) { __typename } }";
    person.run(query, json!({ "id": id })).await.data()["node"].is_object()
}

on_each_database! {
    async fn no_mutation_changes_a_copy(backend) {
        let hub = Host::keeping(backend, &[NATIONAL, "york"], 7, whatever_is_asked).await;
        let filler = Filler::by(Schema::read(&hub).await);
        assert!(hub.filler.set(filler).is_ok());
        let seeds = Seeds::plant(&hub, "york").await.0;
        let network = Network::around(hub, backend, |_| {}).await;
        network.meets().await;
        let host = &network.leeds;
        let roles = [
            "champion",
            "project_lead",
            "curator",
            "moderator",
            "analyst",
            "site_admin",
        ];
        let roles = roles.map(|role| format!("leeds:{role}"));
        let ana = host.champion(&roles.each_ref().map(String::as_str)).await;
        let written = async || {
            let db = host.server.0.reader();
            let outbox = outbox::Entity::find().count(db).await.unwrap();
            (audit_entry::Entity::find().count(db).await.unwrap(), outbox)
        };

        let before = written().await;
        let (mut wrong, mut told) = (Vec::new(), BTreeSet::new());
        for (mutation, (input, _)) in seeds.inputs() {
            if WRITTEN_AT_HOME.contains(&mutation) {
                continue;
            }
            let here = is_here(&ana, &input).await;
            let reply = ana.does(mutation, input, "__typename").await;
            let code = reply.code().to_owned();
            if code == "NOT_HOSTED_HERE" {
                let home = &reply.0["errors"][0]["extensions"];
                let keeps = ["york", "national"].contains(&home["site"].as_str().unwrap_or_default());
                assert!(keeps && home["endpoint"].is_string(), "{mutation}: {home}");
                told.insert(mutation);
            } else if !["NOT_FOUND", "FORBIDDEN"].contains(&&*code) || (here && code == "NOT_FOUND") {
                wrong.push(format!("{mutation}: {}", reply.0));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(written().await, before, "something was changed");
        for mutation in [
            "championErase",
            "projectUpdate",
            "resourcePublish",
            "spaceUpdate",
            "threadEdit",
        ] {
            assert!(told.contains(mutation), "{mutation} was not tried on a copy: {told:?}");
        }
    }
}
