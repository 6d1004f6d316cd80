//! The words by which sites vouch for their audits (`docs/security.md`, section 4; `docs/federation.md`, section 4).
//!
//! Whoever administers a database can rewrite it, hashes and all. So each site signs from time to time where the chain of its
//! audit ends, and the hub keeps what it has signed: from then on nothing before that point can be changed or cut off without
//! contradicting it. Entries never leave their host.

mod chain;

use std::{collections::HashMap, time::Duration};

use entity::{SiteId, audit_checkpoint, audit_head, site};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, OnConflict, SelectStatement},
};

use super::{
    feeds::{exact, signed},
    host, keys,
    protocol::keys::Keys,
    wire::{AuditCheckpoint, Ed25519, Head, Origin, PublicKey, Signature, Verify, audit_message},
};
use crate::{
    app::{App, Work},
    error::{Error, Result},
};

pub use self::chain::{Broken, Chain, ENTRIES_AT_ONCE};

/// How often a site vouches for an audit that has grown.
pub const EVERY: Duration = Duration::from_secs(300);

/// Why a word is not kept. A sentence for whoever runs the site's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditRefused {
    /// Nobody knows that the site has said so.
    #[error("No key of the site has signed this checkpoint.")]
    Unproven,
    /// It contradicts what is held.
    #[error("The audit that this checkpoint ends is not the one that the site has vouched for before.")]
    Contradicts,
}

/// Vouches for the audits of the sites of this host that have grown since they last did. A chain that does not hold is not
/// vouched for.
///
/// # Errors
/// Only when the database fails.
pub async fn vouch(app: &App) -> Result<()> {
    let db = app.reader();
    let last: HashMap<_, _> = newest_of_hosted(db).await?.into_iter().collect();
    for head in heads(db).await? {
        let before = last.get(&head.site_id).map_or(Ok(0), |last| signed(last.position))?;
        if head.position == before {
            continue;
        }
        let Some(key) = keys::current(db, head.site_id).await? else {
            continue;
        };
        let site = head.site_id;
        if head.position < before {
            tracing::error!(%site, "the audit of a site is shorter than the site has vouched for");
        } else if let Some(broken) = broken_behind(db, &head, before).await? {
            tracing::error!(%site, %broken, "the audit of a site does not hold: the site does not vouch for it");
        } else {
            let position = u64::try_from(head.position).map_err(Error::internal)?;
            let end = (position, Head(exact(&head.hash)?));
            let checkpoint = key.vouch(Origin(site.0), end, app.clock.now())?;
            app.system("vouch", async |work| keep(work, site, &checkpoint).await)
                .await?;
        }
    }
    Ok(())
}

/// What is wrong with the chain of a site behind a checkpoint, when something is.
async fn broken_behind(db: &impl ConnectionTrait, head: &audit_head::Model, after: i64) -> Result<Option<Broken>> {
    let start = match held_at(db, head.site_id, after).await? {
        Some(held) => Chain::behind(head.site_id, held.position, held.hash),
        None => Chain::start(head.site_id),
    };
    chain::follow(db, start, head).await
}

/// Where the chains of the sites of this host end that have one.
async fn heads(db: &impl ConnectionTrait) -> Result<Vec<audit_head::Model>> {
    let heads = audit_head::Entity::find()
        .filter(audit_head::Column::SiteId.in_subquery(hosted()))
        .order_by_asc(audit_head::Column::SiteId);
    Ok(heads.all(db).await?)
}

/// Keeps a word, unless one for the same position is there.
async fn keep(work: &Work<'_>, site: SiteId, checkpoint: &AuditCheckpoint) -> Result<()> {
    use audit_checkpoint::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        site_id: Set(site),
        position: Set(signed(checkpoint.position)?),
        hash: Set(checkpoint.hash.0.to_vec()),
        signed_at: Set(checkpoint.at),
        kid: Set(checkpoint.kid.clone()),
        signature: Set(checkpoint.sig.0.to_vec()),
    };
    let known = OnConflict::columns([Column::SiteId, Column::Position])
        .do_nothing()
        .to_owned();
    let row = Entity::insert(row).on_conflict(known);
    row.exec_without_returning(work.db()).await?;
    Ok(())
}

