//! Releases in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{ImpactMeasure, ImpactValue};
use crate::{
    error::Result,
    graphql::{
        enums::{Visibility, api_enum, stored},
        ids::{argument_id, input_id},
        page::{Connection, Paging, connection},
        payload::{InputProblem, changes},
        record::record_object,
        scalars::Date,
    },
    impact::{
        disclosure::{Released, Shape},
        ops::releases::{self as ops, Releases},
        report,
    },
};

api_enum! {
    /// Where a release stands.
    ReleaseState {
        /// What the site says now.
        Current,
        /// A later release says something else.
        Superseded,
        /// Taken back. Only analysts and admins of the site see it.
        Withdrawn,
    }
}

record_object! {
    /// A site's published figure for one measure and month, after disclosure control. Immutable; a correction supersedes
    /// it.
    ImpactRelease shows impact_release {
        /// Of which measure; null while this host does not know it.
        async fn measure(&self, ctx: &Context<'_>) -> Result<Option<ImpactMeasure>> {
            self.0.one(ctx, |row| Some(row.measure_id)).await
        }

        /// The first day of the month.
        async fn month(&self) -> Date {
            Date(self.0.month)
        }

        /// The figure as it was published.
        async fn value(&self) -> ImpactValue {
            let released = Released::from(&*self.0);
            report::released(Shape::told_by(&released), &released).into()
        }

        /// Which release of this month it is, from 1.
        async fn revision(&self) -> i32 {
            self.0.revision
        }

        /// The release that it corrects, if you may see that.
        async fn supersedes(&self, ctx: &Context<'_>) -> Result<Option<ImpactRelease>> {
            self.0.one(ctx, |row| row.supersedes_id).await
        }

        /// Where it stands.
        async fn state(&self) -> ReleaseState {
            self.0.state.into()
        }
    }
}

connection! {
    /// A page of releases.
    ImpactReleaseConnection, ImpactReleaseEdge, ImpactRelease
}

/// What a change to releases came to.
#[derive(Debug, SimpleObject)]
pub struct ImpactReleasePayload {
    /// The releases as they are now, by month; empty when there are problems, unless somebody was faster.
    releases: Vec<ImpactRelease>,
    /// What to mend before trying again; empty when it was done.
    problems: Vec<InputProblem>,
}

/// Which releases. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ReleaseFilter {
    /// Of the sites with these slugs.
    sites: Option<Vec<String>>,
    /// Of this measure.
    measure: Option<ID>,
    /// Of months that begin on this day or later.
    from: Option<Date>,
    /// Of months that begin on this day or earlier.
    to: Option<Date>,
    /// In one of these states; `[CURRENT]` leaves out what was corrected.
    states: Option<Vec<ReleaseState>>,
}

/// What can be asked about releases.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReleaseQueries;

/// What can be asked about releases.
#[Object]
impl ReleaseQueries {
    /// The releases of the network that you may see, latest month first.
    async fn releases(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which releases.")] filter: Option<ReleaseFilter>,
    ) -> Result<ImpactReleaseConnection> {
        let filter = filter.unwrap_or_default();
        let measure = filter.measure.map(|id| argument_id("filter.measure", &id));
        let list = Releases {
            sites: filter.sites,
            measure: measure.transpose()?,
            from: filter.from.map(|day| day.0),
            to: filter.to.map(|day| day.0),
            states: filter.states.map(stored),
        };
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        Ok(ImpactReleaseConnection(Connection::root(ctx, paging, list).await?))
    }
}

/// Months to be published.
#[derive(Clone, Debug, InputObject)]
pub struct ImpactReleaseInput {
    /// The slug of the site whose figures they are.
    site: String,
    /// The id of the measure: a national one, or one of the site.
    measure: ID,
    /// The first month, by its first day.
    from: Date,
    /// The last month, by its first or last day. It must have ended; at most 60 months at once.
    to: Date,
    /// Who sees the figures.
    #[graphql(default_with = "Visibility::Network")]
    visibility: Visibility,
}

/// A release to be taken back.
#[derive(Clone, Debug, InputObject)]
pub struct ImpactReleaseWithdrawInput {
    /// The release.
    id: ID,
    /// The version that you read.
    version: i32,
}

/// What can be done to releases.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReleaseMutations;

/// What can be done to releases.
#[Object]
impl ReleaseMutations {
    /// Publishes a site's approved figures of whole months after disclosure control, which nothing switches off. A month
    /// whose published figure would be the same keeps its release; a month without approved figures gets none. When a figure
    /// would tell of hidden people together with one that was released before, nothing is released and the problem is
    /// `NOT_ALLOWED_NOW` at `measure`, with the month: so for a second measure of the same figure of sessions, and for people
    /// helped and their sign-ups when they are too close. For analysts and site admins.
    async fn impact_release(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site, the measure and the months.")] input: ImpactReleaseInput,
    ) -> Result<ImpactReleasePayload> {
        let release = changes(ctx, async |work| {
            let draft = ops::Draft {
                measure: input_id("measure", &input.measure)?,
                site: input.site,
                from: input.from.0,
                to: input.to.0,
                visibility: input.visibility.into(),
            };
            let releases = ops::release(work, draft).await?;
            Ok(releases.into_iter().map(|row| row.id).collect())
        });
        let (releases, problems) = release.await?;
        Ok(ImpactReleasePayload { releases, problems })
    }

    /// Takes a release back, without a correction. For analysts and site admins.
    async fn impact_release_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The release.")] input: ImpactReleaseWithdrawInput,
    ) -> Result<ImpactReleasePayload> {
        let withdraw = changes(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(vec![ops::withdraw(work, id, input.version).await?.id])
        });
        let (releases, problems) = withdraw.await?;
        Ok(ImpactReleasePayload { releases, problems })
    }
}
