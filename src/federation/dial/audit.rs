//! Telling the hub what the sites of this host have signed of their audits, and keeping what it says of its own.

use std::{collections::HashMap, sync::Arc, time::Duration};

use entity::SiteId;
use reqwest::StatusCode;
use tokio::time::timeout;
use url::Url;

use super::hub::{Ask, Hub, Trouble};
use crate::{
    app::{App, Work},
    error::Error,
    federation::{
        audit::{self, AuditRefused},
        directory,
        messages::{AuditHeld, AuditTold, SiteAudit},
        wire::AuditCheckpoint,
    },
};

/// The longest that the last words may take of a host that stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Most pages of what the hub holds of one site.
const MOST_PAGES: usize = 10_000;

/// Up to where the hub has been told of each site.
pub(super) type Told = HashMap<SiteId, u64>;

/// Tells the hub the newest word of a site, unless it was told.
pub(super) async fn tell(app: &App, hub: &Hub, site: SiteId, told: &mut Told) -> Result<(), Trouble> {
    let Some(newest) = audit::newest(app.reader(), site).await? else {
        return Ok(());
    };
    if told.get(&site) == Some(&newest.position) {
        return Ok(());
    }
    let body = serde_json::to_vec(&newest).map_err(Error::internal)?;
    let ask = Ask {
        site,
        target: "/fed/v1/audit",
        body: Some(&body),
    };
    let answer = hub.ask(&ask).await?;
    match answer.status {
        StatusCode::OK => {
            for kept in answer.json::<AuditTold>()?.kept {
                note(app, &kept).await?;
            }
        }
        StatusCode::CONFLICT => {
            tracing::error!(%site, position = newest.position, "the hub holds another story of the audit of a site");
        }
        // An earlier version keeps no audits.
        StatusCode::NOT_FOUND => {}
        _ => return Err(answer.refused()),
    }
    told.insert(site, newest.position);
    Ok(())
}

/// Keeps what the hub says of the audit of one of its own sites: so neither can it rewrite it.
async fn note(app: &App, kept: &SiteAudit) -> Result<(), Trouble> {
    let site = SiteId(kept.site.0);
    let Some(standing) = directory::standing(app.reader(), site).await? else {
        return Ok(());
    };
    if directory::holds(app.reader(), site).await? || is_known(app, site, &kept.checkpoint).await? {
        return Ok(());
    }
    let (keys, told) = (&standing.keys, &kept.checkpoint);
    let take_in = async |work: &mut Work<'_>| audit::take_in(work, site, keys, told).await;
    match app.system("keep audit", take_in).await? {
        Err(AuditRefused::Contradicts) => {
            tracing::error!(%site, position = told.position, "a site vouches for another audit than it did before");
        }
        // Its newest key may not have come yet.
        Ok(()) | Err(AuditRefused::Unproven) => {}
    }
    Ok(())
}

async fn is_known(app: &App, site: SiteId, told: &AuditCheckpoint) -> Result<bool, Error> {
    let newest = audit::newest(app.reader(), site).await?;
    Ok(newest.is_some_and(|newest| (newest.position, newest.hash) == (told.position, told.hash)))
}

/// Tells the hub the last words of a host that stops. That it is not there changes nothing: they are told at the next start.
pub async fn last_words(app: &Arc<App>, hub: Url) {
    let tell_all = async {
        let hub = Hub::at(hub, Arc::clone(app));
        for site in super::sites(app).await? {
            tell(app, &hub, site, &mut Told::new()).await?;
        }
        Ok::<_, Trouble>(())
    };
    match timeout(LAST_WORDS, tell_all).await {
        Ok(Ok(())) => {}
        Ok(Err(trouble)) => tracing::debug!(%trouble, "the hub is told at the next start how far the audits go"),
        Err(_) => tracing::debug!("the hub is told at the next start how far the audits go"),
    }
}

/// What the hub holds of the audit of a site of this host: all that the site has signed and told it.
///
/// # Errors
/// A sentence for the operator.
pub async fn held(app: &Arc<App>, hub: Url, site: SiteId) -> Result<Vec<AuditCheckpoint>, String> {
    let hub = Hub::at(hub, Arc::clone(app));
    let mut all: Vec<AuditCheckpoint> = Vec::new();
    for _ in 0..MOST_PAGES {
        let after = all.last().map_or(0, |last| last.position);
        let ask = Ask {
            site,
            target: &format!("/fed/v1/audit?after={after}"),
            body: None,
        };
        let told = hub
            .ask(&ask)
            .await
            .and_then(|told| told.expect::<AuditHeld>(StatusCode::OK));
        let told = told.map_err(|trouble| trouble.to_string())?;
        let goes_on = told.checkpoints.iter().all(|told| told.position > after);
        all.extend(told.checkpoints);
        if !told.more || !goes_on {
            return Ok(all);
        }
    }
    Err("the hub tells of this audit without end".to_owned())
}
