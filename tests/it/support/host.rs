//! A host: the router in process, a clock that stands still, seeded ids and a database that goes when the test ends.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response},
};
use champion_network::{
    auth::DevelopmentKey,
    clock::{Clock, Ids},
    config::Settings,
    database::Database,
    server::Server,
    sites,
};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use tower::ServiceExt;

use super::Person;
use crate::sweep::Filler;

/// The slug of the national site.
pub const NATIONAL: &str = "national";
/// The regional sites of every host.
pub const REGIONS: [&str; 2] = ["leeds", "hull"];
/// The issuer that every site trusts.
pub const ISSUER: &str = "https://issuer.test";
/// The audience that every site expects.
pub const AUDIENCE: &str = "https://host.test";

/// Which database a host runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file.
    Sqlite,
    /// A database on the server that `tests/run` starts.
    Postgres,
}

/// The statements that a database was sent.
type Statements = Arc<Mutex<Vec<String>>>;

/// A host with a national and two regional sites.
pub struct Host {
    /// The server behind it.
    pub server: Server,
    /// How it was opened, for a second replica.
    pub settings: Settings,
    key: DevelopmentKey,
    router: Router,
    statements: Statements,
    people: AtomicUsize,
    /// Fills what people leave out of what they do, where a test says so.
    pub filler: OnceLock<Filler>,
    _database: FreshDatabase,
}

impl Host {
    /// Starts a host with the sites `national`, `leeds` and `hull`.
    pub async fn start(backend: Backend, change: impl FnOnce(&mut Settings)) -> Self {
        let sites: Vec<_> = std::iter::once(NATIONAL).chain(REGIONS).collect();
        Self::keeping(backend, &sites, 7, change).await
    }

    /// Starts a host with these sites, with settings of its own. Hosts of one network have seeds of their own.
    pub async fn keeping(backend: Backend, sites: &[&str], seed: u64, change: impl FnOnce(&mut Settings)) -> Self {
        let database = FreshDatabase::make(backend).await;
        let mut settings = Settings::defaults().unwrap();
        settings.host_name = "Test host".to_owned();
        settings.postgres_connections = 4;
        settings.sqlite_readers = 4;
        settings.database_url = database.url.clone();
        settings.erasure_ledger_path = database.folder.path().join("host.erased");
        change(&mut settings);
        let statements = Statements::default();
        let server = open(&settings, &statements, seed).await;
        let key = DevelopmentKey::generate().unwrap();
        for slug in sites {
            found_site(&server, &key, slug).await;
        }
        let router = server.router().unwrap();
        let people = AtomicUsize::new(0);
        Self {
            server,
            settings,
            key,
            router,
            statements,
            people,
            filler: OnceLock::new(),
            _database: database,
        }
    }

    /// The same host, with people whose tokens the issuer of another one signs.
    pub fn signing_as(self, other: &Self) -> Self {
        let key = DevelopmentKey::from_pem(other.key.pem()).unwrap();
        Self { key, ..self }
    }

    /// Opens the database once more, as the next start of the host does.
    pub async fn restart(&self) {
        let (clock, ids) = (self.server.0.clock.clone(), Ids::default());
        Server::open(self.settings.clone(), clock, ids).await.unwrap();
    }

    /// A second process over the same database, with the same clock.
    pub async fn replica(&self) -> Server {
        let (clock, ids) = (self.server.0.clock.clone(), Ids::default());
        Server::open(self.settings.clone(), clock, ids).await.unwrap()
    }

