//! What the feeds of this host's sites say, against the records themselves: what the sequencer would write now is what the feeds
//! do not say. Records that wait for it are left out.

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::{Kind, SiteId, SiteStatus, feed_entry, feed_head, feed_shared, placement, resource_proposal, site};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, prelude::Uuid, sea_query::ExprTrait,
};
use serde_json::Value;

use super::{Look, ROWS_AT_ONCE, name};
use crate::{
    error::{Error, Result},
    federation::{
        content::{self, Content},
        directory, feeds,
        protocol::{
            publisher::{self, Feed, Written},
            rules::Rules,
        },
        sequencer,
        wire::{Audience, Header, Operation, Salt},
    },
    forum, share,
};

/// The feeds of one site.
struct Said {
    site: SiteId,
    feeds: BTreeMap<Audience, Feed>,
    /// The first fault of each type.
    found: BTreeMap<&'static str, String>,
}

/// Compares the records of every site that publishes.
pub(super) async fn look(look: &mut Look<'_>) -> Result<()> {
    // What a suspended site writes waits, and who has left shares nothing.
    let publishes = |site: &site::Model| matches!(site.status, SiteStatus::Active | SiteStatus::Applied);
    for site in look.hosted().into_iter().filter(publishes) {
        let heads = feed_head::Entity::find()
            .filter(feed_head::Column::Origin.eq(site.id))
            .filter(feed_head::Column::Pos.gt(0));
        let mut said = Said {
            site: site.id,
            feeds: BTreeMap::new(),
            found: BTreeMap::new(),
        };
        for row in heads.all(look.db).await? {
            if let Ok(feed) = feeds::stored(&row) {
                said.feeds.insert(feed.audience, feed);
            }
        }
        for kind in Kind::ALL {
            said.records(look, *kind).await?;
        }
        said.of_others(look).await?;
        for what in std::mem::take(&mut said.found).into_values() {
            look.find(site.id, what);
        }
        shown(look, site.id).await?;
    }
    Ok(())
}

impl Said {
    /// The site's own records of a kind.
    async fn records(&mut self, look: &mut Look<'_>, kind: Kind) -> Result<()> {
        let mut after = None;
        loop {
            let ids = content::page(look.db, self.site, kind, after, ROWS_AT_ONCE).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = Some(*last);
            look.report.records += ids.len() as u64;
            self.compare(look, kind, ids).await?;
        }
    }

    /// What it says of other sites' records: the directory, how it places threads and posts, what it decides.
    async fn of_others(&mut self, look: &mut Look<'_>) -> Result<()> {
        if directory::is_kept_here(look.db).await? {
            let all: Vec<_> = look.all.iter().map(|site| site.id.0).collect();
            for ids in all.chunks(ROWS_AT_ONCE as usize) {
                self.compare(look, Kind::Site, ids.to_vec()).await?;
            }
        }
        for kind in [Kind::Thread, Kind::Post] {
            let mut after = None;
            loop {
                let placed = placement::Entity::find()
                    .select_only()
                    .column(placement::Column::SubjectId)
                    .filter(placement::Column::SiteId.eq(self.site))
                    .filter(placement::Column::Kind.eq(kind))
                    .apply_if(after, |rows, after: Uuid| {
                        rows.filter(placement::Column::SubjectId.gt(after))
                    })
                    .order_by_asc(placement::Column::SubjectId)
                    .limit(ROWS_AT_ONCE);
                let ids: Vec<Uuid> = placed.into_tuple().all(look.db).await?;
                let Some(last) = ids.last() else { break };
                after = Some(*last);
                self.compare(look, kind, ids).await?;
            }
        }
        let mut after = None;
        loop {
            let decided = resource_proposal::Entity::find()
                .select_only()
                .column(resource_proposal::Column::Id)
                .filter(resource_proposal::Column::NationalSiteId.eq(self.site))
                .apply_if(after, |rows, after: Uuid| {
                    rows.filter(resource_proposal::Column::Id.gt(after))
                })
                .order_by_asc(resource_proposal::Column::Id)
                .limit(ROWS_AT_ONCE);
            let ids: Vec<Uuid> = decided.into_tuple().all(look.db).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = Some(*last);
            self.compare(look, Kind::ResourceProposal, ids).await?;
        }
    }

