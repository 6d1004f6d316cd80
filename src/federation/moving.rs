//! Moving a site to another host (`docs/federation.md`, section 8): a file takes everything of it, its key included, and the
//! new host begins a new epoch under a new key that the old one proves.
//!
//! | step | what happens |
//! |---|---|
//! | [`export`] | in one transaction the old host writes down the site and stops publishing and changing it |
//! | [`import`] | the new host takes it in, opens a new epoch, and has the hub take in a new key |
//! | [`hand_over`] | the old host, when it hears of that key, keeps copies of what is shared and deletes the rest |

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{
    Kind, SiteId, SiteKind, champion, feed_cursor, feed_entry, feed_held, feed_parked, feed_seen, feed_shared,
    feed_skipped, impact_measure, impact_month, impact_release, issuer, moderation_action, observation, organisation,
    placement, post, project, replica, report, resource, resource_edition, resource_overlay, resource_proposal, site,
    site_key, space, support_session, thread, trusted_key,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    prelude::Uuid,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    apply, content, directory, host, keys, relay, sequencer,
    wire::{Audience, Header, Operation, Previous, PublicKey},
};
use crate::{
    app::{App, Work},
    error::{Error, Result},
    forum::feed::{Touched, settle},
    scope::Scoped,
    share, sites,
};

pub mod rows;

/// What the first line of a file says that it is.
const FORMAT: &str = "champion-network-site@1";

/// Rows that go into one statement.
const ROWS_A_STATEMENT: usize = 500;

/// The first line of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    format: String,
    /// The site.
    pub site: SiteId,
    slug: String,
    name: String,
    region: Option<String>,
    ods_code: Option<String>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    national: Keeper,
    /// Where its feeds end.
    feeds: Vec<(Audience, Previous)>,
}

/// The network that the site is in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keeper {
    id: SiteId,
    slug: String,
    name: String,
    key: PublicKey,
    root: Option<PublicKey>,
}

/// A line behind the first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    table: String,
    row: Map<String, Value>,
}

/// The last line of a file: how many came between.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    end: usize,
}

/// Writes a site of this host down and stops publishing and changing it here. Nothing is deleted before its new host has
/// taken over; until then [`keep`] takes it back.
///
/// # Errors
/// A problem for the national site, or for one that is not in a network.
pub async fn export(app: &App, id: SiteId) -> Result<String> {
    sequencer::run(app).await?;
    let export = async |work: &mut Work<'_>| {
        sequencer::say_the_rest(work, id).await?;
        let found = site::Entity::find_by_id(id).lock_exclusive().one(work.db()).await?;
        let row = found.ok_or(Error::NotFound(Kind::Site))?;
        if row.kind == SiteKind::National {
            return Err(Error::not_now(
                "The national site keeps the directory: it does not move.",
            ));
        }
        let text = written(work, &row).await?;
        let mut stopped = row.into_active_model();
        stopped.hosted = Set(false);
        stopped.exported_at = Set(Some(work.now()));
        work.update::<site::Entity>(stopped).await?;
        Ok(text)
    };
    app.system("site export", export).await
}

/// Takes a site back that was exported and that no other host has taken over.
///
/// # Errors
/// A problem when it was not, or has moved on.
pub async fn keep(app: &App, id: SiteId) -> Result<()> {
    let keep = async |work: &mut Work<'_>| {
        let found = site::Entity::find_by_id(id).lock_exclusive().one(work.db()).await?;
        let row = found.filter(|row| row.exported_at.is_some());
        let row = row.ok_or_else(|| Error::not_now("This site was not exported, or its new host has taken over."))?;
        let mut kept = row.into_active_model();
        kept.hosted = Set(true);
        kept.exported_at = Set(None);
        work.update::<site::Entity>(kept).await?;
        Ok(())
    };
    app.system("site keep", keep).await
}

async fn written(work: &Work<'_>, row: &site::Model) -> Result<String> {
    let db = work.db();
    let national = sites::ops::national(db).await?;
    let national = national.ok_or_else(|| Error::not_now("This host is in no network: the site has nowhere to go."))?;
    let key = national.public_key.as_deref().and_then(PublicKey::parse);
    let moved = Moved {
        format: FORMAT.to_owned(),
        site: row.id,
        slug: row.slug.clone(),
        name: row.name.clone(),
        region: row.region.clone(),
        ods_code: row.ods_code.clone(),
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        national: Keeper {
            id: national.id,
            slug: national.slug,
            name: national.name,
            key: key.ok_or_else(|| Error::internal("the national site has no key"))?,
            root: host::root(db).await?,
        },
        feeds: relay::of_site(db, row.id)
            .await?
            .iter()
            .map(|(audience, feed, _)| (*audience, feed.ended()))
            .collect(),
    };
    let mut lines = vec![serde_json::to_string(&moved).map_err(Error::internal)?];
    let mut take = |table: &'static str, row: Value| {
        let line = serde_json::json!({ "table": table, "row": row });
        lines.push(line.to_string());
        Ok(())
    };
    rows::read(db, row.id, &mut take).await?;
    rows::read_words(db, row.id, &mut take).await?;
    let end = End { end: lines.len() - 1 };
    lines.push(serde_json::to_string(&end).map_err(Error::internal)?);
    Ok(lines.join("\n") + "\n")
}

