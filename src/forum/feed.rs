//! What other hosts see of the forum: open spaces, threads and posts in them, how the home of a space places those, and
//! reports, which go to the two homes concerned and without their reporter.
//!
//! A thread or post travels before it is placed, because the home of its space has to see it to place it. What was
//! withdrawn travels without its text.

mod apply;
mod settle;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::{
    ChampionId, Kind, PostId, ProjectId, ReportState, SiteId, SpaceAccess, SpaceId, ThreadId, Visibility, champion,
    placement, post, project, report, site, space, thread,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    federation::wire::Audience,
    share::{self, Shape, Share, shared},
};

pub use apply::{
    Touched, apply_placement, apply_post, apply_report, apply_space, apply_thread, displace, forget_placements,
    forget_posts, forget_spaces, forget_threads, placement_facts,
};
pub use settle::settle;

/// What the entries of a space are.
pub const SPACE: Shape = Shape::new("space", "space@1");

/// What the entries of a thread are.
pub const THREAD: Shape = Shape::new("thread", "thread@1");

/// What the entries of a post are.
pub const POST: Shape = Shape::new("post", "post@1");

/// What the entries of a placement are.
pub const PLACEMENT: Shape = Shape::new("placement", "placement@1");

/// What the entries of a report are.
pub const REPORT: Shape = Shape::new("report", "report@1");

/// A space as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Space {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    slug: String,
    name: String,
    about: String,
    access: SpaceAccess,
}

/// A thread as its author's site has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Thread {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Who started it, when they share their card.
    author: Option<ChampionId>,
    space: SpaceId,
    project: Option<ProjectId>,
    title: String,
    body: String,
    tags: Vec<String>,
    edited_at: Option<DateTime<Utc>>,
    withdrawn_at: Option<DateTime<Utc>>,
}

/// A post as its author's site has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Post {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Who wrote it, when they share their card.
    author: Option<ChampionId>,
    thread: ThreadId,
    reply_to: Option<PostId>,
    body: String,
    edited_at: Option<DateTime<Utc>>,
    withdrawn_at: Option<DateTime<Utc>>,
}

/// How the home of a space places a thread or post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Placement {
    version: i32,
    updated_at: DateTime<Utc>,
    kind: Kind,
    subject: Uuid,
    space: SpaceId,
    thread: ThreadId,
    position: i64,
    state: String,
    reason: Option<String>,
    answer: Option<PostId>,
}

/// A report as it travels: never who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    kind: Kind,
    subject: Uuid,
    reason: String,
    state: ReportState,
    outcome: Option<String>,
    closed_at: Option<DateTime<Utc>>,
}

/// The record that a site's placement of a subject is.
pub fn placement_id(site: SiteId, subject: Uuid) -> Uuid {
    share::derived_id(PLACEMENT, site, subject)
}

/// The shared state of those of the spaces that leave this host.
///
/// # Errors
/// Only when the database fails.
pub async fn spaces(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = shared::<space::Entity>(home, ids).all(db).await?;
    rows.into_iter()
        .map(|row| {
            let space = Space {
                version: row.version,
                visibility: row.visibility,
                created_at: row.created_at,
                updated_at: row.updated_at,
                slug: row.slug,
                name: row.name,
                about: row.about,
                access: row.access,
            };
            Share::new(row.id, Audience::Network, &space)
        })
        .collect()
}

/// The shared state of those of the threads that leave this host.
///
/// # Errors
/// Only when the database fails.
pub async fn threads(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = thread::Entity::find()
        .filter(thread::Column::SiteId.eq(home))
        .filter(thread::Column::Id.is_in(ids.iter().copied()))
        .filter(thread::Column::Visibility.ne(Visibility::Site));
    let rows = rows.all(db).await?;
    let authors = share::ids::<champion::Entity>(db, rows.iter().filter_map(|row| row.owner_id)).await?;
    let projects = share::ids::<project::Entity>(db, rows.iter().filter_map(|row| row.project_id)).await?;
    rows.into_iter()
        .map(|row| {
            let kept = |text: String| {
                if row.withdrawn_at.is_some() {
                    String::new()
                } else {
                    text
                }
            };
            let thread = Thread {
                version: row.version,
                visibility: row.visibility,
                created_at: row.created_at,
                updated_at: row.updated_at,
                author: row.owner_id.filter(|author| authors.contains(author)),
                space: row.space_id,
                project: row.project_id.filter(|project| projects.contains(project)),
                title: kept(row.title),
                body: kept(row.body),
                tags: if row.withdrawn_at.is_some() {
                    Vec::new()
                } else {
                    row.tags.0
                },
                edited_at: row.edited_at,
                withdrawn_at: row.withdrawn_at,
            };
            Ok(Share::new(row.id, Audience::Network, &thread)?.below(row.space_id))
        })
        .collect()
}