    /// The present instant of the host's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.server.0.clock.now()
    }

    /// Sends a request to the host, whose answer goes on.
    pub async fn open(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request to the host.
    pub async fn send(&self, request: Request<Body>) -> Response<axum::body::Bytes> {
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        Response::from_parts(head, to_bytes(body, usize::MAX).await.unwrap())
    }

    /// How many statements the database has been sent.
    pub fn statements(&self) -> usize {
        self.statements.lock().unwrap().len()
    }

    /// Those that it has been sent since there were so many.
    pub fn statements_since(&self, before: usize) -> Vec<String> {
        self.statements.lock().unwrap()[before..].to_vec()
    }

    /// The key that signs everybody's tokens.
    pub fn key(&self) -> &DevelopmentKey {
        &self.key
    }

    /// Somebody without a token.
    pub fn anonymous(&self) -> Person<'_> {
        Person::anonymous(self)
    }

    /// Somebody with roles, written `leeds:curator`, and not registered as a champion.
    pub fn person(&self, roles: &[&str]) -> Person<'_> {
        let number = self.people.fetch_add(1, Ordering::SeqCst);
        Person::with_roles(self, &format!("person-{number}"), roles)
    }

    /// Somebody with these roles who is an active champion of the site of the first.
    pub async fn champion(&self, roles: &[&str]) -> Person<'_> {
        let person = self.person(roles);
        let site = roles[0].split(':').next().unwrap();
        person.becomes_champion(site).await;
        person
    }
}

/// Opens the server of these settings, with a standing clock and its statements noted.
async fn open(settings: &Settings, statements: &Statements, seed: u64) -> Server {
    let mut database = Database::open(settings).await.unwrap();
    database.migrate().await.unwrap();
    let kept = Arc::clone(statements);
    database.on_statement(move |statement| kept.lock().unwrap().push(statement.to_owned()));
    let clock = Clock::standing_at("2026-06-15T09:00:00Z".parse().unwrap());
    Server::over(database, settings.clone(), clock, Ids::seeded(seed))
}

/// Founds a site that trusts the test issuer with every role.
async fn found_site(server: &Server, key: &DevelopmentKey, slug: &str) {
    let founding = sites::ops::Founding {
        slug: slug.to_owned(),
        name: slug[..1].to_uppercase() + &slug[1..],
        kind: if slug == NATIONAL {
            entity::SiteKind::National
        } else {
            entity::SiteKind::Regional
        },
        region: None,
        ods_code: None,
    };
    let trust = sites::ops::Trust::everything(ISSUER, AUDIENCE, key.jwk_set());
    server
        .0
        .system("found", async |work| {
            let site = sites::ops::found(work, founding).await?;
            sites::ops::trust(work, site.id, trust).await
        })
        .await
        .unwrap();
}

/// An empty database that goes when the test ends.
pub struct FreshDatabase {
    /// Where it is, as the setting `database_url` says it.
    pub url: String,
    /// Where files of the same host can stand.
    pub folder: TempDir,
    dropped: Option<(String, String)>,
}

impl FreshDatabase {
    /// Makes one.
    pub async fn make(backend: Backend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        match backend {
            Backend::Sqlite => Self {
                url: format!("sqlite:{}?mode=rwc", folder.path().join("host.db").display()),
                folder,
                dropped: None,
            },
            Backend::Postgres => {
                let (server, name) = fresh_postgres().await;
                Self {
                    url: format!("{}/{name}", server.rsplit_once('/').unwrap().0),
                    folder,
                    dropped: Some((server, name)),
                }
            }
        }
    }
}

impl Drop for FreshDatabase {
    /// Drops the PostgreSQL database: hundreds of them would fill the server.
    fn drop(&mut self) {
        let Some((url, name)) = self.dropped.take() else {
            return;
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let admin = sea_orm::Database::connect(url).await.unwrap();
                    let _ = admin
                        .execute_unprepared(&format!("DROP DATABASE \"{name}\" WITH (FORCE)"))
                        .await;
                });
            });
        });
    }
}

/// A new empty database on the test server: its admin URL and its name.
async fn fresh_postgres() -> (String, String) {
    let url = std::env::var("CHAMPION_TEST_POSTGRES_URL")
        .expect("CHAMPION_TEST_POSTGRES_URL names the PostgreSQL server of the tests: run them with tests/run");
    let name = format!("host_{}", Ids::default().unordered().simple());
    let admin = sea_orm::Database::connect(&url).await.unwrap();
    admin
        .execute_unprepared(&format!("CREATE DATABASE \"{name}\""))
        .await
        .unwrap();
    admin.close().await.unwrap();
    (url, name)
}
