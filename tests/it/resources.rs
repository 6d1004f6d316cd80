//! Resources: written and changed by their people, and seen by nobody else before they are published.

use crate::support::{Host, Person, Reply, Value, json, on_both};

mod lists;
mod overlays;
mod proposals;
mod review;

const SHOWN: &str = "resource { id version status title edition }";
const LIST: &str = "query($first: Int, $after: String, $filter: ResourceFilter, $orderBy: ResourceOrder) {
    resources(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
        nodes { title status } pageInfo { hasNextPage endCursor } totalCount overlaid
    }
}";
const ONE: &str = "query($id: ID!) { node(id: $id) { ... on Resource {
    version title summary body bodyHtml url status edition publishedAt viewerCan reviewBy visibility
    author { displayName } draft { number status title body note approvedAt }
    editions { nodes { number status title } }
} } }";

fn guide(site: &str, title: &str) -> Value {
    json!({ "site": site, "title": title, "summary": "How to begin.", "body": "Sit **beside** the person.", "type": "GUIDE" })
}

fn with(mut input: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

/// Submits, publishes or withdraws a resource as it is by now.
async fn acts(person: &Person<'_>, field: &str, id: &Value) -> Reply {
    let version = version_of(person, id).await;
    let query = format!(
        "mutation($input: ResourceActInput!) {{ {field}(input: $input) {{ {SHOWN} problems {{ code message path }} }} }}"
    );
    person
        .run(&query, json!({ "input": { "id": id, "version": version } }))
        .await
}

async fn reviews(person: &Person<'_>, id: &Value, verdict: &str, note: Value) -> Reply {
    let input = json!({ "id": id, "version": version_of(person, id).await, "verdict": verdict, "note": note });
    person.does("resourceReview", input, SHOWN).await
}

async fn changes(person: &Person<'_>, id: &Value, more: Value) -> Reply {
    let input = with(json!({ "id": id, "version": version_of(person, id).await }), more);
    person.does("resourceUpdate", input, SHOWN).await
}

/// What a person sees of a resource.
async fn sees(person: &Person<'_>, id: &Value) -> Value {
    person.run(ONE, json!({ "id": id })).await.data()["node"].clone()
}

/// 0 of what a person cannot see.
async fn version_of(person: &Person<'_>, id: &Value) -> i64 {
    sees(person, id).await["version"].as_i64().unwrap_or_default()
}

async fn writes(author: &Person<'_>, input: Value) -> Value {
    author.does("resourceCreate", input, "resource { id }").await.record()["id"].clone()
}

/// Takes a draft to its readers.
async fn brings_out(author: &Person<'_>, curator: &Person<'_>, id: &Value) {
    acts(author, "resourceSubmit", id).await.record();
    reviews(curator, id, "APPROVE", json!(null)).await.record();
    acts(curator, "resourcePublish", id).await.record();
}

/// A published resource of a site that everybody in the network sees.
async fn published(host: &Host, input: Value) -> Value {
    let site = input["site"].as_str().unwrap().to_owned();
    let author = host.champion(&[&format!("{site}:champion")]).await;
    let curator = host.person(&[&format!("{site}:curator")]);
    let id = writes(&author, with(json!({ "visibility": "NETWORK" }), input)).await;
    brings_out(&author, &curator, &id).await;
    id
}

async fn lays(person: &Person<'_>, site: &str, resource: &Value, more: Value) -> Reply {
    let input = with(json!({ "site": site, "resource": resource }), more);
    person
        .does(
            "resourceOverlaySet",
            input,
            "overlay { id pinned hidden note pinnedEdition version }",
        )
        .await
}

async fn titles(person: &Person<'_>, variables: Value) -> Vec<String> {
    person.run(LIST, variables).await.nodes("title")
}

/// Another host keeps the site from now on; people who are members of it here stay so.
async fn moves_away(host: &Host, slug: &str) {
    use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
    let moved = async |work: &mut champion_network::app::Work<'_>| {
        let site = champion_network::sites::ops::named(work.db(), slug).await?;
        let mut site = site.into_active_model();
        site.hosted = Set(false);
        site.update(work.db()).await?;
        Ok(())
    };
    host.server.0.system("move", moved).await.unwrap();
}

