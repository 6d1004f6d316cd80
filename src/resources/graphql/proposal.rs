//! Proposals in the API.

use async_graphql::Context;
use entity::{resource_edition, resource_proposal};

use super::{ProposalStatus, Resource, ResourceEdition};
use crate::{
    champions::graphql::Champion,
    error::{Error, Result},
    graphql::{page::connection, payload::payload, record::record_object, seen::Seen},
    read,
    resources::ops::Offer,
};

record_object! {
    /// A local resource offered to the national team. Members of the site and national curators see it; the resource
    /// itself may be private to its site.
    ResourceProposal shows resource_proposal {
        /// The resource that is offered, if you may see it.
        async fn resource(&self, ctx: &Context<'_>) -> Result<Option<Resource>> {
            self.0.one(ctx, |row| Some(row.resource_id)).await
        }

        /// What is offered: a copy of the edition as it was then.
        async fn offered(&self) -> Result<ResourceEdition> {
            let load = async |rows: &[resource_proposal::Model]| {
                let editions = rows.iter().map(|row| Ok(Offer::of(row)?.edition(row)));
                let seen = Seen::<resource_edition::Entity>::all(editions.collect::<Result<_>>()?);
                let proposals = rows.iter().map(|row| row.id);
                Ok(read::by_key(proposals.zip(seen).collect(), |(proposal, _)| *proposal))
            };
            let all = self.0.together("offered".to_owned(), load).await?;
            let (_, edition) = all.get(&self.0.id).ok_or_else(|| Error::internal("a proposal offers nothing"))?;
            Ok(ResourceEdition::frozen(edition.clone()))
        }

        /// Why it is offered.
        async fn reason(&self) -> &str {
            &self.0.reason
        }

        /// Where it stands.
        async fn status(&self) -> ProposalStatus {
            self.0.status.into()
        }

        /// What the national team said when it decided.
        async fn decision(&self) -> Option<&str> {
            self.0.decision.as_deref()
        }

        /// Who made it, if you may see them.
        async fn proposer(&self, ctx: &Context<'_>) -> Result<Option<Champion>> {
            self.0.one(ctx, |row| row.owner_id).await
        }

        /// The national copy, once it was accepted and as long as you may see it.
        async fn national_copy(&self, ctx: &Context<'_>) -> Result<Option<Resource>> {
            self.0.one(ctx, |row| row.national_copy_id).await
        }
    }
}

connection! {
    /// A page of proposals.
    ResourceProposalConnection, ResourceProposalEdge, ResourceProposal
}

payload! {
    /// What a change to a proposal came to.
    ResourceProposalPayload {
        /// The proposal as it is now; null when there are problems.
        proposal: ResourceProposal
    }
}
