//! What rows of the forum repeat of one another, and where they stand in their space, after records of other hosts came:
//! whichever of them came first.
//!
//! The home of a space places what is new in it, in the order in which it came. Everywhere else the state is what its
//! placement says; until there is one, it is pending.

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::{
    Kind, PostId, PostState, SiteId, SpaceId, ThreadId, ThreadState, Visibility, placement, post, report, site, space,
    thread,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Uuid,
};

use super::apply::{NOWHERE, Touched};
use crate::{
    app::Work,
    database::ROWS_A_STATEMENT,
    error::Result,
    federation::{
        protocol::{
            placement::{Decision, State, counts, place},
            rules::Rules,
        },
        wire::Origin,
    },
    forum::ops::{self, Placing, posts, threads},
    read, search,
};

/// Brings in step what a batch has touched.
///
/// # Errors
/// Only when the database fails.
pub async fn settle(work: &mut Work<'_>, touched: Touched) -> Result<()> {
    let Touched {
        spaces,
        mut threads,
        posts,
    } = touched;
    if spaces.is_empty() && threads.is_empty() && posts.is_empty() {
        return Ok(());
    }
    let kept = kept(work).await?;
    let spaces: Vec<_> = spaces.into_iter().collect();
    for spaces in spaces.chunks(ROWS_A_STATEMENT) {
        let below = thread::Entity::find()
            .select_only()
            .column(thread::Column::Id)
            .filter(thread::Column::SpaceId.is_in(spaces.iter().copied()));
        for id in below.into_tuple::<ThreadId>().all(work.db()).await? {
            threads.insert(id, true);
        }
    }
    let mut arrived: HashMap<ThreadId, Vec<PostId>> = HashMap::new();
    for (id, thread) in by_thread(work, &posts).await? {
        threads.entry(thread).or_default();
        arrived.entry(thread).or_default().push(id);
    }
    for (id, whole) in &threads {
        let arrived = arrived.remove(id).unwrap_or_default();
        Settling {
            kept: &kept,
            whole: *whole || arrived.len() > ROWS_A_STATEMENT,
        }
        .thread(work, *id, arrived)
        .await?;
    }
    let subjects = threads.keys().map(|id| id.0).chain(posts.iter().map(|id| id.0));
    let subjects: Vec<_> = subjects.collect();
    for subjects in subjects.chunks(ROWS_A_STATEMENT) {
        reports(work, &kept, subjects).await?;
    }
    Ok(())
}

/// The sites that this host keeps.
async fn kept(work: &Work<'_>) -> Result<HashSet<SiteId>> {
    let kept = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Hosted.eq(true));
    Ok(kept.into_tuple().all(work.db()).await?.into_iter().collect())
}

/// The posts with their threads, each once, in the order in which they came.
async fn by_thread(work: &Work<'_>, posts: &[PostId]) -> Result<Vec<(PostId, ThreadId)>> {
    let mut found: HashMap<PostId, ThreadId> = HashMap::new();
    for posts in posts.chunks(ROWS_A_STATEMENT) {
        let some = post::Entity::find()
            .select_only()
            .columns([post::Column::Id, post::Column::ThreadId])
            .filter(post::Column::Id.is_in(posts.iter().copied()));
        found.extend(some.into_tuple::<(PostId, ThreadId)>().all(work.db()).await?);
    }
    let mut named = HashSet::new();
    let ordered = posts.iter().filter(|id| named.insert(**id));
    Ok(ordered.filter_map(|id| Some((*id, *found.get(id)?))).collect())
}

/// One thread that is brought in step with its posts.
struct Settling<'a> {
    kept: &'a HashSet<SiteId>,
    /// Whether all of its posts may have to follow.
    whole: bool,
}