/// Takes in a site that another host has written down: its rows, its key, and a new epoch of each of its feeds, in which all
/// that it shares is told anew. It may be repeated.
///
/// # Errors
/// A problem for a file that is not whole or not one of these, and for a site of another network. Then nothing was stored.
pub async fn import(app: &App, text: &str) -> Result<Moved> {
    let (moved, lines) = parse(text)?;
    let import = async |work: &mut Work<'_>| {
        enter(work, &moved).await?;
        for line in &lines {
            // The old host keeps a key that it has made and never used: here another one is made.
            if rows::is_unused_key(&line.table, &line.row) {
                continue;
            }
            if line.table == rows::WORDS {
                rows::write_words(work.db(), &line.row).await?;
            } else {
                rows::write(work.db(), &line.table, &line.row).await?;
            }
        }
        let development = issuer::Entity::delete_many().filter(issuer::Column::SiteId.eq(moved.site));
        development
            .filter(issuer::Column::Development.eq(true))
            .exec(work.db())
            .await?;
        touch_all(work, moved.site).await
    };
    app.system("site import", import).await?;
    for (audience, previous) in &moved.feeds {
        sequencer::recall(app, moved.site, *audience, *previous).await?;
    }
    sequencer::run(app).await?;
    Ok(moved)
}

fn parse(text: &str) -> Result<(Moved, Vec<Line>)> {
    let not_one = |_| Error::not_now("This is not a file that `site export` has written.");
    let mut lines: Vec<_> = text.lines().collect();
    let end: End = serde_json::from_str(lines.pop().unwrap_or_default()).map_err(not_one)?;
    if lines.len() != end.end + 1 {
        return Err(Error::not_now("The file is not whole: export the site again."));
    }
    let moved: Moved = serde_json::from_str(lines[0]).map_err(not_one)?;
    if moved.format != FORMAT {
        return Err(Error::not_now("The file was written by another version."));
    }
    let rows = lines[1..].iter().map(|line| serde_json::from_str(line));
    let rows = rows.collect::<std::result::Result<_, _>>().map_err(not_one)?;
    Ok((moved, rows))
}

/// Makes the site one of this host, and forgets that it was read from elsewhere.
async fn enter(work: &mut Work<'_>, moved: &Moved) -> Result<()> {
    let national = &moved.national;
    match sites::ops::national(work.db()).await? {
        Some(known) if known.id == national.id => {}
        Some(_) => return Err(Error::not_now("The site is in another network than this host.")),
        None => {
            let national = directory::National {
                id: national.id,
                slug: national.slug.clone(),
                name: national.name.clone(),
                key: national.key,
                root: national.root,
            };
            directory::join(work, national).await?;
        }
    }
    macro_rules! forget {
        ($($table:ident.$column:ident),+) => {$(
            let read = $table::Entity::delete_many().filter($table::Column::$column.eq(moved.site));
            read.exec(work.db()).await?;
        )+};
    }
    forget!(
        replica.Origin,
        feed_cursor.Origin,
        feed_seen.Origin,
        feed_skipped.Origin,
        feed_parked.Origin,
        feed_held.Origin,
        trusted_key.SiteId
    );
    let found = site::Entity::find_by_id(moved.site).one(work.db()).await?;
    if found.as_ref().is_none_or(|found| !found.hosted) {
        keys::forget_unused(work, moved.site).await?;
    }
    let row = site::Model {
        id: moved.site,
        slug: moved.slug.clone(),
        name: moved.name.clone(),
        kind: SiteKind::Regional,
        region: moved.region.clone(),
        ods_code: moved.ods_code.clone(),
        status: entity::SiteStatus::Active,
        status_reason: None,
        hosted: true,
        exported_at: None,
        endpoint: Some(format!("{}/graphql", work.app().settings.public_url)),
        public_key: found.and_then(|found| found.public_key),
        version: moved.version,
        created_at: moved.created_at,
        updated_at: moved.updated_at,
    };
    share::store::<site::Entity>(work.db(), row).await
}

