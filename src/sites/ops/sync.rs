//! How fresh this host's copies of sites are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{SiteId, SiteStatus, feed_cursor, feed_parked, site};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, sea_query::Expr,
};

use crate::{
    error::Result,
    federation::{
        protocol::cursor::{LIVE_FOR, State},
        wire::Audience,
    },
};

/// How fresh this host's copy of one site is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// What this host is doing with the site's feed.
    pub state: State,
    /// The last entry that was taken in.
    pub position: i64,
    /// When the site last proved that nothing newer exists.
    pub verified_at: Option<DateTime<Utc>>,
    /// Why the last of the entries that wait does so.
    pub last_error: Option<String>,
    /// How many entries wait.
    pub parked: usize,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            state: State::New,
            position: 0,
            verified_at: None,
            last_error: None,
            parked: 0,
        }
    }
}

/// How far this host's copy of a site is behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Lag {
    /// The slug of the site.
    pub slug: String,
    /// Seconds since the site proved that nothing newer exists; none when it never did.
    pub seconds: Option<f64>,
    /// How many entries wait.
    pub parked: usize,
}

/// How far the copies of all active sites of other hosts are behind now.
///
/// # Errors
/// Only when the database fails.
pub async fn lags(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<Lag>> {
    let others = site::Entity::find()
        .select_only()
        .columns([site::Column::Id, site::Column::Slug])
        .filter(site::Column::Hosted.eq(false))
        .filter(site::Column::Status.eq(SiteStatus::Active))
        .order_by_asc(site::Column::Slug);
    let others: Vec<(SiteId, String)> = others.into_tuple().all(db).await?;
    let ids: Vec<_> = others.iter().map(|(id, _)| *id).collect();
    let mut fresh = freshness(db, &ids, now).await?;
    let lags = others.into_iter().map(|(id, slug)| {
        let fresh = fresh.remove(&id).unwrap_or_default();
        let age = fresh.verified_at.map(|at| (now - at).as_seconds_f64().max(0.0));
        Lag {
            slug,
            seconds: age,
            parked: fresh.parked,
        }
    });
    Ok(lags.collect())
}

/// How fresh the copies of many sites are now. What was never read is left out.
///
/// # Errors
/// Only when the database fails.
pub async fn freshness(
    db: &impl ConnectionTrait,
    sites: &[SiteId],
    now: DateTime<Utc>,
) -> Result<HashMap<SiteId, Freshness>> {
    let mut fresh: HashMap<SiteId, Freshness> = HashMap::new();
    let cursors = feed_cursor::Entity::find()
        .filter(feed_cursor::Column::Origin.is_in(sites.iter().copied()))
        .filter(feed_cursor::Column::Audience.eq(Audience::Network.to_string()));
    for row in cursors.all(db).await? {
        let state = State::from_word(&row.state).unwrap_or(State::New);
        let live = row.verified_at.is_some_and(|at| now - at <= LIVE_FOR);
        let one = Freshness {
            state: if state == State::Live && !live {
                State::Stale
            } else {
                state
            },
            position: row.pos,
            verified_at: row.verified_at,
            ..Freshness::default()
        };
        fresh.insert(row.origin, one);
    }
    for (origin, parked, reason) in parked(db, sites).await? {
        let one = fresh.entry(origin).or_default();
        one.parked = usize::try_from(parked).unwrap_or_default();
        one.last_error = Some(reason);
    }
    Ok(fresh)
}

/// How many entries of each site wait, and why the last of them does. Counted in the index, which holds no entry's bytes.
async fn parked(db: &impl ConnectionTrait, sites: &[SiteId]) -> Result<Vec<(SiteId, i64, String)>> {
    const WAITING: &str = "waiting";
    const PARKED: &str = "parked";
    const LAST: &str = "last";
    let (origin, pos) = (feed_parked::Column::Origin, feed_parked::Column::Pos);
    let mut waiting = feed_parked::Entity::find()
        .select_only()
        .column(origin)
        .column_as(pos.count(), PARKED)
        .column_as(pos.max(), LAST)
        .filter(origin.is_in(sites.iter().copied()))
        .group_by(origin);
    let same = Condition::all()
        .add(Expr::col((feed_parked::Entity, origin)).equals((WAITING, origin)))
        .add(Expr::col((feed_parked::Entity, pos)).equals((WAITING, LAST)));
    let mut last = feed_parked::Entity::find()
        .select_only()
        .column(origin)
        .expr_as(Expr::col((WAITING, PARKED)), PARKED)
        .column(feed_parked::Column::Reason);
    QueryTrait::query(&mut last).join_subquery(
        JoinType::InnerJoin,
        QueryTrait::query(&mut waiting).take(),
        WAITING,
        same,
    );
    Ok(last.into_tuple().all(db).await?)
}
