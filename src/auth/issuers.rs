//! The key sets that issuers publish: fetched from their JWKS URL, cached, refreshed.
//!
//! This is the only place in `auth` that reaches the network, and somebody else chose the URL. So: encrypted, no
//! redirect, no private address, a timeout, a size limit. A failing issuer costs its people nothing while an earlier
//! key set is at hand, and costs this host one attempt per pause.
//!
//! - A set older than `max_age` is fetched again before it is used, so that a removed key stops counting. A set in use
//!   is fetched again a little earlier, while the old one still serves.
//! - A `kid` that the set lacks fetches it again at once, so that a new key counts, but at most once per
//!   `min_refresh` unless the `kid` was found: made-up names cannot make this host hammer an issuer.
//! - Callers that need the same set at the same time share one fetch. It runs on its own, so that a caller who hangs
//!   up does not end it for the others.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::{DateTime, Utc};
use quick_cache::sync::Cache;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, StatusCode, redirect};
use url::{Host, Url};

use super::addresses::is_public;
use super::jwk::{JwkSet, MAX_JWK_SET_BYTES, parse_jwk_set};

const CACHED_URLS: usize = 1_000;
const MAX_URL_BYTES: usize = 2_048;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const UNREACHABLE: &str = "The key set of the issuer cannot be reached.";
const LOCALHOST: &str = "localhost";

/// How key sets are fetched and how long they serve.
#[derive(Clone, Copy, Debug)]
pub struct KeyPolicy {
    /// Whether `localhost` and loopback addresses may be fetched from, also without encryption. For development.
    pub allow_loopback: bool,
    /// How long a fetch may take from the first look-up of the name to the last byte.
    pub timeout: Duration,
    /// The longest answer that is read.
    pub max_bytes: usize,
    /// How old a key set may be before it is fetched again.
    pub max_age: Duration,
    /// The shortest time between two fetches for the sake of unknown `kid`s.
    pub min_refresh: Duration,
}

impl Default for KeyPolicy {
    fn default() -> Self {
        Self {
            allow_loopback: false,
            timeout: Duration::from_secs(5),
            max_bytes: MAX_JWK_SET_BYTES,
            max_age: Duration::from_secs(25),
            min_refresh: Duration::from_secs(60),
        }
    }
}

/// Reads the JWKS URL of an issuer as an administrator registers it. The error is a sentence for that person.
pub fn parse_jwks_url(text: &str, allow_loopback: bool) -> Result<Url, &'static str> {
    if text.len() > MAX_URL_BYTES {
        return Err("The JWKS URL is longer than 2,048 characters.");
    }
    let url = Url::parse(text).map_err(|_| "The JWKS URL is not a URL.")?;
    check_url(&url, allow_loopback)?;
    Ok(url)
}

fn check_url(url: &Url, allow_loopback: bool) -> Result<(), &'static str> {
    let (loopback, public) = match url.host() {
        None => return Err("The JWKS URL names no host."),
        // Where a name leads is seen when it is resolved.
        Some(Host::Domain(name)) => (name == LOCALHOST, name != LOCALHOST),
        Some(Host::Ipv4(address)) => (address.is_loopback(), is_public(address.into())),
        Some(Host::Ipv6(address)) => (address.is_loopback(), is_public(address.into())),
    };
    let loopback = loopback && allow_loopback;
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err("The JWKS URL does not start with https.");
    }
    if !public && !loopback {
        return Err("The JWKS URL leads to an address that is not public.");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("The JWKS URL has a user name, a password or a fragment.");
    }
    Ok(())
}

/// Resolves names and drops every address that may not be reached. The connection is made to what this returns, so a
/// name that answers differently the second time gains nothing.
struct GuardedResolver {
    allow_loopback: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_loopback = self.allow_loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let reachable = reachable(name.as_str(), found, allow_loopback);
            if reachable.is_empty() {
                return Err("no public address".into());
            }
            Ok(Box::new(reachable.into_iter()) as Addrs)
        })
    }
}

fn reachable(name: &str, found: impl Iterator<Item = SocketAddr>, allow_loopback: bool) -> Vec<SocketAddr> {
    let allowed = |address: &SocketAddr| match name {
        LOCALHOST => allow_loopback && address.ip().is_loopback(),
        _ => is_public(address.ip()),
    };
    found.filter(allowed).collect()
}

