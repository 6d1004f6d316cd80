//! Threads in the API.

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use entity::thread;

use super::{ModerationAction, Post, PostConnection, Space, author, byline, moderation::Moderation};
use crate::{
    champions::graphql::Champion,
    error::{Error, Result},
    forum::ops::{
        self,
        lists::{Order, Posts, Threads},
        moderation, threads,
    },
    graphql::{
        Asking,
        enums::{api_enum, stored},
        ids::{argument_id, input_id},
        page::{Connection, Paging, connection},
        payload::{change, payload},
        record::record_object,
    },
    markdown,
    projects::graphql::Project,
    read::Parent,
};

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
            found.ok_or_else(|| Error::internal("a readable thread is in a space that is not"))
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

        /// The post that was accepted as the answer.
        async fn answer(&self, ctx: &Context<'_>) -> Result<Option<Post>> {
            self.0.one(ctx, |row| row.answer_id).await
        }

        /// Its posts in order.
        #[expect(
            clippy::too_many_arguments,
            reason = "a connection has four arguments"
        )]
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
        let project = filter.project.map(|id| argument_id("filter.project", &id));
        Ok(Threads {
            sites: filter.sites,
            space: space.transpose()?,
            project: project.transpose()?,
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

/// A new thread.
#[derive(Clone, Debug, InputObject)]
pub struct ThreadStartInput {
    /// The space to start it in.
    space: ID,
    /// What it is about, one line of at most 200 characters.
    title: String,
    /// What it says: Markdown of at most 50,000 characters.
    body: String,
    /// Words by which it is found.
    #[graphql(default)]
    tags: Vec<String>,
    /// The project it belongs to.
    project: Option<ID>,
    /// The slug of the site whose champion you write as. Needed only when you are one at several sites; a space with
    /// visibility `SITE` takes its own champions alone.
    #[graphql(name = "as")]
    as_site: Option<String>,
}

impl ThreadStartInput {
    fn draft(self) -> Result<threads::Draft> {
        Ok(threads::Draft {
            space: input_id("space", &self.space)?,
            project: self.project.map(|id| input_id("project", &id)).transpose()?,
            title: self.title,
            body: self.body,
            tags: self.tags,
            as_site: self.as_site,
        })
    }
}

/// Changes to a thread. What is left out stays; null empties.
#[derive(Clone, Debug, InputObject)]
pub struct ThreadEditInput {
    /// The thread.
    id: ID,
    /// The version that you read.
    version: i32,
    /// What it is about.
    title: MaybeUndefined<String>,
    /// What it says.
    body: MaybeUndefined<String>,
    /// Words by which it is found.
    tags: MaybeUndefined<Vec<String>>,
    /// The project it belongs to.
    project: MaybeUndefined<ID>,
}

impl ThreadEditInput {
    fn changes(self) -> Result<threads::Changes> {
        let project = self.project.map_value(|id| input_id("project", &id));
        Ok(threads::Changes {
            title: self.title.into(),
            body: self.body.into(),
            tags: self.tags.into(),
            project: project.transpose()?.into(),
        })
    }
}

/// A thread that is taken back.
#[derive(Clone, Debug, InputObject)]
pub struct ThreadWithdrawInput {
    /// The thread.
    id: ID,
    /// The version that you read.
    version: i32,
}

/// Another state for a thread.
#[derive(Clone, Debug, InputObject)]
pub struct ThreadSetStateInput {
    /// The thread.
    id: ID,
    /// The state: `OPEN`, `LOCKED`, `ARCHIVED`, `HIDDEN`, or `REMOVED` for good.
    state: ThreadState,
    /// Why, at most 1,000 characters. The author and moderators read it; for a thread that stays in sight everybody.
    reason: String,
}

/// Another space for a thread.
#[derive(Clone, Debug, InputObject)]
pub struct ThreadMoveInput {
    /// The thread.
    id: ID,
    /// The space that it moves to: an open one of the same site. Its visibility becomes that of the thread and its posts.
    space: ID,
    /// Why, at most 1,000 characters. Moderators read it.
    reason: String,
}

/// The answer to a thread.
#[derive(Clone, Debug, InputObject)]
pub struct ThreadAcceptInput {
    /// The thread.
    id: ID,
    /// The post that answers it; null takes the mark away.
    post: Option<ID>,
}

/// What can be done to threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadMutations;

/// What can be done to threads.
#[Object]
impl ThreadMutations {
    /// Starts a thread in a space. For champions of every site that sees the space; in a closed space for its members.
    async fn thread_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The thread.")] input: ThreadStartInput,
    ) -> Result<ThreadPayload> {
        change(ctx, async |work| Ok(threads::start(work, input.draft()?).await?.id)).await
    }

    /// Changes what a thread says. For its author.
    async fn thread_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: ThreadEditInput,
    ) -> Result<ThreadPayload> {
        change(ctx, async |work| {
            let (id, version) = (input_id("id", &input.id)?, input.version);
            Ok(threads::edit(work, id, version, input.changes()?).await?.id)
        })
        .await
    }

    /// Takes a thread back for good: readers see neither it nor its posts any longer. For its author.
    async fn thread_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The thread.")] input: ThreadWithdrawInput,
    ) -> Result<ThreadPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(threads::withdraw(work, id, input.version).await?.id)
        })
        .await
    }

    /// Opens, locks, archives, hides or removes a thread. For moderators and admins of the space's home; those of the
    /// author's home may remove it. Nobody decides on their own.
    async fn thread_set_state(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The thread, its state and why.")] input: ThreadSetStateInput,
    ) -> Result<ThreadPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            moderation::set_state(work, id, input.state.into(), &input.reason).await?;
            Ok(id)
        })
        .await
    }

    /// Moves a thread with its posts to another space of the same site. For moderators and admins of that site.
    async fn thread_move(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The thread, its new space and why.")] input: ThreadMoveInput,
    ) -> Result<ThreadPayload> {
        change(ctx, async |work| {
            let (id, space) = (input_id("id", &input.id)?, input_id("space", &input.space)?);
            moderation::move_to(work, id, space, &input.reason).await?;
            Ok(id)
        })
        .await
    }

    /// Marks a post as the answer, or takes the mark away. For the thread's author, and for moderators and admins of the
    /// space's home.
    async fn thread_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The thread and its answer.")] input: ThreadAcceptInput,
    ) -> Result<ThreadPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            let post = input.post.map(|post| input_id("post", &post)).transpose()?;
            threads::accept(work, id, post).await?;
            Ok(id)
        })
        .await
    }
}
