//! What other hosts see of a project.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    ChampionId, FocusArea, ImpactMeasureId, List, ProjectId, ProjectStatus, SiteId, Visibility, champion,
    impact_measure, project, project_champion, project_milestone, project_target,
};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, prelude::Uuid,
};
use serde::{Deserialize, Serialize};

use crate::{
    app::Work,
    database::ROWS_A_STATEMENT,
    error::{ProblemCode, Result},
    federation::{protocol::apply::Facts, wire::Audience},
    input::{self, Check},
    projects::ops,
    search,
    share::{self, Arrival, Payload, Shape, Share, shared},
};

/// What its entries are.
pub const PROJECT: Shape = Shape::new("project", "project@1");

/// A project as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Project {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Who leads it, when they share their card.
    lead: Option<ChampionId>,
    slug: String,
    title: String,
    summary: String,
    question: Option<String>,
    focus_areas: Vec<FocusArea>,
    conditions: Vec<String>,
    sponsors: Vec<String>,
    status: ProjectStatus,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    /// Which one it was made after, when that is shared.
    cloned_from: Option<ProjectId>,
    /// Those of the team who share their card.
    team: Vec<Teammate>,
    milestones: Vec<Milestone>,
    targets: Vec<Target>,
}

/// Somebody of the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Teammate {
    champion: ChampionId,
    joined_at: DateTime<Utc>,
}

/// A step on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Milestone {
    title: String,
    due_on: Option<NaiveDate>,
    done_on: Option<NaiveDate>,
}

/// A figure to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Target {
    measure: ImpactMeasureId,
    value: Option<Decimal>,
    numerator: Option<Decimal>,
    denominator: Option<Decimal>,
    due_on: Option<NaiveDate>,
}

/// The shared state of those of the projects that leave this host.
///
/// # Errors
/// Only when the database fails.
pub async fn shares(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = shared::<project::Entity>(home, ids).all(db).await?;
    let found: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut parts = Parts::of(db, &rows, &found).await?;
    rows.into_iter()
        .map(|row| Share::new(row.id, Audience::Network, &parts.project(row)))
        .collect()
}

/// What belongs to projects, by project.
struct Parts {
    named: HashSet<ChampionId>,
    originals: HashSet<ProjectId>,
    team: HashMap<ProjectId, Vec<Teammate>>,
    milestones: HashMap<ProjectId, Vec<Milestone>>,
    targets: HashMap<ProjectId, Vec<Target>>,
}

impl Parts {
    async fn of(db: &impl ConnectionTrait, rows: &[project::Model], found: &[ProjectId]) -> Result<Self> {
        let team = project_champion::Entity::find()
            .filter(project_champion::Column::ProjectId.is_in(found.iter().copied()))
            .order_by_asc(project_champion::Column::JoinedAt)
            .order_by_asc(project_champion::Column::ChampionId);
        let team = team.all(db).await?;
        let milestones = project_milestone::Entity::find()
            .filter(project_milestone::Column::ProjectId.is_in(found.iter().copied()))
            .order_by_asc(project_milestone::Column::Position);
        let milestones = milestones.all(db).await?;
        let targets = project_target::Entity::find()
            .filter(project_target::Column::ProjectId.is_in(found.iter().copied()))
            .order_by_asc(project_target::Column::Position);
        let targets = targets.all(db).await?;
        let leads = rows.iter().filter_map(|row| row.owner_id);
        let named = share::ids::<champion::Entity>(db, leads.chain(team.iter().map(|one| one.champion_id))).await?;
        let originals = share::ids::<project::Entity>(db, rows.iter().filter_map(|row| row.cloned_from_id)).await?;
        let measures = share::ids::<impact_measure::Entity>(db, targets.iter().map(|one| one.measure_id)).await?;
        let mut parts = Self {
            named,
            originals,
            team: HashMap::new(),
            milestones: HashMap::new(),
            targets: HashMap::new(),
        };
        for one in team.into_iter().filter(|one| parts.named.contains(&one.champion_id)) {
            let (champion, joined_at) = (one.champion_id, one.joined_at);
            parts
                .team
                .entry(one.project_id)
                .or_default()
                .push(Teammate { champion, joined_at });
        }
        for one in milestones {
            let (title, due_on, done_on) = (one.title, one.due_on, one.done_on);
            let milestone = Milestone { title, due_on, done_on };
            parts.milestones.entry(one.project_id).or_default().push(milestone);
        }
        for one in targets.into_iter().filter(|one| measures.contains(&one.measure_id)) {
            let target = Target {
                measure: one.measure_id,
                value: one.value.map(|figure| figure.0),
                numerator: one.numerator.map(|figure| figure.0),
                denominator: one.denominator.map(|figure| figure.0),
                due_on: one.due_on,
            };
            parts.targets.entry(one.project_id).or_default().push(target);
        }
        Ok(parts)
    }

