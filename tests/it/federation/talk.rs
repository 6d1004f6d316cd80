//! The forum between hosts: the home of a space places what others write there, and everybody sees the same.

use crate::support::{
    Host, Person, Value, between_hosts, json,
    network::{exchange, hear},
};

const SEEN: &str = "query($id: ID!) { node(id: $id) { ... on Thread {
    title body state postCount byline author { displayName } site { slug } space { name } answer { body }
    posts { nodes { body state byline author { displayName } site { slug } } }
} } }";

pub(super) async fn space(host: &Host, site: &str, visibility: &str) -> Value {
    let moderator = host.person(&[&format!("{site}:moderator")]);
    let input = json!({ "site": site, "name": "Everybody", "about": "Talk.", "visibility": visibility });
    moderator
        .does("spaceCreate", input, "space { id version }")
        .await
        .record()
        .clone()
}

pub(super) async fn thread(person: &Person<'_>, space: &Value, title: &str) -> Value {
    let input = json!({ "space": space["id"], "title": title, "body": format!("About {title}."), "tags": ["kit"] });
    person
        .does("threadStart", input, "thread { id version state }")
        .await
        .record()
        .clone()
}

pub(super) async fn post(person: &Person<'_>, thread: &Value, body: &str) -> Value {
    let input = json!({ "thread": thread["id"], "body": body });
    person
        .does("postCreate", input, "post { id version state }")
        .await
        .record()
        .clone()
}

pub(super) async fn seen(person: &Person<'_>, thread: &Value) -> Value {
    person.run(SEEN, json!({ "id": thread["id"] })).await.data()["node"].clone()
}

pub(super) fn bodies(thread: &Value) -> Vec<&str> {
    let posts = thread["posts"]["nodes"].as_array().unwrap().iter();
    posts.map(|post| post["body"].as_str().unwrap()).collect()
}

between_hosts! {
    async fn the_hub_places_what_a_region_writes_in_a_national_space(network) {
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space, "Tablets").await;
        assert_eq!(started["state"], "PENDING", "its space's home has not seen it");
        let neighbour = network.leeds.champion(&["leeds:champion"]).await;
        assert_eq!(seen(&neighbour, &started).await, Value::Null);
        network.meets().await;

        let nora = network.hub.champion(&["national:champion"]).await;
        let first = post(&nora, &started, "Try charging them.").await;
        assert_eq!(first["state"], "VISIBLE");
        network.meets().await;
        let answer = post(&ana, &started, "That helped.").await;
        assert_eq!(answer["state"], "PENDING");
        network.meets().await;

        let home = seen(&ana, &started).await;
        assert_eq!((&home["state"], &home["postCount"]), (&json!("OPEN"), &json!(2)));
        assert_eq!(bodies(&home), ["Try charging them.", "That helped."]);
        let readers = [
            neighbour,
            network.hull.person(&["hull:champion"]),
            network.hub.person(&["national:curator"]),
        ];
        for reader in &readers {
            assert_eq!(seen(reader, &started).await, home);
        }
        let search = r#"{ threads(filter: { search: "tablets" }) { nodes { title } } }"#;
        assert_eq!(readers[1].run(search, json!({})).await.nodes("title"), ["Tablets"]);
    }
}

between_hosts! {
    async fn posts_of_two_regions_have_one_order_everywhere(network) {
        let space = space(&network.hub, "national", "NETWORK").await;
        let nora = network.hub.champion(&["national:champion"]).await;
        let started = thread(&nora, &space, "Tablets").await;
        network.meets().await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let ben = network.hull.champion(&["hull:champion"]).await;
        for number in 1..=3 {
            post(&ana, &started, &format!("Leeds {number}")).await;
            post(&ben, &started, &format!("Hull {number}")).await;
        }
        // The hub hears of Hull first, whatever was written first.
        exchange(&network.hull, &network.hub).await;
        exchange(&network.leeds, &network.hub).await;
        network.meets().await;

        let expected = ["Hull 1", "Hull 2", "Hull 3", "Leeds 1", "Leeds 2", "Leeds 3"];
        for reader in [&nora, &ana, &ben] {
            let shown = seen(reader, &started).await;
            assert_eq!(bodies(&shown), expected);
            assert_eq!(shown["postCount"], 6);
        }
    }
}

