//! Mutations: one unit of work, then the record as a reader sees it, or the problems that a person can mend.

use std::sync::Arc;

use async_graphql::{Context, Enum, SimpleObject};
use entity::{Kind, RecordId};
use sea_orm::prelude::Uuid;

use crate::{
    app::{App, Intent, Outcome, Work},
    auth::callers,
    error::{self, Result},
    graphql::{
        Asker, Asking, IdempotencyKey, canonical,
        seen::{Seen, Shows},
    },
    read,
    scope::Scoped,
};

/// Something in the input that a person can mend. Nothing was changed.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(shareable)]
pub struct InputProblem {
    /// What kind of problem it is, for your code.
    code: ProblemCode,
    /// What to tell the person.
    message: String,
    /// Which part of the input it is about, outermost first, e.g. `["targets", "0", "value"]`; empty for the whole.
    path: Vec<String>,
}

/// Kinds of problems in an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "error::ProblemCode")]
pub enum ProblemCode {
    /// A value is needed and missing.
    Required,
    /// A text or list is too long.
    TooLong,
    /// A text or list is too short.
    TooShort,
    /// A value is wrong in another way.
    Invalid,
    /// The value is already used by another record.
    Taken,
    /// Somebody was faster: the payload carries the record as it is now.
    Conflict,
    /// The record's present state does not allow it.
    NotAllowedNow,
}

impl From<error::Problem> for InputProblem {
    fn from(problem: error::Problem) -> Self {
        Self {
            code: problem.code.into(),
            message: problem.message,
            path: problem.path,
        }
    }
}

/// What a mutation answers with.
pub trait Payload: Sized {
    /// The type of the record.
    type Record: Shows;

    /// With the record, or with problems; with a conflict both.
    fn of(record: Option<Self::Record>, problems: Vec<InputProblem>) -> Self;
}

/// Declares the payload of the mutations of one type of the API.
macro_rules! payload {
    ($(#[$doc:meta])* $payload:ident { $(#[$field_doc:meta])* $field:ident: $record:ident }) => {
        $(#[$doc])*
        #[derive(Debug, async_graphql::SimpleObject)]
        pub struct $payload {
            $(#[$field_doc])*
            $field: Option<$record>,
            /// What to mend before trying again; empty when it was done.
            problems: Vec<$crate::graphql::payload::InputProblem>,
        }

        impl $crate::graphql::payload::Payload for $payload {
            type Record = $record;

            fn of(record: Option<$record>, problems: Vec<$crate::graphql::payload::InputProblem>) -> Self {
                Self { $field: record, problems }
            }
        }
    };
}
pub(crate) use payload;

/// Does a mutation on one record and answers with that record as the caller may read it now.
///
/// # Errors
/// Those of the operation that no person can mend in the input.
pub async fn change<P: Payload, Id: RecordId>(
    ctx: &Context<'_>,
    op: impl AsyncFnOnce(&mut Work<'_>) -> Result<Id>,
) -> Result<P> {
    let (records, problems) = changes(ctx, async |work| Ok(vec![op(work).await?])).await?;
    Ok(P::of(records.into_iter().next(), problems))
}

/// Does a mutation on several records of one kind.
///
/// # Errors
/// Those of the operation that no person can mend in the input.
pub async fn changes<R: Shows, Id: RecordId>(
    ctx: &Context<'_>,
    op: impl AsyncFnOnce(&mut Work<'_>) -> Result<Vec<Id>>,
) -> Result<(Vec<R>, Vec<InputProblem>)> {
    let outcome = settle(ctx, op).await?;
    let ids: Vec<Uuid> = match &outcome {
        Outcome::Done(ids) => ids.clone(),
        Outcome::Conflict(id) => vec![*id],
        Outcome::Problems(_) => Vec::new(),
    };
    if matches!(R::Entity::KIND, Kind::Champion | Kind::Space)
        && let Some(identity) = ctx.caller().identity.clone()
    {
        // Who they are and which closed spaces they are in may just have changed.
        let renewed = callers::of_identity(ctx.app().reader(), identity, ctx.caller().roles.clone()).await?;
        ctx.data_unchecked::<Arc<Asker>>().renew(renewed);
    }
    let typed: Vec<_> = ids.iter().map(|id| <R::Entity as Scoped>::Id::from(*id)).collect();
    let rows = read::by_ids::<R::Entity>(ctx.app().reader(), ctx.caller(), &typed).await?;
    let mut records: Vec<_> = Seen::<R::Entity>::all(rows).collect();
    records.sort_by_key(|row| ids.iter().position(|id| *id == Into::<Uuid>::into(R::Entity::id(row))));
    let problems = outcome.problems().into_iter().map(InputProblem::from).collect();
    Ok((records.into_iter().map(R::show).collect(), problems))
}

/// Does a mutation, once for all repeats under an `Idempotency-Key`, and tells what it came to.
///
/// # Errors
/// Those of the operation that no person can mend in the input.
pub async fn settle<Id: RecordId>(
    ctx: &Context<'_>,
    op: impl AsyncFnOnce(&mut Work<'_>) -> Result<Vec<Id>>,
) -> Result<Outcome> {
    let app = Arc::clone(ctx.data_unchecked::<Arc<App>>());
    let field = ctx.field();
    let intent = intent(ctx);
    app.settle(ctx.caller(), field.name(), intent.as_ref(), async |work| {
        Ok(op(work).await?.into_iter().map(Into::into).collect())
    })
    .await
}

fn intent(ctx: &Context<'_>) -> Option<Intent> {
    let key = ctx.data_opt::<IdempotencyKey>()?.0.as_ref()?;
    let identity = ctx.caller().identity.as_ref()?;
    let field = ctx.field();
    let response_key = field.alias().unwrap_or(field.name());
    let arguments = field.arguments().ok()?;
    let key = [key.as_str(), response_key];
    Some(Intent::new(identity, key, [field.name(), &canonical(&arguments)]))
}
