//! What can be done to threads.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};

use super::{ThreadPayload, ThreadState};
use crate::{
    error::Result,
    forum::ops::{moderation, threads},
    graphql::{ids::input_id, payload::change},
};

/// A new thread.
#[derive(Clone, Debug, InputObject)]
pub struct ThreadStartInput {
    /// The space to start it in.
    space: ID,
    /// What it is about, one line of at most 200 characters.
    title: String,
    /// What it says: Markdown of at most 50,000 characters.
    body: String,
    /// Words by which it is found: at most 30, each of at most 60 characters. Stored in lower case.
    #[graphql(default)]
    tags: Vec<String>,
    /// The project it belongs to: any that you may see.
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
    /// What it is about, one line of at most 200 characters.
    title: MaybeUndefined<String>,
    /// What it says: Markdown of at most 50,000 characters.
    body: MaybeUndefined<String>,
    /// Words by which it is found: at most 30, each of at most 60 characters. Stored in lower case.
    tags: MaybeUndefined<Vec<String>>,
    /// The project it belongs to: any that you may see.
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
    /// The visible post of this thread that answers it; null takes the mark away.
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