    async fn compare(&mut self, look: &Look<'_>, kind: Kind, mut ids: Vec<Uuid>) -> Result<()> {
        let waiting = look.waiting(self.site, Some(kind), &ids).await?;
        ids.retain(|id| !waiting.contains(id));
        if ids.is_empty() {
            return Ok(());
        }
        for content in content::of(look.db, self.site, kind, &ids).await? {
            self.judge(look, content).await?;
        }
        Ok(())
    }

    /// Notes the first entry that the sequencer would write.
    async fn judge(&mut self, look: &Look<'_>, content: Content) -> Result<()> {
        let kind = content.shape.kind;
        if self.found.contains_key(kind) {
            return Ok(());
        }
        let said = sequencer::said(look.db, self.site, &content.records).await?;
        let erased = look.erased(self.site, &content.records)?;
        for (audience, drafts) in sequencer::drafts(content, &said) {
            let last = |id| said.get(&(audience, id)).copied();
            let Some(feed) = self.feeds.get(&audience) else {
                if let Some(draft) = drafts.first() {
                    let what = format!(
                        "feed {audience}: it is not here, and {} is for it",
                        name(kind, draft.gid)
                    );
                    self.found.insert(kind, what);
                }
                continue;
            };
            let (now, salt) = (look.app.clock.now(), || Salt([0; 16]));
            let due = publisher::append(
                feed,
                &drafts,
                last,
                |id| erased.contains(&id),
                salt,
                now,
                Rules::default(),
            );
            if let Some(due) = due.entries.first() {
                let shown = last(due.gid).is_some_and(|last| last.op == Operation::Put);
                self.found
                    .insert(kind, format!("feed {audience}: {}", due_of(kind, due, shown)));
            }
        }
        Ok(())
    }
}

/// What an entry that is due says of the feed without it.
fn due_of(kind: &str, due: &Written, shown: bool) -> String {
    let record = name(kind, due.gid);
    match (due.emitted.op, shown) {
        (Operation::Put, true) => format!("what it says of {record} is not what the record is"),
        (Operation::Put | Operation::Open, _) => format!("it does not show {record}, which is shared"),
        (Operation::Delete, _) => format!("it shows {record}, which is not shared"),
        (Operation::Erase, _) => format!("it still tells of {record}, which is gone for ever"),
    }
}

/// Notes the first record that a site's feeds show and that is not here at all, and the first of which they last said something
/// else than stands in their entries.
async fn shown(look: &mut Look<'_>, site: SiteId) -> Result<()> {
    let mut after: Option<(String, Uuid)> = None;
    loop {
        let rows = feed_shared::Entity::find()
            .filter(feed_shared::Column::Origin.eq(site))
            .apply_if(after.as_ref(), |rows, (audience, record)| {
                let same = feed_shared::Column::Audience
                    .eq(audience)
                    .and(feed_shared::Column::RecordId.gt(*record));
                rows.filter(feed_shared::Column::Audience.gt(audience).or(same))
            })
            .order_by_asc(feed_shared::Column::Audience)
            .order_by_asc(feed_shared::Column::RecordId)
            .limit(ROWS_AT_ONCE);
        let rows = rows.all(look.db).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some((last.audience.clone(), last.record_id));
        look.pass(rows.len());
        let page = Page::of(look, site, rows).await?;
        if let Some(what) = page.fault(look).await? {
            look.find(site, what);
            return Ok(());
        }
    }
}

/// Some of what feeds last said, with the entries in which they said it.
struct Page {
    site: SiteId,
    rows: Vec<feed_shared::Model>,
    entries: HashMap<(String, i64), feed_entry::Model>,
}

