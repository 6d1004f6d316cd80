//! Hosts among each other: tokens, feeds that are appended and relayed, changes, audits that are vouched for, and calling the hub
//! over real sockets.

mod audit;
mod background;
mod dialling;
mod feeds;
mod hostile;
mod receipts;
mod tokens;

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{Request, Response},
};
use champion_network::{
    app::App,
    federation::{
        host,
        keys::{self, SiteKey},
        protocol::publisher::{self, Draft, Emitted, Feed, Shared, Written},
        sequencer, transport,
        wire::{Audience, Batch, Epoch, Head, Origin, Previous, Salt, first_head},
    },
    sites,
};
use entity::SiteId;
use sea_orm::{EntityTrait, prelude::Uuid};

use crate::support::{Backend, Host, NATIONAL, Network, Value, json, until};

/// A hub that waits only a second for a body, and two regions that know it and have told it nothing.
async fn network(backend: Backend) -> Network {
    Network::joined(backend, |settings| settings.http.body_seconds = 1, |_| {}).await
}

/// Writes each test of such a network twice, once on each database.
macro_rules! in_a_network {
    (async fn $name:ident($network:ident) $body:block) => {
        $crate::support::on_each_database! {
            async fn $name(backend) {
                let $network = &network(backend).await;
                $body
            }
        }
    };
}
use in_a_network;

fn app(host: &Host) -> &Arc<App> {
    &host.server.0
}

/// The id of a site, by the slug that every host knows.
async fn id(app: &App, slug: &str) -> SiteId {
    sites::ops::id_of(app.reader(), slug).await.unwrap()
}

/// A site as it calls other hosts.
pub struct Peer<'a> {
    /// Its own host.
    pub app: &'a App,
    /// Its id.
    pub site: SiteId,
    /// What it signs with.
    pub key: SiteKey,
}

impl<'a> Peer<'a> {
    async fn of(host: &'a Host, slug: &str) -> Self {
        Self::at(app(host), slug).await
    }

    /// A site of a host whose database is open here.
    pub async fn at(app: &'a App, slug: &str) -> Self {
        let site = id(app, slug).await;
        let key = keys::current(app.reader(), site).await.unwrap().unwrap();
        Self { app, site, key }
    }

    /// A request as the site would send it.
    async fn request(&self, to: &Host, method: &str, target: &str, body: &[u8]) -> Request<Body> {
        let request = transport::Request {
            host: host::id(app(to)).await.unwrap(),
            method,
            target,
        };
        let token = self.app.ids.unordered();
        let token = transport::sign(&self.key, self.site, &request, body, to.now(), token).unwrap();
        let request = Request::builder().method(method).uri(target).header("cn-fed", "1");
        let request = request.header("authorization", format!("Bearer {token}"));
        request.body(Body::from(body.to_vec())).unwrap()
    }

    async fn gets(&self, from: &Host, target: &str) -> Response<Bytes> {
        from.send(self.request(from, "GET", target, b"").await).await
    }

    async fn posts(&self, to: &Host, target: &str, body: &[u8]) -> Response<Bytes> {
        to.send(self.request(to, "POST", target, body).await).await
    }

    /// Appends a batch at the hub.
    pub async fn appends(&self, to: &Host, batch: &Batch) -> Response<Bytes> {
        let body = serde_json::to_vec(batch).unwrap();
        self.posts(to, &address_of(batch), &body).await
    }
}

/// Where a batch is appended.
pub fn address_of(batch: &Batch) -> String {
    format!("/fed/v1/feeds/{}/{}/append", batch.origin.0, batch.audience)
}

fn json_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// Status and code of a refusal.
fn refusal(response: &Response<Bytes>) -> (u16, String) {
    let body = json_of(response);
    assert!(body["message"].is_string(), "{body}");
    (response.status().as_u16(), body["code"].as_str().unwrap().to_owned())
}