between_hosts! {
    async fn orphans_wait_for_their_parents(network) {
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space, "Tablets").await;
        exchange(&network.leeds, &network.hub).await;
        let nora = network.hub.champion(&["national:champion"]).await;
        let first = post(&nora, &started, "Try charging them.").await;

        // Hull hears what the hub says, but not the thread, which is of Leeds.
        hear(&network.hub, &network.hull, "national").await;
        let reader = network.hull.person(&["hull:moderator"]);
        assert_eq!(seen(&reader, &first).await, Value::Null);
        let query = "query($id: ID!) { node(id: $id) { ... on Post { body thread { title } } } }";
        let hidden = reader.run(query, json!({ "id": first["id"] })).await;
        assert_eq!(hidden.data()["node"], Value::Null);
        let waits = r#"{ site(slug: "national") { sync { parked lastError } } }"#;
        let waits = reader.run(waits, json!({})).await.data()["site"]["sync"].clone();
        assert_eq!(waits["parked"], 2, "the placements of a thread and post that are not here: {waits}");

        exchange(&network.hub, &network.hull).await;
        let shown = seen(&reader, &started).await;
        assert_eq!((&shown["state"], bodies(&shown)), (&json!("OPEN"), vec!["Try charging them."]));
        assert_eq!(shown, seen(&nora, &started).await);
        let waits = r#"{ site(slug: "national") { sync { parked } } }"#;
        assert_eq!(reader.run(waits, json!({})).await.data()["site"]["sync"]["parked"], 0);
    }
}

between_hosts! {
    async fn a_moderator_of_the_space_hides_and_locks_on_every_host(network) {
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space, "Tablets").await;
        let first = post(&ana, &started, "Something rude.").await;
        post(&ana, &started, "Something kind.").await;
        network.meets().await;
        let moderator = network.hub.person(&["national:moderator"]);
        let hide = json!({ "id": first["id"], "state": "HIDDEN", "reason": "Rude." });
        moderator.does("postModerate", hide, "post { state }").await.record();
        let lock = json!({ "id": started["id"], "state": "LOCKED", "reason": "Said enough." });
        moderator.does("threadSetState", lock, "thread { state }").await.record();
        network.meets().await;

        for reader in [network.leeds.person(&["leeds:curator"]), network.hull.person(&["hull:curator"])] {
            let shown = seen(&reader, &started).await;
            assert_eq!((&shown["state"], bodies(&shown)), (&json!("LOCKED"), vec!["Something kind."]));
            assert_eq!(shown["postCount"], 1);
        }
        // Somebody whose host has not heard of the lock yet is refused by the space's home.
        let reply = json!({ "thread": started["id"], "body": "One more thing." });
        assert_eq!(ana.does("postCreate", reply, "post { id }").await.code(), "NOT_ALLOWED_NOW");
    }
}

between_hosts! {
    async fn a_post_that_comes_after_the_lock_is_not_let_in(network) {
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space, "Tablets").await;
        network.meets().await;
        let late = post(&ana, &started, "One more thing.").await;
        let moderator = network.hub.person(&["national:moderator"]);
        let lock = json!({ "id": started["id"], "state": "LOCKED", "reason": "Said enough." });
        moderator.does("threadSetState", lock, "thread { state }").await.record();
        network.meets().await;

        let query = "query($id: ID!) { node(id: $id) { ... on Post { state stateReason } } }";
        let shown = ana.run(query, json!({ "id": late["id"] })).await.data()["node"].clone();
        let why = "The thread is LOCKED and takes no answers.";
        assert_eq!(shown, json!({ "state": "REJECTED", "stateReason": why }));
        let shown = seen(&network.hull.person(&["hull:champion"]), &started).await;
        assert_eq!(bodies(&shown), Vec::<&str>::new());
    }
}

