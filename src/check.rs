//! Whether a database holds together: what `champion-network check` says of it.
//!
//! | where | what |
//! |---|---|
//! | `audits` | the chain of every site's audit, against its own hashes, its end, and what the site has vouched for |
//! | `feeds` | the feeds that are written or relayed here: hashes, signatures, no gap |
//! | `tables` | what a feed of a site of this host says of a record, against the record itself |
//! | `replicas` | the copies of other sites' records, against what their feeds say |
//! | `references` | rows that name what is not there |
//!
//! Everything is read in pages in one transaction, so that a host may go on writing meanwhile; nothing is changed. Of each chain,
//! feed and kind of reference the first fault is told, since what follows a first one often follows from it.

mod audits;
mod feeds;
mod references;
mod replicas;
mod tables;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use entity::{Kind, SiteId, audit_entry, feed_entry, feed_shared, ids, outbox, replica, site, site_key};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect, QueryTrait, Statement, prelude::Uuid,
};

use crate::{
    app::App,
    error::Result,
    federation::{
        dial::{self, audit},
        feeds::exact,
        wire::{AuditCheckpoint, PublicKey},
    },
    sites,
};

/// Rows that are read at once.
const ROWS_AT_ONCE: u64 = 500;

/// Faults of the file itself that SQLite tells at the most.
const MOST_FILE_FAULTS: u32 = 10;

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Each a line for the operator, which names the first bad entry or row and says what is wrong.
    pub findings: Vec<String>,
    /// Audits that were followed, and their entries.
    pub audits: (u64, u64),
    /// Feeds that were followed, and their entries.
    pub feeds: (u64, u64),
    /// Records that were compared with what feeds say of them.
    pub records: u64,
    /// Copies of other sites' records that were looked for.
    pub copies: u64,
}

/// What the hub holds of the audits of the sites of this host, or why it did not say.
type Words = BTreeMap<SiteId, Result<Vec<AuditCheckpoint>, String>>;

/// Looks at everything that this database holds. `advance` is told how much has been done of how much.
///
/// # Errors
/// Only when the database or the ledger cannot be read.
pub async fn check(app: &Arc<App>, offline: bool, advance: impl Fn(u64, u64)) -> Result<Report> {
    // What the hub holds first: whatever is written later is more, and never less.
    let words = if offline { Words::new() } else { ask(app).await? };
    let db = app.database.snapshot().await?;
    let mut look = Look {
        app,
        all: sites::ops::all(&db).await?,
        db: &db,
        report: Report::default(),
        advance: &advance,
        done: 0,
        of: work(&db).await?,
    };
    look.file().await?;
    audits::look(&mut look, words).await?;
    feeds::look(&mut look).await?;
    tables::look(&mut look).await?;
    replicas::look(&mut look).await?;
    references::look(&mut look).await?;
    Ok(look.report)
}

/// Asks the hub what it holds of the audits of the sites of this host.
async fn ask(app: &Arc<App>) -> Result<Words> {
    let mut words = Words::new();
    let hub = match dial::hub_url(&app.settings) {
        Ok(Some(hub)) => Ok(hub),
        Ok(None) => return Ok(words),
        Err(why) => Err(why),
    };
    for site in dial::sites(app).await? {
        let held = match &hub {
            Ok(hub) => audit::held(app, hub.clone(), site).await,
            Err(why) => Err(why.clone()),
        };
        words.insert(site, held);
    }
    Ok(words)
}

/// How many rows there are to look at.
async fn work(db: &DatabaseTransaction) -> Result<u64> {
    let audits = audit_entry::Entity::find().count(db).await?;
    let entries = feed_entry::Entity::find().count(db).await?;
    let shared = feed_shared::Entity::find().count(db).await?;
    let copies = replica::Entity::find().count(db).await?;
    Ok(audits + entries + shared + copies)
}

/// Looking at one database.
struct Look<'a> {
    app: &'a Arc<App>,
    db: &'a DatabaseTransaction,
    /// Every site that this host knows.
    all: Vec<site::Model>,
    report: Report,
    advance: &'a dyn Fn(u64, u64),
    done: u64,
    of: u64,
}

impl Look<'_> {
    /// Notes a fault.
    fn find(&mut self, site: SiteId, what: impl std::fmt::Display) {
        let slug = self.slug(site);
        self.report.findings.push(format!("{slug}: {what}"));
    }

    /// Notes that so many rows were looked at.
    fn pass(&mut self, rows: usize) {
        self.done += rows as u64;
        (self.advance)(self.done.min(self.of), self.of);
    }

    /// The name of a site, its id where this host does not know it.
    fn slug(&self, site: SiteId) -> String {
        let known = self.all.iter().find(|known| known.id == site);
        known.map_or_else(|| site.to_string(), |known| known.slug.clone())
    }

    /// The sites that this host keeps.
    fn hosted(&self) -> Vec<site::Model> {
        self.all.iter().filter(|site| site.hosted).cloned().collect()
    }

    fn is_hosted(&self, site: SiteId) -> bool {
        self.all.iter().any(|known| known.id == site && known.hosted)
    }

    /// The keys of a site of this host, those that sign no more included.
    async fn own_keys(&self, site: SiteId) -> Result<HashMap<String, PublicKey>> {
        let keys = site_key::Entity::find().filter(site_key::Column::SiteId.eq(site));
        let keys = keys.all(self.db).await?.into_iter();
        keys.map(|key| Ok((key.kid, PublicKey(exact(&key.public_key)?))))
            .collect()
    }

    /// Those of the records of a site that are gone for ever.
    fn erased(&self, home: SiteId, records: &[Uuid]) -> Result<HashSet<Uuid>> {
        let erased = self.app.ledger.among(home, records);
        erased.map_err(crate::error::Error::internal)
    }

    /// Those of the records that changed and that the feed of their site need not tell yet; of one kind, or of any.
    async fn waiting(&self, site: SiteId, kind: Option<Kind>, records: &[Uuid]) -> Result<HashSet<Uuid>> {
        let waiting = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::RecordId)
            .filter(outbox::Column::SiteId.eq(site))
            .apply_if(kind, |rows, kind| rows.filter(outbox::Column::Kind.eq(kind)))
            .filter(outbox::Column::RecordId.is_in(records.iter().copied()));
        Ok(waiting.into_tuple().all(self.db).await?.into_iter().collect())
    }

    /// Has SQLite look at its file.
    async fn file(&mut self) -> Result<()> {
        if self.db.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let look = format!("PRAGMA integrity_check({MOST_FILE_FAULTS})");
        let told = Statement::from_string(DbBackend::Sqlite, look);
        for row in self.db.query_all_raw(told).await? {
            let told: String = row.try_get_by_index(0)?;
            if told != "ok" {
                let told = told.replace('\n', " ");
                self.report.findings.push(format!("the file of the database: {told}"));
            }
        }
        Ok(())
    }
}

/// A record as operators and the API name it: a type of the wire is the prefix of its ids, where it is a kind.
fn name(kind: &str, record: Uuid) -> String {
    match Kind::from_prefix(kind) {
        Some(kind) => ids::print(kind, record),
        None => format!("{kind} {record}"),
    }
}
