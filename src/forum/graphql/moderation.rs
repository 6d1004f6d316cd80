//! What moderators did, in the API.

use std::collections::HashMap;

use async_graphql::{Context, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{champion, moderation_action, site, space};
use uuid::Uuid;

use super::Space;
use crate::{
    champions::graphql::Champion,
    error::{Error, Result},
    forum::ops::moderation,
    graphql::{Asking, seen::Seen},
    read,
    scope::Scoped,
    sites::graphql::Site,
};

/// What a moderator did to a thread or post, and why.
#[derive(Clone, Debug, SimpleObject)]
pub struct ModerationAction {
    /// The site for which they acted: the home of the space, or the author's home.
    site: Site,
    /// Who it was; null when you may not see their card, or when they are no champion of that site.
    moderator: Option<Champion>,
    /// The state before, e.g. `OPEN`.
    from_state: String,
    /// The state after, e.g. `LOCKED`; the same as before for a move.
    to_state: String,
    /// For a move: the space it was in, if you may see that.
    from_space: Option<Space>,
    /// For a move: the space it went to, if you may see that.
    to_space: Option<Space>,
    /// Why.
    reason: String,
    /// When.
    acted_at: DateTime<Utc>,
}

/// What threads and posts show of their moderation, loaded together for all rows that were read together.
pub(super) trait Moderation {
    /// What moderators did, for those who may moderate the row.
    async fn moderation(&self, ctx: &Context<'_>) -> Result<Vec<ModerationAction>>;
    /// Why it is in its state, as the home of its space tells.
    async fn state_reason(&self, ctx: &Context<'_>) -> Result<Option<String>>;
}

impl<E: Scoped> Moderation for Seen<E> {
    async fn moderation(&self, ctx: &Context<'_>) -> Result<Vec<ModerationAction>> {
        let load = async |rows: &[E::Model]| {
            let found = moderation::history::<E>(ctx.app().reader(), ctx.caller(), rows).await?;
            told(ctx, found).await
        };
        let all = self.together("moderation".to_owned(), load).await?;
        let id: Uuid = E::id(self).into();
        Ok(all
            .iter()
            .filter(|(subject, _)| *subject == id)
            .map(|(_, action)| action.clone())
            .collect())
    }

    async fn state_reason(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let load = async |rows: &[E::Model]| moderation::reasons::<E>(ctx.app().reader(), rows).await;
        let reasons = self.together("state reasons".to_owned(), load).await?;
        Ok(reasons.get(&E::id(self).into()).cloned())
    }
}

/// Actions as the caller sees them, each with the id of its thread or post: one statement for each kind of thing that
/// they name.
async fn told(ctx: &Context<'_>, found: Vec<moderation_action::Model>) -> Result<Vec<(Uuid, ModerationAction)>> {
    let (mut at, mut by, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    for action in &found {
        at.push(action.site_id);
        by.extend(action.moderator_id);
        moved.extend(action.from_space_id);
        moved.extend(action.to_space_id);
    }
    let sites = named::<site::Entity>(ctx, at).await?;
    let moderators = named::<champion::Entity>(ctx, by).await?;
    let spaces = named::<space::Entity>(ctx, moved).await?;
    let space = |id: Option<entity::SpaceId>| spaces.get(&id?).cloned().map(Space);
    let told = found.into_iter().map(|action| {
        let site = sites.get(&action.site_id).cloned().map(Site);
        let moderator = action.moderator_id.and_then(|id| moderators.get(&id).cloned());
        Ok((
            action.subject_id,
            ModerationAction {
                site: site.ok_or_else(|| Error::internal("a moderator's site is missing"))?,
                moderator: moderator.map(Champion),
                from_state: action.from_state,
                to_state: action.to_state,
                from_space: space(action.from_space_id),
                to_space: space(action.to_space_id),
                reason: action.reason,
                acted_at: action.acted_at,
            },
        ))
    });
    told.collect()
}

/// Rows by their ids, as far as the caller may read them.
async fn named<E: Scoped<Id: std::hash::Hash + Ord>>(
    ctx: &Context<'_>,
    mut ids: Vec<E::Id>,
) -> Result<HashMap<E::Id, Seen<E>>> {
    ids.sort();
    ids.dedup();
    let rows = read::by_ids::<E>(ctx.app().reader(), ctx.caller(), &ids).await?;
    Ok(Seen::all(rows).map(|row| (E::id(&row), row)).collect())
}
