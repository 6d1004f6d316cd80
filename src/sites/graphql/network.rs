//! The network as this host sees it: its sites, and how fresh its copies of them are.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};
use chrono::{DateTime, Utc};

use crate::{
    app::App,
    error::Result,
    federation::protocol::cursor::State,
    graphql::{Asking, seen::Seen},
    sites::{
        graphql::Site,
        ops::{
            self,
            sync::{Freshness, freshness},
        },
    },
};

/// The network as this host sees it.
#[derive(Clone, Copy, Debug)]
pub struct Network;

/// The network as this host sees it.
#[Object]
impl Network {
    /// This host.
    async fn host(&self) -> NetworkHost {
        NetworkHost
    }

    /// The national site; null until this host has joined a network.
    async fn national(&self, ctx: &Context<'_>) -> Result<Option<Site>> {
        Ok(ops::national(ctx.app().reader())
            .await?
            .map(|row| Site(Seen::alone(row))))
    }

    /// How fresh this host's copy of every site is.
    async fn sites(&self, ctx: &Context<'_>) -> Result<Vec<SyncStatus>> {
        let sites = ops::all(ctx.app().reader()).await?;
        Ok(Seen::all(sites).map(|row| SyncStatus(Site(row))).collect())
    }
}

/// One running server with one database.
#[derive(Clone, Copy, Debug)]
pub struct NetworkHost;

/// One running server with one database.
#[Object]
impl NetworkHost {
    /// What its operator calls it.
    async fn name<'a>(&self, ctx: &Context<'a>) -> &'a str {
        &ctx.data_unchecked::<Arc<App>>().settings.host_name
    }

    /// The version of the software.
    async fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// The sites whose records it keeps.
    async fn sites(&self, ctx: &Context<'_>) -> Result<Vec<Site>> {
        let sites = ops::all(ctx.app().reader()).await?;
        Ok(Seen::<entity::site::Entity>::all(sites)
            .filter(|row| row.hosted)
            .map(Site)
            .collect())
    }

    /// The database it runs on: `SQLite` or `PostgreSQL`.
    async fn database(&self, ctx: &Context<'_>) -> &str {
        ctx.app().database.name()
    }
}

/// How fresh this host's copy of a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SyncState {
    /// This host keeps the site itself: nothing is fresher.
    Home,
    /// The copy is being filled or filled again; what is here may be older.
    CatchingUp,
    /// The copy follows the site within seconds.
    Live,
    /// Nothing was heard of the site for a minute or more; the copy still answers.
    Stale,
    /// The national admin has stopped the site.
    Suspended,
    /// The site has left.
    Left,
}

/// How fresh this host's copy of a site is.
#[derive(Clone, Debug)]
pub struct SyncStatus(Site);

impl SyncStatus {
    /// Of a site.
    pub fn of(site: Site) -> Self {
        Self(site)
    }

    async fn fresh(&self, ctx: &Context<'_>) -> Result<Freshness> {
        let load = async |sites: &[entity::site::Model]| {
            let ids: Vec<_> = sites.iter().map(|site| site.id).collect();
            freshness(ctx.app().reader(), &ids, ctx.app().clock.now()).await
        };
        let all = self.0.0.together("freshness".to_owned(), load).await?;
        Ok(all.get(&self.0.0.id).cloned().unwrap_or_default())
    }
}

/// How fresh this host's copy of a site is.
#[Object]
impl SyncStatus {
    /// The site.
    async fn site(&self) -> Site {
        self.0.clone()
    }

    /// In short.
    async fn state(&self, ctx: &Context<'_>) -> Result<SyncState> {
        let copy = match self.0.0.status {
            entity::SiteStatus::Suspended => return Ok(SyncState::Suspended),
            entity::SiteStatus::Left => return Ok(SyncState::Left),
            _ if self.0.0.hosted => return Ok(SyncState::Home),
            _ => self.fresh(ctx).await?.state,
        };
        Ok(match copy {
            State::Live => SyncState::Live,
            State::Stale => SyncState::Stale,
            State::New | State::CatchingUp | State::Suspended | State::Left => SyncState::CatchingUp,
        })
    }

    /// How many entries of the site's feed this host has taken in; 0 at home.
    async fn position(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(i32::try_from(self.fresh(ctx).await?.position).unwrap_or(i32::MAX))
    }

    /// How many seconds the copy is behind at the most; 0 at home, null when that is not known.
    async fn lag_seconds(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        if self.0.0.hosted {
            return Ok(Some(0));
        }
        let fresh = self.fresh(ctx).await?;
        let caught_up = matches!(fresh.state, State::Live | State::Stale);
        let age = fresh
            .verified_at
            .filter(|_| caught_up)
            .map(|at| ctx.app().clock.now() - at);
        Ok(age.map(|age| i32::try_from(age.num_seconds()).unwrap_or(i32::MAX).max(0)))
    }

    /// When the site last proved that nothing newer exists; null at home and before the first time.
    async fn verified_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.fresh(ctx).await?.verified_at)
    }

    /// What went wrong last with the entries that this host keeps for later, in plain words; null when it keeps none.
    async fn last_error(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.fresh(ctx).await?.last_error)
    }

    /// Entries that this host cannot take in yet and keeps for later: of a version that it cannot read, or that wait for
    /// another record.
    async fn parked(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(i32::try_from(self.fresh(ctx).await?.parked).unwrap_or(i32::MAX))
    }
}
