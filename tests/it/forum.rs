//! The forum: threads that cross sites, their order and counts, their authors and bylines.

use crate::support::{Host, Person, Value, json, on_both};

mod closed;
mod moderation;
mod reports;

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
    async fn a_page_costs_the_same_statements_however_many_rows(host) {
        let ana = host.champion(&["leeds:champion", "national:moderator"]).await;
        let ben = host.champion(&["hull:champion"]).await;
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let query = "{ threads { nodes { title byline author { displayName } site { name } provenance { replicated }
            stateReason space { name } answer { body } project { title } moderation { reason moderator { displayName } }
            posts { totalCount nodes { byline author { displayName } site { name } replyTo { body } thread { title } } } } } }";
        let cost = async || {
            let before = host.statements();
            ana.run(query, json!({})).await.data();
            host.statements() - before
        };
        for (title, author) in [("One", &ana), ("Two", &ben)] {
            post(author, &thread(author, &space, title).await, "First.").await;
        }
        let few = cost().await;
        for number in 0..6 {
            let author = if number % 2 == 0 { &ana } else { &ben };
            let started = thread(author, &space, &format!("More {number}")).await;
            post(&ana, &started, "First.").await;
            post(&ben, &started, "Second.").await;
        }
        assert_eq!(cost().await, few);
        assert!(few < 25, "{few} statements");
    }
}

on_both! {
    async fn threads_are_listed_by_what_is_asked(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let national = space(host, "national", "Everybody", "NETWORK").await;
        let local = space(host, "leeds", "Leeds", "NETWORK").await;
        let clock = &host.server.0.clock;
        let minute = || clock.advance(chrono::TimeDelta::minutes(1));
        let old = thread(&ana, &national, "Charging tablets").await;
        minute();
        let tagged = json!({ "space": local["id"], "title": "Booking", "body": "Appointments online.", "tags": ["NHS App"] });
        ben.does("threadStart", tagged, "thread { id }").await.record();
        minute();
        let new = thread(&ana, &local, "Alarms").await;
        minute();
        let answer = post(&ben, &old, "Use the cable.").await;

        assert_eq!(titles(&ana, json!({}), None).await, ["Alarms", "Booking", "Charging tablets"]);
        assert_eq!(titles(&ana, json!({}), Some("LAST_POST_DESC")).await, ["Charging tablets", "Alarms", "Booking"]);
        assert_eq!(titles(&ana, json!({}), Some("TITLE_ASC")).await, ["Alarms", "Booking", "Charging tablets"]);
        assert_eq!(titles(&ana, json!({ "sites": ["hull"] }), None).await, ["Booking"]);
        assert_eq!(titles(&ana, json!({ "space": local["id"] }), None).await, ["Alarms", "Booking"]);
        assert_eq!(titles(&ana, json!({ "tag": "nhs app" }), None).await, ["Booking"]);
        assert_eq!(titles(&ana, json!({ "search": "appointment" }), None).await, ["Booking"]);
        assert_eq!(titles(&ana, json!({ "search": "nhs" }), None).await, ["Booking"]);
        assert_eq!(titles(&ana, json!({ "unanswered": false }), None).await, Vec::<String>::new());
        let input = json!({ "id": old["id"], "post": answer["id"] });
        ana.does("threadAccept", input, "thread { id }").await.record();
        assert_eq!(titles(&ana, json!({ "unanswered": false }), None).await, ["Charging tablets"]);
        assert_eq!(titles(&ana, json!({ "unanswered": true }), None).await, ["Alarms", "Booking"]);
        let input = json!({ "id": new["id"], "version": new["version"], "body": "Fire alarms.", "tags": ["safety"] });
        ana.does("threadEdit", input, "thread { editedAt }").await.record();
        assert_eq!(titles(&ana, json!({}), Some("UPDATED_DESC")).await, ["Alarms", "Booking", "Charging tablets"]);
        assert_eq!(titles(&ana, json!({ "search": "fire safety" }), None).await, ["Alarms"]);
        assert_eq!(titles(&ana, json!({ "states": ["LOCKED"] }), None).await, Vec::<String>::new());
        let wrong = "{ threads(filter: { space: \"thread_nonsense\" }) { totalCount } }";
        assert_eq!(ana.run(wrong, json!({})).await.code(), "INVALID_ARGUMENT");
    }
}

