//! A reach as SQL, over the same columns that `Reach::covers` reads from a row.

use entity::{
    ChampionId, Kind, RecordId, SiteStatus, Visibility, audit_entry, champion, impact_measure, impact_release, issuer,
    observation, organisation, post, project, report, resource, resource_edition, resource_overlay, resource_proposal,
    site, space, support_session, thread,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait, Select,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, SelectStatement},
};

use crate::policy::{Access, Action, Caller, Closed, Column, Grant, Reach, Who, reach};

/// A table whose rows the rules speak of.
pub trait Scoped: EntityTrait<Model: Send + Sync> {
    /// What its rows are.
    const KIND: Kind;
    /// The type of their ids.
    type Id: RecordId;
    /// The column of the id.
    fn id_column() -> Self::Column;
    /// The column of the home.
    fn home_column() -> Self::Column;
    /// Its own columns first, then those that repeat its required parents: a row is readable only if they all are.
    fn scopes() -> Vec<Scope<Self>>;
    /// What a row says of itself, then of its required parents.
    fn accesses(row: &Self::Model) -> Vec<Access>;
    /// The id of a row.
    fn id(row: &Self::Model) -> Self::Id;
}

/// The columns of a table that the rules of one kind read.
#[derive(Debug)]
pub struct Scope<E: EntityTrait> {
    /// Whose rules they are read by.
    pub kind: Kind,
    home: E::Column,
    receiver: Option<E::Column>,
    subject: Option<E::Column>,
    owner: Option<E::Column>,
    subject_owner: Option<E::Column>,
    visibility: Option<E::Column>,
    state: Option<E::Column>,
    closed_space: Option<E::Column>,
}

/// Declares which columns the rules read, once for SQL and once for a row.
macro_rules! scoped {
    ($($table:ident: $id:ident of $own_home:ident { $($kind:ident {
        home: $home:ident
        $(, receiver: $receiver:ident)?
        $(, subject: $subject:ident)?
        $(, owner: $owner:ident)?
        $(, subject_owner: $subject_owner:ident)?
        $(, visibility: $visibility:ident)?
        $(, state: $state:ident)?
        $(, closed_space: $closed_space:ident)?
    })+ })+) => {$(
        impl Scoped for $table::Entity {
            const KIND: Kind = <entity::$id as RecordId>::KIND;
            type Id = entity::$id;

            fn id_column() -> Self::Column {
                $table::Column::Id
            }

            fn home_column() -> Self::Column {
                $table::COLUMN.$own_home
            }

            fn scopes() -> Vec<Scope<Self>> {
                vec![$(Scope {
                    kind: Kind::$kind,
                    home: $table::COLUMN.$home,
                    receiver: column!($($table $receiver)?),
                    subject: column!($($table $subject)?),
                    owner: column!($($table $owner)?),
                    subject_owner: column!($($table $subject_owner)?),
                    visibility: column!($($table $visibility)?),
                    state: column!($($table $state)?),
                    closed_space: column!($($table $closed_space)?),
                }),+]
            }

            fn accesses(row: &Self::Model) -> Vec<Access> {
                vec![$(Access {
                    kind: Kind::$kind,
                    home: row.$home,
                    receiver: value!($(row $receiver)?),
                    subject: value!($(row $subject)?),
                    owner: value!($(row $owner)?),
                    subject_owner: value!($(row $subject_owner)?),
                    visibility: visibility!($(row $visibility)?),
                    state: state!($(row $state)?),
                    closed_space: value!($(row $closed_space)?),
                }),+]
            }

            fn id(row: &Self::Model) -> Self::Id {
                row.id
            }
        }
    )+};
}

macro_rules! column {
    () => {
        None
    };
    ($table:ident $field:ident) => {
        Some($table::COLUMN.$field)
    };
}

macro_rules! value {
    () => {
        None
    };
    ($row:ident $field:ident) => {
        $row.$field.into()
    };
}

macro_rules! visibility {
    () => {
        Visibility::Site
    };
    ($row:ident $field:ident) => {
        $row.$field
    };
}

