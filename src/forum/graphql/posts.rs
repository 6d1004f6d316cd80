//! Posts in the API.

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::{Kind, post};

use super::{ModerationAction, Thread, author, byline, moderation::Moderation};
use crate::{
    champions::graphql::Champion,
    error::{Error, Result},
    forum::ops::{self, moderation, posts},
    graphql::{
        Asking,
        enums::api_enum,
        ids::input_id,
        page::connection,
        payload::{change, payload},
        record::record_object,
    },
    markdown,
};

api_enum! {
    /// Where a post stands, as its author and the home of its space have it.
    PostState {
        /// Waits until the home of the space has taken it in. Only its author and moderators see it.
        Pending,
        /// In sight of all who see the thread.
        Visible,
        /// Out of sight for all but its author and moderators.
        Hidden,
        /// Removed by a moderator or withdrawn by its author, for good.
        Removed,
        /// The home of the space did not take it in.
        Rejected,
    }
}

record_object! {
    /// An answer in a thread. Its home is the author's site.
    Post shows post {
        /// The thread it is in.
        async fn thread(&self, ctx: &Context<'_>) -> Result<Thread> {
            let found = self.0.one(ctx, |row| Some(row.thread_id)).await?;
            // The post was read a moment before: its thread may have been hidden since.
            found.ok_or(Error::NotFound(Kind::Thread))
        }

        /// Who wrote it; null when you may not see their card.
        async fn author(&self, ctx: &Context<'_>) -> Result<Option<Champion>> {
            author(&self.0, ctx, |row| row.owner_id).await
        }

        /// What to print as its author: their name, or `A champion at …` when you may not see their card.
        async fn byline(&self, ctx: &Context<'_>) -> Result<String> {
            byline(&self.0, ctx, |row| row.owner_id).await
        }

        /// What it says, in Markdown. Empty when it was withdrawn, for all but moderators.
        async fn body(&self, ctx: &Context<'_>) -> &str {
            if self.text_shown(ctx) { &self.0.body } else { "" }
        }

        /// The same as HTML that is safe to show.
        async fn body_html(&self, ctx: &Context<'_>) -> String {
            if self.text_shown(ctx) { markdown::to_html(&self.0.body) } else { String::new() }
        }

        /// Where it stands.
        async fn state(&self) -> PostState {
            self.0.state.into()
        }

        /// Why the moderators of the space put it in that state; null when they did not.
        async fn state_reason(&self, ctx: &Context<'_>) -> Result<Option<String>> {
            self.0.state_reason(ctx).await
        }

        /// The post of the same thread that it replies to, if you may see that.
        async fn reply_to(&self, ctx: &Context<'_>) -> Result<Option<Post>> {
            self.0.one(ctx, |row| row.reply_to_id).await
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

impl Post {
    fn text_shown(&self, ctx: &Context<'_>) -> bool {
        ops::text_shown::<post::Entity>(ctx.caller(), &self.0, self.0.withdrawn_at)
    }
}

connection! {
    /// A page of posts.
    PostConnection, PostEdge, Post
}

payload! {
    /// What a change to a post came to.
    PostPayload {
        /// The post as it is now; null when there are problems, unless somebody was faster.
        post: Post
    }
}

/// A new post.
#[derive(Clone, Debug, InputObject)]
pub struct PostCreateInput {
    /// The thread that it answers.
    thread: ID,
    /// What it says: Markdown of at most 50,000 characters.
    body: String,
    /// The visible post of the same thread that it replies to.
    reply_to: Option<ID>,
    /// The slug of the site whose champion you write as. Needed only when you are one at several sites; a thread with
    /// visibility `SITE` takes champions of its space's site alone.
    #[graphql(name = "as")]
    as_site: Option<String>,
}

impl PostCreateInput {
    fn draft(self) -> Result<posts::Draft> {
        Ok(posts::Draft {
            thread: input_id("thread", &self.thread)?,
            reply_to: self.reply_to.map(|id| input_id("replyTo", &id)).transpose()?,
            body: self.body,
            as_site: self.as_site,
        })
    }
}

/// Another text for a post.
#[derive(Clone, Debug, InputObject)]
pub struct PostEditInput {
    /// The post.
    id: ID,
    /// The version that you read.
    version: i32,
    /// What it says: Markdown of at most 50,000 characters.
    body: String,
}

/// A post that is taken back.
#[derive(Clone, Debug, InputObject)]
pub struct PostWithdrawInput {
    /// The post.
    id: ID,
    /// The version that you read.
    version: i32,
}

/// Another state for a post.
#[derive(Clone, Debug, InputObject)]
pub struct PostModerateInput {
    /// The post.
    id: ID,
    /// The state: `VISIBLE`, `HIDDEN`, or `REMOVED` for good.
    state: PostState,
    /// Why, at most 1,000 characters. The author and moderators read it.
    reason: String,
}

/// What can be done to posts.
#[derive(Clone, Copy, Debug, Default)]
pub struct PostMutations;

/// What can be done to posts.
#[Object]
impl PostMutations {
    /// Writes a post in an open thread. For champions of every site that sees it; in a closed space for its members. When
    /// the thread is locked or archived, the problem is `NOT_ALLOWED_NOW`.
    async fn post_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The post.")] input: PostCreateInput,
    ) -> Result<PostPayload> {
        change(ctx, async |work| Ok(posts::create(work, input.draft()?).await?.id)).await
    }

    /// Changes what a post says. For its author.
    async fn post_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The post and its text.")] input: PostEditInput,
    ) -> Result<PostPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(posts::edit(work, id, input.version, &input.body).await?.id)
        })
        .await
    }

    /// Takes a post back for good. For its author.
    async fn post_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The post.")] input: PostWithdrawInput,
    ) -> Result<PostPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(posts::withdraw(work, id, input.version).await?.id)
        })
        .await
    }

    /// Shows, hides or removes a post. For moderators and admins of the space's home; those of the author's home may
    /// remove it. Nobody decides on their own.
    async fn post_moderate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The post, its state and why.")] input: PostModerateInput,
    ) -> Result<PostPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            moderation::moderate(work, id, input.state.into(), &input.reason).await?;
            Ok(id)
        })
        .await
    }
}
