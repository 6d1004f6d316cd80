//! Posts: written, edited, withdrawn. The thread keeps count of those that readers see.

use chrono::{DateTime, Utc};
use entity::{Kind, PostId, PostState, ThreadId, ThreadState, placement, post, thread};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use super::{Author, Placing, allow_in, author, only_home, place, shown_answer, threads};
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check},
    policy::Action,
    read,
};

/// A post to be written.
#[derive(Clone, Debug)]
pub struct Draft {
    /// In which thread.
    pub thread: ThreadId,
    /// What it says, in Markdown.
    pub body: String,
    /// The post of the same thread that it answers.
    pub reply_to: Option<PostId>,
    /// The slug of the site that the caller writes for.
    pub as_site: Option<String>,
}

/// Writes a post. It belongs to the author's site; the space's home places it at once where this host keeps both, else
/// it waits.
///
/// # Errors
/// Problems of the draft, one when the thread takes no answers now; what [`Work::allow`] refuses.
pub async fn create(work: &mut Work<'_>, draft: Draft) -> Result<post::Model> {
    let thread = work.locked::<thread::Entity>(draft.thread).await?;
    let why = format!("A thread that is {} takes no answers.", thread.state);
    allow_in::<thread::Entity>(work, Action::Reply, &thread, ThreadState::Open.as_str(), &why)?;
    let mut check = Check::new();
    let only = only_home(thread.visibility, thread.space_home_id);
    let author = check.take(author(work, Kind::Post, draft.as_site.as_deref(), only).await)?;
    let body = check.markdown("body", &draft.body, input::BODY);
    if let Some(other) = draft.reply_to {
        let other = read::get::<post::Entity>(work.db(), work.caller(), other).await?;
        if other.thread_id != thread.id || other.state != PostState::Visible {
            let why = "A reply must be to a visible post of the same thread.";
            check.note(ProblemCode::Invalid, "replyTo", why);
        }
    }
    check.done()?;
    let author = author.expect("whoever cannot write was told so");
    let placed = work.keeps(thread.space_home_id).await?;
    let position = next_position(work, &thread).await?;
    let row = new_row(work, &thread, author, placed, position);
    let row = post::ActiveModel {
        reply_to_id: Set(draft.reply_to),
        body: Set(body),
        ..row
    };
    let row = work.insert::<post::Entity>(row).await?;
    if placed {
        let placing = Placing {
            kind: Kind::Post,
            subject: row.id.into(),
            thread: &thread,
            position,
            state: row.state.as_str(),
            reason: None,
        };
        place(work, placing).await?;
        let counted = thread::ActiveModel {
            post_count: Set(thread.post_count + 1),
            last_post_at: Set(Some(work.now())),
            active_at: Set(work.now()),
            ..thread::ActiveModel::default()
        };
        threads::keep(work, thread.id, counted).await?;
    }
    Ok(row)
}

/// A post with all that it repeats of its thread.
fn new_row(work: &Work<'_>, thread: &thread::Model, author: Author, placed: bool, position: i64) -> post::ActiveModel {
    post::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(author.site),
        owner_id: Set(Some(author.champion)),
        visibility: Set(thread.visibility),
        thread_id: Set(thread.id),
        thread_home_id: Set(thread.site_id),
        thread_owner_id: Set(thread.owner_id),
        thread_state: Set(thread.state),
        space_home_id: Set(thread.space_home_id),
        closed_space_id: Set(thread.closed_space_id),
        state: Set(if placed { PostState::Visible } else { PostState::Pending }),
        position: Set(position),
        ..post::ActiveModel::default()
    }
}

