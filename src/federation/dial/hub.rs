//! One request to the hub.
//!
//! Encrypted, no redirect, no proxy, a time limit and a limit on what is read. What this host learns of the hub (whom
//! tokens are made out to, and its time) it asks once and again when a token is refused.

use std::{sync::Arc, time::Duration};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use entity::SiteId;
use reqwest::{
    Client, Method, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
};
use sea_orm::prelude::Uuid;
use serde::de::DeserializeOwned;
use tokio::{
    sync::{Mutex, Semaphore},
    time::Instant,
};
use tracing::Instrument;
use url::Url;

use crate::{
    app::App,
    error::Error,
    federation::{
        host,
        keys::{self, SiteKey},
        messages::{
            CHECKPOINT_HEADER, HELD, Hello, MAX_BODY_BYTES, MAX_WAIT_SECONDS, PROTOCOL_HEADER, Refused, Witness,
        },
        packing::{WORTH_PACKING, pack},
        transport,
        wire::{Checkpoint, VERSION},
    },
};

/// How long a request may take, and how long beyond the wait that it asks for.
const PATIENCE: Duration = Duration::from_secs(30);
const CONNECTING: Duration = Duration::from_secs(10);

/// Requests at the same moment, those that wait for changes left out.
const AT_ONCE: usize = 8;

/// Most pages of a testimony.
const MOST_PAGES: usize = 1_000;

/// How long what the hub said of itself counts.
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// After the hub did not answer who it is, nobody asks it again for so long.
const PAUSE: Duration = Duration::from_secs(2);

/// The hub as this host calls it.
#[derive(Debug)]
pub(super) struct Hub {
    app: Arc<App>,
    base: Url,
    client: Option<Client>,
    known: Mutex<Known>,
    turns: Semaphore,
}

#[derive(Debug, Default)]
struct Known {
    hub: Option<(Uuid, TimeDelta, Instant)>,
    failed_at: Option<Instant>,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    /// The site in whose name it is made.
    pub site: SiteId,
    /// Path and query.
    pub target: &'a str,
    /// What is posted; nothing is asked for by GET.
    pub body: Option<&'a [u8]>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Told {
    pub status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Why there is no answer that helps. Holds nothing of a payload.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// No answer.
    #[error("the hub cannot be reached: {0}")]
    Unreachable(String),
    /// Not an answer of this protocol.
    #[error("the hub's answer makes no sense: {0}")]
    Garbage(&'static str),
    /// An answer that refuses.
    #[error("the hub refuses with {status}{}", .code.as_ref().map(|code| format!(" {code}")).unwrap_or_default())]
    Refused {
        /// The status.
        status: u16,
        /// The code in its body.
        code: Option<String>,
        /// When to ask again.
        after: Option<Duration>,
    },
    /// The site or its key is not there.
    #[error("the site has no key to sign with")]
    NoKey,
    /// Something here.
    #[error(transparent)]
    Here(#[from] Error),
}

impl Trouble {
    /// Whether the hub does not listen to the site that asked: another site of the same host may fare better.
    pub fn is_about_the_site(&self) -> bool {
        match self {
            Self::NoKey | Self::Refused { status: 401, .. } => true,
            Self::Refused { status: 403, code, .. } => code.as_deref() == Some("NOT_ACTIVE"),
            _ => false,
        }
    }

    /// Whether the hub does not know who asks.
    pub fn is_unproved(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. })
    }

    /// Whether the hub does not publish yet what was asked for.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Refused { status: 503, code: Some(code), .. } if code == HELD)
    }

    /// Whether the same again would be refused again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused { status: 400..=499, .. })
            && !self.is_about_the_site()
            && !matches!(self, Self::Refused { status: 408 | 429, .. })
    }

    /// How long the hub wants to be left alone.
    pub fn pause(&self) -> Duration {
        match self {
            Self::Refused { after: Some(after), .. } => *after,
            _ => Duration::ZERO,
        }
    }
}

