//! Who asks. A request is proved before a byte of its body is read, so that nobody without a key makes this host keep
//! anything.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header, request::Parts},
};
use entity::SiteId;
use futures_util::StreamExt;

use super::{
    Answer, Serving,
    peers::{Place, TurnedAway},
    refusal::Refusal,
};
use crate::federation::{
    directory,
    messages::{MAX_BODY_BYTES, PROTOCOL_HEADER},
    packing::unpack,
    protocol::directory::{Reader, Standing},
    transport,
    wire::{Origin, Status, VERSION},
};

/// A request of an active site, with its whole body.
#[derive(Debug)]
pub struct Call {
    /// What this host believes of the site.
    pub standing: Standing,
    /// The body.
    pub body: Bytes,
    _place: Place,
}

impl Call {
    /// The site that asks.
    pub fn site(&self) -> SiteId {
        SiteId(self.standing.origin.0)
    }

    /// What it may read. A token speaks for one site; a host with several asks for each.
    pub fn reader(&self) -> Reader {
        Reader {
            sites: vec![Origin(self.standing.origin.0)],
            is_hub: self.standing.national,
        }
    }
}

impl FromRequest<Serving> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, serving: &Serving) -> Answer<Self> {
        let (head, body) = request.into_parts();
        speaks_our_version(&head.headers)?;
        let app = &serving.app;
        let asked = transport::Request {
            host: serving.host().await?,
            method: head.method.as_str(),
            target: target(&head),
        };
        let now = app.clock.now();
        let token = transport::read(bearer(&head.headers)?, &asked, now)?;
        let standing = directory::standing(app.reader(), token.site()).await?;
        let standing = standing.ok_or_else(|| Refusal::unproved("The site of the token is not known here."))?;
        token.is_signed_by(&standing)?;
        if standing.status != Status::Active {
            let message = "The directory does not count this site as active.";
            return Err(Refusal::forbidden("NOT_ACTIVE", message));
        }
        let place = serving.peers.admit(token.site(), token.id(), token.until(), now);
        let place = place.map_err(|turned_away| match turned_away {
            TurnedAway::Replayed => Refusal::unproved("The token was used before."),
            TurnedAway::TooMany(seconds) => Refusal::too_many(seconds),
        })?;
        let patience = Duration::from_secs(app.settings.http.body_seconds);
        let body = tokio::time::timeout(patience, whole(&head.headers, body)).await;
        let body = body.map_err(|_| Refusal::too_slow())??;
        token.is_for(&body)?;
        Ok(Self {
            standing,
            body: unpacked(&head.headers, body)?,
            _place: place,
        })
    }
}

fn speaks_our_version(headers: &HeaderMap) -> Answer<()> {
    let version = headers.get(PROTOCOL_HEADER).and_then(|version| version.to_str().ok());
    if version.and_then(|version| version.parse().ok()) == Some(VERSION) {
        Ok(())
    } else {
        Err(Refusal::other_protocol())
    }
}

fn target(head: &Parts) -> &str {
    head.uri.path_and_query().map_or("/", |target| target.as_str())
}

fn bearer(headers: &HeaderMap) -> Answer<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let token = values
        .next()
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match (token, values.next()) {
        (Some(token), None) => Ok(token),
        _ => Err(Refusal::unproved(
            "Send one Authorization header: the word Bearer, a space and a token.",
        )),
    }
}

/// The body as it was before it was packed.
fn unpacked(headers: &HeaderMap, body: Bytes) -> Answer<Bytes> {
    match headers
        .get(header::CONTENT_ENCODING)
        .map(|encoding| encoding.as_bytes())
    {
        None | Some(b"identity") => Ok(body),
        Some(b"gzip") => {
            let unpacked = unpack(&body, MAX_BODY_BYTES);
            let why = "The body is no gzip, or longer than this host accepts.";
            unpacked.map(Into::into).ok_or_else(|| Refusal::garbage(why))
        }
        Some(_) => Err(Refusal::unknown_encoding()),
    }
}

async fn whole(headers: &HeaderMap, body: Body) -> Answer<Bytes> {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(Refusal::too_long());
    }
    let mut collected = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::garbage("The body ended early."))?;
        if collected.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Refusal::too_long());
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.into())
}
