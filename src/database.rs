//! Opens the database and brings it to this version's schema.

use std::{collections::BTreeSet, str::FromStr, time::Duration};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    sea_query::Query,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::config::Settings;

/// Rows, or ids with something else, that go into one statement: with every column of the widest table, few enough values for
/// both databases.
pub const ROWS_A_STATEMENT: usize = 500;

/// How much SQLite's writer keeps in memory, in its own way of saying KiB. With the 2 MiB that are its default, half of its time went
/// into reading pages again that it had just written.
const WRITER_CACHE: &str = "-32768";

/// After how many pages of SQLite's log (16 MiB) they are copied into the file. With the 1,000 that are its default, nearly every page
/// of a long batch was copied as often as it was written.
const LOG_PAGES: &str = "4096";

/// The lock on PostgreSQL of who makes, changes or restores the schema.
pub const UPGRADING: i64 = 7_263_514_908;

/// How long SQLite waits for another process's lock, and a caller for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The open database: on SQLite one writer behind a fair lock and several readers, on PostgreSQL one pool.
#[derive(Debug)]
pub struct Database {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    turn: Mutex<()>,
}

/// The connections of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What they are for.
    pub name: &'static str,
    /// How many there are.
    pub open: u32,
    /// How many of them do nothing.
    pub idle: u32,
}

impl Pool {
    fn of(name: &'static str, open: u32, idle: usize) -> Self {
        Self {
            name,
            open,
            idle: u32::try_from(idle).unwrap_or(u32::MAX),
        }
    }
}

/// The tables of PostgreSQL that hold what may have to be forgotten.
const FORGETFUL: &str = "champion, project_champion, space_member, project, support_session, observation, resource, \
    resource_edition, resource_proposal, thread, post, placement, report, moderation_action, search_document, \
    idempotent_outcome, outbox, audit_person, change, change_told, replica, feed_entry, feed_parked, feed_shared";

/// How long SQLite waits for readers before it is tried again to empty the write-ahead log.
const SHORT_PATIENCE: Duration = Duration::from_millis(200);

/// How far the files have been scrubbed.
#[derive(Debug, Default)]
pub struct Scrubbing {
    /// What the file of SQLite said of itself when it was written anew.
    rewritten: Option<i32>,
    /// On PostgreSQL a transaction that began later than all that was to be forgotten.
    since: Option<String>,
}

/// A write transaction. Dropped without `commit`, it leaves nothing.
#[derive(Debug)]
pub struct Transaction<'a> {
    transaction: DatabaseTransaction,
    _turn: Option<MutexGuard<'a, ()>>,
}

impl Database {
    /// Opens the database that the settings name.
    ///
    /// # Errors
    /// When the URL is not one of SQLite or PostgreSQL, or the database does not answer.
    pub async fn open(settings: &Settings) -> Result<Self, DbErr> {
        let url = known(settings)?;
        let (reader, writer) = if url.starts_with("sqlite:") {
            // The writer first: it makes the file and sets the journal mode.
            let writer = sqlite(url, 1, false).await?;
            (sqlite(url, settings.sqlite_readers, true).await?, writer)
        } else {
            let pool = postgres(url, settings.postgres_connections).await?;
            (pool.clone(), pool)
        };
        Ok(Self {
            reader,
            writer,
            turn: Mutex::new(()),
        })
    }

    /// Opens a database that is there already, and changes nothing in it.
    ///
    /// # Errors
    /// When the URL is not one of SQLite or PostgreSQL, or the database does not answer.
    pub async fn open_to_read(settings: &Settings) -> Result<Self, DbErr> {
        let url = known(settings)?;
        let reader = if url.starts_with("sqlite:") {
            sqlite(url, settings.sqlite_readers, true).await?
        } else {
            postgres(url, settings.postgres_connections).await?
        };
        Ok(Self {
            writer: reader.clone(),
            reader,
            turn: Mutex::new(()),
        })
    }

    /// Whether its schema is that of this version.
    pub async fn is_migrated(&self) -> bool {
        let steps = Query::select().column("version").from("seaql_migrations").to_owned();
        let Ok(rows) = self.reader.query_all(&steps).await else {
            return false;
        };
        let taken: BTreeSet<String> = rows.iter().filter_map(|row| row.try_get_by_index(0).ok()).collect();
        let known: BTreeSet<String> = Migrator::migrations()
            .iter()
            .map(|step| step.name().to_owned())
            .collect();
        taken == known
    }

