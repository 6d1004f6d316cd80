//! What sites have signed of their audits: kept here, and told to the site itself.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use entity::SiteId;
use sea_orm::ConnectionTrait;
use serde::Deserialize;

use super::{Answer, Serving, call::Call, json, query, refusal::Refusal};
use crate::{
    app::Work,
    error::Result,
    federation::{
        audit::{self, AuditRefused},
        directory,
        messages::{AuditHeld, AuditTold, MAX_LISTED, SiteAudit},
        wire::{AuditCheckpoint, Origin},
    },
};

/// Behind which position a site asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behind {
    after: Option<u64>,
}

/// Keeps the calling site's word for its audit; tells the newest ones of the sites that this host keeps itself.
pub async fn keep(State(serving): State<Serving>, call: Call) -> Answer<Json<AuditTold>> {
    let told: AuditCheckpoint = json(&call.body)?;
    if told.position == 0 || i64::try_from(told.position).is_err() {
        return Err(Refusal::garbage("No entry has this position."));
    }
    let (app, site) = (&serving.app, call.site());
    if !directory::is_kept_here(app.reader()).await? {
        return Err(Refusal::not_a_hub());
    }
    let keys = &call.standing.keys;
    let kept = async |work: &mut Work<'_>| audit::take_in(work, site, keys, &told).await;
    match app.system("keep audit", kept).await? {
        Ok(()) => Ok(Json(AuditTold {
            kept: of_this_host(app.reader()).await?,
        })),
        Err(refused @ AuditRefused::Contradicts) => {
            tracing::error!(%site, position = told.position, "a site vouches for another audit than it did before");
            Err(Refusal::contradicted(refused.to_string()))
        }
        Err(refused) => Err(Refusal::forbidden("UNPROVEN", refused.to_string())),
    }
}

/// Tells what is held of the calling site's audit.
pub async fn held(
    State(serving): State<Serving>,
    behind: std::result::Result<Query<Behind>, QueryRejection>,
    call: Call,
) -> Answer<Json<AuditHeld>> {
    let after = query(behind)?.after.unwrap_or_default();
    if !directory::is_kept_here(serving.app.reader()).await? {
        return Err(Refusal::not_a_hub());
    }
    let db = serving.app.reader();
    let mut checkpoints = audit::behind(db, call.site(), after, MAX_LISTED + 1).await?;
    let more = checkpoints.len() > MAX_LISTED;
    checkpoints.truncate(MAX_LISTED);
    Ok(Json(AuditHeld { checkpoints, more }))
}

/// The newest words of the sites that this host keeps.
async fn of_this_host(db: &impl ConnectionTrait) -> Result<Vec<SiteAudit>> {
    let newest = audit::newest_of_hosted(db).await?.into_iter().take(MAX_LISTED);
    let kept = newest.map(|(SiteId(site), checkpoint)| SiteAudit {
        site: Origin(site),
        checkpoint,
    });
    Ok(kept.collect())
}
