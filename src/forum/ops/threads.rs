//! Threads: started, edited, withdrawn, answered.

use entity::{
    Kind, List, PostId, PostState, ProjectId, SpaceId, ThreadId, ThreadState, placement, post, project, thread,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use super::{Placing, allow_in, author, only_home, place, place_anew, placement_of, places, standing_space};
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check, Patch},
    policy::Action,
    read, search,
};

/// A thread to be started.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Where.
    pub space: SpaceId,
    /// What it is about, in a line.
    pub title: String,
    /// What it says, in Markdown.
    pub body: String,
    /// By which it is found.
    pub tags: Vec<String>,
    /// The project it belongs to.
    pub project: Option<ProjectId>,
    /// The slug of the site that the caller writes for.
    pub as_site: Option<String>,
}

/// Starts a thread. It belongs to the author's site; the space's home places it at once where this host keeps both,
/// else it waits.
///
/// # Errors
/// Problems of the draft; [`Error::NotFound`] for a space or project that the caller may not see; what
/// [`Work::allow`] refuses.
pub async fn start(work: &mut Work<'_>, draft: Draft) -> Result<thread::Model> {
    let space = standing_space(work, draft.space).await?;
    work.allow::<entity::space::Entity>(Action::Reply, &space)?;
    let mut check = Check::new();
    let only = only_home(space.visibility, space.site_id);
    let author = check.take(author(work, Kind::Thread, draft.as_site.as_deref(), only).await)?;
    let title = check.line("title", &draft.title, input::TITLE);
    let body = check.markdown("body", &draft.body, input::BODY);
    let tags = check.words("tags", draft.tags);
    known_project(work, draft.project).await?;
    check.done()?;
    let author = author.expect("whoever cannot write was told so");
    let placed = work.keeps(space.site_id).await?;
    let state = if placed {
        ThreadState::Open
    } else {
        ThreadState::Pending
    };
    let row = thread::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(author.site),
        owner_id: Set(Some(author.champion)),
        visibility: Set(space.visibility),
        space_id: Set(space.id),
        space_home_id: Set(space.site_id),
        closed_space_id: Set(space.closed_space_id),
        project_id: Set(draft.project),
        title: Set(title),
        body: Set(body),
        tags: Set(List(tags)),
        state: Set(state),
        post_count: Set(0),
        active_at: Set(work.now()),
        ..thread::ActiveModel::default()
    };
    let row = work.insert::<thread::Entity>(row).await?;
    if placed {
        let placing = Placing {
            kind: Kind::Thread,
            subject: row.id.into(),
            thread: &row,
            // Threads of a space are in the order in which they were placed.
            position: work.now().timestamp_millis(),
            state: state.as_str(),
            reason: None,
        };
        place(work, placing).await?;
    }
    index(work, &row).await?;
    Ok(row)
}

async fn known_project(work: &Work<'_>, project: Option<ProjectId>) -> Result<()> {
    if let Some(project) = project {
        read::get::<project::Entity>(work.db(), work.caller(), project).await?;
    }
    Ok(())
}

/// Keeps the words of a thread that readers see, and forgets those of any other.
pub(in crate::forum) async fn index(work: &Work<'_>, row: &thread::Model) -> Result<()> {
    if matches!(
        row.state,
        ThreadState::Open | ThreadState::Locked | ThreadState::Archived
    ) {
        let body = [row.body.as_str(), &row.tags.0.join(" ")].join(" ");
        search::store(work.db(), Kind::Thread, row.id.into(), &row.title, &body).await
    } else {
        search::forget(work.db(), row.id.into()).await
    }
}

/// What changes in a thread.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What it is about.
    pub title: Patch<String>,
    /// What it says.
    pub body: Patch<String>,
    /// By which it is found.
    pub tags: Patch<Vec<String>>,
    /// The project it belongs to.
    pub project: Patch<ProjectId>,
}

