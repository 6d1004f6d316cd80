//! Whoever is erased is named nowhere in the audit, and its chain holds.

use entity::audit_person;
use sea_orm::PaginatorTrait;

use super::*;
use crate::support::on_both;

const ENTRIES: &str = "query($site: String!) {
    auditEntries(site: $site, first: 100) { nodes { action pseudonym issuer subject } }
}";

/// Who is known behind the audits of a host.
async fn known(host: &Host) -> Vec<String> {
    let people = audit_person::Entity::find().all(host.server.0.reader()).await.unwrap();
    people.into_iter().map(|person| person.subject).collect()
}

on_both! {
    async fn an_erased_person_is_named_nowhere_in_the_audit_and_the_chain_holds(host) {
        let (ana, ben) = (host.champion(&["leeds:project_lead"]).await, host.champion(&["leeds:project_lead"]).await);
        for (person, title) in [(&ana, "Garden"), (&ben, "Orchard"), (&ana, "Meadow")] {
            starts(person, "leeds", title).await;
        }
        let admin = host.person(&["leeds:site_admin"]);
        let before = admin.run(ENTRIES, json!({ "site": "leeds" })).await;
        let of = |entries: &crate::support::Reply, subject: &str| {
            let nodes = entries.data()["auditEntries"]["nodes"].as_array().unwrap().clone();
            nodes.into_iter().filter(|node| node["subject"] == subject).collect::<Vec<_>>()
        };
        let (hers, his) = (of(&before, &ana.subject), of(&before, &ben.subject));
        let pseudonym = hers[0]["pseudonym"].clone();
        assert!(hers.len() >= 3 && hers.iter().all(|entry| entry["pseudonym"] == pseudonym && entry["issuer"] == "https://issuer.test"));
        assert!(known(host).await.contains(&ana.subject));

        let mine = ana.run("{ viewer { champion { id version } } }", json!({})).await;
        let mine = &mine.data()["viewer"]["champion"];
        let input = json!({ "id": mine["id"], "version": mine["version"] });
        let erased = ana.run("mutation($input: ChampionEraseInput!) { championErase(input: $input) { problems { code } } }", json!({ "input": input })).await;
        assert_eq!(erased.data()["championErase"]["problems"], json!([]));

        assert!(!known(host).await.contains(&ana.subject), "nor does her own erasure name her");
        assert!(known(host).await.contains(&ben.subject));
        let after = admin.run(ENTRIES, json!({ "site": "leeds" })).await;
        assert_eq!(of(&after, &ana.subject), Vec::<Value>::new());
        assert_eq!(of(&after, &ben.subject), his);
        let nodes = after.data()["auditEntries"]["nodes"].as_array().unwrap();
        let hers_now: Vec<_> = nodes.iter().filter(|node| node["pseudonym"] == pseudonym).collect();
        assert_eq!(hers_now.len(), hers.len() + 1, "with her erasure");
        assert!(hers_now.iter().all(|entry| entry["issuer"].is_null() && entry["subject"].is_null()));
        assert_eq!(findings(host).await, Vec::<String>::new());
    }
}

on_both! {
    async fn somebody_without_a_card_is_forgotten_as_well_and_nobody_else(host) {
        let (admin, other) = (host.person(&["leeds:site_admin", "hull:site_admin"]), host.person(&["leeds:site_admin"]));
        starts(&admin, "leeds", "Garden").await;
        starts(&admin, "hull", "Orchard").await;
        starts(&other, "leeds", "Meadow").await;
        let leeds = id(host, "leeds").await;
        let forget = async |work: &mut champion_network::app::Work<'_>| {
            work.forget_author(leeds, "https://issuer.test", &admin.subject);
            work.forget_author(leeds, "https://issuer.test", "nobody");
            Ok(())
        };
        host.server.0.system("forget", forget).await.unwrap();

        let left = audit_person::Entity::find().count(host.server.0.reader()).await.unwrap();
        assert_eq!((left, known(host).await.contains(&other.subject)), (2, true));
        assert_eq!(findings(host).await, Vec::<String>::new());
        // Whoever comes back is somebody else.
        starts(&admin, "leeds", "Forest").await;
        let names: Vec<_> = entries(host, "leeds").await.iter().filter_map(|entry| entry.pseudonym).collect();
        assert_ne!(names.first(), names.last());
    }
}
