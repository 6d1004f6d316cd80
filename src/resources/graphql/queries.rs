//! What can be asked about resources.

use async_graphql::{Context, Object};

use super::{ProposalStatus, Resource, ResourceConnection, ResourceFilter, ResourceOrder, ResourceProposalConnection};
use crate::{
    error::Result,
    graphql::{
        Asking,
        page::{Connection, Paging},
        seen::Seen,
    },
    resources::ops,
};

/// What can be asked about resources.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceQueries;

/// What can be asked about resources.
#[Object]
impl ResourceQueries {
    /// The resource with this slug on this site.
    async fn resource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site's slug.")] site: String,
        #[graphql(desc = "The resource's slug.")] slug: String,
    ) -> Result<Option<Resource>> {
        let found = ops::by_slug(ctx.app().reader(), ctx.caller(), &site, &slug).await?;
        Ok(found.map(|row| Resource(Seen::alone(row))))
    }

    /// The resources of the network that you may see: national and local ones, and your own and your sites' drafts.
    #[expect(
        clippy::too_many_arguments,
        reason = "a connection has four arguments besides its own"
    )]
    async fn resources(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which resources.")] filter: Option<ResourceFilter>,
        #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ResourceOrder>,
    ) -> Result<ResourceConnection> {
        let list = ResourceFilter::list(ctx, filter, order_by);
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Ok(ResourceConnection(Connection::root(ctx, paging, list).await?, false))
    }

    /// Local resources offered to the national team, newest first: those of your sites, and all of them for national
    /// curators.
    async fn proposals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those with this status.")] status: Option<ProposalStatus>,
    ) -> Result<ResourceProposalConnection> {
        let list = ops::Proposals {
            status: status.map(Into::into),
        };
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        Ok(ResourceProposalConnection(Connection::root(ctx, paging, list).await?))
    }
}
