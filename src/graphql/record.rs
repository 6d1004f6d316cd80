//! What every record shows: its home, who sees it, its version, where the answer comes from and what the caller may do.

use async_graphql::{Context, ID, Interface, SimpleObject, Union};
use chrono::{DateTime, Utc};
use entity::{Kind, SiteId};
use sea_orm::{EntityTrait, prelude::Uuid};

use crate::{
    app::App,
    champions::graphql::Champion,
    error::{Error, Result},
    forum::graphql::{Post, Report, Space, Thread},
    graphql::{
        Asking,
        enums::{RecordAction, Visibility},
        seen::{Seen, Shows},
    },
    impact::graphql::{ImpactMeasure, ImpactRelease, Observation, SupportSession},
    policy::{Action, Caller},
    projects::graphql::Project,
    read,
    resources::graphql::{Resource, ResourceEdition, ResourceOverlay, ResourceProposal},
    scope::{Scoped, covers},
    sites::graphql::{AuditEntry, Issuer, Organisation, Site},
};

/// Where an answer comes from.
#[derive(Clone, Debug, SimpleObject)]
pub struct Provenance {
    /// The site that the record belongs to.
    home: Site,
    /// Whether this is a copy of another host's record, which only that host can change.
    replicated: bool,
    /// For a copy: when the home site made the state that you see. Null at home. How fresh a site's copies are as a
    /// whole stands at `site.sync`.
    as_of: Option<DateTime<Utc>>,
}

impl Provenance {
    /// Of a record with this home.
    pub fn of(home: Site) -> Self {
        let replicated = !home.0.hosted;
        Self {
            home,
            replicated,
            as_of: None,
        }
    }
}

/// The home of a row.
///
/// # Errors
/// Only when the database fails.
pub async fn home<E: Scoped>(row: &Seen<E>, ctx: &Context<'_>, site: impl Fn(&E::Model) -> SiteId) -> Result<Site> {
    let found = row.one_as::<Site>(ctx, "home", |row| Some(site(row))).await?;
    found.ok_or_else(|| Error::internal("a record's home is missing"))
}

/// What the caller may do with a row.
pub fn viewer_can<E: Scoped + EntityTrait>(ctx: &Context<'_>, row: &E::Model) -> Vec<RecordAction> {
    let may = |action: &&(RecordAction, Action)| covers::<E>(ctx.caller(), action.1, row);
    ACTIONS.iter().filter(may).map(|(shown, _)| *shown).collect()
}

const ACTIONS: &[(RecordAction, Action)] = &[
    (RecordAction::Edit, Action::Edit),
    (RecordAction::Share, Action::Share),
    (RecordAction::Submit, Action::Submit),
    (RecordAction::Review, Action::Review),
    (RecordAction::Publish, Action::Publish),
    (RecordAction::Withdraw, Action::Withdraw),
    (RecordAction::Moderate, Action::Moderate),
    (RecordAction::Reply, Action::Reply),
    (RecordAction::Approve, Action::Approve),
    (RecordAction::Adopt, Action::Adopt),
    (RecordAction::Archive, Action::Archive),
    (RecordAction::ReadContact, Action::ReadContact),
    (RecordAction::Export, Action::Export),
];

