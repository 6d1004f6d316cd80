//! Support sessions in the API.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::ObservationState;
use crate::{
    champions::graphql::Champion,
    error::Result,
    graphql::{
        enums::api_enum,
        ids::input_id,
        page::{Connection, Paging, connection},
        payload::{change, payload},
        record::record_object,
        scalars::Date,
    },
    impact::ops::{
        Decision,
        sessions::{self as ops, Sessions},
    },
};

api_enum! {
    /// In which way a session was held.
    SessionMode {
        /// With one person.
        OneToOne,
        /// With a group.
        Group,
        /// Open to whoever came.
        DropIn,
        /// By telephone or video.
        Remote,
        /// Among equals who help one another.
        Peer,
    }
}

record_object! {
    /// A session in which a champion helped people. No learner is ever named.
    SupportSession shows support_session {
        /// Who held it, if you may see them.
        async fn champion(&self, ctx: &Context<'_>) -> Result<Option<Champion>> {
            self.0.one(ctx, |row| Some(row.owner_id)).await
        }

        /// On which day.
        async fn held_on(&self) -> Date {
            Date(self.0.held_on)
        }

        /// In which way.
        async fn mode(&self) -> SessionMode {
            self.0.mode.into()
        }

        /// How many minutes it took.
        async fn minutes(&self) -> i32 {
            self.0.minutes
        }

        /// How many people were helped.
        async fn people_helped(&self) -> i32 {
            self.0.people_helped
        }

        /// The health condition that it was about, in lower case.
        async fn condition(&self) -> Option<&str> {
            self.0.condition.as_deref()
        }

        /// Who signed up to online services with help.
        async fn sign_ups(&self) -> SignUps {
            SignUps {
                records: self.0.records_sign_ups,
                prescriptions: self.0.prescriptions_sign_ups,
                appointments: self.0.appointments_sign_ups,
            }
        }

        /// The code of the campaign that brought people.
        async fn campaign_code(&self) -> Option<&str> {
            self.0.campaign_code.as_deref()
        }

        /// Where it stands. Approved sessions count into the measures that have a `sessionFigure`.
        async fn state(&self) -> ObservationState {
            self.0.state.into()
        }

        /// Why it was returned, or what was said when it was approved.
        async fn decision_reason(&self) -> Option<&str> {
            self.0.decision_reason.as_deref()
        }
    }
}

/// Sign-ups to online services, by service. One person may sign up to several.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct SignUps {
    /// To see the health record.
    records: i32,
    /// To order prescriptions.
    prescriptions: i32,
    /// To book appointments.
    appointments: i32,
}

connection! {
    /// A page of support sessions.
    SupportSessionConnection, SupportSessionEdge, SupportSession
}

payload! {
    /// What a change to a support session came to.
    SupportSessionPayload {
        /// The session as it is now; null when there are problems, unless somebody was faster.
        support_session: SupportSession
    }
}

/// What can be asked about support sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionQueries;

/// What can be asked about support sessions.
#[Object]
impl SessionQueries {
    /// The support sessions of a site that you may see, latest day first: your own; all of them for project leads,
    /// analysts and site admins.
    async fn support_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site's slug.")] site: String,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<SupportSessionConnection> {
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        Ok(SupportSessionConnection(
            Connection::root(ctx, paging, Sessions { site }).await?,
        ))
    }
}

/// Sign-ups to online services, by service.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct SignUpsInput {
    /// To see the health record.
    #[graphql(default)]
    records: i32,
    /// To order prescriptions.
    #[graphql(default)]
    prescriptions: i32,
    /// To book appointments.
    #[graphql(default)]
    appointments: i32,
}

/// A session that you held.
#[derive(Clone, Debug, InputObject)]
pub struct SupportSessionRecordInput {
    /// The slug of your site.
    site: String,
    /// On which day, not a coming one.
    held_on: Date,
    /// In which way.
    mode: SessionMode,
    /// How many minutes it took, at most a day.
    minutes: i32,
    /// How many people were helped; 0 when nobody came.
    people_helped: i32,
    /// The health condition that it was about, at most 60 characters. Name nobody.
    condition: Option<String>,
    /// Who signed up to online services with help.
    sign_ups: Option<SignUpsInput>,
    /// The code of the campaign that brought people, at most 60 characters.
    campaign_code: Option<String>,
}

