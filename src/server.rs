//! A host ready to serve: the open database, the schema and the routes over them.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderMap, header},
};
use futures_util::{StreamExt, stream};

use crate::{
    app::{App, Work},
    auth::{
        KeyPolicy, KeySets, LEEWAY,
        callers::{self, Unproved},
    },
    changes,
    clock::{Clock, Forward, Ids},
    config::{HttpSettings, Settings},
    database::{Database, Pool},
    erasure::Ledger,
    error::{Error, Result},
    federation,
    graphql::Asker,
    http::{self, Gauge, Host, Lines, Refusal},
    schema,
    signals::Signals,
    sites::{
        self,
        ops::{audit, sync::Lag},
    },
    tally::Tally,
};

/// The application behind the transport.
#[derive(Clone, Debug)]
pub struct Server(pub Arc<App>);

impl Server {
    /// Opens the database, brings it to this version and readies everything over it.
    ///
    /// # Errors
    /// When the database cannot be opened or migrated, or the HTTP client cannot be made.
    pub async fn open(settings: Settings, clock: Clock, ids: Ids) -> Result<Self> {
        let database = Database::open(&settings).await?;
        database.migrate().await?;
        let server = Self::over(database, settings, clock, ids);
        federation::erasures::again(&server.0).await?;
        let is_older = federation::witness::doubt(&server.0).await?;
        let moved = changes::belongs_here(server.0.reader()).await?;
        if is_older || moved.is_some() {
            let begin = async |work: &mut Work<'_>| changes::begin_anew(work.db(), is_older, moved).await;
            server.0.system("begin changes anew", begin).await?;
        }
        Ok(server)
    }

    /// Readies everything over a database that is open and migrated.
    pub fn over(database: Database, settings: Settings, clock: Clock, ids: Ids) -> Self {
        let policy = KeyPolicy {
            allow_loopback: settings.development_issuer,
            max_age: Duration::from_secs(settings.jwks_max_age),
            ..KeyPolicy::default()
        };
        let ledger = Ledger::of(&settings);
        Self(Arc::new(App {
            tally: Tally::beside(&ledger),
            ledger: Arc::new(ledger),
            database,
            settings,
            clock,
            ids,
            key_sets: KeySets::new(policy),
            signals: Signals::default(),
            followers: Arc::default(),
            signed_at: Forward::default(),
        }))
    }

    /// The routes.
    ///
    /// # Errors
    /// When the settings name an origin that is none.
    pub fn router(&self) -> Result<Router> {
        let api = schema::build(Arc::clone(&self.0));
        let sdl = api.sdl();
        let more = federation::serve::routes(Arc::clone(&self.0));
        http::router(self.clone(), api, &sdl, schema::document(), more).map_err(Error::internal)
    }
}

impl Host for Server {
    type Caller = Asker;

    async fn caller(&self, headers: &HeaderMap) -> Result<Asker, Refusal> {
        let token = bearer(headers)?;
        callers::caller(&self.0, token)
            .await
            .map(Asker::new)
            .map_err(|unproved| match unproved {
                Unproved::Refused(refused) => Refusal::new(refused.why),
                Unproved::Failed(error) => {
                    error.log("a caller could not be looked up");
                    Refusal::passing("The token cannot be checked at the moment.")
                }
            })
    }

    fn identity(&self, caller: &Asker) -> Option<String> {
        let identity = caller.caller().identity.as_ref()?;
        // No issuer holds a line break.
        Some(format!("{}\n{}", identity.issuer, identity.subject))
    }

    async fn gauges(&self) -> Vec<Gauge> {
        let mut gauges: Vec<_> = self.0.database.pools().into_iter().flat_map(pool_gauges).collect();
        match sites::ops::sync::lags(self.0.reader(), self.0.clock.now()).await {
            Ok(lags) => gauges.extend(lags.into_iter().flat_map(lag_gauges)),
            Err(error) => tracing::warn!(%error, "how far copies are behind cannot be told"),
        }
        gauges
    }

