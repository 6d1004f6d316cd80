//! What can be asked about champions.

use async_graphql::{Context, Object};

use super::{ChampionConnection, ChampionFilter, ChampionOrder};
use crate::{
    error::Result,
    graphql::page::{Connection, Paging},
};

/// What can be asked about champions.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChampionQueries;

/// What can be asked about champions.
#[Object]
impl ChampionQueries {
    /// The champions of the network whose cards you may see.
    #[expect(
        clippy::too_many_arguments,
        reason = "a connection has four arguments besides its own"
    )]
    async fn champions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which champions.")] filter: Option<ChampionFilter>,
        #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ChampionOrder>,
    ) -> Result<ChampionConnection> {
        let list = ChampionFilter::list(filter, order_by);
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Ok(ChampionConnection(Connection::root(ctx, paging, list).await?))
    }
}
