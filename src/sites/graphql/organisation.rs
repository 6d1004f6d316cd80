//! Organisations in the API.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use entity::organisation;

use crate::{
    app::Outcome,
    error::Result,
    graphql::{
        Asking,
        enums::{api_enum, stored},
        page::{Connection, Paging, connection},
        payload::{InputProblem, settle},
        record::record_object,
        scalars::Date,
        seen::Seen,
    },
    sites::ops::organisations::{self as ops, Organisations},
};

api_enum! {
    /// What an organisation is in the first place.
    OrganisationRole {
        /// An NHS trust.
        NhsTrust,
        /// An NHS foundation trust.
        FoundationTrust,
        /// A general practice.
        GpPractice,
        /// Practices that work together for the people of one area.
        PrimaryCareNetwork,
        /// An integrated care board.
        Icb,
        /// A council.
        LocalAuthority,
        /// A care home.
        CareHome,
        /// A pharmacy.
        Pharmacy,
        /// A charity or another voluntary organisation.
        Charity,
        /// Anything else.
        Other,
    }
}

record_object! {
    /// An organisation that champions, practices and projects belong to, as its home site has entered it.
    Organisation shows organisation {
        /// What it is called.
        async fn name(&self) -> &str {
            &self.0.name
        }

        /// Its code in the Organisation Data Service: 3 to 10 letters and digits.
        async fn ods_code(&self) -> Option<&str> {
            self.0.ods_code.as_deref()
        }

        /// What it is in the first place.
        async fn role(&self) -> OrganisationRole {
            self.0.role.into()
        }

        /// Its first day.
        async fn opened_on(&self) -> Option<Date> {
            self.0.opened_on.map(Date)
        }

        /// Its last day; null while it is open.
        async fn closed_on(&self) -> Option<Date> {
            self.0.closed_on.map(Date)
        }

        /// Those that took its place, as far as this host knows them.
        async fn successors(&self, ctx: &Context<'_>) -> Result<Vec<Organisation>> {
            let load = async |rows: &[organisation::Model]| {
                let codes: Vec<_> = rows.iter().flat_map(|row| row.successors.0.iter().cloned()).collect();
                let found = ops::with_codes(ctx.app().reader(), ctx.caller(), &codes).await?;
                Ok(Seen::<organisation::Entity>::all(found).collect::<Vec<_>>())
            };
            let all = self.0.together("successors".to_owned(), load).await?;
            let with = |code: &String| {
                let mut found: Vec<_> = all.iter().filter(|row| row.ods_code.as_ref() == Some(code)).collect();
                // Two sites may have entered the same one: that of this organisation's own site comes first.
                found.sort_by_key(|row| row.site_id != self.0.site_id);
                found.first().map(|row| Organisation((*row).clone()))
            };
            Ok(self.0.successors.0.iter().filter_map(with).collect())
        }
    }
}

connection! {
    /// A page of organisations.
    OrganisationConnection, OrganisationEdge, Organisation
}

/// Which organisations. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OrganisationFilter {
    /// With one of these roles.
    roles: Option<Vec<OrganisationRole>>,
    /// With this code in the Organisation Data Service.
    ods_code: Option<String>,
    /// Open on this day, as far as their dates are known.
    open_on: Option<Date>,
    /// With every one of these words in the name or the ODS code.
    search: Option<String>,
}

/// What can be asked about organisations.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrganisationQueries;

/// What can be asked about organisations.
#[Object]
impl OrganisationQueries {
    /// The organisations that the sites have entered, by name.
    async fn organisations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the back.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which organisations.")] filter: Option<OrganisationFilter>,
    ) -> Result<OrganisationConnection> {
        let filter = filter.unwrap_or_default();
        let list = Organisations {
            roles: filter.roles.map(stored),
            ods_code: filter.ods_code,
            open_on: filter.open_on.map(|day| day.0),
            search: filter.search,
        };
        let paging = Paging {
            first,
            after,
            last,
            before,
        };
        Ok(OrganisationConnection(Connection::root(ctx, paging, list).await?))
    }
}

/// A file of organisations.
#[derive(Clone, Debug, InputObject)]
pub struct OrganisationsImportInput {
    /// The slug of the site that keeps them.
    site: String,
    /// The file as text: CSV with commas, whose first line names the columns `ods_code`, `name`, `opened_on`,
    /// `closed_on`, `successors` and `role`. Only the first two are needed. Dates are written `YYYY-MM-DD`, several
    /// successors as ODS codes with blanks between. A file that is larger than a request may be is for the operator's
    /// command `organisations import`.
    csv: String,
    /// The role of the lines that say none.
    default_role: Option<OrganisationRole>,
}

/// What an import of organisations came to.
#[derive(Debug, SimpleObject)]
pub struct OrganisationsImportPayload {
    /// How many organisations of the file are stored now; 0 when there are problems, since a file goes in whole or not
    /// at all.
    imported: i32,
    /// What to mend before trying again, for every bad line; empty when it was done. The path is `csv`, the number of
    /// the line and the name of the column.
    problems: Vec<InputProblem>,
}

/// What can be done to organisations.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrganisationMutations;

/// What can be done to organisations.
#[Object]
impl OrganisationMutations {
    /// Takes in a CSV file of organisations, all of it or nothing. What the site has by the same ODS code is changed, the
    /// rest is new, and nothing is removed. For site admins.
    async fn organisations_import(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file.")] input: OrganisationsImportInput,
    ) -> Result<OrganisationsImportPayload> {
        let outcome = settle(ctx, async |work| {
            ops::import(work, &input.site, &input.csv, input.default_role.map(Into::into)).await
        })
        .await?;
        let imported = match &outcome {
            Outcome::Done(ids) => ids.len(),
            Outcome::Problems(_) | Outcome::Conflict(_) => 0,
        };
        Ok(OrganisationsImportPayload {
            imported: i32::try_from(imported).unwrap_or(i32::MAX),
            problems: outcome.problems().into_iter().map(InputProblem::from).collect(),
        })
    }
}
