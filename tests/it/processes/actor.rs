//! A host as a process: started, told to stop, killed, backed up and restored.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use champion_network::{
    auth::DevelopmentKey,
    clock::{Clock, Ids},
    config::Settings,
    database::Database,
    server::Server,
};
use sea_orm::ConnectionTrait;

use super::*;
use crate::support::FreshDatabase;

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
}

/// A copy of a database.
pub struct Backup(FreshDatabase);

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

    fn command(&self, arguments: &[&str]) -> Command {
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
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder().join(LOG));
        let mut command = self.command(&["serve"]);
        let mut child = command.stdout(Stdio::piped()).stderr(log.unwrap()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        // Kept first, so that a test that fails here leaves no process behind.
        *self.running.lock().unwrap() = Some(child);
        assert!(line.starts_with("listening on "), "{line:?}\n{}", self.log());
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
        let mut child = self.running.lock().unwrap().take().unwrap();
        let kill = format!("kill -TERM {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        assert!(child.wait().unwrap().success(), "{}", self.log());
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

    /// Changes something in its database behind its back.
    pub async fn suffers(&self, statement: &str) {
        let database = sea_orm::Database::connect(&self.database.url).await.unwrap();
        database.execute_unprepared(statement).await.unwrap();
        database.close().await.unwrap();
    }

    /// Loses its ledger of what was erased for ever, which a disk may take with it.
    pub fn forgets_erasures(&self) {
        let name = match self.backend {
            Backend::Sqlite => "host.db.erased",
            Backend::Postgres => "champion-network.erased",
        };
        fs::remove_file(self.folder().join(name)).unwrap();
    }

    /// Makes a copy of its database. PostgreSQL copies only what nobody uses, so there it must not run meanwhile.
    pub async fn backs_up(&self) -> Backup {
        let backup = FreshDatabase::make(self.backend).await;
        match self.backend {
            Backend::Sqlite => {
                self.suffers(&format!("VACUUM INTO '{}'", file(&backup).display()))
                    .await;
            }
            Backend::Postgres => replace(&backup, &self.database).await,
        }
        Backup(backup)
    }

    /// Puts a copy in the place of its database, while it does not run. The ledger beside the database stays as it is.
    pub async fn restores(&self, backup: &Backup) {
        assert!(self.running.lock().unwrap().is_none(), "it runs");
        match self.backend {
            Backend::Sqlite => {
                for ending in ["-wal", "-shm"] {
                    let _ = fs::remove_file(format!("{}{ending}", file(&self.database).display()));
                }
                fs::copy(file(&backup.0), file(&self.database)).unwrap();
            }
            Backend::Postgres => replace(&self.database, &backup.0).await,
        }
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

/// The file of a SQLite database.
fn file(database: &FreshDatabase) -> PathBuf {
    database.folder.path().join("host.db")
}

/// Drops a PostgreSQL database and copies another into its place.
async fn replace(database: &FreshDatabase, by: &FreshDatabase) {
    let name = |of: &FreshDatabase| of.url.rsplit_once('/').unwrap().1.to_owned();
    let (from, to) = (name(by), name(database));
    let server = std::env::var("CHAMPION_TEST_POSTGRES_URL").unwrap();
    let server = sea_orm::Database::connect(server).await.unwrap();
    let drop = format!("DROP DATABASE \"{to}\" WITH (FORCE)");
    server.execute_unprepared(&drop).await.unwrap();
    let copy = format!("CREATE DATABASE \"{to}\" TEMPLATE \"{from}\"");
    // The sessions of a process that has just ended may live a moment longer than it.
    until("nobody uses the database", async || {
        server.execute_unprepared(&copy).await.ok()
    })
    .await;
    server.close().await.unwrap();
}

/// An address that stays free while nobody listens there: of its own among the sixteen million of this machine, so that
/// neither another test nor anybody who calls has taken its port.
fn free_address() -> SocketAddr {
    let [one, two, three] = Ids::default().bytes();
    SocketAddr::from(([127, 1 + one % 250, two, 1 + three % 250], 10_000))
}
