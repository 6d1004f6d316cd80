//! Spaces: opened, changed, and who is a member of a closed one.

use std::collections::BTreeSet;

use entity::{
    ChampionId, ChampionStatus, Kind, PostId, SiteId, SpaceAccess, SpaceId, ThreadId, Visibility, champion, post, site,
    space, space_member, thread,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, QueryTrait,
    sea_query::OnConflict,
};

use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check, Patch},
    policy::Action,
    read, sites,
};

/// A space to be opened.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The slug of its home site.
    pub site: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// Whether it has a list of members.
    pub access: SpaceAccess,
    /// Who sees it.
    pub visibility: Visibility,
}

/// Opens a space.
///
/// # Errors
/// Problems of the draft; what [`Work::allow_at`] refuses.
pub async fn create(work: &mut Work<'_>, draft: Draft) -> Result<space::Model> {
    let site = sites::ops::named(work.db(), &draft.site).await?;
    work.allow_at(Action::Create, Kind::Space, site.id).await?;
    let mut check = Check::new();
    let id: SpaceId = work.new_id();
    let closed = draft.access == SpaceAccess::Closed;
    closed_is_private(&mut check, draft.access, draft.visibility);
    let row = space::ActiveModel {
        id: Set(id),
        site_id: Set(site.id),
        visibility: Set(draft.visibility),
        name: Set(check.line("name", &draft.name, input::TITLE)),
        about: Set(check.text("about", &draft.about, input::ABOUT)),
        access: Set(draft.access),
        closed_space_id: Set(closed.then_some(id)),
        slug: Set(sites::ops::free_slug::<space::Entity>(
            work.db(),
            [space::Column::SiteId, space::Column::Slug],
            site.id,
            &draft.name,
        )
        .await?),
        ..space::ActiveModel::default()
    };
    check.done()?;
    work.insert::<space::Entity>(row).await
}

fn closed_is_private(check: &mut Check, access: SpaceAccess, visibility: Visibility) {
    if access == SpaceAccess::Closed && visibility != Visibility::Site {
        check.note(
            ProblemCode::Invalid,
            "visibility",
            "A closed space is for its members alone: its visibility is SITE.",
        );
    }
}

/// What changes in a space.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What it is called.
    pub name: Patch<String>,
    /// What it is for.
    pub about: Patch<String>,
    /// Who sees it, and with it its threads and posts.
    pub visibility: Patch<Visibility>,
}

/// Changes what a space says of itself, and who sees it.
///
/// # Errors
/// Problems of the changes; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn update(work: &mut Work<'_>, id: SpaceId, version: i32, changes: Changes) -> Result<space::Model> {
    let row = work.get_at::<space::Entity>(id, version).await?;
    work.allow::<space::Entity>(Action::Edit, &row)?;
    let mut check = Check::new();
    let name = check.required("name", changes.name, &row.name);
    let about = check.required("about", changes.about, &row.about);
    let visibility = check.required("visibility", changes.visibility, &row.visibility);
    let shared_anew = visibility != row.visibility;
    if shared_anew {
        work.allow::<space::Entity>(Action::Share, &row)?;
    }
    closed_is_private(&mut check, row.access, visibility);
    let mut active = row.into_active_model();
    active.name = Set(check.line("name", &name, input::TITLE));
    active.about = Set(check.text("about", &about, input::ABOUT));
    active.visibility = Set(visibility);
    check.done()?;
    let row = work.update::<space::Entity>(active).await?;
    if shared_anew {
        share(work, Condition::all().add(thread::Column::SpaceId.eq(id)), visibility).await?;
    }
    Ok(row)
}

/// Brings in step what threads and their posts repeat of their space, and notes them all.
pub(super) async fn share(work: &mut Work<'_>, threads: Condition, visibility: Visibility) -> Result<()> {
    let of_threads = thread::Entity::find()
        .select_only()
        .column(thread::Column::Id)
        .filter(threads.clone());
    let posts = Condition::all().add(post::Column::ThreadId.in_subquery(of_threads.into_query()));
    thread::Entity::update_many()
        .set(thread::ActiveModel {
            visibility: Set(visibility),
            ..thread::ActiveModel::default()
        })
        .filter(threads.clone())
        .exec(work.db())
        .await?;
    post::Entity::update_many()
        .set(post::ActiveModel {
            visibility: Set(visibility),
            ..post::ActiveModel::default()
        })
        .filter(posts.clone())
        .exec(work.db())
        .await?;
    touch_all(work, threads, posts).await
}

