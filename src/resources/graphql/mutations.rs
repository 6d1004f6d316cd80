//! What can be done to resources.

use async_graphql::{Context, Object};
use entity::{ResourceId, resource};

use super::{
    ResourceActInput, ResourceCreateInput, ResourceOverlayClearInput, ResourceOverlayPayload, ResourceOverlaySetInput,
    ResourcePayload, ResourceProposalDecideInput, ResourceProposalPayload, ResourceProposalWithdrawInput,
    ResourceProposeInput, ResourceReviewInput, ResourceUpdateInput,
};
use crate::{
    app::Work,
    error::Result,
    graphql::{ids::input_id, payload::change},
    resources::ops,
};

/// What can be done to resources.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceMutations;

/// What can be done to resources.
#[Object]
impl ResourceMutations {
    /// Makes a resource with a first draft, written by you. For champions of the site.
    async fn resource_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The resource.")] input: ResourceCreateInput,
    ) -> Result<ResourcePayload> {
        change(ctx, async |work| Ok(ops::create(work, input.draft()?).await?.id)).await
    }

    /// Changes a resource. For its author and the curators and admins of its site.
    ///
    /// Another text goes into the draft; the first one after a publication opens the next edition, and readers go on
    /// seeing the published one. A draft that is in review goes back to `DRAFT` with it. Whoever changed the text last
    /// can neither review nor publish it.
    async fn resource_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: ResourceUpdateInput,
    ) -> Result<ResourcePayload> {
        change(ctx, async |work| {
            let (id, version) = (input_id("id", &input.id)?, input.version);
            Ok(ops::update(work, id, version, input.changes()?).await?.id)
        })
        .await
    }

    /// Hands the draft in for review; it needs a body or a URL. Of a withdrawn resource without a draft the last text is
    /// handed in once more. For its author and the curators and admins of its site.
    async fn resource_submit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The resource.")] input: ResourceActInput,
    ) -> Result<ResourcePayload> {
        step(ctx, input, ops::submit).await
    }

    /// Says in a review whether the draft may be published. For curators and admins of its site, never for one's own.
    async fn resource_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The resource and the verdict.")] input: ResourceReviewInput,
    ) -> Result<ResourcePayload> {
        change(ctx, async |work| {
            let (id, verdict) = (input_id("id", &input.id)?, input.verdict.into());
            Ok(ops::review(work, id, input.version, verdict, input.note).await?.id)
        })
        .await
    }

    /// Publishes the draft that a review has approved; the edition before it is superseded. For curators and admins of
    /// its site, never for one's own.
    async fn resource_publish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The resource.")] input: ResourceActInput,
    ) -> Result<ResourcePayload> {
        step(ctx, input, ops::publish).await
    }

    /// Takes the published edition back from its readers; an open draft stays. For curators and admins of its site.
    async fn resource_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The resource.")] input: ResourceActInput,
    ) -> Result<ResourcePayload> {
        step(ctx, input, ops::withdraw).await
    }

    /// Lays an overlay over a national resource, or changes the one that is there. For curators and admins of the
    /// regional site.
    async fn resource_overlay_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The overlay.")] input: ResourceOverlaySetInput,
    ) -> Result<ResourceOverlayPayload> {
        change(ctx, async |work| {
            let (site, id) = (input.site.clone(), input_id("resource", &input.resource)?);
            Ok(ops::set_overlay(work, &site, id, input.layer()).await?.id)
        })
        .await
    }

    /// Takes an overlay off. For curators and admins of the regional site.
    async fn resource_overlay_clear(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The overlay.")] input: ResourceOverlayClearInput,
    ) -> Result<ResourceOverlayPayload> {
        change(ctx, async |work| {
            let id = input_id("resource", &input.resource)?;
            ops::clear_overlay(work, &input.site, id).await
        })
        .await
    }

    /// Offers a published resource to the national team, with a copy of it as it is now. For leads, curators and admins
    /// of its site.
    async fn resource_propose(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The resource and the reason.")] input: ResourceProposeInput,
    ) -> Result<ResourceProposalPayload> {
        change(ctx, async |work| {
            let id = input_id("resource", &input.resource)?;
            Ok(ops::propose(work, id, &input.reason).await?.id)
        })
        .await
    }

    /// Decides on a proposal. Accepting publishes a national copy of what was offered, visible to the network, or to
    /// everybody where the original was. For national curators, never for one's own, on a host that keeps both sites.
    async fn resource_proposal_decide(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The proposal and the decision.")] input: ResourceProposalDecideInput,
    ) -> Result<ResourceProposalPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(ops::decide(work, id, input.accept, input.reason).await?.id)
        })
        .await
    }

    /// Takes a proposal back that is not decided yet. For leads, curators and admins of the site that made it.
    async fn resource_proposal_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The proposal.")] input: ResourceProposalWithdrawInput,
    ) -> Result<ResourceProposalPayload> {
        change(ctx, async |work| {
            Ok(ops::withdraw_proposal(work, input_id("id", &input.id)?).await?.id)
        })
        .await
    }
}

/// Takes one of the steps that need no more than the resource and a note.
async fn step(
    ctx: &Context<'_>,
    input: ResourceActInput,
    take: impl AsyncFnOnce(&mut Work<'_>, ResourceId, i32, Option<String>) -> Result<resource::Model>,
) -> Result<ResourcePayload> {
    change(ctx, async |work| {
        let id = input_id("id", &input.id)?;
        Ok(take(work, id, input.version, input.note).await?.id)
    })
    .await
}
