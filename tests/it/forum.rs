//! The forum: threads that cross sites, who sees them, their authors and bylines.

use crate::support::{Host, Person, Value, json, on_both};

mod closed;
mod lists;
mod moderation;
mod reports;
mod writing;

/// A space of a site, opened by a moderator of it.
async fn space(host: &Host, site: &str, name: &str, visibility: &str) -> Value {
    let moderator = host.person(&[&format!("{site}:moderator")]);
    let input = json!({ "site": site, "name": name, "about": "Talk.", "visibility": visibility });
    moderator
        .does("spaceCreate", input, "space { id slug version }")
        .await
        .record()
        .clone()
}

/// A thread with a body that says its title.
async fn thread(person: &Person<'_>, space: &Value, title: &str) -> Value {
    let input = json!({ "space": space["id"], "title": title, "body": format!("About {title}.") });
    person
        .does("threadStart", input, "thread { id version state }")
        .await
        .record()
        .clone()
}

async fn post(person: &Person<'_>, thread: &Value, body: &str) -> Value {
    let input = json!({ "thread": thread["id"], "body": body });
    person
        .does("postCreate", input, "post { id version state }")
        .await
        .record()
        .clone()
}

/// What somebody sees of a thread; null when it does not exist for them.
async fn seen(person: &Person<'_>, thread: &Value) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Thread {
        title body bodyHtml state stateReason postCount lastPostAt version byline viewerCan
        author { displayName } site { slug } space { name site { slug } } answer { body }
        posts { nodes { body byline state stateReason thread { title } replyTo { body } } totalCount }
        moderation { fromState toState reason site { slug } fromSpace { name } toSpace { name } moderator { displayName } }
    } } }";
    person.run(query, json!({ "id": thread["id"] })).await.data()["node"].clone()
}

/// The titles of a list of threads.
async fn titles(person: &Person<'_>, filter: Value, order: Option<&str>) -> Vec<String> {
    let query = "query($filter: ThreadFilter, $orderBy: ThreadOrder) {
        threads(filter: $filter, orderBy: $orderBy) { nodes { title } totalCount }
    }";
    let reply = person.run(query, json!({ "filter": filter, "orderBy": order })).await;
    let titles = reply.nodes("title");
    assert_eq!(reply.data()["threads"]["totalCount"], titles.len());
    titles
}