impl Settling<'_> {
    async fn thread(&self, work: &mut Work<'_>, id: ThreadId, arrived: Vec<PostId>) -> Result<()> {
        let found = thread::Entity::find_by_id(id).lock_exclusive();
        let Some(before) = found.one(work.db()).await? else {
            let posts = Condition::all().add(post::Column::ThreadId.eq(id));
            return self.lose(work, posts).await;
        };
        let own = self.kept.contains(&before.site_id) && self.kept.contains(&before.space_home_id);
        let own = own && before.closed_space_id != Some(NOWHERE);
        let row = if own {
            before.clone()
        } else {
            self.stand(work, before.clone()).await?
        };
        let shown = row.visibility != Visibility::Site && row.closed_space_id.is_none();
        if own && !shown {
            // What was said here among a site's own people takes no posts of others.
            let strangers =
                followers(id, self.whole, &arrived).add(post::Column::SiteId.is_not_in(self.kept.iter().copied()));
            return self.lose(work, strangers).await;
        }
        let moves = copies(&row) != copies(&before);
        let all = self.whole || moves;
        self.copy(work, &row, followers(id, all, &arrived)).await?;
        if all {
            work.tell_if_moved(Kind::Post, posts_of(work, id).await?);
        }
        let mut standing = if row.space_home_id == before.space_home_id {
            arrived.clone()
        } else {
            posts_of(work, id).await?
        };
        if shown && self.kept.contains(&row.space_home_id) {
            standing.extend(self.place_posts(work, &row, &arrived).await?);
        }
        stand_posts(work, &standing).await?;
        posts::tally(work, &row).await
    }

    /// Says where a thread stands: what it repeats of its space, and its state by its placement. Its space's home makes
    /// that when there is none.
    async fn stand(&self, work: &mut Work<'_>, before: thread::Model) -> Result<thread::Model> {
        let mut row = before.clone();
        let mut found = shown_space(work, row.space_id).await?;
        let placed = match &found {
            Some(space) => {
                let placed = placement::Entity::find_by_id((space.site_id, row.id.0));
                placed.one(work.db()).await?
            }
            None => None,
        };
        if let Some(placed) = placed.as_ref().filter(|placed| placed.space_id != row.space_id) {
            // A thread moves only between spaces of one home.
            let moved = shown_space(work, placed.space_id).await?;
            found = moved.filter(|space| space.site_id == placed.site_id);
        }
        if let Some(space) = found {
            row.space_id = space.id;
            row.space_home_id = space.site_id;
            row.visibility = space.visibility;
            row.closed_space_id = None;
            let stated = placed.and_then(|placed| placed.state.parse().ok());
            row.state = match stated {
                Some(state) => state,
                None if self.kept.contains(&space.site_id) => place_thread(work, &row).await?,
                None => ThreadState::Pending,
            };
        } else {
            row.space_home_id = row.site_id;
            row.visibility = Visibility::Site;
            row.closed_space_id = Some(NOWHERE);
        }
        if row.withdrawn_at.is_some() {
            row.state = ThreadState::Removed;
        }
        if row != before {
            work.tell(Kind::Thread, row.id);
            let stands = thread::ActiveModel {
                space_id: Set(row.space_id),
                space_home_id: Set(row.space_home_id),
                visibility: Set(row.visibility),
                closed_space_id: Set(row.closed_space_id),
                state: Set(row.state),
                ..thread::ActiveModel::default()
            };
            threads::keep(work, row.id, stands).await?;
        }
        // Who reads the thread only now, or knows nothing of the space that it was in, hears from its author's site.
        let told = (row.visibility, row.space_id) == (before.visibility, before.space_id);
        if !told && self.kept.contains(&row.site_id) {
            work.touch(row.site_id, Kind::Thread, row.id);
        }
        if row.closed_space_id.is_some() {
            search::forget(work.db(), row.id.0).await?;
        } else {
            threads::index(work, &row).await?;
        }
        Ok(row)
    }

    /// Repeats on posts what they repeat of their thread. A post of this host is told anew when others see it than before.
    async fn copy(&self, work: &mut Work<'_>, row: &thread::Model, which: Condition) -> Result<()> {
        self.tell(work, which.clone(), row.visibility).await?;
        let copied = post::ActiveModel {
            visibility: Set(row.visibility),
            thread_home_id: Set(row.site_id),
            thread_owner_id: Set(row.owner_id),
            thread_state: Set(row.state),
            space_home_id: Set(row.space_home_id),
            closed_space_id: Set(row.closed_space_id),
            ..post::ActiveModel::default()
        };
        post::Entity::update_many()
            .set(copied)
            .filter(which)
            .exec(work.db())
            .await?;
        Ok(())
    }

    /// Hides posts whose thread is not here.
    async fn lose(&self, work: &mut Work<'_>, which: Condition) -> Result<()> {
        self.tell(work, which.clone(), Visibility::Site).await?;
        let lost = post::Entity::find().select_only().column(post::Column::Id);
        let lost: Vec<PostId> = lost.filter(which.clone()).into_tuple().all(work.db()).await?;
        let hidden = post::ActiveModel {
            visibility: Set(Visibility::Site),
            closed_space_id: Set(Some(NOWHERE)),
            ..post::ActiveModel::default()
        };
        post::Entity::update_many()
            .set(hidden)
            .filter(which)
            .exec(work.db())
            .await?;
        work.tell_if_moved(Kind::Post, lost);
        Ok(())
    }

    async fn tell(&self, work: &mut Work<'_>, which: Condition, visibility: Visibility) -> Result<()> {
        let own = post::Entity::find()
            .select_only()
            .columns([post::Column::SiteId, post::Column::Id])
            .filter(which)
            .filter(post::Column::Visibility.ne(visibility))
            .filter(post::Column::SiteId.is_in(self.kept.iter().copied()));
        for (site, id) in own.into_tuple::<(SiteId, PostId)>().all(work.db()).await? {
            work.touch(site, Kind::Post, id);
        }
        Ok(())
    }

    /// Places the posts of other hosts that are new in a thread of a space of this one: first those that have waited for
    /// the thread, then those that came now, in their order.
    async fn place_posts(
        &self,
        work: &mut Work<'_>,
        thread: &thread::Model,
        arrived: &[PostId],
    ) -> Result<Vec<PostId>> {
        if arrived.is_empty() && !self.whole {
            return Ok(Vec::new());
        }
        let placed = placement::Entity::find()
            .select_only()
            .column(placement::Column::SubjectId)
            .filter(placement::Column::SiteId.eq(thread.space_home_id));
        let unplaced = post::Entity::find()
            .select_only()
            .column(post::Column::Id)
            .filter(post::Column::ThreadId.eq(thread.id))
            .filter(post::Column::Id.not_in_subquery(placed.into_query()))
            .filter(post::Column::SiteId.is_not_in(self.kept.iter().copied()))
            .order_by_asc(post::Column::CreatedAt)
            .order_by_asc(post::Column::Id);
        let mut unplaced: Vec<PostId> = unplaced.into_tuple().all(work.db()).await?;
        let order: HashMap<_, _> = arrived.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        unplaced.sort_by_key(|id| order.get(id).copied());
        for id in &unplaced {
            let last = posts::next_position(work, thread).await? - 1;
            place_post(work, thread, *id, last).await?;
        }
        Ok(unplaced)
    }
}