    async fn begin(&self, request: async_graphql::Request) -> Result<async_graphql::Request, Refusal> {
        match changes::start(self.0.reader()).await {
            Ok(start) => Ok(request.data(start)),
            Err(error) => {
                error.log("the present end of the changes cannot be read");
                Err(Refusal::passing("The changes cannot be read at the moment."))
            }
        }
    }

    async fn audit(&self, caller: &Asker, site: &str) -> Result<Option<Lines>, Refusal> {
        match audit::export(&self.0, caller.caller(), site).await {
            Ok(export) => {
                let lines = stream::try_unfold(export, |mut export| async move {
                    let lines = export.next().await.map_err(|error| {
                        error.log("an audit cannot be read to its end");
                        io::Error::other("the audit cannot be read to its end")
                    })?;
                    Ok(lines.map(|lines| (lines, export)))
                });
                Ok(Some(lines.boxed()))
            }
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => {
                error.log("an audit cannot be read");
                Err(Refusal::passing("The audit cannot be read at the moment."))
            }
        }
    }

    fn expired(&self, caller: &Asker) -> impl Future<Output = ()> + Send + 'static {
        let app = Arc::clone(&self.0);
        let ends = caller.caller().identity.as_ref().map(|identity| identity.expires_at);
        // Somebody's clock may be behind: who comes so late with it is served as long as the token is accepted.
        let is_late = ends.is_some_and(|ends| ends <= app.clock.now());
        async move {
            match ends {
                Some(ends) if is_late => app.clock.reached(ends + LEEWAY).await,
                Some(ends) => app.clock.reached(ends).await,
                None => std::future::pending().await,
            }
        }
    }

    fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        let app = Arc::clone(&self.0);
        async move { app.signals.stopping().await }
    }

    async fn ready(&self) -> Result<(), &'static str> {
        self.0
            .reader()
            .ping()
            .await
            .map_err(|_| "The database does not answer.")
    }

    fn new_request_id(&self) -> String {
        self.0.ids.unordered().simple().to_string()
    }

    fn settings(&self) -> &HttpSettings {
        &self.0.settings.http
    }
}

fn pool_gauges(pool: Pool) -> [Gauge; 2] {
    let of = |state: &str, value: u32| Gauge {
        name: "database_connections",
        help: "Open connections to the database",
        labels: vec![("pool", pool.name.to_owned()), ("state", state.to_owned())],
        value: value.into(),
    };
    [of("idle", pool.idle), of("used", pool.open.saturating_sub(pool.idle))]
}

fn lag_gauges(lag: Lag) -> impl Iterator<Item = Gauge> {
    let of = |name, help, value| Gauge {
        name,
        help,
        labels: vec![("site", lag.slug.clone())],
        value,
    };
    let seconds = lag.seconds.map(|seconds| {
        let help = "Seconds since another site proved that nothing newer exists";
        of("feed_lag_seconds", help, seconds)
    });
    let parked = of(
        "feed_parked_entries",
        "Entries of another site that wait",
        lag.parked as f64,
    );
    seconds.into_iter().chain([parked])
}

/// The token of a request: RFC 6750, section 2.1, and no other way.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|_| values.next().is_none());
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Refusal::new(
            "Send one Authorization header: the word Bearer, a space and a token.",
        )),
    }
}

/// Resolves when the process is told to stop, by SIGTERM or Ctrl-C. Signals that come before it is awaited are kept.
///
/// # Errors
/// When signals cannot be received.
#[cfg(unix)]
pub fn stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves when the process is told to stop, by Ctrl-C.
///
/// # Errors
/// Never here.
#[cfg(not(unix))]
pub fn stop() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(why) = tokio::signal::ctrl_c().await {
            tracing::error!(%why, "Ctrl-C cannot be received");
            std::future::pending().await
        }
    })
}
