//! What is done to resources, and how they are listed.
//!
//! A resource is an identity; what is read stands in its editions. Of these at most one is a draft, and readers see the
//! one that was published last. What a resource says of itself whichever edition is shown ([`Facts`]) stands on its own
//! row. Every change of that row goes through `save`, which brings in step what other rows repeat of it.

use chrono::NaiveDate;
use entity::{
    Kind, List, ProjectId, ResourceEditionId, ResourceOverlayId, ResourceStatus, ResourceType, SiteId, StaffGroup,
    Theme, Visibility, project, resource, resource_edition, resource_overlay,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check},
    read, search, sites,
};

mod edit;
mod list;
mod overlay;
mod propose;
mod publish;

pub use edit::{Changes, Draft, FactChanges, TextChanges, create, update};
pub use list::{Editions, Order, Overlays, Proposals, Resources, by_slug, of_site, overlays};
pub use overlay::{Layer, clear_overlay, set_overlay};
pub use propose::{Offer, decide, propose, withdraw_proposal};
pub use publish::{Verdict, publish, review, submit, withdraw};

/// The licences under which resources may be shared, as SPDX identifiers.
pub const LICENCES: &[&str] = &["OGL-UK-3.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC0-1.0"];

/// What stands in an edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// What it is called.
    pub title: String,
    /// What it is about, in a paragraph.
    pub summary: String,
    /// The content as Markdown.
    pub body: Option<String>,
    /// Where the content stands on the web.
    pub url: Option<String>,
}

impl Text {
    fn of(edition: &resource_edition::Model) -> Self {
        Self {
            title: edition.title.clone(),
            summary: edition.summary.clone(),
            body: edition.body.clone(),
            url: edition.url.clone(),
        }
    }

    fn check(self, check: &mut Check) -> Self {
        Self {
            title: check.line("title", &self.title, input::TITLE),
            summary: check.text("summary", &self.summary, input::SUMMARY),
            body: check.optional_markdown("body", self.body, input::BODY),
            url: check.optional_url("url", self.url),
        }
    }

    fn write(self, edition: &mut resource_edition::ActiveModel) {
        edition.title = Set(self.title);
        edition.summary = Set(self.summary);
        edition.body = Set(self.body);
        edition.url = Set(self.url);
    }
}

/// What a resource says of itself, whichever edition is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What it is.
    pub kind: ResourceType,
    /// What it is about, in lower case.
    pub topics: Vec<String>,
    /// The themes that it serves.
    pub themes: Vec<Theme>,
    /// The staff groups that it is for.
    pub audience: Vec<StaffGroup>,
    /// Its language as a BCP 47 tag.
    pub language: String,
    /// One of [`LICENCES`].
    pub licence: String,
    /// When it is to be reviewed.
    pub review_by: Option<NaiveDate>,
    /// Who sees it.
    pub visibility: Visibility,
    /// The project of its site that it came out of.
    pub project: Option<ProjectId>,
}

impl Facts {
    fn of(row: &resource::Model) -> Self {
        Self {
            kind: row.kind,
            topics: row.topics.0.clone(),
            themes: row.themes.0.clone(),
            audience: row.audience.0.clone(),
            language: row.language.clone(),
            licence: row.licence.clone(),
            review_by: row.review_by,
            visibility: row.visibility,
            project: row.project_id,
        }
    }

    fn check(self, check: &mut Check, today: NaiveDate) -> Self {
        if !LICENCES.contains(&self.licence.as_str()) {
            let message = format!("Choose one of {}.", LICENCES.join(", "));
            check.note(ProblemCode::Invalid, "licence", message);
        }
        Self {
            topics: check.words("topics", self.topics),
            themes: check.set("themes", self.themes),
            audience: check.set("audience", self.audience),
            language: check.language("language", &self.language),
            review_by: check.optional_review_day("reviewBy", self.review_by, today),
            ..self
        }
    }

