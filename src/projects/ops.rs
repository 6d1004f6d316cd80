//! What is done to projects, and how they are listed.

use chrono::NaiveDate;
use entity::{
    ChampionId, FocusArea, Kind, List, ProjectId, ProjectStatus, Visibility, champion, impact_measure, project,
    project_champion, project_milestone, project_target,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QueryTrait,
    Select, sea_query::OnConflict,
};

use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check, Patch},
    policy::Action,
    read::{self, KeyType, Listing, Parent, Sort, Wide},
    search::{self, Hits},
    sites,
};

/// Most milestones or targets of a project.
pub const MOST_PARTS: usize = 50;

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

async fn index(work: &Work<'_>, row: &project::Model) -> Result<()> {
    let question = row.question.as_deref().unwrap_or_default();
    let body = [&row.summary, question, &row.conditions.0.join(" ")].join(" ");
    search::store(work.db(), Kind::Project, row.id.into(), &row.title, &body).await
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
    let row = work.update::<project::Entity>(active).await?;
    index(work, &row).await?;
    Ok(row)
}

/// Notes a problem unless the champion is one of the project's site.
async fn team_member(
    work: &Work<'_>,
    check: &mut Check,
    path: &str,
    row: &project::Model,
    champion: ChampionId,
) -> Result<()> {
    let found = read::get::<champion::Entity>(work.db(), work.caller(), champion).await?;
    if found.site_id != row.site_id {
        check.note(ProblemCode::Invalid, path, "This champion belongs to another site.");
    }
    Ok(())
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
    let mut row = row.into_active_model();
    row.status = Set(status);
    work.update::<project::Entity>(row).await
}

/// A milestone of a project.
#[derive(Clone, Debug)]
pub struct Milestone {
    /// What is to be reached.
    pub title: String,
    /// By when.
    pub due_on: Option<NaiveDate>,
    /// When it was reached.
    pub done_on: Option<NaiveDate>,
}

/// Replaces the milestones of a project.
///
/// # Errors
/// Problems of the milestones; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn set_milestones(
    work: &mut Work<'_>,
    id: ProjectId,
    version: i32,
    milestones: Vec<Milestone>,
) -> Result<project::Model> {
    let row = work.get_at::<project::Entity>(id, version).await?;
    work.allow::<project::Entity>(Action::Edit, &row)?;
    let mut check = Check::new();
    parts(&mut check, "milestones", milestones.len());
    let today = work.today();
    let rows = (0_i32..)
        .zip(milestones)
        .map(|(position, milestone)| project_milestone::ActiveModel {
            project_id: Set(id),
            position: Set(position),
            title: Set(check.line(&format!("milestones.{position}.title"), &milestone.title, input::TITLE)),
            due_on: Set(check.optional_day(&format!("milestones.{position}.dueOn"), milestone.due_on, today)),
            done_on: Set(check.optional_day(&format!("milestones.{position}.doneOn"), milestone.done_on, today)),
        });
    let rows: Vec<_> = rows.collect();
    check.done()?;
    let old = project_milestone::Column::ProjectId.eq(id);
    project_milestone::Entity::delete_many()
        .filter(old)
        .exec(work.db())
        .await?;
    if !rows.is_empty() {
        project_milestone::Entity::insert_many(rows)
            .exec_without_returning(work.db())
            .await?;
    }
    work.update::<project::Entity>(row.into_active_model()).await
}

fn parts(check: &mut Check, path: &str, count: usize) {
    if count > MOST_PARTS {
        check.note(
            ProblemCode::TooLong,
            path,
            format!("A project has at most {MOST_PARTS} of these."),
        );
    }
}

/// A target that a project sets itself.
#[derive(Clone, Debug)]
pub struct Target {
    /// Against which measure.
    pub measure: entity::ImpactMeasureId,
    /// The figure to reach, unless the measure is a coverage.
    pub value: Option<rust_decimal::Decimal>,
    /// Of a coverage: how many to reach.
    pub numerator: Option<rust_decimal::Decimal>,
    /// Of a coverage: of how many.
    pub denominator: Option<rust_decimal::Decimal>,
    /// By when.
    pub due_on: Option<NaiveDate>,
}