on_both! {
    async fn a_draft_does_not_exist_for_other_people(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let id = writes(&ana, with(guide("leeds", "First steps"), json!({ "visibility": "PUBLIC" }))).await;
        for other in [
            host.champion(&["leeds:champion"]).await,
            host.person(&["leeds:project_lead"]),
            host.person(&["hull:curator", "hull:site_admin"]),
            host.person(&["national:curator"]),
            host.anonymous(),
        ] {
            assert_eq!(sees(&other, &id).await, json!(null));
            let list = other.run(LIST, json!({})).await;
            assert_eq!((list.nodes("title"), &list.data()["resources"]["totalCount"]), (vec![], &json!(0)));
            assert_eq!(changes(&other, &id, json!({ "title": "Mine" })).await.code(), "NOT_FOUND");
            assert_eq!(acts(&other, "resourceSubmit", &id).await.code(), "NOT_FOUND");
        }
        for colleague in [&ana, &host.person(&["leeds:curator"]), &host.person(&["leeds:site_admin"])] {
            assert_eq!(sees(colleague, &id).await["draft"]["title"], "First steps");
            assert_eq!(titles(colleague, json!({})).await, ["First steps"]);
        }
        let drafts = "query($id: ID!) { node(id: $id) { ... on Resource { draft { id } } } }";
        let draft = ana.run(drafts, json!({ "id": id })).await.data()["node"]["draft"]["id"].clone();
        let node = "query($id: ID!) { node(id: $id) { id } }";
        assert_eq!(ana.run(node, json!({ "id": draft })).await.data()["node"]["id"], draft);
        let other = host.person(&["leeds:champion"]);
        assert_eq!(other.run(node, json!({ "id": draft })).await.data()["node"], json!(null));
    }
}

on_both! {
    async fn only_champions_of_the_site_write(host) {
        let input = guide("leeds", "First steps");
        let tries = [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.champion(&["hull:champion"]).await, "FORBIDDEN"),
            (host.person(&["leeds:curator"]), "NOT_ALLOWED_NOW"),
        ];
        for (person, code) in tries {
            assert_eq!(person.does("resourceCreate", input.clone(), SHOWN).await.code(), code);
        }
        let ana = host.champion(&["leeds:champion"]).await;
        let nowhere = ana.does("resourceCreate", guide("nowhere", "First steps"), SHOWN).await;
        assert_eq!(nowhere.code(), "NOT_FOUND");
        assert_eq!(titles(&host.person(&["leeds:site_admin"]), json!({})).await, Vec::<String>::new());
    }
}

on_both! {
    async fn every_problem_of_an_input_is_told_at_its_place(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let input = json!({
            "site": "leeds", "title": " ", "summary": "x".repeat(1_001), "body": "<script>alert(1)</script>",
            "url": "javascript:alert(1)", "type": "VIDEO", "topics": ["a\nb"], "language": "english", "licence": "MIT",
            "reviewBy": "2040-01-01",
        });
        let reply = ana.does("resourceCreate", input, SHOWN).await;
        assert_eq!(reply.payload()["resource"], json!(null));
        let mut problems: Vec<_> = reply.problems().lines().map(str::to_owned).collect();
        problems.sort();
        let expected = [
            "INVALID body", "INVALID language", "INVALID licence", "INVALID reviewBy", "INVALID topics.0", "INVALID url",
            "REQUIRED title", "TOO_LONG summary",
        ];
        assert_eq!(problems, expected);
        assert_eq!(titles(&ana, json!({})).await, Vec::<String>::new());

        let id = writes(&ana, guide("leeds", "First steps")).await;
        let cleared = changes(&ana, &id, json!({ "title": null, "licence": null, "url": "ftp://x" })).await;
        assert_eq!(cleared.problems(), "REQUIRED title\nINVALID url\nREQUIRED licence");
        assert_eq!(sees(&ana, &id).await["version"], 1);
    }
}

on_both! {
    async fn a_project_of_another_site_is_refused(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let lead = host.person(&["hull:site_admin"]);
        let project = json!({ "site": "hull", "title": "Garden", "summary": "Theirs.", "visibility": "NETWORK" });
        let theirs = lead.does("projectCreate", project, "project { id }").await.record()["id"].clone();
        let own = json!({ "site": "leeds", "title": "Park", "summary": "Ours." });
        let admin = host.person(&["leeds:site_admin"]);
        let ours = admin.does("projectCreate", own, "project { id }").await.record()["id"].clone();

        let input = with(guide("leeds", "First steps"), json!({ "project": theirs }));
        assert_eq!(ana.does("resourceCreate", input, SHOWN).await.problems(), "INVALID project");
        let id = writes(&ana, with(guide("leeds", "First steps"), json!({ "project": ours }))).await;
        assert_eq!(changes(&ana, &id, json!({ "project": theirs })).await.problems(), "INVALID project");
        let nested = "query($id: ID!) { node(id: $id) { ... on Project { resources { nodes { title project { title } } overlaid totalCount } } } }";
        let reply = ana.run(nested, json!({ "id": ours })).await;
        let expected = json!({ "nodes": [{ "title": "First steps", "project": { "title": "Park" } }], "overlaid": false, "totalCount": 1 });
        assert_eq!(reply.data()["node"]["resources"], expected);
        let reader = host.person(&["leeds:champion"]).run(nested, json!({ "id": ours })).await;
        assert_eq!(reader.data()["node"]["resources"]["nodes"], json!([]));
    }
}