between_hosts! {
    async fn a_withdrawn_card_leaves_a_byline_on_every_host(network) {
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space, "Tablets").await;
        post(&ana, &started, "Which ones last?").await;
        network.meets().await;
        let reader = network.hull.person(&["hull:champion"]);
        let shown = seen(&reader, &started).await;
        assert!(shown["author"]["displayName"].is_string());
        assert_eq!(shown["posts"]["nodes"][0]["author"], shown["author"]);

        let mine = ana.run("{ viewer { champion { id version } } }", json!({})).await.data()["viewer"]["champion"].clone();
        let private = json!({ "id": mine["id"], "version": mine["version"], "visibility": "SITE" });
        ana.does("championUpdate", private, "champion { id }").await.record();
        network.meets().await;
        let shown = seen(&reader, &started).await;
        assert_eq!(shown["author"], Value::Null);
        assert_eq!(shown["posts"]["nodes"][0]["author"], Value::Null);
        assert!(shown["byline"].as_str().unwrap().contains("Leeds"), "{shown:#}");
        let card = "query($id: ID!) { node(id: $id) { id } }";
        assert_eq!(reader.run(card, json!({ "id": mine["id"] })).await.data()["node"], Value::Null);
    }
}

between_hosts! {
    async fn what_is_withdrawn_or_no_longer_shown_goes_everywhere(network) {
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space, "Tablets").await;
        let taken_back = post(&ana, &started, "Never mind.").await;
        let ben = network.hull.champion(&["hull:champion"]).await;
        network.meets().await;
        post(&ben, &started, "Mine last.").await;
        network.meets().await;
        let reader = network.hull.person(&["hull:curator"]);
        assert_eq!(bodies(&seen(&reader, &started).await), ["Never mind.", "Mine last."]);

        let withdraw = json!({ "id": taken_back["id"], "version": taken_back["version"] });
        ana.does("postWithdraw", withdraw, "post { state }").await.record();
        network.meets().await;
        let shown = seen(&reader, &started).await;
        assert_eq!((bodies(&shown), &shown["postCount"]), (vec!["Mine last."], &json!(1)));

        // A space that turns private takes its threads and their posts out of every other host's sight.
        let moderator = network.hub.person(&["national:moderator"]);
        let private = json!({ "id": space["id"], "version": space["version"], "visibility": "SITE" });
        moderator.does("spaceUpdate", private, "space { id }").await.record();
        network.meets().await;
        for person in [&reader, &network.leeds.person(&["leeds:curator"]), &ben] {
            assert_eq!(seen(person, &started).await, Value::Null);
        }
    }
}

between_hosts! {
    async fn a_report_reaches_the_moderators_of_the_space_without_its_reporter(network) {
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space, "Tablets").await;
        network.meets().await;
        let ben = network.hull.champion(&["hull:champion"]).await;
        let report = json!({ "id": started["id"], "reason": "This is an advertisement." });
        ben.does("postReport", report, "report { id }").await.record();
        network.meets().await;

        let query = "query($site: String!) { reports(site: $site) {
            nodes { reason state reporter { displayName } thread { title } }
        } }";
        for (host, site) in [(&network.hub, "national"), (&network.leeds, "leeds")] {
            let moderator = host.person(&[&format!("{site}:moderator")]);
            let reports = moderator.run(query, json!({ "site": site })).await.data()["reports"]["nodes"].clone();
            assert_eq!(reports, json!([{
                "reason": "This is an advertisement.", "state": "OPEN", "reporter": null, "thread": { "title": "Tablets" },
            }]));
            let curator = host.person(&[&format!("{site}:curator")]);
            let reports = curator.run(query, json!({ "site": site })).await.data()["reports"]["nodes"].clone();
            assert_eq!(reports, json!([]));
        }
    }
}
