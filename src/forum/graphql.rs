//! The forum in the API.

mod moderation;
mod posts;
mod reports;
mod spaces;
mod threads;

pub use moderation::ModerationAction;
pub use posts::{Post, PostConnection, PostMutations, PostState};
pub use reports::{Report, ReportConnection, ReportMutations, ReportQueries, ReportState};
pub use spaces::{Space, SpaceAccess, SpaceConnection, SpaceMutations, SpaceQueries};
pub use threads::{Thread, ThreadConnection, ThreadFilter, ThreadMutations, ThreadOrder, ThreadQueries, ThreadState};

use async_graphql::Context;

use crate::{
    champions::graphql::Champion,
    error::Result,
    graphql::{record::home, seen::Seen},
    record::Record,
};

/// Who wrote a row, where the caller may read their card. All fields that need it share one load.
async fn author<E: Record>(
    row: &Seen<E>,
    ctx: &Context<'_>,
    owner: impl Fn(&E::Model) -> Option<entity::ChampionId>,
) -> Result<Option<Champion>> {
    row.one_as(ctx, "author", owner).await
}

/// What to print beside a row: the author's name, or only where they are from.
async fn byline<E: Record>(
    row: &Seen<E>,
    ctx: &Context<'_>,
    owner: impl Fn(&E::Model) -> Option<entity::ChampionId>,
) -> Result<String> {
    if let Some(author) = author(row, ctx, owner).await? {
        return Ok(author.0.display_name.clone());
    }
    let site = home(row, ctx, E::site).await?;
    Ok(format!("A champion at {}", site.0.name))
}
