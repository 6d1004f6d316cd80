//! The running server and its unit of work: the only begin and commit.

mod audit;
mod outcome;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{DateTime, NaiveDate, Utc};
use entity::{Kind, SiteId, outbox, site};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, DatabaseConnection, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    prelude::Uuid,
    sea_query::LockType,
};
use tokio::task::spawn_blocking;
use tracing::Instrument;

pub use self::outcome::{Intent, Outcome};
use crate::{
    auth::KeySets,
    changes::{self, Followers},
    clock::{Clock, Forward, Ids},
    config::Settings,
    database::{Database, ROWS_A_STATEMENT, Transaction},
    erasure::{Erased, Ledger},
    error::{Error, Result},
    policy::{Access, Action, Caller, reach},
    record::Record,
    scope::{Scoped, covers, kept_here, readable},
    search::Hits,
    signals::Signals,
    tally::Tally,
};

/// The running server.
#[derive(Debug)]
pub struct App {
    /// The open database.
    pub database: Database,
    /// The settings of this host.
    pub settings: Settings,
    /// The clock.
    pub clock: Clock,
    /// The times of what is signed for other hosts: who reads it takes an earlier one for nothing new.
    pub signed_at: Forward,
    /// Makes ids and secrets.
    pub ids: Ids,
    /// The keys of issuers.
    pub key_sets: KeySets,
    /// What is gone for ever.
    pub ledger: Arc<Ledger>,
    /// How often feeds have changed, beside the database.
    pub tally: Tally,
    /// What wakes the sequencer and whoever waits for feeds.
    pub signals: Signals,
    /// Who follows what changes.
    pub followers: Arc<Followers>,
}

/// One unit of change: a transaction, who asks, when, and what it altered.
#[derive(Debug)]
pub struct Work<'a> {
    app: &'a App,
    caller: &'a Caller,
    action: &'a str,
    now: DateTime<Utc>,
    transaction: Transaction<'a>,
    audited: BTreeSet<Change>,
    changed: BTreeSet<Change>,
    told: Mutex<BTreeMap<(Kind, Uuid), bool>>,
    erased: Vec<Erased>,
    counted: AtomicI64,
    taken_back: Vec<SiteId>,
    forgets: bool,
    forgotten: BTreeSet<audit::Person>,
}

/// What a committed work altered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The site in whose feed it shows: the home, or the home of the space for a placement.
    pub site: SiteId,
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: Uuid,
}

impl App {
    /// For reading outside a unit of work.
    pub fn reader(&self) -> &DatabaseConnection {
        self.database.reader()
    }

    /// What a person looks for, ready for this database.
    pub fn hits(&self, search: &str) -> Hits {
        Hits::of(search, self.reader().get_database_backend())
    }

    /// Does one unit of work for a caller. An error leaves nothing.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn write<T>(
        &self,
        caller: &Caller,
        action: &str,
        op: impl AsyncFnOnce(&mut Work<'_>) -> Result<T>,
    ) -> Result<T> {
        let written = async {
            let mut work = Work::begin(self, caller, action).await?;
            let value = op(&mut work).await?;
            work.commit().await?;
            Ok(value)
        };
        written.instrument(tracing::info_span!("write", action)).await
    }

