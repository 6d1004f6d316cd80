//! The milestones and targets of projects in the API.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use entity::{impact_measure, project, project_milestone, project_target};

use crate::{
    error::Result,
    graphql::{
        Asking,
        scalars::{Date, Decimal},
        seen::Seen,
    },
    impact::graphql::ImpactMeasure,
    projects::ops,
    read,
};

/// A step that a project means to reach.
#[derive(Clone, Debug, SimpleObject)]
pub struct ProjectMilestone {
    /// What is to be reached.
    title: String,
    /// By when.
    due_on: Option<Date>,
    /// When it was reached; null while it is not.
    done_on: Option<Date>,
}

/// A figure that a project means to reach.
#[derive(Clone, Debug)]
pub struct ProjectTarget {
    project: Seen<project::Entity>,
    row: project_target::Model,
}

/// A figure that a project means to reach.
#[Object]
impl ProjectTarget {
    /// Against which measure; null while this host does not know it.
    async fn measure(&self, ctx: &Context<'_>) -> Result<Option<ImpactMeasure>> {
        let load = async |_: &[project::Model]| {
            let all = all_targets(&self.project, ctx).await?;
            let mut ids: Vec<_> = all.iter().map(|target| target.measure_id).collect();
            ids.sort();
            ids.dedup();
            let found = read::by_ids::<impact_measure::Entity>(ctx.app().reader(), ctx.caller(), &ids).await?;
            Ok(Seen::all(found).collect::<Vec<Seen<impact_measure::Entity>>>())
        };
        let measures = self.project.together("target measures".to_owned(), load).await?;
        let own = measures.iter().find(|measure| measure.id == self.row.measure_id);
        Ok(own.cloned().map(ImpactMeasure))
    }

    /// The figure; null when the measure is a coverage.
    async fn value(&self) -> Option<Decimal> {
        self.row.value.map(Into::into)
    }

    /// Of a coverage: how many.
    async fn numerator(&self) -> Option<Decimal> {
        self.row.numerator.map(Into::into)
    }

    /// Of a coverage: of how many.
    async fn denominator(&self) -> Option<Decimal> {
        self.row.denominator.map(Into::into)
    }

    /// By when.
    async fn due_on(&self) -> Option<Date> {
        self.row.due_on.map(Date)
    }
}

/// The milestones of a project, in order.
pub(super) async fn milestones(project: &Seen<project::Entity>, ctx: &Context<'_>) -> Result<Vec<ProjectMilestone>> {
    let load = async |rows: &[project::Model]| {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        ops::milestones(ctx.app().reader(), &ids).await
    };
    let all = project.together("milestones".to_owned(), load).await?;
    let own = all.iter().filter(|milestone| milestone.project_id == project.id);
    let show = |row: &project_milestone::Model| ProjectMilestone {
        title: row.title.clone(),
        due_on: row.due_on.map(Date),
        done_on: row.done_on.map(Date),
    };
    Ok(own.map(show).collect())
}

/// The targets of a project, in order.
pub(super) async fn targets(project: &Seen<project::Entity>, ctx: &Context<'_>) -> Result<Vec<ProjectTarget>> {
    let all = all_targets(project, ctx).await?;
    let own = all.iter().filter(|target| target.project_id == project.id).cloned();
    let show = |row| ProjectTarget {
        project: project.clone(),
        row,
    };
    Ok(own.map(show).collect())
}

/// The targets of all projects that were read with this one.
async fn all_targets(project: &Seen<project::Entity>, ctx: &Context<'_>) -> Result<Arc<Vec<project_target::Model>>> {
    let load = async |rows: &[project::Model]| {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        ops::targets(ctx.app().reader(), &ids).await
    };
    project.together("targets".to_owned(), load).await
}