on_both! {
    async fn whoever_was_slower_gets_the_current_resource(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let id = writes(&ana, guide("leeds", "First steps")).await;
        changes(&ana, &id, json!({ "title": "Second steps" })).await.record();
        let input = json!({ "id": id, "version": 1, "title": "Third steps" });
        let reply = ana.does("resourceUpdate", input, SHOWN).await;
        assert_eq!(reply.problems(), "CONFLICT version");
        assert_eq!(reply.payload()["resource"]["title"], "Second steps");
        let input = json!({ "id": id, "version": 1, "verdict": "APPROVE" });
        let curator = host.person(&["leeds:curator"]);
        assert_eq!(curator.does("resourceReview", input, SHOWN).await.problems(), "CONFLICT version");
    }
}

on_both! {
    async fn a_change_to_the_same_text_opens_no_draft(host) {
        let id = published(host, guide("leeds", "First steps")).await;
        let curator = host.person(&["leeds:curator"]);
        let same = json!({ "title": "First steps", "summary": "How to begin.", "type": "GUIDE", "topics": [] });
        changes(&curator, &id, same).await.record();
        assert_eq!(sees(&curator, &id).await["draft"], json!(null));
        // A text is somebody's work, so whoever changes it is a champion.
        assert_eq!(changes(&curator, &id, json!({ "title": "Mine" })).await.code(), "NOT_ALLOWED_NOW");
    }
}

on_both! {
    async fn facts_of_a_published_resource_change_at_once_and_by_curators_alone(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let curator = host.person(&["leeds:curator"]);
        let (reader, outsider) = (host.person(&["leeds:champion"]), host.person(&["hull:champion"]));
        let id = writes(&ana, guide("leeds", "First steps")).await;
        changes(&ana, &id, json!({ "topics": ["Phones"] })).await.record();
        brings_out(&ana, &curator, &id).await;
        assert_eq!(titles(&reader, json!({ "filter": { "search": "phones" } })).await, ["First steps"]);

        assert_eq!(changes(&ana, &id, json!({ "visibility": "PUBLIC" })).await.code(), "FORBIDDEN");
        assert_eq!(changes(&ana, &id, json!({ "topics": ["tablets"] })).await.code(), "FORBIDDEN");
        assert_eq!(sees(&outsider, &id).await, json!(null));
        let facts = json!({ "topics": ["Tablets"], "visibility": "PUBLIC", "reviewBy": "2027-01-31", "type": "VIDEO" });
        changes(&curator, &id, facts).await.record();
        let seen = sees(&host.anonymous(), &id).await;
        assert_eq!((&seen["reviewBy"], &seen["draft"]), (&json!("2027-01-31"), &json!(null)));
        assert_eq!(seen["editions"]["nodes"].as_array().unwrap().len(), 1);
        assert_eq!(titles(&outsider, json!({ "filter": { "search": "tablets" } })).await, ["First steps"]);
        assert_eq!(titles(&outsider, json!({ "filter": { "search": "phones" } })).await, Vec::<String>::new());
        assert_eq!(titles(&outsider, json!({ "filter": { "topic": "TABLETS", "types": ["VIDEO"] } })).await, ["First steps"]);

        changes(&curator, &id, json!({ "visibility": "SITE" })).await.record();
        assert_eq!(sees(&outsider, &id).await, json!(null));
        let edition = "query($id: ID!) { node(id: $id) { ... on Resource { editions { nodes { id } } } } }";
        let shown = reader.run(edition, json!({ "id": id })).await.data()["node"]["editions"]["nodes"][0]["id"].clone();
        let node = "query($id: ID!) { node(id: $id) { id } }";
        assert_eq!(outsider.run(node, json!({ "id": shown })).await.data()["node"], json!(null));
        assert_eq!(reader.run(node, json!({ "id": shown })).await.data()["node"]["id"], shown);
    }
}

on_both! {
    async fn a_change_of_who_sees_a_resource_is_noted_for_its_editions_too(host) {
        use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
        let id = published(host, guide("leeds", "First steps")).await;
        let noted = async || {
            let editions = entity::outbox::Column::Kind.eq(entity::Kind::ResourceEdition);
            let rows = entity::outbox::Entity::find().filter(editions);
            rows.count(host.server.0.reader()).await.unwrap()
        };
        let before = noted().await;
        let curator = host.person(&["leeds:curator"]);
        changes(&curator, &id, json!({ "reviewBy": "2027-01-31" })).await.record();
        assert_eq!(noted().await, before);
        changes(&curator, &id, json!({ "visibility": "SITE" })).await.record();
        assert_eq!(noted().await, before + 1);
    }
}
