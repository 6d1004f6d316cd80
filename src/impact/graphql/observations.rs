//! Observations in the API.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::{ImpactMeasure, ObservationState};
use crate::{
    app::{Outcome, Work},
    champions::graphql::Champion,
    error::Result,
    graphql::{
        enums::stored,
        ids::{argument_id, input_id},
        page::{Connection, Paging, connection},
        payload::{InputProblem, change, payload, settle},
        record::record_object,
        scalars::{Date, Decimal},
    },
    impact::ops::{
        Decision, import,
        observations::{self as ops, Observations, Said},
    },
    projects::graphql::Project,
};

record_object! {
    /// A figure that somebody recorded and somebody else approves. It never leaves its site: others see what the site
    /// releases.
    Observation shows observation {
        /// Of which measure.
        async fn measure(&self, ctx: &Context<'_>) -> Result<Option<ImpactMeasure>> {
            self.0.one(ctx, |row| Some(row.measure_id)).await
        }

        /// In which project, if in one that you may see.
        async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
            self.0.one(ctx, |row| row.project_id).await
        }

        /// On which day.
        async fn observed_on(&self) -> Date {
            Date(self.0.observed_on)
        }

        /// The figure; null when the measure is a coverage.
        async fn value(&self) -> Option<Decimal> {
            self.0.value.map(Into::into)
        }

        /// Of a coverage: how many.
        async fn numerator(&self) -> Option<Decimal> {
            self.0.numerator.map(Into::into)
        }

        /// Of a coverage: of how many.
        async fn denominator(&self) -> Option<Decimal> {
            self.0.denominator.map(Into::into)
        }

        /// By what it is broken down.
        async fn breakdown(&self) -> Vec<Breakdown> {
            let pairs = ops::breakdown(&self.0).into_iter();
            pairs.map(|pair| Breakdown { dimension: pair.dimension, value: pair.value }).collect()
        }

        /// Where it stands.
        async fn state(&self) -> ObservationState {
            self.0.state.into()
        }

        /// Who recorded it, if you may see them.
        async fn recorded_by(&self, ctx: &Context<'_>) -> Result<Option<Champion>> {
            self.0.one(ctx, |row| row.owner_id).await
        }

        /// How the figure came about.
        async fn note(&self) -> Option<&str> {
            self.0.note.as_deref()
        }

        /// Why it was returned, or what was said when it was approved.
        async fn decision_reason(&self) -> Option<&str> {
            self.0.decision_reason.as_deref()
        }
    }
}

/// By what a figure is broken down, e.g. dimension `channel`, value `ward`.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct Breakdown {
    /// What is told apart, in lower case.
    dimension: String,
    /// Which of it, in lower case.
    value: String,
}

connection! {
    /// A page of observations.
    ObservationConnection, ObservationEdge, Observation
}

payload! {
    /// What a change to an observation came to.
    ObservationPayload {
        /// The observation as it is now; null when there are problems, unless somebody was faster.
        observation: Observation
    }
}

/// What an import came to: all lines or none.
#[derive(Debug, SimpleObject)]
pub struct ImportPayload {
    /// How many observations were recorded; 0 when there are problems.
    imported: i32,
    /// What to mend before trying again, each with the path `csv`, the number of the line and the column.
    problems: Vec<InputProblem>,
}

/// Which observations. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ObservationFilter {
    /// Of this measure.
    measure: Option<ID>,
    /// Of this project.
    project: Option<ID>,
    /// In one of these states.
    states: Option<Vec<ObservationState>>,
    /// Observed on this day or later.
    from: Option<Date>,
    /// Observed on this day or earlier.
    to: Option<Date>,
}

impl ObservationFilter {
    fn list(self, site: String) -> Result<Observations> {
        let measure = self.measure.map(|id| argument_id("filter.measure", &id));
        let project = self.project.map(|id| argument_id("filter.project", &id));
        Ok(Observations {
            site,
            measure: measure.transpose()?,
            project: project.transpose()?,
            states: self.states.map(stored),
            from: self.from.map(|day| day.0),
            to: self.to.map(|day| day.0),
        })
    }
}

/// What can be asked about observations.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObservationQueries;

/// What can be asked about observations.
#[Object]
impl ObservationQueries {
    /// The observations of a site that you may see, latest day first: your own; all of them for project leads, analysts
    /// and site admins.
    async fn observations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site's slug.")] site: String,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which observations.")] filter: Option<ObservationFilter>,
    ) -> Result<ObservationConnection> {
        let list = filter.unwrap_or_default().list(site)?;
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        Ok(ObservationConnection(Connection::root(ctx, paging, list).await?))
    }
}

/// By what a figure is broken down.
#[derive(Clone, Debug, InputObject)]
pub struct BreakdownInput {
    /// What is told apart, at most 60 characters, e.g. `channel`. Kept in lower case.
    dimension: String,
    /// Which of it, at most 60 characters, e.g. `ward`. Kept in lower case.
    value: String,
}

fn pairs(breakdown: Vec<BreakdownInput>) -> Vec<ops::Breakdown> {
    let pairs = breakdown.into_iter();
    pairs
        .map(|pair| ops::Breakdown {
            dimension: pair.dimension,
            value: pair.value,
        })
        .collect()
}

