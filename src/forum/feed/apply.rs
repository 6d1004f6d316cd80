//! What comes of the forum from other hosts: each record is stored by itself; what rows repeat of one another, and where
//! they stand in their space, [`super::settle()`] says once the whole batch has come.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    Kind, List, PostId, PostState, ReportId, ReportState, SiteId, SpaceAccess, SpaceId, ThreadId, ThreadState,
    Visibility, placement, post, report, space, thread,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};

use super::{Placement, Post, Report, Space, Thread, placement_id};
use crate::{
    app::Work,
    error::{ProblemCode, Result},
    federation::{
        protocol::apply::{Facts, Reason},
        wire::Origin,
    },
    input::{self, Check},
    search,
    share::{self, Arrival, Landed, Payload},
};

/// What a batch has changed of the forum.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// Spaces that came, went or are shown to others than before.
    pub(super) spaces: BTreeSet<SpaceId>,
    /// Threads; with whether all of their posts may have to follow.
    pub(super) threads: BTreeMap<ThreadId, bool>,
    /// Posts, in the order in which they came.
    pub(super) posts: Vec<PostId>,
}

impl Touched {
    fn thread(&mut self, id: ThreadId, whole: bool) {
        *self.threads.entry(id).or_default() |= whole;
    }
}

/// The closed space in which everything is whose space or thread has not come: nobody is a member of it.
pub(super) const NOWHERE: SpaceId = SpaceId(Uuid::nil());

impl Payload for Space {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, self.visibility, [self.created_at, self.updated_at]);
        check.address("slug", &self.slug);
        check.line("name", &self.name, input::TITLE);
        check.text("about", &self.about, input::ABOUT);
        if self.access != SpaceAccess::Open {
            check.note(
                ProblemCode::Invalid,
                "access",
                "A closed space does not leave its site.",
            );
        }
    }
}

impl Payload for Thread {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, self.visibility, [self.created_at, self.updated_at]);
        check.time("editedAt", self.edited_at);
        check.time("withdrawnAt", self.withdrawn_at);
        check.items("tags", &self.tags, input::WORD);
        // What was withdrawn has no text.
        if self.withdrawn_at.is_none() || !self.title.is_empty() {
            check.line("title", &self.title, input::TITLE);
        }
        if self.withdrawn_at.is_none() || !self.body.is_empty() {
            check.markdown("body", &self.body, input::BODY);
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            author: self.author.map(Into::into),
            ..Facts::default()
        }
    }
}

impl Payload for Post {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, self.visibility, [self.created_at, self.updated_at]);
        check.time("editedAt", self.edited_at);
        check.time("withdrawnAt", self.withdrawn_at);
        if self.withdrawn_at.is_none() || !self.body.is_empty() {
            check.markdown("body", &self.body, input::BODY);
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            author: self.author.map(Into::into),
            ..Facts::default()
        }
    }
}

impl Payload for Placement {
    fn check(&self, check: &mut Check) {
        check.whole("version", self.version, 1..=i32::MAX);
        check.time("updatedAt", Some(self.updated_at));
        check.optional_text("reason", self.reason.clone(), input::SUMMARY);
        let known = match self.kind {
            Kind::Thread => self.state.parse::<ThreadState>().is_ok() && self.subject == self.thread.0,
            Kind::Post => self.state.parse::<PostState>().is_ok(),
            _ => false,
        };
        if !known || self.position < 0 {
            check.note(ProblemCode::Invalid, "state", "Nothing is placed like this.");
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            space: Some(self.space.0),
            ..Facts::default()
        }
    }
}

impl Payload for Report {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, Visibility::Network, [self.created_at, self.updated_at]);
        if self.state == ReportState::Open {
            check.text("reason", &self.reason, input::SUMMARY);
        } else {
            // Its words may be forgotten by now.
            check.optional_text("reason", Some(self.reason.clone()), input::SUMMARY);
        }
        check.optional_text("outcome", self.outcome.clone(), input::SUMMARY);
        check.time("closedAt", self.closed_at);
        if !matches!(self.kind, Kind::Thread | Kind::Post) {
            check.note(ProblemCode::Invalid, "kind", "Only threads and posts are reported.");
        }
    }
}

/// Reads and checks how a site places a subject.
///
/// # Errors
/// [`Reason::Invalid`] with everything that is wrong with it.
pub fn placement_facts(origin: Origin, record: Uuid, payload: &str) -> Result<Facts, Reason> {
    let facts = share::facts::<Placement>(payload)?;
    let said: Option<Placement> = serde_json::from_str(payload).ok();
    if said.is_some_and(|said| placement_id(SiteId(origin.0), said.subject) == record) {
        Ok(facts)
    } else {
        Err(Reason::Invalid(
            "The record is not how this site places its subject.".to_owned(),
        ))
    }
}

