//! What can be done to projects, in the API.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use entity::ImpactMeasureId;

use crate::{
    error::Result,
    graphql::{
        enums::{Visibility, stored},
        ids::input_id,
        payload::{change, payload},
        scalars::{Date, Decimal},
    },
    projects::{
        graphql::{FocusArea, Project, ProjectStatus},
        ops,
    },
};

payload! {
    /// What a change to a project came to.
    ProjectPayload {
        /// The project as it is now; null when there are problems, unless somebody was faster.
        project: Project
    }
}

/// A new project.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectCreateInput {
    /// The slug of its site.
    site: String,
    /// What it is called, at most 200 characters.
    title: String,
    /// What it does, at most 1,000 characters.
    summary: String,
    /// The question that it answers, at most 1,000 characters.
    question: Option<String>,
    /// What it works on.
    #[graphql(default)]
    focus_areas: Vec<FocusArea>,
    /// The health conditions that it is about.
    #[graphql(default)]
    conditions: Vec<String>,
    /// Who supports it.
    #[graphql(default)]
    sponsors: Vec<String>,
    /// Its first day.
    starts_on: Option<Date>,
    /// Its last day.
    ends_on: Option<Date>,
    /// Who sees it.
    #[graphql(default_with = "Visibility::Site")]
    visibility: Visibility,
    /// The project that it is made after.
    cloned_from: Option<ID>,
}

impl ProjectCreateInput {
    fn draft(self) -> Result<ops::Draft> {
        Ok(ops::Draft {
            cloned_from: self.cloned_from.map(|id| input_id("clonedFrom", &id)).transpose()?,
            site: self.site,
            title: self.title,
            summary: self.summary,
            question: self.question,
            focus_areas: stored(self.focus_areas),
            conditions: self.conditions,
            sponsors: self.sponsors,
            starts_on: self.starts_on.map(|day| day.0),
            ends_on: self.ends_on.map(|day| day.0),
            visibility: self.visibility.into(),
        })
    }
}

/// Changes to a project. What is left out stays; null empties.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectUpdateInput {
    /// The project.
    id: ID,
    /// The version that you read.
    version: i32,
    /// What it is called.
    title: MaybeUndefined<String>,
    /// What it does.
    summary: MaybeUndefined<String>,
    /// The question that it answers.
    question: MaybeUndefined<String>,
    /// What it works on.
    focus_areas: MaybeUndefined<Vec<FocusArea>>,
    /// The health conditions that it is about.
    conditions: MaybeUndefined<Vec<String>>,
    /// Who supports it.
    sponsors: MaybeUndefined<Vec<String>>,
    /// Its first day.
    starts_on: MaybeUndefined<Date>,
    /// Its last day.
    ends_on: MaybeUndefined<Date>,
    /// Who sees it.
    visibility: MaybeUndefined<Visibility>,
    /// Who leads it: a champion of its site.
    lead: MaybeUndefined<ID>,
}

impl ProjectUpdateInput {
    fn changes(self) -> Result<ops::Changes> {
        Ok(ops::Changes {
            lead: self.lead.map_value(|id| input_id("lead", &id)).transpose()?.into(),
            title: self.title.into(),
            summary: self.summary.into(),
            question: self.question.into(),
            focus_areas: self.focus_areas.map_value(stored).into(),
            conditions: self.conditions.into(),
            sponsors: self.sponsors.into(),
            starts_on: self.starts_on.map_value(|day| day.0).into(),
            ends_on: self.ends_on.map_value(|day| day.0).into(),
            visibility: self.visibility.map_value(Into::into).into(),
        })
    }
}

/// Another status for a project.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectSetStatusInput {
    /// The project.
    id: ID,
    /// The version that you read.
    version: i32,
    /// The status that it takes.
    status: ProjectStatus,
}

/// All milestones of a project.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectSetMilestonesInput {
    /// The project.
    id: ID,
    /// The version that you read.
    version: i32,
    /// The milestones in order, at most 50. They replace what was there.
    milestones: Vec<ProjectMilestoneInput>,
}

/// A step that a project means to reach.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectMilestoneInput {
    /// What is to be reached, at most 200 characters.
    title: String,
    /// By when.
    due_on: Option<Date>,
    /// When it was reached.
    done_on: Option<Date>,
}

/// All targets of a project.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectSetTargetsInput {
    /// The project.
    id: ID,
    /// The version that you read.
    version: i32,
    /// The targets in order, at most 50. They replace what was there.
    targets: Vec<ProjectTargetInput>,
}

