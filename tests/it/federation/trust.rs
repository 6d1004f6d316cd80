//! Whose word a host takes, and that nothing is taken twice or out of order.

use champion_network::federation::{
    apply::{self, Received},
    protocol::{check::Refusal, consumer::Answer},
    pull, sequencer,
    wire::{Audience, Batch},
};
use entity::{
    PostId, ResourceId, SiteId, SpaceId, ThreadId, feed_entry, outbox, post, project, replica, resource_edition,
    site_member, thread, trusted_key,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    prelude::Uuid,
};

use super::{
    sharing::{guide, published},
    talk,
};
use crate::support::{
    Host, Person, Value, between_hosts, json,
    network::{exchange, from_start, hand, hear, site},
};

async fn project(lead: &Person<'_>, site: &str, title: &str) -> Value {
    let input = json!({ "site": site, "title": title, "summary": "All about it.", "visibility": "NETWORK" });
    lead.does("projectCreate", input, "project { id version }")
        .await
        .record()
        .clone()
}

/// The titles of all projects that somebody sees, by title.
async fn titles(person: &Person<'_>) -> Vec<String> {
    let query = "{ projects(orderBy: TITLE_ASC) { nodes { title } } }";
    person.run(query, json!({})).await.nodes("title")
}

/// Everything that a host has taken in: the rows themselves and what the feeds last said of them.
async fn taken(host: &Host) -> (Vec<project::Model>, Vec<(Uuid, String, String)>) {
    let db = host.server.0.reader();
    let mut projects = project::Entity::find().all(db).await.unwrap();
    projects.sort_by_key(|row| row.id);
    let rows = replica::Entity::find().all(db).await.unwrap().into_iter();
    let mut rows: Vec<_> = rows.map(|row| (row.record_id, row.kind, row.operation)).collect();
    rows.sort();
    (projects, rows)
}

fn id_of(record: &Value) -> Uuid {
    entity::ids::parse_any(record["id"].as_str().unwrap()).unwrap().1
}

between_hosts! {
    async fn a_record_that_another_site_claims_is_kept_apart_and_not_shown(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let garden = project(&lead, "leeds", "Garden").await;
        network.meets().await;

        // Hull puts a record with the id of Leeds' project into its own feed.
        let db = network.hull.server.0.reader();
        let mut forged = project::Entity::find_by_id(id_of(&garden)).one(db).await.unwrap().unwrap();
        let hull = site(&network.hull, "hull").await;
        forged.site_id = hull.id;
        forged.title = "Mine now".to_owned();
        let forge = network.hull.server.0.system("forge", async |work| {
            let mut row = forged.clone().into_active_model();
            row.title = Set(forged.title.clone());
            row.site_id = Set(forged.site_id);
            row.update(work.db()).await?;
            work.touch(hull.id, entity::Kind::Project, forged.id);
            Ok(())
        });
        forge.await.unwrap();
        network.meets().await;

        assert_eq!(titles(&network.hub.person(&["national:champion"])).await, ["Garden"], "the hub takes it from nobody");
        // A hub that lets it pass all the same changes nothing.
        hear(&network.hull, &network.leeds, "hull").await;
        let reader = network.leeds.person(&["leeds:champion"]);
        assert_eq!(titles(&reader).await, ["Garden"]);
        let query = r#"{ site(slug: "hull") { sync { parked lastError } } }"#;
        let sync = reader.run(query, json!({})).await.data()["site"]["sync"].clone();
        assert_eq!(sync, json!({ "parked": 1, "lastError": "the record is bound to another origin" }));
    }
}

/// Changes a row behind the back of its host, as a host of somebody's own making would have it.
macro_rules! forge {
    ($host:expr, $table:ident, $kind:ident, $id:expr, $($column:ident: $value:expr),+) => {{
        let forge = $host.server.0.system("forge", async |work| {
            let row = $table::Entity::find_by_id($id).one(work.db()).await?.unwrap();
            let (id, site) = (row.id, row.site_id);
            let mut row = row.into_active_model();
            $(row.$column = Set($value);)+
            row.update(work.db()).await?;
            work.touch(site, entity::Kind::$kind, id);
            Ok(())
        });
        forge.await.unwrap();
    }};
}

