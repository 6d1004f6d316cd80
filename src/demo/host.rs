//! The hosts of the demonstration: which there are, which sites each keeps, and what is done with an open one.

use std::{fmt, path::Path};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::{
    error::{Error, Result},
    folder,
};
use crate::{
    clock::{Clock, Ids},
    config::Settings,
    federation::run::Background,
    http,
    server::Server,
};

/// A host of the demonstration.
#[derive(Debug)]
pub struct Place {
    /// The folder that it is kept in.
    pub folder: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// The slugs of the sites that it keeps.
    pub sites: &'static [&'static str],
}

/// The hosts. The first keeps the national site, and a region that has no host of its own yet: it is the hub.
pub const PLACES: [Place; 3] = [
    Place {
        folder: "national",
        name: "National host",
        sites: &["national", "blackpool"],
    },
    Place {
        folder: "midlands-and-yorkshire",
        name: "Midlands and Yorkshire host",
        sites: &["north-staffordshire", "sheffield"],
    },
    Place {
        folder: "london",
        name: "London host",
        sites: &["north-east-london"],
    },
];

/// The settings of a host that is kept in a folder: the defaults, open to the pages of a developer on this machine. The
/// hub is called without encryption, which only development allows.
///
/// # Errors
/// Only when the default file is broken.
pub fn settings(place: &Place, kept_in: &Path) -> Result<Settings> {
    let mut settings = Settings::defaults().map_err(Error::internal)?;
    place.name.clone_into(&mut settings.host_name);
    settings.database_url = folder::database(kept_in, place);
    settings.erasure_ledger_path = folder::erasure_ledger(kept_in, place);
    settings.development_issuer = true;
    settings.http.allowed_origins = vec!["*".to_owned()];
    Ok(settings)
}

/// A host that is open.
pub struct Host {
    /// Which it is.
    pub place: &'static Place,
    /// What works behind its routes.
    pub server: Server,
    router: Router,
}

impl fmt::Debug for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Host")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Host {
    /// Opens every host, each with settings and a clock of its own.
    ///
    /// # Errors
    /// When a database cannot be opened.
    pub async fn open_all(
        settings: impl Fn(usize, &Place) -> Result<Settings>,
        clock: impl Fn() -> Clock,
    ) -> Result<Vec<Self>> {
        let opened = PLACES.iter().enumerate().map(|(number, place)| {
            let (settings, clock) = (settings(number, place), clock());
            async move {
                let server = Server::open(settings?, clock, Ids::default()).await?;
                let router = server.router()?;
                Ok(Self { place, server, router })
            }
        });
        try_join_all(opened).await
    }

    /// Whether it keeps a site.
    pub fn keeps(&self, site: &str) -> bool {
        self.place.sites.contains(&site)
    }

    /// Moves its clock to an instant, unless it is past that.
    pub fn pass_until(&self, instant: DateTime<Utc>) {
        let clock = &self.server.0.clock;
        clock.advance((instant - clock.now()).max(TimeDelta::zero()));
    }

    /// Asks it something with a token, as from outside; tells the whole answer.
    ///
    /// # Errors
    /// Only when the answer is none.
    pub async fn ask(&self, token: &str, query: &str, variables: Value) -> Result<Value> {
        let request = Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::from(
                json!({ "query": query, "variables": variables }).to_string(),
            ))
            .map_err(Error::internal)?;
        // A task of its own, so that several hosts work at the same time.
        let response = tokio::spawn(self.router.clone().oneshot(request)).await;
        let response = response.map_err(Error::internal)?.map_err(Error::internal)?;
        let body = to_bytes(response.into_body(), usize::MAX)
            .await
            .map_err(Error::internal)?;
        serde_json::from_slice(&body).map_err(Error::internal)
    }

    /// Answers at a port for as long as this is awaited, and does nothing else.
    pub async fn answer(&self, listener: TcpListener) {
        let settings = &self.server.0.settings.http;
        http::serve(listener, self.router.clone(), settings, std::future::pending()).await;
    }

    /// Serves it, and exchanges with the other hosts, until it is to stop.
    ///
    /// # Errors
    /// When its background cannot start or its database not be closed.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<()> {
        let app = &self.server.0;
        let background = Background::start(app)?;
        let stopped = background.stopping(stop);
        http::serve(listener, self.router.clone(), &app.settings.http, stopped).await;
        background.end().await;
        self.close().await
    }

    /// Closes its database.
    ///
    /// # Errors
    /// When the database does not close.
    pub async fn close(self) -> Result<()> {
        let closed = self.server.0.database.close().await;
        Ok(closed.map_err(crate::error::Error::from)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::content;

    #[test]
    fn every_site_is_kept_by_one_host_and_the_national_one_by_the_first() {
        let contents = content::load().unwrap();
        for content in &contents {
            let keepers = PLACES
                .iter()
                .filter(|place| place.sites.contains(&content.site.slug.as_str()));
            assert_eq!(keepers.count(), 1, "{}", content.site.slug);
        }
        let kept: usize = PLACES.iter().map(|place| place.sites.len()).sum();
        assert_eq!(kept, contents.len());
        assert!(PLACES[0].sites.contains(&content::NATIONAL));
    }
}