/// The posts that follow a thread: all, or those that came.
fn followers(thread: ThreadId, whole: bool, arrived: &[PostId]) -> Condition {
    Condition::all().add(if whole {
        post::Column::ThreadId.eq(thread)
    } else {
        post::Column::Id.is_in(arrived.iter().copied())
    })
}

async fn posts_of(work: &Work<'_>, thread: ThreadId) -> Result<Vec<PostId>> {
    let posts = post::Entity::find()
        .select_only()
        .column(post::Column::Id)
        .filter(post::Column::ThreadId.eq(thread));
    Ok(posts.into_tuple().all(work.db()).await?)
}

/// What the posts of a thread repeat of it.
fn copies(row: &thread::Model) -> impl PartialEq + use<> {
    let home = (row.site_id, row.owner_id, row.space_home_id);
    (home, row.visibility, row.state, row.closed_space_id)
}

/// A space that people of other sites write in, if it is here.
async fn shown_space(work: &Work<'_>, id: SpaceId) -> Result<Option<space::Model>> {
    let found = space::Entity::find_by_id(id)
        .filter(space::Column::Visibility.ne(Visibility::Site))
        .filter(space::Column::ClosedSpaceId.is_null());
    Ok(found.one(work.db()).await?)
}

async fn place_thread(work: &mut Work<'_>, row: &thread::Model) -> Result<ThreadState> {
    let state = ThreadState::Open;
    let placing = Placing {
        kind: Kind::Thread,
        subject: row.id.into(),
        thread: row,
        // Threads of a space are in the order in which they were placed.
        position: work.now().timestamp_millis(),
        state: state.as_str(),
        reason: None,
    };
    ops::place(work, placing).await?;
    Ok(state)
}