impl Hub {
    pub fn at(base: Url, app: Arc<App>) -> Self {
        Self {
            client: client(base.scheme() == "https"),
            base,
            app,
            known: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// Asks in turn with all others.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Told, Trouble> {
        let _turn = self.turns.acquire().await;
        self.send(ask, PATIENCE).await
    }

    /// Asks and waits for something to happen.
    pub async fn wait(&self, ask: &Ask<'_>) -> Result<Told, Trouble> {
        self.send(ask, PATIENCE + Duration::from_secs(MAX_WAIT_SECONDS)).await
    }

    /// Asks with a certain key.
    pub async fn ask_with(&self, ask: &Ask<'_>, key: &SiteKey) -> Result<Told, Trouble> {
        self.send_with(ask, key, PATIENCE).await
    }

    async fn send(&self, ask: &Ask<'_>, patience: Duration) -> Result<Told, Trouble> {
        let key = keys::current(self.app.reader(), ask.site).await?;
        self.send_with(ask, &key.ok_or(Trouble::NoKey)?, patience).await
    }

    async fn send_with(&self, ask: &Ask<'_>, key: &SiteKey, patience: Duration) -> Result<Told, Trouble> {
        let (id, ahead) = self.known().await?;
        let method = if ask.body.is_some() { Method::POST } else { Method::GET };
        let request = transport::Request {
            host: id,
            method: method.as_str(),
            target: ask.target,
        };
        let plain = ask.body.unwrap_or_default();
        let packed = (plain.len() >= WORTH_PACKING)
            .then(|| pack(plain).map_err(Error::internal))
            .transpose()?;
        let now = self.app.clock.now().checked_add_signed(ahead);
        let now = now.ok_or(Trouble::Garbage("a time that no clock shows"))?;
        let body = packed.as_deref().unwrap_or(plain);
        let token = transport::sign(key, ask.site, &request, body, now, self.app.ids.unordered())?;
        let span = tracing::info_span!("ask_hub", %method);
        let mut request = self.client()?.request(method, self.address(ask.target)?);
        request = request
            .bearer_auth(token)
            .header(PROTOCOL_HEADER, VERSION)
            .timeout(patience);
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body.to_vec());
        }
        if packed.is_some() {
            request = request.header("content-encoding", "gzip");
        }
        let told = async { read(request.send().await.map_err(unreachable)?).await };
        let told = told.instrument(span).await?;
        if told.status == StatusCode::UNAUTHORIZED {
            // The hub may be another than before, or its clock.
            self.known.lock().await.hub = None;
        }
        Ok(told)
    }

    /// The hub's id, and how far its clock is ahead. Whoever comes while somebody asks waits for the answer.
    async fn known(&self) -> Result<(Uuid, TimeDelta), Trouble> {
        let mut known = self.known.lock().await;
        if let Some((id, ahead, at)) = known.hub
            && at.elapsed() < KNOWN_FOR
        {
            return Ok((id, ahead));
        }
        if known.failed_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(Trouble::Unreachable("it did not answer just now".to_owned()));
        }
        match self.hello().await {
            Ok(hello) => {
                let ahead = hello.at.signed_duration_since(self.app.clock.now());
                known.hub = Some((hello.host, ahead, Instant::now()));
                known.failed_at = None;
                Ok((hello.host, ahead))
            }
            Err(trouble) => {
                known.failed_at = Some(Instant::now());
                Err(trouble)
            }
        }
    }

    /// What the hub remembers of a site of this host.
    pub async fn witness(&self, site: SiteId) -> Result<Witness, Trouble> {
        let key = keys::current(self.app.reader(), site).await?;
        self.witness_with(site, &key.ok_or(Trouble::NoKey)?).await
    }

    /// The same, asked with a certain key.
    pub async fn witness_with(&self, site: SiteId, key: &SiteKey) -> Result<Witness, Trouble> {
        let mut whole = self.witness_behind(site, key, None).await?;
        for _ in 0..MOST_PAGES {
            let Some(after) = whole.next.take() else {
                return Ok(whole);
            };
            let page = self.witness_behind(site, key, Some(after)).await?;
            whole.erased.extend(page.erased);
            whole.next = page.next;
        }
        Err(Trouble::Garbage("a testimony without end"))
    }

    async fn witness_behind(&self, site: SiteId, key: &SiteKey, after: Option<Uuid>) -> Result<Witness, Trouble> {
        let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
        let ask = Ask {
            site,
            target: &format!("/fed/v1/witness/{}{after}", site.0),
            body: None,
        };
        let _turn = self.turns.acquire().await;
        let told: Witness = self.send_with(&ask, key, PATIENCE).await?.expect(StatusCode::OK)?;
        if told.origin.0 == site.0 {
            Ok(told)
        } else {
            Err(Trouble::Garbage("a testimony of another site"))
        }
    }

    /// What the hub says of itself.
    pub async fn hello(&self) -> Result<Hello, Trouble> {
        let request = self.client()?.get(self.address("/fed/v1/hello")?);
        let told = read(request.timeout(PATIENCE).send().await.map_err(unreachable)?).await?;
        let hello: Hello = told.expect(StatusCode::OK)?;
        if hello.host == host::id(&self.app).await? {
            return Err(Trouble::Garbage("hub_url leads to this host itself"));
        }
        if !hello.hub {
            return Err(Trouble::Garbage("it keeps no national site"));
        }
        if !(hello.protocol.min..=hello.protocol.max).contains(&VERSION) {
            return Err(Trouble::Garbage("it speaks other versions of the protocol"));
        }
        Ok(hello)
    }

    fn client(&self) -> Result<&Client, Trouble> {
        self.client
            .as_ref()
            .ok_or(Trouble::Garbage("this machine cannot make a client"))
    }

    fn address(&self, target: &str) -> Result<Url, Trouble> {
        let address = format!("{}{target}", self.base.as_str().trim_end_matches('/'));
        Url::parse(&address).map_err(|_| Trouble::Garbage("its address cannot be put together"))
    }
}

