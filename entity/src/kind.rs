//! Which content a record is. Ids and wire types match it exhaustively, so the compiler lists what a new kind needs.

use crate::enums::enumeration;

enumeration! {
    /// Which content a record is.
    Kind {
        Site = "SITE",
        Organisation = "ORGANISATION",
        Issuer = "ISSUER",
        Project = "PROJECT",
        Champion = "CHAMPION",
        SupportSession = "SUPPORT_SESSION",
        Resource = "RESOURCE",
        ResourceEdition = "RESOURCE_EDITION",
        ResourceOverlay = "RESOURCE_OVERLAY",
        ResourceProposal = "RESOURCE_PROPOSAL",
        Space = "SPACE",
        Thread = "THREAD",
        Post = "POST",
        Report = "REPORT",
        ImpactMeasure = "IMPACT_MEASURE",
        Observation = "OBSERVATION",
        ImpactRelease = "IMPACT_RELEASE",
        AuditEntry = "AUDIT_ENTRY",
    }
}

impl Kind {
    /// The prefix of its TypeIDs.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Organisation => "organisation",
            Self::Issuer => "issuer",
            Self::Project => "project",
            Self::Champion => "champion",
            Self::SupportSession => "session",
            Self::Resource => "resource",
            Self::ResourceEdition => "edition",
            Self::ResourceOverlay => "overlay",
            Self::ResourceProposal => "proposal",
            Self::Space => "space",
            Self::Thread => "thread",
            Self::Post => "post",
            Self::Report => "report",
            Self::ImpactMeasure => "measure",
            Self::Observation => "observation",
            Self::ImpactRelease => "release",
            Self::AuditEntry => "audit",
        }
    }

    /// The kind whose TypeIDs begin so.
    pub fn from_prefix(prefix: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.prefix() == prefix)
    }

    /// What a person calls it, in lower case.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Organisation => "organisation",
            Self::Issuer => "issuer",
            Self::Project => "project",
            Self::Champion => "champion",
            Self::SupportSession => "support session",
            Self::Resource => "resource",
            Self::ResourceEdition => "edition",
            Self::ResourceOverlay => "overlay",
            Self::ResourceProposal => "proposal",
            Self::Space => "space",
            Self::Thread => "thread",
            Self::Post => "post",
            Self::Report => "report",
            Self::ImpactMeasure => "measure",
            Self::Observation => "observation",
            Self::ImpactRelease => "release",
            Self::AuditEntry => "audit entry",
        }
    }
}
