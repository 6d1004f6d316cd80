//! What one host shares, others find and read.

use champion_network::federation::{feeds, wire::Audience};
use entity::{Kind, Visibility, feed_entry, project};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::support::{
    Host, Person, Value, between_hosts, json,
    network::{exchange, sequence, site},
    on_both,
};

/// A published guide of a site, written by one of its champions and published by a curator.
pub(super) async fn guide(host: &Host, site: &str, title: &str) -> Value {
    let author = host.champion(&[&format!("{site}:champion")]).await;
    let input = json!({
        "site": site, "type": "GUIDE", "title": title, "summary": "How to begin.", "body": "Sit **beside** the person.",
        "visibility": "NETWORK", "language": "en", "licence": "CC0-1.0", "topics": ["tablets"],
    });
    let made = author
        .does("resourceCreate", input, "resource { id version }")
        .await
        .record()
        .clone();
    published(host, site, &author, &made).await
}

/// Has a draft submitted by its author, and approved and published by a curator.
pub(super) async fn published(host: &Host, site: &str, author: &Person<'_>, made: &Value) -> Value {
    let submit = json!({ "id": made["id"], "version": made["version"] });
    let made = author
        .does("resourceSubmit", submit, "resource { id version }")
        .await
        .record()
        .clone();
    let curator = host.person(&[&format!("{site}:curator")]);
    let review = json!({ "id": made["id"], "version": made["version"], "verdict": "APPROVE" });
    let made = curator
        .does("resourceReview", review, "resource { id version }")
        .await
        .record()
        .clone();
    let publish = json!({ "id": made["id"], "version": made["version"] });
    curator
        .does("resourcePublish", publish, "resource { id version }")
        .await
        .record()
        .clone()
}

async fn project(lead: &Person<'_>, title: &str) -> Value {
    let input = json!({
        "site": "leeds", "title": title, "summary": format!("All about {title}."), "visibility": "NETWORK",
        "focusAreas": ["STAFF_CULTURE"], "conditions": ["diabetes"], "sponsors": ["The trust"],
    });
    let made = lead
        .does("projectCreate", input, "project { id version }")
        .await
        .record()
        .clone();
    let milestones = json!({
        "id": made["id"], "version": made["version"], "milestones": [{ "title": "First step", "dueOn": "2026-09-01" }],
    });
    lead.does("projectSetMilestones", milestones, "project { id version }")
        .await
        .record()
        .clone()
}

const PROJECT: &str = "query($id: ID!) { node(id: $id) { ... on Project {
    title summary conditions visibility version site { slug hostedHere } lead { displayName }
    champions { nodes { displayName } } milestones { title dueOn }
} } }";

async fn seen(person: &Person<'_>, query: &str, id: &Value) -> Value {
    person.run(query, json!({ "id": id })).await.data()["node"].clone()
}

between_hosts! {
    async fn a_region_finds_and_reads_what_the_national_team_publishes(network) {
        let made = guide(&network.hub, "national", "First steps with tablets").await;
        exchange(&network.hub, &network.leeds).await;

        let reader = network.leeds.person(&["leeds:champion"]);
        let search = r#"{ resources(filter: { search: "beside tablet" }) { nodes { title } totalCount } }"#;
        let found = reader.run(search, json!({})).await;
        assert_eq!(found.nodes("title"), ["First steps with tablets"]);
        let query = "query($id: ID!) { node(id: $id) { ... on Resource {
            title body status topics site { slug } author { displayName } editions { nodes { number title } }
        } } }";
        let shown = seen(&reader, query, &made["id"]).await;
        assert_eq!(shown["body"], "Sit **beside** the person.");
        assert_eq!(shown["site"], json!({ "slug": "national" }));
        assert_eq!(shown["editions"]["nodes"], json!([{ "number": 1, "title": "First steps with tablets" }]));
        let library = r#"{ site(slug: "leeds") { resources { nodes { title } } } }"#;
        let library = reader.run(library, json!({})).await.data()["site"]["resources"]["nodes"].clone();
        assert_eq!(library, json!([{ "title": "First steps with tablets" }]));
    }
}