    /// Begins to read everything as it is at this moment, whatever is written meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = match self.reader.get_database_backend() {
            DbBackend::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
            _ => TransactionOptions::default(),
        };
        #[expect(clippy::disallowed_methods, reason = "what only reads has nothing to commit")]
        self.reader.begin_with_options(options).await
    }

    /// For reading outside a transaction.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Its connections as they are now.
    pub fn pools(&self) -> Vec<Pool> {
        let sqlite = |name, of: &DatabaseConnection| {
            let pool = of.get_sqlite_connection_pool();
            Pool::of(name, pool.size(), pool.num_idle())
        };
        match self.writer.get_database_backend() {
            DbBackend::Postgres => {
                let pool = self.writer.get_postgres_connection_pool();
                vec![Pool::of("all", pool.size(), pool.num_idle())]
            }
            _ => vec![sqlite("readers", &self.reader), sqlite("writer", &self.writer)],
        }
    }

    /// Which database it is, in the words of the API.
    pub fn name(&self) -> &'static str {
        match self.writer.get_database_backend() {
            DbBackend::Postgres => "PostgreSQL",
            _ => "SQLite",
        }
    }

    /// Brings the schema to this version, under a lock: replicas may start at once.
    ///
    /// # Errors
    /// When a step fails; the schema is then as it was.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        let work = self.begin().await?;
        if work.get_database_backend() == DbBackend::Postgres {
            work.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({UPGRADING})"))
                .await?;
        }
        Migrator::up(&work.transaction, None).await?;
        work.commit().await
    }

    /// Begins a write transaction, in turn on SQLite.
    pub(crate) async fn begin(&self) -> Result<Transaction<'_>, DbErr> {
        let turn = match self.writer.get_database_backend() {
            DbBackend::Sqlite => Some(self.turn.lock().await),
            _ => None,
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: turn.is_some().then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        #[expect(clippy::disallowed_methods, reason = "the one place that begins")]
        let transaction = self.writer.begin_with_options(options).await?;
        Ok(Transaction {
            transaction,
            _turn: turn,
        })
    }

    /// Goes on to remove from the files what is gone from the tables; tells whether it is done. As long as somebody still reads
    /// the tables as they were before, it is not.
    ///
    /// # Errors
    /// When the database fails, or another process has its turn.
    pub async fn scrub(&self, scrubbing: &mut Scrubbing) -> Result<bool, DbErr> {
        match self.writer.get_database_backend() {
            DbBackend::Postgres => self.vacuum(scrubbing).await,
            _ => self.rewrite(scrubbing).await,
        }
    }

    /// SQLite overwrites what is deleted, but not every copy that it has made of a row when it moved others on its page: so the
    /// file is written anew, and the log before it emptied.
    async fn rewrite(&self, scrubbing: &mut Scrubbing) -> Result<bool, DbErr> {
        let _turn = self.turn.lock().await;
        let number = self.writer.query_one_raw(number_of_scrubbing()).await?;
        let number = number.map_or(Ok(0), |row| row.try_get_by_index::<i32>(0))?;
        if number == 0 {
            return Ok(true);
        }
        if scrubbing.rewritten != Some(number) {
            // Its copy of all that is there has no room in memory.
            self.writer.execute_unprepared("PRAGMA temp_store = FILE").await?;
            let rewritten = self.writer.execute_unprepared("VACUUM").await;
            self.writer.execute_unprepared("PRAGMA temp_store = MEMORY").await?;
            rewritten?;
            scrubbing.rewritten = Some(number);
        }
        let patience = |of: Duration| format!("PRAGMA busy_timeout = {}", of.as_millis());
        self.writer.execute_unprepared(&patience(SHORT_PATIENCE)).await?;
        let emptied = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
        let emptied = self.writer.query_one_raw(emptied).await;
        self.writer.execute_unprepared(&patience(PATIENCE)).await?;
        let is_busy = emptied?.map_or(Ok(0), |row| row.try_get_by_index::<i32>(0))? != 0;
        if !is_busy {
            self.writer.execute_unprepared("PRAGMA user_version = 0").await?;
        }
        Ok(!is_busy)
    }

    /// PostgreSQL keeps rows that are gone until nobody can see them any more and they are cleared away.
    async fn vacuum(&self, scrubbing: &mut Scrubbing) -> Result<bool, DbErr> {
        if scrubbing.since.is_none() {
            let now = "SELECT (pg_current_xact_id()::xid)::text";
            scrubbing.since = self.first_of(now).await?;
        }
        let since = scrubbing.since.clone().unwrap_or_default();
        let older = format!(
            "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database()
                AND pid <> pg_backend_pid() AND age(backend_xmin) >= age('{since}'::xid)"
        );
        let seen = self.first_of(&older).await?;
        let vacuum = format!("VACUUM (INDEX_CLEANUP ON) {FORGETFUL}");
        self.writer.execute_unprepared(&vacuum).await?;
        Ok(seen.as_deref() == Some("0"))
    }

    async fn first_of(&self, question: &str) -> Result<Option<String>, DbErr> {
        let asked = Statement::from_string(DbBackend::Postgres, question);
        let row = self.writer.query_one_raw(asked).await?;
        row.map(|row| row.try_get_by_index(0)).transpose()
    }

    /// Calls back after every statement, so that a test can count them.
    pub fn on_statement(&mut self, callback: impl Fn(&str) + Clone + Send + Sync + 'static) {
        let reading = callback.clone();
        self.reader
            .set_metric_callback(move |info| reading(&info.statement.sql));
        self.writer
            .set_metric_callback(move |info| callback(&info.statement.sql));
    }

    /// Closes every connection.
    ///
    /// # Errors
    /// When a connection does not close.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.reader.close_by_ref().await?;
        self.writer.close_by_ref().await
    }
}

