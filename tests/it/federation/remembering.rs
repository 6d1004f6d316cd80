//! What the network remembers of a host that has forgotten.

use champion_network::federation::{
    erasures, feeds,
    protocol::{erasure::Progress, publisher::Feed},
    wire::{Audience, Signature},
    witness,
};
use entity::{feed_entry, feed_head, feed_shared, project};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::support::{
    Host, Person, Value, between_hosts, json,
    network::{exchange, sequence, site},
};

async fn project(lead: &Person<'_>, title: &str) -> Value {
    let input = json!({ "site": "national", "title": title, "summary": "All about it.", "visibility": "NETWORK" });
    lead.does("projectCreate", input, "project { id version }")
        .await
        .record()
        .clone()
}

async fn titles(person: &Person<'_>) -> Vec<String> {
    person
        .run("{ projects(orderBy: TITLE_ASC) { nodes { title } } }", json!({}))
        .await
        .nodes("title")
}

/// Takes the national feed of a host back to a position, and the last project with it, as a backup does.
async fn forget(hub: &Host, before: &Feed, project: &Value) {
    let national = site(hub, "national").await.id;
    let id = entity::ids::parse_any(project["id"].as_str().unwrap()).unwrap().1;
    let end = i64::try_from(before.pos).unwrap();
    let back = hub.server.0.system("forget", async |work| {
        let db = work.db();
        let entries = feed_entry::Entity::delete_many().filter(feed_entry::Column::Origin.eq(national));
        entries.filter(feed_entry::Column::Pos.gt(end)).exec(db).await?;
        let shared = feed_shared::Entity::delete_many().filter(feed_shared::Column::Origin.eq(national));
        shared.filter(feed_shared::Column::Pos.gt(end)).exec(db).await?;
        project::Entity::delete_by_id(entity::ProjectId(id)).exec(db).await?;
        let head = feed_head::Entity::find_by_id((national, Audience::Network.to_string()))
            .one(db)
            .await?;
        let mut head = head.unwrap().into_active_model();
        head.pos = Set(end);
        head.head = Set(before.head.0.to_vec());
        head.update(db).await?;
        Ok(())
    });
    back.await.unwrap();
}

between_hosts! {
    async fn a_hub_that_came_back_from_a_backup_is_told_by_its_peers_and_begins_a_new_epoch(network) {
        let (hub, leeds) = (&network.hub.server.0, &network.leeds.server.0);
        let lead = network.hub.champion(&["national:project_lead"]).await;
        project(&lead, "Kept").await;
        network.meets().await;
        let national = site(&network.hub, "national").await.id;
        let before = feeds::feed(hub.reader(), national, Audience::Network).await.unwrap().unwrap();
        let lost = project(&lead, "Lost").await;
        exchange(&network.hub, &network.leeds).await;
        let told = witness::testify(leeds, before.origin).await.unwrap();
        assert!(!witness::hear(hub, &told).await.unwrap(), "this database knows all of that");
        forget(&network.hub, &before, &lost).await;

        let mut forged = told.clone();
        forged.feeds[0].checkpoint.sig = Signature([7; 64]);
        assert!(!witness::hear(hub, &forged).await.unwrap(), "nobody is believed without the site's own word");
        assert!(witness::hear(hub, &told).await.unwrap());
        let after = feeds::feed(hub.reader(), national, Audience::Network).await.unwrap().unwrap();
        assert_ne!(after.epoch, before.epoch);
        assert!(!witness::hear(hub, &told).await.unwrap(), "who has not heard of the new epoch is merely late");
        network.meets().await;
        for reader in [network.leeds.person(&["leeds:champion"]), network.hull.person(&["hull:champion"])] {
            assert_eq!(titles(&reader).await, ["Kept"]);
        }
    }
}

between_hosts! {
    async fn an_erasure_is_proven_when_every_active_site_has_acknowledged_it(network) {
        let (hub, leeds) = (&network.hub.server.0, &network.leeds.server.0);
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let mine = ana.run("{ viewer { champion { id version } } }", json!({})).await.data()["viewer"]["champion"].clone();
        network.meets().await;
        let erase = json!({ "id": mine["id"], "version": mine["version"] });
        let erased = ana.does("championErase", erase, "champion { id }").await;
        assert_eq!(erased.data()["championErase"]["problems"], json!([]));
        sequence(&network.leeds).await;
        let site = site(&network.leeds, "leeds").await.id;
        let progress = async || {
            let acknowledged = erasures::acknowledged(hub.reader(), site).await.unwrap();
            let all = erasures::of_site(leeds, site, &acknowledged).await.unwrap();
            assert_eq!(all.len(), 1);
            all[0].progress.clone()
        };

        assert!(matches!(progress().await, Progress::Propagating { waiting } if waiting.len() == 2));
        network.meets().await;
        let Progress::Propagating { waiting } = progress().await else { panic!("Hull has not said that it has read it") };
        let hull = crate::support::network::site(&network.hub, "hull").await.id;
        assert_eq!(waiting, [hull.0]);
        assert!(hub.ledger.among(site, &[id_of(&mine)]).unwrap().contains(&id_of(&mine)), "the hub remembers it too");
        let read = feeds::feed(leeds.reader(), site, Audience::Network).await.unwrap().unwrap();
        let ack = hub.system("ack", async |work| {
            let row = entity::peer_ack::ActiveModel {
                site_id: Set(hull),
                origin: Set(site),
                audience: Set(Audience::Network.to_string()),
                host_id: Set(hub.ids.unordered()),
                epoch: Set(read.epoch.0),
                pos: Set(i64::try_from(read.pos).unwrap()),
                at: Set(work.now()),
            };
            row.insert(work.db()).await?;
            Ok(())
        });
        ack.await.unwrap();
        assert_eq!(progress().await, Progress::Proven);
    }
}

between_hosts! {
    async fn what_a_restore_brings_back_of_others_is_gone_before_anybody_asks(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let input = json!({ "site": "leeds", "title": "Gone", "summary": "All about it.", "visibility": "NETWORK" });
        let gone = lead.does("projectCreate", input.clone(), "project { id }").await.record().clone();
        let mut stays = input;
        stays["title"] = json!("Stays");
        lead.does("projectCreate", stays, "project { id }").await.record();
        network.meets().await;
        let site = site(&network.leeds, "leeds").await.id;
        for (host, role) in [(&network.hub, "national:champion"), (&network.hull, "hull:champion")] {
            let reader = host.person(&[role]);
            assert_eq!(titles(&reader).await, ["Gone", "Stays"]);
            // The ledger is newer than the database, which knows nothing of the erasure.
            host.server.0.ledger.write(&[], &[(site, id_of(&gone))]).unwrap();
            host.restart().await;
            assert_eq!(titles(&reader).await, ["Stays"]);
            let told = feed_entry::Entity::find().filter(feed_entry::Column::RecordId.eq(id_of(&gone)));
            let told = told.all(host.server.0.reader()).await.unwrap();
            assert!(told.iter().all(|entry| entry.payload.is_none()), "nor is it told on");
        }
    }
}

fn id_of(record: &Value) -> sea_orm::prelude::Uuid {
    entity::ids::parse_any(record["id"].as_str().unwrap()).unwrap().1
}
