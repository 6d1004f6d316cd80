//! A site that moves to another host takes everything with it, and leaves what it shares.

use champion_network::federation::{
    audit, keys,
    messages::{Rotation, Testimony, Witness},
    moving::{self, File},
    relay, renewal,
    wire::{Audience, Origin},
};
use entity::{
    SiteId, audit_entry, champion, feed_entry, feed_head, issuer, observation, placement, project, site as sites,
    site_key,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, Statement,
};

use crate::{
    audit::findings,
    support::{
        Backend, Host, NATIONAL, Network, Person, Value, json,
        network::{exchange, hear, sequence, site},
        on_each_database, until,
    },
};

async fn project(lead: &Person<'_>, title: &str, visibility: &str) -> Value {
    let input = json!({ "site": "leeds", "title": title, "summary": "All about it.", "visibility": visibility });
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

/// What a site has at a host, shared or not.
async fn fill(host: &Host) -> Value {
    let lead = host.champion(&["leeds:project_lead"]).await;
    let mine = lead
        .run("{ viewer { champion { id version } } }", json!({}))
        .await
        .data()["viewer"]["champion"]
        .clone();
    let card =
        json!({ "id": mine["id"], "version": mine["version"], "email": "lead@leeds.test", "visibility": "NETWORK" });
    lead.does("championUpdate", card, "champion { id }").await.record();
    project(&lead, "Among us", "SITE").await;
    project(&lead, "Garden", "NETWORK").await
}

async fn emails(host: &Host, site: SiteId) -> Vec<String> {
    let champions = champion::Entity::find().filter(champion::Column::SiteId.eq(site));
    let champions = champions.all(host.server.0.reader()).await.unwrap();
    champions.into_iter().filter_map(|row| row.email).collect()
}

/// Moves `leeds` from one host to a new one, and tells how the people of both find it.
async fn moves(hub: &Host, from: &Host, to: &Host) {
    let garden = fill(from).await;
    let leeds = site(from, "leeds").await.id;
    sequence(from).await;
    audit::vouch(&from.server.0).await.unwrap();
    let vouched = audit::newest(from.server.0.reader(), leeds).await.unwrap();
    assert!(vouched.is_some());
    let text = moving::export(&from.server.0, leeds).await.unwrap();

    let lead = from.person(&["leeds:project_lead"]);
    let edit = json!({ "id": garden["id"], "version": garden["version"], "title": "Too late" });
    let refused = lead.does("projectUpdate", edit, "project { id }").await;
    assert!(
        ["NOT_FOUND", "UNAUTHENTICATED"].contains(&refused.code()),
        "nobody changes it while it moves"
    );
    let cut = text.lines().take(3).collect::<Vec<_>>().join("\n");
    assert!(File::parse(&cut).is_err(), "half a file is none");
    let (file, epoch) = (File::parse(&text).unwrap(), feed_epoch(from, leeds).await);
    moving::import(&to.server.0, &file).await.unwrap();
    moving::import(&to.server.0, &file).await.unwrap();
    let kept = to.server.0.system("hosted", async |work| work.hosted(leeds).await);
    assert!(
        kept.await.is_err(),
        "nobody changes it before the hub knows its new key"
    );
    takes_over(hub, to, leeds).await;
    moving::begin(&to.server.0, &file).await.unwrap();
    assert!(moving::import(&to.server.0, &file).await.is_err(), "it is in use");
    assert_ne!(feed_epoch(to, leeds).await, epoch);
    assert!(moving::keep(&from.server.0, leeds).await.is_err(), "it has gone");
    exchange(to, hub).await;
    exchange(hub, from).await;
    exchange(hub, from).await;

    let lead = to.person(&["leeds:project_lead"]);
    assert_eq!(titles(&lead).await, ["Among us", "Garden"]);
    assert_eq!(emails(to, leeds).await, ["lead@leeds.test"]);
    let admin = to.person(&["leeds:site_admin"]);
    let renamed = json!({ "id": garden["id"], "version": garden["version"], "title": "Orchard" });
    admin.does("projectUpdate", renamed, "project { title }").await.record();
    exchange(to, hub).await;
    exchange(hub, from).await;

    let db = from.server.0.reader();
    let left = project::Entity::find()
        .filter(project::Column::SiteId.eq(leeds))
        .all(db)
        .await
        .unwrap();
    assert_eq!(
        left.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(),
        ["Orchard"]
    );
    assert!(emails(from, leeds).await.is_empty());
    for count in [
        issuer::Entity::find()
            .filter(issuer::Column::SiteId.eq(leeds))
            .count(db)
            .await
            .unwrap(),
        site_key::Entity::find()
            .filter(site_key::Column::SiteId.eq(leeds))
            .count(db)
            .await
            .unwrap(),
        audit_entry::Entity::find()
            .filter(audit_entry::Column::SiteId.eq(leeds))
            .count(db)
            .await
            .unwrap(),
        observation::Entity::find()
            .filter(observation::Column::SiteId.eq(leeds))
            .count(db)
            .await
            .unwrap(),
    ] {
        assert_eq!(count, 0);
    }
    assert_eq!(audit::newest(to.server.0.reader(), leeds).await.unwrap(), vouched);
    audit::vouch(&to.server.0).await.unwrap();
    assert_ne!(audit::newest(to.server.0.reader(), leeds).await.unwrap(), vouched);
    for host in [hub, from, to] {
        assert_eq!(findings(host).await, Vec::<String>::new());
    }
}

async fn feed_epoch(host: &Host, site: SiteId) -> sea_orm::prelude::Uuid {
    let key = (site, Audience::Network.to_string());
    let head = feed_head::Entity::find_by_id(key)
        .one(host.server.0.reader())
        .await
        .unwrap();
    head.unwrap().epoch
}

/// The new host offers its key, and the hub takes it in.
async fn takes_over(hub: &Host, to: &Host, site: SiteId) {
    let next = to.server.0.system("next", async |work| keys::next(work, site).await);
    let (key, proof) = next.await.unwrap();
    let rotation = Rotation {
        public: key.public(),
        proof,
    };
    let taken = hub
        .server
        .0
        .system("rotate", async |work| renewal::rotate(work, site, &rotation).await);
    taken.await.unwrap().unwrap();
    let signs = to
        .server
        .0
        .system("take over", async |work| keys::take_over(work, site, &key).await);
    signs.await.unwrap();
}

on_each_database! {
    async fn a_site_moves_from_the_shared_host_to_its_own(backend) {
        let hub = Host::keeping(backend, &[NATIONAL, "leeds"], 7, |_| {}).await;
        let to = Host::keeping(backend, &[], 8, |_| {}).await.signing_as(&hub);
        sequence(&hub).await;
        moves(&hub, &hub, &to).await;
        let reader = hub.person(&["national:champion"]);
        assert_eq!(titles(&reader).await, ["Orchard"]);
        let shown = reader
            .run(r#"{ site(slug: "leeds") { hostedHere sync { state } } }"#, json!({}))
            .await;
        assert_eq!(
            shown.data()["site"],
            json!({ "hostedHere": false, "sync": { "state": "LIVE" } })
        );
    }
}

/// A thread in a space that nobody outside of `leeds` sees, which a moderator has locked for a reason.
async fn whispers(host: &Host) {
    let moderator = host.champion(&["leeds:moderator"]).await;
    let space = json!({ "site": "leeds", "name": "Among us", "about": "Talk.", "visibility": "SITE" });
    let space = moderator
        .does("spaceCreate", space, "space { id }")
        .await
        .record()
        .clone();
    let author = host.champion(&["leeds:champion"]).await;
    let thread = json!({ "space": space["id"], "title": "Tablets", "body": "Broken.", "tags": [] });
    let thread = author
        .does("threadStart", thread, "thread { id version }")
        .await
        .record()
        .clone();
    let lock = json!({ "id": thread["id"], "state": "LOCKED", "reason": "Names somebody." });
    moderator.does("threadSetState", lock, "thread { id }").await.record();
}

async fn entries(host: &Host, site: SiteId) -> u64 {
    let told = feed_entry::Entity::find().filter(feed_entry::Column::Origin.eq(site));
    told.count(host.server.0.reader()).await.unwrap()
}

/// What the hub holds of a site's feeds.
async fn witness(hub: &Host, site: SiteId) -> Witness {
    let held = relay::of_site(hub.server.0.reader(), site).await.unwrap().into_iter();
    let feeds = held.filter_map(|(audience, feed, checkpoint)| {
        let epoch = feed.epoch;
        checkpoint.map(|checkpoint| Testimony {
            audience,
            epoch,
            checkpoint,
        })
    });
    Witness {
        origin: Origin(site.0),
        feeds: feeds.collect(),
        erased: Vec::new(),
        next: None,
        acknowledged: Vec::new(),
    }
}

on_each_database! {
    async fn a_site_moves_between_regions_and_leaves_nothing_private(backend) {
        let network = Network::with_several(backend, &["leeds", "york"]).await;
        let (hub, from, to) = (&network.hub, &network.leeds, &network.hull);
        let (leeds, york) = (site(from, "leeds").await.id, site(from, "york").await.id);
        fill(from).await;
        whispers(from).await;
        let ana = from.champion(&["leeds:champion"]).await;
        let mine = "{ viewer { champion { id version } } }";
        let card = ana.run(mine, json!({})).await.data()["viewer"]["champion"].clone();
        let shared = json!({ "id": card["id"], "version": card["version"], "visibility": "NETWORK" });
        ana.does("championUpdate", shared, "champion { id }").await.record();
        network.meets().await;
        let known = async |host: &Host| {
            champion::Entity::find_by_id(card["id"].as_str().unwrap().parse::<entity::ChampionId>().unwrap())
                .one(host.server.0.reader())
                .await
                .unwrap()
                .is_some()
        };
        assert!(known(to).await, "it has a copy of her card");
        let card_now = ana.run(mine, json!({})).await.data()["viewer"]["champion"].clone();
        ana.does("championErase", card_now, "champion { id }").await;

        let text = moving::export(&from.server.0, leeds).await.unwrap();
        let file = File::parse(&text).unwrap();
        assert!(
            file.is_the_latest(&witness(hub, leeds).await).is_ok(),
            "the hub has not heard all of it yet"
        );
        let mut ahead = witness(hub, leeds).await;
        ahead.feeds[0].checkpoint.to += 1_000;
        assert!(file.is_the_latest(&ahead).is_err());
        let mut elsewhere = witness(hub, leeds).await;
        elsewhere.feeds[0].epoch.0 = sea_orm::prelude::Uuid::from_u128(1);
        assert!(file.is_the_latest(&elsewhere).is_err());
        moving::import(&to.server.0, &file).await.unwrap();
        assert!(!known(to).await, "she was erased where the site was");
        takes_over(hub, to, leeds).await;
        moving::begin(&to.server.0, &file).await.unwrap();
        exchange(to, hub).await;
        assert!(!known(hub).await);
        let gone = entity::ids::parse_any(card["id"].as_str().unwrap()).unwrap().1;
        for host in [hub, to] {
            assert_eq!(
                host.server.0.ledger.among(leeds, &[gone]).unwrap().len(),
                1,
                "and stays erased in the new epoch"
            );
        }

        let private = placement::Entity::find().filter(placement::Column::SiteId.eq(leeds));
        assert_eq!(private.clone().count(from.server.0.reader()).await.unwrap(), 1);
        hear(hub, from, "national").await;
        assert_eq!(private.clone().count(from.server.0.reader()).await.unwrap(), 0);
        assert_eq!(
            private.count(to.server.0.reader()).await.unwrap(),
            1,
            "it has moved with its site"
        );
        assert_eq!(entries(from, leeds).await, 0, "nothing is left of what it told");
        let cards = champion::Entity::find().filter(champion::Column::SiteId.eq(leeds));
        for card in cards.all(from.server.0.reader()).await.unwrap() {
            assert_eq!(
                (card.email, card.phone, card.issuer, card.subject),
                (None, None, None, None)
            );
        }
        assert!(entries(from, york).await > 0);
        exchange(hub, from).await;
        assert_eq!(titles(&from.person(&["york:champion"])).await, ["Garden"]);
        assert_eq!(
            titles(&to.person(&["leeds:project_lead"])).await,
            ["Among us", "Garden"]
        );
    }
}

/// On PostgreSQL; on SQLite works take turns anyway.
#[tokio::test]
async fn a_change_under_way_is_in_the_file_or_is_refused() {
    let host = Host::keeping(Backend::Postgres, &[NATIONAL, "leeds"], 7, |_| {}).await;
    let garden = fill(&host).await;
    sequence(&host).await;
    let (app, leeds) = (&host.server.0, site(&host, "leeds").await.id);
    let id: entity::ProjectId = garden["id"].as_str().unwrap().parse().unwrap();
    let blocked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let export = moving::export(app, leeds);
    tokio::pin!(export);
    let change = app.system("change", async |work| {
        work.hosted(leeds).await?;
        let two = app.system("another", async |work| work.hosted(leeds).await);
        two.await.expect("works hold it together");
        tokio::select! {
            early = &mut export => panic!("it did not wait: {early:?}"),
            () = until("the export waits", async || {
                let blocked = Statement::from_string(DbBackend::Postgres, blocked);
                app.reader().query_one_raw(blocked).await.unwrap().map(|_| ())
            }) => {}
        }
        let row = project::Entity::find_by_id(id).one(work.db()).await?.unwrap();
        let mut row = row.into_active_model();
        row.title = Set("Just in time".to_owned());
        work.update::<project::Entity>(row).await
    });
    change.await.unwrap();
    assert!(export.await.unwrap().contains("Just in time"));
    let late = app.system("late", async |work| work.hosted(leeds).await);
    assert!(late.await.is_err());
    let kept = sites::Entity::find_by_id(leeds)
        .one(app.reader())
        .await
        .unwrap()
        .unwrap();
    assert!(!kept.hosted && kept.exported_at.is_some());
}