/// Tells the feeds of all sites kept here whose threads, posts or placements these are.
async fn touch_all(work: &mut Work<'_>, threads: Condition, posts: Condition) -> Result<()> {
    let kept = site::Entity::find().filter(site::Column::Hosted.eq(true));
    let kept: Vec<SiteId> = kept
        .select_only()
        .column(site::Column::Id)
        .into_tuple()
        .all(work.db())
        .await?;
    let kept: BTreeSet<_> = kept.into_iter().collect();
    let threads: Vec<(ThreadId, SiteId, SiteId)> = thread::Entity::find()
        .select_only()
        .columns([thread::Column::Id, thread::Column::SiteId, thread::Column::SpaceHomeId])
        .filter(threads)
        .into_tuple()
        .all(work.db())
        .await?;
    let posts: Vec<(PostId, SiteId, SiteId)> = post::Entity::find()
        .select_only()
        .columns([post::Column::Id, post::Column::SiteId, post::Column::SpaceHomeId])
        .filter(posts)
        .into_tuple()
        .all(work.db())
        .await?;
    work.tell_if_moved(Kind::Thread, threads.iter().map(|(id, ..)| *id));
    work.tell_if_moved(Kind::Post, posts.iter().map(|(id, ..)| *id));
    let threads = threads
        .into_iter()
        .map(|(id, home, space)| (Kind::Thread, id.0, [home, space]));
    let posts = posts
        .into_iter()
        .map(|(id, home, space)| (Kind::Post, id.0, [home, space]));
    for (kind, id, sites) in threads.chain(posts) {
        for site in sites.into_iter().filter(|site| kept.contains(site)) {
            work.touch(site, kind, id);
        }
    }
    Ok(())
}

/// Takes a champion of the space's site into a closed space; doing it twice changes nothing.
///
/// # Errors
/// A problem for an open space and for a champion who cannot be a member; what [`Work::get_at`] and [`Work::allow`]
/// refuse.
pub async fn add_member(work: &mut Work<'_>, id: SpaceId, version: i32, champion: ChampionId) -> Result<space::Model> {
    let row = managed(work, id, version).await?;
    let found = read::get::<champion::Entity>(work.db(), work.caller(), champion).await?;
    let mut check = Check::new();
    if found.site_id != row.site_id {
        check.note(
            ProblemCode::Invalid,
            "champion",
            "This champion belongs to another site than the space.",
        );
    }
    if matches!(
        found.status,
        ChampionStatus::Applied | ChampionStatus::Declined | ChampionStatus::StoodDown
    ) {
        check.note(
            ProblemCode::Invalid,
            "champion",
            "Only a champion who is in training, active or on a break can be a member.",
        );
    }
    check.done()?;
    let member = space_member::ActiveModel {
        space_id: Set(id),
        champion_id: Set(champion),
        added_at: Set(work.now()),
    };
    let again = OnConflict::columns([space_member::Column::SpaceId, space_member::Column::ChampionId])
        .do_nothing()
        .to_owned();
    space_member::Entity::insert(member)
        .on_conflict(again)
        .exec_without_returning(work.db())
        .await?;
    work.update::<space::Entity>(row.into_active_model()).await
}

/// Takes a champion out of a closed space; doing it twice changes nothing.
///
/// # Errors
/// A problem for an open space; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn remove_member(
    work: &mut Work<'_>,
    id: SpaceId,
    version: i32,
    champion: ChampionId,
) -> Result<space::Model> {
    let row = managed(work, id, version).await?;
    space_member::Entity::delete_by_id((id, champion))
        .exec(work.db())
        .await?;
    work.update::<space::Entity>(row.into_active_model()).await
}

/// A closed space whose members the caller decides on.
async fn managed(work: &Work<'_>, id: SpaceId, version: i32) -> Result<space::Model> {
    let row = work.get_at::<space::Entity>(id, version).await?;
    work.allow::<space::Entity>(Action::Manage, &row)?;
    if row.access == SpaceAccess::Closed {
        Ok(row)
    } else {
        Err(Error::not_now("An open space has no list of members."))
    }
}