impl SupportSessionRecordInput {
    fn held(self) -> ops::Held {
        let sign_ups = self.sign_ups.unwrap_or_default();
        ops::Held {
            held_on: self.held_on.0,
            mode: self.mode.into(),
            minutes: self.minutes,
            people_helped: self.people_helped,
            condition: self.condition,
            records: sign_ups.records,
            prescriptions: sign_ups.prescriptions,
            appointments: sign_ups.appointments,
            campaign_code: self.campaign_code,
        }
    }
}

/// Changes to a session that is not approved. What is left out stays; null empties. It is handed in again.
#[derive(Clone, Debug, InputObject)]
pub struct SupportSessionUpdateInput {
    /// The session.
    id: ID,
    /// The version that you read.
    version: i32,
    /// On which day.
    held_on: MaybeUndefined<Date>,
    /// In which way.
    mode: MaybeUndefined<SessionMode>,
    /// How many minutes it took.
    minutes: MaybeUndefined<i32>,
    /// How many people were helped.
    people_helped: MaybeUndefined<i32>,
    /// The health condition that it was about.
    condition: MaybeUndefined<String>,
    /// Who signed up to online services with help, all three figures anew.
    sign_ups: MaybeUndefined<SignUpsInput>,
    /// The code of the campaign that brought people.
    campaign_code: MaybeUndefined<String>,
}

impl SupportSessionUpdateInput {
    fn changes(self) -> ops::Changes {
        let figures = |sign_ups: SignUpsInput| (sign_ups.records, sign_ups.prescriptions, sign_ups.appointments);
        ops::Changes {
            held_on: self.held_on.map_value(|day| day.0).into(),
            mode: self.mode.map_value(Into::into).into(),
            minutes: self.minutes.into(),
            people_helped: self.people_helped.into(),
            condition: self.condition.into(),
            sign_ups: self.sign_ups.map_value(figures).into(),
            campaign_code: self.campaign_code.into(),
        }
    }
}

/// A decision on a support session.
#[derive(Clone, Debug, InputObject)]
pub struct SupportSessionDecideInput {
    /// The session.
    id: ID,
    /// The version that you read, so that you decide on what you saw.
    version: Option<i32>,
    /// True: it counts from now on and stays as it is. False: it goes back.
    approve: bool,
    /// Why, at most 1,000 characters; needed when it goes back.
    reason: Option<String>,
}

/// What can be done to support sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionMutations;

/// What can be done to support sessions.
#[Object]
impl SessionMutations {
    /// Records a session that you held. For champions of the site.
    async fn support_session_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: SupportSessionRecordInput,
    ) -> Result<SupportSessionPayload> {
        change(ctx, async |work| {
            let site = input.site.clone();
            Ok(ops::record(work, &site, input.held()).await?.id)
        })
        .await
    }

    /// Mends your session while it is not approved, and hands it in again.
    async fn support_session_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: SupportSessionUpdateInput,
    ) -> Result<SupportSessionPayload> {
        change(ctx, async |work| {
            let (id, version) = (input_id("id", &input.id)?, input.version);
            Ok(ops::update(work, id, version, input.changes()).await?.id)
        })
        .await
    }

    /// Approves a session or returns it. For project leads and site admins; nobody decides on their own.
    async fn support_session_decide(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session and the decision.")] input: SupportSessionDecideInput,
    ) -> Result<SupportSessionPayload> {
        change(ctx, async |work| {
            let decision = Decision {
                approve: input.approve,
                reason: input.reason,
            };
            let id = input_id("id", &input.id)?;
            Ok(ops::decide(work, id, input.version, decision).await?.id)
        })
        .await
    }
}