on_both! {
    async fn posts_page_both_ways_and_keep_their_order(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "leeds", "Leeds", "SITE").await;
        let started = thread(&ana, &space, "Long").await;
        // All at once: each gets a place of its own.
        let written = (1..=5).map(|number| {
            let (ana, started) = (&ana, &started);
            async move { post(ana, started, &format!("Post {number}")).await }
        });
        futures_util::future::join_all(written).await;
        let query = "query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { node(id: $id) { ... on Thread {
            postCount posts(first: $first, after: $after, last: $last, before: $before) {
                nodes { id body } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } totalCount } } } }";
        let page = async |mut arguments: Value| {
            arguments["id"] = started["id"].clone();
            ana.run(query, arguments).await.data()["node"].clone()
        };
        let all = page(json!({})).await;
        let bodies = texts(&all["posts"]["nodes"], "body");
        assert_eq!(all["postCount"], 5);
        assert_eq!(bodies.len(), 5);
        let front = page(json!({ "first": 3 })).await;
        assert_eq!(texts(&front["posts"]["nodes"], "body"), bodies[..3]);
        let rest = page(json!({ "first": 3, "after": front["posts"]["pageInfo"]["endCursor"] })).await;
        assert_eq!(texts(&rest["posts"]["nodes"], "body"), bodies[3..]);
        assert_eq!(rest["posts"]["pageInfo"]["hasNextPage"], false);
        let back = page(json!({ "last": 2 })).await;
        assert_eq!(texts(&back["posts"]["nodes"], "body"), bodies[3..]);
        let before = page(json!({ "last": 2, "before": back["posts"]["pageInfo"]["startCursor"] })).await;
        assert_eq!(texts(&before["posts"]["nodes"], "body"), bodies[1..3]);
        assert_eq!(before["posts"]["totalCount"], 5);
    }
}

on_both! {
    async fn only_those_who_may_write_do(host) {
        let national = space(host, "national", "Everybody", "PUBLIC").await;
        let local = space(host, "leeds", "Leeds", "SITE").await;
        let ana = host.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &national, "Tablets").await;
        let ours = thread(&ana, &local, "Ours").await;
        let start = |space: &Value| json!({ "space": space["id"], "title": "Mine", "body": "Text." });
        let answer = |thread: &Value| json!({ "thread": thread["id"], "body": "Text." });
        let hull = host.champion(&["hull:champion"]).await;
        for (person, code) in [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.person(&[]), "FORBIDDEN"),
            (host.person(&["leeds:moderator"]), "NOT_ALLOWED_NOW"),
        ] {
            assert_eq!(person.does("threadStart", start(&national), "thread { id }").await.code(), code);
            assert_eq!(person.does("postCreate", answer(&started), "post { id }").await.code(), code);
        }
        assert_eq!(hull.does("threadStart", start(&local), "thread { id }").await.code(), "NOT_FOUND");
        assert_eq!(hull.does("postCreate", answer(&ours), "post { id }").await.code(), "NOT_FOUND");
        // A champion of Hull whose token grants a role at Leeds alone.
        let reader = hull.holding(&["leeds:champion"]);
        let as_hull = json!({ "space": national["id"], "title": "Mine", "body": "Text.", "as": "hull" });
        assert_eq!(reader.does("threadStart", as_hull, "thread { id }").await.code(), "FORBIDDEN");
        let mine = json!({ "id": started["id"], "version": 1, "title": "Mine" });
        assert_eq!(hull.does("threadEdit", mine.clone(), "thread { id }").await.code(), "FORBIDDEN");
        assert_eq!(hull.does("threadWithdraw", json!({ "id": started["id"], "version": 1 }), "thread { id }").await.code(), "FORBIDDEN");
        let input = json!({ "site": "leeds", "name": "Mine", "about": "Me." });
        assert_eq!(ana.does("spaceCreate", input.clone(), "space { id }").await.code(), "FORBIDDEN");
        assert_eq!(host.anonymous().does("spaceCreate", input, "space { id }").await.code(), "UNAUTHENTICATED");
        let input = json!({ "id": national["id"], "version": 1, "name": "Ours" });
        assert_eq!(host.person(&["leeds:moderator"]).does("spaceUpdate", input, "space { id }").await.code(), "FORBIDDEN");
        assert_eq!(titles(&ana, json!({}), Some("TITLE_ASC")).await, ["Ours", "Tablets"]);
    }
}