impl Page {
    async fn of(look: &Look<'_>, site: SiteId, rows: Vec<feed_shared::Model>) -> Result<Self> {
        let mut entries = HashMap::new();
        let heads = feed_head::Entity::find().filter(feed_head::Column::Origin.eq(site));
        for head in heads.all(look.db).await? {
            let positions = rows
                .iter()
                .filter(|row| row.audience == head.audience)
                .map(|row| row.pos);
            let found = feed_entry::Entity::find()
                .filter(feed_entry::Column::Origin.eq(site))
                .filter(feed_entry::Column::Audience.eq(&head.audience))
                .filter(feed_entry::Column::Epoch.eq(head.epoch))
                .filter(feed_entry::Column::Pos.is_in(positions));
            let found = found.all(look.db).await?.into_iter();
            entries.extend(found.map(|entry| ((entry.audience.clone(), entry.pos), entry)));
        }
        Ok(Self { site, rows, entries })
    }

    async fn fault(&self, look: &Look<'_>) -> Result<Option<String>> {
        let mut shown: BTreeMap<String, Vec<(Uuid, &feed_entry::Model)>> = BTreeMap::new();
        for row in &self.rows {
            let entry = self.entries.get(&(row.audience.clone(), row.pos));
            let header = entry.and_then(|entry| Header::parse(&entry.header).ok());
            let Some((entry, header)) = entry.zip(header) else {
                return Ok(Some(unsaid(row)));
            };
            let hash = header.ph.map(|hash| hash.0.to_vec());
            if (header.gid, header.op.word()) != (row.record_id, row.operation.as_str()) || hash != row.payload_hash {
                return Ok(Some(unsaid(row)));
            }
            if header.op == Operation::Put {
                shown.entry(header.kind).or_default().push((row.record_id, entry));
            }
        }
        for (kind, records) in shown {
            let here = here(look, &kind, &records).await?;
            let gone = records.iter().map(|(id, _)| *id).filter(|id| !here.contains(id));
            let gone: Vec<_> = gone.collect();
            let waiting = look.waiting(self.site, None, &gone).await?;
            if let Some(gone) = gone.into_iter().find(|id| !waiting.contains(id)) {
                return Ok(Some(format!("feed: it shows {}, which is not here", name(&kind, gone))));
            }
        }
        Ok(None)
    }
}

fn unsaid(row: &feed_shared::Model) -> String {
    let (audience, pos, record) = (&row.audience, row.pos, row.record_id);
    format!("feed {audience}: entry {pos} is not what the feed is noted to have said last of {record}")
}

/// Those of the records of a type that are here in some table.
async fn here(look: &Look<'_>, kind: &str, records: &[(Uuid, &feed_entry::Model)]) -> Result<HashSet<Uuid>> {
    let ids: Vec<_> = records.iter().map(|(id, _)| *id).collect();
    if kind == forum::feed::PLACEMENT.kind {
        return placed(look, &ids).await;
    }
    if kind != share::DECISION.kind {
        return Ok(content::homes(look.db, &ids).await?.into_keys().collect());
    }
    // A decision is on a proposal, which its payload names.
    let on = |entry: &feed_entry::Model| -> Option<Uuid> {
        let payload: Value = serde_json::from_str(entry.payload.as_deref()?).ok()?;
        payload["proposal"].as_str()?.parse().ok()
    };
    let named: HashMap<_, _> = records
        .iter()
        .filter_map(|(id, entry)| Some((on(entry)?, *id)))
        .collect();
    let proposals: Vec<_> = named.keys().copied().collect();
    let found = content::homes(look.db, &proposals).await?;
    Ok(found.into_keys().filter_map(|id| named.get(&id).copied()).collect())
}

/// Those of the records that are placements here.
pub(super) async fn placed(look: &Look<'_>, records: &[Uuid]) -> Result<HashSet<Uuid>> {
    let placed = placement::Entity::find()
        .select_only()
        .column(placement::Column::RecordId)
        .filter(placement::Column::RecordId.is_in(records.iter().copied()));
    Ok(placed
        .into_tuple()
        .all(look.db)
        .await
        .map_err(Error::from)?
        .into_iter()
        .collect())
}
