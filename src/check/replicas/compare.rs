//! Copies against the entries of a feed that this host relays itself: what is written again from the rows is compared with what
//! the origin wrote.

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::{Kind, SiteId, SiteStatus, feed_cursor, feed_entry, feed_head, feed_parked, feed_skipped, ids, replica};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};
use serde_json::Value;

use super::super::{Look, name};
use crate::{
    error::Result,
    federation::{
        content,
        protocol::cursor::State,
        wire::{Audience, Operation},
    },
    forum,
};

/// Fields that a copy has by other records: a thread has the visibility and the place of its space, a post those of its thread.
const BY_OTHERS: [(&str, &str); 3] = [("thread", "space"), ("thread", "visibility"), ("post", "visibility")];

/// Fields that a site may have given to another of its records since.
const GIVEN_AWAY: [&str; 1] = ["odsCode"];

/// A feed whose entries are kept here and which was read to its end.
pub(super) struct Kept {
    origin: SiteId,
    audience: String,
    epoch: Uuid,
}

impl Kept {
    /// The feed, when it can be compared.
    pub(super) async fn of(look: &Look<'_>, origin: SiteId, audience: &str) -> Result<Option<Self>> {
        let active = look
            .all
            .iter()
            .any(|site| site.id == origin && site.status == SiteStatus::Active);
        let network = audience == Audience::Network.to_string();
        let key = (origin, audience.to_owned());
        let head = feed_head::Entity::find_by_id(key.clone()).one(look.db).await?;
        let cursor = feed_cursor::Entity::find_by_id(key).one(look.db).await?;
        let (Some(head), Some(cursor)) = (head, cursor) else {
            return Ok(None);
        };
        let read = (cursor.epoch, cursor.pos, &cursor.head) == (Some(head.epoch), head.pos, &head.head);
        let swept = [State::Live.word(), State::Stale.word()].contains(&cursor.state.as_str());
        let epoch = head.epoch;
        let audience = audience.to_owned();
        Ok(
            (active && network && read && swept && !look.is_hosted(origin)).then_some(Self {
                origin,
                audience,
                epoch,
            }),
        )
    }

    /// The first copy that is not as its feed says.
    pub(super) async fn compare(&self, look: &Look<'_>, rows: &[replica::Model]) -> Result<Option<String>> {
        let shown: Vec<_> = rows
            .iter()
            .filter(|row| row.operation == Operation::Put.word() && row.pos > 0)
            .collect();
        let waiting = self.waiting(look, &shown).await?;
        let entries = self.entries(look, &shown).await?;
        let mut said: BTreeMap<&str, Vec<(Uuid, &str)>> = BTreeMap::new();
        for row in shown.into_iter().filter(|row| !waiting.contains(&row.record_id)) {
            let entry = entries.get(&row.pos).filter(|entry| entry.record_id == row.record_id);
            let Some(payload) = entry.and_then(|entry| entry.payload.as_deref()) else {
                let what = format!(
                    "entry {} of it does not show {}",
                    row.pos,
                    name(&row.kind, row.record_id)
                );
                return Ok(Some(what));
            };
            said.entry(&row.kind).or_default().push((row.record_id, payload));
        }
        for (kind, said) in said {
            if let Some(what) = self.of_kind(look, kind, said).await? {
                return Ok(Some(what));
            }
        }
        Ok(None)
    }

    /// Those of the records of which something newer could not be taken in yet.
    async fn waiting(&self, look: &Look<'_>, rows: &[&replica::Model]) -> Result<HashSet<Uuid>> {
        let ids: Vec<_> = rows.iter().map(|row| row.record_id).collect();
        let mut waiting = HashSet::new();
        macro_rules! waiting {
            ($($table:ident),+) => {$(
                let found = $table::Entity::find()
                    .select_only()
                    .column($table::Column::RecordId)
                    .filter($table::Column::Origin.eq(self.origin))
                    .filter($table::Column::RecordId.is_in(ids.iter().copied()));
                waiting.extend(found.into_tuple::<Uuid>().all(look.db).await?);
            )+};
        }
        waiting!(feed_parked, feed_skipped);
        Ok(waiting)
    }

    async fn entries(&self, look: &Look<'_>, rows: &[&replica::Model]) -> Result<HashMap<i64, feed_entry::Model>> {
        let entries = feed_entry::Entity::find()
            .filter(feed_entry::Column::Origin.eq(self.origin))
            .filter(feed_entry::Column::Audience.eq(&self.audience))
            .filter(feed_entry::Column::Epoch.eq(self.epoch))
            .filter(feed_entry::Column::Pos.is_in(rows.iter().map(|row| row.pos)));
        Ok(entries
            .all(look.db)
            .await?
            .into_iter()
            .map(|entry| (entry.pos, entry))
            .collect())
    }