/// Keeps what a site of another host says of its audit. What contradicts what is held is not kept.
///
/// # Errors
/// Only when the database fails; why it is not kept is the inner error.
pub async fn take_in(
    work: &Work<'_>,
    site: SiteId,
    keys: &Keys,
    told: &AuditCheckpoint,
) -> Result<Result<(), AuditRefused>> {
    use audit_checkpoint::Column;
    if !is_proven(site, keys, told) {
        return Ok(Err(AuditRefused::Unproven));
    }
    // Two words of one site take turns.
    host::turn(work).await?;
    // Whoever has stolen a key may have signed anything: once it is revoked that counts no more.
    let revoked = keys.held().iter().filter(|key| key.revoked).map(|key| key.kid.clone());
    let forgotten = audit_checkpoint::Entity::delete_many()
        .filter(Column::SiteId.eq(site))
        .filter(Column::Kid.is_in(revoked));
    forgotten.exec(work.db()).await?;
    let position = signed(told.position)?;
    if let Some(held) = held_at(work.db(), site, position).await? {
        let same = held.hash == told.hash.0;
        return Ok(if same { Ok(()) } else { Err(AuditRefused::Contradicts) });
    }
    let further = audit_checkpoint::Entity::find()
        .filter(Column::SiteId.eq(site))
        .filter(Column::Position.gt(position));
    if further.count(work.db()).await? > 0 {
        return Ok(Err(AuditRefused::Contradicts));
    }
    keep(work, site, told).await?;
    Ok(Ok(()))
}

/// Whether a key of the site that was not revoked has signed a word.
pub fn is_proven(site: SiteId, keys: &Keys, told: &AuditCheckpoint) -> bool {
    let key = keys.held().iter().find(|key| key.kid == told.kid && !key.revoked);
    key.is_some_and(|key| is_signed(site, key.public, told))
}

/// Whether a key has signed a word of a site.
pub fn is_signed(site: SiteId, key: PublicKey, told: &AuditCheckpoint) -> bool {
    Ed25519.verify(key, &audit_message(Origin(site.0), told), told.sig)
}

/// The newest word that is held of a site's audit.
///
/// # Errors
/// Only when the database fails.
pub async fn newest(db: &impl ConnectionTrait, site: SiteId) -> Result<Option<AuditCheckpoint>> {
    use audit_checkpoint::{Column, Entity};
    let newest = Entity::find()
        .filter(Column::SiteId.eq(site))
        .order_by_desc(Column::Position);
    newest.one(db).await?.map(checkpoint).transpose()
}

/// Words that are held of a site's audit, behind a position, in order.
///
/// # Errors
/// Only when the database fails.
pub async fn behind(db: &impl ConnectionTrait, site: SiteId, after: u64, limit: usize) -> Result<Vec<AuditCheckpoint>> {
    use audit_checkpoint::{Column, Entity};
    // A position beyond all numbers is one behind which nothing is.
    let Ok(after) = signed(after) else {
        return Ok(Vec::new());
    };
    let words = Entity::find()
        .filter(Column::SiteId.eq(site))
        .filter(Column::Position.gt(after))
        .order_by_asc(Column::Position)
        .limit(u64::try_from(limit).map_err(Error::internal)?);
    words.all(db).await?.into_iter().map(checkpoint).collect()
}

/// The newest words of the sites of this host.
///
/// # Errors
/// Only when the database fails.
pub async fn newest_of_hosted(db: &impl ConnectionTrait) -> Result<Vec<(SiteId, AuditCheckpoint)>> {
    use audit_checkpoint::{Column, Entity};
    const NEWEST: &str = "newest";
    let mut newest = Entity::find()
        .select_only()
        .column(Column::SiteId)
        .column_as(Column::Position.max(), Column::Position)
        .filter(Column::SiteId.in_subquery(hosted()))
        .group_by(Column::SiteId);
    let same = [Column::SiteId, Column::Position]
        .into_iter()
        .fold(Condition::all(), |same, column| {
            same.add(Expr::col((Entity, column)).equals((NEWEST, column)))
        });
    let mut words = Entity::find().order_by_asc(Column::SiteId);
    let newest = QueryTrait::query(&mut newest).take();
    QueryTrait::query(&mut words).join_subquery(JoinType::InnerJoin, newest, NEWEST, same);
    let words = words.all(db).await?.into_iter();
    words.map(|row| Ok((row.site_id, checkpoint(row)?))).collect()
}

/// The ids of the sites of this host.
fn hosted() -> SelectStatement {
    let hosted = site::Entity::find().filter(site::Column::Hosted.eq(true));
    hosted.select_only().column(site::Column::Id).into_query()
}

async fn held_at(db: &impl ConnectionTrait, site: SiteId, position: i64) -> Result<Option<audit_checkpoint::Model>> {
    Ok(audit_checkpoint::Entity::find_by_id((site, position)).one(db).await?)
}

/// A word as its row says.
///
/// # Errors
/// [`Error::Internal`] for what nobody stored.
pub fn checkpoint(row: audit_checkpoint::Model) -> Result<AuditCheckpoint> {
    Ok(AuditCheckpoint {
        position: u64::try_from(row.position).map_err(Error::internal)?,
        hash: Head(exact(&row.hash)?),
        at: row.signed_at,
        kid: row.kid,
        sig: Signature(exact(&row.signature)?),
    })
}