fn texts(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn champions_of_all_sites_talk_in_a_national_space(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        assert_eq!(started["state"], "OPEN");
        let first = post(&ben, &started, "Try **charging** them.").await;
        host.server.0.clock.advance(chrono::TimeDelta::minutes(5));
        let reply = json!({ "thread": started["id"], "body": "That helped.", "replyTo": first["id"] });
        ana.does("postCreate", reply, "post { id }").await.record();

        for reader in [&ana, &ben, &host.person(&["national:curator"])] {
            let shown = seen(reader, &started).await;
            assert_eq!(shown["site"]["slug"], "leeds");
            assert_eq!(shown["space"], json!({ "name": "Everybody", "site": { "slug": "national" } }));
            assert_eq!(shown["bodyHtml"], "<p>About Tablets.</p>\n");
            assert_eq!(shown["byline"], format!("Champion {}", ana.subject));
            assert_eq!(shown["author"]["displayName"], shown["byline"]);
            assert_eq!(shown["postCount"], 2);
            assert_eq!(shown["lastPostAt"], "2026-06-15T09:05:00+00:00");
            assert_eq!(texts(&shown["posts"]["nodes"], "body"), ["Try **charging** them.", "That helped."]);
            assert_eq!(shown["posts"]["nodes"][1]["replyTo"]["body"], "Try **charging** them.");
            assert_eq!(shown["posts"]["nodes"][0]["byline"], format!("Champion {}", ben.subject));
            assert_eq!(shown["posts"]["nodes"][0]["thread"]["title"], "Tablets");
        }
        assert_eq!(seen(&host.anonymous(), &started).await, json!(null));
        assert_eq!(seen(&ana, &started).await["viewerCan"], json!(["EDIT", "WITHDRAW", "REPLY"]));
        assert_eq!(seen(&ben, &started).await["viewerCan"], json!(["REPLY"]));
        let nested = "{ site(slug: \"leeds\") { threads { nodes { title } totalCount } }
            space(site: \"national\", slug: \"everybody\") { access threads { nodes { title } } } }";
        let reply = ben.run(nested, json!({})).await;
        assert_eq!(reply.data()["site"]["threads"], json!({ "nodes": [{ "title": "Tablets" }], "totalCount": 1 }));
        assert_eq!(reply.data()["space"], json!({ "access": "OPEN", "threads": { "nodes": [{ "title": "Tablets" }] } }));
    }
}

on_both! {
    async fn the_home_of_the_space_places_what_others_write(host) {
        use entity::{Kind, outbox, placement};
        use sea_orm::EntityTrait;
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        post(&ana, &started, "One.").await;
        post(&ana, &started, "Two.").await;

        let database = sea_orm::Database::connect(&host.settings.database_url).await.unwrap();
        let sites = entity::site::Entity::find().all(&database).await.unwrap();
        let slug = |id| sites.iter().find(|site| site.id == id).unwrap().slug.as_str();
        let mut placed = placement::Entity::find().all(&database).await.unwrap();
        placed.sort_by_key(|row| (row.kind, row.position));
        let placed: Vec<_> = placed.iter().map(|row| (row.kind, slug(row.site_id), row.state.as_str())).collect();
        assert_eq!(placed, [
            (Kind::Thread, "national", "OPEN"),
            (Kind::Post, "national", "VISIBLE"),
            (Kind::Post, "national", "VISIBLE"),
        ]);
        let outbox = outbox::Entity::find().all(&database).await.unwrap();
        for (site, kind, count) in [("leeds", Kind::Thread, 1), ("national", Kind::Thread, 1), ("leeds", Kind::Post, 2), ("national", Kind::Post, 2)] {
            let found = outbox.iter().filter(|row| slug(row.site_id) == site && row.kind == kind).count();
            assert_eq!(found, count, "{kind} of {site}");
        }
    }
}

on_both! {
    async fn a_private_card_leaves_a_byline_elsewhere(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        post(&ana, &started, "Mine.").await;
        let mine = ana.run("{ viewer { champion { id version } } }", json!({})).await;
        let mine = &mine.data()["viewer"]["champion"];
        let input = json!({ "id": mine["id"], "version": mine["version"], "visibility": "SITE" });
        ana.does("championUpdate", input, "champion { id }").await.record();

        let shown = seen(&host.person(&["hull:site_admin"]), &started).await;
        assert_eq!(shown["byline"], "A champion at Leeds");
        assert_eq!(shown["author"], json!(null));
        assert_eq!(shown["posts"]["nodes"][0]["byline"], "A champion at Leeds");
        let shown = seen(&host.person(&["leeds:champion"]), &started).await;
        assert_eq!(shown["byline"], format!("Champion {}", ana.subject));
    }
}

on_both! {
    async fn a_space_shows_its_threads_and_posts_to_others_than_before(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let moderator = host.person(&["leeds:moderator"]);
        let space = space(host, "leeds", "Leeds", "NETWORK").await;
        let started = thread(&ben, &space, "Tablets").await;
        let written = post(&ana, &started, "Ours.").await;
        let turn = async |version: i32, visibility: &str| {
            let input = json!({ "id": space["id"], "version": version, "visibility": visibility });
            moderator.does("spaceUpdate", input, "space { visibility }").await.record().clone()
        };
        let node = "query($id: ID!) { node(id: $id) { id ... on Record { visibility } } }";
        turn(1, "SITE").await;
        assert_eq!(seen(&ben, &started).await, json!(null));
        assert_eq!(ben.run(node, json!({ "id": written["id"] })).await.data()["node"], json!(null));
        assert_eq!(titles(&ben, json!({}), None).await, Vec::<String>::new());
        assert_eq!(seen(&ana, &started).await["posts"]["totalCount"], 1);
        turn(2, "PUBLIC").await;
        let shown = seen(&host.anonymous(), &started).await;
        assert_eq!(texts(&shown["posts"]["nodes"], "body"), ["Ours."]);
        assert_eq!(shown["byline"], "A champion at Hull");
        let reply = host.anonymous().run(node, json!({ "id": written["id"] })).await;
        assert_eq!(reply.data()["node"]["visibility"], "PUBLIC");
        let stale = json!({ "id": space["id"], "version": 1, "name": "Other" });
        assert_eq!(moderator.does("spaceUpdate", stale, "space { version }").await.code(), "CONFLICT");
    }
}

on_both! {
    async fn what_is_written_in_a_space_of_another_host_waits_for_its_home(host) {
        use sea_orm::ConnectionTrait;
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let leeds = host.person(&["leeds:moderator"]);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let old = thread(&ana, &space, "Before").await;
        let database = sea_orm::Database::connect(&host.settings.database_url).await.unwrap();
        database
            .execute_unprepared("UPDATE site SET hosted = false WHERE slug = 'national'")
            .await
            .unwrap();

        let started = thread(&ana, &space, "Tablets").await;
        assert_eq!(started["state"], "PENDING");
        let written = post(&ben, &old, "One.").await;
        assert_eq!(written["state"], "PENDING");
        assert_eq!(titles(&ben, json!({}), None).await, ["Before"]);
        assert_eq!(titles(&ana, json!({ "search": "tablets" }), None).await, Vec::<String>::new());
        for sees in [&ana, &leeds] {
            assert_eq!(seen(sees, &started).await["title"], "Tablets");
            let shown = seen(sees, &old).await;
            assert_eq!((&shown["postCount"], &shown["posts"]["totalCount"]), (&json!(0), &json!(0)));
        }
        assert_eq!(texts(&seen(&ben, &old).await["posts"]["nodes"], "state"), ["PENDING"]);
        assert_eq!(post(&ana, &started, "More.").await["state"], "PENDING", "its author goes on alone");
        let accept = json!({ "id": old["id"], "post": null });
        assert_eq!(ana.does("threadAccept", accept, "thread { id }").await.code(), "NOT_HOSTED_HERE");
        let remove = json!({ "id": started["id"], "state": "REMOVED", "reason": "Ours." });
        leeds.does("threadSetState", remove, "thread { id }").await.record();
        assert_eq!(seen(&ana, &started).await["state"], "REMOVED");
    }
}
