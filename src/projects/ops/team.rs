//! The teams of projects.

use entity::{ChampionId, ProjectId, champion, project, project_champion};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, sea_query::OnConflict,
};

use crate::{
    app::Work,
    error::{ProblemCode, Result},
    input::Check,
    policy::Action,
    read::{self, Parent},
};

/// How projects hang on the champions of their teams.
pub const OF_CHAMPION: Parent<project::Entity> = Parent::Through {
    table: "project_champion",
    parent: "champion_id",
    row: "project_id",
};

/// How champions hang on the projects whose teams they are in.
pub const TEAM: Parent<champion::Entity> = Parent::Through {
    table: "project_champion",
    parent: "project_id",
    row: "champion_id",
};

/// Most champions of a team: the project travels with it.
const MOST_TEAM: u64 = 1_000;

/// Notes a problem unless the champion is one of the project's site.
pub(super) async fn team_member(
    work: &Work<'_>,
    check: &mut Check,
    path: &str,
    row: &project::Model,
    champion: ChampionId,
) -> Result<()> {
    let found = read::get::<champion::Entity>(work.db(), work.caller(), champion).await?;
    if found.site_id != row.site_id {
        check.note(ProblemCode::Invalid, path, "This champion belongs to another site.");
    }
    Ok(())
}

/// Takes a champion of the site into the team; doing it twice changes nothing.
///
/// # Errors
/// A problem for a champion of another site; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn add_champion(
    work: &mut Work<'_>,
    id: ProjectId,
    version: i32,
    champion: ChampionId,
) -> Result<project::Model> {
    let row = work.get_at::<project::Entity>(id, version).await?;
    work.allow::<project::Entity>(Action::Manage, &row)?;
    let mut check = Check::new();
    team_member(work, &mut check, "champion", &row, champion).await?;
    let others = project_champion::Entity::find()
        .filter(project_champion::Column::ProjectId.eq(id))
        .filter(project_champion::Column::ChampionId.ne(champion));
    if others.count(work.db()).await? >= MOST_TEAM {
        let why = format!("A team has at most {MOST_TEAM} champions.");
        check.note(ProblemCode::TooLong, "champion", why);
    }
    check.done()?;
    let member = project_champion::ActiveModel {
        project_id: Set(id),
        champion_id: Set(champion),
        joined_at: Set(work.now()),
    };
    let again = OnConflict::columns([
        project_champion::Column::ProjectId,
        project_champion::Column::ChampionId,
    ])
    .do_nothing()
    .to_owned();
    project_champion::Entity::insert(member)
        .on_conflict(again)
        .exec_without_returning(work.db())
        .await?;
    work.update::<project::Entity>(row.into_active_model()).await
}

/// Lets a champion go from the team; doing it twice changes nothing.
///
/// # Errors
/// What [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn remove_champion(
    work: &mut Work<'_>,
    id: ProjectId,
    version: i32,
    champion: ChampionId,
) -> Result<project::Model> {
    let row = work.get_at::<project::Entity>(id, version).await?;
    work.allow::<project::Entity>(Action::Manage, &row)?;
    project_champion::Entity::delete_by_id((id, champion))
        .exec(work.db())
        .await?;
    work.update::<project::Entity>(row.into_active_model()).await
}
