//! The enumerations of the columns, stored as the words that the API uses.

/// Declares an enumeration with its stored words.
macro_rules! enumeration {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sea_orm::DeriveValueType)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[sea_orm(value_type = "String")]
        pub enum $name {
            $($(#[$item])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that is stored and that the API shows.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = sea_orm::sea_query::ValueTypeErr;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(sea_orm::sea_query::ValueTypeErr),
                }
            }
        }
    };
}
pub(crate) use enumeration;

enumeration! { Visibility { Site = "SITE", Network = "NETWORK", Public = "PUBLIC" } }
enumeration! { SiteKind { National = "NATIONAL", Regional = "REGIONAL" } }
enumeration! { SiteStatus { Applied = "APPLIED", Active = "ACTIVE", Suspended = "SUSPENDED", Left = "LEFT" } }
enumeration! {
    SiteRole {
        Champion = "CHAMPION", ProjectLead = "PROJECT_LEAD", Curator = "CURATOR", Moderator = "MODERATOR",
        Analyst = "ANALYST", SiteAdmin = "SITE_ADMIN",
    }
}
enumeration! {
    OrganisationRole {
        NhsTrust = "NHS_TRUST", FoundationTrust = "FOUNDATION_TRUST", GpPractice = "GP_PRACTICE",
        PrimaryCareNetwork = "PRIMARY_CARE_NETWORK", Icb = "ICB", LocalAuthority = "LOCAL_AUTHORITY",
        CareHome = "CARE_HOME", Pharmacy = "PHARMACY", Charity = "CHARITY", Other = "OTHER",
    }
}
enumeration! {
    TokenAlgorithm { EdDsa = "EdDSA", Es256 = "ES256", Rs256 = "RS256", Ps256 = "PS256" }
}
enumeration! {
    FocusArea {
        Infrastructure = "INFRASTRUCTURE", StaffCulture = "STAFF_CULTURE", PatientUpskilling = "PATIENT_UPSKILLING",
    }
}
enumeration! {
    ProjectStatus {
        Draft = "DRAFT", Active = "ACTIVE", Paused = "PAUSED", Completed = "COMPLETED", Archived = "ARCHIVED",
    }
}
enumeration! {
    ChampionKind {
        Staff = "STAFF", Volunteer = "VOLUNTEER", Student = "STUDENT", PatientGroupMember = "PATIENT_GROUP_MEMBER",
        FamilyOrFriend = "FAMILY_OR_FRIEND",
    }
}
enumeration! {
    StaffGroup {
        AdditionalClinicalServices = "ADDITIONAL_CLINICAL_SERVICES",
        ProfessionalScientificAndTechnical = "PROFESSIONAL_SCIENTIFIC_AND_TECHNICAL",
        AdministrativeAndClerical = "ADMINISTRATIVE_AND_CLERICAL",
        AlliedHealthProfessions = "ALLIED_HEALTH_PROFESSIONS",
        EstatesAndAncillary = "ESTATES_AND_ANCILLARY",
        HealthcareScientists = "HEALTHCARE_SCIENTISTS",
        MedicalAndDental = "MEDICAL_AND_DENTAL",
        NursingAndMidwifery = "NURSING_AND_MIDWIFERY",
        Students = "STUDENTS",
        SocialCare = "SOCIAL_CARE",
        Volunteer = "VOLUNTEER",
        PatientPublic = "PATIENT_PUBLIC",
        NotStated = "NOT_STATED",
    }
}
enumeration! {
    DigitalSkill {
        Communicating = "COMMUNICATING", HandlingInformationAndContent = "HANDLING_INFORMATION_AND_CONTENT",
        Transacting = "TRANSACTING", ProblemSolving = "PROBLEM_SOLVING",
        BeingSafeAndLegalOnline = "BEING_SAFE_AND_LEGAL_ONLINE",
    }
}
enumeration! {
    ChampionStatus {
        Applied = "APPLIED", InTraining = "IN_TRAINING", Active = "ACTIVE", OnBreak = "ON_BREAK",
        StoodDown = "STOOD_DOWN", Declined = "DECLINED",
    }
}
enumeration! {
    SessionMode {
        OneToOne = "ONE_TO_ONE", Group = "GROUP", DropIn = "DROP_IN", Remote = "REMOTE", Peer = "PEER",
    }
}
enumeration! {
    /// Which figure of approved support sessions counts into a measure.
    SessionFigure { SessionsHeld = "SESSIONS_HELD", PeopleHelped = "PEOPLE_HELPED", SignUps = "SIGN_UPS" }
}
enumeration! {
    /// `Decided` states are final: a decided record is never changed again.
    ObservationState { Submitted = "SUBMITTED", Approved = "APPROVED", Returned = "RETURNED" }
}
enumeration! {
    ResourceType {
        Guide = "GUIDE", Video = "VIDEO", CourseMaterial = "COURSE_MATERIAL", Toolkit = "TOOLKIT",
        Template = "TEMPLATE", MythBuster = "MYTH_BUSTER", Demonstration = "DEMONSTRATION",
        CodeOfPractice = "CODE_OF_PRACTICE", CaseStudy = "CASE_STUDY",
    }
}
enumeration! {
    Theme {
        Language = "LANGUAGE", PeerSupport = "PEER_SUPPORT", ShowDontTell = "SHOW_DONT_TELL",
        PersonalTouch = "PERSONAL_TOUCH", MythBusting = "MYTH_BUSTING", Barriers = "BARRIERS",
    }
}
enumeration! {
    ResourceStatus {
        Draft = "DRAFT", InReview = "IN_REVIEW", ChangesRequested = "CHANGES_REQUESTED", Published = "PUBLISHED",
        ReviewDue = "REVIEW_DUE", Withdrawn = "WITHDRAWN", Superseded = "SUPERSEDED",
    }
}
enumeration! {
    ProposalStatus { Open = "OPEN", Accepted = "ACCEPTED", Declined = "DECLINED", Withdrawn = "WITHDRAWN" }
}
enumeration! { SpaceAccess { Open = "OPEN", Closed = "CLOSED" } }
enumeration! {
    ThreadState {
        Pending = "PENDING", Open = "OPEN", Locked = "LOCKED", Archived = "ARCHIVED", Hidden = "HIDDEN",
        Removed = "REMOVED", Rejected = "REJECTED",
    }
}
enumeration! {
    PostState {
        Pending = "PENDING", Visible = "VISIBLE", Hidden = "HIDDEN", Removed = "REMOVED", Rejected = "REJECTED",
    }
}
enumeration! { ReportState { Open = "OPEN", Closed = "CLOSED" } }
enumeration! { MeasureKind { Count = "COUNT", Coverage = "COVERAGE", Score = "SCORE", Currency = "CURRENCY" } }
enumeration! { MeasureAggregation { Sum = "SUM", Latest = "LATEST", Mean = "MEAN" } }
enumeration! {
    /// What a released figure is after disclosure control.
    Disclosed { Exact = "EXACT", Rounded = "ROUNDED", Suppressed = "SUPPRESSED" }
}
enumeration! { ReleaseState { Current = "CURRENT", Superseded = "SUPERSEDED", Withdrawn = "WITHDRAWN" } }