/// A feed that a test writes by hand, with the key of its site.
#[derive(Clone)]
pub struct Story<'a> {
    peer: &'a Peer<'a>,
    /// Where it ends.
    pub feed: Feed,
    written: Vec<Written>,
}

impl<'a> Story<'a> {
    /// Opens the feed.
    pub fn begins(peer: &'a Peer<'a>, audience: Audience, previous: Option<Previous>) -> Self {
        let now = peer.app.clock.now();
        let (origin, epoch) = (Origin(peer.site.0), Epoch(peer.app.ids.ordered(now)));
        let opened = publisher::open(origin, audience, epoch, previous, Salt([7; 16]), now);
        Self {
            peer,
            feed: opened.feed,
            written: opened.entries,
        }
    }

    /// Goes on with a record, which then shows this text.
    pub fn tells(&mut self, record: Uuid, text: &str) {
        self.says(record, Shared::As(json!({ "title": text }).to_string()));
    }

    /// The same with what it shows of the record in full.
    pub fn says(&mut self, record: Uuid, shared: Shared) {
        self.says_in("project@1", record, shared);
    }

    /// The same in another schema.
    pub fn says_in(&mut self, schema: &str, record: Uuid, shared: Shared) {
        self.says_of(("project", schema), record, shared);
    }

    /// The same of another type.
    pub fn says_of(&mut self, (kind, schema): (&str, &str), record: Uuid, shared: Shared) {
        let last = self.written.iter().rev().find(|written| written.gid == record);
        let last = last.map(|written| written.emitted);
        let draft = Draft {
            gid: record,
            kind: kind.to_owned(),
            schema: schema.to_owned(),
            parent: None,
            shared,
        };
        let (now, rules) = (self.peer.app.clock.now(), Default::default());
        let salt = || Salt(self.peer.app.ids.bytes());
        let appended = publisher::append(&self.feed, &[draft], |_| last, |_| false, salt, now, rules);
        self.feed = appended.feed;
        self.written.extend(appended.entries);
    }

    /// Goes on with erasures of records, whether the feed ever told of them or not.
    pub fn erases(&mut self, records: impl IntoIterator<Item = Uuid>) {
        let drafts = records.into_iter().map(|record| Draft {
            gid: record,
            kind: "project".to_owned(),
            schema: "project@1".to_owned(),
            parent: None,
            shared: Shared::Erased,
        });
        let (drafts, now) = (drafts.collect::<Vec<_>>(), self.peer.app.clock.now());
        let (salt, rules) = (|| Salt([7; 16]), Default::default());
        let appended = publisher::append(
            &self.feed,
            &drafts,
            |_| Some(Emitted::BEFORE),
            |_| true,
            salt,
            now,
            rules,
        );
        self.feed = appended.feed;
        self.written.extend(appended.entries);
    }

    fn head(&self, pos: u64) -> Head {
        let written = self.written.iter().find(|written| written.pos == pos);
        let first = || first_head(self.feed.origin, self.feed.audience, self.feed.epoch);
        written.map_or_else(first, |written| written.head)
    }

    /// The entries of these positions, sealed where they end.
    pub fn batch(&self, from: u64, to: u64) -> Batch {
        let of = (self.feed.origin, self.feed.audience, self.feed.epoch);
        let sign = |pos| {
            self.peer
                .key
                .checkpoint(of, (pos, self.head(pos)), self.peer.app.clock.now())
                .unwrap()
        };
        let range = self.written.iter().filter(|written| (from..=to).contains(&written.pos));
        Batch {
            origin: self.feed.origin,
            audience: self.feed.audience,
            epoch: self.feed.epoch,
            from,
            to,
            prev: self.head(from - 1),
            entries: range.map(|written| written.entry.clone()).collect(),
            checkpoint: sign(self.feed.pos),
            seal: (to < self.feed.pos).then(|| sign(to)),
        }
    }

    /// All of it.
    pub fn whole(&self) -> Batch {
        self.batch(1, self.feed.pos)
    }

    fn ended(&self) -> Previous {
        self.feed.ended()
    }
}
