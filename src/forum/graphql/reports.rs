//! Reports in the API.

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::{Kind, PostId, ThreadId, ids::parse_any};

use super::{Post, Thread};
use crate::{
    champions::graphql::Champion,
    error::{Error, ProblemCode, Result},
    forum::ops::{
        lists::Reports,
        reports::{self, Subject},
    },
    graphql::{
        Asking,
        enums::api_enum,
        ids::input_id,
        page::{Connection, Paging, connection},
        payload::{change, payload},
        record::record_object,
    },
};

api_enum! {
    /// Where a report stands.
    ReportState {
        /// Waits for a moderator.
        Open,
        /// A moderator has looked at it.
        Closed,
    }
}

record_object! {
    /// A reader's report of a thread or post. It belongs to the reporter's site. Besides the reporter, moderators and
    /// admins of that site, of the space's home and of the author's home see it.
    Report shows report {
        /// The reported thread; null when it is about a post, or when you may not see the thread.
        async fn thread(&self, ctx: &Context<'_>) -> Result<Option<Thread>> {
            let of = |row: &entity::report::Model| {
                (row.subject_kind == Kind::Thread).then(|| ThreadId(row.subject_id))
            };
            self.0.one(ctx, of).await
        }

        /// The reported post; null when it is about a thread, or when you may not see the post.
        async fn post(&self, ctx: &Context<'_>) -> Result<Option<Post>> {
            let of = |row: &entity::report::Model| {
                (row.subject_kind == Kind::Post).then(|| PostId(row.subject_id))
            };
            self.0.one(ctx, of).await
        }

        /// What is wrong, in the reporter's words.
        async fn reason(&self) -> &str {
            &self.0.reason
        }

        /// Where it stands.
        async fn state(&self) -> ReportState {
            self.0.state.into()
        }

        /// What came of it; null while it is open.
        async fn outcome(&self) -> Option<&str> {
            self.0.outcome.as_deref()
        }

        /// When it was closed; null while it is open.
        async fn closed_at(&self) -> Option<DateTime<Utc>> {
            self.0.closed_at
        }

        /// Who reported. Null for everybody but the reporter and the moderators and admins of the reporter's own site.
        async fn reporter(&self, ctx: &Context<'_>) -> Result<Option<Champion>> {
            self.0.one(ctx, |row| reports::reporter(ctx.caller(), row)).await
        }
    }
}

connection! {
    /// A page of reports.
    ReportConnection, ReportEdge, Report
}

payload! {
    /// What a change to a report came to.
    ReportPayload {
        /// The report as it is now; null when there are problems, unless somebody was faster.
        report: Report
    }
}

/// What can be asked about reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportQueries;

/// What can be asked about reports.
#[Object]
impl ReportQueries {
    /// The reports that concern a site, newest first: made by its people, about what they wrote, or in its spaces. For
    /// moderators and admins; anybody else finds no more than what they reported themselves.
    async fn reports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site's slug.")] site: String,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those that wait for a moderator (true), or only closed ones (false).")] open: Option<
            bool,
        >,
    ) -> Result<ReportConnection> {
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        Ok(ReportConnection(
            Connection::root(ctx, paging, Reports { site, open }).await?,
        ))
    }
}

/// A report of a thread or post.
#[derive(Clone, Debug, InputObject)]
pub struct PostReportInput {
    /// The post, or the thread.
    id: ID,
    /// What is wrong, at most 1,000 characters. Moderators and admins of all sites concerned read it, without your name
    /// except at your own site.
    reason: String,
    /// The slug of the site whose champion you report as. Needed only when you are one at several sites.
    #[graphql(name = "as")]
    as_site: Option<String>,
}

impl PostReportInput {
    fn subject(&self) -> Result<Subject> {
        match parse_any(&self.id) {
            Some((Kind::Thread, id)) => Ok(Subject::Thread(id.into())),
            Some((Kind::Post, id)) => Ok(Subject::Post(id.into())),
            _ => Err(Error::problem(
                ProblemCode::Invalid,
                "id",
                "This is not the id of a post or thread.",
            )),
        }
    }
}

/// A report that is dealt with.
#[derive(Clone, Debug, InputObject)]
pub struct ReportCloseInput {
    /// The report.
    id: ID,
    /// The version that you read.
    version: i32,
    /// What came of it, at most 1,000 characters. All who see the report read it.
    outcome: String,
}

/// What can be done to reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportMutations;

/// What can be done to reports.
#[Object]
impl ReportMutations {
    /// Reports a post or thread to the moderators. For champions who see it.
    async fn post_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is reported and why.")] input: PostReportInput,
    ) -> Result<ReportPayload> {
        change(ctx, async |work| {
            let subject = input.subject()?;
            let made = reports::report(work, subject, &input.reason, input.as_site.as_deref());
            Ok(made.await?.id)
        })
        .await
    }

    /// Closes a report with what came of it. For moderators and admins of the space's home, never on what they wrote or
    /// reported themselves.
    async fn report_close(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The report and its outcome.")] input: ReportCloseInput,
    ) -> Result<ReportPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(reports::close(work, id, input.version, &input.outcome).await?.id)
        })
        .await
    }
}