between_hosts! {
    async fn the_hub_shows_a_region_s_project_until_it_is_no_longer_shared(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let made = project(&lead, "Garden").await;
        network.meets().await;

        let curator = network.hub.person(&["national:curator"]);
        let home = seen(&lead, PROJECT, &made["id"]).await;
        let mut shown = seen(&curator, PROJECT, &made["id"]).await;
        assert_eq!(shown["site"], json!({ "slug": "leeds", "hostedHere": false }));
        shown["site"]["hostedHere"] = json!(true);
        assert_eq!(shown, home, "lead, team and milestones travel with it");
        let input = json!({ "id": made["id"], "version": made["version"], "title": "Mine" });
        let refused = curator.does("projectUpdate", input, "project { id }").await;
        assert_eq!(refused.code(), "NOT_HOSTED_HERE");

        let input = json!({ "id": made["id"], "version": made["version"], "visibility": "SITE" });
        lead.does("projectUpdate", input, "project { id }").await.record();
        network.meets().await;
        assert_eq!(seen(&curator, PROJECT, &made["id"]).await, Value::Null);
        let search = r#"{ projects(filter: { search: "garden" }) { nodes { title } } }"#;
        assert!(curator.run(search, json!({})).await.nodes("title").is_empty());
    }
}

between_hosts! {
    async fn a_site_tells_how_fresh_the_copies_of_others_are(network) {
        let query = "{ network { sites { site { slug } state position parked lastError verifiedAt lagSeconds } } }";
        let sites = network.leeds.anonymous().run(query, json!({})).await.data()["network"]["sites"].clone();
        let of = |slug: &str| {
            let all = sites.as_array().unwrap().iter();
            all.clone().find(|one| one["site"]["slug"] == slug).unwrap().clone()
        };

        assert_eq!(of("leeds")["state"], "HOME");
        assert_eq!(of("leeds")["position"], 0);
        for slug in ["national", "hull"] {
            let one = of(slug);
            assert_eq!((&one["state"], &one["parked"], &one["lastError"]), (&json!("LIVE"), &json!(0), &Value::Null));
            assert!(one["position"].as_i64().unwrap() > 0);
            assert_eq!(one["lagSeconds"], 0);
        }
        network.leeds.server.0.clock.advance(chrono::TimeDelta::seconds(61));
        let query = r#"{ site(slug: "hull") { sync { state lagSeconds } } }"#;
        let stale = network.leeds.anonymous().run(query, json!({})).await.data()["site"]["sync"].clone();
        assert_eq!(stale, json!({ "state": "STALE", "lagSeconds": 61 }));
    }
}

between_hosts! {
    async fn what_names_a_record_names_it_as_long_as_readers_may_see_it(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let author = network.leeds.champion(&["leeds:champion"]).await;
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "All about it.", "visibility": "SITE" });
        let garden = lead.does("projectCreate", input, "project { id version }").await.record().clone();
        let input = json!({
            "site": "leeds", "type": "GUIDE", "title": "Tablets", "summary": "How to begin.", "body": "Sit down.",
            "visibility": "NETWORK", "language": "en", "licence": "CC0-1.0", "project": garden["id"],
        });
        let made = author.does("resourceCreate", input, "resource { id version }").await.record().clone();
        let guide = published(&network.leeds, "leeds", &author, &made).await;
        let reader = network.hull.person(&["hull:champion"]);
        let names = async || {
            network.meets().await;
            let query = "query($id: ID!) { node(id: $id) { ... on Resource { project { title } author { displayName } } } }";
            seen(&reader, query, &guide["id"]).await
        };
        let name = format!("Champion {}", author.subject);
        assert_eq!(names().await, json!({ "project": null, "author": { "displayName": name } }));

        let share = json!({ "id": garden["id"], "version": garden["version"], "visibility": "NETWORK" });
        lead.does("projectUpdate", share, "project { id }").await.record();
        assert_eq!(names().await["project"], json!({ "title": "Garden" }));

        let mine = author.run("{ viewer { champion { id version } } }", json!({})).await.data()["viewer"]["champion"].clone();
        let hide = json!({ "id": mine["id"], "version": mine["version"], "visibility": "SITE" });
        author.does("championUpdate", hide, "champion { id }").await.record();
        assert_eq!(names().await["author"], Value::Null);
        let row = entity::resource::Entity::find_by_id(entity::ResourceId(entity::ids::parse_any(guide["id"].as_str().unwrap()).unwrap().1));
        let row = row.one(network.hull.server.0.reader()).await.unwrap().unwrap();
        assert_eq!(row.owner_id, None, "the feed does not name them either");
    }
}

/// Offers a resource to the national team.
async fn offers(lead: &Person<'_>, resource: &Value) -> Value {
    let offer = json!({ "resource": resource["id"], "reason": "Everybody asks." });
    lead.does("resourcePropose", offer, "proposal { id status }")
        .await
        .record()
        .clone()
}

const PROPOSAL: &str = "query($id: ID!) { node(id: $id) { ... on ResourceProposal {
    status decision nationalCopy { title site { slug } derivedFrom { title site { slug } } }
} } }";

