//! The table itself: for every kind and action, whom it is granted. A change here shows in review as a diff of the
//! committed matrix (`tests/it/snapshots`).

use entity::{
    Kind,
    SiteRole::{Analyst, Champion, Curator, Moderator, ProjectLead, SiteAdmin},
};

use super::{
    Action::{
        self, Adopt, Approve, Archive, Create, Edit, Export, Join, Manage, Moderate, Publish, Read, ReadContact, Reply,
        Review, Share, Submit, Withdraw,
    },
    Closed,
    Column::{self, Home, Receiver, Subject},
    Rule, Whom,
    states::{
        CARD, CURRENT_RELEASE, EDITIONS, OPEN_PROPOSAL, OPEN_REPORT, OPEN_THREAD, PENDING_THREAD, PUBLISHED, RELEASED,
        SHOWN_POST, SHOWN_THREAD, SUBMITTED, UNAPPROVED, UNPUBLISHED,
    },
};

const ALL: Rule = rule(Whom::All);
const SIGNED_IN: Rule = rule(Whom::SignedIn);
const PUBLIC: Rule = rule(Whom::Public);
const NETWORK: Rule = rule(Whom::Network);
const OWNER: Rule = rule(Whom::Owner);
const LISTED: Rule = Rule {
    closed: Closed::Any,
    ..rule(Whom::Listed)
};
const NONE: &[Rule] = &[];

const fn rule(whom: Whom) -> Rule {
    Rule {
        whom,
        states: None,
        not_own: false,
        closed: Closed::Never,
    }
}

const fn at(column: Column, roles: &'static [entity::SiteRole]) -> Rule {
    rule(Whom::At(column, roles))
}

impl Rule {
    const fn in_(self, states: &'static [&'static str]) -> Self {
        Self {
            states: Some(states),
            ..self
        }
    }

    const fn not_own(self) -> Self {
        Self { not_own: true, ..self }
    }

    const fn if_member(self) -> Self {
        Self {
            closed: Closed::Member,
            ..self
        }
    }

    const fn closed_too(self) -> Self {
        Self {
            closed: Closed::Any,
            ..self
        }
    }
}

/// Whom an action on a kind is granted.
pub const fn rules(kind: Kind, action: Action) -> &'static [Rule] {
    match kind {
        Kind::Site => site(action),
        Kind::Organisation => organisation(action),
        Kind::Issuer => issuer(action),
        Kind::Champion => champion(action),
        Kind::Project => project(action),
        Kind::SupportSession => support_session(action),
        Kind::Resource => resource(action),
        Kind::ResourceEdition => resource_edition(action),
        Kind::ResourceOverlay => resource_overlay(action),
        Kind::ResourceProposal => resource_proposal(action),
        Kind::Space => space(action),
        Kind::Thread => thread(action),
        Kind::Post => post(action),
        Kind::Report => report(action),
        Kind::ImpactMeasure => impact_measure(action),
        Kind::Observation => observation(action),
        Kind::ImpactRelease => impact_release(action),
        Kind::AuditEntry => audit_entry(action),
    }
}

/// The directory: admitted, suspended and reinstated by the national admin.
const fn site(action: Action) -> &'static [Rule] {
    match action {
        Read => const { &[ALL] },
        Create | Approve => const { &[rule(Whom::National(&[SiteAdmin]))] },
        Join | Edit | Share | Submit | Review | Publish | Withdraw | Moderate | Reply | Adopt | Archive
        | ReadContact | Manage | Export => NONE,
    }
}

const fn organisation(action: Action) -> &'static [Rule] {
    match action {
        Read => const { &[ALL] },
        Create | Edit => const { &[at(Home, &[SiteAdmin])] },
        Join | Share | Submit | Review | Publish | Withdraw | Moderate | Reply | Approve | Adopt | Archive
        | ReadContact | Manage | Export => NONE,
    }
}

