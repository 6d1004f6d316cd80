//! Resources: written, reviewed, published, laid over and offered by their people.

use chrono::TimeDelta;

use crate::support::{Host, NATIONAL, Person, Reply, Value, json, on_both};

const SHOWN: &str = "resource { id version status title edition }";
const LIST: &str = "query($first: Int, $after: String, $filter: ResourceFilter, $orderBy: ResourceOrder) {
    resources(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
        nodes { title status } pageInfo { hasNextPage endCursor } totalCount overlaid
    }
}";
const AT_SITE: &str =
    "query($site: String!, $first: Int, $after: String, $filter: ResourceFilter, $orderBy: ResourceOrder) {
    site(slug: $site) { resources(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
        nodes { title } pageInfo { hasNextPage endCursor } totalCount overlaid
    } }
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
    async fn a_draft_reaches_its_readers_through_a_review(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let curator = host.person(&["leeds:curator"]);
        let (reader, outsider) = (host.person(&["leeds:champion"]), host.person(&["hull:champion"]));
        let draft = "resource { id slug status edition licence language visibility body draft { number status } }";
        let made = ana.does("resourceCreate", guide("leeds", "First steps"), draft).await.record().clone();
        assert_eq!(made["slug"], "first-steps");
        assert_eq!(made["status"], "DRAFT");
        assert_eq!(made["licence"], "OGL-UK-3.0");
        assert_eq!(made["language"], "en");
        assert_eq!(made["draft"], json!({ "number": 1, "status": "DRAFT" }));
        let id = made["id"].clone();
        assert_eq!(sees(&reader, &id).await, json!(null));

        assert_eq!(acts(&ana, "resourceSubmit", &id).await.record()["status"], "IN_REVIEW");
        let approved = reviews(&curator, &id, "APPROVE", json!("Clear.")).await;
        assert_eq!(approved.record()["status"], "IN_REVIEW");
        assert_eq!(sees(&curator, &id).await["draft"]["note"], "Clear.");
        assert_eq!(acts(&curator, "resourcePublish", &id).await.record()["status"], "PUBLISHED");

        let seen = sees(&reader, &id).await;
        assert_eq!(seen["bodyHtml"], "<p>Sit <strong>beside</strong> the person.</p>\n");
        assert_eq!(seen["body"], "Sit **beside** the person.");
        assert_eq!(seen["publishedAt"], "2026-06-15T09:00:00+00:00");
        assert_eq!(seen["author"]["displayName"], format!("Champion {}", ana.subject));
        assert_eq!(seen["draft"], json!(null));
        assert_eq!(seen["viewerCan"], json!([]));
        assert_eq!(seen["editions"]["nodes"], json!([{ "number": 1, "status": "PUBLISHED", "title": "First steps" }]));
        assert_eq!(sees(&outsider, &id).await, json!(null));
        assert_eq!(sees(&host.anonymous(), &id).await, json!(null));
        let by_slug = "{ resource(site: \"leeds\", slug: \"first-steps\") { title } }";
        assert_eq!(reader.run(by_slug, json!({})).await.data()["resource"]["title"], "First steps");
        assert_eq!(outsider.run(by_slug, json!({})).await.data()["resource"], json!(null));
    }
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
    async fn nobody_reviews_or_publishes_their_own(host) {
        let ana = host.champion(&["leeds:curator", "leeds:site_admin"]).await;
        let id = writes(&ana, guide("leeds", "First steps")).await;
        acts(&ana, "resourceSubmit", &id).await.record();
        assert_eq!(reviews(&ana, &id, "APPROVE", json!(null)).await.code(), "FORBIDDEN");
        let ben = host.champion(&["leeds:curator"]).await;
        reviews(&ben, &id, "APPROVE", json!(null)).await.record();
        assert_eq!(acts(&ana, "resourcePublish", &id).await.code(), "FORBIDDEN");
        acts(&ben, "resourcePublish", &id).await.record();

        // What Ben rewrites is his own work, although Ana is the author.
        changes(&ben, &id, json!({ "body": "Another way." })).await.record();
        acts(&ben, "resourceSubmit", &id).await.record();
        assert_eq!(reviews(&ben, &id, "APPROVE", json!(null)).await.code(), "FORBIDDEN");
        let cleo = host.person(&["leeds:curator"]);
        reviews(&cleo, &id, "APPROVE", json!(null)).await.record();
        assert_eq!(acts(&ben, "resourcePublish", &id).await.code(), "FORBIDDEN");
        acts(&cleo, "resourcePublish", &id).await.record();
        assert_eq!(sees(&ben, &id).await["edition"], 2);
    }
}

