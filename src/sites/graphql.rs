//! Sites, the network as this host sees it, and who the caller is.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::site;

use crate::{
    app::App,
    champions::graphql::{Champion, ChampionConnection, ChampionFilter, ChampionOrder},
    error::Result,
    forum::graphql::{ThreadConnection, ThreadFilter, ThreadOrder},
    graphql::{
        Asking,
        enums::{SiteRole, api_enum},
        page::{Connection, Paging, connection},
        seen::{Seen, Shows},
    },
    policy::Role,
    projects::graphql::{ProjectConnection, ProjectFilter, ProjectOrder},
    read::{self, Parent},
    resources::{
        self,
        graphql::{ResourceConnection, ResourceFilter, ResourceOrder, ResourceOverlayConnection},
    },
    sites::ops,
};

mod audit_entry;
mod directory;
mod issuer;
mod organisation;

pub use audit_entry::{AuditEntry, AuditQueries};
pub use directory::SiteMutations;
pub use issuer::{Issuer, IssuerMutations, IssuerQueries};
pub use organisation::{Organisation, OrganisationMutations, OrganisationQueries, OrganisationRole};

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

/// How fresh this host's copy of a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SyncState {
    /// This host keeps the site itself: nothing is fresher.
    Home,
    /// The copy is being filled or filled again; what is here may be older.
    CatchingUp,
    /// The copy follows the site within seconds.
    Live,
    /// Nothing was heard of the site for a minute or more; the copy still answers.
    Stale,
    /// The national admin has stopped the site.
    Suspended,
    /// The site has left.
    Left,
}

/// How fresh this host's copy of a site is.
#[derive(Clone, Debug)]
pub struct SyncStatus(Site);

/// How fresh this host's copy of a site is.
#[Object]
impl SyncStatus {
    /// The site.
    async fn site(&self) -> Site {
        self.0.clone()
    }

    /// In short.
    async fn state(&self) -> SyncState {
        match self.0.0.status {
            entity::SiteStatus::Suspended => SyncState::Suspended,
            entity::SiteStatus::Left => SyncState::Left,
            _ if self.0.0.hosted => SyncState::Home,
            _ => SyncState::CatchingUp,
        }
    }

    /// How many entries of the site's feed this host has taken in; 0 at home.
    async fn position(&self) -> i32 {
        0
    }

    /// How many seconds the copy is behind; 0 at home, null when that is not known.
    async fn lag_seconds(&self) -> Option<i32> {
        self.0.0.hosted.then_some(0)
    }

    /// When the site last proved that nothing newer exists; null at home and before the first time.
    async fn verified_at(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// What went wrong last, in plain words; null when nothing did.
    async fn last_error(&self) -> Option<String> {
        None
    }

    /// Entries that this host's version cannot read yet and keeps for later.
    async fn parked(&self) -> i32 {
        0
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

    /// Where the site's own host answers GraphQL; null when that is this host or is not known.
    async fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// How fresh this host's copy of it is.
    async fn sync(&self) -> SyncStatus {
        SyncStatus(self.clone())
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

/// The network as this host sees it.
#[derive(Clone, Copy, Debug)]
pub struct Network;

/// The network as this host sees it.
#[Object]
impl Network {
    /// This host.
    async fn host(&self) -> NetworkHost {
        NetworkHost
    }

    /// The national site; null until this host has joined a network.
    async fn national(&self, ctx: &Context<'_>) -> Result<Option<Site>> {
        Ok(ops::national(ctx.app().reader())
            .await?
            .map(|row| Site(Seen::alone(row))))
    }

    /// How fresh this host's copy of every site is.
    async fn sites(&self, ctx: &Context<'_>) -> Result<Vec<SyncStatus>> {
        let sites = ops::all(ctx.app().reader()).await?;
        Ok(Seen::all(sites).map(|row| SyncStatus(Site(row))).collect())
    }
}

/// One running server with one database.
#[derive(Clone, Copy, Debug)]
pub struct NetworkHost;

/// One running server with one database.
#[Object]
impl NetworkHost {
    /// What its operator calls it.
    async fn name<'a>(&self, ctx: &Context<'a>) -> &'a str {
        &ctx.data_unchecked::<Arc<App>>().settings.host_name
    }

    /// The version of the software.
    async fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// The sites whose records it keeps.
    async fn sites(&self, ctx: &Context<'_>) -> Result<Vec<Site>> {
        let sites = ops::all(ctx.app().reader()).await?;
        Ok(Seen::<site::Entity>::all(sites)
            .filter(|row| row.hosted)
            .map(Site)
            .collect())
    }

    /// The database it runs on: `SQLite` or `PostgreSQL`.
    async fn database(&self, ctx: &Context<'_>) -> &str {
        ctx.app().database.name()
    }
}

/// Who the token says you are, and what this host lets you do.
#[derive(Clone, Debug)]
pub struct Viewer;

/// Who the token says you are, and what this host lets you do.
#[Object]
impl Viewer {
    /// Who you are at your identity provider.
    async fn subject(&self, ctx: &Context<'_>) -> String {
        ctx.caller()
            .identity
            .as_ref()
            .map(|identity| identity.subject.clone())
            .unwrap_or_default()
    }

    /// Your identity provider.
    async fn issuer(&self, ctx: &Context<'_>) -> String {
        ctx.caller()
            .identity
            .as_ref()
            .map(|identity| identity.issuer.clone())
            .unwrap_or_default()
    }

    /// Your roles: what the token says, as far as its issuer may grant it.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Vec<RoleGrant>> {
        let roles = &ctx.caller().roles;
        let ids: Vec<_> = roles.iter().map(|role| role.site).collect();
        let sites = read::by_ids::<site::Entity>(ctx.app().reader(), ctx.caller(), &ids).await?;
        let sites: Vec<_> = Seen::<site::Entity>::all(sites).collect();
        let grant = |role: &Role| {
            let site = sites.iter().find(|site| site.id == role.site)?;
            Some(RoleGrant {
                site: Site(site.clone()),
                role: role.role.into(),
            })
        };
        Ok(roles.iter().filter_map(grant).collect())
    }

    /// The champion that you are on a site, or on the only site where you are one.
    async fn champion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug of the site; needed when you are a champion of several.")] site: Option<String>,
    ) -> Result<Option<Champion>> {
        let db = ctx.app().reader();
        let at = match site {
            Some(slug) => Some(ops::by_slug(db, &slug).await?.map(|site| site.id)),
            None => None,
        };
        let mut own = ctx
            .caller()
            .champions
            .iter()
            .filter(|own| at.is_none_or(|site| site == Some(own.site)));
        let (Some(one), None) = (own.next(), own.next()) else {
            return Ok(None);
        };
        let found = read::by_ids::<entity::champion::Entity>(db, ctx.caller(), &[one.id]).await?;
        Ok(found.into_iter().next().map(|row| Champion(Seen::alone(row))))
    }

    /// When your token ends. Ask your identity provider for a new one before.
    async fn expires_at(&self, ctx: &Context<'_>) -> DateTime<Utc> {
        ctx.caller()
            .identity
            .as_ref()
            .map(|identity| identity.expires_at)
            .unwrap_or_default()
    }
}

/// A role on a site.
#[derive(Clone, Debug, SimpleObject)]
pub struct RoleGrant {
    /// The site.
    site: Site,
    /// The role there. It includes `CHAMPION`.
    role: SiteRole,
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
