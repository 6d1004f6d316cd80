//! The rule table: who may do what. No database, no GraphQL.
//!
//! [`rules`] is the table, one function a kind, read aloud in a review. [`reach`] resolves it for a caller into a
//! [`Reach`]: pure data with two shapes, [`Reach::covers`] for one row and SQL in `scope`. Whatever no rule grants is
//! refused; there is no wildcard over kinds or actions, for nobody.

use chrono::{DateTime, Utc};
use entity::{
    ChampionId, ChampionStatus, Kind, ObservationState, PostState, ProposalStatus, ReleaseState, ReportState,
    ResourceStatus, SiteId, SiteRole, SpaceId, ThreadState, Visibility,
};

mod table;

pub use table::rules;

/// Who asks, proved once from the token. An anonymous caller has nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Who the token says they are; `None` for an anonymous caller.
    pub identity: Option<Identity>,
    /// What the token says, their issuers may grant and active sites allow. Any role includes `CHAMPION` there.
    pub roles: Vec<Role>,
    /// The champions bound to the identity at the sites that accept the token: whom the caller acts as.
    pub champions: Vec<OwnChampion>,
    /// The champions bound to the same issuer and subject at other sites. The token does not prove that they are the
    /// caller, so they grant nothing; it does not disprove it either, so their work counts as the caller's own wherever
    /// nobody may decide on their own.
    pub namesakes: Vec<ChampionId>,
    /// The closed spaces that one of these champions is a member of.
    pub spaces: Vec<SpaceId>,
}

/// Whom a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The token's issuer.
    pub issuer: String,
    /// Who it is at that issuer.
    pub subject: String,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
    /// The active sites that accept the token: the only ones where these names prove who it is.
    pub sites: Vec<SiteId>,
}

/// A role that a caller holds on an active site of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// The site.
    pub site: SiteId,
    /// The role there.
    pub role: SiteRole,
    /// Whether it is the national site.
    pub national: bool,
}

/// A champion that a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnChampion {
    /// The champion.
    pub id: ChampionId,
    /// The champion's home.
    pub site: SiteId,
    /// Decides whether they may write as a champion.
    pub status: ChampionStatus,
}

impl Caller {
    /// Whether somebody is signed in.
    pub fn signed_in(&self) -> bool {
        self.identity.is_some()
    }

    /// Whether they are a member: at least one role on an active site.
    pub fn member(&self) -> bool {
        !self.roles.is_empty()
    }

    /// Whether they are a member of this site.
    pub fn member_of(&self, site: SiteId) -> bool {
        self.roles.iter().any(|role| role.site == site)
    }

    /// The champion they are at a site and may write as.
    pub fn writes_as(&self, site: SiteId) -> Option<ChampionId> {
        let may_write = |own: &&OwnChampion| own.site == site && may_write(own.status);
        self.champions.iter().find(may_write).map(|own| own.id)
    }

    fn sites_with(&self, roles: &[SiteRole]) -> Vec<SiteId> {
        let holds = |role: &&Role| roles.contains(&SiteRole::Champion) || roles.contains(&role.role);
        let mut sites: Vec<_> = self.roles.iter().filter(holds).map(|role| role.site).collect();
        sites.sort();
        sites.dedup();
        sites
    }
}

/// Whether a champion of this status writes as one.
pub const fn may_write(status: ChampionStatus) -> bool {
    matches!(
        status,
        ChampionStatus::InTraining | ChampionStatus::Active | ChampionStatus::OnBreak
    )
}

/// What somebody does to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See it.
    Read,
    /// Make one.
    Create,
    /// Become a champion by applying.
    Join,
    /// Change it.
    Edit,
    /// Change who sees it.
    Share,
    /// Hand it in for review.
    Submit,
    /// Say whether it is good.
    Review,
    /// Make it public.
    Publish,
    /// Take it back.
    Withdraw,
    /// Hide, lock, move or remove it.
    Moderate,
    /// Answer it, or start a thread in it.
    Reply,
    /// Decide on it.
    Approve,
    /// Lay an overlay over it, or offer it to the national team.
    Adopt,
    /// Put it away.
    Archive,
    /// See e-mail and phone; of a report: who made it.
    ReadContact,
    /// Say who is a member of it.
    Manage,
    /// Be handed all that is kept of somebody.
    Export,
}

impl Action {
    /// Every action, in the order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::Read,
        Self::Create,
        Self::Join,
        Self::Edit,
        Self::Share,
        Self::Submit,
        Self::Review,
        Self::Publish,
        Self::Withdraw,
        Self::Moderate,
        Self::Reply,
        Self::Approve,
        Self::Adopt,
        Self::Archive,
        Self::ReadContact,
        Self::Manage,
        Self::Export,
    ];
}