/// Stores a space of another host.
///
/// # Errors
/// Only when the database fails.
pub async fn apply_space(work: &Work<'_>, arrival: &Arrival<'_>, touched: &mut Touched) -> Result<()> {
    let said: Space = arrival.read()?;
    let id = SpaceId(arrival.id);
    let before = space::Entity::find_by_id(id).one(work.db()).await?;
    if before.is_none_or(|before| before.visibility != said.visibility) {
        touched.spaces.insert(id);
    }
    share::take::<space::Entity>(work.db(), arrival, space::Column::Slug, &said.slug).await?;
    let row = space::Model {
        id,
        site_id: arrival.home,
        visibility: said.visibility,
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        slug: said.slug,
        name: said.name,
        about: said.about,
        access: said.access,
        closed_space_id: None,
    };
    share::store::<space::Entity>(work.db(), row).await
}

/// Stores a thread of another host.
///
/// # Errors
/// Only when the database fails.
pub async fn apply_thread(work: &Work<'_>, arrival: &Arrival<'_>, touched: &mut Touched) -> Result<()> {
    let said: Thread = arrival.read()?;
    let id = ThreadId(arrival.id);
    let before = locked_thread(work, id).await?;
    let before = before.as_ref();
    let row = thread::Model {
        id,
        site_id: arrival.home,
        visibility: before.map_or(Visibility::Site, |row| row.visibility),
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        owner_id: said.author,
        space_id: said.space,
        space_home_id: before.map_or(arrival.home, |row| row.space_home_id),
        closed_space_id: before.map_or(Some(NOWHERE), |row| row.closed_space_id),
        project_id: said.project,
        title: said.title,
        body: said.body,
        tags: List(said.tags),
        edited_at: said.edited_at,
        withdrawn_at: said.withdrawn_at,
        state: before.map_or(ThreadState::Pending, |row| row.state),
        answer_id: before.and_then(|row| row.answer_id),
        post_count: before.map_or(0, |row| row.post_count),
        last_post_at: before.and_then(|row| row.last_post_at),
        active_at: before.map_or(said.created_at, |row| row.active_at),
    };
    share::store::<thread::Entity>(work.db(), row).await?;
    touched.thread(id, true);
    Ok(())
}

/// Stores a post of another host. Its thread is locked first, as by everybody.
///
/// # Errors
/// Only when the database fails.
pub async fn apply_post(work: &Work<'_>, arrival: &Arrival<'_>, touched: &mut Touched) -> Result<()> {
    let said: Post = arrival.read()?;
    let id = PostId(arrival.id);
    locked_thread(work, said.thread).await?;
    let before = post::Entity::find_by_id(id).one(work.db()).await?;
    if let Some(before) = before.as_ref().filter(|before| before.thread_id != said.thread) {
        touched.thread(before.thread_id, false);
    }
    let before = before.as_ref();
    let row = post::Model {
        id,
        site_id: arrival.home,
        visibility: before.map_or(Visibility::Site, |row| row.visibility),
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        owner_id: said.author,
        thread_id: said.thread,
        thread_home_id: before.map_or(arrival.home, |row| row.thread_home_id),
        thread_owner_id: before.and_then(|row| row.thread_owner_id),
        thread_state: before.map_or(ThreadState::Pending, |row| row.thread_state),
        space_home_id: before.map_or(arrival.home, |row| row.space_home_id),
        closed_space_id: before.map_or(Some(NOWHERE), |row| row.closed_space_id),
        reply_to_id: said.reply_to,
        body: said.body,
        edited_at: said.edited_at,
        withdrawn_at: said.withdrawn_at,
        state: before.map_or(PostState::Pending, |row| row.state),
        position: before.map_or(0, |row| row.position),
    };
    share::store::<post::Entity>(work.db(), row).await?;
    touched.thread(said.thread, false);
    touched.posts.push(id);
    Ok(())
}

async fn locked_thread(work: &Work<'_>, id: ThreadId) -> Result<Option<thread::Model>> {
    let found = thread::Entity::find_by_id(id).lock_exclusive();
    Ok(found.one(work.db()).await?)
}

