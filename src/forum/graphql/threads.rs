//! Threads in the API.

use async_graphql::{Context, Enum, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::{Kind, thread};

use super::{ModerationAction, Post, PostConnection, Space, author, byline, moderation::Moderation};
use crate::{
    champions::graphql::Champion,
    error::{Error, Result},
    forum::ops::{
        self,
        lists::{Order, Posts, Threads, of_project},
    },
    graphql::{
        Asking,
        enums::{api_enum, stored},
        ids::argument_id,
        page::{Connection, Paging, connection},
        payload::payload,
        record::record_object,
    },
    markdown,
    projects::graphql::Project,
    read::Parent,
};

mod mutations;

pub use mutations::ThreadMutations;

api_enum! {
    /// Where a thread stands, as its author and the home of its space have it.
    ThreadState {
        /// Waits until the home of the space has taken it in. Only its author and moderators see it.
        Pending,
        /// Takes answers.
        Open,
        /// Takes no answers for now.
        Locked,
        /// Takes no answers any longer.
        Archived,
        /// Out of sight for all but its author and moderators.
        Hidden,
        /// Removed by a moderator or withdrawn by its author, for good.
        Removed,
        /// The home of the space did not take it in.
        Rejected,
    }
}

record_object! {
    /// A question or topic in a space, with the posts that answer it. Its home is the author's site, also in a space of
    /// another site; the space's home decides on state, order and answer.
    Thread shows thread {
        /// The space it is in.
        async fn space(&self, ctx: &Context<'_>) -> Result<Space> {
            let found = self.0.one(ctx, |row| Some(row.space_id)).await?;
            // The thread was read a moment before: its space may have been closed to the caller since.
            found.ok_or(Error::NotFound(Kind::Space))
        }

        /// What it is about, in a line.
        async fn title(&self) -> &str {
            &self.0.title
        }

        /// What it says, in Markdown. Empty when it was withdrawn, for all but moderators.
        async fn body(&self, ctx: &Context<'_>) -> &str {
            if self.text_shown(ctx) { &self.0.body } else { "" }
        }

        /// The same as HTML that is safe to show.
        async fn body_html(&self, ctx: &Context<'_>) -> String {
            if self.text_shown(ctx) { markdown::to_html(&self.0.body) } else { String::new() }
        }

        /// Words by which it is found, in lower case.
        async fn tags(&self) -> &[String] {
            &self.0.tags.0
        }

        /// Who started it; null when you may not see their card.
        async fn author(&self, ctx: &Context<'_>) -> Result<Option<Champion>> {
            author(&self.0, ctx, |row| row.owner_id).await
        }

        /// What to print as its author: their name, or `A champion at …` when you may not see their card.
        async fn byline(&self, ctx: &Context<'_>) -> Result<String> {
            byline(&self.0, ctx, |row| row.owner_id).await
        }

        /// Where it stands.
        async fn state(&self) -> ThreadState {
            self.0.state.into()
        }

        /// Why the moderators of the space put it in that state; null when they did not, or gave no reason to readers.
        async fn state_reason(&self, ctx: &Context<'_>) -> Result<Option<String>> {
            self.0.state_reason(ctx).await
        }

        /// The project it belongs to, if you may see that.
        async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
            self.0.one(ctx, |row| row.project_id).await
        }

        /// The post that was accepted as the answer; null as long as readers see none.
        async fn answer(&self, ctx: &Context<'_>) -> Result<Option<Post>> {
            self.0.one(ctx, |row| row.answer_id).await
        }

        /// Its posts in order.
        async fn posts(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
            #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
            #[graphql(desc = "How many from the back.")] last: Option<i32>,
            #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        ) -> Result<PostConnection> {
            let paging = Paging { first, after, last, before };
            let parent = Parent::Column(entity::post::Column::ThreadId);
            Ok(PostConnection(self.0.page(ctx, paging, Posts, parent).await?))
        }

        /// How many visible posts it has.
        async fn post_count(&self) -> i32 {
            self.0.post_count
        }

        /// When the last visible post was written; null when there is none.
        async fn last_post_at(&self) -> Option<DateTime<Utc>> {
            self.0.last_post_at
        }

        /// When its author last edited it; null when they never did.
        async fn edited_at(&self) -> Option<DateTime<Utc>> {
            self.0.edited_at
        }

        /// When it was withdrawn; null when it was not.
        async fn withdrawn_at(&self) -> Option<DateTime<Utc>> {
            self.0.withdrawn_at
        }

        /// What moderators did to it, in order. Empty for all but moderators.
        async fn moderation(&self, ctx: &Context<'_>) -> Result<Vec<ModerationAction>> {
            self.0.moderation(ctx).await
        }
    }
}

