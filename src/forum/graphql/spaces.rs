//! Spaces in the API.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};

use super::{ThreadConnection, ThreadFilter, ThreadOrder};
use crate::{
    champions::graphql::{ChampionConnection, ChampionFilter, ChampionOrder},
    error::Result,
    forum::ops::{
        lists::{self, Spaces},
        spaces,
    },
    graphql::{
        Asking,
        enums::{Visibility, api_enum},
        ids::input_id,
        page::{Connection, Paging, connection},
        payload::{change, payload},
        record::record_object,
        seen::Seen,
    },
    read::Parent,
};

api_enum! {
    /// Who takes part in a space.
    SpaceAccess {
        /// Everybody who sees it.
        Open,
        /// Its members alone: champions of its home site. For everybody else its threads do not exist.
        Closed,
    }
}

record_object! {
    /// A forum area of a site. Champions of every site that sees it start threads in it.
    Space shows space {
        /// Its name in addresses, unique on its site. Never changes.
        async fn slug(&self) -> &str {
            &self.0.slug
        }

        /// What it is called.
        async fn name(&self) -> &str {
            &self.0.name
        }

        /// What it is for.
        async fn about(&self) -> &str {
            &self.0.about
        }

        /// Who takes part in it. Never changes.
        async fn access(&self) -> SpaceAccess {
            self.0.access.into()
        }

        /// Its threads that you may see.
        async fn threads(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
            #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
            #[graphql(desc = "Which threads.")] filter: Option<ThreadFilter>,
            #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ThreadOrder>,
        ) -> Result<ThreadConnection> {
            let list = ThreadFilter::list(ctx, filter, order_by)?;
            let paging = Paging { first, after, ..Paging::default() };
            let parent = Parent::Column(entity::thread::Column::SpaceId);
            Ok(ThreadConnection(self.0.page(ctx, paging, list, parent).await?))
        }

        /// The members of a closed space, by name. For its moderators; empty for everybody else.
        async fn members(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
            #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        ) -> Result<ChampionConnection> {
            if !lists::manages(ctx.caller(), &self.0) {
                return Ok(ChampionConnection::default());
            }
            let paging = Paging { first, after, ..Paging::default() };
            let list = ChampionFilter::list(None, Some(ChampionOrder::DisplayNameAsc));
            Ok(ChampionConnection(self.0.page(ctx, paging, list, lists::MEMBERS).await?))
        }
    }
}

connection! {
    /// A page of spaces.
    SpaceConnection, SpaceEdge, Space
}

payload! {
    /// What a change to a space came to.
    SpacePayload {
        /// The space as it is now; null when there are problems, unless somebody was faster.
        space: Space
    }
}

/// Which spaces. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SpaceFilter {
    /// Of the sites with these slugs.
    sites: Option<Vec<String>>,
    /// Open ones, or closed ones.
    access: Option<SpaceAccess>,
}

/// What can be asked about spaces.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpaceQueries;

/// What can be asked about spaces.
#[Object]
impl SpaceQueries {
    /// The space with this slug on this site.
    async fn space(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site's slug.")] site: String,
        #[graphql(desc = "The space's slug.")] slug: String,
    ) -> Result<Option<Space>> {
        let found = lists::space_by_slug(ctx.app().reader(), ctx.caller(), &site, &slug).await?;
        Ok(found.map(|row| Space(Seen::alone(row))))
    }

    /// The spaces of the network that you may see, by name.
    async fn spaces(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which spaces.")] filter: Option<SpaceFilter>,
    ) -> Result<SpaceConnection> {
        let filter = filter.unwrap_or_default();
        let list = Spaces {
            sites: filter.sites,
            access: filter.access.map(Into::into),
        };
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        Ok(SpaceConnection(Connection::root(ctx, paging, list).await?))
    }
}

/// A new space.
#[derive(Clone, Debug, InputObject)]
pub struct SpaceCreateInput {
    /// The slug of its site.
    site: String,
    /// What it is called, at most 200 characters.
    name: String,
    /// What it is for, at most 5,000 characters.
    about: String,
    /// Who takes part in it. This cannot be changed later.
    #[graphql(default_with = "SpaceAccess::Open")]
    access: SpaceAccess,
    /// Who sees it, and with it its threads and posts. `SITE` for a closed space.
    #[graphql(default_with = "Visibility::Site")]
    visibility: Visibility,
}

/// Changes to a space. What is left out stays.
#[derive(Clone, Debug, InputObject)]
pub struct SpaceUpdateInput {
    /// The space.
    id: ID,
    /// The version that you read.
    version: i32,
    /// What it is called, at most 200 characters.
    name: MaybeUndefined<String>,
    /// What it is for, at most 5,000 characters.
    about: MaybeUndefined<String>,
    /// Who sees it. All its threads and posts follow, whoever wrote them.
    visibility: MaybeUndefined<Visibility>,
}

/// A champion who becomes a member of a closed space.
#[derive(Clone, Debug, InputObject)]
pub struct SpaceAddMemberInput {
    /// The space: a closed one.
    id: ID,
    /// The version that you read.
    version: i32,
    /// The champion: one of the space's site, in training, active or on a break.
    champion: ID,
}

/// A champion who is a member of a closed space no longer.
#[derive(Clone, Debug, InputObject)]
pub struct SpaceRemoveMemberInput {
    /// The space: a closed one.
    id: ID,
    /// The version that you read.
    version: i32,
    /// The champion.
    champion: ID,
}

/// What can be done to spaces.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpaceMutations;

/// What can be done to spaces.
#[Object]
impl SpaceMutations {
    /// Opens a space. For moderators and site admins.
    async fn space_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space.")] input: SpaceCreateInput,
    ) -> Result<SpacePayload> {
        let draft = spaces::Draft {
            site: input.site,
            name: input.name,
            about: input.about,
            access: input.access.into(),
            visibility: input.visibility.into(),
        };
        change(ctx, async |work| Ok(spaces::create(work, draft).await?.id)).await
    }

    /// Changes what a space says of itself and who sees it. For its moderators and site admins.
    async fn space_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: SpaceUpdateInput,
    ) -> Result<SpacePayload> {
        let changes = spaces::Changes {
            name: input.name.into(),
            about: input.about.into(),
            visibility: input.visibility.map_value(Into::into).into(),
        };
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(spaces::update(work, id, input.version, changes).await?.id)
        })
        .await
    }

    /// Takes a champion into a closed space. For its moderators.
    async fn space_add_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space and the champion.")] input: SpaceAddMemberInput,
    ) -> Result<SpacePayload> {
        change(ctx, async |work| {
            let (id, champion) = (input_id("id", &input.id)?, input_id("champion", &input.champion)?);
            Ok(spaces::add_member(work, id, input.version, champion).await?.id)
        })
        .await
    }

    /// Takes a champion out of a closed space: from now on it does not exist for them. For its moderators.
    async fn space_remove_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space and the champion.")] input: SpaceRemoveMemberInput,
    ) -> Result<SpacePayload> {
        change(ctx, async |work| {
            let (id, champion) = (input_id("id", &input.id)?, input_id("champion", &input.champion)?);
            Ok(spaces::remove_member(work, id, input.version, champion).await?.id)
        })
        .await
    }
}
