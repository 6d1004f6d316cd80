//! What other hosts see of resources: published ones with each published edition, never a draft; and, at the hub alone,
//! what is offered to the national team. What that decides goes to the site that has offered it.

mod proposals;

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    ChampionId, List, ProjectId, ResourceEditionId, ResourceId, ResourceStatus, ResourceType, SiteId, StaffGroup,
    Theme, Visibility, champion, project, resource, resource_edition, resource_overlay,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid};
use serde::{Deserialize, Serialize};

pub use self::proposals::{
    Decision, PROPOSAL, Proposal, apply_decision, apply_proposal, decision_facts, decision_id, decisions, proposals,
};
use crate::{
    app::Work,
    error::{ProblemCode, Result},
    federation::{protocol::apply::Facts, wire::Audience},
    input::{self, Check},
    policy::states::{EDITIONS, PUBLISHED},
    resources::ops,
    search,
    share::{self, Arrival, Landed, Payload, Shape, Share, shared},
};

/// What the entries of a resource are.
pub const RESOURCE: Shape = Shape::new("resource", "resource@1");

/// What the entries of an edition are.
pub const EDITION: Shape = Shape::new("edition", "edition@1");

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

/// The shared state of those of the resources that leave this host.
///
/// # Errors
/// Only when the database fails.
pub async fn resources(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = shared::<resource::Entity>(home, ids).all(db).await?;
    let authors = share::ids::<champion::Entity>(db, rows.iter().filter_map(|row| row.owner_id)).await?;
    let projects = share::ids::<project::Entity>(db, rows.iter().filter_map(|row| row.project_id)).await?;
    let originals = share::ids::<resource::Entity>(db, rows.iter().filter_map(|row| row.derived_from_id)).await?;
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
                derived_from: row.derived_from_id.filter(|original| originals.contains(original)),
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

impl Payload for Resource {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, self.visibility, [self.created_at, self.updated_at]);
        check.address("slug", &self.slug);
        check.items("topics", &self.topics, input::WORD);
        check.values("themes", &self.themes);
        check.values("audience", &self.audience);
        check.language("language", &self.language);
        if !ops::LICENCES.contains(&self.licence.as_str()) {
            check.note(ProblemCode::Invalid, "licence", "This licence is not known.");
        }
        check.calendar_day("reviewBy", self.review_by);
        if !PUBLISHED.contains(&self.status.as_str()) {
            check.note(ProblemCode::Invalid, "status", "This is not published.");
        }
        check.line("title", &self.title, input::TITLE);
        check.text("summary", &self.summary, input::SUMMARY);
        check.whole("editionNumber", self.edition_number, 1..=i32::MAX);
        check.time("publishedAt", self.published_at);
    }

    fn facts(&self) -> Facts {
        Facts {
            author: self.author.map(Into::into),
            ..Facts::default()
        }
    }
}

impl Payload for Edition {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, Visibility::Network, [self.created_at, self.updated_at]);
        check.whole("number", self.number, 1..=i32::MAX);
        if !EDITIONS.contains(&self.status.as_str()) {
            check.note(ProblemCode::Invalid, "status", "Readers do not see this edition.");
        }
        check.line("title", &self.title, input::TITLE);
        check.text("summary", &self.summary, input::SUMMARY);
        check.optional_markdown("body", self.body.clone(), input::BODY);
        check.optional_url("url", self.url.clone());
        check.optional_text("note", self.note.clone(), input::SUMMARY);
        check.time("approvedAt", self.approved_at);
        check.time("publishedAt", self.published_at);
    }
}

