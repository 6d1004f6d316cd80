//! Making and changing resources.

use chrono::NaiveDate;
use entity::{
    Kind, ProjectId, ResourceId, ResourceStatus, ResourceType, StaffGroup, Theme, Visibility, resource,
    resource_edition,
};
use sea_orm::{ActiveValue::Set, IntoActiveModel};

use super::{Facts, Text, draft_of, edition, open_draft, own_project, repeat, save, store};
use crate::{
    app::Work,
    error::Result,
    input::{Check, Patch},
    policy::Action,
    sites,
};

/// A resource to be made.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The slug of its home site.
    pub site: String,
    /// What its first edition says.
    pub text: Text,
    /// What it says of itself.
    pub facts: Facts,
}

/// Makes a resource with a first draft, written by the caller.
///
/// # Errors
/// Problems of the draft; a problem for callers who are no champion of the site; what [`Work::allow_at`] refuses.
pub async fn create(work: &mut Work<'_>, draft: Draft) -> Result<resource::Model> {
    let site = sites::ops::named(work.db(), &draft.site).await?;
    work.allow_at(Action::Create, Kind::Resource, site.id).await?;
    let mut check = Check::new();
    let author = check.take(work.author(site.id))?;
    let text = draft.text.check(&mut check);
    let facts = draft.facts.check(&mut check, work.today());
    own_project(work, &mut check, site.id, facts.project).await?;
    check.done()?;
    let mut row = resource::ActiveModel {
        owner_id: Set(author),
        draft_by_id: Set(author),
        status: Set(ResourceStatus::Draft),
        ..resource::ActiveModel::default()
    };
    facts.write(&mut row);
    store(work, row, site.id, text).await
}

/// What changes in a resource.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What changes in its draft.
    pub text: TextChanges,
    /// What changes in the resource itself.
    pub facts: FactChanges,
}

/// What changes in a draft.
#[derive(Clone, Debug, Default)]
pub struct TextChanges {
    /// What it is called.
    pub title: Patch<String>,
    /// What it is about.
    pub summary: Patch<String>,
    /// The content as Markdown.
    pub body: Patch<String>,
    /// Where the content stands on the web.
    pub url: Patch<String>,
}

impl TextChanges {
    fn apply(self, check: &mut Check, now: Text) -> Text {
        Text {
            title: check.required("title", self.title, &now.title),
            summary: check.required("summary", self.summary, &now.summary),
            body: self.body.or_now(now.body),
            url: self.url.or_now(now.url),
        }
    }
}

/// What changes in a resource itself.
#[derive(Clone, Debug, Default)]
pub struct FactChanges {
    /// What it is.
    pub kind: Patch<ResourceType>,
    /// What it is about.
    pub topics: Patch<Vec<String>>,
    /// The themes that it serves.
    pub themes: Patch<Vec<Theme>>,
    /// The staff groups that it is for.
    pub audience: Patch<Vec<StaffGroup>>,
    /// Its language.
    pub language: Patch<String>,
    /// Its licence.
    pub licence: Patch<String>,
    /// When it is to be reviewed.
    pub review_by: Patch<NaiveDate>,
    /// Who sees it.
    pub visibility: Patch<Visibility>,
    /// The project that it came out of.
    pub project: Patch<ProjectId>,
}

impl FactChanges {
    fn apply(self, check: &mut Check, now: Facts) -> Facts {
        Facts {
            kind: check.required("type", self.kind, &now.kind),
            topics: self.topics.or_now(Some(now.topics)).unwrap_or_default(),
            themes: self.themes.or_now(Some(now.themes)).unwrap_or_default(),
            audience: self.audience.or_now(Some(now.audience)).unwrap_or_default(),
            language: check.required("language", self.language, &now.language),
            licence: check.required("licence", self.licence, &now.licence),
            review_by: self.review_by.or_now(now.review_by),
            visibility: check.required("visibility", self.visibility, &now.visibility),
            project: self.project.or_now(now.project),
        }
    }
}

/// Changes a resource: its text in the open draft, which the first change of a published or withdrawn one opens, and
/// what it says of itself at once.
///
/// # Errors
/// Problems of the changes; a problem for callers who change the text and are no champion of the site; what
/// [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn update(work: &mut Work<'_>, id: ResourceId, version: i32, changes: Changes) -> Result<resource::Model> {
    let row = work.get_at::<resource::Entity>(id, version).await?;
    work.allow::<resource::Entity>(Action::Edit, &row)?;
    let now = edition(work, row.draft_edition_id.unwrap_or(row.shown_edition_id)).await?;
    let mut check = Check::new();
    let text = changes.text.apply(&mut check, Text::of(&now)).check(&mut check);
    let facts = changes.facts.apply(&mut check, Facts::of(&row));
    let facts = facts.check(&mut check, work.today());
    if facts != Facts::of(&row) {
        work.allow::<resource::Entity>(Action::Share, &row)?;
    }
    if facts.project != row.project_id {
        own_project(work, &mut check, row.site_id, facts.project).await?;
    }
    let rewritten = text != Text::of(&now);
    let writer = if rewritten {
        check.take(work.author(row.site_id))?
    } else {
        None
    };
    check.done()?;
    let mut active = row.clone().into_active_model();
    facts.write(&mut active);
    if rewritten {
        let draft = write(work, &row, text).await?;
        repeat(&mut active, &draft);
        active.draft_by_id = Set(writer);
    }
    save(work, &row, active).await
}

/// Puts a text into the open draft, or opens one with it.
async fn write(work: &mut Work<'_>, row: &resource::Model, text: Text) -> Result<resource_edition::Model> {
    let Some(draft) = draft_of(work, row).await? else {
        return open_draft(work, row, text).await;
    };
    let status = draft.status;
    let mut draft = draft.into_active_model();
    // Nobody has reviewed the new text: it has to be handed in again.
    if status == ResourceStatus::InReview {
        draft.status = Set(ResourceStatus::Draft);
        draft.approved_at = Set(None);
    }
    text.write(&mut draft);
    work.update::<resource_edition::Entity>(draft).await
}