    fn project(&mut self, row: project::Model) -> Project {
        Project {
            version: row.version,
            visibility: row.visibility,
            created_at: row.created_at,
            updated_at: row.updated_at,
            lead: row.owner_id.filter(|lead| self.named.contains(lead)),
            slug: row.slug,
            title: row.title,
            summary: row.summary,
            question: row.question,
            focus_areas: row.focus_areas.0,
            conditions: row.conditions.0,
            sponsors: row.sponsors.0,
            status: row.status,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            cloned_from: row.cloned_from_id.filter(|original| self.originals.contains(original)),
            team: self.team.remove(&row.id).unwrap_or_default(),
            milestones: self.milestones.remove(&row.id).unwrap_or_default(),
            targets: self.targets.remove(&row.id).unwrap_or_default(),
        }
    }
}

/// Most parts of one kind that a project has.
const MOST_PARTS: usize = 200;

impl Payload for Project {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, self.visibility, [self.created_at, self.updated_at]);
        check.address("slug", &self.slug);
        check.line("title", &self.title, input::TITLE);
        check.text("summary", &self.summary, input::SUMMARY);
        check.optional_text("question", self.question.clone(), input::SUMMARY);
        check.values("focusAreas", &self.focus_areas);
        check.items("conditions", &self.conditions, input::WORD);
        check.items("sponsors", &self.sponsors, input::TITLE);
        check.calendar_day("startsOn", self.starts_on);
        check.calendar_day("endsOn", self.ends_on);
        if self.milestones.len().max(self.targets.len()) > MOST_PARTS {
            check.note(ProblemCode::TooLong, "", "A project has fewer parts.");
        }
        for one in &self.team {
            check.time("team", Some(one.joined_at));
        }
        for one in &self.milestones {
            check.line("milestones", &one.title, input::TITLE);
            check.calendar_day("milestones", one.due_on);
            check.calendar_day("milestones", one.done_on);
        }
        for one in &self.targets {
            check.sum("targets", one.value);
            check.sum("targets", one.numerator);
            check.sum("targets", one.denominator);
            check.calendar_day("targets", one.due_on);
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            author: self.lead.map(Into::into),
            ..Facts::default()
        }
    }
}

/// Stores projects of another host with their parts. Each comes once.
///
/// # Errors
/// Only when the database fails.
pub async fn apply(work: &Work<'_>, arrivals: &[Arrival<'_>]) -> Result<()> {
    let Some(home) = arrivals.first().map(|arrival| arrival.home) else {
        return Ok(());
    };
    let said: Vec<Project> = arrivals.iter().map(Arrival::read).collect::<Result<_>>()?;
    let mut said: Vec<_> = arrivals.iter().map(|arrival| arrival.id).zip(said).collect();
    let slugs = said.iter_mut().map(|(id, said)| (*id, &mut said.slug)).collect();
    share::take_all::<project::Entity>(work.db(), home, project::Column::Slug, slugs).await?;
    let strangers = strangers(work, home, &said).await?;
    let (mut rows, mut parts) = (Vec::with_capacity(said.len()), Rows::default());
    for (id, mut said) in said {
        let id = ProjectId(id);
        parts.team.extend(team(id, std::mem::take(&mut said.team), &strangers));
        parts
            .milestones
            .extend(milestones(id, std::mem::take(&mut said.milestones)));
        parts.targets.extend(targets(id, std::mem::take(&mut said.targets)));
        rows.push(row(id, home, said));
    }
    share::store_all::<project::Entity>(work.db(), rows.clone()).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    replace(work, project_champion::Column::ProjectId, &ids, parts.team).await?;
    replace(work, project_milestone::Column::ProjectId, &ids, parts.milestones).await?;
    replace(work, project_target::Column::ProjectId, &ids, parts.targets).await?;
    ops::index_all(work, &rows).await
}

