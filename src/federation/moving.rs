//! Moving a site to another host (`docs/federation.md`, section 8): a file takes everything of it, its key included, and the
//! new host begins a new epoch under a new key that the old one proves. At every moment one host at most keeps the site: who
//! wants to keep it has the hub take in a key first.
//!
//! | step | what happens |
//! |---|---|
//! | [`export`] | in one transaction the old host writes down the site and stops publishing and changing it |
//! | [`import`] | the new host takes in what the file holds; nobody sees or changes it there yet |
//! | a new key | the new host offers it to the hub, proven by the key in the file |
//! | [`begin`] | the new host keeps the site from now on, and opens a new epoch of each feed |
//! | [`hand_over`] | the old host, when it hears of that key, keeps copies of what is shared and deletes the rest |
//! | [`keep`] | instead, the old host takes the site back, under a new key of its own: the file is worth nothing then |

use chrono::{DateTime, Utc};
use entity::{Kind, SiteId, SiteKind, site, site_member};
use sea_orm::{ActiveValue::Set, EntityTrait, IntoActiveModel, QuerySelect, prelude::Uuid};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    directory, host,
    keys::SiteKey,
    messages::Witness,
    relay, renewal, sequencer,
    wire::{Audience, Previous, PublicKey},
};
use crate::{
    app::{App, Work},
    error::{Error, Result},
    sites,
};

mod arriving;
mod leaving;
pub mod rows;

pub use self::{
    arriving::{begin, import},
    leaving::hand_over,
};

/// What the first line of a file says that it is.
const FORMAT: &str = "champion-network-site@1";

/// What the lines are called that name a record which is gone for ever.
const ERASED: &str = "erased";

/// The first line of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    format: String,
    site: SiteId,
    slug: String,
    name: String,
    region: Option<String>,
    ods_code: Option<String>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    national: Keeper,
    /// Where its feeds end.
    feeds: Vec<(Audience, Previous)>,
}

/// The network that the site is in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keeper {
    id: SiteId,
    slug: String,
    name: String,
    key: PublicKey,
    root: Option<PublicKey>,
}

/// A line behind the first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    table: String,
    row: Map<String, Value>,
}

/// The last line of a file: how many came between.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    end: usize,
}

/// A file as it was read.
#[derive(Debug)]
pub struct File {
    moved: Moved,
    lines: Vec<Line>,
}

/// Writes a site of this host down and stops publishing and changing it here. Nothing is deleted before its new host has
/// taken over; until then [`keep`] takes it back.
///
/// # Errors
/// A problem for the national site, or for one that is not in a network.
pub async fn export(app: &App, id: SiteId) -> Result<String> {
    sequencer::run(app).await?;
    let export = async |work: &mut Work<'_>| {
        // Whoever changes something of the site holds its row: so all of it is in the file, or is refused.
        let found = site::Entity::find_by_id(id).lock_exclusive().one(work.db()).await?;
        let row = found.filter(|row| row.hosted).ok_or(Error::NotFound(Kind::Site))?;
        if row.kind == SiteKind::National {
            return Err(Error::not_now(
                "The national site keeps the directory: it does not move.",
            ));
        }
        if site_member::Entity::find_by_id(id).one(work.db()).await?.is_none() {
            return Err(Error::not_now("This site is in no network yet: it has nowhere to go."));
        }
        sequencer::say_the_rest(work, id).await?;
        let text = written(work, &row).await?;
        let mut stopped = row.into_active_model();
        stopped.hosted = Set(false);
        stopped.exported_at = Set(Some(work.now()));
        work.update::<site::Entity>(stopped).await?;
        Ok(text)
    };
    app.system("site export", export).await
}

/// Takes a site back that was exported and that no other host has taken over. Whoever has let the file out of hand has had
/// the hub take in another key of the site before; where this host is the hub, it does so itself.
///
/// # Errors
/// A problem when it was not exported, or has moved on.
pub async fn keep(app: &App, id: SiteId) -> Result<()> {
    let keep = async |work: &mut Work<'_>| {
        let found = site::Entity::find_by_id(id).lock_exclusive().one(work.db()).await?;
        let row = on_its_way(found)?;
        let mut kept = row.into_active_model();
        kept.hosted = Set(true);
        kept.exported_at = Set(None);
        work.update::<site::Entity>(kept).await?;
        if directory::is_kept_here(work.db()).await? {
            let rotated = renewal::rotate_here(work, id, None).await?;
            rotated.map_err(|refused| Error::not_now(refused.0))?;
        }
        Ok(())
    };
    app.system("site keep", keep).await
}

