//! What other hosts see of resources: published ones with each published edition, never a draft; and, at the hub alone,
//! what is offered to the national team.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    ChampionId, ProjectId, ProposalStatus, ResourceEditionId, ResourceId, ResourceStatus, ResourceType, SiteId,
    StaffGroup, Theme, Visibility, champion, project, resource, resource_edition, resource_proposal, site,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    federation::wire::Audience,
    share::{self, Shape, Share, shared},
};

/// What the entries of a resource are.
pub const RESOURCE: Shape = Shape::new("resource", "resource@1");

/// What the entries of an edition are.
pub const EDITION: Shape = Shape::new("edition", "edition@1");

/// What the entries of a proposal are.
pub const PROPOSAL: Shape = Shape::new("proposal", "proposal@1");

/// A published resource as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resource {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Its author, when they share their card.
    author: Option<ChampionId>,
    slug: String,
    kind: ResourceType,
    topics: Vec<String>,
    themes: Vec<Theme>,
    audience: Vec<StaffGroup>,
    language: String,
    licence: String,
    review_by: Option<NaiveDate>,
    /// Its project, when that is shared.
    project: Option<ProjectId>,
    derived_from: Option<ResourceId>,
    status: ResourceStatus,
    edition: ResourceEditionId,
    title: String,
    summary: String,
    edition_number: i32,
    published_at: Option<DateTime<Utc>>,
}

/// A published edition as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edition {
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    resource: ResourceId,
    number: i32,
    status: ResourceStatus,
    title: String,
    summary: String,
    body: Option<String>,
    url: Option<String>,
    note: Option<String>,
    approved_at: Option<DateTime<Utc>>,
    published_at: Option<DateTime<Utc>>,
}

/// A proposal as it travels to the national team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proposal {
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    resource: ResourceId,
    /// The frozen copy: JSON of the resource's facts and of the offered edition.
    offer: String,
    reason: String,
    status: ProposalStatus,
}

/// The shared state of those of the resources that leave this host.
///
/// # Errors
/// Only when the database fails.
pub async fn resources(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = shared::<resource::Entity>(home, ids).all(db).await?;
    let authors = share::ids::<champion::Entity>(db, rows.iter().filter_map(|row| row.owner_id)).await?;
    let projects = share::ids::<project::Entity>(db, rows.iter().filter_map(|row| row.project_id)).await?;
    rows.into_iter()
        .map(|row| {
            let resource = Resource {
                version: row.version,
                visibility: row.visibility,
                created_at: row.created_at,
                updated_at: row.updated_at,
                author: row.owner_id.filter(|author| authors.contains(author)),
                slug: row.slug,
                kind: row.kind,
                topics: row.topics.0,
                themes: row.themes.0,
                audience: row.audience.0,
                language: row.language,
                licence: row.licence,
                review_by: row.review_by,
                project: row.project_id.filter(|project| projects.contains(project)),
                derived_from: row.derived_from_id,
                status: row.status,
                edition: row.shown_edition_id,
                title: row.title,
                summary: row.summary,
                edition_number: row.edition,
                published_at: row.published_at,
            };
            Share::new(row.id, Audience::Network, &resource)
        })
        .collect()
}

/// The shared state of those of the editions that leave this host.
///
/// # Errors
/// Only when the database fails.
pub async fn editions(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let published =
        shared::<resource_edition::Entity>(home, ids).filter(resource_edition::Column::PublishedAt.is_not_null());
    let rows = published.all(db).await?;
    rows.into_iter()
        .map(|row| {
            let edition = Edition {
                version: row.version,
                created_at: row.created_at,
                updated_at: row.updated_at,
                resource: row.resource_id,
                number: row.number,
                status: row.status,
                title: row.title,
                summary: row.summary,
                body: row.body,
                url: row.url,
                note: row.note,
                approved_at: row.approved_at,
                published_at: row.published_at,
            };
            Ok(Share::new(row.id, Audience::Network, &edition)?.below(row.resource_id))
        })
        .collect()
}

/// The shared state of those of the proposals that another host decides on.
///
/// # Errors
/// Only when the database fails.
pub async fn proposals(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let kept_here = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Hosted.eq(true));
    let rows = resource_proposal::Entity::find()
        .filter(resource_proposal::Column::SiteId.eq(home))
        .filter(resource_proposal::Column::Id.is_in(ids.iter().copied()))
        .filter(resource_proposal::Column::NationalSiteId.not_in_subquery(kept_here.into_query()));
    let rows = rows.all(db).await?;
    rows.into_iter()
        .map(|row| {
            let proposal = Proposal {
                version: row.version,
                created_at: row.created_at,
                updated_at: row.updated_at,
                resource: row.resource_id,
                offer: row.offer,
                reason: row.reason,
                status: row.status,
            };
            Share::new(row.id, Audience::Hub, &proposal)
        })
        .collect()
}
