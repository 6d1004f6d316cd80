//! What other hosts see of a project.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    ChampionId, FocusArea, ImpactMeasureId, ProjectId, ProjectStatus, SiteId, Visibility, champion, impact_measure,
    project, project_champion, project_milestone, project_target,
};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    federation::wire::Audience,
    share::{self, Shape, Share, shared},
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
        let measures = share::ids::<impact_measure::Entity>(db, targets.iter().map(|one| one.measure_id)).await?;
        let mut parts = Self {
            named,
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
            cloned_from: row.cloned_from_id,
            team: self.team.remove(&row.id).unwrap_or_default(),
            milestones: self.milestones.remove(&row.id).unwrap_or_default(),
            targets: self.targets.remove(&row.id).unwrap_or_default(),
        }
    }
}
