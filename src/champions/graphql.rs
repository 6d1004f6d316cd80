//! Champions in the API.

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::champion;

use crate::{
    champions::ops::{self, Champions, Order},
    error::Result,
    graphql::{
        Asking,
        enums::{Visibility, api_enum, shown, stored},
        ids::input_id,
        page::{Connection, Paging, connection},
        payload::{InputProblem, Payload, change, payload},
        record::record_object,
    },
    policy::Action,
    projects::{self, graphql::ProjectConnection},
    scope::covers,
};

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

record_object! {
    /// Somebody who helps others with digital tools.
    Champion shows champion {
        /// What others call them.
        async fn display_name(&self) -> &str {
            &self.0.display_name
        }

        /// As what they help.
        async fn kind(&self) -> ChampionKind {
            self.0.kind.into()
        }

        /// Which staff group they belong to.
        async fn staff_group(&self) -> StaffGroup {
            self.0.staff_group.into()
        }

        /// What they can help with.
        async fn skills(&self) -> Vec<DigitalSkill> {
            shown(&self.0.skills.0)
        }

        /// The languages that they help in, as BCP 47 tags such as `en` or `so`.
        async fn languages(&self) -> &[String] {
            &self.0.languages.0
        }

        /// A few words about them.
        async fn bio(&self) -> Option<&str> {
            self.0.bio.as_deref()
        }

        /// Where they stand.
        async fn status(&self) -> ChampionStatus {
            self.0.status.into()
        }

        /// Null for everybody but the person and the site's leads and admins, and on every copy at another host.
        async fn contact(&self, ctx: &Context<'_>) -> Option<ChampionContact> {
            covers::<champion::Entity>(ctx.caller(), Action::ReadContact, &self.0).then(|| ChampionContact {
                email: self.0.email.clone(),
                phone: self.0.phone.clone(),
            })
        }

        /// The projects whose teams they are in, newest first.
        async fn projects(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
            #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        ) -> Result<ProjectConnection> {
            let paging = Paging { first, after, ..Paging::default() };
            let list = projects::ops::Projects::default();
            Ok(ProjectConnection(self.0.page(ctx, paging, list, projects::ops::OF_CHAMPION).await?))
        }
    }
}

/// How to reach a champion. Never leaves the site's host.
#[derive(Clone, Debug, SimpleObject)]
pub struct ChampionContact {
    /// E-mail address.
    email: Option<String>,
    /// Telephone number.
    phone: Option<String>,
}

connection! {
    /// A page of champions.
    ChampionConnection, ChampionEdge, Champion
}

payload! {
    /// What a change to a champion came to.
    ChampionPayload {
        /// The champion as they are now; null when there are problems, unless somebody was faster.
        champion: Champion
    }
}

/// What an invitation came to.
#[derive(Debug, SimpleObject)]
pub struct ChampionInvitePayload {
    /// The champion's record, which waits to be claimed.
    champion: Option<Champion>,
    /// The one-time code for `championClaim`, good for 14 days. It is told this once: a repeat under the same
    /// `Idempotency-Key` answers null here.
    code: Option<String>,
    /// What to mend before trying again; empty when it was done.
    problems: Vec<InputProblem>,
}

impl Payload for ChampionInvitePayload {
    type Record = Champion;

    fn of(champion: Option<Champion>, problems: Vec<InputProblem>) -> Self {
        Self {
            champion,
            code: None,
            problems,
        }
    }
}

/// The order of a list of champions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ChampionOrder {
    /// Newest first.
    CreatedDesc,
    /// Last changed first.
    UpdatedDesc,
    /// By name.
    DisplayNameAsc,
}