/// Stores a published resource of another host, and brings in step what repeats it here.
///
/// # Errors
/// Only when the database fails.
pub async fn apply(work: &Work<'_>, arrival: &Arrival<'_>) -> Result<()> {
    let said: Resource = arrival.read()?;
    share::take::<resource::Entity>(work.db(), arrival, resource::Column::Slug, &said.slug).await?;
    let row = resource::Model {
        id: ResourceId(arrival.id),
        site_id: arrival.home,
        visibility: said.visibility,
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        owner_id: said.author,
        slug: said.slug,
        kind: said.kind,
        topics: List(said.topics),
        themes: List(said.themes),
        audience: List(said.audience),
        language: said.language,
        licence: said.licence,
        review_by: said.review_by,
        project_id: said.project,
        derived_from_id: said.derived_from,
        status: said.status,
        shown_edition_id: said.edition,
        draft_edition_id: None,
        draft_by_id: None,
        title: said.title,
        summary: said.summary,
        edition: said.edition_number,
        published_at: said.published_at,
    };
    share::store::<resource::Entity>(work.db(), row.clone()).await?;
    ops::follow(work, &row).await?;
    ops::index(work.db(), &row).await
}

/// Stores an edition of another host. Until its resource has come nobody reads it.
///
/// # Errors
/// Only when the database fails.
pub async fn apply_edition(work: &Work<'_>, arrival: &Arrival<'_>) -> Result<Landed> {
    use resource_edition::{Column, Entity};
    let said: Edition = arrival.read()?;
    let id = ResourceEditionId(arrival.id);
    let of = resource::Entity::find_by_id(said.resource).one(work.db()).await?;
    if of.as_ref().is_some_and(|of| of.site_id != arrival.home) {
        return Ok(Landed::Refused("The resource is another site's.".to_owned()));
    }
    // A site that has started its history over may have given the number to another edition.
    let earlier = Entity::delete_many()
        .filter(Column::ResourceId.eq(said.resource))
        .filter(Column::Number.eq(said.number))
        .filter(Column::SiteId.eq(arrival.home))
        .filter(Column::Id.ne(id));
    earlier.exec(work.db()).await?;
    let row = resource_edition::Model {
        id,
        site_id: arrival.home,
        visibility: of.as_ref().map_or(Visibility::Site, |of| of.visibility),
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        owner_id: of.as_ref().and_then(|of| of.owner_id),
        resource_id: said.resource,
        resource_status: of.as_ref().map_or(ResourceStatus::Draft, |of| of.status),
        number: said.number,
        status: said.status,
        title: said.title,
        summary: said.summary,
        body: said.body,
        url: said.url,
        note: said.note,
        approved_at: said.approved_at,
        published_at: said.published_at,
    };
    share::store::<Entity>(work.db(), row).await?;
    match of {
        Some(of) if of.shown_edition_id == id => ops::index(work.db(), &of).await?,
        _ => {}
    }
    Ok(Landed::Stored)
}

/// Forgets resources of another host. Their editions stay unread until they go too, or the resource comes back.
///
/// # Errors
/// Only when the database fails.
pub async fn forget(work: &Work<'_>, resources: &[Uuid]) -> Result<()> {
    use resource_edition::Column as Edition;
    use resource_overlay::Column as Overlay;
    share::remove::<resource::Entity>(work.db(), resources).await?;
    search::forget_all(work.db(), resources).await?;
    let unread = resource_edition::ActiveModel {
        visibility: Set(Visibility::Site),
        resource_status: Set(ResourceStatus::Draft),
        ..resource_edition::ActiveModel::default()
    };
    let editions = resource_edition::Entity::update_many().set(unread);
    let editions = editions.filter(Edition::ResourceId.is_in(resources.iter().copied()));
    editions.exec(work.db()).await?;
    let unread = resource_overlay::ActiveModel {
        resource_visibility: Set(Visibility::Site),
        resource_status: Set(ResourceStatus::Draft),
        ..resource_overlay::ActiveModel::default()
    };
    let overlays = resource_overlay::Entity::update_many().set(unread);
    let overlays = overlays.filter(Overlay::ResourceId.is_in(resources.iter().copied()));
    overlays.exec(work.db()).await?;
    ops::tell_overlays(work, resources).await
}
