//! The routes for other hosts (`docs/federation.md`, section 4).
//!
//! | where | what |
//! |---|---|
//! | `call` | who asks: a token for exactly this request, checked before a byte of the body is read |
//! | `peers` | which tokens were used, and how many requests a site has open |
//! | `feeds` | reading feeds, and appending to them |
//! | `changes` | what a host says of itself, and which feeds advanced |
//! | `audit` | what sites have signed of their audits |
//! | `receipts` | witness, acknowledgements and reports |
//! | `refusal` | the answers to what is not served |
//!
//! Every POST may be repeated. Whatever comes, the answer is one of these; nothing that a peer sends makes a handler panic,
//! and what one peer does costs the others nothing.

mod audit;
mod call;
mod changes;
mod feeds;
mod peers;
mod receipts;
mod refusal;

use std::sync::Arc;

use axum::{
    Router,
    extract::{
        Path, Query,
        rejection::{PathRejection, QueryRejection},
    },
    routing::{get, post},
};
use entity::SiteId;
use sea_orm::prelude::Uuid;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use tower_http::compression::CompressionLayer;

use self::{peers::Peers, refusal::Refusal};
use super::{host, wire::Audience};
use crate::{app::App, error::Result};

/// What the handlers share.
#[derive(Clone)]
struct Serving {
    app: Arc<App>,
    peers: Arc<Peers>,
    /// The id of this host, once somebody has asked.
    id: Arc<OnceCell<Uuid>>,
}

impl Serving {
    /// The id of this host. It never changes, so the database is asked once.
    async fn host(&self) -> Result<Uuid> {
        self.id.get_or_try_init(|| host::id(&self.app)).await.copied()
    }
}

/// What a handler answers.
type Answer<T> = std::result::Result<T, Refusal>;

/// The routes.
pub fn routes(app: Arc<App>) -> Router {
    let serving = Serving {
        app,
        peers: Arc::default(),
        id: Arc::default(),
    };
    Router::new()
        .route("/fed/v1/hello", get(changes::hello))
        .route("/fed/v1/changes", get(changes::changes))
        .route("/fed/v1/feeds/{origin}/{audience}", get(feeds::read))
        .route("/fed/v1/feeds/{origin}/{audience}/append", post(feeds::append))
        .route("/fed/v1/witness/{origin}", get(receipts::witness_of))
        .route("/fed/v1/ack", post(receipts::ack))
        .route("/fed/v1/reports", post(receipts::report))
        .route("/fed/v1/audit", get(audit::held).post(audit::keep))
        .route("/fed/v1/keys/rotate", post(receipts::rotate))
        .with_state(serving)
        .layer(CompressionLayer::new())
}

/// The feed that an address names.
fn feed(path: std::result::Result<Path<(String, String)>, PathRejection>) -> Answer<(SiteId, Audience)> {
    let Ok(Path((origin, audience))) = path else {
        return Err(Refusal::garbage("The address names no feed."));
    };
    let audience = audience
        .parse()
        .map_err(|why| Refusal::garbage(format!("In the address, {why}.")))?;
    Ok((site(&origin)?, audience))
}

fn site(text: &str) -> Answer<SiteId> {
    let site = text.parse().map(SiteId);
    site.map_err(|_| Refusal::garbage("The address does not name a site by its id."))
}

fn query<T>(query: std::result::Result<Query<T>, QueryRejection>) -> Answer<T> {
    let read = query.map(|Query(query)| query);
    read.map_err(|_| Refusal::garbage("The query has an unknown parameter, or one of the wrong type."))
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Answer<T> {
    serde_json::from_slice(body).map_err(|_| Refusal::garbage("The body is not the JSON that belongs here."))
}
