//! What is offered to the national team, at the hub alone, and what that decides, for the site that has offered it.

use chrono::{DateTime, Utc};
use entity::{Kind, ProposalStatus, ResourceId, ResourceProposalId, SiteId, Visibility, resource_proposal};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    federation::{
        protocol::apply::{Facts, Reason},
        wire::{Audience, Origin},
    },
    input::{self, Check},
    resources::ops,
    scope::kept_here,
    share::{self, Arrival, DECISION, Landed, Payload, Shape, Share},
    sites,
};

/// What the entries of a proposal are.
pub const PROPOSAL: Shape = Shape::new("proposal", "proposal@1");

/// A proposal as it travels to the national team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proposal {
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    resource: ResourceId,
    /// The frozen copy: JSON of the resource's facts and of the offered edition.
    offer: String,
    reason: String,
    status: ProposalStatus,
}

/// What the national site decides on a proposal, as it travels to the home of the proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    proposal: ResourceProposalId,
    accepted: bool,
    reason: Option<String>,
    national_copy: Option<ResourceId>,
}

/// The shared state of those of the proposals that another host decides on.
///
/// # Errors
/// Only when the database fails.
pub async fn proposals(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = resource_proposal::Entity::find()
        .filter(resource_proposal::Column::SiteId.eq(home))
        .filter(resource_proposal::Column::Id.is_in(ids.iter().copied()))
        .filter(resource_proposal::Column::NationalSiteId.not_in_subquery(kept_here()));
    let rows = rows.all(db).await?;
    rows.into_iter()
        .map(|row| {
            let proposal = Proposal {
                version: row.version,
                created_at: row.created_at,
                updated_at: row.updated_at,
                resource: row.resource_id,
                offer: row.offer,
                reason: row.reason,
                status: row.status,
            };
            Share::new(row.id, Audience::Hub, &proposal)
        })
        .collect()
}

/// What a national site has decided on those of the proposals that another host keeps.
///
/// # Errors
/// Only when the database fails.
pub async fn decisions(db: &impl ConnectionTrait, national: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    use resource_proposal::Column;
    let decided = resource_proposal::Entity::find()
        .filter(Column::NationalSiteId.eq(national))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::Status.is_in([ProposalStatus::Accepted, ProposalStatus::Declined]))
        .filter(Column::SiteId.not_in_subquery(kept_here()));
    let rows = decided.all(db).await?;
    rows.into_iter()
        .map(|row| {
            let decision = Decision {
                proposal: row.id,
                accepted: row.status == ProposalStatus::Accepted,
                reason: row.decision,
                national_copy: row.national_copy_id,
            };
            Share::new(decision_id(national, row.id), Audience::Site(row.site_id.0), &decision)
        })
        .collect()
}

/// The record that the national site's decision on a proposal is.
pub fn decision_id(national: SiteId, proposal: impl Into<Uuid>) -> Uuid {
    share::derived_id(DECISION, national, proposal.into())
}

impl Payload for Proposal {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, Visibility::Network, [self.created_at, self.updated_at]);
        check.text("reason", &self.reason, input::SUMMARY);
        match serde_json::from_str::<ops::Offer>(&self.offer) {
            Ok(offer) => offer.check(check),
            Err(_) => check.note(ProblemCode::Invalid, "offer", "This is no frozen copy."),
        }
    }
}

impl Payload for Decision {
    fn check(&self, check: &mut Check) {
        check.optional_text("reason", self.reason.clone(), input::SUMMARY);
        if self.accepted != self.national_copy.is_some() {
            check.note(
                ProblemCode::Invalid,
                "nationalCopy",
                "What is accepted has a copy, and nothing else.",
            );
        }
    }
}

/// Reads and checks what the national site has decided.
///
/// # Errors
/// [`Reason::Invalid`] with everything that is wrong with it.
pub fn decision_facts(origin: Origin, record: Uuid, payload: &str) -> Result<Facts, Reason> {
    let facts = share::facts::<Decision>(payload)?;
    let said: Decision = share::read(payload)?;
    if decision_id(SiteId(origin.0), said.proposal) == record {
        Ok(facts)
    } else {
        Err(Reason::Invalid("not the decision on its proposal".to_owned()))
    }
}

/// Stores what another host offers to the national site, which this host keeps.
///
/// # Errors
/// [`Error::Internal`] when this host knows no national site.
pub async fn apply_proposal(work: &Work<'_>, arrival: &Arrival<'_>) -> Result<()> {
    let said: Proposal = arrival.read()?;
    let national = sites::ops::national(work.db()).await?;
    let national = national.ok_or_else(|| Error::internal("a proposal came to a host without a national site"))?;
    let id = ResourceProposalId(arrival.id);
    let before = resource_proposal::Entity::find_by_id(id).lock_exclusive();
    let before = before.one(work.db()).await?;
    // What was decided here stays so, whatever its home says before it has heard of it.
    let decided = before.filter(|row| matches!(row.status, ProposalStatus::Accepted | ProposalStatus::Declined));
    let row = resource_proposal::Model {
        id,
        site_id: arrival.home,
        visibility: Visibility::Network,
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        owner_id: None,
        resource_id: said.resource,
        resource_owner_id: None,
        offer: said.offer,
        reason: said.reason,
        status: decided.as_ref().map_or(said.status, |row| row.status),
        decision: decided.as_ref().and_then(|row| row.decision.clone()),
        national_site_id: national.id,
        national_copy_id: decided.and_then(|row| row.national_copy_id),
    };
    share::store::<resource_proposal::Entity>(work.db(), row).await
}

/// Takes in what the national site has decided on a proposal of this host. It stands, although its site may have taken the
/// proposal back meanwhile: the copy is there.
///
/// # Errors
/// Only when the database fails.
pub async fn apply_decision(work: &Work<'_>, arrival: &Arrival<'_>) -> Result<Landed> {
    use resource_proposal::{Column, Entity};
    let said: Decision = arrival.read()?;
    let found = Entity::find_by_id(said.proposal).lock_exclusive();
    let Some(row) = found.one(work.db()).await? else {
        return Ok(Landed::Waits(said.proposal.into()));
    };
    if row.national_site_id != arrival.home {
        return Ok(Landed::Refused("Another site decides on the proposal.".to_owned()));
    }
    let status = if said.accepted {
        ProposalStatus::Accepted
    } else {
        ProposalStatus::Declined
    };
    if (row.status, &row.decision, row.national_copy_id) == (status, &said.reason, said.national_copy) {
        return Ok(Landed::Stored);
    }
    let decided = resource_proposal::ActiveModel {
        status: Set(status),
        decision: Set(said.reason),
        national_copy_id: Set(said.national_copy),
        version: Set(row.version + 1),
        updated_at: Set(work.now()),
        ..resource_proposal::ActiveModel::default()
    };
    let this = Entity::update_many().set(decided).filter(Column::Id.eq(row.id));
    this.exec(work.db()).await?;
    work.tell(Kind::ResourceProposal, row.id);
    Ok(Landed::Stored)
}
