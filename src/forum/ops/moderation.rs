//! What moderators do to threads and posts. For the home of the space they place: open, lock, archive, hide, move,
//! remove. For the home of the author they take back what their own people wrote.

use std::collections::HashMap;

use entity::{
    Kind, PostId, PostState, SiteId, SpaceId, ThreadId, ThreadState, moderation_action, placement, post, thread,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait},
};

use super::{place_anew, placement_of, places, posts, spaces, standing_space, threads};
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check},
    policy::{Action, Caller},
    scope::{Scoped, covers},
};

/// What a moderator did, as it is kept.
struct Deed {
    site: SiteId,
    kind: Kind,
    subject: Uuid,
    from: String,
    to: String,
    reason: String,
    spaces: Option<(SpaceId, SpaceId)>,
}

async fn remember(work: &Work<'_>, deed: Deed) -> Result<()> {
    let row = moderation_action::ActiveModel {
        id: Set(work.app().ids.ordered(work.now())),
        site_id: Set(deed.site),
        subject_kind: Set(deed.kind),
        subject_id: Set(deed.subject),
        moderator_id: Set(work.caller().writes_as(deed.site)),
        from_state: Set(deed.from),
        to_state: Set(deed.to),
        from_space_id: Set(deed.spaces.map(|(from, _)| from)),
        to_space_id: Set(deed.spaces.map(|(_, to)| to)),
        reason: Set(deed.reason),
        acted_at: Set(work.now()),
    };
    moderation_action::Entity::insert(row)
        .exec_without_returning(work.db())
        .await?;
    Ok(())
}

/// Whether the caller decides for the space's home; else they may only take back, for the author's site.
fn decides<E: Scoped>(work: &Work<'_>, row: &E::Model, removes: bool) -> Result<bool> {
    if places::<E>(work, row) {
        return Ok(true);
    }
    work.allow::<E>(Action::Moderate, row)?;
    if removes { Ok(false) } else { Err(work.refusal()) }
}

/// Checks a reason, and that a moderator gives that state.
fn checked(reason: &str, given: bool) -> Result<String> {
    let mut check = Check::new();
    let reason = check.text("reason", reason, input::SUMMARY);
    if !given {
        check.note(ProblemCode::Invalid, "state", "Moderators do not give this state.");
    }
    check.done()?;
    Ok(reason)
}

/// Refuses what leads nowhere: a removed or withdrawn text stays so, and a state is not given twice.
fn leads_on(what: &str, withdrawn: bool, from: &str, to: &str) -> Result<()> {
    let why = if withdrawn {
        format!("This {what} was withdrawn.")
    } else if from == ThreadState::Removed.as_str() {
        format!("A {what} that was removed stays so.")
    } else if from == to {
        format!("This {what} is {to} already.")
    } else {
        return Ok(());
    };
    Err(Error::not_now(why))
}

/// Opens, locks, archives, hides or removes a thread.
///
/// # Errors
/// Problems of state and reason; [`Error::NotFound`], and what [`Work::allow`] and [`Work::hosted`] refuse.
pub async fn set_state(work: &mut Work<'_>, id: ThreadId, state: ThreadState, reason: &str) -> Result<()> {
    let row = work.locked::<thread::Entity>(id).await?;
    let decides = decides::<thread::Entity>(work, &row, state == ThreadState::Removed)?;
    let reason = checked(reason, !matches!(state, ThreadState::Pending | ThreadState::Rejected))?;
    let (from, withdrawn) = (row.state, row.withdrawn_at.is_some());
    leads_on("thread", withdrawn, from.as_str(), state.as_str())?;
    let site = if decides { row.space_home_id } else { row.site_id };
    work.hosted(site).await?;
    if decides {
        let found = placement_of(work, &row, id).await?;
        place_anew(work, found, placed(state.as_str(), state == ThreadState::Open, &reason)).await?;
        let shown = thread::ActiveModel {
            state: Set(state),
            ..thread::ActiveModel::default()
        };
        threads::keep(work, id, shown).await?;
        threads::copy_state(work, &thread::Model { state, ..row }).await?;
    } else {
        threads::take_back(work, row).await?;
    }
    let deed = Deed {
        site,
        kind: Kind::Thread,
        subject: id.into(),
        from: from.to_string(),
        to: state.to_string(),
        reason,
        spaces: None,
    };
    remember(work, deed).await
}

/// A placement in another state, with the reason as long as it is not the normal one.
fn placed(state: &str, normal: bool, reason: &str) -> placement::ActiveModel {
    placement::ActiveModel {
        state: Set(state.to_owned()),
        reason: Set((!normal).then(|| reason.to_owned())),
        ..placement::ActiveModel::default()
    }
}