/// Has everything told anew that the site shares.
async fn touch_all(work: &mut Work<'_>, site: SiteId) -> Result<()> {
    macro_rules! touch {
        ($($table:ident),+) => {$(
            for id in ids::<$table::Entity>(work.db(), site).await? {
                work.touch(site, <$table::Entity as Scoped>::KIND, id);
            }
        )+};
    }
    touch!(
        organisation,
        champion,
        resource,
        resource_edition,
        resource_proposal,
        project,
        space,
        thread,
        post,
        report,
        impact_measure,
        impact_release
    );
    let placed = placement::Entity::find().filter(placement::Column::SiteId.eq(site));
    for row in placed.all(work.db()).await? {
        work.touch(site, row.kind, row.subject_id);
    }
    let decided = resource_proposal::Entity::find().filter(resource_proposal::Column::NationalSiteId.eq(site));
    for row in decided.all(work.db()).await? {
        work.touch(site, Kind::ResourceProposal, row.id);
    }
    Ok(())
}

async fn ids<E: Scoped>(db: &impl ConnectionTrait, site: SiteId) -> Result<Vec<Uuid>> {
    let rows = E::find()
        .select_only()
        .column(E::id_column())
        .filter(E::home_column().eq(site.0));
    Ok(rows.into_tuple().all(db).await?)
}

/// Deletes of a site that has moved what only its own host holds, and makes copies of the rest: what its feed showed last
/// stays readable here until its new host tells of it, and goes if it does not.
///
/// # Errors
/// Only when the database fails.
pub async fn hand_over(work: &mut Work<'_>, site: SiteId) -> Result<()> {
    let shown = shown(work.db(), site).await?;
    let mut touched = Touched::default();
    macro_rules! hand_over {
        ($($table:ident as $kind:literal),+) => {$(
            let all = ids::<$table::Entity>(work.db(), site).await?;
            let own: Vec<_> = all.into_iter().filter(|id| !shown.contains_key(id)).collect();
            for own in own.chunks(ROWS_A_STATEMENT) {
                content::forget(work, site, $kind, own, &mut touched).await?;
            }
        )+};
    }
    hand_over!(
        report as "report",
        post as "post",
        thread as "thread",
        space as "space",
        resource_proposal as "proposal",
        resource_edition as "edition",
        resource as "resource",
        project as "project",
        champion as "champion",
        impact_release as "release",
        impact_measure as "measure",
        organisation as "organisation"
    );
    macro_rules! delete {
        ($($table:ident.$column:ident),+) => {$(
            let own = $table::Entity::delete_many().filter($table::Column::$column.eq(site));
            own.exec(work.db()).await?;
        )+};
    }
    delete!(
        observation.SiteId,
        support_session.SiteId,
        resource_overlay.SiteId,
        impact_month.SiteId,
        moderation_action.SiteId,
        issuer.SiteId,
        site_key.SiteId,
        feed_shared.Origin
    );
    let audit = entity::audit_entry::Entity::delete_many().filter(entity::audit_entry::Column::SiteId.eq(site));
    audit.exec(work.db()).await?;
    let copies: Vec<_> = shown
        .into_iter()
        .map(|(record_id, (audience, kind))| replica::ActiveModel {
            origin: Set(site),
            audience: Set(audience),
            record_id: Set(record_id),
            kind: Set(kind),
            generation: Set(0),
            pos: Set(0),
            operation: Set(Operation::Put.word().to_owned()),
            first_applied_at: Set(Some(work.now())),
        })
        .collect();
    for copies in copies.chunks(ROWS_A_STATEMENT) {
        let copies = replica::Entity::insert_many(copies.to_vec());
        copies.exec_without_returning(work.db()).await?;
    }
    apply::begin_anew(work, site).await?;
    settle(work, touched).await?;
    let moved = site::Entity::update_many().set(site::ActiveModel {
        exported_at: Set(None),
        ..site::ActiveModel::default()
    });
    moved.filter(site::Column::Id.eq(site)).exec(work.db()).await?;
    Ok(())
}

/// What the feeds of a site show last: for whom, and as what.
async fn shown(db: &impl ConnectionTrait, site: SiteId) -> Result<HashMap<Uuid, (String, String)>> {
    let said = feed_shared::Entity::find()
        .filter(feed_shared::Column::Origin.eq(site))
        .filter(feed_shared::Column::Operation.eq(Operation::Put.word()));
    let said = said.all(db).await?;
    let network = Audience::Network.to_string();
    let positions: HashSet<i64> = said
        .iter()
        .filter(|row| row.audience == network)
        .map(|row| row.pos)
        .collect();
    let positions: Vec<_> = positions.into_iter().collect();
    let mut shown = HashMap::new();
    for positions in positions.chunks(ROWS_A_STATEMENT) {
        let entries = feed_entry::Entity::find()
            .filter(feed_entry::Column::Origin.eq(site))
            .filter(feed_entry::Column::Audience.eq(&network))
            .filter(feed_entry::Column::Pos.is_in(positions.iter().copied()));
        for row in entries.all(db).await? {
            let header = Header::parse(&row.header).map_err(Error::internal)?;
            shown.insert(header.gid, (network.clone(), header.kind));
        }
    }
    Ok(shown)
}