/// The key sets of all issuers that publish theirs. Clones share one cache.
#[derive(Clone)]
pub struct KeySets(Arc<Shared>);

struct Shared {
    policy: KeyPolicy,
    client: Option<Client>,
    slots: Cache<Url, Arc<Slot>>,
}

impl std::fmt::Debug for KeySets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySets")
    }
}

impl KeySets {
    /// An empty cache. Nothing is fetched until a token asks for it.
    pub fn new(policy: KeyPolicy) -> Self {
        Self(Arc::new(Shared {
            policy,
            client: client(policy),
            slots: Cache::new(CACHED_URLS),
        }))
    }

    /// The key set at a URL: cached, or fetched when it is due or lacks the `kid`. May still lack the `kid`.
    ///
    /// The error is a sentence that tells why there is no key set, not even an old one.
    pub async fn lookup(&self, url: &Url, kid: Option<&str>, now: DateTime<Utc>) -> Result<Arc<JwkSet>, &'static str> {
        let Ok(slot) = self
            .0
            .slots
            .get_or_insert_with::<_, Infallible>(url, || Ok(Arc::<Slot>::default()));
        let (serve, fetch) = slot
            .state()
            .plan(kid, &self.0.policy, slot.flight.try_lock().is_err(), now);
        if let Some(reason) = fetch {
            let order = Order {
                url: url.clone(),
                kid: kid.map(str::to_owned),
                reason,
                now,
            };
            let flight = tokio::spawn(self.0.clone().refresh(slot.clone(), order));
            if serve.is_none() {
                // A fetch that did not end, because the host is stopping, is told below as a failed one.
                let _ended = flight.await;
            }
        }
        let state = slot.state();
        serve
            .or_else(|| state.good.as_ref().map(|good| good.set.clone()))
            .ok_or(state.trouble.unwrap_or(UNREACHABLE))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one client of auth: no proxy, no redirect, no private address"
)]
fn client(policy: KeyPolicy) -> Option<Client> {
    let guarded = || {
        Client::builder()
            .user_agent(concat!("champion-network/", env!("CARGO_PKG_VERSION")))
            .timeout(policy.timeout)
            .https_only(!policy.allow_loopback)
            .redirect(redirect::Policy::none())
            // A proxy would resolve names itself, past the guard.
            .no_proxy()
            .no_gzip()
            .dns_resolver(GuardedResolver {
                allow_loopback: policy.allow_loopback,
            })
    };
    // A machine without root certificates can still serve issuers whose keys are registered inline.
    let client = guarded().build().or_else(|error| {
        tracing::warn!(%error, "no root certificates were found: no key set can be fetched over https");
        guarded().tls_certs_only([]).build()
    });
    client.ok()
}

/// One fetch to make.
struct Order {
    url: Url,
    kid: Option<String>,
    reason: Reason,
    now: DateTime<Utc>,
}

/// Why a fetch is made, and how many had ended when that was decided: one that ended since has already served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reason {
    Due { ended: u64 },
    UnknownKid { ended: u64 },
}

impl Shared {
    async fn refresh(self: Arc<Self>, slot: Arc<Slot>, order: Order) {
        let _flight = slot.flight.lock().await;
        if !slot.state().begin(&order, &self.policy) {
            return;
        }
        let outcome = self.fetch(&order.url).await;
        if let Err(why) = outcome {
            tracing::warn!(url = %order.url, why, "the key set of an issuer was not refreshed");
        }
        slot.state().end(&order, outcome);
    }

    async fn fetch(&self, url: &Url) -> Result<JwkSet, &'static str> {
        check_url(url, self.policy.allow_loopback)?;
        let request = self.client.as_ref().ok_or(UNREACHABLE)?.get(url.clone());
        let mut response = request
            .header("accept", "application/jwk-set+json, application/json")
            .send()
            .await
            .map_err(told)?;
        if response.status() != StatusCode::OK {
            return Err("The server of the key set did not answer with status 200.");
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(told)? {
            if body.len() + chunk.len() > self.policy.max_bytes {
                return Err("The key set is longer than this host accepts.");
            }
            body.extend_from_slice(&chunk);
        }
        parse_jwk_set(std::str::from_utf8(&body).map_err(|_| "The key set is not UTF-8.")?)
    }
}