/// A figure that a project means to reach.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectTargetInput {
    /// The id of the measure.
    measure: ID,
    /// The figure, unless the measure is a coverage.
    value: Option<Decimal>,
    /// Of a coverage: how many.
    numerator: Option<Decimal>,
    /// Of a coverage: of how many.
    denominator: Option<Decimal>,
    /// By when.
    due_on: Option<Date>,
}

impl ProjectTargetInput {
    fn target(self, position: usize) -> Result<ops::Target> {
        Ok(ops::Target {
            measure: input_id::<ImpactMeasureId>(&format!("targets.{position}.measure"), &self.measure)?,
            value: self.value.map(|figure| figure.0),
            numerator: self.numerator.map(|figure| figure.0),
            denominator: self.denominator.map(|figure| figure.0),
            due_on: self.due_on.map(|day| day.0),
        })
    }
}

/// A champion who joins a project's team.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectAddChampionInput {
    /// The project.
    id: ID,
    /// The version that you read.
    version: i32,
    /// The champion: one of the project's site.
    champion: ID,
}

/// A champion who leaves a project's team.
#[derive(Clone, Debug, InputObject)]
pub struct ProjectRemoveChampionInput {
    /// The project.
    id: ID,
    /// The version that you read.
    version: i32,
    /// The champion.
    champion: ID,
}

/// What can be done to projects.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProjectMutations;

/// What can be done to projects.
#[Object]
impl ProjectMutations {
    /// Makes a project, led by you. For project leads and site admins.
    async fn project_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] input: ProjectCreateInput,
    ) -> Result<ProjectPayload> {
        change(ctx, async |work| Ok(ops::create(work, input.draft()?).await?.id)).await
    }

    /// Changes what a project says of itself. For its lead and site admins.
    async fn project_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: ProjectUpdateInput,
    ) -> Result<ProjectPayload> {
        change(ctx, async |work| {
            let (id, version) = (input_id("id", &input.id)?, input.version);
            Ok(ops::update(work, id, version, input.changes()?).await?.id)
        })
        .await
    }

    /// Takes a project to another status. For its lead and site admins.
    async fn project_set_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project and its status.")] input: ProjectSetStatusInput,
    ) -> Result<ProjectPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(ops::set_status(work, id, input.version, input.status.into()).await?.id)
        })
        .await
    }

    /// Replaces the milestones of a project. For its lead and site admins.
    async fn project_set_milestones(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project and its milestones.")] input: ProjectSetMilestonesInput,
    ) -> Result<ProjectPayload> {
        change(ctx, async |work| {
            let milestones = input.milestones.into_iter().map(|milestone| ops::Milestone {
                title: milestone.title,
                due_on: milestone.due_on.map(|day| day.0),
                done_on: milestone.done_on.map(|day| day.0),
            });
            let id = input_id("id", &input.id)?;
            Ok(ops::set_milestones(work, id, input.version, milestones.collect())
                .await?
                .id)
        })
        .await
    }

    /// Replaces the targets of a project. For its lead and site admins.
    async fn project_set_targets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project and its targets.")] input: ProjectSetTargetsInput,
    ) -> Result<ProjectPayload> {
        change(ctx, async |work| {
            let targets = input
                .targets
                .into_iter()
                .enumerate()
                .map(|(at, target)| target.target(at));
            let (id, targets) = (input_id("id", &input.id)?, targets.collect::<Result<_>>()?);
            Ok(ops::set_targets(work, id, input.version, targets).await?.id)
        })
        .await
    }

    /// Takes a champion into a project's team. For its lead and site admins.
    async fn project_add_champion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project and the champion.")] input: ProjectAddChampionInput,
    ) -> Result<ProjectPayload> {
        change(ctx, async |work| {
            let (id, champion) = (input_id("id", &input.id)?, input_id("champion", &input.champion)?);
            Ok(ops::add_champion(work, id, input.version, champion).await?.id)
        })
        .await
    }

    /// Lets a champion go from a project's team. For its lead and site admins.
    async fn project_remove_champion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project and the champion.")] input: ProjectRemoveChampionInput,
    ) -> Result<ProjectPayload> {
        change(ctx, async |work| {
            let (id, champion) = (input_id("id", &input.id)?, input_id("champion", &input.champion)?);
            Ok(ops::remove_champion(work, id, input.version, champion).await?.id)
        })
        .await
    }
}
