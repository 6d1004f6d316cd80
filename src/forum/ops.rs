//! What is done in the forum: what all of it shares.
//!
//! Locks are taken in one order, so that no two works wait for each other: space, thread, post.

use chrono::{DateTime, Utc};
use entity::{ChampionId, Kind, PostId, SiteId, SpaceId, Visibility, placement, space, thread};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};

use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    forum::feed::placement_id,
    policy::{Access, Action, Caller},
    scope::{Scoped, covers, readable, would_cover},
    sites,
};

pub mod lists;
pub mod moderation;
pub mod posts;
pub mod reports;
pub mod spaces;
pub mod threads;

/// As whom something is written.
#[derive(Clone, Copy, Debug)]
struct Author {
    site: SiteId,
    champion: ChampionId,
}

/// As whom the caller writes a record of this kind: as their champion at the site they name, else at `only`, else at
/// the one site where they may write.
async fn author(work: &Work<'_>, kind: Kind, named: Option<&str>, only: Option<SiteId>) -> Result<Author> {
    if !work.caller().signed_in() {
        return Err(work.refusal());
    }
    let site = match (named, only) {
        (Some(slug), _) => sites::ops::id_of(work.db(), slug).await?,
        (None, Some(only)) => only,
        (None, None) => only_site(work.caller())?,
    };
    if only.is_some_and(|only| only != site) {
        return Err(Error::problem(
            ProblemCode::Invalid,
            "as",
            "Only champions of the space's own site write here.",
        ));
    }
    work.allow_at(Action::Create, kind, site).await?;
    let champion = work.author(site)?;
    Ok(Author { site, champion })
}

/// The one site where a caller may write.
fn only_site(caller: &Caller) -> Result<SiteId> {
    let may_write = |site: &SiteId| caller.member_of(*site) && caller.writes_as(*site).is_some();
    let mut sites: Vec<_> = caller.champions.iter().map(|own| own.site).filter(may_write).collect();
    sites.sort();
    sites.dedup();
    match sites[..] {
        [site] => Ok(site),
        [] => Err(Error::not_now(
            "Register as a champion of your site first, and wait until you are in training.",
        )),
        _ => Err(Error::problem(
            ProblemCode::Required,
            "as",
            "You are a champion at several sites: name the one that you write for.",
        )),
    }
}

/// The site whose champions alone write under this visibility, if that is so.
fn only_home(visibility: Visibility, space_home: SiteId) -> Option<SiteId> {
    (visibility == Visibility::Site).then_some(space_home)
}

/// A space that the caller may read; it stays as it is until the work ends.
async fn standing_space(work: &Work<'_>, id: SpaceId) -> Result<space::Model> {
    let found = readable::<space::Entity>(work.caller()).filter(space::Column::Id.eq(id));
    let found = found.lock_shared().one(work.db()).await?;
    found.ok_or(Error::NotFound(Kind::Space))
}

/// Passes when an action is granted. Where only the row's present state stands against it, that is a problem and no
/// refusal: `state` is one in which it would be granted.
fn allow_in<E: Scoped>(work: &Work<'_>, action: Action, row: &E::Model, state: &'static str, why: &str) -> Result<()> {
    let allowed = work.allow::<E>(action, row);
    let in_state = |row| Access { state, ..row };
    if allowed.is_err() && would_cover::<E>(work.caller(), action, row, in_state) {
        return Err(Error::not_now(why));
    }
    allowed
}

/// Whether the caller moderates a row for the home of its space, and not merely for its author's site.
fn places<E: Scoped>(work: &Work<'_>, row: &E::Model) -> bool {
    let of_receiver = |row: Access| Access {
        home: row.receiver.unwrap_or(row.home),
        ..row
    };
    would_cover::<E>(work.caller(), Action::Moderate, row, of_receiver)
}

/// Whether a caller may read the text of a row: what was withdrawn is for moderators alone.
pub fn text_shown<E: Scoped>(caller: &Caller, row: &E::Model, withdrawn_at: Option<DateTime<Utc>>) -> bool {
    withdrawn_at.is_none() || covers::<E>(caller, Action::Moderate, row)
}

/// What the space's home is about to place.
pub(super) struct Placing<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// Its id.
    pub(super) subject: Uuid,
    /// The thread that it is, or is in.
    pub(super) thread: &'a thread::Model,
    /// Its place in the order.
    pub(super) position: i64,
    /// Its state.
    pub(super) state: &'static str,
    /// Why it is in this state, when it is not the normal one.
    pub(super) reason: Option<String>,
}

/// Places a thread or post that was just written: the space's home is kept here.
pub(super) async fn place(work: &mut Work<'_>, placing: Placing<'_>) -> Result<()> {
    let thread = placing.thread;
    let row = placement::ActiveModel {
        site_id: Set(thread.space_home_id),
        subject_id: Set(placing.subject),
        record_id: Set(placement_id(thread.space_home_id, placing.subject)),
        kind: Set(placing.kind),
        space_id: Set(thread.space_id),
        thread_id: Set(thread.id),
        version: Set(1),
        position: Set(placing.position),
        state: Set(placing.state.to_owned()),
        reason: Set(placing.reason),
        answer_id: Set(None),
        updated_at: Set(work.now()),
    };
    placement::Entity::insert(row).exec_without_returning(work.db()).await?;
    work.touch(thread.space_home_id, placing.kind, placing.subject);
    Ok(())
}

/// Changes a placement under its next version. Audited at the space's home, whose decision it is.
async fn place_anew(work: &mut Work<'_>, found: placement::Model, change: placement::ActiveModel) -> Result<()> {
    let change = placement::ActiveModel {
        version: Set(found.version + 1),
        updated_at: Set(work.now()),
        ..change
    };
    placement::Entity::update_many()
        .set(change)
        .filter(placement::Column::SiteId.eq(found.site_id))
        .filter(placement::Column::SubjectId.eq(found.subject_id))
        .exec(work.db())
        .await?;
    work.note(found.site_id, found.kind, found.subject_id);
    Ok(())
}

/// How the home of a thread's space places it or a post of it.
async fn placement_of(work: &Work<'_>, thread: &thread::Model, subject: impl Into<Uuid>) -> Result<placement::Model> {
    let found = placement::Entity::find_by_id((thread.space_home_id, subject.into()));
    let found = found.one(work.db()).await?.filter(|found| found.thread_id == thread.id);
    found.ok_or_else(|| Error::not_now("The site of this space has not placed it yet."))
}

/// The accepted answer of a thread as long as readers see it.
async fn shown_answer(work: &Work<'_>, thread: &thread::Model) -> Result<Option<PostId>> {
    use entity::{PostState, post};
    let placed = placement::Entity::find_by_id((thread.space_home_id, thread.id.0));
    let placed = placed.one(work.db()).await?;
    let Some(answer) = placed.and_then(|placed| placed.answer_id) else {
        return Ok(None);
    };
    let shown = post::Entity::find_by_id(answer)
        .filter(post::Column::ThreadId.eq(thread.id))
        .filter(post::Column::State.eq(PostState::Visible));
    Ok(shown.one(work.db()).await?.map(|post| post.id))
}
