//! Champions themselves in the API.

use async_graphql::{Context, Enum, InputObject, SimpleObject};

use super::{ChampionKind, ChampionStatus, DigitalSkill, StaffGroup};
use crate::{
    champions::ops::{self, Champions, Order},
    error::Result,
    graphql::{
        Asking,
        enums::{shown, stored},
        page::{Paging, connection},
        payload::{InputProblem, Payload, payload},
        record::record_object,
    },
    projects::{self, graphql::ProjectConnection},
};

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
            ops::contact_shown(ctx.caller(), &self.0).then(|| ChampionContact {
                email: self.0.email.clone(),
                phone: self.0.phone.clone(),
            })
        }

        /// Why their status was last changed, e.g. why an application was declined; null when nobody said why, and for all but
        /// the champion, the leads and the admins of the site.
        async fn status_reason(&self, ctx: &Context<'_>) -> Option<&str> {
            ops::contact_shown(ctx.caller(), &self.0)
                .then_some(self.0.status_reason.as_deref())
                .flatten()
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
    pub(super) code: Option<String>,
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
