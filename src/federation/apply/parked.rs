//! Entries that this host could not take when they came: tried again when what they wait for is here, and at every start.

use entity::{SiteId, feed_parked};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid};

use super::{
    carry::{Carried, Carrier},
    cursors::Feed,
    replica::Loaded,
};
use crate::{
    app::Work,
    database::ROWS_A_STATEMENT,
    error::{Error, Result},
    federation::{
        content::Known,
        directory,
        feeds::exact,
        protocol::{
            apply::{Content, Reason, Retried, retry},
            rules::Rules,
        },
        wire::{Entry, Header, Origin, Salt, Status},
    },
    share,
};

/// Parked entries, with their bytes, that are tried again in one transaction.
const PARKED_AT_ONCE: u64 = 100;

impl Carried {
    /// Tries again what has waited for the records that came, and for those that come by that.
    pub(super) async fn retry(&mut self, work: &mut Work<'_>, reading: Feed, generation: u64) -> Result<()> {
        while !self.came.is_empty() {
            let came: Vec<_> = std::mem::take(&mut self.came).into_iter().collect();
            for came in came.chunks(ROWS_A_STATEMENT) {
                let waiting = feed_parked::Entity::find()
                    .filter(feed_parked::Column::WaitsFor.is_in(came.iter().copied()))
                    .order_by_asc(feed_parked::Column::Origin)
                    .order_by_asc(feed_parked::Column::Pos);
                for row in waiting.all(work.db()).await? {
                    self.again(work, (reading, generation), row).await?;
                }
            }
        }
        Ok(())
    }

    /// Tries one parked entry again.
    pub(super) async fn again(
        &mut self,
        work: &mut Work<'_>,
        (reading, generation): (Feed, u64),
        row: feed_parked::Model,
    ) -> Result<()> {
        let feed = Feed {
            origin: row.origin,
            audience: row.audience.parse().map_err(Error::internal)?,
        };
        let standing = directory::standing(work.db(), feed.origin).await?;
        let Some(standing) = standing.filter(|standing| standing.status == Status::Active) else {
            return Ok(());
        };
        let generation = if feed == reading {
            generation
        } else {
            feed.lock(work).await?.generation
        };
        let entry = Entry {
            header: row.header.clone(),
            salt: row.salt.as_deref().map(exact).transpose()?.map(Salt),
            payload: row.payload.clone(),
        };
        let loaded = Loaded::of(work, feed, gids(&entry, feed)?).await?;
        let rules = Rules::default();
        let tried = retry(&entry, feed.audience, generation, &standing, &Known, &loaded, rules);
        match tried.map_err(Error::internal)? {
            Retried::Applies(effect) => {
                let mut carrier = Carrier::new(feed, generation, &loaded);
                carrier.effect(work, self, effect, &entry).await?;
                carrier.write(work, self).await
            }
            Retried::Waits(reason) => {
                let waits_for = match &reason {
                    Reason::SpaceUnknown(space) => Some(*space),
                    _ => None,
                };
                let reason = reason.to_string();
                let row = feed_parked::Model {
                    reason,
                    waits_for,
                    ..row
                };
                share::store::<feed_parked::Entity>(work.db(), row).await
            }
            Retried::Superseded => {
                let key = (row.origin, row.audience, row.pos);
                feed_parked::Entity::delete_by_id(key).exec(work.db()).await?;
                Ok(())
            }
        }
    }
}

/// Every record that judging an entry will ask about.
fn gids(entry: &Entry, feed: Feed) -> Result<Vec<Uuid>> {
    let header = Header::parse(&entry.header).map_err(Error::internal)?;
    let facts = entry
        .payload
        .as_deref()
        .and_then(|payload| Known.check(&header, payload, Origin(feed.origin.0), feed.audience).ok());
    let named = facts.map(|facts| [facts.author, facts.space]).unwrap_or_default();
    let named = named.into_iter().chain([Some(header.gid), header.parent]);
    Ok(named.flatten().collect())
}

/// Where a parked entry stands among all.
pub(super) type Place = (SiteId, String, i64);

/// The place of a parked entry.
pub(super) fn place(row: &feed_parked::Model) -> Place {
    (row.origin, row.audience.clone(), row.pos)
}

/// Some entries that this host could not take when they came, behind a place.
pub(super) async fn unfit(work: &Work<'_>, after: Option<&Place>) -> Result<Vec<feed_parked::Model>> {
    use feed_parked::{Column, Entity};
    let mut rows = Entity::find()
        .filter(Column::WaitsFor.is_null())
        .order_by_asc(Column::Origin)
        .order_by_asc(Column::Audience)
        .order_by_asc(Column::Pos)
        .limit(PARKED_AT_ONCE);
    if let Some((origin, audience, pos)) = after {
        let in_feed = Condition::all()
            .add(Column::Origin.eq(*origin))
            .add(Column::Audience.eq(audience));
        let in_site = Condition::all()
            .add(Column::Origin.eq(*origin))
            .add(Column::Audience.gt(audience));
        let behind = Condition::any()
            .add(Column::Origin.gt(*origin))
            .add(in_site)
            .add(in_feed.add(Column::Pos.gt(*pos)));
        rows = rows.filter(behind);
    }
    Ok(rows.all(work.db()).await?)
}
