//! A host as a process: started, told to stop, killed, backed up and restored.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use champion_network::{
    auth::DevelopmentKey,
    clock::{Clock, Ids},
    config::Settings,
    database::Database,
    server::Server,
};
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;

use super::*;
use crate::support::FreshDatabase;

/// The connections of a process to its database; those of a test have the same name and wait for nothing.
const OTHERS: &str = "SELECT COUNT(*)::text FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";

/// Where the log of a host is, in its folder.
const LOG: &str = "log";

/// A host that can be started and killed. Its database, its ledger and its keys stay until the test ends.
pub struct Process {
    /// The slug of its site.
    pub site: &'static str,
    /// Where it listens, at each start.
    pub address: SocketAddr,
    /// Signs everybody's tokens.
    pub key: DevelopmentKey,
    /// Asks it.
    pub client: reqwest::Client,
    backend: Backend,
    database: FreshDatabase,
    hub: Mutex<String>,
    running: Mutex<Option<Child>>,
    backups: AtomicUsize,
}

impl Process {
    /// A host with an empty database that keeps no site yet and does not run. It will call the hub at this address.
    pub async fn new(backend: Backend, site: &'static str, hub: Option<SocketAddr>) -> Self {
        let database = FreshDatabase::make(backend).await;
        let key = DevelopmentKey::generate().unwrap();
        fs::write(database.folder.path().join("development-key.pem"), key.pem()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test is a client from outside")]
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            // A connection to a host that was killed answers nobody any more.
            .pool_max_idle_per_host(0)
            .build();
        Self {
            site,
            address: free_address(),
            key,
            client: client.unwrap(),
            backend,
            database,
            hub: Mutex::new(hub.map(|hub| format!("http://{hub}")).unwrap_or_default()),
            running: Mutex::default(),
            backups: AtomicUsize::new(0),
        }
    }

    /// Has it call its hub elsewhere from its next start on.
    pub fn calls(&self, hub: SocketAddr) {
        *self.hub.lock().unwrap() = format!("http://{hub}");
    }

    /// How its tokens name it.
    pub fn public_url(&self) -> String {
        format!("http://{}.test", self.site)
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.database.folder.path()
    }

    /// What its operator's command prints.
    pub fn does(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What its operator is told when a command fails, also what it has printed before.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    /// A command of its operator's.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_champion-network"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHAMPION_")) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.folder()).stdin(Stdio::null());
        let settings = [
            ("DATABASE_URL", self.database.url.clone()),
            ("PUBLIC_URL", self.public_url()),
            ("LISTEN", self.address.to_string()),
            ("HUB_URL", self.hub.lock().unwrap().clone()),
            ("DEVELOPMENT_ISSUER", "true".to_owned()),
            ("POSTGRES_CONNECTIONS", "8".to_owned()),
            ("SQLITE_READERS", "2".to_owned()),
            ("HTTP__BODY_SECONDS", "2".to_owned()),
            ("HTTP__HEADER_SECONDS", "2".to_owned()),
            ("LOG", "info".to_owned()),
        ];
        command.envs(settings.map(|(name, value)| (format!("CHAMPION_{name}"), value)));
        command
    }

    /// Starts it and awaits that it listens.
    pub fn starts(&self) {
        self.begins_to_start();
        let mut line = String::new();
        let mut running = self.running.lock().unwrap();
        let stdout = running.as_mut().unwrap().stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        drop(running);
        assert!(line.starts_with("listening on "), "{line:?}\n{}", self.log());
    }

    /// Starts it and does not wait. A test that fails leaves no process behind.
    pub fn begins_to_start(&self) {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder().join(LOG));
        let mut command = self.command(&["serve"]);
        let child = command.stdout(Stdio::piped()).stderr(log.unwrap()).spawn().unwrap();
        *self.running.lock().unwrap() = Some(child);
    }

