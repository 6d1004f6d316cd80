//! Where this host stands in the feeds that it reads, as rows.

use entity::{SiteId, feed_cursor, feed_held, feed_parked, feed_seen, feed_skipped};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{ExprTrait, OnConflict},
};

use crate::{
    app::Work,
    error::{Error, Result},
    federation::{
        feeds::exact,
        protocol::cursor::{Cursor, Mark, State},
        wire::{Audience, Checkpoint, Epoch, Head},
    },
    share,
};

/// A feed of another host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feed {
    /// Whose.
    pub(super) origin: SiteId,
    /// For whom.
    pub(super) audience: Audience,
}

impl Feed {
    /// Where this host stands in it.
    pub(super) async fn cursor(&self, db: &impl ConnectionTrait) -> Result<Cursor> {
        let row = feed_cursor::Entity::find_by_id((self.origin, self.audience.to_string()));
        row.one(db).await?.map_or_else(|| Ok(Cursor::new()), read)
    }

    /// The same, locked until the work ends.
    pub(super) async fn lock(&self, work: &Work<'_>) -> Result<Cursor> {
        use feed_cursor::{Column, Entity};
        let unmade = OnConflict::columns([Column::Origin, Column::Audience])
            .do_nothing()
            .to_owned();
        let new = self.row(&Cursor::new())?.into_active_model();
        let made = Entity::insert(new).on_conflict(unmade);
        made.exec_without_returning(work.db()).await?;
        let row = Entity::find_by_id((self.origin, self.audience.to_string())).lock_exclusive();
        row.one(work.db()).await?.map_or_else(|| Ok(Cursor::new()), read)
    }

    pub(super) async fn store(&self, work: &Work<'_>, cursor: &Cursor) -> Result<()> {
        share::store::<feed_cursor::Entity>(work.db(), self.row(cursor)?).await
    }

    /// Forgets what was seen, skipped and parked of the feed: it is read from its start.
    pub(super) async fn clear(&self, work: &Work<'_>) -> Result<()> {
        let audience = self.audience.to_string();
        macro_rules! clear {
            ($($table:ident),+) => {$(
                let all = $table::Entity::delete_many().filter($table::Column::Origin.eq(self.origin));
                all.filter($table::Column::Audience.eq(&audience)).exec(work.db()).await?;
            )+};
        }
        clear!(feed_seen, feed_skipped, feed_parked);
        Ok(())
    }

    /// Forgets the origin's words, because they contradict each other or a key that signed them was revoked.
    pub(super) async fn forget_words(&self, work: &Work<'_>) -> Result<()> {
        let words = feed_held::Entity::delete_many()
            .filter(feed_held::Column::Origin.eq(self.origin))
            .filter(feed_held::Column::Audience.eq(self.audience.to_string()));
        words.exec(work.db()).await?;
        Ok(())
    }

    /// Holds on to the origin's word. What lies before the cursor or in an earlier epoch is never contradicted any more. A word of
    /// a later epoch stays: an origin that shows an earlier one again has forgotten, and has to be told.
    pub(super) async fn hold(
        &self,
        work: &Work<'_>,
        epoch: Epoch,
        after: u64,
        words: impl IntoIterator<Item = &Checkpoint>,
    ) -> Result<()> {
        use feed_held::{Column, Entity};
        for word in words {
            let row = feed_held::Model {
                origin: self.origin,
                audience: self.audience.to_string(),
                epoch: epoch.0,
                pos: number(word.to)?,
                head: word.head.0.to_vec(),
                signed_at: word.at,
                kid: word.kid.clone(),
                signature: word.sig.0.to_vec(),
            };
            share::store::<Entity>(work.db(), row).await?;
        }
        let past = Entity::delete_many()
            .filter(Column::Origin.eq(self.origin))
            .filter(Column::Audience.eq(self.audience.to_string()))
            .filter(
                Column::Epoch
                    .lt(epoch.0)
                    .or(Column::Epoch.eq(epoch.0).and(Column::Pos.lt(number(after)?))),
            );
        past.exec(work.db()).await?;
        Ok(())
    }

    fn row(&self, cursor: &Cursor) -> Result<feed_cursor::Model> {
        let pos = |mark: Option<Mark>| mark.map(|mark| number(mark.pos)).transpose();
        let head = |mark: Option<Mark>| mark.map(|mark| mark.head.0.to_vec());
        Ok(feed_cursor::Model {
            origin: self.origin,
            audience: self.audience.to_string(),
            epoch: cursor.epoch.map(|epoch| epoch.0),
            pos: number(cursor.pos)?,
            head: cursor.head.0.to_vec(),
            generation: number(cursor.generation)?,
            state: cursor.state.word().to_owned(),
            boot_pos: pos(cursor.boot)?,
            boot_head: head(cursor.boot),
            skip_pos: pos(cursor.skip)?,
            skip_head: head(cursor.skip),
            verified_at: cursor.verified_at,
            signed_at: cursor.signed_at,
        })
    }
}

/// The feeds of a site in which this host stands somewhere.
pub(super) async fn of_site(work: &Work<'_>, site: SiteId) -> Result<Vec<Feed>> {
    let rows = feed_cursor::Entity::find()
        .select_only()
        .column(feed_cursor::Column::Audience)
        .filter(feed_cursor::Column::Origin.eq(site));
    let audiences = rows.into_tuple::<String>().all(work.db()).await?;
    audiences
        .iter()
        .map(|audience| {
            let audience = audience.parse().map_err(Error::internal)?;
            Ok(Feed { origin: site, audience })
        })
        .collect()
}

fn read(row: feed_cursor::Model) -> Result<Cursor> {
    let mark = |pos: Option<i64>, head: Option<Vec<u8>>| -> Result<Option<Mark>> {
        let (Some(pos), Some(head)) = (pos, head) else {
            return Ok(None);
        };
        let (pos, head) = (count(pos)?, Head(exact(&head)?));
        Ok(Some(Mark { pos, head }))
    };
    Ok(Cursor {
        epoch: row.epoch.map(Epoch),
        pos: count(row.pos)?,
        head: Head(exact(&row.head)?),
        generation: count(row.generation)?,
        state: State::from_word(&row.state).ok_or_else(|| Error::internal("an unknown state of a cursor"))?,
        boot: mark(row.boot_pos, row.boot_head)?,
        skip: mark(row.skip_pos, row.skip_head)?,
        verified_at: row.verified_at,
        signed_at: row.signed_at,
    })
}

/// A position or generation as the database counts it.
pub(super) fn number(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(Error::internal)
}

/// A position or generation as the database has it.
pub(super) fn count(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(Error::internal)
}