    fn write(self, row: &mut resource::ActiveModel) {
        row.kind = Set(self.kind);
        row.topics = Set(List(self.topics));
        row.themes = Set(List(self.themes));
        row.audience = Set(List(self.audience));
        row.language = Set(self.language);
        row.licence = Set(self.licence);
        row.review_by = Set(self.review_by);
        row.visibility = Set(self.visibility);
        row.project_id = Set(self.project);
    }
}

/// The status that people are told: what is published and past its review day is due for review.
pub fn told_status(status: ResourceStatus, review_by: Option<NaiveDate>, today: NaiveDate) -> ResourceStatus {
    if status == ResourceStatus::Published && review_by.is_some_and(|day| day < today) {
        ResourceStatus::ReviewDue
    } else {
        status
    }
}

/// Whether readers see it.
fn published(row: &resource::Model) -> bool {
    matches!(row.status, ResourceStatus::Published | ResourceStatus::ReviewDue)
}

/// Notes a problem unless the project is one of the resource's site.
async fn own_project(work: &Work<'_>, check: &mut Check, site: SiteId, project: Option<ProjectId>) -> Result<()> {
    let Some(project) = project else { return Ok(()) };
    let found = read::get::<project::Entity>(work.db(), work.caller(), project).await?;
    if found.site_id != site {
        check.note(ProblemCode::Invalid, "project", "This project belongs to another site.");
    }
    Ok(())
}

async fn edition(work: &Work<'_>, id: ResourceEditionId) -> Result<resource_edition::Model> {
    let found = resource_edition::Entity::find_by_id(id).one(work.db()).await?;
    found.ok_or_else(|| Error::internal("an edition of a resource is missing"))
}

async fn draft_of(work: &Work<'_>, row: &resource::Model) -> Result<Option<resource_edition::Model>> {
    match row.draft_edition_id {
        Some(id) => edition(work, id).await.map(Some),
        None => Ok(None),
    }
}

/// Stores a new resource with its first edition. The row says what it is; what it repeats of the edition is set here.
async fn store(
    work: &mut Work<'_>,
    mut row: resource::ActiveModel,
    site: SiteId,
    text: Text,
) -> Result<resource::Model> {
    use resource::Column::{SiteId as Home, Slug};
    let first = work.new_id();
    row.id = Set(work.new_id());
    row.site_id = Set(site);
    row.slug = Set(sites::ops::free_slug::<resource::Entity>(work.db(), [Home, Slug], site, &text.title).await?);
    row.title = Set(text.title.clone());
    row.summary = Set(text.summary.clone());
    row.edition = Set(1);
    row.shown_edition_id = Set(first);
    if let Set(ResourceStatus::Draft) = row.status {
        row.draft_edition_id = Set(Some(first));
    }
    let row = work.insert::<resource::Entity>(row).await?;
    let edition = new_edition(&row, first, 1, row.status, text);
    work.insert::<resource_edition::Entity>(edition).await?;
    if published(&row) {
        index(work.db(), &row).await?;
    }
    Ok(row)
}

fn new_edition(
    row: &resource::Model,
    id: ResourceEditionId,
    number: i32,
    status: ResourceStatus,
    text: Text,
) -> resource_edition::ActiveModel {
    let published_at = row.published_at.filter(|_| status == ResourceStatus::Published);
    let mut edition = resource_edition::ActiveModel {
        id: Set(id),
        site_id: Set(row.site_id),
        visibility: Set(row.visibility),
        owner_id: Set(row.owner_id),
        resource_id: Set(row.id),
        resource_status: Set(row.status),
        number: Set(number),
        status: Set(status),
        published_at: Set(published_at),
        ..resource_edition::ActiveModel::default()
    };
    text.write(&mut edition);
    edition
}

/// Opens the next edition as a draft.
async fn open_draft(work: &mut Work<'_>, row: &resource::Model, text: Text) -> Result<resource_edition::Model> {
    let id = work.new_id();
    let draft = new_edition(row, id, row.edition + 1, ResourceStatus::Draft, text);
    work.insert::<resource_edition::Entity>(draft).await
}