/// Lets a post in, or refuses it when its thread takes none: its author may not have heard yet.
async fn place_post(work: &mut Work<'_>, thread: &thread::Model, id: PostId, last: i64) -> Result<()> {
    let last = u64::try_from(last).unwrap_or_default();
    let Some(placed) = place(id.0, thread.space_id.0, false, last, Rules::default()) else {
        return Ok(());
    };
    let decision = match thread.state {
        ThreadState::Open => Decision::Accept,
        state => Decision::Reject(format!("The thread is {state} and takes no answers.")),
    };
    let (state, reason) = match placed.state.decide(decision) {
        Ok(State::Visible) => (PostState::Visible, None),
        Ok(State::Rejected(reason)) => (PostState::Rejected, Some(reason)),
        _ => (PostState::Pending, None),
    };
    let placing = Placing {
        kind: Kind::Post,
        subject: id.into(),
        thread,
        position: i64::try_from(placed.order).unwrap_or(i64::MAX),
        state: state.as_str(),
        reason,
    };
    ops::place(work, placing).await
}

/// Says where posts stand in their thread: by how the home of its space places them, unless they were withdrawn.
async fn stand_posts(work: &Work<'_>, ids: &[PostId]) -> Result<()> {
    for ids in ids.chunks(ROWS_A_STATEMENT) {
        let rows = post::Entity::find().filter(post::Column::Id.is_in(ids.iter().copied()));
        let rows = rows.all(work.db()).await?;
        let placed = placement::Entity::find().filter(placement::Column::SubjectId.is_in(ids.iter().map(|id| id.0)));
        let placed = read::by_key(placed.all(work.db()).await?, |row| (row.site_id, row.subject_id));
        for row in rows {
            let placed = placed.get(&(row.space_home_id, row.id.0)).filter(|placed| {
                let [by, home] = [placed.site_id, row.space_home_id].map(|site| Origin(site.0));
                counts(by, Some(home), placed.thread_id.0, row.thread_id.0, Rules::default())
            });
            stand_post(work, &row, placed).await?;
        }
    }
    Ok(())
}

async fn stand_post(work: &Work<'_>, row: &post::Model, placed: Option<&placement::Model>) -> Result<()> {
    let stated = placed.and_then(|placed| placed.state.parse().ok());
    let state = match row.withdrawn_at {
        Some(_) => PostState::Removed,
        None => stated.unwrap_or(PostState::Pending),
    };
    let position = placed.map_or(row.position, |placed| placed.position);
    if (state, position) != (row.state, row.position) {
        work.tell(Kind::Post, row.id);
        let stands = post::ActiveModel {
            state: Set(state),
            position: Set(position),
            ..post::ActiveModel::default()
        };
        let this = post::Entity::update_many().set(stands);
        this.filter(post::Column::Id.eq(row.id)).exec(work.db()).await?;
    }
    Ok(())
}

/// Repeats on reports of other hosts whose subjects they are about.
async fn reports(work: &Work<'_>, kept: &HashSet<SiteId>, subjects: &[Uuid]) -> Result<()> {
    let rows = report::Entity::find()
        .filter(report::Column::SubjectId.is_in(subjects.iter().copied()))
        .filter(report::Column::SiteId.is_not_in(kept.iter().copied()));
    let rows = rows.all(work.db()).await?;
    let mut homes: BTreeMap<Uuid, _> = BTreeMap::new();
    let named = |kind| {
        rows.iter()
            .filter(move |row| row.subject_kind == kind)
            .map(|row| row.subject_id)
    };
    let threads = thread::Entity::find().filter(thread::Column::Id.is_in(named(Kind::Thread)));
    for row in threads.all(work.db()).await? {
        homes.insert(row.id.0, (row.site_id, row.space_home_id, row.owner_id));
    }
    let posts = post::Entity::find().filter(post::Column::Id.is_in(named(Kind::Post)));
    for row in posts.all(work.db()).await? {
        homes.insert(row.id.0, (row.site_id, row.space_home_id, row.owner_id));
    }
    for row in &rows {
        let Some((home, space_home, owner)) = homes.get(&row.subject_id) else {
            continue;
        };
        let about = report::ActiveModel {
            subject_home_id: Set(*home),
            space_home_id: Set(*space_home),
            subject_owner_id: Set(*owner),
            ..report::ActiveModel::default()
        };
        let this = report::Entity::update_many().set(about);
        this.filter(report::Column::Id.eq(row.id)).exec(work.db()).await?;
    }
    Ok(())
}
