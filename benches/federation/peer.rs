//! A site as the hub sees it: it signs, appends, waits for changes and reads feeds, with no host behind it. So a thousand of
//! them fit into one process. Requests go through the hub's routes, tokens included, but not through sockets.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Request, StatusCode},
};
use champion_network::{
    app::App,
    federation::{
        keys::SiteKey,
        messages::Changes,
        transport,
        wire::{Audience, Batch, Head, Origin},
    },
};
use entity::SiteId;
use sea_orm::prelude::Uuid;
use tower::ServiceExt;

/// What the peers have asked the hub for, together.
#[derive(Debug, Default)]
pub struct Counted {
    /// Questions for changes.
    pub polls: AtomicU64,
    /// Feeds that were read.
    pub reads: AtomicU64,
    /// Bytes of the bodies of the hub's answers.
    pub bytes: AtomicU64,
}

/// The hub as peers call it.
pub struct Hub {
    /// The application behind it.
    pub app: Arc<App>,
    /// Its id.
    pub id: Uuid,
    /// Its routes.
    pub routes: Router,
    /// What was asked.
    pub counted: Counted,
}

/// A site that calls the hub.
pub struct Peer {
    hub: Arc<Hub>,
    site: SiteId,
    key: Arc<SiteKey>,
    since: i64,
    /// Where it stands in the feeds that it has read.
    cursors: HashMap<Origin, (u64, Head)>,
}

impl Peer {
    /// A site that knows nothing yet.
    pub fn new(hub: &Arc<Hub>, site: SiteId, key: &Arc<SiteKey>) -> Self {
        Self {
            hub: Arc::clone(hub),
            site,
            key: Arc::clone(key),
            since: 0,
            cursors: HashMap::new(),
        }
    }

    /// Another site, which has read what this one has.
    pub fn beside(&self, site: SiteId, key: &Arc<SiteKey>) -> Self {
        Self {
            hub: Arc::clone(&self.hub),
            site,
            key: Arc::clone(key),
            since: self.since,
            cursors: self.cursors.clone(),
        }
    }

    /// How many feeds it has read.
    pub fn feeds(&self) -> usize {
        self.cursors.len()
    }

    async fn asks(&self, target: &str, posted: Option<Vec<u8>>) -> (StatusCode, Bytes) {
        let method = if posted.is_some() { "POST" } else { "GET" };
        let (hub, body) = (&self.hub, posted.unwrap_or_default());
        let request = transport::Request {
            host: hub.id,
            method,
            target,
        };
        let (now, id) = (hub.app.clock.now(), hub.app.ids.unordered());
        let token = transport::sign(&self.key, self.site, &request, &body, now, id).unwrap();
        let request = Request::builder().method(method).uri(target).header("cn-fed", "1");
        let request = request.header("authorization", format!("Bearer {token}"));
        let response = hub.routes.clone().oneshot(request.body(Body::from(body)).unwrap());
        let (head, body) = response.await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        hub.counted.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        (head.status, body)
    }

    /// Appends to its own feed.
    pub async fn appends(&self, batch: &Batch) {
        let target = format!("/fed/v1/feeds/{}/network/append", self.site.0);
        let (status, body) = self.asks(&target, Some(serde_json::to_vec(batch).unwrap())).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    }

    /// Waits until feeds advance and reads them. Tells whose, and how far it has read them.
    pub async fn hears(&mut self) -> Vec<(Origin, u64)> {
        let target = format!("/fed/v1/changes?since={}&wait=25", self.since);
        let (status, body) = self.asks(&target, None).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        self.hub.counted.polls.fetch_add(1, Ordering::Relaxed);
        let changes: Changes = serde_json::from_slice(&body).unwrap();
        self.since = changes.since;
        let mut heard = Vec::new();
        for advance in changes.feeds {
            let end = advance.checkpoint.to;
            while self.cursors.get(&advance.origin).is_none_or(|(pos, _)| *pos < end) {
                self.reads(advance.origin, advance.epoch.0).await;
            }
            heard.push((advance.origin, end));
        }
        heard
    }

    async fn reads(&mut self, origin: Origin, epoch: Uuid) {
        let mut target = format!("/fed/v1/feeds/{}/{}", origin.0, Audience::Network);
        if let Some((after, head)) = self.cursors.get(&origin) {
            target.push_str(&format!("?after={after}&epoch={epoch}&head={head}"));
        }
        let (status, body) = self.asks(&target, None).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        self.hub.counted.reads.fetch_add(1, Ordering::Relaxed);
        let batch = Batch::parse(&body).unwrap();
        let end = batch.sealed_by().unwrap();
        self.cursors.insert(origin, (end.to, end.head));
    }
}