/// A site that was exported here, or imported and not taken over yet.
///
/// # Errors
/// A problem when it is not.
pub fn on_its_way(found: Option<site::Model>) -> Result<site::Model> {
    let row = found.filter(|row| row.exported_at.is_some());
    row.ok_or_else(|| Error::not_now("This site was not exported, or its new host has taken over."))
}

async fn written(work: &Work<'_>, row: &site::Model) -> Result<String> {
    let db = work.db();
    let national = sites::ops::national(db).await?;
    let national = national.ok_or_else(|| Error::not_now("This host is in no network: the site has nowhere to go."))?;
    let key = national.public_key.as_deref().and_then(PublicKey::parse);
    let moved = Moved {
        format: FORMAT.to_owned(),
        site: row.id,
        slug: row.slug.clone(),
        name: row.name.clone(),
        region: row.region.clone(),
        ods_code: row.ods_code.clone(),
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        national: Keeper {
            id: national.id,
            slug: national.slug,
            name: national.name,
            key: key.ok_or_else(|| Error::internal("the national site has no key"))?,
            root: host::root(db).await?,
        },
        feeds: relay::of_site(db, row.id)
            .await?
            .iter()
            .map(|(audience, feed, _)| (*audience, feed.ended()))
            .collect(),
    };
    let mut lines = vec![serde_json::to_string(&moved).map_err(Error::internal)?];
    let mut take = |table: &'static str, row: Value| {
        let line = serde_json::json!({ "table": table, "row": row });
        lines.push(line.to_string());
        Ok(())
    };
    rows::read(db, row.id, &mut take).await?;
    rows::read_words(db, row.id, &mut take).await?;
    rows::read_vouched(db, row.id, &mut take).await?;
    for record in work.app().ledger.of_site(row.id).map_err(Error::internal)? {
        take(ERASED, serde_json::json!({ "record": record }))?;
    }
    let end = End { end: lines.len() - 1 };
    lines.push(serde_json::to_string(&end).map_err(Error::internal)?);
    Ok(lines.join("\n") + "\n")
}

impl File {
    /// Reads what [`export`] has written.
    ///
    /// # Errors
    /// A problem for a file that is not whole or not one of these.
    pub fn parse(text: &str) -> Result<Self> {
        let not_one = |_| Error::not_now("This is not a file that `site export` has written.");
        let mut lines: Vec<_> = text.lines().collect();
        let end: End = serde_json::from_str(lines.pop().unwrap_or_default()).map_err(not_one)?;
        if lines.len() != end.end + 1 {
            return Err(Error::not_now("The file is not whole: export the site again."));
        }
        let moved: Moved = serde_json::from_str(lines[0]).map_err(not_one)?;
        if moved.format != FORMAT {
            return Err(Error::not_now("The file was written by another version."));
        }
        let rows = lines[1..].iter().map(|line| serde_json::from_str(line));
        let lines = rows.collect::<std::result::Result<_, _>>().map_err(not_one)?;
        Ok(Self { moved, lines })
    }

    /// The site.
    pub fn site(&self) -> SiteId {
        self.moved.site
    }

    /// The key with which the site signed when it was written down.
    ///
    /// # Errors
    /// A problem when the file holds none.
    pub fn key(&self) -> Result<SiteKey> {
        let keys = self.lines.iter().filter(|line| line.table == "site_key");
        let present = keys.filter_map(|line| rows::present_key(&line.row)).next();
        let (kid, secret) = present.ok_or_else(|| Error::not_now("The file holds no key of the site."))?;
        SiteKey::of(kid, &secret)
    }

    /// Whether the hub knows no more of the site than the file: then nothing was said in its name since.
    ///
    /// # Errors
    /// A problem when it does.
    pub fn is_the_latest(&self, known: &Witness) -> Result<()> {
        for told in &known.feeds {
            let end = self.moved.feeds.iter().find(|(audience, _)| *audience == told.audience);
            let within = end.is_some_and(|(_, end)| end.epoch == told.epoch && told.checkpoint.to <= end.to);
            let same = end.is_some_and(|(_, end)| told.checkpoint.to < end.to || told.checkpoint.head == end.head);
            if !(within && same) {
                return Err(Error::not_now(
                    "The hub has read more of this site than the file knows: export the site again where it is kept.",
                ));
            }
        }
        Ok(())
    }

    /// The records that the file says are gone for ever.
    fn erased(&self) -> Result<Vec<Uuid>> {
        let erased = self.lines.iter().filter(|line| line.table == ERASED).map(|line| {
            let record = line.row.get("record").and_then(Value::as_str);
            let record = record.and_then(|record| record.parse().ok());
            record.ok_or_else(|| Error::not_now("A line of the file names no record."))
        });
        erased.collect()
    }
}
