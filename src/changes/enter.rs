//! Writing lines, at the end of a work and in its transaction.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    Kind, SiteId, champion, change, change_told, impact_measure, impact_release, post, project, resource,
    resource_overlay, resource_proposal, site, space, thread,
};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Uuid,
    sea_query::OnConflict,
};

use super::access;
use crate::{database::ROWS_A_STATEMENT, error::Result, policy::Access, scope::Scoped};

/// The kinds of records that are followed.
pub const FOLLOWED: [Kind; 11] = [
    Kind::Site,
    Kind::Project,
    Kind::Champion,
    Kind::Resource,
    Kind::ResourceOverlay,
    Kind::ResourceProposal,
    Kind::Space,
    Kind::Thread,
    Kind::Post,
    Kind::ImpactMeasure,
    Kind::ImpactRelease,
];

/// A record as the work leaves it.
struct Present {
    home: SiteId,
    access: String,
    /// Of a post: its thread, and its place there.
    place: Option<(Uuid, i64)>,
}

/// A record that a work has changed: what the log said of it last, and what it is now.
struct Changed<'a> {
    id: Uuid,
    before: Option<&'a String>,
    after: Option<&'a Present>,
}

impl Changed<'_> {
    /// Whether the rules read the same of it as before.
    fn is_same(&self) -> bool {
        self.before == self.after.map(|after| &after.access)
    }

    /// Where it stands among the posts of its thread.
    fn position(&self) -> i64 {
        let place = self.after.and_then(|after| after.place);
        place.map(|(_, position)| position).unwrap_or_default()
    }

    /// Its home; none of what was never there.
    fn home(&self) -> Result<Option<SiteId>> {
        match (self.before, self.after) {
            (_, Some(after)) => Ok(Some(after.home)),
            (Some(before), None) => Ok(access::read(before)?.first().map(|row| row.home)),
            (None, None) => Ok(None),
        }
    }

    /// Its line in the log.
    fn line(&self, at: DateTime<Utc>, kind: Kind) -> Result<Option<change::ActiveModel>> {
        let Some(home) = self.home()? else { return Ok(None) };
        let place = self.after.and_then(|after| after.place);
        Ok(Some(change::ActiveModel {
            id: NotSet,
            transaction_id: NotSet,
            at: Set(at),
            site_id: Set(home.0),
            kind: Set(kind),
            record_id: Set(self.id),
            thread_id: Set(place.map(|(thread, _)| thread)),
            access_before: Set(self.before.filter(|_| !self.is_same()).cloned()),
            access_after: Set(self.after.map(|after| after.access.clone())),
            was_there: Set(self.before.is_some()),
        }))
    }
}

/// Writes the lines of a work: of each changed record, with whether something of it has changed that the rules do not read.
/// Tells whether there are any.
///
/// What the log said last of a record is locked before the record is read, so that of two works at once the second compares
/// with what the first has left. A work takes these locks last and in one order: nobody waits for another in a circle.
///
/// # Errors
/// Only when the database fails.
pub async fn enter(db: &DatabaseTransaction, at: DateTime<Utc>, changed: BTreeMap<(Kind, Uuid), bool>) -> Result<bool> {
    let mut by_kind: BTreeMap<Kind, Vec<(Uuid, bool)>> = BTreeMap::new();
    for ((kind, id), certain) in changed {
        if FOLLOWED.contains(&kind) {
            by_kind.entry(kind).or_default().push((id, certain));
        }
    }
    let mut any = false;
    for (kind, records) in by_kind {
        for records in records.chunks(ROWS_A_STATEMENT) {
            any |= enter_some(db, at, kind, records).await?;
        }
    }
    Ok(any)
}

async fn enter_some(db: &DatabaseTransaction, at: DateTime<Utc>, kind: Kind, records: &[(Uuid, bool)]) -> Result<bool> {
    let ids: Vec<_> = records.iter().map(|(id, _)| *id).collect();
    let told = told(db, &ids).await?;
    let present = present(db, kind, &ids).await?;
    let mut changed = Vec::new();
    for (id, certain) in records {
        let (before, after) = (told.get(id), present.get(id));
        let record = Changed { id: *id, before, after };
        if *certain || !record.is_same() {
            changed.push(record);
        }
    }
    // Posts of one work are told in the order of their thread.
    changed.sort_by_key(Changed::position);
    let lines = changed.iter().filter_map(|record| record.line(at, kind).transpose());
    let lines: Vec<_> = lines.collect::<Result<_>>()?;
    let any = !lines.is_empty();
    if any {
        change::Entity::insert_many(lines).exec_without_returning(db).await?;
    }
    remember(db, &changed).await?;
    Ok(any)
}

/// What the log said last of records, locked.
async fn told(db: &DatabaseTransaction, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
    let told = change_told::Entity::find()
        .filter(change_told::Column::RecordId.is_in(ids.iter().copied()))
        .order_by_asc(change_told::Column::RecordId)
        .lock_exclusive();
    let told = told.all(db).await?.into_iter();
    Ok(told.map(|row| (row.record_id, row.access)).collect())
}

/// Keeps what the log now says last of records.
async fn remember(db: &DatabaseTransaction, changed: &[Changed<'_>]) -> Result<()> {
    use change_told::{ActiveModel, Column, Entity};
    let moved = changed.iter().filter(|record| !record.is_same());
    let anew = moved.clone().filter_map(|record| {
        let access = record.after?.access.clone();
        Some(ActiveModel {
            record_id: Set(record.id),
            access: Set(access),
        })
    });
    let anew: Vec<_> = anew.collect();
    if !anew.is_empty() {
        let replace = OnConflict::column(Column::RecordId)
            .update_column(Column::Access)
            .to_owned();
        let insert = Entity::insert_many(anew).on_conflict(replace);
        insert.exec_without_returning(db).await?;
    }
    let gone = moved.filter(|record| record.after.is_none()).map(|record| record.id);
    let gone: Vec<_> = gone.collect();
    if !gone.is_empty() {
        let gone = Entity::delete_many().filter(Column::RecordId.is_in(gone));
        gone.exec(db).await?;
    }
    Ok(())
}

/// The records of a kind as they are now, without those that are gone.
async fn present(db: &DatabaseTransaction, kind: Kind, ids: &[Uuid]) -> Result<HashMap<Uuid, Present>> {
    macro_rules! of {
        ($($table:ident),+) => {$(
            if kind == <$table::Entity as Scoped>::KIND {
                return rows::<$table::Entity>(db, ids, |_| None).await;
            }
        )+};
    }
    of!(
        site,
        project,
        champion,
        resource,
        resource_overlay,
        resource_proposal,
        space,
        thread,
        impact_measure,
        impact_release
    );
    rows::<post::Entity>(db, ids, |row| Some((row.thread_id.0, row.position))).await
}

async fn rows<E: Scoped>(
    db: &DatabaseTransaction,
    ids: &[Uuid],
    place: impl Fn(&E::Model) -> Option<(Uuid, i64)>,
) -> Result<HashMap<Uuid, Present>> {
    let rows = E::find().filter(E::id_column().is_in(ids.iter().copied()));
    let mut present = HashMap::with_capacity(ids.len());
    for row in rows.all(db).await? {
        let accesses = E::accesses(&row);
        let entry = Present {
            home: accesses.first().map_or(SiteId(Uuid::nil()), |own: &Access| own.home),
            access: access::print(&accesses)?,
            place: place(&row),
        };
        present.insert(E::id(&row).into(), entry);
    }
    Ok(present)
}
