//! Opens the database and brings it to this version's schema.

use std::{str::FromStr, time::Duration};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::config::Settings;

/// Rows, or ids with something else, that go into one statement: with every column of the widest table, few enough values for
/// both databases.
pub const ROWS_A_STATEMENT: usize = 500;

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
        let url = settings.database_url.as_str();
        if !["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            // The URL itself may hold a password.
            let why = "the setting database_url names neither a SQLite file nor a PostgreSQL database";
            return Err(DbErr::Custom(why.to_owned()));
        }
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

impl Transaction<'_> {
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
            .pragma("query_only", if read_only { "ON" } else { "OFF" });
        if read_only {
            sqlite
        } else {
            sqlite.journal_mode(SqliteJournalMode::Wal)
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