/// Rows of what belongs to projects.
#[derive(Default)]
struct Rows {
    team: Vec<project_champion::ActiveModel>,
    milestones: Vec<project_milestone::ActiveModel>,
    targets: Vec<project_target::ActiveModel>,
}

fn row(id: ProjectId, home: SiteId, said: Project) -> project::Model {
    project::Model {
        id,
        site_id: home,
        visibility: said.visibility,
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        owner_id: said.lead,
        slug: said.slug,
        title: said.title,
        summary: said.summary,
        question: said.question,
        focus_areas: List(said.focus_areas),
        conditions: List(said.conditions),
        sponsors: List(said.sponsors),
        status: said.status,
        starts_on: said.starts_on,
        ends_on: said.ends_on,
        cloned_from_id: said.cloned_from,
    }
}

/// Puts new parts in the place of projects' old ones.
async fn replace<P: ActiveModelTrait>(
    work: &Work<'_>,
    project: <P::Entity as EntityTrait>::Column,
    ids: &[ProjectId],
    parts: Vec<P>,
) -> Result<()> {
    let old = P::Entity::delete_many().filter(project.is_in(ids.iter().copied()));
    old.exec(work.db()).await?;
    for parts in parts.chunks(ROWS_A_STATEMENT) {
        let parts = P::Entity::insert_many(parts.to_vec());
        parts.exec_without_returning(work.db()).await?;
    }
    Ok(())
}

/// Those of the teams whom this host knows as another site's.
async fn strangers(work: &Work<'_>, home: SiteId, said: &[(Uuid, Project)]) -> Result<HashSet<ChampionId>> {
    let named = said.iter().flat_map(|(_, said)| &said.team).map(|one| one.champion);
    let named: Vec<_> = named.collect::<HashSet<_>>().into_iter().collect();
    let mut strangers = HashSet::new();
    for named in named.chunks(ROWS_A_STATEMENT) {
        let found = champion::Entity::find()
            .select_only()
            .column(champion::Column::Id)
            .filter(champion::Column::Id.is_in(named.iter().copied()))
            .filter(champion::Column::SiteId.ne(home));
        strangers.extend(found.into_tuple::<ChampionId>().all(work.db()).await?);
    }
    Ok(strangers)
}

/// A team without strangers, and each of it once.
fn team(
    project: ProjectId,
    team: Vec<Teammate>,
    strangers: &HashSet<ChampionId>,
) -> Vec<project_champion::ActiveModel> {
    let mut taken = HashSet::new();
    let own = team
        .into_iter()
        .filter(|one| !strangers.contains(&one.champion) && taken.insert(one.champion));
    own.map(|one| project_champion::ActiveModel {
        project_id: Set(project),
        champion_id: Set(one.champion),
        joined_at: Set(one.joined_at),
    })
    .collect()
}

fn milestones(project: ProjectId, milestones: Vec<Milestone>) -> Vec<project_milestone::ActiveModel> {
    let rows = (0..).zip(milestones);
    rows.map(|(position, one)| project_milestone::ActiveModel {
        project_id: Set(project),
        position: Set(position),
        title: Set(one.title),
        due_on: Set(one.due_on),
        done_on: Set(one.done_on),
    })
    .collect()
}

fn targets(project: ProjectId, targets: Vec<Target>) -> Vec<project_target::ActiveModel> {
    let rows = (0..).zip(targets);
    rows.map(|(position, one)| project_target::ActiveModel {
        project_id: Set(project),
        position: Set(position),
        measure_id: Set(one.measure),
        value: Set(one.value.map(Into::into)),
        numerator: Set(one.numerator.map(Into::into)),
        denominator: Set(one.denominator.map(Into::into)),
        due_on: Set(one.due_on),
    })
    .collect()
}

/// Forgets projects of another host.
///
/// # Errors
/// Only when the database fails.
pub async fn forget(work: &Work<'_>, projects: &[Uuid]) -> Result<()> {
    share::remove::<project::Entity>(work.db(), projects).await?;
    search::forget_all(work.db(), projects).await
}
