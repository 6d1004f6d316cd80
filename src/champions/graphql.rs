//! Champions in the API.

use crate::graphql::enums::api_enum;

mod champion;
mod input;
mod mutations;
mod queries;

pub use champion::{
    Champion, ChampionConnection, ChampionContact, ChampionFilter, ChampionInvitePayload, ChampionOrder,
    ChampionPayload,
};
pub use input::{
    ChampionClaimInput, ChampionEraseInput, ChampionInviteInput, ChampionRegisterInput, ChampionSetStatusInput,
    ChampionUpdateInput,
};
pub use mutations::ChampionMutations;
pub use queries::ChampionQueries;

api_enum! {
    /// As what somebody helps.
    ChampionKind {
        /// Staff of a health or care organisation.
        Staff,
        /// A volunteer.
        Volunteer,
        /// A student on placement.
        Student,
        /// A member of a patient group.
        PatientGroupMember,
        /// Family or a friend of a patient.
        FamilyOrFriend,
    }
}

api_enum! {
    /// The staff groups of the NHS workforce statistics, and those who are none of them.
    StaffGroup {
        /// Healthcare assistants and other support to clinical staff.
        AdditionalClinicalServices,
        /// Pharmacists, psychologists and others.
        ProfessionalScientificAndTechnical,
        /// Receptionists, secretaries, managers and others.
        AdministrativeAndClerical,
        /// Physiotherapists, dietitians, paramedics and others.
        AlliedHealthProfessions,
        /// Porters, cleaners, catering and others.
        EstatesAndAncillary,
        /// Laboratory and imaging scientists and others.
        HealthcareScientists,
        /// Doctors and dentists.
        MedicalAndDental,
        /// Nurses and midwives.
        NursingAndMidwifery,
        /// Students of health professions.
        Students,
        /// Social care staff.
        SocialCare,
        /// Volunteers.
        Volunteer,
        /// Patients, families and the public.
        PatientPublic,
        /// Not said.
        NotStated,
    }
}

api_enum! {
    /// The five areas of the Essential Digital Skills framework.
    DigitalSkill {
        /// Communicating.
        Communicating,
        /// Handling information and content.
        HandlingInformationAndContent,
        /// Transacting.
        Transacting,
        /// Problem solving.
        ProblemSolving,
        /// Being safe and legal online.
        BeingSafeAndLegalOnline,
    }
}

api_enum! {
    /// Where a champion stands. Those in training, active or on a break may write.
    ChampionStatus {
        /// Asked to become one. Only they and the site's leads and admins see it.
        Applied,
        /// Accepted and learning.
        InTraining,
        /// Helping.
        Active,
        /// Not helping for a while.
        OnBreak,
        /// Does not help any longer.
        StoodDown,
        /// Was not accepted. Only they and the site's leads and admins see it.
        Declined,
    }
}