/// Changes what a thread says, by its author.
///
/// # Errors
/// Problems of the changes, one when the thread is not shown to readers or its author may not write now; what
/// [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn edit(work: &mut Work<'_>, id: ThreadId, version: i32, changes: Changes) -> Result<thread::Model> {
    let row = work.get_at::<thread::Entity>(id, version).await?;
    allow_in::<thread::Entity>(
        work,
        Action::Edit,
        &row,
        ThreadState::Open.as_str(),
        "A thread that readers do not see cannot be edited.",
    )?;
    let mut check = Check::new();
    let title = check.required("title", changes.title, &row.title);
    let body = check.required("body", changes.body, &row.body);
    let tags = changes.tags.or_now(Some(row.tags.0.clone())).unwrap_or_default();
    let project = changes.project.or_now(row.project_id);
    known_project(work, project.filter(|_| project != row.project_id)).await?;
    check.take(work.author(row.site_id))?;
    let mut active = row.into_active_model();
    active.title = Set(check.line("title", &title, input::TITLE));
    active.body = Set(check.markdown("body", &body, input::BODY));
    active.tags = Set(List(check.words("tags", tags)));
    active.project_id = Set(project);
    active.edited_at = Set(Some(work.now()));
    check.done()?;
    let row = work.update::<thread::Entity>(active).await?;
    index(work, &row).await?;
    Ok(row)
}

/// Takes a thread back, by its author: for readers it is gone, with its posts.
///
/// # Errors
/// A problem when that was done before; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn withdraw(work: &mut Work<'_>, id: ThreadId, version: i32) -> Result<thread::Model> {
    let row = work.get_at::<thread::Entity>(id, version).await?;
    work.allow::<thread::Entity>(Action::Withdraw, &row)?;
    take_back(work, row).await
}

/// Takes a thread back for its home, whatever its placement says.
pub(super) async fn take_back(work: &mut Work<'_>, row: thread::Model) -> Result<thread::Model> {
    if row.withdrawn_at.is_some() {
        return Err(Error::not_now("This thread was withdrawn before."));
    }
    let mut active = row.into_active_model();
    active.withdrawn_at = Set(Some(work.now()));
    active.state = Set(ThreadState::Removed);
    let row = work.update::<thread::Entity>(active).await?;
    copy_state(work, &row).await?;
    Ok(row)
}

/// Repeats a thread's state wherever it is repeated: on its posts and in the search index.
pub(super) async fn copy_state(work: &Work<'_>, row: &thread::Model) -> Result<()> {
    post::Entity::update_many()
        .set(post::ActiveModel {
            thread_state: Set(row.state),
            ..post::ActiveModel::default()
        })
        .filter(post::Column::ThreadId.eq(row.id))
        .exec(work.db())
        .await?;
    let posts = post::Entity::find().select_only().column(post::Column::Id);
    let posts = posts.filter(post::Column::ThreadId.eq(row.id)).into_tuple::<PostId>();
    work.tell_if_moved(Kind::Post, posts.all(work.db()).await?);
    index(work, row).await
}

/// Marks a post as the answer to its thread, or takes the mark away: by the thread's author or a moderator of the
/// space's home.
///
/// # Errors
/// Problems with the thread's state and with a post that cannot be the answer; what [`Work::allow`] and
/// [`Work::hosted`] refuse.
pub async fn accept(work: &mut Work<'_>, id: ThreadId, answer: Option<PostId>) -> Result<()> {
    let row = work.locked::<thread::Entity>(id).await?;
    if !places::<thread::Entity>(work, &row) {
        let why = "A thread that readers do not see takes no answer.";
        allow_in::<thread::Entity>(work, Action::Edit, &row, ThreadState::Open.as_str(), why)?;
    }
    work.hosted(row.space_home_id).await?;
    if let Some(answer) = answer {
        let post = read::get::<post::Entity>(work.db(), work.caller(), answer).await?;
        if post.thread_id != id || post.state != PostState::Visible {
            return Err(Error::problem(
                ProblemCode::Invalid,
                "post",
                "The answer must be a visible post of this thread.",
            ));
        }
    }
    let found = placement_of(work, &row, id).await?;
    let change = placement::ActiveModel {
        answer_id: Set(answer),
        ..placement::ActiveModel::default()
    };
    place_anew(work, found, change).await?;
    let answered = thread::ActiveModel {
        answer_id: Set(answer),
        ..thread::ActiveModel::default()
    };
    keep(work, id, answered).await
}

/// Keeps on a thread what is placed or counted and not written by its author, so that its version stays.
pub(in crate::forum) async fn keep(work: &Work<'_>, id: ThreadId, kept: thread::ActiveModel) -> Result<()> {
    let this = thread::Column::Id.eq(id);
    thread::Entity::update_many()
        .set(kept)
        .filter(this)
        .exec(work.db())
        .await?;
    Ok(())
}
