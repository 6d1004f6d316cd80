//! How a champion is erased, and what goes with them.

use entity::{
    ChampionId, Kind, ReportState, SiteId, champion, moderation_action, observation, post, project, project_champion,
    report, resource, space_member, support_session, thread,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid, sea_query::Expr};

use crate::{app::Work, error::Result, policy::Action};

/// Erases a champion for ever, here and wherever the card was shared. What they wrote and led stays without their name.
///
/// # Errors
/// What [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn erase(work: &mut Work<'_>, id: ChampionId, version: i32) -> Result<()> {
    let row = work.get_at::<champion::Entity>(id, version).await?;
    work.allow::<champion::Entity>(Action::Withdraw, &row)?;
    remove(work, row).await
}

/// Those of the records of a site that are champions here.
///
/// # Errors
/// Only when the database fails.
pub async fn among(db: &impl ConnectionTrait, site: SiteId, records: &[Uuid]) -> Result<Vec<champion::Model>> {
    let rows = champion::Entity::find()
        .filter(champion::Column::SiteId.eq(site))
        .filter(champion::Column::Id.is_in(records.iter().copied()));
    Ok(rows.all(db).await?)
}

/// Erases again those of the records of a site that are champions here. On the operator's word.
///
/// # Errors
/// Only when the database or the ledger fails.
pub async fn erase_again(work: &mut Work<'_>, site: SiteId, records: &[Uuid]) -> Result<()> {
    for row in among(work.db(), site, records).await? {
        remove(work, row).await?;
    }
    Ok(())
}

/// Erases a champion, whoever asks. What they wrote and led stays without their name; what nobody else reads goes with them.
///
/// # Errors
/// Only when the database or the ledger fails.
pub async fn remove(work: &mut Work<'_>, row: champion::Model) -> Result<()> {
    let id = row.id;
    touch_named(work, &row).await?;
    forget_private(work, id).await?;
    let teams = project_champion::Entity::delete_many().filter(project_champion::Column::ChampionId.eq(id));
    teams.exec(work.db()).await?;
    let spaces = space_member::Entity::delete_many().filter(space_member::Column::ChampionId.eq(id));
    spaces.exec(work.db()).await?;
    let identity = row.issuer.as_deref().zip(row.subject.as_deref());
    work.forget_outcomes(identity, id.into()).await?;
    if let Some((issuer, subject)) = identity {
        work.forget_author(row.site_id, issuer, subject);
    }
    work.erase::<champion::Entity>(row).await
}

/// Forgets what was said to a champion alone, and what they have taken back or told moderators who are done with it.
async fn forget_private(work: &mut Work<'_>, id: ChampionId) -> Result<()> {
    let sessions = support_session::Entity::update_many()
        .col_expr(support_session::Column::DecisionReason, Expr::value(None::<String>))
        .filter(support_session::Column::OwnerId.eq(id));
    sessions.exec(work.db()).await?;
    let figures = observation::Entity::update_many()
        .col_expr(observation::Column::DecisionReason, Expr::value(None::<String>))
        .filter(observation::Column::OwnerId.eq(id));
    figures.exec(work.db()).await?;
    let posts = post::Entity::update_many()
        .col_expr(post::Column::Body, Expr::value(""))
        .filter(post::Column::OwnerId.eq(id))
        .filter(post::Column::WithdrawnAt.is_not_null());
    posts.exec(work.db()).await?;
    let threads = thread::Entity::update_many()
        .col_expr(thread::Column::Title, Expr::value(""))
        .col_expr(thread::Column::Body, Expr::value(""))
        .col_expr(thread::Column::Tags, Expr::value(""))
        .filter(thread::Column::OwnerId.eq(id))
        .filter(thread::Column::WithdrawnAt.is_not_null());
    threads.exec(work.db()).await?;
    let deeds = moderation_action::Entity::update_many()
        .col_expr(moderation_action::Column::ModeratorId, Expr::value(None::<Uuid>))
        .filter(moderation_action::Column::ModeratorId.eq(id));
    deeds.exec(work.db()).await?;
    work.touch_naming::<report::Entity>(report::Column::OwnerId, id).await?;
    let reports = report::Entity::update_many()
        .col_expr(report::Column::Reason, Expr::value(""))
        .filter(report::Column::OwnerId.eq(id))
        .filter(report::Column::State.eq(ReportState::Closed));
    reports.exec(work.db()).await?;
    Ok(())
}

/// Notes all records that name a champion to whoever may see the card.
pub(super) async fn touch_named(work: &mut Work<'_>, row: &champion::Model) -> Result<()> {
    work.touch_naming::<project::Entity>(project::Column::OwnerId, row.id)
        .await?;
    work.touch_naming::<resource::Entity>(resource::Column::OwnerId, row.id)
        .await?;
    work.touch_naming::<thread::Entity>(thread::Column::OwnerId, row.id)
        .await?;
    work.touch_naming::<post::Entity>(post::Column::OwnerId, row.id).await?;
    let teams = project_champion::Entity::find()
        .select_only()
        .column(project_champion::Column::ProjectId)
        .filter(project_champion::Column::ChampionId.eq(row.id));
    for project in teams.into_tuple::<Uuid>().all(work.db()).await? {
        work.touch(row.site_id, Kind::Project, project);
    }
    Ok(())
}