    /// Does one unit of work of the host itself, on its operator's word: what a rule would refuse, its caller must check.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn system<T>(&self, action: &str, op: impl AsyncFnOnce(&mut Work<'_>) -> Result<T>) -> Result<T> {
        self.write(&Caller::default(), action, op).await
    }

    /// Does one unit of work for a caller, once for all repeats of an intent.
    ///
    /// # Errors
    /// Those of the operation that are no [`Outcome`]; an intent that was used with another input.
    pub async fn settle(
        &self,
        caller: &Caller,
        action: &str,
        intent: Option<&Intent>,
        op: impl AsyncFnOnce(&mut Work<'_>) -> Result<Vec<Uuid>>,
    ) -> Result<Outcome> {
        let settled = self.settle_now(caller, action, intent, op);
        settled.instrument(tracing::info_span!("write", action)).await
    }

    async fn settle_now(
        &self,
        caller: &Caller,
        action: &str,
        intent: Option<&Intent>,
        op: impl AsyncFnOnce(&mut Work<'_>) -> Result<Vec<Uuid>>,
    ) -> Result<Outcome> {
        let mut work = Work::begin(self, caller, action).await?;
        if let Some(intent) = intent
            && let Some(settled) = work.claim(intent).await?
        {
            return Ok(settled);
        }
        let outcome = match op(&mut work).await {
            Ok(ids) => Outcome::Done(ids),
            Err(Error::Invalid(problems)) => Outcome::Problems(problems),
            Err(Error::Conflict(_, id)) => Outcome::Conflict(id),
            Err(other) => return Err(other),
        };
        if let Outcome::Done(_) = outcome {
            if let Some(intent) = intent {
                work.keep(intent, &outcome).await?;
            }
            work.commit().await?;
        } else if let Some(intent) = intent {
            drop(work);
            self.keep_refusal(caller, action, intent, &outcome).await?;
        }
        Ok(outcome)
    }

    /// Keeps why nothing was changed. A twin that was faster keeps its own outcome.
    async fn keep_refusal(&self, caller: &Caller, action: &str, intent: &Intent, outcome: &Outcome) -> Result<()> {
        let work = Work::begin(self, caller, action).await?;
        if work.claim(intent).await?.is_none() {
            work.keep(intent, outcome).await?;
        }
        work.commit().await
    }
}

impl<'a> Work<'a> {
    async fn begin(app: &'a App, caller: &'a Caller, action: &'a str) -> Result<Self> {
        let transaction = app.database.begin().await?;
        let (audited, changed) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self {
            app,
            caller,
            action,
            now: app.clock.now(),
            transaction,
            audited,
            changed,
            told: Mutex::default(),
            erased: Vec::new(),
            counted: AtomicI64::new(0),
            taken_back: Vec::new(),
            forgets: false,
            forgotten: BTreeSet::new(),
        })
    }

    async fn commit(self) -> Result<()> {
        let rows = self
            .changed
            .iter()
            .filter(|change| travels(change.kind))
            .map(|change| outbox::ActiveModel {
                id: NotSet,
                site_id: Set(change.site),
                kind: Set(change.kind),
                record_id: Set(change.id),
                at: Set(self.now),
            });
        let rows: Vec<_> = rows.collect();
        for rows in rows.chunks(ROWS_A_STATEMENT) {
            outbox::Entity::insert_many(rows.to_vec())
                .exec_without_returning(self.db())
                .await?;
        }
        let told = self.enter_changes().await?;
        self.enter_audit().await?;
        // An erasure that is on record and then fails is done again at the next start; the other way round it could be lost.
        self.enter_erasures().await?;
        let counted = self.counted.load(Ordering::Relaxed);
        if counted > 0 {
            self.app.tally.write(counted).map_err(Error::internal)?;
        }
        let forgets = self.forgets || !self.erased.is_empty();
        if forgets {
            self.transaction.needs_scrubbing().await?;
        }
        self.transaction.commit().await?;
        if forgets {
            self.app.signals.forgot();
        }
        if !rows.is_empty() {
            self.app.signals.wrote();
        }
        if told {
            self.app.signals.changed();
        }
        Ok(())
    }

    /// Enters in the log of changes what this work has changed.
    async fn enter_changes(&self) -> Result<bool> {
        let mut changed = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        changed.extend(self.changed.iter().map(|change| ((change.kind, change.id), true)));
        changes::enter(self.db(), self.now, changed).await
    }

    async fn enter_erasures(&self) -> Result<()> {
        if self.erased.is_empty() && self.taken_back.is_empty() {
            return Ok(());
        }
        let (ledger, erased) = (Arc::clone(&self.app.ledger), self.erased.clone());
        let taken_back = self.taken_back.clone();
        let entered = spawn_blocking(move || ledger.write(&taken_back, &erased)).await;
        entered.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// The open transaction. On SQLite the only connection that may be used inside a work.
    pub fn db(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Who asks.
    pub fn caller(&self) -> &'a Caller {
        self.caller
    }

    /// The server.
    pub fn app(&self) -> &'a App {
        self.app
    }

    /// When this work happens.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The day on which this work happens, UTC.
    pub fn today(&self) -> NaiveDate {
        self.now.date_naive()
    }

    /// A new id.
    pub fn new_id<Id: entity::RecordId>(&self) -> Id {
        self.app.ids.next(self.now)
    }

    /// A record to change: it is locked until the work ends.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the caller may not see it, [`Error::NotHostedHere`] when another host keeps it.
    pub async fn get<E: Record>(&self, id: E::Id) -> Result<E::Model> {
        let row = self.locked::<E>(id).await?;
        self.hosted(E::site(&row)).await?;
        Ok(row)
    }

    /// A record that nobody else changes until the work ends, whichever host keeps it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the caller may not see it.
    pub async fn locked<E: Record>(&self, id: E::Id) -> Result<E::Model> {
        let found = readable::<E>(self.caller)
            .filter(E::id_column().eq(id.into()))
            .lock_exclusive();
        found.one(self.db()).await?.ok_or(Error::NotFound(E::KIND))
    }

    /// A record to change, at the version that the caller read.
    ///
    /// # Errors
    /// Those of [`Work::get`]; [`Error::Conflict`] when somebody was faster.
    pub async fn get_at<E: Record>(&self, id: E::Id, version: i32) -> Result<E::Model> {
        let row = self.get::<E>(id).await?;
        if E::version(&row) == version {
            Ok(row)
        } else {
            Err(Error::Conflict(E::KIND, id.into()))
        }
    }

    /// Passes when an action on this row is granted.
    ///
    /// # Errors
    /// [`Error::Forbidden`], for an anonymous caller [`Error::Unauthenticated`].
    pub fn allow<E: Scoped>(&self, action: Action, row: &E::Model) -> Result<()> {
        if covers::<E>(self.caller, action, row) {
            Ok(())
        } else {
            Err(self.refusal())
        }
    }

    /// Passes when an action is granted on what does not exist yet, at a site that this host keeps.
    ///
    /// # Errors
    /// Those of [`Work::allow`] and [`Work::hosted`].
    pub async fn allow_at(&self, action: Action, kind: Kind, site: SiteId) -> Result<site::Model> {
        let home = self.hosted(site).await?;
        if reach(self.caller, action, kind).covers(&Access::at(kind, site)) {
            Ok(home)
        } else {
            Err(self.refusal())
        }
    }

    /// Why something is refused to this caller.
    pub fn refusal(&self) -> Error {
        if self.caller.signed_in() {
            Error::Forbidden
        } else {
            Error::Unauthenticated
        }
    }

    /// A site that this host keeps, and keeps until the work ends. Any number of works may hold it at once: only a site that
    /// moves away waits for all of them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such site, [`Error::NotHostedHere`] when another host keeps it.
    pub async fn hosted(&self, id: SiteId) -> Result<site::Model> {
        let site = site::Entity::find_by_id(id)
            .lock(LockType::KeyShare)
            .one(self.db())
            .await?
            .ok_or(Error::NotFound(Kind::Site))?;
        if site.hosted {
            Ok(site)
        } else {
            Err(Error::NotHostedHere {
                site: site.slug,
                endpoint: site.endpoint,
            })
        }
    }

    /// Whether this host keeps a site.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such site.
    pub async fn keeps(&self, id: SiteId) -> Result<bool> {
        match self.hosted(id).await {
            Ok(_) => Ok(true),
            Err(Error::NotHostedHere { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// The champion that the caller writes as at a site.
    ///
    /// # Errors
    /// A problem when they are none there, or one that may not write now.
    pub fn author(&self, site: SiteId) -> Result<entity::ChampionId> {
        self.caller.writes_as(site).ok_or_else(|| {
            Error::not_now("Register as a champion of this site first, and wait until you are in training.")
        })
    }

    /// Stores a new record.
    ///
    /// # Errors
    /// A problem when a unique value is taken.
    pub async fn insert<E: Record>(&mut self, mut row: E::ActiveModel) -> Result<E::Model>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        E::stamp(&mut row, 1, self.now);
        let row = row.insert(self.db()).await?;
        self.altered::<E>(&row);
        Ok(row)
    }

    /// Stores a changed record under the next version.
    ///
    /// # Errors
    /// A problem when a unique value is taken.
    pub async fn update<E: Record>(&mut self, mut row: E::ActiveModel) -> Result<E::Model>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        let version = E::active_version(&row);
        E::stamp(&mut row, version + 1, self.now);
        let row = row.update(self.db()).await?;
        self.altered::<E>(&row);
        Ok(row)
    }

    /// Removes a record that is no more than a setting of its site.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn delete<E: Record>(&mut self, row: E::Model) -> Result<()>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        self.altered::<E>(&row);
        row.into_active_model().delete(self.db()).await?;
        Ok(())
    }

    /// Removes a record for ever: no backup brings it back, and every host that has a copy drops it.
    ///
    /// # Errors
    /// Only when the database or the ledger fails.
    pub async fn erase<E: Record>(&mut self, row: E::Model) -> Result<()>
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        self.enter_erased(E::site(&row), E::id(&row).into());
        self.delete::<E>(row).await
    }

    /// Notes how often feeds have changed with this work. It is written beside the database before the work is committed, and
    /// the work has the turn until then.
    pub fn count(&self, changes: i64) {
        self.counted.store(changes, Ordering::Relaxed);
    }

    /// Enters in the ledger that a record is gone for ever.
    pub fn enter_erased(&mut self, home: SiteId, record: Uuid) {
        self.erased.push((home, record));
    }

    /// Notes that something is gone with this work that must not be found in the files of the database either.
    pub fn forgets(&mut self) {
        self.forgets = true;
    }

    /// Takes back what the ledger holds of a site, whose key was revoked. What this work enters of it counts.
    pub fn take_back_erased(&mut self, home: SiteId) {
        self.erased.retain(|(site, _)| *site != home);
        self.taken_back.push(home);
    }

    /// Notes that a record changed by a statement of its own, or one that repeats what a changed record says.
    pub fn touch(&mut self, site: SiteId, kind: Kind, id: impl Into<Uuid>) {
        self.changed.insert(Change {
            site,
            kind,
            id: id.into(),
        });
    }

    /// Notes for those who follow changes here that a record is another than before, which no feed of this host tells: a copy,
    /// say.
    pub fn tell(&self, kind: Kind, id: impl Into<Uuid>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert((kind, id.into()), true);
    }

    /// The same of records that may be seen by others than before, and are not changed otherwise.
    pub fn tell_if_moved(&self, kind: Kind, ids: impl IntoIterator<Item = impl Into<Uuid>>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            told.entry((kind, id.into())).or_default();
        }
    }

    /// Notes all records of the sites of this host that name another record, which others see now and did not before, or
    /// the other way round.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn touch_naming<E: Record>(&mut self, column: E::Column, named: impl Into<Uuid>) -> Result<()> {
        let naming = E::find()
            .select_only()
            .columns([E::home_column(), E::id_column()])
            .filter(column.eq(named.into()))
            .filter(E::home_column().in_subquery(kept_here()));
        for (site, id) in naming.into_tuple::<(SiteId, Uuid)>().all(self.db()).await? {
            self.touch(site, E::KIND, id);
        }
        Ok(())
    }

    /// Notes, for the audit and the feed of a site, what it decided on a record of another site: in the directory, or
    /// by a placement.
    pub fn note(&mut self, site: SiteId, kind: Kind, id: impl Into<Uuid>) {
        let change = Change {
            site,
            kind,
            id: id.into(),
        };
        self.audited.insert(change);
        self.changed.insert(change);
    }

    /// Notes for the audit of a site, and for nobody else, that somebody was shown a record.
    pub fn audit(&mut self, site: SiteId, kind: Kind, id: impl Into<Uuid>) {
        let id = id.into();
        self.audited.insert(Change { site, kind, id });
    }

    fn altered<E: Record>(&mut self, row: &E::Model) {
        self.note(E::site(row), E::KIND, E::id(row));
    }
}

/// Whether records of this kind can be shared with other hosts.
const fn travels(kind: Kind) -> bool {
    match kind {
        Kind::Site
        | Kind::Organisation
        | Kind::Project
        | Kind::Champion
        | Kind::Resource
        | Kind::ResourceEdition
        | Kind::ResourceProposal
        | Kind::Space
        | Kind::Thread
        | Kind::Post
        | Kind::Report
        | Kind::ImpactMeasure
        | Kind::ImpactRelease => true,
        Kind::Issuer | Kind::SupportSession | Kind::ResourceOverlay | Kind::Observation | Kind::AuditEntry => false,
    }
}