/// Stores how a site places a thread or post. Whether its word counts is judged where the subject stands, by
/// [`super::settle()`].
///
/// # Errors
/// Only when the database fails.
pub async fn apply_placement(work: &Work<'_>, arrival: &Arrival<'_>, touched: &mut Touched) -> Result<Landed> {
    let said: Placement = arrival.read()?;
    if said.kind == Kind::Post {
        let post = post::Entity::find_by_id(said.subject).one(work.db()).await?;
        if post.is_none() {
            return Ok(Landed::Waits(said.subject));
        }
    }
    if locked_thread(work, said.thread).await?.is_none() {
        return Ok(Landed::Waits(said.thread.0));
    }
    let row = placement::Model {
        site_id: arrival.home,
        subject_id: said.subject,
        record_id: arrival.id,
        kind: said.kind,
        space_id: said.space,
        thread_id: said.thread,
        version: said.version,
        position: said.position,
        state: said.state,
        reason: said.reason,
        answer_id: said.answer,
        updated_at: said.updated_at,
    };
    share::store::<placement::Entity>(work.db(), row).await?;
    touched.thread(said.thread, said.kind == Kind::Thread);
    if said.kind == Kind::Post {
        touched.posts.push(PostId(said.subject));
    }
    Ok(Landed::Stored)
}

/// Stores a report that another host has sent to the moderators of this one.
///
/// # Errors
/// Only when the database fails.
pub async fn apply_report(work: &Work<'_>, arrival: &Arrival<'_>, touched: &mut Touched) -> Result<()> {
    let said: Report = arrival.read()?;
    let row = report::Model {
        id: ReportId(arrival.id),
        site_id: arrival.home,
        visibility: Visibility::Site,
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        owner_id: None,
        subject_kind: said.kind,
        subject_id: said.subject,
        // Nobody here reads it before its subject is known.
        subject_home_id: arrival.home,
        subject_owner_id: None,
        space_home_id: arrival.home,
        reason: said.reason,
        state: said.state,
        outcome: said.outcome,
        closed_at: said.closed_at,
    };
    share::store::<report::Entity>(work.db(), row).await?;
    if said.kind == Kind::Thread {
        touched.thread(ThreadId(said.subject), false);
    } else {
        touched.posts.push(PostId(said.subject));
    }
    Ok(())
}

/// Forgets spaces of another host.
///
/// # Errors
/// Only when the database fails.
pub async fn forget_spaces(work: &Work<'_>, spaces: &[Uuid], touched: &mut Touched) -> Result<()> {
    touched.spaces.extend(spaces.iter().copied().map(SpaceId));
    share::remove::<space::Entity>(work.db(), spaces).await
}

/// Forgets threads of another host. Their placements stay: a subject is placed once.
///
/// # Errors
/// Only when the database fails.
pub async fn forget_threads(work: &Work<'_>, threads: &[Uuid], touched: &mut Touched) -> Result<()> {
    for id in threads {
        touched.thread(ThreadId(*id), true);
    }
    search::forget_all(work.db(), threads).await?;
    share::remove::<thread::Entity>(work.db(), threads).await
}

/// Forgets posts of another host. Their placements stay: a subject is placed once.
///
/// # Errors
/// Only when the database fails.
pub async fn forget_posts(work: &Work<'_>, posts: &[Uuid], touched: &mut Touched) -> Result<()> {
    let threads = post::Entity::find()
        .select_only()
        .column(post::Column::ThreadId)
        .distinct()
        .filter(post::Column::Id.is_in(posts.iter().copied()));
    for id in threads.into_tuple::<ThreadId>().all(work.db()).await? {
        touched.thread(id, false);
    }
    share::remove::<post::Entity>(work.db(), posts).await
}

/// Forgets how another host has placed threads and posts.
///
/// # Errors
/// Only when the database fails.
pub async fn forget_placements(
    work: &Work<'_>,
    home: SiteId,
    placements: &[Uuid],
    touched: &mut Touched,
) -> Result<()> {
    use placement::{Column, Entity};
    let gone = Condition::all()
        .add(Column::RecordId.is_in(placements.iter().copied()))
        .add(Column::SiteId.eq(home));
    for row in Entity::find().filter(gone.clone()).all(work.db()).await? {
        touched.thread(row.thread_id, row.kind == Kind::Thread);
        if row.kind == Kind::Post {
            touched.posts.push(PostId(row.subject_id));
        }
    }
    Entity::delete_many().filter(gone).exec(work.db()).await?;
    Ok(())
}

/// Forgets how this host has placed threads and posts that are gone for ever, and tells its readers.
///
/// # Errors
/// Only when the database fails.
pub async fn displace(work: &mut Work<'_>, subjects: &[Uuid]) -> Result<()> {
    use placement::{Column, Entity};
    let placed = Column::SubjectId.is_in(subjects.iter().copied());
    for row in Entity::find().filter(placed.clone()).all(work.db()).await? {
        work.touch(row.site_id, row.kind, row.subject_id);
    }
    Entity::delete_many().filter(placed).exec(work.db()).await?;
    Ok(())
}
