//! Hosts over databases of their own, which go when the bench ends; and how they become a network.

use std::{net::SocketAddr, sync::Arc};

use champion_network::{
    app::App,
    clock::{Clock, Ids},
    config::Settings,
    error::Result,
    federation::{
        directory::{self, National},
        keys,
        run::Background,
        sequencer,
        wire::PublicKey,
    },
    http,
    input::Patch,
    policy::{Caller, Role},
    projects::ops::{self as projects, Changes, Draft},
    server::Server,
    sites::ops::{self as sites, Founding, directory::Admission},
};
use entity::{FocusArea, SiteId, SiteKind, SiteRole, Visibility, project};
use sea_orm::{ConnectionTrait, EntityTrait};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A host with one site.
pub struct Host {
    /// The application behind it.
    pub app: Arc<App>,
    /// Its site.
    pub site: SiteId,
    /// The name of its site.
    pub slug: String,
    server: Server,
    database: Option<(String, String)>,
    _folder: TempDir,
}

/// A host that serves and works in the background.
pub struct Running {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Host {
    /// Opens a host that keeps one site; `national` says which kind.
    pub async fn open(postgres: Option<&str>, slug: &str, hub: Option<SocketAddr>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = match postgres {
            Some(server) => Some((server.to_owned(), new_database(server).await)),
            None => None,
        };
        let mut settings = Settings::defaults().unwrap();
        settings.database_url = match &database {
            Some((server, name)) => format!("{}/{name}", server.rsplit_once('/').unwrap().0),
            None => format!("sqlite:{}?mode=rwc", folder.path().join("host.db").display()),
        };
        settings.erasure_ledger_path = folder.path().join("host.erased");
        settings.sqlite_readers = 4;
        (settings.http.budget.person_units, settings.http.budget.address_units) = (0, 0);
        settings.development_issuer = true;
        settings.hub_url = hub.map(|hub| format!("http://{hub}")).unwrap_or_default();
        let server = Server::open(settings, Clock::default(), Ids::default()).await.unwrap();
        let app = Arc::clone(&server.0);
        let site = found(&app, slug).await;
        Self {
            app,
            site,
            slug: slug.to_owned(),
            server,
            database,
            _folder: folder,
        }
    }

    /// Serves at a socket, and works in the background if asked to.
    pub fn run(&self, listener: TcpListener, background: bool) -> Running {
        let (app, router) = (Arc::clone(&self.app), self.server.router().unwrap());
        let background = background.then(|| Background::start(&app).unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let stopping = {
                let app = Arc::clone(&app);
                async move {
                    drop(stopped.await);
                    app.signals.stop();
                }
            };
            http::serve(listener, router, &app.settings.http, stopping).await;
            if let Some(background) = background {
                background.end().await;
            }
        });
        Running { stop, serving }
    }

    /// The routes, for asking without a socket.
    pub fn router(&self) -> axum::Router {
        self.server.router().unwrap()
    }

    /// Writes what waits into the feeds.
    pub async fn sequence(&self) {
        sequencer::run(&self.app).await.unwrap();
    }

    /// The admin of the host's site.
    pub fn admin(&self) -> Caller {
        let (site, role, national) = (self.site, SiteRole::SiteAdmin, self.slug == "national");
        Caller {
            roles: vec![Role { site, role, national }],
            ..Caller::default()
        }
    }

    /// Makes a project, as the API does.
    pub async fn creates(&self, admin: &Caller, number: usize) -> Result<project::Model> {
        let draft = Draft {
            site: self.slug.clone(),
            title: format!("Digital skills on ward {number}"),
            summary: SUMMARY.to_owned(),
            question: Some("Do people who are shown the app at their bedside use it after six weeks?".to_owned()),
            focus_areas: vec![FocusArea::StaffCulture],
            conditions: vec!["Diabetes".to_owned()],
            sponsors: Vec::new(),
            starts_on: None,
            ends_on: None,
            visibility: Visibility::Network,
            cloned_from: None,
        };
        let app = &self.app;
        app.write(admin, "projectCreate", async |work| projects::create(work, draft).await)
            .await
    }

    /// Changes a project, as the API does.
    pub async fn edits(&self, admin: &Caller, row: &project::Model) -> Result<project::Model> {
        let (id, version) = (row.id, row.version);
        let changes = Changes {
            summary: Patch::Set(format!("{SUMMARY} This is its version {}.", version + 1)),
            ..Changes::default()
        };
        let app = &self.app;
        app.write(admin, "projectUpdate", async |work| {
            projects::update(work, id, version, changes).await
        })
        .await
    }

    /// Drops the database, when it is one of a server.
    pub async fn close(self) {
        self.app.database.close().await.unwrap();
        if let Some((server, name)) = &self.database {
            let admin = sea_orm::Database::connect(server).await.unwrap();
            let drop = format!("DROP DATABASE \"{name}\" WITH (FORCE)");
            admin.execute_unprepared(&drop).await.unwrap();
            admin.close().await.unwrap();
        }
    }
}

impl Running {
    /// Stops it; it ends in order.
    pub async fn ends(self) {
        drop(self.stop);
        self.serving.await.unwrap();
    }
}

/// What a project says of itself, as long as people write it.
pub const SUMMARY: &str = "Champions visit four wards twice a week and show patients how to order repeat prescriptions, \
    see their records and book appointments in the app. Staff learn beside them, so that they can go on without us. We \
    count who signs up, ask again after six weeks, and write down what kept people from it.";

/// A socket that is free.
pub async fn socket() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Makes a region of the hub's network: its admin admits it, and it takes the national site's word.
pub async fn join(hub: &Host, region: &Host) {
    region.sequence().await;
    let admission = Admission {
        id: Some(region.site),
        founding: founding(&region.slug),
        public_key: public_key(region).await.to_string(),
        endpoint: None,
    };
    let admin = hub.admin();
    let admitted = hub.app.write(&admin, "siteAdmit", async |work| {
        sites::directory::admit(work, admission).await
    });
    admitted.await.unwrap();
    let national = National {
        id: hub.site,
        slug: hub.slug.clone(),
        name: "Network".to_owned(),
        key: public_key(hub).await,
        root: None,
    };
    let join = region
        .app
        .system("join", async |work| directory::join(work, national).await);
    join.await.unwrap();
    hub.sequence().await;
}

async fn public_key(host: &Host) -> PublicKey {
    let key = keys::current(host.app.reader(), host.site).await.unwrap();
    key.unwrap().public()
}

async fn found(app: &App, slug: &str) -> SiteId {
    let site = app.system("found", async |work| sites::found(work, founding(slug)).await);
    let site = site.await.unwrap().id;
    sequencer::run(app).await.unwrap();
    site
}

/// What a site is.
pub fn founding(slug: &str) -> Founding {
    Founding {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        kind: if slug == "national" {
            SiteKind::National
        } else {
            SiteKind::Regional
        },
        region: None,
        ods_code: None,
    }
}

async fn new_database(server: &str) -> String {
    let name = format!("bench_{}", Ids::default().unordered().simple());
    let admin = sea_orm::Database::connect(server).await.unwrap();
    let create = format!("CREATE DATABASE \"{name}\"");
    admin.execute_unprepared(&create).await.unwrap();
    admin.close().await.unwrap();
    name
}

/// A site as a host knows it.
pub async fn knows(host: &Host, site: SiteId) -> bool {
    let found = entity::site_member::Entity::find_by_id(site);
    found.one(host.app.reader()).await.unwrap().is_some()
}