/// The number of a file of SQLite that has to be scrubbed, or 0.
fn number_of_scrubbing() -> Statement {
    Statement::from_string(DbBackend::Sqlite, "PRAGMA user_version")
}

impl Transaction<'_> {
    /// Writes down with it that the file has to be scrubbed, so that a crash before that is made up for. PostgreSQL is scrubbed at
    /// every start.
    pub(crate) async fn needs_scrubbing(&self) -> Result<(), DbErr> {
        if self.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let number = self.query_one_raw(number_of_scrubbing()).await?;
        let number = number.map_or(Ok(0), |row| row.try_get_by_index::<i32>(0))?;
        // Another one each time, so that what is forgotten while the file is being scrubbed is not overlooked.
        let next = number.checked_add(1).unwrap_or(1);
        self.execute_unprepared(&format!("PRAGMA user_version = {next}"))
            .await?;
        Ok(())
    }

    /// Makes it durable.
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        #[expect(clippy::disallowed_methods, reason = "the one place that commits")]
        self.transaction.commit().await
    }
}

impl std::ops::Deref for Transaction<'_> {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}

/// The URL of the settings, of a database that this server knows.
fn known(settings: &Settings) -> Result<&str, DbErr> {
    let url = settings.database_url.as_str();
    let schemes = ["sqlite:", "postgres://", "postgresql://"];
    if schemes.iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(url);
    }
    // The URL itself may hold a password.
    let why = "the setting database_url names neither a SQLite file nor a PostgreSQL database";
    Err(DbErr::Custom(why.to_owned()))
}

async fn sqlite(url: &str, connections: u32, read_only: bool) -> Result<DatabaseConnection, DbErr> {
    // The file's name may hold what a URL would read as a query.
    sea_orm::sqlx::sqlite::SqliteConnectOptions::from_str(url).map_err(|error| DbErr::Custom(error.to_string()))?;
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(PATIENCE)
        .sqlx_logging(false);
    // A file does not hang up, so no connection is asked whether it is still there before every statement.
    options
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .record_stmt_in_spans(false);
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite
            .create_if_missing(!read_only)
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON")
            // What was there before, for a statement that fails halfway, would else be in files that nobody scrubs.
            .pragma("temp_store", "MEMORY")
            .pragma("query_only", if read_only { "ON" } else { "OFF" });
        if read_only {
            sqlite
        } else {
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .pragma("cache_size", WRITER_CACHE)
                .pragma("wal_autocheckpoint", LOG_PAGES)
        }
    });
    sea_orm::Database::connect(options).await
}

async fn postgres(url: &str, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(PATIENCE)
        .sqlx_logging(false);
    options
        .record_stmt_in_spans(false)
        .set_application_name("champion-network");
    sea_orm::Database::connect(options).await
}