on_both! {
    async fn somebody_at_two_sites_says_as_whom_they_write(host) {
        let ana = host.person(&["leeds:champion", "hull:champion"]);
        ana.becomes_champion("leeds").await;
        let national = space(host, "national", "Everybody", "NETWORK").await;
        let local = space(host, "leeds", "Leeds", "SITE").await;
        let start = |space: &Value, site: Value| json!({ "space": space["id"], "title": "Mine", "body": "Text.", "as": site });
        let site = async |space: &Value, site: Value| {
            let reply = ana.does("threadStart", start(space, site), "thread { site { slug } }").await;
            reply.record()["site"]["slug"].as_str().unwrap().to_owned()
        };
        assert_eq!(site(&national, json!(null)).await, "leeds");
        ana.becomes_champion("hull").await;
        let reply = ana.does("threadStart", start(&national, json!(null)), "thread { id }").await;
        assert_eq!(reply.problems(), "REQUIRED as");
        assert_eq!(site(&national, json!("hull")).await, "hull");
        assert_eq!(site(&local, json!(null)).await, "leeds");
        let reply = ana.does("threadStart", start(&local, json!("hull")), "thread { id }").await;
        assert_eq!(reply.problems(), "INVALID as");
        assert_eq!(ana.does("threadStart", start(&national, json!("nowhere")), "thread { id }").await.code(), "NOT_FOUND");
    }
}

on_both! {
    async fn bad_input_names_its_place_and_stores_nothing(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "leeds", "Leeds", "SITE").await;
        let input = json!({ "space": space["id"], "title": " ", "body": "<script>x</script>", "tags": ["a", "two\nlines"] });
        let reply = ana.does("threadStart", input, "thread { id }").await;
        assert_eq!(reply.problems(), "REQUIRED title\nINVALID body\nINVALID tags.1");
        let input = json!({ "space": "space_01h455vb4pex5vsknk084sn02q", "title": "T", "body": "B" });
        assert_eq!(ana.does("threadStart", input, "thread { id }").await.code(), "NOT_FOUND");
        let input = json!({ "space": "thread_01h455vb4pex5vsknk084sn02q", "title": "T", "body": "B" });
        assert_eq!(ana.does("threadStart", input, "thread { id }").await.problems(), "INVALID space");
        let project = json!({ "space": space["id"], "title": "T", "body": "B", "project": "project_01h455vb4pex5vsknk084sn02q" });
        assert_eq!(ana.does("threadStart", project, "thread { id }").await.code(), "NOT_FOUND");
        assert_eq!(titles(&ana, json!({}), None).await, Vec::<String>::new());

        let started = thread(&ana, &space, "Tablets").await;
        let other = post(&ana, &thread(&ana, &space, "Phones").await, "Elsewhere.").await;
        let input = json!({ "thread": started["id"], "body": "", "replyTo": other["id"] });
        assert_eq!(ana.does("postCreate", input, "post { id }").await.problems(), "REQUIRED body\nINVALID replyTo");
        let input = json!({ "id": started["id"], "version": 1, "title": null, "body": null });
        assert_eq!(ana.does("threadEdit", input, "thread { id }").await.problems(), "REQUIRED title\nREQUIRED body");
        assert_eq!(seen(&ana, &started).await["postCount"], 0);
        assert_eq!(seen(&ana, &started).await["version"], 1);
        let moderator = host.person(&["leeds:moderator"]);
        let input = json!({ "site": "leeds", "name": "", "about": "" });
        assert_eq!(moderator.does("spaceCreate", input, "space { id }").await.problems(), "REQUIRED name\nREQUIRED about");
        let input = json!({ "site": "leeds", "name": "Leeds", "about": "Again." });
        assert_eq!(moderator.does("spaceCreate", input, "space { slug }").await.record()["slug"], "leeds-2");
    }
}

on_both! {
    async fn an_edit_of_an_old_version_is_a_conflict(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "leeds", "Leeds", "SITE").await;
        let started = thread(&ana, &space, "Tablets").await;
        let written = post(&ana, &started, "First.").await;
        let edit = |title: &str| json!({ "id": started["id"], "version": 1, "title": title });
        ana.does("threadEdit", edit("Phones"), "thread { id }").await.record();
        let reply = ana.does("threadEdit", edit("Laptops"), "thread { title version }").await;
        assert_eq!(reply.code(), "CONFLICT");
        assert_eq!(reply.payload()["thread"], json!({ "title": "Phones", "version": 2 }));
        let edit = json!({ "id": written["id"], "version": 1, "body": "Better." });
        let reply = ana.does("postEdit", edit.clone(), "post { body editedAt version }").await;
        assert_eq!(reply.record(), &json!({ "body": "Better.", "editedAt": "2026-06-15T09:00:00+00:00", "version": 2 }));
        assert_eq!(ana.does("postEdit", edit, "post { id }").await.code(), "CONFLICT");
        let withdraw = json!({ "id": written["id"], "version": 1 });
        assert_eq!(ana.does("postWithdraw", withdraw, "post { id }").await.code(), "CONFLICT");
    }
}

