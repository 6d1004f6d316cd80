//! Projects in the API.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::{impact_measure, project, project_target};

use crate::{
    champions::graphql::{Champion, ChampionConnection, ChampionFilter, ChampionOrder},
    error::Result,
    forum::graphql::{ThreadConnection, ThreadFilter, ThreadOrder},
    graphql::{
        Asking,
        enums::{Visibility, api_enum, shown, stored},
        ids::input_id,
        page::{Connection, Paging, connection},
        payload::{change, payload},
        record::record_object,
        scalars::{Date, Decimal},
        seen::Seen,
    },
    impact::graphql::ImpactMeasure,
    projects::ops::{self, Order, Projects},
    read::{self, Parent},
    resources::graphql::{ResourceConnection, ResourceFilter},
};

api_enum! {
    /// What a project works on.
    FocusArea {
        /// Devices, networks, systems.
        Infrastructure,
        /// How staff see and use digital tools.
        StaffCulture,
        /// What patients and their families can do with them.
        PatientUpskilling,
    }
}

api_enum! {
    /// Where a project stands. `DRAFT` leads to `ACTIVE`, that to `PAUSED` and back or to `COMPLETED`, that to `ARCHIVED`.
    ProjectStatus {
        /// Being planned.
        Draft,
        /// Running.
        Active,
        /// Standing still for a while.
        Paused,
        /// Done.
        Completed,
        /// Put away.
        Archived,
    }
}

record_object! {
    /// What a site undertakes: a question, a team, milestones and targets.
    Project shows project {
        /// Its name in addresses, unique on its site. Never changes.
        async fn slug(&self) -> &str {
            &self.0.slug
        }

        /// What it is called.
        async fn title(&self) -> &str {
            &self.0.title
        }

        /// What it does, in a paragraph.
        async fn summary(&self) -> &str {
            &self.0.summary
        }

        /// The question that it answers.
        async fn question(&self) -> Option<&str> {
            self.0.question.as_deref()
        }

        /// What it works on.
        async fn focus_areas(&self) -> Vec<FocusArea> {
            shown(&self.0.focus_areas.0)
        }

        /// The health conditions that it is about, in lower case.
        async fn conditions(&self) -> &[String] {
            &self.0.conditions.0
        }

        /// Who supports it.
        async fn sponsors(&self) -> &[String] {
            &self.0.sponsors.0
        }

        /// Where it stands.
        async fn status(&self) -> ProjectStatus {
            self.0.status.into()
        }

        /// Its first day.
        async fn starts_on(&self) -> Option<Date> {
            self.0.starts_on.map(Date)
        }

        /// Its last day.
        async fn ends_on(&self) -> Option<Date> {
            self.0.ends_on.map(Date)
        }

        /// The project that it was made after, if you may see that.
        async fn cloned_from(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
            self.0.one(ctx, |row| row.cloned_from_id).await
        }

        /// Who leads it, if you may see them.
        async fn lead(&self, ctx: &Context<'_>) -> Result<Option<Champion>> {
            self.0.one(ctx, |row| row.owner_id).await
        }

        /// Its team, as far as you may see them, by name.
        async fn champions(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
            #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        ) -> Result<ChampionConnection> {
            let paging = Paging { first, after, ..Paging::default() };
            let list = ChampionFilter::list(None, Some(ChampionOrder::DisplayNameAsc));
            Ok(ChampionConnection(self.0.page(ctx, paging, list, ops::TEAM).await?))
        }

        /// The resources that came out of it, as far as you may see them, newest first.
        async fn resources(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
            #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        ) -> Result<ResourceConnection> {
            let paging = Paging { first, after, ..Paging::default() };
            let list = ResourceFilter::list(ctx, None, None);
            let parent = Parent::Column(entity::resource::Column::ProjectId);
            Ok(ResourceConnection(self.0.page(ctx, paging, list, parent).await?, false))
        }

        /// The threads about it that you may see.
        async fn threads(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
            #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
            #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ThreadOrder>,
        ) -> Result<ThreadConnection> {
            let paging = Paging { first, after, ..Paging::default() };
            let list = ThreadFilter::list(ctx, None, order_by)?;
            let parent = Parent::Column(entity::thread::Column::ProjectId);
            Ok(ThreadConnection(self.0.page(ctx, paging, list, parent).await?))
        }

        /// What it means to reach, in order.
        async fn milestones(&self, ctx: &Context<'_>) -> Result<Vec<ProjectMilestone>> {
            let load = async |rows: &[project::Model]| {
                ops::milestones(ctx.app().reader(), &rows.iter().map(|row| row.id).collect::<Vec<_>>()).await
            };
            let all = self.0.together("milestones".to_owned(), load).await?;
            let own = all.iter().filter(|milestone| milestone.project_id == self.0.id);
            let show = |row: &entity::project_milestone::Model| ProjectMilestone {
                title: row.title.clone(),
                due_on: row.due_on.map(Date),
                done_on: row.done_on.map(Date),
            };
            Ok(own.map(show).collect())
        }

        /// The figures that it means to reach, in order.
        async fn targets(&self, ctx: &Context<'_>) -> Result<Vec<ProjectTarget>> {
            let own = targets(&self.0, ctx).await?;
            let own = own.iter().filter(|target| target.project_id == self.0.id).cloned();
            Ok(own.map(|row| ProjectTarget { project: self.0.clone(), row }).collect())
        }
    }
}