/// Which site of a record a role must be held at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Its home.
    Home,
    /// Where it is received: the home of a thread's space, the national site of a proposal.
    Receiver,
    /// The home of what it is about: of a reported post.
    Subject,
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whom it grants something.
    pub whom: Whom,
    /// In which states of the record; `None` for all.
    pub states: Option<&'static [&'static str]>,
    /// Not to its owner: nobody decides on their own work.
    pub not_own: bool,
    /// What it says of records in closed spaces.
    pub closed: Closed,
}

/// Whom a rule grants something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Everybody, whatever the visibility: directories.
    All,
    /// Everybody who is signed in, whatever the visibility.
    SignedIn,
    /// Everybody, when the record is `PUBLIC`.
    Public,
    /// Members of any site, when the record is `NETWORK` or `PUBLIC`.
    Network,
    /// Holders of one of these roles at that site of the record; `CHAMPION` means any member of it.
    At(Column, &'static [SiteRole]),
    /// Holders of one of these roles on the national site.
    National(&'static [SiteRole]),
    /// Its owner.
    Owner,
    /// Members of the closed space it is in.
    Listed,
}

/// What a rule says of records in closed spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Only records in no closed space.
    Never,
    /// Also records in closed spaces that the caller is a member of.
    Member,
    /// Records in closed spaces like all others.
    Any,
}

/// What a caller may touch with one action: a union of grants. None means refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// What is granted.
    pub grants: Vec<Grant>,
    /// The champions that the caller acts as, for grants to owners.
    pub own: Vec<ChampionId>,
    /// Those whose work the caller does not decide on: their own champions and their namesakes.
    pub not_decided: Vec<ChampionId>,
    /// The closed spaces of the caller.
    pub spaces: Vec<SpaceId>,
}

/// One grant of a reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which rows.
    pub who: Who,
    /// In which states; `None` for all.
    pub states: Option<&'static [&'static str]>,
    /// Without the caller's own.
    pub not_own: bool,
    /// What it says of records in closed spaces.
    pub closed: Closed,
}

/// Which rows a grant holds, resolved for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// All.
    Everyone,
    /// Those with one of these visibilities.
    Visible(&'static [Visibility]),
    /// Those whose column names one of these sites.
    At(Column, Vec<SiteId>),
    /// The caller's own.
    Own,
    /// Those in one of the caller's closed spaces.
    Listed,
}

/// What a row says of itself, as the rules need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What it is.
    pub kind: Kind,
    /// Its home.
    pub home: SiteId,
    /// Where it is received.
    pub receiver: Option<SiteId>,
    /// The home of what it is about.
    pub subject: Option<SiteId>,
    /// Whose it is.
    pub owner: Option<ChampionId>,
    /// Whose work it is about.
    pub subject_owner: Option<ChampionId>,
    /// Who sees it.
    pub visibility: Visibility,
    /// Its state.
    pub state: &'static str,
    /// The closed space it is in.
    pub closed_space: Option<SpaceId>,
}

impl Access {
    /// Of something at a site of which nothing but its home is known: what does not exist yet, or all of a kind there.
    pub const fn at(kind: Kind, home: SiteId) -> Self {
        Self {
            kind,
            home,
            receiver: None,
            subject: None,
            owner: None,
            subject_owner: None,
            visibility: Visibility::Site,
            state: "",
            closed_space: None,
        }
    }
}

/// What a caller may touch with an action.
pub fn reach(caller: &Caller, action: Action, kind: Kind) -> Reach {
    let grants = rules(kind, action)
        .iter()
        .filter_map(|rule| grant(caller, rule))
        .collect();
    let own: Vec<_> = caller.champions.iter().map(|own| own.id).collect();
    let not_decided = own.iter().chain(&caller.namesakes).copied().collect();
    Reach {
        grants,
        own,
        not_decided,
        spaces: caller.spaces.clone(),
    }
}

fn grant(caller: &Caller, rule: &Rule) -> Option<Grant> {
    let who = match rule.whom {
        Whom::All => Who::Everyone,
        Whom::SignedIn => caller.signed_in().then_some(Who::Everyone)?,
        Whom::Public => Who::Visible(&[Visibility::Public]),
        Whom::Network => caller
            .member()
            .then_some(Who::Visible(&[Visibility::Network, Visibility::Public]))?,
        Whom::At(column, roles) => {
            let sites = caller.sites_with(roles);
            (!sites.is_empty()).then_some(Who::At(column, sites))?
        }
        Whom::National(roles) => {
            let holds = |role: &Role| role.national && roles.contains(&role.role);
            caller.roles.iter().any(holds).then_some(Who::Everyone)?
        }
        Whom::Owner => (!caller.champions.is_empty()).then_some(Who::Own)?,
        Whom::Listed => (!caller.spaces.is_empty()).then_some(Who::Listed)?,
    };
    Some(Grant {
        who,
        states: rule.states,
        not_own: rule.not_own,
        closed: rule.closed,
    })
}