/// The number of a thread's next post. The thread is locked, so that no two get one; a post that its site has taken away
/// keeps the number that its placement says.
pub(in crate::forum) async fn next_position(work: &Work<'_>, thread: &thread::Model) -> Result<i64> {
    let written: Option<Option<i64>> = post::Entity::find()
        .select_only()
        .column_as(post::Column::Position.max(), "last")
        .filter(post::Column::ThreadId.eq(thread.id))
        .into_tuple()
        .one(work.db())
        .await?;
    let placed: Option<Option<i64>> = placement::Entity::find()
        .select_only()
        .column_as(placement::Column::Position.max(), "last")
        .filter(placement::Column::SiteId.eq(thread.space_home_id))
        .filter(placement::Column::ThreadId.eq(thread.id))
        .filter(placement::Column::Kind.eq(Kind::Post))
        .into_tuple()
        .one(work.db())
        .await?;
    Ok(written.max(placed).flatten().unwrap_or_default() + 1)
}

/// Changes what a post says, by its author.
///
/// # Errors
/// Problems of the text, one when the post is not shown to readers or its author may not write now; what
/// [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn edit(work: &mut Work<'_>, id: PostId, version: i32, body: &str) -> Result<post::Model> {
    let row = work.get_at::<post::Entity>(id, version).await?;
    let why = "A post that readers do not see cannot be edited.";
    allow_in::<post::Entity>(work, Action::Edit, &row, PostState::Visible.as_str(), why)?;
    let mut check = Check::new();
    check.take(work.author(row.site_id))?;
    let mut active = row.into_active_model();
    active.body = Set(check.markdown("body", body, input::BODY));
    active.edited_at = Set(Some(work.now()));
    check.done()?;
    work.update::<post::Entity>(active).await
}

/// Takes a post back, by its author: for readers it is gone.
///
/// # Errors
/// A problem when that was done before; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn withdraw(work: &mut Work<'_>, id: PostId, version: i32) -> Result<post::Model> {
    let (row, thread) = with_thread(work, id).await?;
    work.hosted(row.site_id).await?;
    if row.version != version {
        return Err(Error::Conflict(Kind::Post, id.into()));
    }
    work.allow::<post::Entity>(Action::Withdraw, &row)?;
    take_back(work, row, &thread).await
}

/// Takes a post back for its home, whatever its placement says.
pub(super) async fn take_back(work: &mut Work<'_>, row: post::Model, thread: &thread::Model) -> Result<post::Model> {
    if row.withdrawn_at.is_some() {
        return Err(Error::not_now("This post was withdrawn before."));
    }
    let mut active = row.into_active_model();
    active.withdrawn_at = Set(Some(work.now()));
    active.state = Set(PostState::Removed);
    let row = work.update::<post::Entity>(active).await?;
    tally(work, thread).await?;
    Ok(row)
}

/// A post with its thread. The thread is locked first, as by everybody.
pub(super) async fn with_thread(work: &Work<'_>, id: PostId) -> Result<(post::Model, thread::Model)> {
    let unlocked = read::get::<post::Entity>(work.db(), work.caller(), id).await?;
    let thread = work.locked::<thread::Entity>(unlocked.thread_id).await?;
    Ok((work.locked::<post::Entity>(id).await?, thread))
}

/// Counts anew which posts of a thread readers see: how many, when the last one was written, whether the accepted
/// answer is among them.
pub(in crate::forum) async fn tally(work: &Work<'_>, thread: &thread::Model) -> Result<()> {
    let shown: Option<(i64, Option<DateTime<Utc>>)> = post::Entity::find()
        .select_only()
        .column_as(post::Column::Id.count(), "count")
        .column_as(post::Column::CreatedAt.max(), "last")
        .filter(post::Column::ThreadId.eq(thread.id))
        .filter(post::Column::State.eq(PostState::Visible))
        .into_tuple()
        .one(work.db())
        .await?;
    let (count, last) = shown.unwrap_or_default();
    let answer = shown_answer(work, thread).await?;
    let counted = thread::ActiveModel {
        post_count: Set(i32::try_from(count).unwrap_or(i32::MAX)),
        last_post_at: Set(last),
        active_at: Set(last.unwrap_or(thread.created_at)),
        answer_id: Set(answer),
        ..thread::ActiveModel::default()
    };
    threads::keep(work, thread.id, counted).await
}