const fn issuer(action: Action) -> &'static [Rule] {
    match action {
        Read | Create | Withdraw => const { &[at(Home, &[SiteAdmin])] },
        Join | Edit | Share | Submit | Review | Publish | Moderate | Reply | Approve | Adopt | Archive
        | ReadContact | Manage | Export => NONE,
    }
}

/// To `WITHDRAW` a champion is to erase them, and to `EXPORT` one is to be handed all that is kept of them.
const fn champion(action: Action) -> &'static [Rule] {
    match action {
        Read => {
            const {
                &[
                    PUBLIC.in_(CARD),
                    NETWORK.in_(CARD),
                    at(Home, &[Champion]).in_(CARD),
                    OWNER,
                    at(Home, &[ProjectLead, SiteAdmin]),
                ]
            }
        }
        ReadContact => const { &[OWNER, at(Home, &[ProjectLead, SiteAdmin])] },
        Join => const { &[SIGNED_IN] },
        Create => const { &[at(Home, &[ProjectLead, SiteAdmin])] },
        Edit | Share => const { &[OWNER] },
        Withdraw | Export => const { &[OWNER, at(Home, &[SiteAdmin])] },
        Approve => const { &[at(Home, &[ProjectLead, SiteAdmin]).not_own()] },
        Submit | Review | Publish | Moderate | Reply | Adopt | Archive | Manage => NONE,
    }
}

const fn project(action: Action) -> &'static [Rule] {
    match action {
        Read => const { &[PUBLIC, NETWORK, at(Home, &[Champion])] },
        Create => const { &[at(Home, &[ProjectLead, SiteAdmin])] },
        Edit | Share | Archive | Manage => const { &[OWNER, at(Home, &[SiteAdmin])] },
        Join | Submit | Review | Publish | Withdraw | Moderate | Reply | Approve | Adopt | ReadContact | Export => NONE,
    }
}

const fn support_session(action: Action) -> &'static [Rule] {
    match action {
        Read => const { &[OWNER, at(Home, &[ProjectLead, Analyst, SiteAdmin])] },
        Create => const { &[at(Home, &[Champion])] },
        Edit => const { &[OWNER.in_(UNAPPROVED)] },
        Approve => const { &[at(Home, &[ProjectLead, SiteAdmin]).in_(SUBMITTED).not_own()] },
        Join | Share | Submit | Review | Publish | Withdraw | Moderate | Reply | Adopt | Archive | ReadContact
        | Manage | Export => NONE,
    }
}

/// "Their own" is what they wrote as its author, and a draft whose text they changed last. `SHARE` covers all that takes
/// effect without a new edition.
const fn resource(action: Action) -> &'static [Rule] {
    match action {
        Read => {
            const {
                &[
                    PUBLIC.in_(PUBLISHED),
                    NETWORK.in_(PUBLISHED),
                    at(Home, &[Champion]).in_(PUBLISHED),
                    OWNER,
                    at(Home, &[Curator, SiteAdmin]),
                ]
            }
        }
        Create => const { &[at(Home, &[Champion])] },
        Edit | Submit => const { &[OWNER, at(Home, &[Curator, SiteAdmin])] },
        Share => const { &[OWNER.in_(UNPUBLISHED), at(Home, &[Curator, SiteAdmin])] },
        Review | Publish => const { &[at(Home, &[Curator, SiteAdmin]).not_own()] },
        Withdraw => const { &[at(Home, &[Curator, SiteAdmin]).in_(PUBLISHED)] },
        Adopt => const { &[at(Home, &[ProjectLead, Curator, SiteAdmin]).in_(PUBLISHED)] },
        Join | Moderate | Reply | Approve | Archive | ReadContact | Manage | Export => NONE,
    }
}

/// Read together with the resource's own rule: an edition is readable only if its resource is.
const fn resource_edition(action: Action) -> &'static [Rule] {
    match action {
        Read => {
            const {
                &[
                    PUBLIC.in_(EDITIONS),
                    NETWORK.in_(EDITIONS),
                    at(Home, &[Champion]).in_(EDITIONS),
                    OWNER,
                    at(Home, &[Curator, SiteAdmin]),
                ]
            }
        }
        Create | Join | Edit | Share | Submit | Review | Publish | Withdraw | Moderate | Reply | Approve | Adopt
        | Archive | ReadContact | Manage | Export => NONE,
    }
}