/// The shared state of those of the posts that leave this host.
///
/// # Errors
/// Only when the database fails.
pub async fn posts(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = post::Entity::find()
        .filter(post::Column::SiteId.eq(home))
        .filter(post::Column::Id.is_in(ids.iter().copied()))
        .filter(post::Column::Visibility.ne(Visibility::Site));
    let rows = rows.all(db).await?;
    let authors = share::ids::<champion::Entity>(db, rows.iter().filter_map(|row| row.owner_id)).await?;
    rows.into_iter()
        .map(|row| {
            let withdrawn = row.withdrawn_at.is_some();
            let post = Post {
                version: row.version,
                visibility: row.visibility,
                created_at: row.created_at,
                updated_at: row.updated_at,
                author: row.owner_id.filter(|author| authors.contains(author)),
                thread: row.thread_id,
                reply_to: row.reply_to_id,
                body: if withdrawn { String::new() } else { row.body },
                edited_at: row.edited_at,
                withdrawn_at: row.withdrawn_at,
            };
            Ok(Share::new(row.id, Audience::Network, &post)?.below(row.thread_id))
        })
        .collect()
}

/// How a site places those of the threads and posts that it places, in spaces that leave this host.
///
/// # Errors
/// Only when the database fails.
pub async fn placements(db: &impl ConnectionTrait, home: SiteId, subjects: &[Uuid]) -> Result<Vec<Share>> {
    let open = space::Entity::find()
        .select_only()
        .column(space::Column::Id)
        .filter(space::Column::Visibility.ne(Visibility::Site));
    let rows = placement::Entity::find()
        .filter(placement::Column::SubjectId.is_in(subjects.iter().copied()))
        .filter(placement::Column::SiteId.eq(home))
        .filter(placement::Column::SpaceId.in_subquery(open.into_query()));
    let rows = rows.all(db).await?;
    rows.into_iter()
        .map(|row| {
            let placement = Placement {
                version: row.version,
                updated_at: row.updated_at,
                kind: row.kind,
                subject: row.subject_id,
                space: row.space_id,
                thread: row.thread_id,
                position: row.position,
                state: row.state,
                reason: row.reason,
                answer: row.answer_id,
            };
            let share = Share::new(row.record_id, Audience::Network, &placement)?;
            Ok(share.below(row.subject_id))
        })
        .collect()
}

/// Reports on what other hosts keep, each for the home of the space and for the home of what it is about.
///
/// # Errors
/// Only when the database fails.
pub async fn reports(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = report::Entity::find()
        .filter(report::Column::SiteId.eq(home))
        .filter(report::Column::Id.is_in(ids.iter().copied()));
    let rows = rows.all(db).await?;
    let homes = rows.iter().flat_map(|row| [row.space_home_id, row.subject_home_id]);
    let away = away(db, homes.collect()).await?;
    let mut shares = Vec::new();
    for row in rows {
        let homes: HashSet<_> = [row.space_home_id, row.subject_home_id].into();
        let report = Report {
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            kind: row.subject_kind,
            subject: row.subject_id,
            reason: row.reason,
            state: row.state,
            outcome: row.outcome,
            closed_at: row.closed_at,
        };
        for home in homes.intersection(&away) {
            shares.push(Share::new(row.id, Audience::Site(home.0), &report)?.below(row.subject_id));
        }
    }
    Ok(shares)
}

/// Those of the sites that other hosts keep.
async fn away(db: &impl ConnectionTrait, sites: HashSet<SiteId>) -> Result<HashSet<SiteId>> {
    let rows = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Id.is_in(sites))
        .filter(site::Column::Hosted.eq(false));
    Ok(rows.into_tuple().all(db).await?.into_iter().collect())
}
