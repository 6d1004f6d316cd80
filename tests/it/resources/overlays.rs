//! Overlays: what a regional site lays over national resources.

use super::{acts, brings_out, changes, guide, lays, moves_away, published, titles, with, writes};
use crate::support::{NATIONAL, Person, Value, json, on_both};

const AT_SITE: &str =
    "query($site: String!, $first: Int, $after: String, $filter: ResourceFilter, $orderBy: ResourceOrder) {
    site(slug: $site) { resources(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
        nodes { title } pageInfo { hasNextPage endCursor } totalCount overlaid
    } }
}";

async fn at_site(person: &Person<'_>, variables: Value) -> (Vec<String>, Value) {
    let reply = person.run(AT_SITE, variables).await;
    let page = reply.data()["site"]["resources"].clone();
    let nodes = page["nodes"].as_array().unwrap().iter();
    (
        nodes.map(|node| node["title"].as_str().unwrap().to_owned()).collect(),
        page,
    )
}

on_both! {
    async fn a_site_pins_and_hides_national_resources_for_everybody(host) {
        let mut ids = Vec::new();
        for title in ["Alder", "Beech", "Cedar", "Dogwood"] {
            ids.push(published(host, guide(NATIONAL, title)).await);
        }
        published(host, guide("leeds", "Birch")).await;
        let curator = host.person(&["leeds:curator"]);
        let laid = lays(&curator, "leeds", &ids[3], json!({ "pinned": true, "note": "Ask Sam.", "pinnedEdition": 1 })).await;
        assert_eq!(laid.record()["note"], "Ask Sam.");
        lays(&curator, "leeds", &ids[1], json!({ "hidden": true })).await.record();
        lays(&curator, "leeds", &ids[2], json!({ "note": "Only a note." })).await.record();

        for person in [host.person(&["leeds:champion"]), host.person(&["hull:champion"])] {
            let (shown, page) = at_site(&person, json!({ "site": "leeds", "orderBy": "TITLE_ASC" })).await;
            assert_eq!(shown, ["Dogwood", "Alder", "Birch", "Cedar"]);
            assert_eq!((&page["overlaid"], &page["totalCount"]), (&json!(true), &json!(4)));
        }
        let reader = host.person(&["hull:champion"]);
        let (shown, _) = at_site(&reader, json!({ "site": "hull", "orderBy": "TITLE_ASC" })).await;
        assert_eq!(shown, ["Alder", "Beech", "Cedar", "Dogwood"]);
        let (shown, _) = at_site(&reader, json!({ "site": NATIONAL, "orderBy": "TITLE_ASC" })).await;
        assert_eq!(shown, ["Alder", "Beech", "Cedar", "Dogwood"]);
        let (shown, _) = at_site(&reader, json!({ "site": "leeds", "filter": { "national": false } })).await;
        assert_eq!(shown, ["Birch"]);
        let (shown, _) = at_site(&reader, json!({ "site": "leeds", "filter": { "search": "begin" }, "first": 1 })).await;
        assert_eq!(shown, ["Dogwood"]);
        assert_eq!(titles(&reader, json!({ "filter": { "national": true } })).await.len(), 4);

        for order in ["CREATED_DESC", "UPDATED_DESC", "TITLE_ASC", "REVIEW_BY_ASC"] {
            let (whole, _) = at_site(&reader, json!({ "site": "leeds", "orderBy": order })).await;
            let (mut paged, mut after) = (Vec::new(), json!(null));
            loop {
                let (shown, page) = at_site(&reader, json!({ "site": "leeds", "first": 1, "after": after, "orderBy": order })).await;
                paged.extend(shown);
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
            assert_eq!(paged, whole, "{order}");
        }

        let clear = json!({ "site": "leeds", "resource": ids[1] });
        let cleared = curator.does("resourceOverlayClear", clear.clone(), "overlay { id }").await;
        assert_eq!((cleared.code(), cleared.record()), ("OK", &json!(null)));
        let (shown, _) = at_site(&reader, json!({ "site": "leeds", "orderBy": "TITLE_ASC" })).await;
        assert_eq!(shown, ["Dogwood", "Alder", "Beech", "Birch", "Cedar"]);
        assert_eq!(curator.does("resourceOverlayClear", clear, "overlay { id }").await.code(), "NOT_FOUND");
    }
}

on_both! {
    async fn an_overlay_is_seen_by_members_and_laid_by_curators(host) {
        let id = published(host, guide(NATIONAL, "Alder")).await;
        let local = published(host, guide("hull", "Birch")).await;
        let curator = host.person(&["leeds:curator"]);
        let tries = [
            (host.person(&["leeds:champion"]), "FORBIDDEN"),
            (host.person(&["leeds:project_lead"]), "FORBIDDEN"),
            (host.person(&["hull:curator", "national:site_admin"]), "FORBIDDEN"),
            (host.anonymous(), "UNAUTHENTICATED"),
        ];
        for (person, code) in tries {
            assert_eq!(lays(&person, "leeds", &id, json!({ "pinned": true })).await.code(), code);
        }
        assert_eq!(lays(&curator, "leeds", &local, json!({ "pinned": true })).await.problems(), "INVALID resource");
        let national = host.person(&["national:curator"]);
        assert_eq!(lays(&national, NATIONAL, &id, json!({ "pinned": true })).await.problems(), "INVALID site");
        let wrong = json!({ "pinned": true, "hidden": true, "pinnedEdition": 2, "note": "x".repeat(1_001) });
        assert_eq!(lays(&curator, "leeds", &id, wrong).await.problems(), "INVALID hidden\nINVALID pinnedEdition\nTOO_LONG note");

        let overlay = lays(&curator, "leeds", &id, json!({ "pinned": true, "note": "Ask Sam." })).await.record().clone();
        let again = lays(&curator, "leeds", &id, json!({ "note": null, "pinnedEdition": 1 })).await.record().clone();
        let expected = json!({ "id": overlay["id"], "pinned": true, "hidden": false, "note": null, "pinnedEdition": 1, "version": 2 });
        assert_eq!(again, expected);

        let nested = "query($id: ID!) { node(id: $id) { ... on Resource { overlay(site: \"leeds\") { pinned resource { title } site { slug } } } } }";
        let member = host.person(&["leeds:champion"]).run(nested, json!({ "id": id })).await;
        let expected = json!({ "pinned": true, "resource": { "title": "Alder" }, "site": { "slug": "leeds" } });
        assert_eq!(member.data()["node"]["overlay"], expected);
        let listed = "{ site(slug: \"leeds\") { overlays(pinned: true) { nodes { resource { title } } } } }";
        let mine = host.person(&["leeds:champion"]).run(listed, json!({})).await;
        assert_eq!(mine.data()["site"]["overlays"]["nodes"], json!([{ "resource": { "title": "Alder" } }]));
        for other in [host.person(&["hull:site_admin"]), host.person(&["national:curator"])] {
            assert_eq!(other.run(nested, json!({ "id": id })).await.data()["node"]["overlay"], json!(null));
            assert_eq!(other.run(listed, json!({})).await.data()["site"]["overlays"]["nodes"], json!([]));
            let node = other.run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": overlay["id"] })).await;
            assert_eq!(node.data()["node"], json!(null));
            let clear = json!({ "site": "leeds", "resource": id });
            assert_eq!(other.does("resourceOverlayClear", clear, "overlay { id }").await.code(), "NOT_FOUND");
        }
        let clear = json!({ "site": "leeds", "resource": id });
        let member = host.person(&["leeds:champion"]);
        assert_eq!(member.does("resourceOverlayClear", clear, "overlay { id }").await.code(), "FORBIDDEN");
    }
}

on_both! {
    async fn an_overlay_goes_and_comes_with_its_resource(host) {
        let id = published(host, guide(NATIONAL, "Alder")).await;
        let curator = host.person(&["leeds:curator"]);
        let overlay = lays(&curator, "leeds", &id, json!({ "pinned": true })).await.record()["id"].clone();
        let national = host.person(&["national:curator"]);
        let node = "query($id: ID!) { node(id: $id) { ... on ResourceOverlay { pinned } } }";
        for (visibility, seen) in [("SITE", false), ("PUBLIC", true)] {
            changes(&national, &id, json!({ "visibility": visibility })).await.record();
            let found = curator.run(node, json!({ "id": overlay })).await.data()["node"] != json!(null);
            assert_eq!(found, seen, "{visibility}");
        }
        acts(&national, "resourceWithdraw", &id).await.record();
        assert_eq!(curator.run(node, json!({ "id": overlay })).await.data()["node"], json!(null));
        assert_eq!(lays(&curator, "leeds", &id, json!({ "hidden": true })).await.code(), "NOT_FOUND");
        let (shown, _) = at_site(&curator, json!({ "site": "leeds" })).await;
        assert_eq!(shown, Vec::<String>::new());
    }
}

on_both! {
    async fn overlays_apply_only_where_their_site_is_kept(host) {
        let id = published(host, guide(NATIONAL, "Alder")).await;
        lays(&host.person(&["leeds:curator"]), "leeds", &id, json!({ "hidden": true })).await.record();
        moves_away(host, "leeds").await;
        let (shown, page) = at_site(&host.person(&["hull:champion"]), json!({ "site": "leeds" })).await;
        assert_eq!((shown, &page["overlaid"]), (vec!["Alder".to_owned()], &json!(false)));
        let again = lays(&host.person(&["leeds:curator"]), "leeds", &id, json!({ "pinned": true })).await;
        assert_eq!(again.code(), "NOT_HOSTED_HERE");
    }
}

on_both! {
    async fn two_who_lay_an_overlay_at_once_share_it(host) {
        let id = published(host, guide(NATIONAL, "Alder")).await;
        let (ana, ben) = (host.person(&["leeds:curator"]), host.person(&["leeds:curator"]));
        let (one, two) = futures_util::join!(
            lays(&ana, "leeds", &id, json!({ "pinned": true })),
            lays(&ben, "leeds", &id, json!({ "note": "Ask Sam." })),
        );
        assert_eq!(one.record()["id"], two.record()["id"]);
        let last = lays(&ana, "leeds", &id, json!({})).await.record().clone();
        assert_eq!((&last["pinned"], &last["note"], &last["version"]), (&json!(true), &json!("Ask Sam."), &json!(3)));
    }
}

on_both! {
    async fn an_overlay_keeps_an_edition_that_was_withdrawn_since(host) {
        let author = host.champion(&["national:champion"]).await;
        let national = host.person(&["national:curator"]);
        let id = writes(&author, with(guide(NATIONAL, "Alder"), json!({ "visibility": "NETWORK" }))).await;
        brings_out(&author, &national, &id).await;
        let curator = host.person(&["leeds:curator"]);
        lays(&curator, "leeds", &id, json!({ "pinnedEdition": 1 })).await.record();
        acts(&national, "resourceWithdraw", &id).await.record();
        brings_out(&author, &national, &id).await;
        let kept = lays(&curator, "leeds", &id, json!({ "note": "Still the first." })).await.record().clone();
        assert_eq!((&kept["note"], &kept["pinnedEdition"]), (&json!("Still the first."), &json!(1)));
        assert_eq!(lays(&curator, "leeds", &id, json!({ "pinnedEdition": 1 })).await.problems(), "INVALID pinnedEdition");
        assert_eq!(lays(&curator, "leeds", &id, json!({ "pinnedEdition": 2 })).await.record()["pinnedEdition"], 2);
    }
}
