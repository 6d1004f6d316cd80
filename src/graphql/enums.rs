//! Enumerations that several features show. Each stands for the stored one of the same name.

/// Declares an enumeration of the API that stands for a stored one.
macro_rules! api_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
        pub enum $name {
            $($(#[$item])* $variant),+
        }

        impl From<entity::$name> for $name {
            fn from(stored: entity::$name) -> Self {
                match stored {
                    $(entity::$name::$variant => Self::$variant),+
                }
            }
        }

        impl From<$name> for entity::$name {
            fn from(shown: $name) -> Self {
                match shown {
                    $($name::$variant => Self::$variant),+
                }
            }
        }
    };
}
pub(crate) use api_enum;

/// Shows a stored list of enumeration values.
pub fn shown<T, U: From<T>>(stored: &[T]) -> Vec<U>
where
    T: Copy,
{
    stored.iter().copied().map(U::from).collect()
}

/// Reads a list of enumeration values.
pub fn stored<T, U: From<T>>(shown: Vec<T>) -> Vec<U> {
    shown.into_iter().map(U::from).collect()
}

api_enum! {
    /// Who sees a record.
    Visibility {
        /// Members of the record's home site. It never leaves that site's host.
        Site,
        /// Signed-in members of any site of the network.
        Network,
        /// Everybody, without signing in.
        Public,
    }
}

api_enum! {
    /// What somebody does on a site. Every role includes `CHAMPION` there.
    SiteRole {
        /// Helps people, writes resources and posts, records sessions.
        Champion,
        /// Runs projects, invites and approves champions.
        ProjectLead,
        /// Reviews and publishes resources.
        Curator,
        /// Opens spaces, hides and locks what breaks the rules.
        Moderator,
        /// Approves observations and releases figures.
        Analyst,
        /// Registers issuers and may do most of what the others may.
        SiteAdmin,
    }
}

/// What you may do with a record. Show the buttons of these and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum RecordAction {
    /// Change it.
    Edit,
    /// Change who sees it.
    Share,
    /// Hand it in for review.
    Submit,
    /// Say in a review whether it is good.
    Review,
    /// Publish it.
    Publish,
    /// Take it back.
    Withdraw,
    /// Hide, lock or remove it.
    Moderate,
    /// Answer it; for a space: start a thread in it.
    Reply,
    /// Decide on it.
    Approve,
    /// Lay an overlay over it, or offer it to the national team.
    Adopt,
    /// Put it away.
    Archive,
    /// See e-mail and phone; for a report: who made it.
    ReadContact,
    /// Be handed all that is kept of them.
    Export,
}

/// Which content a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum RecordKind {
    /// A site.
    Site,
    /// An organisation.
    Organisation,
    /// Who may sign tokens for a site.
    Issuer,
    /// A project.
    Project,
    /// A champion.
    Champion,
    /// A support session.
    SupportSession,
    /// A resource.
    Resource,
    /// An edition of a resource.
    Edition,
    /// What a site lays over a national resource.
    Overlay,
    /// A resource that is offered to the national team.
    Proposal,
    /// A space of the forum.
    Space,
    /// A thread.
    Thread,
    /// A post.
    Post,
    /// A report of a thread or post.
    Report,
    /// An impact measure.
    Measure,
    /// An observation of a measure.
    Observation,
    /// A released figure.
    Release,
    /// An audit entry.
    AuditEntry,
}

impl From<entity::Kind> for RecordKind {
    fn from(stored: entity::Kind) -> Self {
        use entity::Kind;
        match stored {
            Kind::Site => Self::Site,
            Kind::Organisation => Self::Organisation,
            Kind::Issuer => Self::Issuer,
            Kind::Project => Self::Project,
            Kind::Champion => Self::Champion,
            Kind::SupportSession => Self::SupportSession,
            Kind::Resource => Self::Resource,
            Kind::ResourceEdition => Self::Edition,
            Kind::ResourceOverlay => Self::Overlay,
            Kind::ResourceProposal => Self::Proposal,
            Kind::Space => Self::Space,
            Kind::Thread => Self::Thread,
            Kind::Post => Self::Post,
            Kind::Report => Self::Report,
            Kind::ImpactMeasure => Self::Measure,
            Kind::Observation => Self::Observation,
            Kind::ImpactRelease => Self::Release,
            Kind::AuditEntry => Self::AuditEntry,
        }
    }
}