/// Which champions. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ChampionFilter {
    /// Of the sites with these slugs.
    sites: Option<Vec<String>>,
    /// Of these kinds.
    kinds: Option<Vec<ChampionKind>>,
    /// Of these staff groups.
    staff_groups: Option<Vec<StaffGroup>>,
    /// With this skill.
    skill: Option<DigitalSkill>,
    /// Who help in this language, a BCP 47 tag.
    language: Option<String>,
    /// With one of these statuses.
    statuses: Option<Vec<ChampionStatus>>,
    /// With every one of these words in their name.
    search: Option<String>,
}

impl ChampionFilter {
    /// The list that a filter and an order describe.
    pub fn list(filter: Option<Self>, order: Option<ChampionOrder>) -> Champions {
        let filter = filter.unwrap_or_default();
        Champions {
            sites: filter.sites,
            kinds: filter.kinds.map(stored),
            staff_groups: filter.staff_groups.map(stored),
            skill: filter.skill.map(Into::into),
            language: filter.language,
            statuses: filter.statuses.map(stored),
            search: filter.search,
            order: match order {
                Some(ChampionOrder::UpdatedDesc) => Order::Updated,
                Some(ChampionOrder::DisplayNameAsc) => Order::Name,
                Some(ChampionOrder::CreatedDesc) | None => Order::Created,
            },
        }
    }
}

/// What can be asked about champions.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChampionQueries;

/// What can be asked about champions.
#[Object]
impl ChampionQueries {
    /// The champions of the network whose cards you may see.
    #[expect(
        clippy::too_many_arguments,
        reason = "a connection has four arguments besides its own"
    )]
    async fn champions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which champions.")] filter: Option<ChampionFilter>,
        #[graphql(desc = "In which order; newest first by default.")] order_by: Option<ChampionOrder>,
    ) -> Result<ChampionConnection> {
        let list = ChampionFilter::list(filter, order_by);
        Ok(ChampionConnection(
            Connection::root(
                ctx,
                Paging {
                    first,
                    after,
                    last,
                    before,
                },
                list,
            )
            .await?,
        ))
    }
}

/// You apply to become a champion of a site.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionRegisterInput {
    /// The slug of the site.
    site: String,
    /// What others call you, at most 200 characters.
    display_name: String,
    /// As what you help.
    kind: ChampionKind,
    /// Which staff group you belong to.
    #[graphql(default_with = "StaffGroup::NotStated")]
    staff_group: StaffGroup,
    /// What you can help with.
    #[graphql(default)]
    skills: Vec<DigitalSkill>,
    /// The languages that you help in, as BCP 47 tags.
    #[graphql(default)]
    languages: Vec<String>,
    /// A few words about you, at most 5,000 characters.
    bio: Option<String>,
    /// E-mail address, for yourself and the site's leads and admins only.
    email: Option<String>,
    /// Telephone number, for yourself and the site's leads and admins only.
    phone: Option<String>,
    /// Who sees your card. Sharing it with the network is your own consent, and you can take it back.
    #[graphql(default_with = "Visibility::Site")]
    visibility: Visibility,
}

/// Somebody who is invited to become a champion.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionInviteInput {
    /// The slug of the site.
    site: String,
    /// What others call them, at most 200 characters.
    display_name: String,
    /// As what they help.
    kind: ChampionKind,
    /// Which staff group they belong to.
    #[graphql(default_with = "StaffGroup::NotStated")]
    staff_group: StaffGroup,
    /// What they can help with.
    #[graphql(default)]
    skills: Vec<DigitalSkill>,
    /// The languages that they help in, as BCP 47 tags.
    #[graphql(default)]
    languages: Vec<String>,
    /// A few words about them, at most 5,000 characters.
    bio: Option<String>,
    /// E-mail address, for them and the site's leads and admins only.
    email: Option<String>,
    /// Telephone number, for them and the site's leads and admins only.
    phone: Option<String>,
}

macro_rules! card {
    ($input:ident) => {
        ops::Card {
            display_name: $input.display_name,
            kind: $input.kind.into(),
            staff_group: $input.staff_group.into(),
            skills: stored($input.skills),
            languages: $input.languages,
            bio: $input.bio,
            email: $input.email,
            phone: $input.phone,
        }
    };
}