/// Replaces the targets of a project.
///
/// # Errors
/// Problems of the targets; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn set_targets(
    work: &mut Work<'_>,
    id: ProjectId,
    version: i32,
    targets: Vec<Target>,
) -> Result<project::Model> {
    let row = work.get_at::<project::Entity>(id, version).await?;
    work.allow::<project::Entity>(Action::Edit, &row)?;
    let mut check = Check::new();
    parts(&mut check, "targets", targets.len());
    let measures: Vec<_> = targets.iter().map(|target| target.measure).collect();
    let known = read::by_ids::<impact_measure::Entity>(work.db(), work.caller(), &measures).await?;
    let today = work.today();
    let mut rows = Vec::new();
    for (position, target) in (0_i32..).zip(targets) {
        let path = format!("targets.{position}");
        let Some(measure) = known.iter().find(|measure| measure.id == target.measure) else {
            return Err(Error::NotFound(Kind::ImpactMeasure));
        };
        let coverage = measure.kind == entity::MeasureKind::Coverage;
        check.figures(&path, coverage, target.value, target.numerator, target.denominator);
        rows.push(project_target::ActiveModel {
            project_id: Set(id),
            position: Set(position),
            measure_id: Set(target.measure),
            value: Set(target.value.map(Into::into)),
            numerator: Set(target.numerator.map(Into::into)),
            denominator: Set(target.denominator.map(Into::into)),
            due_on: Set(check.optional_day(&format!("{path}.dueOn"), target.due_on, today)),
        });
    }
    check.done()?;
    let old = project_target::Column::ProjectId.eq(id);
    project_target::Entity::delete_many()
        .filter(old)
        .exec(work.db())
        .await?;
    if !rows.is_empty() {
        project_target::Entity::insert_many(rows)
            .exec_without_returning(work.db())
            .await?;
    }
    work.update::<project::Entity>(row.into_active_model()).await
}

/// Takes a champion of the site into the team; doing it twice changes nothing.
///
/// # Errors
/// A problem for a champion of another site; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn add_champion(
    work: &mut Work<'_>,
    id: ProjectId,
    version: i32,
    champion: ChampionId,
) -> Result<project::Model> {
    let row = work.get_at::<project::Entity>(id, version).await?;
    work.allow::<project::Entity>(Action::Manage, &row)?;
    let mut check = Check::new();
    team_member(work, &mut check, "champion", &row, champion).await?;
    check.done()?;
    let member = project_champion::ActiveModel {
        project_id: Set(id),
        champion_id: Set(champion),
        joined_at: Set(work.now()),
    };
    let again = OnConflict::columns([
        project_champion::Column::ProjectId,
        project_champion::Column::ChampionId,
    ])
    .do_nothing()
    .to_owned();
    project_champion::Entity::insert(member)
        .on_conflict(again)
        .exec_without_returning(work.db())
        .await?;
    work.update::<project::Entity>(row.into_active_model()).await
}

/// Lets a champion go from the team; doing it twice changes nothing.
///
/// # Errors
/// What [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn remove_champion(
    work: &mut Work<'_>,
    id: ProjectId,
    version: i32,
    champion: ChampionId,
) -> Result<project::Model> {
    let row = work.get_at::<project::Entity>(id, version).await?;
    work.allow::<project::Entity>(Action::Manage, &row)?;
    project_champion::Entity::delete_by_id((id, champion))
        .exec(work.db())
        .await?;
    work.update::<project::Entity>(row.into_active_model()).await
}

