//! Where records of a person stand: the tables, and by which of their columns a row is somebody's.

use entity::{
    ChampionId, audit_entry, champion, moderation_action, observation, placement, post, project, project_champion,
    report, resource, resource_edition, resource_proposal, space_member, support_session, thread,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Uuid, sea_query::SelectStatement,
};
use serde_json::Value;

use super::{Person, Slugs, records};
use crate::error::Result;

/// A table with records of people, in the order of the document. What each is called there is the name of its type in the API,
/// where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Their cards, with what they are in.
    Champion,
    /// The projects that they lead.
    Project,
    /// The sessions that they held.
    SupportSession,
    /// The figures that they recorded.
    Observation,
    /// The resources that they wrote, or whose draft they changed last.
    Resource,
    /// The editions of these.
    ResourceEdition,
    /// What they offered, and what of theirs was offered.
    ResourceProposal,
    /// The threads that they started.
    Thread,
    /// The posts that they wrote.
    Post,
    /// How these are placed.
    Placement,
    /// The reports that they made, and that what they wrote was reported.
    Report,
    /// What moderators did to what they wrote, and what they did as moderators.
    ModerationAction,
    /// What they changed, and what was changed of their cards.
    AuditEntry,
}

/// All of them, in order.
pub const SOURCES: &[Source] = &[
    Source::Champion,
    Source::Project,
    Source::SupportSession,
    Source::Observation,
    Source::Resource,
    Source::ResourceEdition,
    Source::ResourceProposal,
    Source::Thread,
    Source::Post,
    Source::Placement,
    Source::Report,
    Source::ModerationAction,
    Source::AuditEntry,
];

/// The rows of a source with their ids.
type Found = Vec<(Uuid, Value)>;

impl Source {
    /// What its records are called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Champion => "Champion",
            Self::Project => "Project",
            Self::SupportSession => "SupportSession",
            Self::Observation => "Observation",
            Self::Resource => "Resource",
            Self::ResourceEdition => "ResourceEdition",
            Self::ResourceProposal => "ResourceProposal",
            Self::Thread => "Thread",
            Self::Post => "Post",
            Self::Placement => "Placement",
            Self::Report => "Report",
            Self::ModerationAction => "ModerationAction",
            Self::AuditEntry => "AuditEntry",
        }
    }

    /// For how many records one of these counts: texts may have 50,000 characters.
    pub const fn weight(self) -> u64 {
        match self {
            Self::ResourceEdition | Self::ResourceProposal | Self::Thread | Self::Post => 10,
            _ => 1,
        }
    }

    /// Its records of a person behind an id, the first of them.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn read(
        self,
        db: &impl ConnectionTrait,
        person: &Person,
        slugs: &Slugs,
        after: Option<Uuid>,
        limit: u64,
    ) -> Result<Found> {
        /// The rows of a table that are somebody's, each as a record.
        macro_rules! of {
            ($table:ident by $id:ident, $whose:expr, $show:expr) => {{
                let rows = $table::Entity::find().filter($whose);
                let rows = match after {
                    Some(after) => rows.filter($table::Column::$id.gt(after)),
                    None => rows,
                };
                let rows = rows
                    .order_by_asc($table::Column::$id)
                    .limit(limit)
                    .all(db)
                    .await?;
                let shown = rows.into_iter().map(|row| (key(&row), $show(row, person, slugs)));
                shown.collect::<Found>()
            }};
        }
        Ok(match self {
            Self::Champion => return champions(db, person, slugs, after, limit).await,
            Self::Project => of!(project by Id, own(project::Column::OwnerId, person), records::project),
            Self::SupportSession => {
                of!(support_session by Id, own(support_session::Column::OwnerId, person), records::session)
            }
            Self::Observation => {
                of!(observation by Id, own(observation::Column::OwnerId, person), records::observation)
            }
            Self::Resource => of!(resource by Id, resources(person), records::resource),
            Self::ResourceEdition => of!(resource_edition by Id, editions(person), records::edition),
            Self::ResourceProposal => of!(resource_proposal by Id, proposals(person), records::proposal),
            Self::Thread => of!(thread by Id, own(thread::Column::OwnerId, person), records::thread),
            Self::Post => of!(post by Id, own(post::Column::OwnerId, person), records::post),
            Self::Placement => {
                of!(placement by RecordId, about(placement::Column::SubjectId, person), records::placement)
            }
            Self::Report => of!(report by Id, reports(person), records::report),
            Self::ModerationAction => of!(moderation_action by Id, moderation(person), records::moderation),
            Self::AuditEntry => of!(audit_entry by Id, done(person), records::audit),
        })
    }
}