on_both! {
    async fn reviewing_and_publishing_are_for_curators_and_admins(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let id = writes(&ana, guide("leeds", "First steps")).await;
        acts(&ana, "resourceSubmit", &id).await.record();
        assert_eq!(reviews(&ana, &id, "APPROVE", json!(null)).await.code(), "FORBIDDEN");
        assert_eq!(acts(&ana, "resourcePublish", &id).await.code(), "FORBIDDEN");
        let admin = host.person(&["leeds:site_admin"]);
        reviews(&admin, &id, "APPROVE", json!(null)).await.record();
        acts(&admin, "resourcePublish", &id).await.record();
        for other in [host.person(&["leeds:champion"]), host.person(&["leeds:project_lead"]), ana] {
            assert_eq!(acts(&other, "resourceWithdraw", &id).await.code(), "FORBIDDEN");
        }
        let other = host.person(&["leeds:champion"]);
        assert_eq!(changes(&other, &id, json!({ "title": "Mine" })).await.code(), "FORBIDDEN");
        acts(&admin, "resourceWithdraw", &id).await.record();
    }
}

on_both! {
    async fn a_step_out_of_turn_is_not_allowed_now(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let curator = host.person(&["leeds:curator"]);
        let id = writes(&ana, with(guide("leeds", "First steps"), json!({ "body": null }))).await;
        assert_eq!(acts(&ana, "resourceSubmit", &id).await.problems(), "NOT_ALLOWED_NOW ");
        assert_eq!(reviews(&curator, &id, "APPROVE", json!(null)).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(acts(&curator, "resourcePublish", &id).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(acts(&curator, "resourceWithdraw", &id).await.code(), "NOT_ALLOWED_NOW");

        changes(&ana, &id, json!({ "url": "https://www.nhs.uk/nhs-app/" })).await.record();
        acts(&ana, "resourceSubmit", &id).await.record();
        assert_eq!(acts(&ana, "resourceSubmit", &id).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(acts(&curator, "resourcePublish", &id).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(reviews(&curator, &id, "CHANGES_REQUESTED", json!(null)).await.problems(), "REQUIRED note");
        let back = reviews(&curator, &id, "CHANGES_REQUESTED", json!("Say for whom.")).await;
        assert_eq!(back.record()["status"], "CHANGES_REQUESTED");
        assert_eq!(sees(&ana, &id).await["draft"]["note"], "Say for whom.");
        assert_eq!(acts(&curator, "resourcePublish", &id).await.code(), "NOT_ALLOWED_NOW");

        // An approval is of the text that was read: another text needs another one.
        acts(&ana, "resourceSubmit", &id).await.record();
        reviews(&curator, &id, "APPROVE", json!(null)).await.record();
        assert_eq!(changes(&ana, &id, json!({ "body": "New." })).await.record()["status"], "DRAFT");
        assert_eq!(sees(&ana, &id).await["draft"]["approvedAt"], json!(null));
        assert_eq!(acts(&curator, "resourcePublish", &id).await.code(), "NOT_ALLOWED_NOW");
        brings_out(&ana, &curator, &id).await;
        assert_eq!(acts(&ana, "resourceSubmit", &id).await.code(), "NOT_ALLOWED_NOW");
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
    async fn readers_see_the_published_edition_until_the_next_one(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let (curator, reader) = (host.person(&["leeds:curator"]), host.person(&["leeds:champion"]));
        let id = writes(&ana, guide("leeds", "First steps")).await;
        brings_out(&ana, &curator, &id).await;

        assert_eq!(changes(&ana, &id, json!({ "title": "Next steps", "body": "Better." })).await.record()["title"], "First steps");
        changes(&ana, &id, json!({ "summary": "How to go on." })).await.record();
        let seen = sees(&reader, &id).await;
        assert_eq!((&seen["title"], &seen["body"]), (&json!("First steps"), &json!("Sit **beside** the person.")));
        assert_eq!((&seen["draft"], &seen["status"]), (&json!(null), &json!("PUBLISHED")));
        assert_eq!(seen["editions"]["nodes"].as_array().unwrap().len(), 1);
        let draft = json!({ "number": 2, "status": "DRAFT", "title": "Next steps", "body": "Better.", "note": null, "approvedAt": null });
        assert_eq!(sees(&ana, &id).await["draft"], draft);
        assert_eq!(titles(&reader, json!({ "filter": { "search": "better" } })).await, Vec::<String>::new());

        brings_out(&ana, &curator, &id).await;
        let seen = sees(&reader, &id).await;
        assert_eq!((&seen["title"], &seen["summary"], &seen["body"]), (&json!("Next steps"), &json!("How to go on."), &json!("Better.")));
        let editions = json!([
            { "number": 2, "status": "PUBLISHED", "title": "Next steps" },
            { "number": 1, "status": "SUPERSEDED", "title": "First steps" },
        ]);
        assert_eq!((&seen["edition"], &seen["editions"]["nodes"]), (&json!(2), &editions));
        assert_eq!(titles(&reader, json!({ "filter": { "search": "better" } })).await, ["Next steps"]);
        assert_eq!(titles(&reader, json!({ "filter": { "search": "beside" } })).await, Vec::<String>::new());
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
    async fn a_withdrawn_resource_is_gone_for_readers_and_can_come_back(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let (curator, reader) = (host.person(&["leeds:curator"]), host.person(&["hull:champion"]));
        let id = writes(&ana, with(guide("leeds", "First steps"), json!({ "visibility": "NETWORK" }))).await;
        brings_out(&ana, &curator, &id).await;
        changes(&ana, &id, json!({ "title": "Next steps" })).await.record();
        assert_eq!(acts(&curator, "resourceWithdraw", &id).await.record()["status"], "WITHDRAWN");
        assert_eq!(sees(&reader, &id).await, json!(null));
        assert_eq!(titles(&reader, json!({ "filter": { "search": "beside" } })).await, Vec::<String>::new());
        assert_eq!(titles(&ana, json!({ "filter": { "search": "beside" } })).await, Vec::<String>::new());
        assert_eq!(sees(&ana, &id).await["draft"]["title"], "Next steps");
        assert_eq!(acts(&curator, "resourceWithdraw", &id).await.code(), "NOT_ALLOWED_NOW");

        brings_out(&ana, &curator, &id).await;
        let seen = sees(&reader, &id).await;
        assert_eq!(seen["title"], "Next steps");
        let editions = json!([{ "number": 2, "status": "PUBLISHED", "title": "Next steps" }]);
        assert_eq!(seen["editions"]["nodes"], editions);

        acts(&curator, "resourceWithdraw", &id).await.record();
        brings_out(&ana, &curator, &id).await;
        let seen = sees(&reader, &id).await;
        assert_eq!((&seen["edition"], &seen["title"]), (&json!(3), &json!("Next steps")));
        assert_eq!(titles(&reader, json!({ "filter": { "search": "beside" } })).await, ["Next steps"]);
    }
}

on_both! {
    async fn what_is_past_its_review_day_is_told_and_found_so(host) {
        let id = published(host, with(guide("leeds", "First steps"), json!({ "reviewBy": "2026-06-20" }))).await;
        published(host, guide("leeds", "Next steps")).await;
        let reader = host.person(&["hull:champion"]);
        assert_eq!(titles(&reader, json!({ "filter": { "statuses": ["REVIEW_DUE"] } })).await, Vec::<String>::new());
        let due = json!({ "filter": { "reviewDueBefore": "2026-06-21" } });
        assert_eq!(titles(&reader, due.clone()).await, ["First steps"]);
        host.server.0.clock.advance(TimeDelta::days(6));

        let reader = host.person(&["hull:champion"]);
        let seen = sees(&reader, &id).await;
        assert_eq!((&seen["status"], &seen["editions"]["nodes"][0]["status"]), (&json!("REVIEW_DUE"), &json!("REVIEW_DUE")));
        assert_eq!(titles(&reader, json!({ "filter": { "statuses": ["REVIEW_DUE"] } })).await, ["First steps"]);
        assert_eq!(titles(&reader, json!({ "filter": { "statuses": ["PUBLISHED"] } })).await, ["Next steps"]);
        let ordered = json!({ "orderBy": "REVIEW_BY_ASC", "first": 1 });
        assert_eq!(titles(&reader, ordered).await, ["First steps"]);
        let curator = host.person(&["leeds:curator"]);
        assert_eq!(sees(&curator, &id).await["viewerCan"], json!(["EDIT", "SHARE", "SUBMIT", "REVIEW", "PUBLISH", "WITHDRAW", "ADOPT"]));
        changes(&curator, &id, json!({ "reviewBy": "2027-06-20" })).await.record();
        assert_eq!(sees(&reader, &id).await["status"], "PUBLISHED");
        acts(&curator, "resourceWithdraw", &id).await.record();
    }
}

on_both! {
    async fn lists_filter_and_order(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let more = [
            ("Bravo", json!({ "type": "VIDEO", "topics": ["NHS App"], "themes": ["LANGUAGE"], "language": "en-GB", "reviewBy": "2026-12-01" })),
            ("Alpha", json!({ "audience": ["STUDENTS"], "themes": ["BARRIERS", "PEER_SUPPORT"], "language": "so", "reviewBy": "2026-11-01" })),
            ("Charlie", json!({ "topics": ["nhs app", "scams"], "language": "EN" })),
        ];
        for (title, facts) in more {
            writes(&ana, with(guide("leeds", title), facts)).await;
            host.server.0.clock.advance(TimeDelta::minutes(1));
        }
        let filters = [
            (json!({ "types": ["VIDEO"] }), vec!["Bravo"]),
            (json!({ "topic": "nhs app" }), vec!["Bravo", "Charlie"]),
            (json!({ "themes": ["PEER_SUPPORT", "MYTH_BUSTING"] }), vec!["Alpha"]),
            (json!({ "audience": ["STUDENTS", "VOLUNTEER"] }), vec!["Alpha"]),
            (json!({ "language": "en" }), vec!["Bravo", "Charlie"]),
            (json!({ "language": "en-gb" }), vec!["Bravo"]),
            (json!({ "language": "%" }), vec![]),
            (json!({ "sites": ["hull"] }), vec![]),
            (json!({ "sites": ["leeds", "hull"], "national": false }), vec!["Alpha", "Bravo", "Charlie"]),
            (json!({ "national": true }), vec![]),
            (json!({ "statuses": ["DRAFT"] }), vec!["Alpha", "Bravo", "Charlie"]),
            (json!({ "statuses": ["PUBLISHED", "REVIEW_DUE"] }), vec![]),
            (json!({ "statuses": [] }), vec![]),
            (json!({ "reviewDueBefore": "2026-12-01" }), vec!["Alpha"]),
        ];
        for (filter, expected) in filters {
            let reply = ana.run(LIST, json!({ "filter": filter, "orderBy": "TITLE_ASC" })).await;
            assert_eq!(reply.nodes("title"), expected, "{filter}");
            assert_eq!(reply.data()["resources"]["totalCount"], expected.len(), "{filter}");
        }
        assert_eq!(titles(&ana, json!({})).await, ["Charlie", "Alpha", "Bravo"]);
        assert_eq!(titles(&ana, json!({ "orderBy": "REVIEW_BY_ASC" })).await, ["Alpha", "Bravo", "Charlie"]);
        let (mut after, mut paged) = (json!(null), Vec::new());
        for _ in 0..3 {
            let reply = ana.run(LIST, json!({ "orderBy": "REVIEW_BY_ASC", "first": 1, "after": after })).await;
            paged.extend(reply.nodes("title"));
            after = reply.data()["resources"]["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(paged, ["Alpha", "Bravo", "Charlie"]);
    }
}

on_both! {
    async fn the_best_match_comes_first(host) {
        published(host, with(guide("leeds", "Letters"), json!({ "body": "Say how prescriptions are ordered." }))).await;
        published(host, guide("leeds", "Ordering prescriptions")).await;
        published(host, guide("leeds", "Gardens")).await;
        let reader = host.person(&["hull:champion"]);
        let found = titles(&reader, json!({ "filter": { "search": "prescription order" } })).await;
        assert_eq!(found, ["Ordering prescriptions", "Letters"]);
    }
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

const PROPOSAL: &str = "proposal { id status reason decision offered { number status title body } resource { title } nationalCopy { id } viewerCan }";
const PROPOSALS: &str = "query($status: ProposalStatus) { proposals(status: $status) { nodes { status offered { title status } resource { title } } totalCount } }";

async fn offers(person: &Person<'_>, id: &Value) -> Reply {
    person
        .does(
            "resourcePropose",
            json!({ "resource": id, "reason": "Everybody asks." }),
            PROPOSAL,
        )
        .await
}

async fn decides(person: &Person<'_>, id: &Value, accept: bool, reason: Value) -> Reply {
    person
        .does(
            "resourceProposalDecide",
            json!({ "id": id, "accept": accept, "reason": reason }),
            PROPOSAL,
        )
        .await
}

on_both! {
    async fn an_accepted_proposal_makes_a_national_copy_of_what_was_offered(host) {
        let facts = json!({ "visibility": "SITE", "topics": ["phones"], "licence": "CC-BY-4.0" });
        let id = published(host, with(guide("leeds", "First steps"), facts)).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let offered = offers(&lead, &id).await.record().clone();
        assert_eq!(offered["offered"]["body"], "Sit **beside** the person.");
        assert_eq!(offered["viewerCan"], json!(["WITHDRAW"]));
        let curator = host.champion(&["leeds:curator"]).await;
        changes(&curator, &id, json!({ "title": "Changed since" })).await.record();
        brings_out(&curator, &host.person(&["leeds:site_admin"]), &id).await;

        let national = host.person(&["national:curator"]);
        let reply = national.run(PROPOSALS, json!({ "status": "OPEN" })).await;
        let listed = json!([{ "status": "OPEN", "offered": { "title": "First steps", "status": "PUBLISHED" }, "resource": null }]);
        assert_eq!(reply.data()["proposals"]["nodes"], listed);
        let decided = decides(&national, &offered["id"], true, json!("Welcome.")).await.record().clone();
        assert_eq!((&decided["status"], &decided["decision"]), (&json!("ACCEPTED"), &json!("Welcome.")));
        let copy = "query($id: ID!) { node(id: $id) { ... on Resource {
            slug title status edition visibility topics licence body author { id } derivedFrom { title } site { slug } publishedAt
        } } }";
        let id = decided["nationalCopy"]["id"].clone();
        let seen = host.person(&["leeds:champion"]).run(copy, json!({ "id": id })).await.data()["node"].clone();
        let expected = json!({
            "slug": "first-steps", "title": "First steps", "status": "PUBLISHED", "edition": 1, "visibility": "NETWORK",
            "topics": ["phones"], "licence": "CC-BY-4.0", "body": "Sit **beside** the person.", "author": null,
            "derivedFrom": { "title": "Changed since" }, "site": { "slug": "national" }, "publishedAt": "2026-06-15T09:00:00+00:00",
        });
        assert_eq!(seen, expected);
        let outsider = host.person(&["hull:champion"]);
        let seen = outsider.run(copy, json!({ "id": id })).await.data()["node"].clone();
        assert_eq!(seen["derivedFrom"], json!(null));
        assert_eq!(titles(&outsider, json!({ "filter": { "search": "beside phones" } })).await, ["First steps"]);
        assert_eq!(decides(&national, &offered["id"], false, json!("No.")).await.code(), "NOT_ALLOWED_NOW");
    }
}

on_both! {
    async fn a_proposal_is_made_by_leads_curators_and_admins_of_a_published_local_resource(host) {
        let id = published(host, guide("leeds", "First steps")).await;
        let champion = host.champion(&["leeds:champion"]).await;
        assert_eq!(offers(&champion, &id).await.code(), "FORBIDDEN");
        assert_eq!(offers(&host.champion(&["hull:curator"]).await, &id).await.code(), "FORBIDDEN");
        assert_eq!(offers(&host.person(&["leeds:curator"]), &id).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(offers(&host.anonymous(), &id).await.code(), "NOT_FOUND");
        let admin = host.champion(&["leeds:site_admin"]).await;
        let empty = json!({ "resource": id, "reason": " " });
        assert_eq!(admin.does("resourcePropose", empty, PROPOSAL).await.problems(), "REQUIRED reason");
        let draft = writes(&champion, guide("leeds", "Draft")).await;
        assert_eq!(offers(&admin, &draft).await.code(), "NOT_ALLOWED_NOW");
        let national = published(host, guide(NATIONAL, "Ours")).await;
        assert_eq!(offers(&host.champion(&["national:curator"]).await, &national).await.problems(), "INVALID resource");

        let proposal = offers(&admin, &id).await.record()["id"].clone();
        assert_eq!(offers(&admin, &id).await.problems(), "NOT_ALLOWED_NOW resource");
        let withdrawal = json!({ "id": proposal });
        for (person, code) in [
            (&champion, "FORBIDDEN"),
            (&host.person(&["national:curator"]), "FORBIDDEN"),
            (&host.person(&["hull:site_admin"]), "NOT_FOUND"),
            (&host.anonymous(), "NOT_FOUND"),
        ] {
            assert_eq!(person.does("resourceProposalWithdraw", withdrawal.clone(), PROPOSAL).await.code(), code);
        }
        let withdrawn = admin.does("resourceProposalWithdraw", withdrawal.clone(), PROPOSAL).await;
        assert_eq!(withdrawn.record()["status"], "WITHDRAWN");
        assert_eq!(admin.does("resourceProposalWithdraw", withdrawal, PROPOSAL).await.code(), "NOT_ALLOWED_NOW");
        host.server.0.clock.advance(TimeDelta::minutes(1));
        offers(&admin, &id).await.record();
        let statuses = "{ proposals { nodes { status } } }";
        assert_eq!(champion.run(statuses, json!({})).await.nodes("status"), ["OPEN", "WITHDRAWN"]);
    }
}

on_both! {
    async fn a_proposal_is_decided_by_national_curators_and_not_on_one_s_own(host) {
        let author = host.champion(&["leeds:champion"]).await;
        let id = writes(&author, with(guide("leeds", "First steps"), json!({ "visibility": "NETWORK" }))).await;
        brings_out(&author, &host.person(&["leeds:curator"]), &id).await;
        let lead = host.champion(&["leeds:project_lead", "national:curator"]).await;
        let proposal = offers(&lead, &id).await.record()["id"].clone();
        for (person, code) in [
            (&lead, "FORBIDDEN"),
            (&author.holding(&["leeds:champion", "national:curator"]), "FORBIDDEN"),
            (&host.person(&["leeds:site_admin"]), "FORBIDDEN"),
            (&host.person(&["national:site_admin"]), "NOT_FOUND"),
            (&host.person(&["hull:curator"]), "NOT_FOUND"),
            (&host.anonymous(), "NOT_FOUND"),
        ] {
            assert_eq!(decides(person, &proposal, true, json!(null)).await.code(), code);
        }
        let national = host.person(&["national:curator"]);
        assert_eq!(decides(&national, &proposal, false, json!(null)).await.problems(), "REQUIRED reason");
        let declined = decides(&national, &proposal, false, json!("There is one already.")).await;
        assert_eq!(declined.record()["status"], "DECLINED");
        assert_eq!(declined.record()["nationalCopy"], json!(null));
        assert_eq!(declined.record()["resource"]["title"], "First steps");
        let hidden = host.person(&["hull:champion"]).run(PROPOSALS, json!({})).await;
        assert_eq!(hidden.data()["proposals"], json!({ "nodes": [], "totalCount": 0 }));
    }
}

on_both! {
    async fn a_proposal_of_a_site_kept_elsewhere_is_decided_elsewhere(host) {
        let id = published(host, guide("leeds", "First steps")).await;
        let proposal = offers(&host.champion(&["leeds:curator"]).await, &id).await.record()["id"].clone();
        moves_away(host, "leeds").await;
        let reply = decides(&host.person(&["national:curator"]), &proposal, true, json!(null)).await;
        assert_eq!(reply.code(), "NOT_HOSTED_HERE");
    }
}

on_both! {
    async fn nested_lists_take_the_same_number_of_statements_for_many_as_for_one(host) {
        let query = "{ sites { nodes { slug resources { totalCount overlaid nodes {
            title summary body bodyHtml url status author { displayName } derivedFrom { title } project { title }
            draft { title status } editions { nodes { title status body } totalCount }
            overlay(site: \"leeds\") { note resource { title } } site { slug } viewerCan
        } } overlays { nodes { resource { title } } } } }
        proposals { nodes { offered { title status resource { title } } resource { title } nationalCopy { title } proposer { displayName } } } }";
        let curator = host.champion(&["leeds:curator", "national:curator"]).await;
        let first = published(host, guide(NATIONAL, "First")).await;
        lays(&curator, "leeds", &first, json!({ "pinned": true })).await.record();
        let local = published(host, guide("leeds", "Local")).await;
        offers(&curator, &local).await.record();
        let few = counted(host, &curator, query).await;

        for title in ["Second", "Third"] {
            let id = published(host, guide(NATIONAL, title)).await;
            lays(&curator, "leeds", &id, json!({ "note": title })).await.record();
            let id = published(host, guide("leeds", title)).await;
            offers(&curator, &id).await.record();
        }
        assert_eq!(counted(host, &curator, query).await, few);
    }
}

async fn counted(host: &Host, person: &Person<'_>, query: &str) -> usize {
    person.run(query, json!({})).await.data();
    let before = host.statements();
    person.run(query, json!({})).await.data();
    host.statements() - before
}