/// What a resource repeats of its draft: all that readers will see, as long as nothing was ever published.
fn repeat(row: &mut resource::ActiveModel, draft: &resource_edition::Model) {
    row.draft_edition_id = Set(Some(draft.id));
    if row.shown_edition_id.as_ref() == &draft.id {
        row.status = Set(draft.status);
        row.title = Set(draft.title.clone());
        row.summary = Set(draft.summary.clone());
    }
}

/// Stores a changed resource, and brings in step its editions, the overlays on it and the search index.
async fn save(work: &mut Work<'_>, before: &resource::Model, row: resource::ActiveModel) -> Result<resource::Model> {
    let row = work.update::<resource::Entity>(row).await?;
    if (row.visibility, row.status) != (before.visibility, before.status) {
        follow(work, &row).await?;
        for edition in edition_ids(work.db(), &row).await? {
            work.touch(row.site_id, Kind::ResourceEdition, edition);
        }
        work.touch_naming::<resource::Entity>(resource::Column::DerivedFromId, row.id)
            .await?;
    }
    let reworded = (row.shown_edition_id, &row.topics) != (before.shown_edition_id, &before.topics);
    if published(&row) && (reworded || !published(before)) {
        index(work.db(), &row).await?;
    } else if published(before) && !published(&row) {
        search::forget(work.db(), row.id.into()).await?;
    }
    Ok(row)
}

/// Brings in step what editions and overlays repeat of a resource.
pub(super) async fn follow(work: &Work<'_>, row: &resource::Model) -> Result<()> {
    let db = work.db();
    let edition = resource_edition::ActiveModel {
        visibility: Set(row.visibility),
        owner_id: Set(row.owner_id),
        resource_status: Set(row.status),
        ..resource_edition::ActiveModel::default()
    };
    let editions = resource_edition::Entity::update_many().set(edition);
    let editions = editions
        .filter(resource_edition::Column::ResourceId.eq(row.id))
        .filter(resource_edition::Column::SiteId.eq(row.site_id));
    editions.exec(db).await?;
    let overlay = resource_overlay::ActiveModel {
        resource_owner_id: Set(row.owner_id),
        resource_visibility: Set(row.visibility),
        resource_status: Set(row.status),
        ..resource_overlay::ActiveModel::default()
    };
    let overlays = resource_overlay::Entity::update_many().set(overlay);
    let overlays = overlays.filter(resource_overlay::Column::ResourceId.eq(row.id));
    overlays.exec(db).await?;
    tell_overlays(work, &[row.id.into()]).await
}

/// Notes for those who follow changes that overlays may be seen by others than before, with the resources under them.
pub(super) async fn tell_overlays(work: &Work<'_>, resources: &[Uuid]) -> Result<()> {
    let overlays = resource_overlay::Entity::find()
        .select_only()
        .column(resource_overlay::Column::Id)
        .filter(resource_overlay::Column::ResourceId.is_in(resources.iter().copied()));
    let overlays: Vec<ResourceOverlayId> = overlays.into_tuple().all(work.db()).await?;
    work.tell_if_moved(Kind::ResourceOverlay, overlays);
    Ok(())
}

async fn edition_ids(db: &impl ConnectionTrait, row: &resource::Model) -> Result<Vec<ResourceEditionId>> {
    let ids = resource_edition::Entity::find()
        .select_only()
        .column(resource_edition::Column::Id)
        .filter(resource_edition::Column::ResourceId.eq(row.id));
    Ok(ids.into_tuple().all(db).await?)
}

/// Stores the words of the edition that readers see.
pub(super) async fn index(db: &impl ConnectionTrait, row: &resource::Model) -> Result<()> {
    let shown = resource_edition::Entity::find_by_id(row.shown_edition_id)
        .one(db)
        .await?;
    let body = shown.and_then(|edition| edition.body).unwrap_or_default();
    let words = [&row.summary, &body, &row.topics.0.join(" ")]
        .map(String::as_str)
        .join(" ");
    search::store(db, Kind::Resource, row.id.into(), &row.title, &words).await
}
