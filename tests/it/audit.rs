//! The audit as proof: chains that whoever changes them breaks, people who are erased from them, exports that anybody verifies,
//! and what `champion-network check` finds.

pub mod chain;
mod erasure;
mod export;
mod feeds;
mod references;

use champion_network::check;
use entity::{SiteId, audit_entry};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::support::{Host, Person, Value, json};

/// What `champion-network check` finds in the database of a host, without asking the hub.
pub async fn findings(host: &Host) -> Vec<String> {
    findings_of(host, true).await
}

/// The same, with asking the hub unless it is left out.
pub async fn findings_of(host: &Host, offline: bool) -> Vec<String> {
    let report = check::check(&host.server.0, offline, |done, of| assert!(done <= of)).await;
    report.unwrap().findings
}

/// Demands that there is one finding, and that it says all of this.
pub async fn finds(host: &Host, says: &[&str]) {
    let found = findings(host).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    for says in says {
        assert!(found[0].contains(says), "{} does not say {says}", found[0]);
    }
}

/// Changes something in the database of a host behind its back.
pub async fn suffers(host: &Host, statement: &str) {
    let database = sea_orm::Database::connect(&host.settings.database_url).await.unwrap();
    let done = database.execute_unprepared(statement).await.unwrap();
    assert!(done.rows_affected() > 0, "{statement}");
    database.close().await.unwrap();
}

/// The entries of a site, in the order of the chain.
pub async fn entries(host: &Host, slug: &str) -> Vec<audit_entry::Model> {
    let site = id(host, slug).await;
    let entries = audit_entry::Entity::find()
        .filter(audit_entry::Column::SiteId.eq(site))
        .order_by_asc(audit_entry::Column::Position);
    entries.all(host.server.0.reader()).await.unwrap()
}

async fn id(host: &Host, slug: &str) -> SiteId {
    let db = host.server.0.reader();
    champion_network::sites::ops::id_of(db, slug).await.unwrap()
}

/// Starts a project.
async fn starts(person: &Person<'_>, site: &str, title: &str) -> Value {
    let input = json!({ "site": site, "title": title, "summary": "Ours.", "visibility": "NETWORK" });
    let made = person.does("projectCreate", input, "project { id version }").await;
    made.record().clone()
}
