//! Sites in the API.

use async_graphql::{Context, ID, InputObject, Object};
use entity::site;

use crate::{
    champions::graphql::{ChampionConnection, ChampionFilter, ChampionOrder},
    error::Result,
    forum::graphql::{ThreadConnection, ThreadFilter, ThreadOrder},
    graphql::{
        Asking,
        enums::{RecordAction, api_enum},
        page::{Connection, Paging, connection},
        record::viewer_can,
        seen::{Seen, Shows},
    },
    projects::graphql::{ProjectConnection, ProjectFilter, ProjectOrder},
    read::Parent,
    resources::{
        self,
        graphql::{ResourceConnection, ResourceFilter, ResourceOrder, ResourceOverlayConnection},
    },
    sites::ops,
};

mod audit_entry;
mod directory;
mod issuer;
mod network;
mod organisation;
mod viewer;

pub use audit_entry::{AuditEntry, AuditQueries};
pub use directory::SiteMutations;
pub use issuer::{Issuer, IssuerMutations, IssuerQueries};
pub use network::{Network, NetworkHost, SyncState, SyncStatus};
pub use organisation::{Organisation, OrganisationMutations, OrganisationQueries, OrganisationRole};
pub use viewer::{RoleGrant, Viewer};

api_enum! {
    /// What kind of site it is.
    SiteKind {
        /// The one site that curates for the whole network and keeps its directory.
        National,
        /// A regional site.
        Regional,
    }
}

api_enum! {
    /// Where a site stands in the network.
    SiteStatus {
        /// It asked to join.
        Applied,
        /// It takes part.
        Active,
        /// The national admin has stopped it for now: its records are hidden.
        Suspended,
        /// It has left: its records are gone from all other hosts.
        Left,
    }
}

/// A site: an owner of records.
#[derive(Clone, Debug)]
pub struct Site(pub Seen<site::Entity>);

impl Shows for Site {
    type Entity = site::Entity;

    fn show(row: Seen<site::Entity>) -> Self {
        Self(row)
    }
}

/// A site: an owner of records. The national site curates for all; regional sites run projects and champions.
#[Object]
impl Site {
    /// Its id, the same on every host.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// Its name in addresses, arguments and tokens, e.g. `blackpool`. Never changes and is never used again.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What kind of site it is.
    async fn kind(&self) -> SiteKind {
        self.0.kind.into()
    }

    /// The region it serves.
    async fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// Its code in the Organisation Data Service: 3 to 10 letters and digits.
    async fn ods_code(&self) -> Option<&str> {
        self.0.ods_code.as_deref()
    }

    /// Where it stands in the network.
    async fn status(&self) -> SiteStatus {
        self.0.status.into()
    }

    /// Why it was last suspended or reinstated, in the words of the national admin; null when neither ever happened, or
    /// no reason was given.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// Whether this host keeps the site's own records, so that they can be changed here.
    async fn hosted_here(&self) -> bool {
        self.0.hosted
    }

    /// Where the site's own host answers GraphQL; null when that is not known.
    async fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// How fresh this host's copy of it is.
    async fn sync(&self) -> SyncStatus {
        SyncStatus::of(self.clone())
    }

    /// What you may do with it: `APPROVE` is to suspend or reinstate it, or to take it out of the network.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<RecordAction> {
        viewer_can::<site::Entity>(ctx, &self.0)
    }

    /// Its projects that you may see.
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which projects.")] filter: Option<ProjectFilter>,
        #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ProjectOrder>,
    ) -> Result<ProjectConnection> {
        let list = ProjectFilter::list(ctx, filter, order_by);
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        let parent = Parent::Column(entity::project::Column::SiteId);
        Ok(ProjectConnection(self.0.page(ctx, paging, list, parent).await?))
    }

    /// Its champions whose cards you may see.
    async fn champions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which champions.")] filter: Option<ChampionFilter>,
        #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ChampionOrder>,
    ) -> Result<ChampionConnection> {
        let list = ChampionFilter::list(filter, order_by);
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        let parent = Parent::Column(entity::champion::Column::SiteId);
        Ok(ChampionConnection(self.0.page(ctx, paging, list, parent).await?))
    }

    /// What its people use: its own resources and the national ones. Where this host keeps the site (`overlaid` is true),
    /// what the site pins comes first and what it hides is left out, for every caller alike; its notes stand at
    /// `Resource.overlay`, for its members.
    async fn resources(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which resources.")] filter: Option<ResourceFilter>,
        #[graphql(desc = "In which order after the pins; newest first by default.")] order_by: Option<ResourceOrder>,
    ) -> Result<ResourceConnection> {
        let list = resources::ops::Resources {
            overlaid: true,
            ..ResourceFilter::list(ctx, filter, order_by)
        };
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        let page = self.0.page(ctx, paging, list, resources::ops::of_site()).await?;
        Ok(ResourceConnection(page, self.0.hosted))
    }

    /// What it lays over national resources, hidden ones included: for its members, empty for everybody else.
    async fn overlays(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those that pin, or only the others.")] pinned: Option<bool>,
        #[graphql(desc = "Only those that hide, or only the others.")] hidden: Option<bool>,
    ) -> Result<ResourceOverlayConnection> {
        let list = resources::ops::Overlays { pinned, hidden };
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        let parent = Parent::Column(entity::resource_overlay::Column::SiteId);
        Ok(ResourceOverlayConnection(self.0.page(ctx, paging, list, parent).await?))
    }

    /// The threads of its people that you may see, in the spaces of all sites.
    async fn threads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which threads.")] filter: Option<ThreadFilter>,
        #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ThreadOrder>,
    ) -> Result<ThreadConnection> {
        let list = ThreadFilter::list(ctx, filter, order_by)?;
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        let parent = Parent::Column(entity::thread::Column::SiteId);
        Ok(ThreadConnection(self.0.page(ctx, paging, list, parent).await?))
    }
}

connection! {
    /// A page of sites.
    SiteConnection, SiteEdge, Site
}

/// Which sites. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SiteFilter {
    /// Of this kind.
    kind: Option<SiteKind>,
    /// With this status.
    status: Option<SiteStatus>,
    /// Only those whose records this host keeps, or only the others.
    hosted_here: Option<bool>,
    /// With every one of these words in the name or slug.
    search: Option<String>,
}

/// What can be asked about sites.
#[derive(Clone, Copy, Debug, Default)]
pub struct SiteQueries;

/// What can be asked about sites.
#[Object]
impl SiteQueries {
    /// Who the token says you are; null for an anonymous caller.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        ctx.caller().signed_in().then_some(Viewer)
    }

    /// This host, its sites and how fresh its copies of the others are.
    async fn network(&self) -> Network {
        Network
    }

    /// The site with this slug.
    async fn site(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site's slug, e.g. `blackpool`.")] slug: String,
    ) -> Result<Option<Site>> {
        Ok(ops::by_slug(ctx.app().reader(), &slug)
            .await?
            .map(|row| Site(Seen::alone(row))))
    }

    /// The directory of sites, by name.
    async fn sites(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which sites.")] filter: Option<SiteFilter>,
    ) -> Result<SiteConnection> {
        let filter = filter.unwrap_or_default();
        let list = ops::Sites {
            kind: filter.kind.map(Into::into),
            status: filter.status.map(Into::into),
            hosted_here: filter.hosted_here,
            search: filter.search,
        };
        Ok(SiteConnection(
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
