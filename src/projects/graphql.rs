//! Projects in the API.

use async_graphql::{Context, Enum, InputObject, Object};

use crate::{
    champions::graphql::{Champion, ChampionConnection, ChampionFilter, ChampionOrder},
    error::Result,
    forum::graphql::{ThreadConnection, ThreadFilter, ThreadOrder},
    graphql::{
        Asking,
        enums::{api_enum, shown, stored},
        page::{Connection, Paging, connection},
        record::record_object,
        scalars::Date,
        seen::Seen,
    },
    projects::ops::{self, Order, Projects},
    read::Parent,
    resources::graphql::{ResourceConnection, ResourceFilter},
};

mod mutations;
mod parts;

pub use mutations::ProjectMutations;
pub use parts::{ProjectMilestone, ProjectTarget};

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
            parts::milestones(&self.0, ctx).await
        }

        /// The figures that it means to reach, in order.
        async fn targets(&self, ctx: &Context<'_>) -> Result<Vec<ProjectTarget>> {
            parts::targets(&self.0, ctx).await
        }
    }
}

connection! {
    /// A page of projects.
    ProjectConnection, ProjectEdge, Project
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
