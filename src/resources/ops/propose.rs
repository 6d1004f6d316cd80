//! What sites offer to the national team.

use chrono::{DateTime, Utc};
use entity::{
    Kind, ProposalStatus, ResourceEditionId, ResourceId, ResourceProposalId, ResourceStatus, SiteKind, Visibility,
    resource, resource_edition, resource_proposal,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use super::{Facts, Text, edition, published, store};
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check},
    policy::Action,
    sites,
};

/// What is offered, as it was when it was offered: `offer` of a proposal holds it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The edition.
    pub edition: ResourceEditionId,
    /// Its number.
    pub number: i32,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// What it says.
    pub text: Text,
    /// What its resource said of itself, without a project.
    pub facts: Facts,
}

impl Offer {
    /// What a proposal offers.
    ///
    /// # Errors
    /// When the frozen copy cannot be read.
    pub fn of(row: &resource_proposal::Model) -> Result<Self> {
        serde_json::from_str(&row.offer).map_err(Error::internal)
    }

    /// Notes problems of a copy that another host has frozen.
    pub fn check(self, check: &mut Check) {
        check.whole("offer.number", self.number, 1..=i32::MAX);
        check.time("offer.publishedAt", self.published_at);
        check.calendar_day("offer.reviewBy", self.facts.review_by);
        self.text.check(check);
        check.items("offer.topics", &self.facts.topics, input::WORD);
        check.language("offer.language", &self.facts.language);
        if !super::LICENCES.contains(&self.facts.licence.as_str()) {
            check.note(ProblemCode::Invalid, "offer.licence", "This licence is not known.");
        }
    }

    fn freeze(row: &resource::Model, edition: &resource_edition::Model) -> Result<String> {
        let offer = Self {
            edition: edition.id,
            number: edition.number,
            published_at: edition.published_at,
            text: Text::of(edition),
            facts: Facts {
                project: None,
                ..Facts::of(row)
            },
        };
        serde_json::to_string(&offer).map_err(Error::internal)
    }

    /// The frozen copy in the shape of an edition, for showing.
    pub fn edition(self, proposal: &resource_proposal::Model) -> resource_edition::Model {
        resource_edition::Model {
            id: self.edition,
            site_id: proposal.site_id,
            visibility: self.facts.visibility,
            version: 1,
            created_at: proposal.created_at,
            updated_at: proposal.created_at,
            owner_id: proposal.resource_owner_id,
            resource_id: proposal.resource_id,
            resource_status: ResourceStatus::Published,
            number: self.number,
            status: ResourceStatus::Published,
            title: self.text.title,
            summary: self.text.summary,
            body: self.text.body,
            url: self.text.url,
            note: None,
            approved_at: None,
            published_at: self.published_at,
        }
    }
}

/// Offers a published resource of a regional site to the national team.
///
/// # Errors
/// A problem without a reason, for a national resource, one that is not published or one that is offered already; what
/// [`Work::get`] and [`Work::allow`] refuse.
pub async fn propose(work: &mut Work<'_>, id: ResourceId, reason: &str) -> Result<resource_proposal::Model> {
    let row = work.get::<resource::Entity>(id).await?;
    if !published(&row) {
        return Err(Error::not_now("Only a published resource can be offered."));
    }
    work.allow::<resource::Entity>(Action::Adopt, &row)?;
    let home = work
        .allow_at(Action::Create, Kind::ResourceProposal, row.site_id)
        .await?;
    let mut check = Check::new();
    let reason = check.text("reason", reason, input::SUMMARY);
    let proposer = check.take(work.author(home.id))?;
    if home.kind == SiteKind::National {
        check.note(ProblemCode::Invalid, "resource", "This is a national resource already.");
    } else if waits(work, id).await? {
        check.note(
            ProblemCode::NotAllowedNow,
            "resource",
            "This resource is offered already.",
        );
    }
    check.done()?;
    let national = sites::ops::national(work.db()).await?;
    let national = national.ok_or_else(|| Error::not_now("This host does not know its national site yet."))?;
    let shown = edition(work, row.shown_edition_id).await?;
    work.insert::<resource_proposal::Entity>(resource_proposal::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(home.id),
        // It leaves the site for the national one; who reads it there is not a matter of visibility.
        visibility: Set(Visibility::Network),
        owner_id: Set(proposer),
        resource_id: Set(id),
        resource_owner_id: Set(row.owner_id),
        offer: Set(Offer::freeze(&row, &shown)?),
        reason: Set(reason),
        status: Set(ProposalStatus::Open),
        national_site_id: Set(national.id),
        ..resource_proposal::ActiveModel::default()
    })
    .await
}

