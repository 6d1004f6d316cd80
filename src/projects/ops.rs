//! What is done to projects, and how they are listed.

use chrono::NaiveDate;
use entity::{ChampionId, FocusArea, Kind, List, ProjectId, ProjectStatus, Visibility, project, resource, thread};
use sea_orm::{ActiveValue::Set, IntoActiveModel};

use crate::{
    app::Work,
    error::{Error, Result},
    input::{self, Check, Patch},
    policy::Action,
    read,
    search::{self, Document},
    sites,
};

mod list;
mod parts;
mod team;

pub use list::{Order, Projects, by_slug};
pub use parts::{Milestone, Target, milestones, set_milestones, set_targets, targets};
use team::team_member;
pub use team::{OF_CHAMPION, TEAM, add_champion, remove_champion};

/// A project to be made.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The slug of its home site.
    pub site: String,
    /// What it is called.
    pub title: String,
    /// What it does, in a paragraph.
    pub summary: String,
    /// The question it answers.
    pub question: Option<String>,
    /// What it works on.
    pub focus_areas: Vec<FocusArea>,
    /// The health conditions it is about.
    pub conditions: Vec<String>,
    /// Who supports it.
    pub sponsors: Vec<String>,
    /// Its first day.
    pub starts_on: Option<NaiveDate>,
    /// Its last day.
    pub ends_on: Option<NaiveDate>,
    /// Who sees it.
    pub visibility: Visibility,
    /// The project it was made after.
    pub cloned_from: Option<ProjectId>,
}

/// Makes a project, led by the caller where they are a champion of the site.
///
/// # Errors
/// Problems of the draft; what [`Work::allow_at`] refuses.
pub async fn create(work: &mut Work<'_>, draft: Draft) -> Result<project::Model> {
    use project::Column::{SiteId, Slug};
    let site = sites::ops::named(work.db(), &draft.site).await?;
    work.allow_at(Action::Create, Kind::Project, site.id).await?;
    let mut check = Check::new();
    let today = work.today();
    let row = project::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site.id),
        owner_id: Set(work.caller().writes_as(site.id)),
        visibility: Set(draft.visibility),
        title: Set(check.line("title", &draft.title, input::TITLE)),
        summary: Set(check.text("summary", &draft.summary, input::SUMMARY)),
        question: Set(check.optional_text("question", draft.question, input::SUMMARY)),
        focus_areas: Set(List(check.set("focusAreas", draft.focus_areas))),
        conditions: Set(List(check.words("conditions", draft.conditions))),
        sponsors: Set(List(sponsors(&mut check, draft.sponsors))),
        status: Set(ProjectStatus::Draft),
        starts_on: Set(check.optional_day("startsOn", draft.starts_on, today)),
        ends_on: Set(check.optional_day("endsOn", draft.ends_on, today)),
        cloned_from_id: Set(draft.cloned_from),
        slug: Set(sites::ops::free_slug::<project::Entity>(work.db(), [SiteId, Slug], site.id, &draft.title).await?),
        ..project::ActiveModel::default()
    };
    check.period("endsOn", draft.starts_on, draft.ends_on);
    if let Some(original) = draft.cloned_from {
        read::get::<project::Entity>(work.db(), work.caller(), original).await?;
    }
    check.done()?;
    let row = work.insert::<project::Entity>(row).await?;
    index(work, &row).await?;
    Ok(row)
}

fn sponsors(check: &mut Check, names: Vec<String>) -> Vec<String> {
    let checked = names.iter().enumerate();
    let checked = checked
        .map(|(at, name)| check.line(&format!("sponsors.{at}"), name, input::TITLE))
        .collect();
    check.set("sponsors", checked)
}

/// Stores the words of a project.
async fn index(work: &Work<'_>, row: &project::Model) -> Result<()> {
    index_all(work, std::slice::from_ref(row)).await
}

/// Stores the words of projects.
pub(super) async fn index_all(work: &Work<'_>, rows: &[project::Model]) -> Result<()> {
    let documents = rows.iter().map(|row| {
        let question = row.question.as_deref().unwrap_or_default();
        Document {
            record: row.id.into(),
            title: row.title.clone(),
            body: [&row.summary, question, &row.conditions.0.join(" ")].join(" "),
        }
    });
    search::store_all(work.db(), Kind::Project, documents.collect()).await
}

