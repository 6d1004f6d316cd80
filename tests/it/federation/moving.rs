//! A site that moves to another host takes everything with it, and leaves what it shares.

use champion_network::federation::{keys, messages::Rotation, moving, renewal, wire::Audience};
use entity::{SiteId, audit_entry, champion, feed_head, issuer, observation, project, site_key};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::support::{
    Backend, Host, NATIONAL, Person, Value, json,
    network::{exchange, sequence, site},
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
    let text = moving::export(&from.server.0, leeds).await.unwrap();

    let lead = from.person(&["leeds:project_lead"]);
    let edit = json!({ "id": garden["id"], "version": garden["version"], "title": "Too late" });
    let refused = lead.does("projectUpdate", edit, "project { id }").await;
    assert!(
        ["NOT_FOUND", "UNAUTHENTICATED"].contains(&refused.code()),
        "nobody changes it while it moves"
    );
    let cut = text.lines().take(3).collect::<Vec<_>>().join("\n");
    assert!(moving::import(&to.server.0, &cut).await.is_err(), "half a file is none");
    let epoch = feed_epoch(from, leeds).await;
    moving::import(&to.server.0, &text).await.unwrap();
    moving::import(&to.server.0, &text).await.unwrap();
    assert_ne!(feed_epoch(to, leeds).await, epoch);
    takes_over(hub, to, leeds).await;
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

async fn from_the_shared_host(backend: Backend) {
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

#[tokio::test]
async fn a_site_moves_from_the_shared_host_to_its_own_on_sqlite() {
    from_the_shared_host(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_site_moves_from_the_shared_host_to_its_own_on_postgres() {
    from_the_shared_host(Backend::Postgres).await;
}