/// A project by its address.
///
/// # Errors
/// Only when the database fails.
pub async fn by_slug(
    db: &impl ConnectionTrait,
    caller: &crate::policy::Caller,
    site: &str,
    slug: &str,
) -> Result<Option<project::Model>> {
    let rows = crate::scope::readable::<project::Entity>(caller);
    let home = sites::ops::home_in(project::Column::SiteId, &[site.to_owned()]);
    Ok(rows.filter(home).filter(project::Column::Slug.eq(slug)).one(db).await?)
}

/// The milestones of many projects, in order.
///
/// # Errors
/// Only when the database fails.
pub async fn milestones(db: &impl ConnectionTrait, projects: &[ProjectId]) -> Result<Vec<project_milestone::Model>> {
    use project_milestone::{Column, Entity};
    let rows = Entity::find().filter(Column::ProjectId.is_in(projects.iter().copied()));
    Ok(rows.order_by_asc(Column::Position).all(db).await?)
}

/// The targets of many projects, in order.
///
/// # Errors
/// Only when the database fails.
pub async fn targets(db: &impl ConnectionTrait, projects: &[ProjectId]) -> Result<Vec<project_target::Model>> {
    use project_target::{Column, Entity};
    let rows = Entity::find().filter(Column::ProjectId.is_in(projects.iter().copied()));
    Ok(rows.order_by_asc(Column::Position).all(db).await?)
}

/// How projects hang on the champions of their teams.
pub const OF_CHAMPION: Parent<project::Entity> = Parent::Through {
    table: "project_champion",
    parent: "champion_id",
    row: "project_id",
};

/// How champions hang on the projects whose teams they are in.
pub const TEAM: Parent<champion::Entity> = Parent::Through {
    table: "project_champion",
    parent: "project_id",
    row: "champion_id",
};

/// The order of a list of projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    #[default]
    Created,
    /// Last changed first.
    Updated,
    /// By title.
    Title,
    /// Best match first.
    Relevance,
}

/// A list of projects.
#[derive(Clone, Debug, Default)]
pub struct Projects {
    /// Only of the sites with these slugs.
    pub sites: Option<Vec<String>>,
    /// Only with one of these statuses.
    pub statuses: Option<Vec<ProjectStatus>>,
    /// Only with one of these focus areas.
    pub focus_areas: Option<Vec<FocusArea>>,
    /// Only about this condition.
    pub condition: Option<String>,
    /// Only those that match.
    pub search: Option<Hits>,
    /// The order.
    pub order: Order,
}

impl Listing for Projects {
    type Entity = project::Entity;

    fn narrow(&self, rows: Select<project::Entity>) -> Select<project::Entity> {
        use project::Column::{Conditions, FocusAreas, SiteId, Status};
        rows.apply_if(self.sites.as_ref(), |rows, slugs| {
            rows.filter(sites::ops::home_in(SiteId, slugs))
        })
        .apply_if(self.statuses.clone(), |rows, statuses| {
            rows.filter(Status.is_in(statuses))
        })
        .apply_if(self.focus_areas.as_ref(), |rows, areas| {
            rows.filter(read::holds_any(FocusAreas, areas))
        })
        .apply_if(self.condition.as_ref(), |rows, one| {
            rows.filter(read::holds_any(Conditions, &[one.to_lowercase()]))
        })
        .apply_if(self.search.as_ref(), |rows, hits| hits.join(rows))
    }

    fn sort(&self) -> Sort {
        match self.order {
            Order::Created => Sort::by("CREATED_DESC", project::Column::CreatedAt, KeyType::Time, true),
            Order::Updated => Sort::by("UPDATED_DESC", project::Column::UpdatedAt, KeyType::Time, true),
            Order::Title => Sort::by("TITLE_ASC", project::Column::Title, KeyType::Text, false),
            Order::Relevance => Hits::rank(),
        }
    }

    fn wide(&self) -> &'static [Wide<project::Entity>] {
        &[
            (project::Column::Summary, &["summary"]),
            (project::Column::Question, &["question"]),
        ]
    }
}