/// Shows, hides or removes a post.
///
/// # Errors
/// Problems of state and reason; [`Error::NotFound`], and what [`Work::allow`] and [`Work::hosted`] refuse.
pub async fn moderate(work: &mut Work<'_>, id: PostId, state: PostState, reason: &str) -> Result<()> {
    let (row, thread) = posts::with_thread(work, id).await?;
    let decides = decides::<post::Entity>(work, &row, state == PostState::Removed)?;
    let reason = checked(reason, !matches!(state, PostState::Pending | PostState::Rejected))?;
    let (from, withdrawn) = (row.state, row.withdrawn_at.is_some());
    leads_on("post", withdrawn, from.as_str(), state.as_str())?;
    let site = if decides { row.space_home_id } else { row.site_id };
    work.hosted(site).await?;
    if decides {
        let found = placement_of(work, &thread, id).await?;
        place_anew(
            work,
            found,
            placed(state.as_str(), state == PostState::Visible, &reason),
        )
        .await?;
        post::Entity::update_many()
            .set(post::ActiveModel {
                state: Set(state),
                ..post::ActiveModel::default()
            })
            .filter(post::Column::Id.eq(id))
            .exec(work.db())
            .await?;
        posts::tally(work, &thread).await?;
    } else {
        posts::take_back(work, row, &thread).await?;
    }
    let deed = Deed {
        site,
        kind: Kind::Post,
        subject: id.into(),
        from: from.to_string(),
        to: state.to_string(),
        reason,
        spaces: None,
    };
    remember(work, deed).await
}

/// Moves a thread with its posts to another space of the same site. Closed spaces are neither left nor entered: what was
/// said among members stays there.
///
/// # Errors
/// Problems of space and reason; [`Error::NotFound`], and what [`Work::hosted`] refuses.
pub async fn move_to(work: &mut Work<'_>, id: ThreadId, to: SpaceId, reason: &str) -> Result<()> {
    let target = standing_space(work, to).await?;
    let row = work.locked::<thread::Entity>(id).await?;
    decides::<thread::Entity>(work, &row, false)?;
    work.hosted(row.space_home_id).await?;
    let mut check = Check::new();
    let reason = check.text("reason", reason, input::SUMMARY);
    let unfit = if target.site_id != row.space_home_id {
        Some("A thread moves only between spaces of one site.")
    } else if target.closed_space_id.is_some() || row.closed_space_id.is_some() {
        Some("A thread neither enters nor leaves a closed space.")
    } else if target.id == row.space_id {
        Some("The thread is in this space already.")
    } else {
        None
    };
    if let Some(why) = unfit {
        check.note(ProblemCode::Invalid, "space", why);
    }
    check.done()?;
    placement_of(work, &row, id).await?;
    place_in(work, &row, to).await?;
    work.note(row.space_home_id, Kind::Thread, id);
    let moved = thread::ActiveModel {
        space_id: Set(to),
        ..thread::ActiveModel::default()
    };
    threads::keep(work, id, moved).await?;
    let this = Condition::all().add(thread::Column::Id.eq(id));
    spaces::share(work, this, target.visibility).await?;
    let deed = Deed {
        site: row.space_home_id,
        kind: Kind::Thread,
        subject: id.into(),
        from: row.state.to_string(),
        to: row.state.to_string(),
        reason,
        spaces: Some((row.space_id, to)),
    };
    remember(work, deed).await
}

/// Places a thread and its posts in another space, each under its next version.
async fn place_in(work: &Work<'_>, thread: &thread::Model, space: SpaceId) -> Result<()> {
    use placement::Column::{SiteId as Site, ThreadId as Thread, Version};
    let moved = placement::ActiveModel {
        space_id: Set(space),
        updated_at: Set(work.now()),
        ..placement::ActiveModel::default()
    };
    placement::Entity::update_many()
        .set(moved)
        .col_expr(Version, Expr::col(Version).add(1))
        .filter(Site.eq(thread.space_home_id))
        .filter(Thread.eq(thread.id))
        .exec(work.db())
        .await?;
    Ok(())
}

/// What was done to those of these rows that the caller may moderate, in order.
///
/// # Errors
/// Only when the database fails.
pub async fn history<E: Scoped>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    rows: &[E::Model],
) -> Result<Vec<moderation_action::Model>> {
    use moderation_action::{Column, Entity};
    let moderated = rows.iter().filter(|row| covers::<E>(caller, Action::Moderate, row));
    let moderated: Vec<Uuid> = moderated.map(|row| E::id(row).into()).collect();
    if moderated.is_empty() {
        return Ok(Vec::new());
    }
    let actions = Entity::find().filter(Column::SubjectId.is_in(moderated));
    let actions = actions.order_by_asc(Column::ActedAt).order_by_asc(Column::Id);
    Ok(actions.all(db).await?)
}

/// Why threads or posts are in the state that the home of their space gave them.
///
/// # Errors
/// Only when the database fails.
pub async fn reasons<E: Scoped>(db: &impl ConnectionTrait, rows: &[E::Model]) -> Result<HashMap<Uuid, String>> {
    let subjects: HashMap<Uuid, Option<SiteId>> = rows
        .iter()
        .map(|row| (E::id(row).into(), placed_by::<E>(row)))
        .collect();
    let placements = placement::Entity::find()
        .filter(placement::Column::SubjectId.is_in(subjects.keys().copied()))
        .filter(placement::Column::Reason.is_not_null());
    let placements = placements.all(db).await?.into_iter();
    Ok(placements
        .filter(|placed| subjects.get(&placed.subject_id) == Some(&Some(placed.site_id)))
        .filter_map(|placed| Some((placed.subject_id, placed.reason?)))
        .collect())
}

/// The home of the space that a thread or post is in.
fn placed_by<E: Scoped>(row: &E::Model) -> Option<SiteId> {
    E::accesses(row).first().and_then(|access| access.receiver)
}