between_hosts! {
    async fn nobody_writes_editions_of_another_site_s_resource(network) {
        let ours = guide(&network.hub, "national", "Tablets").await;
        let theirs = guide(&network.hull, "hull", "Phones").await;
        let editions = resource_edition::Entity::find().filter(resource_edition::Column::ResourceId.eq(id_of(&theirs)));
        let edition = editions.one(network.hull.server.0.reader()).await.unwrap().unwrap();
        forge!(
            network.hull, resource_edition, ResourceEdition, edition.id,
            resource_id: ResourceId(id_of(&ours)), number: 2, title: "Forged".to_owned()
        );
        exchange(&network.hull, &network.hub).await;
        // Whoever reads Hull first does not know whose the resource is.
        hear(&network.hub, &network.leeds, "hull").await;

        let author = network.hub.champion(&["national:champion", "national:curator"]).await;
        let edit = json!({ "id": ours["id"], "version": ours["version"], "title": "Tablets again" });
        let draft = author.does("resourceUpdate", edit, "resource { id version }").await.record().clone();
        published(&network.hub, "national", &author, &draft).await;
        network.meets().await;

        for (host, site) in [(&network.hub, "national"), (&network.leeds, "leeds")] {
            let reader = host.person(&[&format!("{site}:champion")]);
            let query = "query($id: ID!) { node(id: $id) { ... on Resource { editions { nodes { title } } } } }";
            let shown = reader.run(query, json!({ "id": ours["id"] })).await.data()["node"]["editions"]["nodes"].clone();
            let mut titles: Vec<_> = shown.as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect();
            titles.sort_unstable();
            assert_eq!(titles, ["Tablets", "Tablets again"], "at {site}");
        }
    }
}

between_hosts! {
    async fn a_post_that_its_site_puts_elsewhere_is_placed_by_who_keeps_the_space_there(network) {
        let (everybody, of_hull) = tokio::join!(
            talk::space(&network.hub, "national", "NETWORK"),
            talk::space(&network.hull, "hull", "NETWORK"),
        );
        let nora = network.hub.champion(&["national:champion"]).await;
        let locked = talk::thread(&nora, &everybody, "Locked").await;
        network.meets().await;
        let ben = network.hull.champion(&["hull:champion"]).await;
        let own = talk::thread(&ben, &of_hull, "At home").await;
        let post = talk::post(&ben, &own, "Let in by Hull.").await;
        assert_eq!(post["state"], "VISIBLE");
        network.meets().await;
        let lock = json!({ "id": locked["id"], "state": "LOCKED", "reason": "Enough was said." });
        let moderator = network.hub.person(&["national:moderator"]);
        moderator.does("threadSetState", lock, "thread { id }").await.record();
        network.meets().await;

        forge!(network.hull, post, Post, PostId(id_of(&post)), thread_id: ThreadId(id_of(&locked)));
        forge!(network.hull, thread, Thread, ThreadId(id_of(&own)), space_id: SpaceId(id_of(&everybody)), title: "Elsewhere".to_owned());
        network.meets().await;
        network.meets().await;

        let readers = [network.leeds.person(&["leeds:champion"]), network.hub.person(&["national:champion"])];
        for reader in &readers {
            let shown = talk::seen(reader, &locked).await;
            assert_eq!(talk::bodies(&shown), Vec::<&str>::new(), "the thread takes no answers");
            let moved = talk::seen(reader, &own).await;
            assert_eq!((&moved["title"], &moved["state"]), (&json!("Elsewhere"), &json!("OPEN")), "the hub has placed it anew");
        }
        talk::post(&nora, &own, "Welcome.").await;
        network.meets().await;
        assert_eq!(talk::bodies(&talk::seen(&readers[0], &own).await), ["Welcome."]);
    }
}

between_hosts! {
    async fn repeated_and_out_of_order_batches_change_nothing(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        for title in ["Cellar", "Garden", "Library"] {
            project(&lead, "leeds", title).await;
        }
        sequencer::run(&network.leeds.server.0).await.unwrap();
        let all = from_start(&network.leeds, "leeds", Audience::Network, 500).await;
        let leeds = SiteId(all.origin.0);
        let cursor = apply::cursor(network.hub.server.0.reader(), leeds, Audience::Network).await.unwrap();
        let before = taken(&network.hub).await;

        // Something further on, and everything from the start, although the cursor stands between the two.
        let further = part(&all, cursor.pos + 2);
        for batch in [further, all.clone()] {
            assert_eq!(hand(&network.hub, batch).await, Received::Discarded(cursor.clone()));
        }
        assert_eq!(taken(&network.hub).await, before);

        let next = part(&all, cursor.pos + 1);
        assert!(matches!(hand(&network.hub, next.clone()).await, Received::Applied(_)));
        let after = taken(&network.hub).await;
        assert_eq!(titles(&network.hub.person(&["national:champion"])).await, ["Cellar", "Garden", "Library"]);
        assert!(matches!(hand(&network.hub, next).await, Received::Discarded(_)));
        assert_eq!(taken(&network.hub).await, after);
    }
}

