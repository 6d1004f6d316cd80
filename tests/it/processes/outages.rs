//! What a region does without its hub, with a database that takes nothing more, and beside somebody who does not end.

use sea_orm::{ConnectionTrait, EntityTrait};

use super::{network::Held, people::sync, *};

const THREAD: &str =
    "query($id: ID!) { node(id: $id) { ... on Thread { title state posts { nodes { body state } } } } }";

async fn seen(host: &Process, thread: &Value) -> Value {
    let reader = host.member("reader", "champion");
    reader.asks(THREAD, json!({ "id": thread["id"] })).await["node"].clone()
}

on_each_database! {
    async fn without_the_hub_a_region_serves_national_content_and_its_posts_arrive_when_it_is_back(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let nora = hub.champion("nora", "project_lead").await;
        nora.writes("Everywhere").await;
        let space = json!({ "site": "national", "name": "Everybody", "about": "Talk.", "visibility": "NETWORK" });
        let space = hub.member("moderator", "moderator").does("spaceCreate", space, "space { id }").await;
        let started = json!({ "space": space["id"], "title": "Tablets", "body": "Which ones last?" });
        let thread = nora.does("threadStart", started, "thread { id }").await;
        let ana = leeds.champion("ana", "champion").await;
        take_in(&[&hub, &leeds]).await;

        hub.dies();
        assert_eq!(titles(&leeds, "national").await, ["Everywhere"]);
        let post = json!({ "thread": thread["id"], "body": "The cheap ones." });
        let post = ana.does("postCreate", post, "post { id state }").await;
        assert_eq!(post["state"], "PENDING");
        assert_eq!(seen(&leeds, &thread).await["posts"]["nodes"], json!([]), "it is not placed yet");
        leeds.dies();
        leeds.starts();
        assert_eq!(titles(&leeds, "national").await, ["Everywhere"], "also after a start without the hub");

        hub.starts();
        let shown = json!([{ "body": "The cheap ones.", "state": "VISIBLE" }]);
        for host in [&hub, &leeds] {
            until("the post is placed", async || (seen(host, &thread).await["posts"]["nodes"] == shown).then_some(())).await;
        }
        let mine = "query($id: ID!) { node(id: $id) { ... on Post { state } } }";
        assert_eq!(ana.asks(mine, json!({ "id": post["id"] })).await["node"]["state"], "VISIBLE");
    }
}

on_each_database! {
    async fn a_region_that_was_away_while_much_happened_reads_what_is_left_of_it(backend) {
        let (hub, [leeds, hull]) = network(backend, ["leeds", "hull"]).await;
        let lead = hull.champion("lead", "project_lead").await;
        let ana = hull.champion("ana", "champion").await;
        let mut garden = lead.writes("Garden").await;
        let harbour = lead.writes("Harbour").await;
        take_in(&[&hub, &leeds, &hull]).await;

        leeds.dies();
        for number in 1..=5 {
            let title = format!("Garden {number}");
            let input = json!({ "id": garden["id"], "version": garden["version"], "title": title });
            garden = lead.does("projectUpdate", input, "project { id version }").await;
            in_step(&hub, &hull).await;
        }
        let private = json!({ "id": harbour["id"], "version": harbour["version"], "visibility": "SITE" });
        lead.does("projectUpdate", private, "project { id }").await;
        let card = ana.card().await;
        ana.does("championErase", card.clone(), "champion { id }").await;
        hull.does(&["site", "rotate-key", "hull"]);
        lead.writes("Lighthouse").await;
        in_step(&hub, &hull).await;

        leeds.starts();
        in_step(&leeds, &hull).await;
        assert_eq!(titles(&leeds, "hull").await, ["Garden 5", "Lighthouse"]);
        assert_eq!(Held::by(&leeds, "hull").await.shown(), Held::by(&hub, "hull").await.shown());
        let query = "query($id: ID!) { node(id: $id) { id } }";
        let gone = leeds.member("reader", "champion").asks(query, json!({ "id": card["id"] })).await;
        assert_eq!(gone["node"], Value::Null);
        assert_eq!(sync(&leeds, "hull").await["parked"], 0);
    }
}

/// A database that takes no more rows that came from others, as a full disk takes none.
fn full(backend: Backend) -> [&'static str; 2] {
    match backend {
        Backend::Sqlite => [
            "CREATE TRIGGER disk_is_full BEFORE INSERT ON replica BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
            "DROP TRIGGER disk_is_full",
        ],
        Backend::Postgres => [
            "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'disk is full' USING ERRCODE = 'disk_full'; END $$;
             CREATE TRIGGER disk_is_full BEFORE INSERT ON replica EXECUTE FUNCTION disk_is_full()",
            "DROP TRIGGER disk_is_full ON replica",
        ],
    }
}

on_each_database! {
    async fn a_reader_whose_disk_is_full_serves_what_it_has_and_catches_up_when_there_is_room(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let nora = hub.champion("nora", "project_lead").await;
        nora.writes("Before").await;
        take_in(&[&hub, &leeds]).await;
        let before = Held::by(&leeds, "national").await;

        let [fill, make_room] = full(backend);
        leeds.suffers(fill).await;
        for title in ["During 1", "During 2"] {
            nora.writes(title).await;
        }
        until("it says so", async || leeds.log().contains("a feed cannot be read").then_some(())).await;
        assert_eq!(titles(&leeds, "national").await, ["Before"]);
        let during = Held::by(&leeds, "national").await;
        assert_eq!((during.cursor.map(|cursor| cursor.pos), during.records), (before.cursor.map(|cursor| cursor.pos), before.records));

        leeds.suffers(make_room).await;
        in_step(&leeds, &hub).await;
        assert_eq!(titles(&leeds, "national").await, ["Before", "During 1", "During 2"]);
        assert_eq!(sync(&leeds, "national").await["parked"], 0);
    }
}

on_each_database! {
    async fn a_long_unrelated_transaction_holds_up_no_feed(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let lead = leeds.champion("lead", "project_lead").await;
        let inside = leeds.inside().await;
        // On SQLite one who reads; on PostgreSQL one who has written something and does not say what becomes of it.
        #[expect(clippy::disallowed_methods, reason = "the transaction of somebody else")]
        let long = sea_orm::TransactionTrait::begin(inside.0.reader()).await.unwrap();
        entity::outbox::Entity::find().all(&long).await.unwrap();
        if backend == Backend::Postgres {
            long.execute_unprepared("CREATE TABLE of_somebody_else (id bigint); INSERT INTO of_somebody_else VALUES (1)")
                .await
                .unwrap();
        }
        lead.writes("Garden").await;
        until("the hub has it", async || (titles(&hub, "leeds").await == ["Garden"]).then_some(())).await;
        long.rollback().await.unwrap();
        inside.0.database.close().await.unwrap();
    }
}
