//! Measures in the API.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};

use crate::{
    error::Result,
    graphql::{
        enums::api_enum,
        ids::input_id,
        page::{Connection, Paging, connection},
        payload::{change, payload},
        record::record_object,
    },
    impact::ops::measures::{self as ops, Measures},
};

api_enum! {
    /// What kind of figure a measure has.
    MeasureKind {
        /// A whole number of something.
        Count,
        /// Some of all, as in 60 of 81 practices: a numerator and a denominator.
        Coverage,
        /// A score, such as confidence from 1 to 10.
        Score,
        /// An amount of money.
        Currency,
    }
}

api_enum! {
    /// How the figures of a measure add up.
    MeasureAggregation {
        /// They are added.
        Sum,
        /// The latest of each project counts; a longer period has the figure of its last month.
        Latest,
        /// Their mean counts, over sites and months weighed by how many figures stand behind each.
        Mean,
    }
}

api_enum! {
    /// Which figure of approved support sessions counts into a measure.
    SessionFigure {
        /// How many sessions were held. Each has at least one person, so it is a number of people too.
        SessionsHeld,
        /// How many people were helped.
        PeopleHelped,
        /// How many sign-ups to online services there were.
        SignUps,
    }
}

record_object! {
    /// What is measured, in which unit, and how it adds up. National measures are shared by all sites.
    ImpactMeasure shows impact_measure {
        /// Its name in addresses and files, unique on its site, e.g. `people-helped`. A national one is asked for by it.
        async fn code(&self) -> &str {
            &self.0.code
        }

        /// What it is called.
        async fn name(&self) -> &str {
            &self.0.name
        }

        /// What exactly is counted, when and by whom.
        async fn definition(&self) -> &str {
            &self.0.definition
        }

        /// What one of it is, e.g. `people` or `GBP`.
        async fn unit(&self) -> &str {
            &self.0.unit
        }

        /// What kind of figure it has.
        async fn kind(&self) -> MeasureKind {
            self.0.kind.into()
        }

        /// How its figures add up.
        async fn aggregation(&self) -> MeasureAggregation {
            self.0.aggregation.into()
        }

        /// Whether it is about people. Its figures are then published after disclosure control, and no other way.
        async fn counts_people(&self) -> bool {
            self.0.counts_people
        }

        /// The figure of approved support sessions that counts into it; null when it is told by observations alone.
        async fn session_figure(&self) -> Option<SessionFigure> {
            self.0.session_figure.map(Into::into)
        }
    }
}

connection! {
    /// A page of measures.
    ImpactMeasureConnection, ImpactMeasureEdge, ImpactMeasure
}

payload! {
    /// What a change to a measure came to.
    ImpactMeasurePayload {
        /// The measure as it is now; null when there are problems, unless somebody was faster.
        measure: ImpactMeasure
    }
}

/// Which measures. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MeasureFilter {
    /// Of the sites with these slugs.
    sites: Option<Vec<String>>,
    /// Only the national ones, or only the others.
    national: Option<bool>,
    /// With every one of these words in the name or code.
    search: Option<String>,
}

/// What can be asked about measures.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeasureQueries;

/// What can be asked about measures.
#[Object]
impl MeasureQueries {
    /// The measures of the network, by name. Everybody sees them all.
    async fn measures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which measures.")] filter: Option<MeasureFilter>,
    ) -> Result<ImpactMeasureConnection> {
        let filter = filter.unwrap_or_default();
        let list = Measures {
            sites: filter.sites,
            national: filter.national,
            search: filter.search,
        };
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Ok(ImpactMeasureConnection(Connection::root(ctx, paging, list).await?))
    }
}

/// A new measure.
#[derive(Clone, Debug, InputObject)]
pub struct MeasureDefineInput {
    /// The slug of its site. Measures of the national site are shared by all.
    site: String,
    /// Its name in addresses and files: at most 60 lower-case letters and digits, with hyphens between words.
    code: String,
    /// What it is called, at most 200 characters.
    name: String,
    /// What exactly is counted, when and by whom, at most 5,000 characters.
    definition: String,
    /// What one of it is, at most 60 characters.
    unit: String,
    /// What kind of figure it has.
    kind: MeasureKind,
    /// How its figures add up. A coverage is no mean; a score or an amount about people is nothing else.
    aggregation: MeasureAggregation,
    /// Whether it is about people, so that its figures are published after disclosure control. It stays as you say it here.
    counts_people: bool,
    /// The figure of approved support sessions that counts into it; only for a `COUNT` about people that is a `SUM`.
    session_figure: Option<SessionFigure>,
}

/// Changes to a measure. What is left out stays; null empties. countsPeople stays as it was defined. Once figures are
/// recorded for it, code, kind, aggregation and sessionFigure stay as well; those of a national measure but its code stay
/// from the start, since every site may have recorded figures.
#[derive(Clone, Debug, InputObject)]
pub struct MeasureUpdateInput {
    /// The measure.
    id: ID,
    /// The version that you read.
    version: i32,
    /// Its name in addresses and files.
    code: MaybeUndefined<String>,
    /// What it is called.
    name: MaybeUndefined<String>,
    /// What exactly is counted.
    definition: MaybeUndefined<String>,
    /// What one of it is.
    unit: MaybeUndefined<String>,
    /// What kind of figure it has.
    kind: MaybeUndefined<MeasureKind>,
    /// How its figures add up.
    aggregation: MaybeUndefined<MeasureAggregation>,
    /// Whether it is about people: what it is already.
    counts_people: MaybeUndefined<bool>,
    /// The figure of support sessions that counts into it, of those that are approved from now on.
    session_figure: MaybeUndefined<SessionFigure>,
}

impl MeasureUpdateInput {
    fn changes(self) -> ops::Changes {
        ops::Changes {
            code: self.code.into(),
            name: self.name.into(),
            definition: self.definition.into(),
            unit: self.unit.into(),
            kind: self.kind.map_value(Into::into).into(),
            aggregation: self.aggregation.map_value(Into::into).into(),
            counts_people: self.counts_people.into(),
            session_figure: self.session_figure.map_value(Into::into).into(),
        }
    }
}

/// What can be done to measures.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeasureMutations;

/// What can be done to measures.
#[Object]
impl MeasureMutations {
    /// Defines a measure. For analysts and site admins.
    async fn measure_define(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The measure.")] input: MeasureDefineInput,
    ) -> Result<ImpactMeasurePayload> {
        let draft = ops::Draft {
            site: input.site,
            code: input.code,
            name: input.name,
            definition: input.definition,
            unit: input.unit,
            kind: input.kind.into(),
            aggregation: input.aggregation.into(),
            counts_people: input.counts_people,
            session_figure: input.session_figure.map(Into::into),
        };
        change(ctx, async |work| Ok(ops::define(work, draft).await?.id)).await
    }

    /// Changes a measure. For analysts and site admins of its site.
    async fn measure_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: MeasureUpdateInput,
    ) -> Result<ImpactMeasurePayload> {
        change(ctx, async |work| {
            let (id, version) = (input_id("id", &input.id)?, input.version);
            Ok(ops::update(work, id, version, input.changes()).await?.id)
        })
        .await
    }
}