/// The targets of all projects that were read with this one.
async fn targets(project: &Seen<project::Entity>, ctx: &Context<'_>) -> Result<Arc<Vec<project_target::Model>>> {
    let load = async |rows: &[project::Model]| {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        ops::targets(ctx.app().reader(), &ids).await
    };
    project.together("targets".to_owned(), load).await
}

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
            let all = targets(&self.project, ctx).await?;
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

connection! {
    /// A page of projects.
    ProjectConnection, ProjectEdge, Project
}

payload! {
    /// What a change to a project came to.
    ProjectPayload {
        /// The project as it is now; null when there are problems, unless somebody was faster.
        project: Project
    }
}

/// The order of a list of projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ProjectOrder {
    /// Newest first.
    CreatedDesc,
    /// Last changed first.
    UpdatedDesc,
    /// By title.
    TitleAsc,
    /// Best match first. The default with `search`, and only with it.
    Relevance,
}

/// Which projects. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ProjectFilter {
    /// Of the sites with these slugs.
    sites: Option<Vec<String>>,
    /// With one of these statuses.
    statuses: Option<Vec<ProjectStatus>>,
    /// With one of these focus areas.
    focus_areas: Option<Vec<FocusArea>>,
    /// About this health condition.
    condition: Option<String>,
    /// With all of these words, in any order and inflexion, in title, summary, question or conditions.
    search: Option<String>,
}

impl ProjectFilter {
    /// The list that a filter and an order describe.
    pub fn list(ctx: &Context<'_>, filter: Option<Self>, order: Option<ProjectOrder>) -> Projects {
        let filter = filter.unwrap_or_default();
        let search = filter.search.map(|search| ctx.app().hits(&search));
        let order = match order {
            Some(ProjectOrder::UpdatedDesc) => Order::Updated,
            Some(ProjectOrder::TitleAsc) => Order::Title,
            Some(ProjectOrder::Relevance) | None if search.is_some() => Order::Relevance,
            _ => Order::Created,
        };
        Projects {
            sites: filter.sites,
            statuses: filter.statuses.map(stored),
            focus_areas: filter.focus_areas.map(stored),
            condition: filter.condition,
            search,
            order,
        }
    }
}

/// What can be asked about projects.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProjectQueries;

/// What can be asked about projects.
#[Object]
impl ProjectQueries {
    /// The project with this slug on this site.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site's slug.")] site: String,
        #[graphql(desc = "The project's slug.")] slug: String,
    ) -> Result<Option<Project>> {
        let found = ops::by_slug(ctx.app().reader(), ctx.caller(), &site, &slug).await?;
        Ok(found.map(|row| Project(Seen::alone(row))))
    }

    /// The projects of the network that you may see.
    #[expect(
        clippy::too_many_arguments,
        reason = "a connection has four arguments besides its own"
    )]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which projects.")] filter: Option<ProjectFilter>,
        #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ProjectOrder>,
    ) -> Result<ProjectConnection> {
        let list = ProjectFilter::list(ctx, filter, order_by);
        Ok(ProjectConnection(
            Connection::root(
                ctx,
                Paging {
                    first,
                    after,
                    last,
                    before,
                },
                list,
            )
            .await?,
        ))
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
            measure: input_id::<entity::ImpactMeasureId>(&format!("targets.{position}.measure"), &self.measure)?,
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
