//! The way of a draft to its readers, and back: `DRAFT` → `IN_REVIEW` → `PUBLISHED` → `SUPERSEDED` or `WITHDRAWN`.

use entity::{ResourceId, ResourceStatus, resource, resource_edition};
use sea_orm::{ActiveValue::Set, IntoActiveModel};

use super::{Text, draft_of, edition, open_draft, published, repeat, save};
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check},
    policy::Action,
};

/// What a reviewer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be published.
    Approve,
    /// It needs more work first.
    ChangesRequested,
}

/// Hands the draft in for review; of a withdrawn resource without a draft its last text once more.
///
/// # Errors
/// A problem when there is no draft, or one that is empty or in review already; what [`Work::get_at`] and
/// [`Work::allow`] refuse.
pub async fn submit(
    work: &mut Work<'_>,
    id: ResourceId,
    version: i32,
    note: Option<String>,
) -> Result<resource::Model> {
    let row = work.get_at::<resource::Entity>(id, version).await?;
    work.allow::<resource::Entity>(Action::Submit, &row)?;
    let note = noted(note)?;
    let mut active = row.clone().into_active_model();
    let draft = match draft_of(work, &row).await? {
        Some(draft) => draft,
        None if row.status == ResourceStatus::Withdrawn => {
            active.draft_by_id = Set(Some(work.author(row.site_id)?));
            let text = Text::of(&edition(work, row.shown_edition_id).await?);
            open_draft(work, &row, text).await?
        }
        None => return Err(Error::not_now("There is no draft. Change the resource first.")),
    };
    if draft.status == ResourceStatus::InReview {
        return Err(Error::not_now("The draft is in review already."));
    }
    if draft.body.is_none() && draft.url.is_none() {
        return Err(Error::not_now("Write a body or give a URL first."));
    }
    let mut draft = draft.into_active_model();
    draft.status = Set(ResourceStatus::InReview);
    draft.note = Set(note);
    step(work, &row, active, draft).await
}

/// Says in a review whether the draft may be published.
///
/// # Errors
/// A problem when no draft is in review, or when changes are requested without a note that says which; what
/// [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn review(
    work: &mut Work<'_>,
    id: ResourceId,
    version: i32,
    verdict: Verdict,
    note: Option<String>,
) -> Result<resource::Model> {
    let row = work.get_at::<resource::Entity>(id, version).await?;
    work.allow::<resource::Entity>(Action::Review, &row)?;
    let note = noted(note)?;
    let draft = in_review(work, &row).await?;
    let mut draft = draft.into_active_model();
    match verdict {
        Verdict::Approve => draft.approved_at = Set(Some(work.now())),
        Verdict::ChangesRequested if note.is_none() => {
            return Err(Error::problem(ProblemCode::Required, "note", "Say what should change."));
        }
        Verdict::ChangesRequested => {
            draft.status = Set(ResourceStatus::ChangesRequested);
            draft.approved_at = Set(None);
        }
    }
    draft.note = Set(note);
    let active = row.clone().into_active_model();
    step(work, &row, active, draft).await
}

/// Publishes the draft that a review has approved. The edition that readers saw until now is superseded.
///
/// # Errors
/// A problem when no draft was approved; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn publish(
    work: &mut Work<'_>,
    id: ResourceId,
    version: i32,
    note: Option<String>,
) -> Result<resource::Model> {
    let row = work.get_at::<resource::Entity>(id, version).await?;
    work.allow::<resource::Entity>(Action::Publish, &row)?;
    let note = noted(note)?;
    let draft = in_review(work, &row).await?;
    if draft.approved_at.is_none() {
        return Err(Error::not_now("The draft has to be approved in a review first."));
    }
    if published(&row) {
        let mut earlier = edition(work, row.shown_edition_id).await?.into_active_model();
        earlier.status = Set(ResourceStatus::Superseded);
        work.update::<resource_edition::Entity>(earlier).await?;
    }
    let mut draft = draft.into_active_model();
    draft.status = Set(ResourceStatus::Published);
    draft.published_at = Set(Some(work.now()));
    draft.note = Set(note);
    let shown = work.update::<resource_edition::Entity>(draft).await?;
    let mut active = row.clone().into_active_model();
    active.status = Set(ResourceStatus::Published);
    active.shown_edition_id = Set(shown.id);
    active.draft_edition_id = Set(None);
    active.draft_by_id = Set(None);
    active.title = Set(shown.title);
    active.summary = Set(shown.summary);
    active.edition = Set(shown.number);
    active.published_at = Set(shown.published_at);
    save(work, &row, active).await
}

/// Takes the published edition back from its readers. An open draft stays.
///
/// # Errors
/// A problem when nothing is published; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn withdraw(
    work: &mut Work<'_>,
    id: ResourceId,
    version: i32,
    note: Option<String>,
) -> Result<resource::Model> {
    let row = work.get_at::<resource::Entity>(id, version).await?;
    if !published(&row) {
        return Err(Error::not_now("Only a published resource can be withdrawn."));
    }
    work.allow::<resource::Entity>(Action::Withdraw, &row)?;
    let note = noted(note)?;
    let mut shown = edition(work, row.shown_edition_id).await?.into_active_model();
    shown.status = Set(ResourceStatus::Withdrawn);
    shown.note = Set(note);
    work.update::<resource_edition::Entity>(shown).await?;
    let mut active = row.clone().into_active_model();
    active.status = Set(ResourceStatus::Withdrawn);
    save(work, &row, active).await
}

fn noted(note: Option<String>) -> Result<Option<String>> {
    let mut check = Check::new();
    let note = check.optional_text("note", note, input::SUMMARY);
    check.done()?;
    Ok(note)
}

async fn in_review(work: &Work<'_>, row: &resource::Model) -> Result<resource_edition::Model> {
    let draft = draft_of(work, row).await?;
    let handed_in = draft.filter(|draft| draft.status == ResourceStatus::InReview);
    handed_in.ok_or_else(|| Error::not_now("No draft is in review. It has to be handed in first."))
}

/// Stores a draft that took a step, and what the resource repeats of it.
async fn step(
    work: &mut Work<'_>,
    row: &resource::Model,
    mut active: resource::ActiveModel,
    draft: resource_edition::ActiveModel,
) -> Result<resource::Model> {
    let draft = work.update::<resource_edition::Entity>(draft).await?;
    repeat(&mut active, &draft);
    save(work, row, active).await
}