    async fn of_kind(&self, look: &Look<'_>, kind: &str, said: Vec<(Uuid, &str)>) -> Result<Option<String>> {
        let (subject, shape) = match Kind::from_prefix(kind) {
            Some(of) => (of, kind),
            // A placement travels with what it places.
            None if kind == forum::feed::PLACEMENT.kind => return self.placements(look, said).await,
            None => return Ok(None),
        };
        let ids: Vec<_> = said.iter().map(|(id, _)| *id).collect();
        let rows = self.written(look, subject, &ids, shape).await?;
        for (id, payload) in said {
            let Some(row) = rows.get(&id) else {
                // Nobody sees here yet what belongs to something that has not come.
                if matches!(subject, Kind::Thread | Kind::Post | Kind::ResourceEdition) {
                    continue;
                }
                return Ok(Some(format!("{} is not shown here as its feed says", name(kind, id))));
            };
            if let Some(field) = difference(subject, id, payload, row) {
                let what = format!("{} has another {field} than its feed says", name(kind, id));
                return Ok(Some(what));
            }
        }
        Ok(None)
    }

    async fn placements(&self, look: &Look<'_>, said: Vec<(Uuid, &str)>) -> Result<Option<String>> {
        let shape = forum::feed::PLACEMENT.kind;
        for of in [Kind::Thread, Kind::Post] {
            let of_kind: Vec<_> = said
                .iter()
                .filter_map(|(id, payload)| Some((*id, *payload, subject(of, payload)?)))
                .collect();
            let subjects: Vec<_> = of_kind.iter().map(|(_, _, subject)| *subject).collect();
            let rows = self.written(look, of, &subjects, shape).await?;
            for (id, payload, _) in of_kind {
                let Some(row) = rows.get(&id) else { continue };
                if let Some(field) = difference(of, id, payload, row) {
                    return Ok(Some(format!(
                        "{} has another {field} than its feed says",
                        name(shape, id)
                    )));
                }
            }
        }
        Ok(None)
    }

    /// What the site would write of records, by the rows that are here.
    async fn written(&self, look: &Look<'_>, kind: Kind, ids: &[Uuid], shape: &str) -> Result<HashMap<Uuid, String>> {
        let mut written = HashMap::new();
        for content in content::of(look.db, self.origin, kind, ids).await? {
            if content.shape.kind == shape {
                written.extend(content.shares.into_iter().map(|share| (share.id, share.payload)));
            }
        }
        Ok(written)
    }
}

/// What a placement places, when it is of a kind.
fn subject(kind: Kind, payload: &str) -> Option<Uuid> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    let is_of_kind = payload["kind"] == kind.as_str();
    payload["subject"].as_str().filter(|_| is_of_kind)?.parse().ok()
}

/// The first field in which a row is not what its feed says.
fn difference(kind: Kind, id: Uuid, said: &str, row: &str) -> Option<String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (said, row) = (parse(said), parse(row));
    let fields: BTreeMap<_, _> = said.as_object()?.iter().collect();
    let differs = |(field, said): (&&String, &&Value)| {
        let now = &row[field.as_str()];
        let by_others = BY_OTHERS.contains(&(kind.prefix(), field.as_str()));
        let given_away = now.is_null() && GIVEN_AWAY.contains(&field.as_str());
        !(now == *said || by_others || given_away || is_unknown(said, now) || is_renamed(kind, id, now))
    };
    fields
        .iter()
        .find(|field| differs((field.0, field.1)))
        .map(|(field, _)| (*field).clone())
}

/// Whether a row names less because what it would name is not here: somebody's card, say.
fn is_unknown(said: &Value, now: &Value) -> bool {
    let named = |value: &Value| value.as_str().is_some_and(|text| text.parse::<Uuid>().is_ok());
    match (said, now) {
        (said, Value::Null) => named(said),
        (Value::Array(said), Value::Array(now)) => {
            said.iter().all(Value::is_object) && now.iter().all(|one| said.contains(one))
        }
        _ => false,
    }
}

/// Whether another record of the site has the name now that this one had.
fn is_renamed(kind: Kind, id: Uuid, now: &Value) -> bool {
    now.as_str().is_some_and(|now| now == ids::print(kind, id))
}