/// Declares a record type of the API: the fields that all records have, then its own.
macro_rules! record_object {
    ($(#[$doc:meta])* $name:ident shows $table:ident { $($fields:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub $crate::graphql::seen::Seen<entity::$table::Entity>);

        impl $crate::graphql::seen::Shows for $name {
            type Entity = entity::$table::Entity;

            fn show(row: $crate::graphql::seen::Seen<Self::Entity>) -> Self {
                Self(row)
            }
        }

        $(#[$doc])*
        #[async_graphql::Object]
        impl $name {
            /// Its id, the same on every host.
            pub async fn id(&self) -> async_graphql::ID {
                self.0.id.to_string().into()
            }

            /// The site that it belongs to for its whole life.
            pub async fn site(&self, ctx: &async_graphql::Context<'_>) -> $crate::error::Result<$crate::sites::graphql::Site> {
                $crate::graphql::record::home(&self.0, ctx, |row| row.site_id).await
            }

            /// Who sees it.
            pub async fn visibility(&self) -> $crate::graphql::enums::Visibility {
                self.0.visibility.into()
            }

            /// Grows with every change. Send back the one that you read when you edit, so that nobody's change is lost.
            pub async fn version(&self) -> i32 {
                self.0.version
            }

            /// When it was made.
            pub async fn created_at(&self) -> chrono::DateTime<chrono::Utc> {
                self.0.created_at
            }

            /// When it was last changed.
            pub async fn updated_at(&self) -> chrono::DateTime<chrono::Utc> {
                self.0.updated_at
            }

            /// Where this answer comes from.
            pub async fn provenance(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> $crate::error::Result<$crate::graphql::record::Provenance> {
                let home = $crate::graphql::record::home(&self.0, ctx, |row| row.site_id).await?;
                Ok($crate::graphql::record::Provenance::of(home))
            }

            /// What you may do with it.
            pub async fn viewer_can(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> Vec<$crate::graphql::enums::RecordAction> {
                $crate::graphql::record::viewer_can::<entity::$table::Entity>(ctx, &self.0)
            }

            $($fields)*
        }
    };
}
pub(crate) use record_object;

/// Declares the two interfaces over the same objects, and how the records of each kind are found.
macro_rules! interfaces {
    (records: $($record:ident),+; others: $($other:ident),+ $(,)?) => {
        /// Anything with an id.
        #[derive(Clone, Debug, Interface)]
        #[graphql(field(name = "id", ty = "ID", desc = "Its id, the same on every host."))]
        pub enum Node {
            $(
                #[doc = concat!("A ", stringify!($record), ".")]
                $record($record),
            )+
            $(
                #[doc = concat!("A ", stringify!($other), ".")]
                $other($other),
            )+
        }

        /// A record with a home site.
        #[derive(Clone, Debug, Interface)]
        #[graphql(
            field(name = "id", ty = "ID", desc = "Its id, the same on every host."),
            field(name = "site", ty = "Site", desc = "The site that it belongs to for its whole life."),
            field(name = "visibility", ty = "Visibility", desc = "Who sees it."),
            field(name = "version", ty = "i32", desc = "Grows with every change. Send back the one that you read when you edit."),
            field(name = "created_at", ty = "DateTime<Utc>", desc = "When it was made."),
            field(name = "updated_at", ty = "DateTime<Utc>", desc = "When it was last changed."),
            field(name = "provenance", ty = "Provenance", desc = "Where this answer comes from."),
            field(name = "viewer_can", ty = "Vec<RecordAction>", desc = "What you may do with it."),
        )]
        pub enum Record {
            $(
                #[doc = concat!("A ", stringify!($record), ".")]
                $record($record),
            )+
        }

        /// For gateways: whatever has a key.
        #[derive(Clone, Debug, Union)]
        #[graphql(name = "_Entity")]
        pub enum Entity {
            $(
                #[doc = concat!("A ", stringify!($record), ".")]
                $record($record),
            )+
            $(
                #[doc = concat!("A ", stringify!($other), ".")]
                $other($other),
            )+
        }

        impl From<Node> for Entity {
            fn from(node: Node) -> Self {
                match node {
                    $( Node::$record(record) => Self::$record(record), )+
                    $( Node::$other(other) => Self::$other(other), )+
                }
            }
        }

        /// The kind that a type of the schema shows; none for types without ids.
        pub fn kind_of_type(name: &str) -> Option<Kind> {
            match name {
                $( stringify!($record) => Some(<<$record as Shows>::Entity as Scoped>::KIND), )+
                $( stringify!($other) => Some(<<$other as Shows>::Entity as Scoped>::KIND), )+
                _ => None,
            }
        }

        /// The records of one kind by their ids, in one statement, without those that the caller may not see.
        ///
        /// # Errors
        /// Only when the database fails.
        pub async fn of_kind(app: &App, caller: &Caller, kind: Kind, ids: &[Uuid]) -> Result<Vec<(Uuid, Node)>> {
            $(
                if kind == <<$record as Shows>::Entity as Scoped>::KIND {
                    return shown::<$record>(app, caller, ids).await;
                }
            )+
            $(
                if kind == <<$other as Shows>::Entity as Scoped>::KIND {
                    return shown::<$other>(app, caller, ids).await;
                }
            )+
            Ok(Vec::new())
        }
    };
}

async fn shown<T: Shows + Into<Node>>(app: &App, caller: &Caller, ids: &[Uuid]) -> Result<Vec<(Uuid, Node)>> {
    let ids: Vec<_> = ids.iter().map(|id| <T::Entity as Scoped>::Id::from(*id)).collect();
    let rows = read::by_ids::<T::Entity>(app.reader(), caller, &ids).await?;
    Ok(Seen::all(rows)
        .map(|row| (T::Entity::id(&row).into(), T::show(row).into()))
        .collect())
}

interfaces! {
    records: Champion, ImpactMeasure, ImpactRelease, Organisation, Post, Project, Report, Resource, Space, Thread;
    others: AuditEntry, Issuer, Observation, ResourceEdition, ResourceOverlay, ResourceProposal, Site, SupportSession,
}