/// You claim the record that was made for you.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionClaimInput {
    /// The one-time code of your invitation. Case and hyphens do not matter.
    code: String,
}

/// Changes to your own card. What is left out stays; null empties.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionUpdateInput {
    /// You.
    id: ID,
    /// The version that you read.
    version: i32,
    /// What others call you.
    display_name: MaybeUndefined<String>,
    /// As what you help.
    kind: MaybeUndefined<ChampionKind>,
    /// Which staff group you belong to.
    staff_group: MaybeUndefined<StaffGroup>,
    /// What you can help with.
    skills: MaybeUndefined<Vec<DigitalSkill>>,
    /// The languages that you help in.
    languages: MaybeUndefined<Vec<String>>,
    /// A few words about you.
    bio: MaybeUndefined<String>,
    /// E-mail address.
    email: MaybeUndefined<String>,
    /// Telephone number.
    phone: MaybeUndefined<String>,
    /// Who sees your card.
    visibility: MaybeUndefined<Visibility>,
}

impl ChampionUpdateInput {
    fn changes(self) -> ops::Changes {
        ops::Changes {
            display_name: self.display_name.into(),
            kind: self.kind.map_value(Into::into).into(),
            staff_group: self.staff_group.map_value(Into::into).into(),
            skills: self.skills.map_value(stored).into(),
            languages: self.languages.into(),
            bio: self.bio.into(),
            email: self.email.into(),
            phone: self.phone.into(),
            visibility: self.visibility.map_value(Into::into).into(),
        }
    }
}

/// Another status for a champion.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionSetStatusInput {
    /// The champion.
    id: ID,
    /// The version that you read.
    version: i32,
    /// The status that they take.
    status: ChampionStatus,
    /// Why, at most 1,000 characters; needed to decline.
    reason: Option<String>,
}

/// What can be done to champions.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChampionMutations;

/// What can be done to champions.
#[Object]
impl ChampionMutations {
    /// You apply to become a champion of a site. For everybody whose token the site accepts, with or without a role.
    async fn champion_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What you say of yourself.")] input: ChampionRegisterInput,
    ) -> Result<ChampionPayload> {
        change(ctx, async |work| {
            let visibility = input.visibility.into();
            Ok(ops::register(work, &input.site, card!(input), visibility).await?.id)
        })
        .await
    }

    /// Makes the record of somebody and a one-time code with which they claim it. For project leads and site admins.
    async fn champion_invite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is invited.")] input: ChampionInviteInput,
    ) -> Result<ChampionInvitePayload> {
        let mut told = None;
        let payload: ChampionInvitePayload = change(ctx, async |work| {
            let (row, code) = ops::invite(work, &input.site, card!(input)).await?;
            told = Some(code);
            Ok(row.id)
        })
        .await?;
        Ok(ChampionInvitePayload { code: told, ..payload })
    }

    /// You claim the record that was made for you. For everybody whose token the site accepts.
    async fn champion_claim(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The code.")] input: ChampionClaimInput,
    ) -> Result<ChampionPayload> {
        change(ctx, async |work| Ok(ops::claim(work, &input.code).await?.id)).await
    }

    /// Changes your own card.
    async fn champion_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: ChampionUpdateInput,
    ) -> Result<ChampionPayload> {
        change(ctx, async |work| {
            let (id, version) = (input_id("id", &input.id)?, input.version);
            Ok(ops::update(work, id, version, input.changes()).await?.id)
        })
        .await
    }

    /// Takes a champion to another status. Project leads and site admins decide on others, never on themselves; you may
    /// go on a break, come back and stand down without asking.
    async fn champion_set_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The champion and the status.")] input: ChampionSetStatusInput,
    ) -> Result<ChampionPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(
                ops::set_status(work, id, input.version, input.status.into(), input.reason)
                    .await?
                    .id,
            )
        })
        .await
    }
}