const fn resource_overlay(action: Action) -> &'static [Rule] {
    match action {
        Read => const { &[at(Home, &[Champion])] },
        Create | Edit | Withdraw => const { &[at(Home, &[Curator, SiteAdmin])] },
        Join | Share | Submit | Review | Publish | Moderate | Reply | Approve | Adopt | Archive | ReadContact
        | Manage | Export => NONE,
    }
}

const fn resource_proposal(action: Action) -> &'static [Rule] {
    match action {
        Read => const { &[at(Home, &[Champion]), at(Receiver, &[Curator])] },
        Create => const { &[at(Home, &[ProjectLead, Curator, SiteAdmin])] },
        Withdraw => const { &[at(Home, &[ProjectLead, Curator, SiteAdmin]).in_(OPEN_PROPOSAL)] },
        Approve => const { &[at(Receiver, &[Curator]).in_(OPEN_PROPOSAL).not_own()] },
        Join | Edit | Share | Submit | Review | Publish | Moderate | Reply | Adopt | Archive | ReadContact | Manage
        | Export => NONE,
    }
}

/// `REPLY` to a space is to start a thread in it.
const fn space(action: Action) -> &'static [Rule] {
    match action {
        Read => {
            const {
                &[
                    PUBLIC,
                    NETWORK,
                    at(Home, &[Champion]),
                    LISTED,
                    at(Home, &[Moderator, SiteAdmin]).closed_too(),
                ]
            }
        }
        Create => const { &[at(Home, &[Moderator, SiteAdmin])] },
        Edit | Share => const { &[at(Home, &[Moderator, SiteAdmin]).closed_too()] },
        Manage => const { &[at(Home, &[Moderator]).closed_too()] },
        Reply => const { &[NETWORK, at(Home, &[Champion]), LISTED] },
        Join | Submit | Review | Publish | Withdraw | Moderate | Approve | Adopt | Archive | ReadContact | Export => {
            NONE
        }
    }
}

/// Read together with the space's own rule: a thread is readable only if its space is. To start one takes `REPLY` to the
/// space besides.
const fn thread(action: Action) -> &'static [Rule] {
    match action {
        Read => {
            const {
                &[
                    PUBLIC.in_(SHOWN_THREAD),
                    NETWORK.in_(SHOWN_THREAD),
                    at(Receiver, &[Champion]).in_(SHOWN_THREAD),
                    LISTED.in_(SHOWN_THREAD),
                    OWNER.if_member(),
                    at(Receiver, &[Moderator, SiteAdmin]).if_member(),
                    at(Home, &[Moderator, SiteAdmin]).if_member(),
                ]
            }
        }
        Create => const { &[at(Home, &[Champion])] },
        Edit => const { &[OWNER.in_(SHOWN_THREAD).if_member()] },
        Withdraw => const { &[OWNER.if_member()] },
        Reply => {
            const {
                &[
                    NETWORK.in_(OPEN_THREAD),
                    at(Receiver, &[Champion]).in_(OPEN_THREAD),
                    LISTED.in_(OPEN_THREAD),
                    // Until the home of the space has seen it, a thread's author goes on alone.
                    OWNER.in_(PENDING_THREAD).if_member(),
                ]
            }
        }
        Moderate => {
            const {
                &[
                    at(Receiver, &[Moderator, SiteAdmin]).not_own().if_member(),
                    at(Home, &[Moderator, SiteAdmin]).not_own().if_member(),
                ]
            }
        }
        Join | Share | Submit | Review | Publish | Approve | Adopt | Archive | ReadContact | Manage | Export => NONE,
    }
}

