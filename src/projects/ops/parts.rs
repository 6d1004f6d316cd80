//! The milestones and targets of projects: parts that are replaced as a whole.

use chrono::NaiveDate;
use entity::{
    ImpactMeasureId, Kind, MeasureKind, ProjectId, impact_measure, project, project_milestone, project_target,
};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder,
};

use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check},
    policy::Action,
    read,
};

/// Most milestones or targets of a project.
const MOST_PARTS: usize = 50;

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
    count(&mut check, "milestones", milestones.len());
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
    replace(work, project_milestone::Column::ProjectId, id, rows).await?;
    work.update::<project::Entity>(row.into_active_model()).await
}

fn count(check: &mut Check, path: &str, count: usize) {
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
    pub measure: ImpactMeasureId,
    /// The figure to reach, unless the measure is a coverage.
    pub value: Option<Decimal>,
    /// Of a coverage: how many to reach.
    pub numerator: Option<Decimal>,
    /// Of a coverage: of how many.
    pub denominator: Option<Decimal>,
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
    count(&mut check, "targets", targets.len());
    let measures: Vec<_> = targets.iter().map(|target| target.measure).collect();
    let known = read::by_ids::<impact_measure::Entity>(work.db(), work.caller(), &measures).await?;
    let today = work.today();
    let mut rows = Vec::new();
    for (position, target) in (0_i32..).zip(targets) {
        let path = format!("targets.{position}");
        let Some(measure) = known.iter().find(|measure| measure.id == target.measure) else {
            return Err(Error::NotFound(Kind::ImpactMeasure));
        };
        let coverage = measure.kind == MeasureKind::Coverage;
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
    replace(work, project_target::Column::ProjectId, id, rows).await?;
    work.update::<project::Entity>(row.into_active_model()).await
}

/// The milestones of many projects, in order.
///
/// # Errors
/// Only when the database fails.
pub async fn milestones(db: &impl ConnectionTrait, projects: &[ProjectId]) -> Result<Vec<project_milestone::Model>> {
    use project_milestone::{Column, Entity};
    in_order::<Entity>(db, Column::ProjectId, Column::Position, projects).await
}

/// The targets of many projects, in order.
///
/// # Errors
/// Only when the database fails.
pub async fn targets(db: &impl ConnectionTrait, projects: &[ProjectId]) -> Result<Vec<project_target::Model>> {
    use project_target::{Column, Entity};
    in_order::<Entity>(db, Column::ProjectId, Column::Position, projects).await
}

async fn in_order<E: EntityTrait>(
    db: &impl ConnectionTrait,
    project: E::Column,
    position: E::Column,
    projects: &[ProjectId],
) -> Result<Vec<E::Model>> {
    let rows = E::find().filter(project.is_in(projects.iter().copied()));
    Ok(rows.order_by_asc(position).all(db).await?)
}

/// Puts new parts in the place of a project's old ones.
async fn replace<P>(
    work: &Work<'_>,
    project: <P::Entity as EntityTrait>::Column,
    id: ProjectId,
    parts: Vec<P>,
) -> Result<()>
where
    P: ActiveModelTrait,
{
    let old = P::Entity::delete_many().filter(project.eq(id));
    old.exec(work.db()).await?;
    if !parts.is_empty() {
        let new = P::Entity::insert_many(parts);
        new.exec_without_returning(work.db()).await?;
    }
    Ok(())
}