/// A new observation.
#[derive(Clone, Debug, InputObject)]
pub struct ObservationRecordInput {
    /// The slug of your site, whose figure it is.
    site: String,
    /// The id of the measure: a national one, or one of the site.
    measure: ID,
    /// The project that it belongs to: one of the site.
    project: Option<ID>,
    /// On which day, not a coming one.
    observed_on: Date,
    /// The figure, unless the measure is a coverage; of a count a whole number.
    value: Option<Decimal>,
    /// Of a coverage: how many.
    numerator: Option<Decimal>,
    /// Of a coverage: of how many, not fewer than the numerator.
    denominator: Option<Decimal>,
    /// By what it is broken down, at most 10 dimensions.
    #[graphql(default)]
    breakdown: Vec<BreakdownInput>,
    /// How the figure came about, at most 1,000 characters. Name nobody.
    note: Option<String>,
}

impl ObservationRecordInput {
    fn draft(self) -> Result<ops::Draft> {
        let project = self.project.map(|id| input_id("project", &id));
        Ok(ops::Draft {
            measure: input_id("measure", &self.measure)?,
            said: Said {
                project: project.transpose()?,
                observed_on: self.observed_on.0,
                value: self.value.map(|figure| figure.0),
                numerator: self.numerator.map(|figure| figure.0),
                denominator: self.denominator.map(|figure| figure.0),
                breakdown: pairs(self.breakdown),
                note: self.note,
            },
            site: self.site,
        })
    }
}

/// Changes to an observation that is not approved. What is left out stays; null empties. It is handed in again.
#[derive(Clone, Debug, InputObject)]
pub struct ObservationUpdateInput {
    /// The observation.
    id: ID,
    /// The version that you read.
    version: i32,
    /// The project that it belongs to.
    project: MaybeUndefined<ID>,
    /// On which day.
    observed_on: MaybeUndefined<Date>,
    /// The figure.
    value: MaybeUndefined<Decimal>,
    /// Of a coverage: how many.
    numerator: MaybeUndefined<Decimal>,
    /// Of a coverage: of how many.
    denominator: MaybeUndefined<Decimal>,
    /// By what it is broken down.
    breakdown: MaybeUndefined<Vec<BreakdownInput>>,
    /// How the figure came about.
    note: MaybeUndefined<String>,
}

impl ObservationUpdateInput {
    fn changes(self) -> Result<ops::Changes> {
        let project = self.project.map_value(|id| input_id("project", &id));
        Ok(ops::Changes {
            project: project.transpose()?.into(),
            observed_on: self.observed_on.map_value(|day| day.0).into(),
            value: self.value.map_value(|figure| figure.0).into(),
            numerator: self.numerator.map_value(|figure| figure.0).into(),
            denominator: self.denominator.map_value(|figure| figure.0).into(),
            breakdown: self.breakdown.map_value(pairs).into(),
            note: self.note.into(),
        })
    }
}

/// A decision on an observation.
#[derive(Clone, Debug, InputObject)]
pub struct ObservationDecideInput {
    /// The observation.
    id: ID,
    /// The version that you read, so that you decide on what you saw.
    version: Option<i32>,
    /// True: it counts from now on and stays as it is. False: it goes back.
    approve: bool,
    /// Why, at most 1,000 characters; needed when it goes back.
    reason: Option<String>,
}

/// Observations from a spreadsheet.
#[derive(Clone, Debug, InputObject)]
pub struct ObservationsImportInput {
    /// The slug of your site, whose figures they are.
    site: String,
    /// The text of a CSV file (RFC 4180, UTF-8): a header and at most 5,000 lines. The columns, in any order, are
    /// `measure` (a code), `observed_on` (YYYY-MM-DD), and where needed `project` (a slug), `value`, `numerator`,
    /// `denominator`, `breakdown` (`channel=ward;service=records`) and `note`.
    csv: String,
}

/// What can be done to observations.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObservationMutations;

/// What can be done to observations.
#[Object]
impl ObservationMutations {
    /// Records a figure for somebody else to approve. For champions of the site.
    async fn observation_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The observation.")] input: ObservationRecordInput,
    ) -> Result<ObservationPayload> {
        change(ctx, async |work| Ok(ops::record(work, input.draft()?).await?.id)).await
    }

    /// Mends your observation while it is not approved, and hands it in again.
    async fn observation_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: ObservationUpdateInput,
    ) -> Result<ObservationPayload> {
        change(ctx, async |work| {
            let (id, version) = (input_id("id", &input.id)?, input.version);
            Ok(ops::update(work, id, version, input.changes()?).await?.id)
        })
        .await
    }

    /// Approves an observation or returns it. For analysts and site admins; nobody decides on their own.
    async fn observation_decide(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The observation and the decision.")] input: ObservationDecideInput,
    ) -> Result<ObservationPayload> {
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

    /// Records every line of a CSV file as an observation, all or nothing. For champions of the site.
    async fn observations_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site and the file's text.")] input: ObservationsImportInput,
    ) -> Result<ImportPayload> {
        let import = async |work: &mut Work<'_>| import::import(work, &input.site, &input.csv).await;
        let outcome = settle(ctx, import).await?;
        let imported = match &outcome {
            Outcome::Done(ids) => ids.len(),
            Outcome::Problems(_) | Outcome::Conflict(_) => 0,
        };
        Ok(ImportPayload {
            imported: i32::try_from(imported).unwrap_or(i32::MAX),
            problems: outcome.problems().into_iter().map(InputProblem::from).collect(),
        })
    }
}