    /// Whether it serves and its database answers.
    pub async fn is_ready(&self) -> bool {
        let asked = self.client.get(format!("http://{}/health/ready", self.address));
        asked.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Kills it as `kill -9` does. What does not run is left alone.
    pub fn dies(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Tells it to stop, as a service manager does, and awaits its end.
    pub fn stops(&self) {
        let mut child = self.told_to_stop();
        assert!(child.wait().unwrap().success(), "{}", self.log());
    }

    /// The same while something else goes on.
    pub async fn stops_meanwhile(&self) {
        let mut child = self.told_to_stop();
        let ended = until("it stops", async || child.try_wait().unwrap()).await;
        assert!(ended.success(), "{}", self.log());
    }

    fn told_to_stop(&self) -> Child {
        let child = self.running.lock().unwrap().take().unwrap();
        let kill = format!("kill -TERM {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        child
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join(LOG)).unwrap_or_default()
    }

    /// Its database, opened beside it.
    pub async fn inside(&self) -> Server {
        let mut settings = Settings::defaults().unwrap();
        settings.database_url = self.database.url.clone();
        settings.erasure_ledger_path = self.folder().join("champion-network.erased");
        (settings.postgres_connections, settings.sqlite_readers) = (2, 2);
        let database = Database::open(&settings).await.unwrap();
        Server::over(database, settings, Clock::default(), Ids::default())
    }

    /// Its database as its end has left it. On SQLite a copy, so that its next start has as much to recover from.
    pub async fn left_behind(&self) -> LeftBehind {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::defaults().unwrap();
        settings.database_url = self.database.url.clone();
        settings.erasure_ledger_path = self.ledger();
        (settings.postgres_connections, settings.sqlite_readers) = (2, 2);
        if self.backend == Backend::Sqlite {
            for file in ["host.db", "host.db-wal"] {
                let _ = fs::copy(self.folder().join(file), folder.path().join(file));
            }
            settings.database_url = format!("sqlite:{}", folder.path().join("host.db").display());
        }
        let database = Database::open(&settings).await.unwrap();
        let server = Server::over(database, settings, Clock::default(), Ids::default());
        match self.backend {
            Backend::Sqlite => {
                let wrong = answer(&server, "PRAGMA integrity_check").await;
                assert_eq!(wrong, "ok");
            }
            // What it was just at may still come to its end.
            Backend::Postgres => {
                until("nobody else is connected", async || {
                    (answer(&server, OTHERS).await == "0").then_some(())
                })
                .await;
            }
        }
        LeftBehind {
            server,
            _folder: folder,
        }
    }

    /// Changes something in its database behind its back.
    pub async fn suffers(&self, statement: &str) {
        let database = sea_orm::Database::connect(&self.database.url).await.unwrap();
        database.execute_unprepared(statement).await.unwrap();
        database.close().await.unwrap();
    }

    /// The one value that a statement asks its database for, as text.
    pub async fn told(&self, statement: &str) -> String {
        let server = self.inside().await;
        let told = answer(&server, statement).await;
        server.0.database.close().await.unwrap();
        told
    }

    /// Loses its ledger of what was erased for ever, which a disk may take with it.
    pub fn forgets_erasures(&self) {
        fs::remove_file(self.ledger()).unwrap();
    }

    /// Writes a backup of its database, whether it runs or not.
    pub fn backs_up(&self) -> PathBuf {
        let file = self.new_backup();
        self.does(&["backup", file.to_str().unwrap()]);
        file
    }

    /// The name of a backup that is not there yet.
    pub fn new_backup(&self) -> PathBuf {
        let number = self.backups.fetch_add(1, Ordering::SeqCst);
        self.folder().join(format!("backup-{number}"))
    }

    /// Puts a backup in the place of its database, while it does not run. The ledger beside the database stays as it is.
    pub fn restores(&self, backup: &Path) {
        assert!(self.running.lock().unwrap().is_none(), "it runs");
        self.does(&["restore", "--replace", backup.to_str().unwrap()]);
    }

    /// The same host on another machine, with nothing but its settings: an empty database and no ledger.
    pub async fn elsewhere(&self) -> Self {
        let database = FreshDatabase::make(self.backend).await;
        fs::write(database.folder.path().join("development-key.pem"), self.key.pem()).unwrap();
        Self {
            site: self.site,
            address: self.address,
            key: DevelopmentKey::from_pem(self.key.pem()).unwrap(),
            client: self.client.clone(),
            backend: self.backend,
            database,
            hub: Mutex::new(self.hub.lock().unwrap().clone()),
            running: Mutex::default(),
            backups: AtomicUsize::new(0),
        }
    }

    /// Where its list of the erased stands.
    pub fn ledger(&self) -> PathBuf {
        self.folder().join(match self.backend {
            Backend::Sqlite => "host.db.erased",
            Backend::Postgres => "champion-network.erased",
        })
    }
}

impl Drop for Process {
    /// A test that failed leaves no process behind, and shows what the host said.
    fn drop(&mut self) {
        self.dies();
        if std::thread::panicking() {
            println!("--- {} ---\n{}", self.site, self.log());
        }
    }
}

/// What a host that has ended left behind.
pub struct LeftBehind {
    /// Its database, opened.
    pub server: Server,
    _folder: TempDir,
}

impl LeftBehind {
    /// The one value that a statement asks for, as text.
    pub async fn told(&self, statement: &str) -> String {
        answer(&self.server, statement).await
    }
}

/// The one value that a statement asks for, as text.
async fn answer(server: &Server, statement: &str) -> String {
    let db = server.0.reader();
    let asked = Statement::from_string(db.get_database_backend(), statement);
    db.query_one_raw(asked)
        .await
        .unwrap()
        .unwrap()
        .try_get_by_index(0)
        .unwrap()
}

/// An address that stays free while nobody listens there: of its own among the sixteen million of this machine, so that
/// neither another test nor anybody who calls has taken its port.
fn free_address() -> SocketAddr {
    let [one, two, three] = Ids::default().bytes();
    SocketAddr::from(([127, 1 + one % 250, two, 1 + three % 250], 10_000))
}
