//! From a feed to this host's rows (`docs/federation.md`, section 7).

use entity::{SiteId, feed_cursor};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, sea_query::OnConflict};

use super::{
    directory,
    feeds::exact,
    host,
    protocol::{
        apply::{Content, Facts, Reason, Replica, Stored},
        check::{Refusal, check},
        consumer::{self, Answer},
        cursor::{Cursor, State},
        rules::Rules,
    },
    wire::{Audience, Batch, Checkpoint, Ed25519, Epoch, Head, Header, Origin, Status},
};
use crate::{
    app::{App, Work},
    error::{Error, Result},
};

/// What became of a batch or an answer.
#[derive(Clone, Debug)]
pub enum Received {
    /// It was taken in.
    Applied(Cursor),
    /// It does not continue the cursor.
    Discarded(Cursor),
    /// The feed is read from its start.
    Restarted(Cursor),
    /// It is not believed.
    Refused(Refusal),
}

struct Anything;

impl Content for Anything {
    fn check(&self, _: &Header, _: &str, _: Origin, _: Audience) -> Result<Facts, Reason> {
        Ok(Facts::default())
    }

    fn is_national(&self, _: &str) -> bool {
        false
    }
}

impl Replica for Anything {
    fn home(&self, _: sea_orm::prelude::Uuid) -> Option<Origin> {
        None
    }

    fn stored(&self, _: sea_orm::prelude::Uuid) -> Option<Stored> {
        None
    }

    fn shown_elsewhere(&self, _: sea_orm::prelude::Uuid) -> bool {
        false
    }

    fn erased(&self, _: sea_orm::prelude::Uuid) -> bool {
        false
    }

    fn skipped(&self) -> Vec<sea_orm::prelude::Uuid> {
        Vec::new()
    }

    fn held(&self, _: Epoch, _: u64) -> Option<Checkpoint> {
        None
    }
}

/// Where this host stands in a feed.
///
/// # Errors
/// Only when the database fails.
pub async fn cursor(db: &impl ConnectionTrait, origin: SiteId, audience: Audience) -> Result<Cursor> {
    let row = feed_cursor::Entity::find_by_id((origin, audience.to_string()));
    let Some(row) = row.one(db).await? else {
        return Ok(Cursor::new());
    };
    Ok(Cursor {
        epoch: row.epoch.map(Epoch),
        pos: u64::try_from(row.pos).map_err(Error::internal)?,
        head: Head(exact(&row.head)?),
        generation: u64::try_from(row.generation).map_err(Error::internal)?,
        state: State::from_word(&row.state).unwrap_or(State::New),
        verified_at: row.verified_at,
        signed_at: row.signed_at,
        ..Cursor::new()
    })
}

/// Checks a batch and stores the cursor behind it.
///
/// # Errors
/// Only when the database fails.
pub async fn receive(app: &App, batch: Batch) -> Result<Received> {
    let db = app.reader();
    let (site, audience) = (SiteId(batch.origin.0), batch.audience);
    let Some(standing) = directory::standing(db, site).await? else {
        return Ok(Received::Refused(Refusal::NotActive(Status::Applied)));
    };
    let (reader, rules) = (host::reader(db).await?, Rules::default());
    let checked = match check(batch, &reader, &standing, &Anything, &Ed25519, rules) {
        Ok(checked) => checked,
        Err(refusal) => return Ok(Received::Refused(refusal)),
    };
    app.system("apply", async |work| {
        let cursor = cursor(work.db(), site, audience).await?;
        match consumer::receive(&cursor, &standing, &checked, &Anything, &Anything, work.now(), rules) {
            Ok(step) => {
                keep(work, site, audience, &step.cursor).await?;
                Ok(Received::Applied(step.cursor))
            }
            Err(Refusal::Discard) => Ok(Received::Discarded(cursor)),
            Err(Refusal::Restart(_)) => restart(work, site, audience, &cursor).await,
            Err(refusal) => Ok(Received::Refused(refusal)),
        }
    })
    .await
}

/// Takes in an answer without a batch.
///
/// # Errors
/// Only when the database fails.
pub async fn answered(app: &App, origin: SiteId, audience: Audience, answer: &Answer) -> Result<Received> {
    let Some(standing) = directory::standing(app.reader(), origin).await? else {
        return Ok(Received::Refused(Refusal::NotActive(Status::Applied)));
    };
    app.system("apply", async |work| {
        let cursor = cursor(work.db(), origin, audience).await?;
        let (now, rules) = (work.now(), Rules::default());
        match consumer::answered(&cursor, &standing, audience, answer, &Ed25519, now, rules) {
            Ok(next) => {
                keep(work, origin, audience, &next).await?;
                let restarted = next.generation > cursor.generation;
                Ok(if restarted {
                    Received::Restarted(next)
                } else {
                    Received::Applied(next)
                })
            }
            Err(Refusal::Restart(_)) => restart(work, origin, audience, &cursor).await,
            Err(refusal) => Ok(Received::Refused(refusal)),
        }
    })
    .await
}

async fn restart(work: &Work<'_>, origin: SiteId, audience: Audience, cursor: &Cursor) -> Result<Received> {
    let next = cursor.restarted(Rules::default());
    keep(work, origin, audience, &next).await?;
    Ok(Received::Restarted(next))
}

async fn keep(work: &Work<'_>, origin: SiteId, audience: Audience, cursor: &Cursor) -> Result<()> {
    use feed_cursor::Column;
    let row = feed_cursor::ActiveModel {
        origin: Set(origin),
        audience: Set(audience.to_string()),
        epoch: Set(cursor.epoch.map(|epoch| epoch.0)),
        pos: Set(i64::try_from(cursor.pos).map_err(Error::internal)?),
        head: Set(cursor.head.0.to_vec()),
        generation: Set(i64::try_from(cursor.generation).map_err(Error::internal)?),
        state: Set(cursor.state.word().to_owned()),
        boot_pos: Set(None),
        boot_head: Set(None),
        skip_pos: Set(None),
        skip_head: Set(None),
        verified_at: Set(cursor.verified_at),
        signed_at: Set(cursor.signed_at),
    };
    let replaced = [
        Column::Epoch,
        Column::Pos,
        Column::Head,
        Column::Generation,
        Column::State,
        Column::VerifiedAt,
        Column::SignedAt,
    ];
    let key = OnConflict::columns([Column::Origin, Column::Audience]);
    let latest = { key }.update_columns(replaced).to_owned();
    let row = feed_cursor::Entity::insert(row).on_conflict(latest);
    row.exec_without_returning(work.db()).await?;
    Ok(())
}
