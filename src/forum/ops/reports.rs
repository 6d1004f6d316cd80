//! Reports: made by a reader, closed by those who moderate the space.

use entity::{ChampionId, Kind, PostId, ReportId, ReportState, SiteId, ThreadId, Visibility, post, report, thread};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, prelude::Uuid,
};

use super::{allow_in, author, only_home};
use crate::{
    app::Work,
    error::{Error, Result},
    input::{self, Check},
    policy::{Action, Caller},
    scope::covers,
};

/// What is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A thread.
    Thread(ThreadId),
    /// A post.
    Post(PostId),
}

/// What a report repeats of its subject.
struct Reported {
    kind: Kind,
    id: Uuid,
    home: SiteId,
    owner: Option<ChampionId>,
    space_home: SiteId,
    visibility: Visibility,
}

/// Reports a thread or post to the moderators. The report belongs to the reporter's site.
///
/// # Errors
/// Problems of the report, one when the caller has reported it before and nobody has looked yet; [`Error::NotFound`],
/// and what [`Work::allow_at`] refuses.
pub async fn report(
    work: &mut Work<'_>,
    subject: Subject,
    reason: &str,
    as_site: Option<&str>,
) -> Result<report::Model> {
    let subject = reported(work, subject).await?;
    let mut check = Check::new();
    let only = only_home(subject.visibility, subject.space_home);
    let author = check.take(author(work, Kind::Report, as_site, only).await)?;
    let reason = check.text("reason", reason, input::SUMMARY);
    check.done()?;
    let author = author.expect("whoever cannot report was told so");
    let before = report::Entity::find()
        .filter(report::Column::SubjectId.eq(subject.id))
        .filter(report::Column::OwnerId.eq(author.champion))
        .filter(report::Column::State.eq(ReportState::Open));
    if before.count(work.db()).await? > 0 {
        return Err(Error::not_now(
            "You have reported this already. The moderators will look at it.",
        ));
    }
    let row = report::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(author.site),
        visibility: Set(Visibility::Site),
        owner_id: Set(Some(author.champion)),
        subject_kind: Set(subject.kind),
        subject_id: Set(subject.id),
        subject_home_id: Set(subject.home),
        subject_owner_id: Set(subject.owner),
        space_home_id: Set(subject.space_home),
        reason: Set(reason),
        state: Set(ReportState::Open),
        ..report::ActiveModel::default()
    };
    work.insert::<report::Entity>(row).await
}

/// The subject is locked, so that nobody reports it twice at the same moment.
async fn reported(work: &Work<'_>, subject: Subject) -> Result<Reported> {
    Ok(match subject {
        Subject::Thread(id) => {
            let row = work.locked::<thread::Entity>(id).await?;
            Reported {
                kind: Kind::Thread,
                id: id.into(),
                home: row.site_id,
                owner: row.owner_id,
                space_home: row.space_home_id,
                visibility: row.visibility,
            }
        }
        Subject::Post(id) => {
            let row = work.locked::<post::Entity>(id).await?;
            Reported {
                kind: Kind::Post,
                id: id.into(),
                home: row.site_id,
                owner: row.owner_id,
                space_home: row.space_home_id,
                visibility: row.visibility,
            }
        }
    })
}

/// Closes a report with what came of it: by those who moderate the space, never on what they wrote or reported.
///
/// # Errors
/// Problems of the outcome, one when it is closed; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn close(work: &mut Work<'_>, id: ReportId, version: i32, outcome: &str) -> Result<report::Model> {
    let row = work.get_at::<report::Entity>(id, version).await?;
    let why = "This report is closed.";
    allow_in::<report::Entity>(work, Action::Approve, &row, ReportState::Open.as_str(), why)?;
    let mut check = Check::new();
    let mut active = row.into_active_model();
    active.state = Set(ReportState::Closed);
    active.outcome = Set(Some(check.text("outcome", outcome, input::SUMMARY)));
    active.closed_at = Set(Some(work.now()));
    check.done()?;
    work.update::<report::Entity>(active).await
}

/// Who reported, for those who may know it.
pub fn reporter(caller: &Caller, row: &report::Model) -> Option<ChampionId> {
    row.owner_id
        .filter(|_| covers::<report::Entity>(caller, Action::ReadContact, row))
}