macro_rules! state {
    () => {
        ""
    };
    ($row:ident $field:ident) => {
        $row.$field.as_str()
    };
}

scoped! {
    site: SiteId of id { Site { home: id } }
    organisation: OrganisationId of site_id { Organisation { home: site_id, visibility: visibility } }
    issuer: IssuerId of site_id { Issuer { home: site_id } }
    champion: ChampionId of site_id { Champion { home: site_id, owner: id, visibility: visibility, state: status } }
    project: ProjectId of site_id { Project { home: site_id, owner: owner_id, visibility: visibility, state: status } }
    support_session: SupportSessionId of site_id {
        SupportSession { home: site_id, owner: owner_id, visibility: visibility, state: state }
    }
    resource: ResourceId of site_id {
        Resource {
            home: site_id, owner: owner_id, subject_owner: draft_by_id, visibility: visibility, state: status
        }
    }
    resource_edition: ResourceEditionId of site_id {
        ResourceEdition { home: site_id, owner: owner_id, visibility: visibility, state: status }
        Resource { home: site_id, owner: owner_id, visibility: visibility, state: resource_status }
    }
    resource_overlay: ResourceOverlayId of site_id {
        ResourceOverlay { home: site_id, visibility: visibility }
        Resource {
            home: resource_home_id, owner: resource_owner_id, visibility: resource_visibility, state: resource_status
        }
    }
    resource_proposal: ResourceProposalId of site_id {
        ResourceProposal {
            home: site_id, receiver: national_site_id, owner: owner_id, subject_owner: resource_owner_id,
            visibility: visibility, state: status
        }
    }
    space: SpaceId of site_id { Space { home: site_id, visibility: visibility, closed_space: closed_space_id } }
    thread: ThreadId of site_id {
        Thread {
            home: site_id, receiver: space_home_id, owner: owner_id, visibility: visibility, state: state,
            closed_space: closed_space_id
        }
        Space { home: space_home_id, visibility: visibility, closed_space: closed_space_id }
    }
    post: PostId of site_id {
        Post {
            home: site_id, receiver: space_home_id, owner: owner_id, visibility: visibility, state: state,
            closed_space: closed_space_id
        }
        Thread {
            home: thread_home_id, receiver: space_home_id, owner: thread_owner_id, visibility: visibility,
            state: thread_state, closed_space: closed_space_id
        }
        Space { home: space_home_id, visibility: visibility, closed_space: closed_space_id }
    }
    report: ReportId of site_id {
        Report {
            home: site_id, receiver: space_home_id, subject: subject_home_id, owner: owner_id,
            subject_owner: subject_owner_id, visibility: visibility, state: state
        }
    }
    impact_measure: ImpactMeasureId of site_id { ImpactMeasure { home: site_id, visibility: visibility } }
    observation: ObservationId of site_id {
        Observation { home: site_id, owner: owner_id, visibility: visibility, state: state }
    }
    impact_release: ImpactReleaseId of site_id { ImpactRelease { home: site_id, visibility: visibility, state: state } }
    audit_entry: AuditEntryId of site_id { AuditEntry { home: site_id } }
}

/// The rows that a caller may read: by the rules of their kind and of their required parents, of active sites.
pub fn readable<E: Scoped>(caller: &Caller) -> Select<E> {
    E::find().filter(readable_condition::<E>(caller))
}

/// What [`readable`] filters by, for queries that join the table.
pub fn readable_condition<E: Scoped>(caller: &Caller) -> Condition {
    let mut all = Condition::all();
    for scope in E::scopes() {
        all = all.add(scope.condition(&reach(caller, Action::Read, scope.kind)));
        if scope.kind != Kind::Site {
            all = all.add(Expr::col((E::default(), scope.home)).in_subquery(active_sites()));
        }
    }
    all
}

/// The rows that an action reaches, by the rules of their own kind alone.
pub fn reached<E: Scoped>(caller: &Caller, action: Action) -> Condition {
    let own = E::scopes().into_iter().next();
    own.map_or_else(never, |scope| scope.condition(&reach(caller, action, scope.kind)))
}

