//! One id type per table, printed as a TypeID (<https://github.com/jetify-com/typeid/tree/main/spec>, 0.3):
//! a prefix that says what it names, an underscore and 26 characters of base 32.

use std::{fmt, str::FromStr};

use sea_orm::{DeriveValueType, prelude::Uuid};
use serde::{Deserialize, Serialize};
use typeid_suffix::prelude::TypeIdSuffix;

use crate::Kind;

/// An id of one table. New ids are made by the server's unit of work alone.
pub trait RecordId:
    Copy + Eq + std::hash::Hash + fmt::Display + From<Uuid> + Into<Uuid> + Send + Sync + 'static
{
    /// What the id names.
    const KIND: Kind;
}

/// Why a text is no id of the wanted type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadId {
    /// Not a TypeID at all.
    Malformed,
    /// A TypeID of something else.
    OtherKind(Kind),
}

/// Reads a TypeID of any kind.
pub fn parse_any(text: &str) -> Option<(Kind, Uuid)> {
    let (prefix, suffix) = text.rsplit_once('_')?;
    let kind = Kind::from_prefix(prefix)?;
    let uuid = TypeIdSuffix::from_str(suffix).ok()?.to_uuid();
    Some((kind, uuid))
}

/// Prints the TypeID of a uuid of this kind.
pub fn print(kind: Kind, uuid: Uuid) -> String {
    format!("{}_{}", kind.prefix(), TypeIdSuffix::from(uuid))
}

macro_rules! ids {
    ($($name:ident => $kind:ident),+ $(,)?) => {$(
        #[doc = concat!("Names one record of kind `", stringify!($kind), "`.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType)]
        pub struct $name(pub Uuid);

        impl RecordId for $name {
            const KIND: Kind = Kind::$kind;
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&print(Kind::$kind, self.0))
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                match parse_any(text) {
                    Some((Kind::$kind, uuid)) => Ok(Self(uuid)),
                    Some((other, _)) => Err(BadId::OtherKind(other)),
                    None => Err(BadId::Malformed),
                }
            }
        }
    )+};
}

ids! {
    SiteId => Site,
    OrganisationId => Organisation,
    IssuerId => Issuer,
    ProjectId => Project,
    ChampionId => Champion,
    SupportSessionId => SupportSession,
    ResourceId => Resource,
    ResourceEditionId => ResourceEdition,
    ResourceOverlayId => ResourceOverlay,
    ResourceProposalId => ResourceProposal,
    SpaceId => Space,
    ThreadId => Thread,
    PostId => Post,
    ReportId => Report,
    ImpactMeasureId => ImpactMeasure,
    ObservationId => Observation,
    ImpactReleaseId => ImpactRelease,
    AuditEntryId => AuditEntry,
}