/// Whether an open proposal offers the resource. The resource is locked, so that none is made meanwhile.
async fn waits(work: &Work<'_>, resource: ResourceId) -> Result<bool> {
    use resource_proposal::Column;
    let open = resource_proposal::Entity::find()
        .filter(Column::ResourceId.eq(resource))
        .filter(Column::Status.eq(ProposalStatus::Open));
    Ok(open.count(work.db()).await? > 0)
}

/// Decides on a proposal for the national site; accepting makes a national copy of what was offered. The home of a proposal
/// that another host keeps hears of it.
///
/// # Errors
/// A problem when it is decided already, or declined without a reason; [`Error::NotFound`], and what [`Work::hosted`] and
/// [`Work::allow`] refuse.
pub async fn decide(
    work: &mut Work<'_>,
    id: ResourceProposalId,
    accept: bool,
    reason: Option<String>,
) -> Result<resource_proposal::Model> {
    let row = still_open(work.locked::<resource_proposal::Entity>(id).await?)?;
    work.allow::<resource_proposal::Entity>(Action::Approve, &row)?;
    let national = work.hosted(row.national_site_id).await?;
    let mut check = Check::new();
    let reason = check.optional_text("reason", reason, input::SUMMARY);
    if !accept && reason.is_none() {
        check.note(ProblemCode::Required, "reason", "Say why it is declined.");
    }
    check.done()?;
    let (status, copy) = if accept {
        (ProposalStatus::Accepted, Some(copy(work, &row, national.id).await?.id))
    } else {
        (ProposalStatus::Declined, None)
    };
    let decided = resource_proposal::ActiveModel {
        decision: Set(reason),
        status: Set(status),
        national_copy_id: Set(copy),
        ..resource_proposal::ActiveModel::default()
    };
    keep(work, row, decided).await
}

/// Keeps a decision on a proposal. The copy of one that another host keeps stays at its version: its home makes the next.
async fn keep(
    work: &mut Work<'_>,
    row: resource_proposal::Model,
    decided: resource_proposal::ActiveModel,
) -> Result<resource_proposal::Model> {
    if work.keeps(row.site_id).await? {
        let decided = resource_proposal::ActiveModel {
            id: Set(row.id),
            site_id: Set(row.site_id),
            version: Set(row.version),
            ..decided
        };
        return work.update::<resource_proposal::Entity>(decided).await;
    }
    let this = resource_proposal::Column::Id.eq(row.id);
    let decided = resource_proposal::Entity::update_many().set(decided).filter(this);
    decided.exec(work.db()).await?;
    work.note(row.national_site_id, Kind::ResourceProposal, row.id);
    work.locked::<resource_proposal::Entity>(row.id).await
}

/// Takes a proposal back that is not decided yet.
///
/// # Errors
/// A problem when it is decided already; what [`Work::get`] and [`Work::allow`] refuse.
pub async fn withdraw_proposal(work: &mut Work<'_>, id: ResourceProposalId) -> Result<resource_proposal::Model> {
    let row = still_open(work.get::<resource_proposal::Entity>(id).await?)?;
    work.allow::<resource_proposal::Entity>(Action::Withdraw, &row)?;
    let mut row = row.into_active_model();
    row.status = Set(ProposalStatus::Withdrawn);
    work.update::<resource_proposal::Entity>(row).await
}

fn still_open(row: resource_proposal::Model) -> Result<resource_proposal::Model> {
    if row.status == ProposalStatus::Open {
        Ok(row)
    } else {
        Err(Error::not_now(format!("This proposal is {} already.", row.status)))
    }
}

/// Makes the national copy: published as it was offered, for the network at least, without an author, since the one
/// who wrote it belongs to another site.
async fn copy(
    work: &mut Work<'_>,
    row: &resource_proposal::Model,
    national: entity::SiteId,
) -> Result<resource::Model> {
    let Offer { text, mut facts, .. } = Offer::of(row)?;
    if facts.visibility == Visibility::Site {
        facts.visibility = Visibility::Network;
    }
    let mut copy = resource::ActiveModel {
        derived_from_id: Set(Some(row.resource_id)),
        status: Set(ResourceStatus::Published),
        published_at: Set(Some(work.now())),
        ..resource::ActiveModel::default()
    };
    facts.write(&mut copy);
    store(work, copy, national, text).await
}