/// Read together with the rules of its thread and space. To write one takes `REPLY` to the thread besides.
const fn post(action: Action) -> &'static [Rule] {
    match action {
        Read => {
            const {
                &[
                    PUBLIC.in_(SHOWN_POST),
                    NETWORK.in_(SHOWN_POST),
                    at(Receiver, &[Champion]).in_(SHOWN_POST),
                    LISTED.in_(SHOWN_POST),
                    OWNER.if_member(),
                    at(Receiver, &[Moderator, SiteAdmin]).if_member(),
                    at(Home, &[Moderator, SiteAdmin]).if_member(),
                ]
            }
        }
        Create => const { &[at(Home, &[Champion])] },
        Edit => const { &[OWNER.in_(SHOWN_POST).if_member()] },
        Withdraw => const { &[OWNER.if_member()] },
        Moderate => {
            const {
                &[
                    at(Receiver, &[Moderator, SiteAdmin]).not_own().if_member(),
                    at(Home, &[Moderator, SiteAdmin]).not_own().if_member(),
                ]
            }
        }
        Join | Share | Submit | Review | Publish | Reply | Approve | Adopt | Archive | ReadContact | Manage
        | Export => NONE,
    }
}

/// `READ_CONTACT` of a report is to learn who made it.
const fn report(action: Action) -> &'static [Rule] {
    match action {
        Read => {
            const {
                &[
                    OWNER,
                    at(Home, &[Moderator, SiteAdmin]),
                    at(Receiver, &[Moderator, SiteAdmin]),
                    at(Subject, &[Moderator, SiteAdmin]),
                ]
            }
        }
        Approve => const { &[at(Receiver, &[Moderator, SiteAdmin]).in_(OPEN_REPORT).not_own()] },
        Create => const { &[at(Home, &[Champion])] },
        ReadContact => const { &[OWNER, at(Home, &[Moderator, SiteAdmin])] },
        Join | Edit | Share | Submit | Review | Publish | Withdraw | Moderate | Reply | Adopt | Archive | Manage
        | Export => NONE,
    }
}

const fn impact_measure(action: Action) -> &'static [Rule] {
    match action {
        Read => const { &[ALL] },
        Create | Edit => const { &[at(Home, &[Analyst, SiteAdmin])] },
        Join | Share | Submit | Review | Publish | Withdraw | Moderate | Reply | Approve | Adopt | Archive
        | ReadContact | Manage | Export => NONE,
    }
}

const fn observation(action: Action) -> &'static [Rule] {
    match action {
        Read => const { &[OWNER, at(Home, &[ProjectLead, Analyst, SiteAdmin])] },
        Create => const { &[at(Home, &[Champion])] },
        Edit => const { &[OWNER.in_(UNAPPROVED)] },
        Approve => const { &[at(Home, &[Analyst, SiteAdmin]).in_(SUBMITTED).not_own()] },
        Join | Share | Submit | Review | Publish | Withdraw | Moderate | Reply | Adopt | Archive | ReadContact
        | Manage | Export => NONE,
    }
}

const fn impact_release(action: Action) -> &'static [Rule] {
    match action {
        Read => {
            const {
                &[
                    PUBLIC.in_(RELEASED),
                    NETWORK.in_(RELEASED),
                    at(Home, &[Champion]).in_(RELEASED),
                    at(Home, &[Analyst, SiteAdmin]),
                ]
            }
        }
        Create => const { &[at(Home, &[Analyst, SiteAdmin])] },
        Withdraw => const { &[at(Home, &[Analyst, SiteAdmin]).in_(CURRENT_RELEASE)] },
        Join | Edit | Share | Submit | Review | Publish | Moderate | Reply | Approve | Adopt | Archive
        | ReadContact | Manage | Export => NONE,
    }
}

const fn audit_entry(action: Action) -> &'static [Rule] {
    match action {
        Read => const { &[at(Home, &[SiteAdmin])] },
        Create | Join | Edit | Share | Submit | Review | Publish | Withdraw | Moderate | Reply | Approve | Adopt
        | Archive | ReadContact | Manage | Export => NONE,
    }
}
