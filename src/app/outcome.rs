//! What a mutation came to, and that one which is sent twice takes effect once.

use chrono::TimeDelta;
use entity::idempotent_outcome;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter,
    prelude::Uuid,
    sea_query::{Expr, LockBehavior, LockType, OnConflict, Query},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Work;
use crate::{
    error::{Error, Problem, ProblemCode, Result},
    policy::Identity,
};

/// How long the outcome of a mutation with an `Idempotency-Key` is kept.
const OUTCOME_KEPT: TimeDelta = TimeDelta::hours(24);

/// What a mutation came to: what is kept under an `Idempotency-Key` and told again to a repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The ids of the records it is about.
    Done(Vec<Uuid>),
    /// What a person can mend; nothing was changed.
    Problems(Vec<Problem>),
    /// Somebody was faster with this record; nothing was changed.
    Conflict(Uuid),
}

impl Outcome {
    /// The problems to show, for outcomes that changed nothing.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Done(_) => Vec::new(),
            Self::Problems(problems) => problems.clone(),
            Self::Conflict(_) => vec![Problem::new(
                ProblemCode::Conflict,
                "version",
                "Somebody changed this in the meantime. Look at what it is now, then try again.",
            )],
        }
    }
}

/// A mutation that may be sent twice and takes effect once.
#[derive(Clone, Debug)]
pub struct Intent {
    scope: String,
    author: String,
    request: String,
}

impl Intent {
    /// What somebody means to do under a key: the field under its name in the answer, and its input.
    pub fn new(author: &Identity, [key, response_key]: [&str; 2], [field, input]: [&str; 2]) -> Self {
        let (issuer, subject) = (author.issuer.as_str(), author.subject.as_str());
        Self {
            scope: hash(&[issuer, subject, key, response_key]),
            author: Self::author(issuer, subject),
            request: hash(&[field, input]),
        }
    }

    fn author(issuer: &str, subject: &str) -> String {
        hash(&[issuer, subject])
    }
}

/// SHA-256 in hexadecimal, over each part with its length before it, so that no two lists of parts hash alike.
fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

impl Work<'_> {
    /// Claims an intent; tells what it came to when it was claimed before. A running twin is awaited: on PostgreSQL by
    /// the unique key, on SQLite by the writer's turn.
    pub(super) async fn claim(&self, intent: &Intent) -> Result<Option<Outcome>> {
        use idempotent_outcome::{ActiveModel, Column, Entity};
        self.forget_old_outcomes().await?;
        loop {
            let claimed = Entity::insert(ActiveModel {
                scope: Set(intent.scope.clone()),
                author: Set(intent.author.clone()),
                request: Set(intent.request.clone()),
                outcome: Set(String::new()),
                created_at: Set(self.now),
            });
            let unclaimed = OnConflict::column(Column::Scope).do_nothing().to_owned();
            if claimed.on_conflict(unclaimed).exec_without_returning(self.db()).await? > 0 {
                return Ok(None);
            }
            // What another work has just forgotten can be claimed anew.
            let Some(kept) = Entity::find_by_id(&intent.scope).one(self.db()).await? else {
                continue;
            };
            if kept.request != intent.request {
                return Err(Error::argument("", "This Idempotency-Key was used with another input."));
            }
            return serde_json::from_str(&kept.outcome).map(Some).map_err(Error::internal);
        }
    }

    /// Forgets the outcomes that no repeat is told any more, but for those that a work which has not ended yet forgets: nobody waits
    /// for it.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn forget_old_outcomes(&self) -> Result<()> {
        use idempotent_outcome::{Column, Entity};
        let old = Query::select()
            .column(Column::Scope)
            .from(Entity)
            .and_where(Column::CreatedAt.lt(self.now - OUTCOME_KEPT))
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .to_owned();
        let old = Entity::delete_many().filter(Column::Scope.in_subquery(old));
        old.exec(self.db()).await?;
        Ok(())
    }

    pub(super) async fn keep(&self, intent: &Intent, outcome: &Outcome) -> Result<()> {
        use idempotent_outcome::{Column, Entity};
        let outcome = serde_json::to_string(outcome).map_err(Error::internal)?;
        let claimed = Entity::update_many().col_expr(Column::Outcome, Expr::val(outcome));
        claimed.filter(Column::Scope.eq(&intent.scope)).exec(self.db()).await?;
        Ok(())
    }

    /// Forgets the outcomes of what a person has done, but for this work's own, and of what names a record.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn forget_outcomes(&self, identity: Option<(&str, &str)>, record: Uuid) -> Result<()> {
        use idempotent_outcome::{Column, Entity};
        let mut theirs = Condition::any().add(Column::Outcome.contains(record.to_string()));
        if let Some((issuer, subject)) = identity {
            theirs = theirs.add(Column::Author.eq(Intent::author(issuer, subject)));
        }
        // The intent that a work has claimed has no outcome before it ends.
        let settled = Column::Outcome.ne("");
        Entity::delete_many()
            .filter(theirs)
            .filter(settled)
            .exec(self.db())
            .await?;
        Ok(())
    }
}
