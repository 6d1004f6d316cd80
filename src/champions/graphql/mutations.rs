//! What can be done to champions.

use async_graphql::{Context, Object};
use entity::ChampionId;

use super::{
    ChampionClaimInput, ChampionEraseInput, ChampionInviteInput, ChampionInvitePayload, ChampionPayload,
    ChampionRegisterInput, ChampionSetStatusInput, ChampionUpdateInput,
};
use crate::{
    champions::ops,
    error::Result,
    graphql::{ids::input_id, payload::change},
};

/// What can be done to champions.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChampionMutations;

/// What can be done to champions.
#[Object]
impl ChampionMutations {
    /// You apply to become a champion of a site. For everybody whose token the site accepts, with or without a role.
    async fn champion_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What you say of yourself.")] input: ChampionRegisterInput,
    ) -> Result<ChampionPayload> {
        let (card, visibility) = (input.card.into(), input.visibility.into());
        change(ctx, async |work| {
            Ok(ops::register(work, &input.site, card, visibility).await?.id)
        })
        .await
    }

    /// Makes the record of somebody and a one-time code with which they claim it. For project leads and site admins.
    async fn champion_invite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is invited.")] input: ChampionInviteInput,
    ) -> Result<ChampionInvitePayload> {
        let mut told = None;
        let mut payload: ChampionInvitePayload = change(ctx, async |work| {
            let (row, code) = ops::invite(work, &input.site, input.card.into()).await?;
            told = Some(code);
            Ok(row.id)
        })
        .await?;
        payload.code = told;
        Ok(payload)
    }

    /// You claim the record that was made for you. For everybody whose token the site accepts.
    async fn champion_claim(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code.")] input: ChampionClaimInput,
    ) -> Result<ChampionPayload> {
        change(ctx, async |work| Ok(ops::claim(work, &input.code).await?.id)).await
    }

    /// Changes your own card.
    async fn champion_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: ChampionUpdateInput,
    ) -> Result<ChampionPayload> {
        change(ctx, async |work| {
            let (id, version) = (input_id("id", &input.id)?, input.version);
            Ok(ops::update(work, id, version, input.changes()).await?.id)
        })
        .await
    }

    /// Takes a champion to another status. Project leads and site admins decide on others, never on themselves; you may
    /// go on a break, come back and stand down without asking.
    async fn champion_set_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The champion and the status.")] input: ChampionSetStatusInput,
    ) -> Result<ChampionPayload> {
        change(ctx, async |work| {
            let (id, status) = (input_id("id", &input.id)?, input.status.into());
            Ok(ops::set_status(work, id, input.version, status, input.reason).await?.id)
        })
        .await
    }

    /// Erases a champion for ever, here and on every host that has a copy of the card. For the champion and the admins of
    /// the site. What they wrote and led stays, without their name: withdraw first what is to go with them. The payload carries
    /// no champion once it is done.
    async fn champion_erase(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The champion.")] input: ChampionEraseInput,
    ) -> Result<ChampionPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            ops::erase(work, id, input.version).await?;
            Ok::<ChampionId, _>(id)
        })
        .await
    }
}