/// The same batch without what comes before a position.
fn part(batch: &Batch, from: u64) -> Batch {
    let skipped = usize::try_from(from - batch.from).unwrap();
    let mut part = batch.clone();
    for entry in part.entries.drain(..skipped) {
        part.prev = champion_network::federation::wire::next_head(part.prev, &entry.header);
    }
    part.from = from;
    part
}

between_hosts! {
    async fn a_batch_that_was_altered_on_its_way_is_refused(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        project(&lead, "leeds", "Garden").await;
        sequencer::run(&network.leeds.server.0).await.unwrap();
        let all = from_start(&network.leeds, "leeds", Audience::Network, 500).await;
        let leeds = SiteId(all.origin.0);
        let cursor = apply::cursor(network.hub.server.0.reader(), leeds, Audience::Network).await.unwrap();
        let honest = part(&all, cursor.pos + 1);
        let before = taken(&network.hub).await;

        let mut altered = honest.clone();
        let last = altered.entries.last_mut().unwrap();
        last.payload = last.payload.as_ref().map(|payload| payload.replace("Garden", "Casino"));
        let refused = hand(&network.hub, altered).await;
        assert!(matches!(refused, Received::Refused(Refusal::Forged { .. })), "{refused:?}");
        let mut foreign = honest.clone();
        foreign.origin.0 = site(&network.hull, "hull").await.id.0;
        let refused = apply::receive(&network.hub.server.0, foreign).await.unwrap();
        assert!(matches!(refused, Received::Refused(_)), "{refused:?}");
        assert_eq!(taken(&network.hub).await, before);
    }
}

between_hosts! {
    async fn who_starts_over_ends_with_the_same_rows_and_without_what_is_gone(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let garden = project(&lead, "leeds", "Garden").await;
        project(&lead, "leeds", "Library").await;
        network.meets().await;
        let hub = &network.hub.server.0;
        let leeds = site(&network.leeds, "leeds").await;
        let before = taken(&network.hub).await;

        // A row that Leeds' feed knows nothing of, as a feed that broke leaves it.
        let stale = project::Entity::find_by_id(id_of(&garden)).one(hub.reader()).await.unwrap().unwrap();
        let gone = hub.ids.ordered(network.hub.now());
        let plant = hub.system("plant", async |work| {
            let row = project::Model { id: gone.into(), slug: "gone".into(), title: "Gone".into(), ..stale.clone() };
            row.into_active_model().insert(work.db()).await?;
            let of = replica::Entity::find().filter(replica::Column::RecordId.eq(stale.id.0)).one(work.db()).await?;
            let of = replica::Model { record_id: gone, ..of.unwrap() };
            of.into_active_model().insert(work.db()).await?;
            Ok(())
        });
        plant.await.unwrap();
        let reader = network.hub.person(&["national:champion"]);
        assert_eq!(titles(&reader).await, ["Garden", "Gone", "Library"]);

        let restarted = apply::answered(hub, leeds.id, Audience::Network, &Answer::Diverged).await.unwrap();
        let Received::Restarted(cursor) = restarted else { panic!("{restarted:?}") };
        assert_eq!((cursor.pos, cursor.generation), (0, 1));
        assert_eq!(titles(&reader).await.len(), 3, "what is here is served meanwhile");
        pull::catch_up(hub, leeds.id, Audience::Network).await.unwrap();
        assert_eq!(titles(&reader).await, ["Garden", "Library"]);
        assert_eq!(taken(&network.hub).await, before);
        let cursor = apply::cursor(hub.reader(), leeds.id, Audience::Network).await.unwrap();
        assert_eq!(cursor.state.word(), "LIVE");
    }
}

between_hosts! {
    async fn what_comes_from_others_raises_nothing_of_its_own(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        project(&lead, "leeds", "Garden").await;
        let hull = &network.hull.server.0;
        let audited = async || entity::audit_entry::Entity::find().count(hull.reader()).await.unwrap();
        let before = audited().await;
        sequencer::run(&network.leeds.server.0).await.unwrap();
        exchange(&network.leeds, &network.hull).await;

        assert_eq!(titles(&network.hull.person(&["hull:champion"])).await, ["Garden"]);
        assert_eq!(outbox::Entity::find().count(hull.reader()).await.unwrap(), 0);
        assert_eq!(audited().await, before);
    }
}