/// What a row is ordered by.
trait Keyed {
    fn key(&self) -> Uuid;
}

macro_rules! keyed {
    ($($table:ident.$id:ident),+ $(,)?) => {$(
        impl Keyed for $table::Model {
            fn key(&self) -> Uuid {
                self.$id.into()
            }
        }
    )+};
}

keyed! {
    project.id, support_session.id, observation.id, resource.id, resource_edition.id, resource_proposal.id, thread.id,
    post.id, placement.record_id, report.id, moderation_action.id, audit_entry.id,
}

fn key(row: &impl Keyed) -> Uuid {
    row.key()
}

/// Their cards, with the teams and the closed spaces that each is in.
async fn champions(
    db: &impl ConnectionTrait,
    person: &Person,
    slugs: &Slugs,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Found> {
    let mut cards = champion::Entity::find().filter(own(champion::Column::Id, person));
    if let Some(after) = after {
        cards = cards.filter(champion::Column::Id.gt(after));
    }
    let cards = cards.order_by_asc(champion::Column::Id).limit(limit).all(db).await?;
    if cards.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ChampionId> = cards.iter().map(|card| card.id).collect();
    let teams = project_champion::Entity::find()
        .filter(project_champion::Column::ChampionId.is_in(ids.clone()))
        .order_by_asc(project_champion::Column::ProjectId);
    let spaces = space_member::Entity::find()
        .filter(space_member::Column::ChampionId.is_in(ids))
        .order_by_asc(space_member::Column::SpaceId);
    let (teams, spaces) = (teams.all(db).await?, spaces.all(db).await?);
    let shown = cards.into_iter().map(|card| {
        let id = card.id;
        let teams = teams.iter().filter(|team| team.champion_id == id);
        let spaces = spaces.iter().filter(|space| space.champion_id == id);
        (id.0, records::champion(card, teams, spaces, slugs))
    });
    Ok(shown.collect())
}

/// Rows whose column names one of their champions.
fn own<C: ColumnTrait>(column: C, person: &Person) -> Condition {
    Condition::all().add(column.is_in(person.champions.iter().copied()))
}

fn resources(person: &Person) -> Condition {
    Condition::any()
        .add(own(resource::Column::OwnerId, person))
        .add(own(resource::Column::DraftById, person))
}

/// What they wrote, and the drafts that they changed last.
fn editions(person: &Person) -> Condition {
    let drafts = resource::Entity::find()
        .select_only()
        .column(resource::Column::DraftEditionId)
        .filter(own(resource::Column::DraftById, person))
        .filter(resource::Column::DraftEditionId.is_not_null());
    Condition::any()
        .add(own(resource_edition::Column::OwnerId, person))
        .add(resource_edition::Column::Id.in_subquery(drafts.into_query()))
}

fn proposals(person: &Person) -> Condition {
    Condition::any()
        .add(own(resource_proposal::Column::OwnerId, person))
        .add(own(resource_proposal::Column::ResourceOwnerId, person))
}

fn reports(person: &Person) -> Condition {
    Condition::any()
        .add(own(report::Column::OwnerId, person))
        .add(own(report::Column::SubjectOwnerId, person))
}

/// Rows that are about a thread or post of theirs.
fn about<C: ColumnTrait>(column: C, person: &Person) -> Condition {
    Condition::any()
        .add(column.in_subquery(threads_of(person)))
        .add(column.in_subquery(posts_of(person)))
}

fn threads_of(person: &Person) -> SelectStatement {
    let own = thread::Entity::find().filter(own(thread::Column::OwnerId, person));
    own.select_only().column(thread::Column::Id).into_query()
}

fn posts_of(person: &Person) -> SelectStatement {
    let own = post::Entity::find().filter(own(post::Column::OwnerId, person));
    own.select_only().column(post::Column::Id).into_query()
}

fn moderation(person: &Person) -> Condition {
    about(moderation_action::Column::SubjectId, person).add(own(moderation_action::Column::ModeratorId, person))
}

/// What was done to their cards, and what was done under their pseudonyms.
fn done(person: &Person) -> Condition {
    Condition::any()
        .add(own(audit_entry::Column::RecordId, person))
        .add(audit_entry::Column::Pseudonym.is_in(person.pseudonyms.iter().copied()))
}