impl Told {
    /// The body of an answer with this status.
    pub fn expect<T: DeserializeOwned>(&self, status: StatusCode) -> Result<T, Trouble> {
        if self.status != status {
            return Err(self.refused());
        }
        self.json()
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body).map_err(|_| Trouble::Garbage("not the JSON that belongs there"))
    }

    /// Itself, unless the hub did not listen to the site that asked.
    pub fn unless_turned_away(self) -> Result<Self, Trouble> {
        let refused = self.refused();
        if refused.is_about_the_site() {
            Err(refused)
        } else {
            Ok(self)
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The origin's word of a 204.
    pub fn checkpoint(&self) -> Result<Checkpoint, Trouble> {
        let text = self
            .headers
            .get(CHECKPOINT_HEADER)
            .and_then(|value| value.to_str().ok());
        let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or(Trouble::Garbage("a 204 without checkpoint"))
    }

    pub fn refused(&self) -> Trouble {
        let code = serde_json::from_slice::<Refused>(&self.body)
            .ok()
            .map(|refused| refused.code);
        let seconds = self
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        Trouble::Refused {
            status: self.status.as_u16(),
            // It goes into the log: a word, and not just anything.
            code: code
                .filter(|code| code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')),
            after: seconds.map(|seconds: u64| Duration::from_secs(seconds.min(300))),
        }
    }
}

async fn read(mut response: reqwest::Response) -> Result<Told, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Trouble::Garbage("it is longer than this host accepts"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Told {
        status: response.status(),
        headers: response.headers().clone(),
        body,
    })
}

/// What went wrong on the way, without the address.
fn unreachable(error: reqwest::Error) -> Trouble {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    Trouble::Unreachable(cause.unwrap_or_else(|| error.to_string()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one client of the federation: no proxy, no redirect, encrypted outside development"
)]
fn client(encrypted: bool) -> Option<Client> {
    let builder = || {
        Client::builder()
            .user_agent(concat!("champion-network/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECTING)
            .https_only(encrypted)
            .redirect(redirect::Policy::none())
            .no_proxy()
    };
    let client = builder().build().or_else(|error| {
        tracing::warn!(%error, "no root certificates were found: no hub can be called over https");
        builder().tls_certs_only([]).build()
    });
    client.ok()
}
