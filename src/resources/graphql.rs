//! Resources in the API.

use async_graphql::Enum;

use crate::{graphql::enums::api_enum, resources::ops};

mod edition;
mod input;
mod mutations;
mod overlay;
mod proposal;
mod queries;
mod resource;

pub use edition::{ResourceEdition, ResourceEditionConnection};
pub use input::{
    ResourceActInput, ResourceCreateInput, ResourceOverlayClearInput, ResourceOverlaySetInput,
    ResourceProposalDecideInput, ResourceProposalWithdrawInput, ResourceProposeInput, ResourceReviewInput,
    ResourceUpdateInput,
};
pub use mutations::ResourceMutations;
pub use overlay::{ResourceOverlay, ResourceOverlayConnection, ResourceOverlayPayload};
pub use proposal::{ResourceProposal, ResourceProposalConnection, ResourceProposalPayload};
pub use queries::ResourceQueries;
pub use resource::{Resource, ResourceConnection, ResourceFilter, ResourceOrder, ResourcePayload};

api_enum! {
    /// What a resource is.
    ResourceType {
        /// Explains how to do something.
        Guide,
        /// A film.
        Video,
        /// For a course: slides, exercises, notes for the trainer.
        CourseMaterial,
        /// Several things that belong together.
        Toolkit,
        /// To be filled in or adapted.
        Template,
        /// Answers something that people wrongly believe.
        MythBuster,
        /// Shows something step by step to one person or a group.
        Demonstration,
        /// How champions should act.
        CodeOfPractice,
        /// What somebody did and what came of it.
        CaseStudy,
    }
}

api_enum! {
    /// How a resource helps people to take part.
    Theme {
        /// Plain words, other languages, less jargon.
        Language,
        /// People help people like themselves.
        PeerSupport,
        /// Seeing and trying instead of being told.
        ShowDontTell,
        /// Somebody takes time for somebody.
        PersonalTouch,
        /// Answers to what people wrongly believe.
        MythBusting,
        /// What keeps people out, and how it is taken away.
        Barriers,
    }
}

api_enum! {
    /// Where an edition stands, and with it its resource. `DRAFT` leads to `IN_REVIEW`; a review leads back to
    /// `CHANGES_REQUESTED` or approves, and what is approved can be `PUBLISHED`.
    ResourceStatus {
        /// Being written.
        Draft,
        /// Handed in. Once `approvedAt` of the draft is set, it can be published.
        InReview,
        /// Sent back by a reviewer, whose `note` says what should change.
        ChangesRequested,
        /// Readers see it.
        Published,
        /// Readers see it, and its `reviewBy` has passed. It becomes so by itself; a later `reviewBy` ends it.
        ReviewDue,
        /// Taken back: readers no longer see it.
        Withdrawn,
        /// A later edition was published.
        Superseded,
    }
}

api_enum! {
    /// Where a proposal stands.
    ProposalStatus {
        /// Waits for the national team.
        Open,
        /// Accepted: there is a national copy.
        Accepted,
        /// Declined, with a reason.
        Declined,
        /// Taken back by the site that made it.
        Withdrawn,
    }
}

/// What a review says of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "ops::Verdict")]
pub enum ResourceVerdict {
    /// It may be published.
    Approve,
    /// It goes back to its author; say in `note` what should change.
    ChangesRequested,
}