on_both! {
    async fn what_its_author_withdraws_is_gone_for_readers(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let moderator = host.person(&["national:moderator"]);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        let kept = post(&ana, &started, "Kept.").await;
        host.server.0.clock.advance(chrono::TimeDelta::minutes(1));
        let taken = post(&ben, &started, "Regretted.").await;
        let withdraw = json!({ "id": taken["id"], "version": 1 });
        let reply = ben.does("postWithdraw", withdraw.clone(), "post { state body withdrawnAt }").await;
        assert_eq!(reply.record(), &json!({ "state": "REMOVED", "body": "", "withdrawnAt": "2026-06-15T09:01:00+00:00" }));
        let shown = seen(&ana, &started).await;
        assert_eq!(texts(&shown["posts"]["nodes"], "body"), ["Kept."]);
        assert_eq!((&shown["postCount"], &shown["lastPostAt"]), (&json!(1), &json!("2026-06-15T09:00:00+00:00")));
        assert_eq!(texts(&seen(&moderator, &started).await["posts"]["nodes"], "body"), ["Kept.", "Regretted."]);
        let again = json!({ "id": taken["id"], "version": 2 });
        assert_eq!(ben.does("postWithdraw", again.clone(), "post { id }").await.code(), "NOT_ALLOWED_NOW");
        let edit = json!({ "id": taken["id"], "version": 2, "body": "Back." });
        assert_eq!(ben.does("postEdit", edit, "post { id }").await.code(), "NOT_ALLOWED_NOW");

        let withdraw = json!({ "id": started["id"], "version": 1 });
        ana.does("threadWithdraw", withdraw, "thread { id }").await.record();
        assert_eq!(seen(&ben, &started).await, json!(null));
        assert_eq!(titles(&ben, json!({}), None).await, Vec::<String>::new());
        assert_eq!(titles(&moderator, json!({ "search": "tablets" }), None).await, Vec::<String>::new());
        let node = "query($id: ID!) { node(id: $id) { id } }";
        assert_eq!(ben.run(node, json!({ "id": kept["id"] })).await.data()["node"], json!(null));
        let mine = seen(&ana, &started).await;
        assert_eq!((&mine["state"], &mine["body"]), (&json!("REMOVED"), &json!("")));
        assert_eq!(seen(&moderator, &started).await["body"], "About Tablets.");
        let answer = json!({ "thread": started["id"], "body": "More." });
        assert_eq!(ben.does("postCreate", answer.clone(), "post { id }").await.code(), "NOT_FOUND");
        assert_eq!(ana.does("postCreate", answer, "post { id }").await.code(), "NOT_ALLOWED_NOW");
        let again = json!({ "id": started["id"], "version": 2 });
        assert_eq!(ana.does("threadWithdraw", again, "thread { id }").await.code(), "NOT_ALLOWED_NOW");
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
    async fn a_project_shows_its_threads(host) {
        let ana = host.champion(&["leeds:project_lead"]).await;
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let project = ana.does("projectCreate", input, "project { id }").await.record().clone();
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let input = json!({ "space": space["id"], "title": "Digging", "body": "How?", "project": project["id"] });
        let started = ana.does("threadStart", input, "thread { id project { title } }").await.record().clone();
        assert_eq!(started["project"]["title"], "Garden");
        let query = "{ project(site: \"leeds\", slug: \"garden\") { threads { nodes { title } totalCount } } }";
        let reply = ana.run(query, json!({})).await;
        assert_eq!(reply.data()["project"]["threads"], json!({ "nodes": [{ "title": "Digging" }], "totalCount": 1 }));
        assert_eq!(titles(&ana, json!({ "project": project["id"] }), None).await, ["Digging"]);
        // The project is Leeds' own: elsewhere the thread is one without a project.
        let hull = host.person(&["hull:champion"]);
        let query = "query($id: ID!) { node(id: $id) { ... on Thread { title project { title } } } }";
        let reply = hull.run(query, json!({ "id": started["id"] })).await;
        assert_eq!(reply.data()["node"], json!({ "title": "Digging", "project": null }));
    }
}