impl Reach {
    /// Whether the row is within reach.
    pub fn covers(&self, row: &Access) -> bool {
        self.grants.iter().any(|grant| self.grants_row(grant, row))
    }

    fn grants_row(&self, grant: &Grant, row: &Access) -> bool {
        let is_of =
            |owner: Option<ChampionId>, champions: &[ChampionId]| owner.is_some_and(|it| champions.contains(&it));
        let listed = row.closed_space.is_some_and(|space| self.spaces.contains(&space));
        let who = match &grant.who {
            Who::Everyone => true,
            Who::Visible(visibilities) => visibilities.contains(&row.visibility),
            Who::At(Column::Home, sites) => sites.contains(&row.home),
            Who::At(Column::Receiver, sites) => row.receiver.is_some_and(|site| sites.contains(&site)),
            Who::At(Column::Subject, sites) => row.subject.is_some_and(|site| sites.contains(&site)),
            Who::Own => is_of(row.owner, &self.own),
            Who::Listed => listed,
        };
        let closed = match grant.closed {
            Closed::Never => row.closed_space.is_none(),
            Closed::Member => row.closed_space.is_none() || listed,
            Closed::Any => true,
        };
        let state = grant.states.is_none_or(|states| states.contains(&row.state));
        let involved = [row.owner, row.subject_owner]
            .iter()
            .any(|owner| is_of(*owner, &self.not_decided));
        who && closed && state && !(grant.not_own && involved)
    }
}

/// States that readers see, by kind.
pub mod states {
    use super::{
        ChampionStatus, ObservationState, PostState, ProposalStatus, ReleaseState, ReportState, ResourceStatus,
        ThreadState,
    };

    /// Champions with a card: not those who only applied or were declined.
    pub const CARD: &[&str] = &[
        ChampionStatus::InTraining.as_str(),
        ChampionStatus::Active.as_str(),
        ChampionStatus::OnBreak.as_str(),
        ChampionStatus::StoodDown.as_str(),
    ];
    /// Resources that were never published.
    pub const UNPUBLISHED: &[&str] = &[
        ResourceStatus::Draft.as_str(),
        ResourceStatus::InReview.as_str(),
        ResourceStatus::ChangesRequested.as_str(),
    ];
    /// Resources that readers use.
    pub const PUBLISHED: &[&str] = &[ResourceStatus::Published.as_str(), ResourceStatus::ReviewDue.as_str()];
    /// Editions that readers see: the current one and those before it.
    pub const EDITIONS: &[&str] = &[
        ResourceStatus::Published.as_str(),
        ResourceStatus::ReviewDue.as_str(),
        ResourceStatus::Superseded.as_str(),
    ];
    /// Threads that readers see.
    pub const SHOWN_THREAD: &[&str] = &[
        ThreadState::Open.as_str(),
        ThreadState::Locked.as_str(),
        ThreadState::Archived.as_str(),
    ];
    /// Threads that the home of their space has not seen.
    pub const PENDING_THREAD: &[&str] = &[ThreadState::Pending.as_str()];
    /// Threads that take answers.
    pub const OPEN_THREAD: &[&str] = &[ThreadState::Open.as_str()];
    /// Posts that readers see.
    pub const SHOWN_POST: &[&str] = &[PostState::Visible.as_str()];
    /// Recorded and not decided on.
    pub const SUBMITTED: &[&str] = &[ObservationState::Submitted.as_str()];
    /// Not yet approved, so that their owner may still change them.
    pub const UNAPPROVED: &[&str] = &[
        ObservationState::Submitted.as_str(),
        ObservationState::Returned.as_str(),
    ];
    /// Proposals that wait for the national team.
    pub const OPEN_PROPOSAL: &[&str] = &[ProposalStatus::Open.as_str()];
    /// Reports that wait for a moderator.
    pub const OPEN_REPORT: &[&str] = &[ReportState::Open.as_str()];
    /// Releases that readers see: the current one and those it corrects.
    pub const RELEASED: &[&str] = &[ReleaseState::Current.as_str(), ReleaseState::Superseded.as_str()];
    /// Releases that can be withdrawn.
    pub const CURRENT_RELEASE: &[&str] = &[ReleaseState::Current.as_str()];
}