/// Whether an action on this row is granted. Whether the row may be seen at all is [`readable`]'s to say.
pub fn covers<E: Scoped>(caller: &Caller, action: Action, row: &E::Model) -> bool {
    let rows = E::accesses(row);
    let judged = if action == Action::Read { rows.len() } else { 1 };
    rows.iter()
        .take(judged)
        .all(|row| reach(caller, action, row.kind).covers(row))
}

/// Whether an action would be granted if the row said something else of itself: if it were in another state, or another
/// site's.
pub fn would_cover<E: Scoped>(
    caller: &Caller,
    action: Action,
    row: &E::Model,
    other: impl FnOnce(Access) -> Access,
) -> bool {
    let own = E::accesses(row).into_iter().next().map(other);
    own.is_some_and(|row| reach(caller, action, row.kind).covers(&row))
}

/// Whether a caller could read a row of which only this is known: what it said of itself and of its required parents. Whether
/// their sites are active is for the caller to ask.
pub fn would_read(caller: &Caller, rows: &[Access]) -> bool {
    rows.iter().all(|row| reach(caller, Action::Read, row.kind).covers(row))
}

/// The ids of the sites that this host keeps.
pub fn kept_here() -> SelectStatement {
    let kept = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Hosted.eq(true));
    kept.into_query()
}

fn active_sites() -> SelectStatement {
    site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Status.eq(SiteStatus::Active))
        .into_query()
}

fn never() -> Condition {
    Condition::all().add(Expr::cust("1 = 0"))
}

impl<E: EntityTrait> Scope<E> {
    fn condition(&self, reach: &Reach) -> Condition {
        let granted = reach.grants.iter().filter_map(|grant| self.grant(reach, grant));
        granted
            .fold(None, |any: Option<Condition>, one| {
                Some(any.unwrap_or_else(Condition::any).add(one))
            })
            .unwrap_or_else(never)
    }

    fn grant(&self, reach: &Reach, grant: &Grant) -> Option<Condition> {
        let mut all = Condition::all().add(self.who(reach, &grant.who)?);
        if let (Some(states), Some(state)) = (grant.states, self.state) {
            all = all.add(Self::column(state).is_in(states.iter().copied()));
        } else if grant.states.is_some() {
            return None;
        }
        if grant.not_own {
            for owner in [self.owner, self.subject_owner].into_iter().flatten() {
                let column = Self::column(owner);
                all = all.add(column.clone().is_null().or(column.is_not_in(uuids(&reach.not_decided))));
            }
        }
        if let Some(closed_space) = self.closed_space {
            let open = Self::column(closed_space).is_null();
            let listed = Self::column(closed_space).is_in(reach.spaces.iter().map(|space| space.0));
            match grant.closed {
                Closed::Never => all = all.add(open),
                Closed::Member => all = all.add(open.or(listed)),
                Closed::Any => {}
            }
        }
        Some(all)
    }

    /// The condition for whom a grant holds; `None` when the table lacks the column that it asks for.
    fn who(&self, reach: &Reach, who: &Who) -> Option<Expr> {
        Some(match who {
            Who::Everyone => Expr::cust("1 = 1"),
            Who::Visible(visibilities) => Self::column(self.visibility?).is_in(visibilities.iter().copied()),
            Who::At(column, sites) => {
                let column = match column {
                    Column::Home => self.home,
                    Column::Receiver => self.receiver?,
                    Column::Subject => self.subject?,
                };
                Self::column(column).is_in(sites.iter().map(|site| site.0))
            }
            Who::Own => Self::column(self.owner?).is_in(uuids(&reach.own)),
            Who::Listed => Self::column(self.closed_space?).is_in(reach.spaces.iter().map(|space| space.0)),
        })
    }

    fn column(column: E::Column) -> Expr {
        column.into_simple_expr()
    }
}

fn uuids(champions: &[ChampionId]) -> impl Iterator<Item = Uuid> {
    champions.iter().map(|champion| champion.0)
}