between_hosts! {
    async fn what_a_site_offers_is_decided_by_the_national_team_and_comes_back(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let mut offered = Vec::new();
        for title in ["Tablets", "Phones", "Watches"] {
            offered.push(offers(&lead, &guide(&network.leeds, "leeds", title).await).await);
        }
        network.meets().await;
        let curator = network.hub.person(&["national:curator"]);
        let waiting = curator.run("{ proposals(status: OPEN) { nodes { status } } }", json!({})).await;
        assert_eq!(waiting.nodes("status").len(), 3);
        let decides = async |proposal: &Value, accept: bool, reason: &str| {
            let decision = json!({ "id": proposal["id"], "accept": accept, "reason": reason });
            curator.does("resourceProposalDecide", decision, "proposal { status }").await.record()["status"].clone()
        };
        assert_eq!(decides(&offered[0], true, "Welcome.").await, "ACCEPTED");
        assert_eq!(decides(&offered[1], false, "There is one.").await, "DECLINED");
        // Its site takes the third back before it hears that it was accepted.
        assert_eq!(decides(&offered[2], true, "Welcome.").await, "ACCEPTED");
        lead.does("resourceProposalWithdraw", json!({ "id": offered[2]["id"] }), "proposal { id }").await.record();
        network.meets().await;

        let copy = |title: &str| json!({
            "title": title, "site": { "slug": "national" },
            "derivedFrom": { "title": title, "site": { "slug": "leeds" } },
        });
        let expected = [
            json!({ "status": "ACCEPTED", "decision": "Welcome.", "nationalCopy": copy("Tablets") }),
            json!({ "status": "DECLINED", "decision": "There is one.", "nationalCopy": null }),
            json!({ "status": "ACCEPTED", "decision": "Welcome.", "nationalCopy": copy("Watches") }),
        ];
        for (proposal, expected) in offered.iter().zip(&expected) {
            assert_eq!(&seen(&lead, PROPOSAL, &proposal["id"]).await, expected);
            assert_eq!(&seen(&curator, PROPOSAL, &proposal["id"]).await, expected);
        }
        let reader = network.hull.person(&["hull:champion"]);
        let copies = r#"{ resources(filter: { sites: ["national"] }, orderBy: TITLE_ASC) { nodes { title derivedFrom { site { slug } } } } }"#;
        let copies = reader.run(copies, json!({})).await.data()["resources"]["nodes"].clone();
        assert_eq!(copies, json!([
            { "title": "Tablets", "derivedFrom": { "site": { "slug": "leeds" } } },
            { "title": "Watches", "derivedFrom": { "site": { "slug": "leeds" } } },
        ]));
        let elsewhere = entity::resource_proposal::Entity::find().all(network.hull.server.0.reader()).await.unwrap();
        assert!(elsewhere.is_empty(), "nobody else hears of it");
    }
}

on_both! {
    async fn a_feed_that_has_grown_far_longer_than_what_it_shows_begins_a_new_epoch(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        for number in 0..100 {
            let input = json!({ "site": "leeds", "title": format!("Project {number:03}"), "summary": "Ours.", "visibility": "NETWORK" });
            lead.does("projectCreate", input, "project { id }").await.record();
        }
        sequence(host).await;
        let site = site(host, "leeds").await.id;
        let app = &host.server.0;
        let now = async || feeds::feed(app.reader(), site, Audience::Network).await.unwrap().unwrap();
        let first = now().await;
        for round in 0..10 {
            app.system("toggle", async |work| {
                let visibility = if round % 2 == 0 { Visibility::Site } else { Visibility::Network };
                let own = project::Column::SiteId.eq(site);
                let toggled = project::Entity::update_many().col_expr(project::Column::Visibility, visibility.into());
                toggled.filter(own.clone()).exec(work.db()).await?;
                for row in project::Entity::find().filter(own).all(work.db()).await? {
                    work.touch(site, Kind::Project, row.id);
                }
                Ok(())
            }).await.unwrap();
            sequence(host).await;
            if round < 8 {
                assert_eq!(now().await.epoch, first.epoch, "{round}");
            }
        }
        let last = now().await;
        assert_ne!(last.epoch, first.epoch);
        assert!((100..300).contains(&last.pos), "{}", last.pos);
        let titles: Vec<_> = feed_entry::Entity::find().filter(feed_entry::Column::Origin.eq(site)).all(app.reader()).await.unwrap();
        assert_eq!(titles.len() as u64, last.pos, "the old epoch is gone");
    }
}