/// What changes in a project.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What it is called.
    pub title: Patch<String>,
    /// What it does.
    pub summary: Patch<String>,
    /// The question it answers.
    pub question: Patch<String>,
    /// What it works on.
    pub focus_areas: Patch<Vec<FocusArea>>,
    /// The health conditions it is about.
    pub conditions: Patch<Vec<String>>,
    /// Who supports it.
    pub sponsors: Patch<Vec<String>>,
    /// Its first day.
    pub starts_on: Patch<NaiveDate>,
    /// Its last day.
    pub ends_on: Patch<NaiveDate>,
    /// Who sees it.
    pub visibility: Patch<Visibility>,
    /// Who leads it.
    pub lead: Patch<ChampionId>,
}

/// Changes what a project says of itself.
///
/// # Errors
/// Problems of the changes; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn update(work: &mut Work<'_>, id: ProjectId, version: i32, changes: Changes) -> Result<project::Model> {
    let row = work.get_at::<project::Entity>(id, version).await?;
    work.allow::<project::Entity>(Action::Edit, &row)?;
    let mut check = Check::new();
    let today = work.today();
    let title = check.required("title", changes.title, &row.title);
    let summary = check.required("summary", changes.summary, &row.summary);
    let question = changes.question.or_now(row.question.clone());
    let focus_areas = changes
        .focus_areas
        .or_now(Some(row.focus_areas.0.clone()))
        .unwrap_or_default();
    let conditions = changes
        .conditions
        .or_now(Some(row.conditions.0.clone()))
        .unwrap_or_default();
    let supporters = changes
        .sponsors
        .or_now(Some(row.sponsors.0.clone()))
        .unwrap_or_default();
    let starts_on = changes.starts_on.or_now(row.starts_on);
    let ends_on = changes.ends_on.or_now(row.ends_on);
    let lead = changes.lead.or_now(row.owner_id);
    if let Some(lead) = lead.filter(|_| lead != row.owner_id) {
        team_member(work, &mut check, "lead", &row, lead).await?;
    }
    let visibility = check.required("visibility", changes.visibility, &row.visibility);
    let before = (row.visibility, row.status);
    let mut active = row.into_active_model();
    active.title = Set(check.line("title", &title, input::TITLE));
    active.summary = Set(check.text("summary", &summary, input::SUMMARY));
    active.question = Set(check.optional_text("question", question, input::SUMMARY));
    active.focus_areas = Set(List(check.set("focusAreas", focus_areas)));
    active.conditions = Set(List(check.words("conditions", conditions)));
    active.sponsors = Set(List(sponsors(&mut check, supporters)));
    active.starts_on = Set(check.optional_day("startsOn", starts_on, today));
    active.ends_on = Set(check.optional_day("endsOn", ends_on, today));
    active.owner_id = Set(lead);
    active.visibility = Set(visibility);
    check.period("endsOn", starts_on, ends_on);
    check.done()?;
    let row = save(work, before, active).await?;
    index(work, &row).await?;
    Ok(row)
}

/// Takes a project to another status: `DRAFT` → `ACTIVE` ⇄ `PAUSED` → `COMPLETED` → `ARCHIVED`.
///
/// # Errors
/// A problem when the present status does not lead there; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn set_status(
    work: &mut Work<'_>,
    id: ProjectId,
    version: i32,
    status: ProjectStatus,
) -> Result<project::Model> {
    use ProjectStatus::{Active, Archived, Completed, Draft, Paused};
    let row = work.get_at::<project::Entity>(id, version).await?;
    work.allow::<project::Entity>(
        if status == Archived {
            Action::Archive
        } else {
            Action::Edit
        },
        &row,
    )?;
    let leads = matches!(
        (row.status, status),
        (Draft, Active | Archived)
            | (Active, Paused | Completed)
            | (Paused, Active | Completed)
            | (Completed, Archived | Active)
    );
    if !leads {
        return Err(Error::not_now(format!(
            "A project that is {} cannot become {status}.",
            row.status
        )));
    }
    let before = (row.visibility, row.status);
    let mut row = row.into_active_model();
    row.status = Set(status);
    save(work, before, row).await
}

/// Stores a changed project. What names it names it to whoever may see it.
async fn save(
    work: &mut Work<'_>,
    before: (Visibility, ProjectStatus),
    row: project::ActiveModel,
) -> Result<project::Model> {
    let row = work.update::<project::Entity>(row).await?;
    if (row.visibility, row.status) != before {
        work.touch_naming::<project::Entity>(project::Column::ClonedFromId, row.id)
            .await?;
        work.touch_naming::<resource::Entity>(resource::Column::ProjectId, row.id)
            .await?;
        work.touch_naming::<thread::Entity>(thread::Column::ProjectId, row.id)
            .await?;
    }
    Ok(row)
}