fn told(error: reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "The key set of the issuer did not arrive in time."
    } else {
        UNREACHABLE
    }
}

/// What is known of one URL.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    flight: tokio::sync::Mutex<()>,
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the state")
    }
}

#[derive(Default)]
struct State {
    good: Option<Good>,
    ended: u64,
    failures: u32,
    trouble: Option<&'static str>,
    begun_at: Option<DateTime<Utc>>,
    unknown_kid_at: Option<DateTime<Utc>>,
}

struct Good {
    set: Arc<JwkSet>,
    fetched_at: DateTime<Utc>,
}

impl State {
    /// What to serve without waiting, and what to fetch. With nothing to serve, the caller waits for the fetch, if
    /// there is one. Whether it is still needed and allowed is decided when its turn comes.
    fn plan(
        &self,
        kid: Option<&str>,
        policy: &KeyPolicy,
        in_flight: bool,
        now: DateTime<Utc>,
    ) -> (Option<Arc<JwkSet>>, Option<Reason>) {
        let ended = self.ended;
        let pausing = self.pausing(now);
        let Some(good) = &self.good else {
            return (None, (!pausing).then_some(Reason::Due { ended }));
        };
        let serve = Some(good.set.clone());
        let known = kid.is_none_or(|kid| good.set.knows(kid));
        let age = since(good.fetched_at, now);
        // Early enough that the fetch ends in time, so that nobody waits for an issuer in steady use.
        let early = policy.max_age.saturating_sub(policy.timeout).max(policy.max_age / 2);
        if pausing {
            (serve, None)
        } else if age > policy.max_age {
            // The issuer was down when last asked: ask again, but let nobody wait for it who can be served.
            (
                serve.filter(|_| known && self.failures > 0),
                Some(Reason::Due { ended }),
            )
        } else if known && age > early && !in_flight {
            (serve, Some(Reason::Due { ended }))
        } else if !known {
            (None, Some(Reason::UnknownKid { ended }))
        } else {
            (serve, None)
        }
    }

    /// Whether the last fetch failed so recently that the next one must wait: 2, 4, 8, 16, then 30 seconds.
    fn pausing(&self, now: DateTime<Utc>) -> bool {
        let pause = Duration::from_secs(1 << self.failures.min(5)).min(LONGEST_PAUSE);
        self.failures > 0 && self.begun_at.is_some_and(|begun_at| since(begun_at, now) < pause)
    }

    fn may_look_for_kid(&self, policy: &KeyPolicy, now: DateTime<Utc>) -> bool {
        self.unknown_kid_at
            .is_none_or(|last| since(last, now) >= policy.min_refresh)
    }

    /// Notes that a fetch starts, unless it is no longer needed or allowed.
    fn begin(&mut self, order: &Order, policy: &KeyPolicy) -> bool {
        let needed = match order.reason {
            Reason::Due { ended } => ended == self.ended,
            Reason::UnknownKid { ended } => ended == self.ended && self.may_look_for_kid(policy, order.now),
        };
        if needed {
            self.begun_at = Some(order.now);
            if matches!(order.reason, Reason::UnknownKid { .. }) {
                self.unknown_kid_at = Some(order.now);
            }
        }
        needed
    }

    /// Notes how a fetch ended. What it brought is as old as its start.
    fn end(&mut self, order: &Order, outcome: Result<JwkSet, &'static str>) {
        self.ended += 1;
        match outcome {
            Ok(set) => {
                let found = order.kid.as_deref().is_some_and(|kid| set.knows(kid));
                if found && matches!(order.reason, Reason::UnknownKid { .. }) {
                    self.unknown_kid_at = None;
                }
                self.failures = 0;
                self.trouble = None;
                self.good = Some(Good {
                    set: Arc::new(set),
                    fetched_at: order.now,
                });
            }
            Err(why) => {
                self.failures = self.failures.saturating_add(1);
                self.trouble = Some(why);
            }
        }
    }
}

/// The time between two instants in either order: a clock that was set back must not make a set young for ever.
fn since(then: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - then).abs().to_std().unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests;