impl Thread {
    fn text_shown(&self, ctx: &Context<'_>) -> bool {
        ops::text_shown::<thread::Entity>(ctx.caller(), &self.0, self.0.withdrawn_at)
    }
}

connection! {
    /// A page of threads.
    ThreadConnection, ThreadEdge, Thread
}

payload! {
    /// What a change to a thread came to.
    ThreadPayload {
        /// The thread as it is now; null when there are problems, unless somebody was faster.
        thread: Thread
    }
}

/// The order of a list of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ThreadOrder {
    /// Newest first.
    CreatedDesc,
    /// Last edited first.
    UpdatedDesc,
    /// Last answered first; a thread without posts stands where it was started.
    LastPostDesc,
    /// By title.
    TitleAsc,
    /// Best match first. The default with `search`, and only with it.
    Relevance,
}

/// Which threads. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ThreadFilter {
    /// By authors of the sites with these slugs.
    sites: Option<Vec<String>>,
    /// In this space.
    space: Option<ID>,
    /// Of this project.
    project: Option<ID>,
    /// With this tag.
    tag: Option<String>,
    /// Without an accepted answer (true), or with one (false).
    unanswered: Option<bool>,
    /// In one of these states.
    states: Option<Vec<ThreadState>>,
    /// With all of these words, in any order and inflexion, in title, body or tags.
    search: Option<String>,
}

impl ThreadFilter {
    /// The list that a filter and an order describe.
    ///
    /// # Errors
    /// [`Error::Argument`] for an id that is none.
    pub fn list(ctx: &Context<'_>, filter: Option<Self>, order: Option<ThreadOrder>) -> Result<Threads> {
        let filter = filter.unwrap_or_default();
        let search = filter.search.map(|search| ctx.app().hits(&search));
        let order = match order {
            Some(ThreadOrder::UpdatedDesc) => Order::Updated,
            Some(ThreadOrder::LastPostDesc) => Order::LastPost,
            Some(ThreadOrder::TitleAsc) => Order::Title,
            Some(ThreadOrder::Relevance) | None if search.is_some() => Order::Relevance,
            _ => Order::Created,
        };
        let space = filter.space.map(|id| argument_id("filter.space", &id));
        let project = filter
            .project
            .map(|id| argument_id("filter.project", &id))
            .transpose()?;
        Ok(Threads {
            sites: filter.sites,
            space: space.transpose()?,
            project: project.map(|id| of_project(ctx.caller(), id)),
            tag: filter.tag,
            unanswered: filter.unanswered,
            states: filter.states.map(stored),
            search,
            order,
        })
    }
}

/// What can be asked about threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadQueries;

/// What can be asked about threads.
#[Object]
impl ThreadQueries {
    /// The threads of the network that you may see, in all spaces.
    #[expect(
        clippy::too_many_arguments,
        reason = "a connection has four arguments besides its own"
    )]
    async fn threads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which threads.")] filter: Option<ThreadFilter>,
        #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ThreadOrder>,
    ) -> Result<ThreadConnection> {
        let list = ThreadFilter::list(ctx, filter, order_by)?;
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Ok(ThreadConnection(Connection::root(ctx, paging, list).await?))
    }
}