between_hosts! {
    async fn a_suspended_site_is_hidden_everywhere_and_comes_back(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        project(&lead, "leeds", "Garden").await;
        network.meets().await;
        let reader = network.hull.person(&["hull:champion"]);
        assert_eq!(titles(&reader).await, ["Garden"]);
        let admin = network.hub.person(&["national:site_admin"]);
        project(&lead, "leeds", "Cellar").await;
        let stop = json!({ "site": "leeds", "reason": "Its key was stolen." });
        admin.does("siteSuspend", stop, "site { status }").await.record();
        exchange(&network.hub, &network.hull).await;
        exchange(&network.hub, &network.leeds).await;

        assert!(titles(&reader).await.is_empty());
        let query = r#"{ site(slug: "leeds") { status sync { state } } }"#;
        let shown = reader.run(query, json!({})).await.data()["site"].clone();
        assert_eq!(shown, json!({ "status": "SUSPENDED", "sync": { "state": "SUSPENDED" } }));
        sequencer::run(&network.leeds.server.0).await.unwrap();
        let batch = from_start(&network.leeds, "leeds", Audience::Network, 500).await;
        let refused = apply::receive(&network.hull.server.0, batch).await.unwrap();
        assert!(matches!(refused, Received::Refused(Refusal::NotActive(_))), "{refused:?}");

        admin.does("siteReinstate", json!({ "site": "leeds" }), "site { status }").await.record();
        network.meets().await;
        network.meets().await;
        assert_eq!(titles(&reader).await, ["Cellar", "Garden"], "what was written before the suspension comes after it");
    }
}

between_hosts! {
    async fn a_site_that_has_left_leaves_nothing_on_other_hosts(network) {
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        project(&lead, "leeds", "Garden").await;
        network.meets().await;
        let admin = network.hub.person(&["national:site_admin"]);
        let leave = json!({ "site": "leeds", "reason": "It closes." });
        admin.does("siteLeave", leave, "site { status }").await.record();
        // The hub itself and whoever hears of it.
        sequencer::run(&network.hub.server.0).await.unwrap();
        exchange(&network.hub, &network.hull).await;

        let leeds = site(&network.leeds, "leeds").await.id;
        for (host, slug) in [(&network.hub, "national"), (&network.hull, "hull")] {
            assert!(titles(&host.person(&[&format!("{slug}:champion")])).await.is_empty(), "at {slug}");
            let query = r#"{ site(slug: "leeds") { status sync { state } } }"#;
            let shown = host.anonymous().run(query, json!({})).await.data()["site"].clone();
            assert_eq!(shown, json!({ "status": "LEFT", "sync": { "state": "LEFT" } }), "at {slug}");
            let db = host.server.0.reader();
            let rows = project::Entity::find().filter(project::Column::SiteId.eq(leeds));
            assert_eq!(rows.count(db).await.unwrap(), 0, "at {slug}");
            let said = replica::Entity::find().filter(replica::Column::Origin.eq(leeds));
            assert_eq!(said.count(db).await.unwrap(), 0, "at {slug}");
            let relayed = feed_entry::Entity::find().filter(feed_entry::Column::Origin.eq(leeds));
            assert_eq!(relayed.count(db).await.unwrap(), 0, "at {slug}");
        }
        let own = titles(&lead).await;
        assert_eq!(own, ["Garden"], "at home it stays");
    }
}

between_hosts! {
    async fn the_first_key_of_a_site_is_kept_whatever_the_directory_says_later(network) {
        let hull = &network.hull.server.0;
        let leeds = site(&network.leeds, "leeds").await;
        let keys = async || {
            let keys = trusted_key::Entity::find().filter(trusted_key::Column::SiteId.eq(leeds.id));
            keys.all(hull.reader()).await.unwrap()
        };
        let before = keys().await;
        assert_eq!(before.len(), 1);

        // The hub puts a key of its own in the place of Leeds' one, and gives the site another name.
        let hub = &network.hub.server.0;
        let national = site(&network.hub, "national").await;
        let swap = hub.system("swap", async |work| {
            let listed = site_member::Entity::find_by_id(leeds.id).one(work.db()).await?.unwrap();
            let own = national.public_key.clone().unwrap();
            let keys = listed.keys.replace(leeds.public_key.as_deref().unwrap(), &own);
            assert_ne!(keys, listed.keys);
            let mut row = listed.into_active_model();
            row.keys = Set(keys);
            row.update(work.db()).await?;
            work.touch(national.id, entity::Kind::Site, leeds.id);
            Ok(())
        });
        swap.await.unwrap();
        exchange(&network.hub, &network.hull).await;

        assert_eq!(keys().await, before);
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        project(&lead, "leeds", "Garden").await;
        exchange(&network.leeds, &network.hull).await;
        assert_eq!(titles(&network.hull.person(&["hull:champion"])).await, ["Garden"]);
    }
}
