//! A hub and regions that have joined it as operators do, and what two of them hold of one feed.

use champion_network::{
    app::App,
    federation::wire::{Audience, Header, Operation},
    sites,
};
use entity::{SiteId, feed_cursor, feed_entry, feed_head, outbox, replica};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::*;
use crate::support::NATIONAL;

/// The file of the network's root, in the folder of the hub.
pub const ROOT: &str = "root.key";

/// A hub and regions that it has admitted; all of them run.
pub async fn network<const REGIONS: usize>(
    backend: Backend,
    regions: [&'static str; REGIONS],
) -> (Process, [Process; REGIONS]) {
    let hub = Process::new(backend, NATIONAL, None).await;
    hub.does(&[
        "site", "create", "--slug", NATIONAL, "--name", "National", "--kind", "national",
    ]);
    hub.does(&["root", "--file", ROOT]);
    hub.starts();
    let mut joined = Vec::new();
    for slug in regions {
        let region = Process::new(backend, slug, Some(hub.address)).await;
        joins(&region, &hub).await;
        region.starts();
        joined.push(region);
    }
    let Ok(joined) = joined.try_into() else {
        panic!("each region has joined")
    };
    (hub, joined)
}

/// Has a region join, and the national admin admit it.
pub async fn joins(region: &Process, hub: &Process) {
    let asked = region.does(&["site", "join", "--slug", region.site, "--name", region.site]);
    let input = serde_json::from_str(&asked).unwrap();
    hub.member("admin", "site_admin")
        .does("siteAdmit", input, "site { slug }")
        .await;
}

/// The id of a site.
pub async fn id(app: &App, slug: &str) -> SiteId {
    sites::ops::id_of(app.reader(), slug).await.unwrap()
}

/// What a host holds of the feed of a site for everybody, whether it wrote, relays or only read it.
pub struct Held {
    /// Where the feed ends.
    pub head: Option<feed_head::Model>,
    /// Its entries.
    pub entries: Vec<feed_entry::Model>,
    /// How far it was read.
    pub cursor: Option<feed_cursor::Model>,
    /// What it last said of each record, by record.
    pub records: Vec<replica::Model>,
}

impl Held {
    /// Looks into the database of a host, which may run or not.
    pub async fn by(host: &Process, slug: &str) -> Self {
        let server = host.inside().await;
        let (app, audience) = (&server.0, Audience::Network.to_string());
        let (db, site) = (app.reader(), id(app, slug).await);
        let of = |column: feed_entry::Column| feed_entry::Entity::find().filter(column.eq(site));
        let entries = of(feed_entry::Column::Origin)
            .filter(feed_entry::Column::Audience.eq(&audience))
            .order_by_asc(feed_entry::Column::Pos);
        let records = replica::Entity::find()
            .filter(replica::Column::Origin.eq(site))
            .order_by_asc(replica::Column::RecordId);
        let held = Self {
            head: feed_head::Entity::find_by_id((site, audience.clone()))
                .one(db)
                .await
                .unwrap(),
            entries: entries.all(db).await.unwrap(),
            cursor: feed_cursor::Entity::find_by_id((site, audience)).one(db).await.unwrap(),
            records: records.all(db).await.unwrap(),
        };
        app.database.close().await.unwrap();
        held
    }

    /// The records that the entries up to a position leave shared.
    pub fn shared_until(&self, pos: i64) -> Vec<sea_orm::prelude::Uuid> {
        let mut shared = std::collections::BTreeSet::new();
        for entry in self.entries.iter().filter(|entry| entry.pos <= pos) {
            match Header::parse(&entry.header).unwrap().op {
                Operation::Put => shared.insert(entry.record_id),
                _ => shared.remove(&entry.record_id),
            };
        }
        shared.into_iter().collect()
    }

    /// The records that are shown here.
    pub fn shown(&self) -> Vec<sea_orm::prelude::Uuid> {
        let shown = self.records.iter().filter(|record| record.operation == "put");
        shown.map(|record| record.record_id).collect()
    }

    /// Nothing is half here: entries without a gap up to the head, and exactly the records that those say which were read.
    pub fn is_whole(&self) {
        let end = self.head.as_ref().map_or(0, |head| head.pos);
        let positions: Vec<_> = self.entries.iter().map(|entry| entry.pos).collect();
        assert_eq!(positions, (1..=end).collect::<Vec<_>>());
        let read = self.cursor.as_ref().map_or(0, |cursor| cursor.pos);
        assert!(read <= end, "{read} of {end} entries were read");
        assert_eq!(self.shown(), self.shared_until(read));
    }
}

/// Waits until a host has read all that the host of a site has written for everybody.
pub async fn in_step(reader: &Process, writer: &Process) {
    let (from, to) = (writer.inside().await, reader.inside().await);
    let audience = Audience::Network.to_string();
    let site = id(&from.0, writer.site).await;
    until(&format!("{} is read at {}", writer.site, reader.site), async || {
        let waits = outbox::Entity::find().one(from.0.reader()).await.unwrap();
        let key = (site, audience.clone());
        let written = feed_head::Entity::find_by_id(key.clone())
            .one(from.0.reader())
            .await
            .unwrap()?;
        let read = feed_cursor::Entity::find_by_id(key).one(to.0.reader()).await.unwrap()?;
        let all = (read.epoch, read.pos, read.head) == (Some(written.epoch), written.pos, written.head);
        (all && waits.is_none() && read.state == "LIVE").then_some(())
    })
    .await;
    for server in [from, to] {
        server.0.database.close().await.unwrap();
    }
}

/// Waits until all hosts have read all others by way of the hub.
pub async fn take_in(hosts: &[&Process]) {
    for writer in hosts {
        for reader in hosts.iter().filter(|reader| reader.site != writer.site) {
            in_step(reader, writer).await;
        }
    }
}

/// Where the feed of a site for everybody ends at a host.
pub async fn end(app: &App, site: SiteId) -> i64 {
    let head = feed_head::Entity::find_by_id((site, Audience::Network.to_string()));
    head.one(app.reader()).await.unwrap().map_or(0, |head| head.pos)
}
