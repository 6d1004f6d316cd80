//! The whole audit of a site as lines of JSON (`docs/security.md`, section 4): first what it is of and with which keys the site
//! has signed, then every entry in the order of the chain, the checkpoints, and a last line that says how many there were.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use entity::{Kind, SiteId, audit_checkpoint, audit_entry, audit_head, ids, site, site_key};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid};
use serde::Serialize;

use super::{author, people};
use crate::{
    app::App,
    error::{Error, Result},
    policy::{Access, Action, Caller, reach},
    sites::ops::named,
};

/// What the first line says that this is.
pub const FORMAT: &str = "champion-network-audit@1";

/// Entries, or checkpoints, that are read at once.
const ROWS_AT_ONCE: u64 = 500;

/// The audit of a site on its way out, as far as it went when it was asked for.
#[derive(Debug)]
pub struct Export {
    app: Arc<App>,
    site: site::Model,
    end: i64,
    hash: String,
    part: Part,
    entries: u64,
    checkpoints: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Part {
    Head,
    Entries { after: i64 },
    Checkpoints { after: i64 },
    End,
    Nothing,
}

/// A line. Each is an object with one member, which says what it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Line<'a> {
    #[serde(rename_all = "camelCase")]
    Audit {
        format: &'static str,
        site: Uuid,
        slug: &'a str,
        name: &'a str,
        at: DateTime<Utc>,
        position: i64,
        hash: &'a str,
        keys: Vec<Key>,
    },
    #[serde(rename_all = "camelCase")]
    Entry {
        position: i64,
        id: Uuid,
        /// Milliseconds since 1970.
        at: i64,
        pseudonym: Option<Uuid>,
        issuer: Option<&'a str>,
        subject: Option<&'a str>,
        action: &'a str,
        kind: &'a str,
        record: Uuid,
        record_id: String,
        hash: String,
    },
    #[serde(rename_all = "camelCase")]
    Checkpoint {
        position: i64,
        hash: String,
        at: i64,
        kid: &'a str,
        signature: String,
    },
    End {
        entries: u64,
        checkpoints: u64,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    kid: String,
    public_key: String,
}

/// Begins the export of a site's audit.
///
/// # Errors
/// [`Error::NotFound`] when there is no such site, or its audit is not for this caller.
pub async fn export(app: &Arc<App>, caller: &Caller, slug: &str) -> Result<Export> {
    let nothing = || Error::NotFound(Kind::AuditEntry);
    let site = named(app.reader(), slug).await.map_err(|error| match error {
        Error::NotFound(_) => nothing(),
        other => other,
    })?;
    if !reach(caller, Action::Read, Kind::AuditEntry).covers(&Access::at(Kind::AuditEntry, site.id)) {
        return Err(nothing());
    }
    let head = audit_head::Entity::find_by_id(site.id).one(app.reader()).await?;
    let (end, hash) = head.map_or((0, String::new()), |head| (head.position, hexadecimal(&head.hash)));
    Ok(Export {
        app: Arc::clone(app),
        site,
        end,
        hash,
        part: Part::Head,
        entries: 0,
        checkpoints: 0,
    })
}

impl Export {
    /// The next lines; none at the end.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn next(&mut self) -> Result<Option<String>> {
        loop {
            match self.part {
                Part::Head => {
                    self.part = Part::Entries { after: 0 };
                    return self.head().await.map(Some);
                }
                Part::Entries { after } => {
                    let (lines, last) = self.entries(after).await?;
                    self.part = last.map_or(Part::Checkpoints { after: 0 }, |after| Part::Entries { after });
                    if last.is_some() {
                        return Ok(Some(lines));
                    }
                }
                Part::Checkpoints { after } => {
                    let (lines, last) = self.checkpoints(after).await?;
                    self.part = last.map_or(Part::End, |after| Part::Checkpoints { after });
                    if last.is_some() {
                        return Ok(Some(lines));
                    }
                }
                Part::End => {
                    self.part = Part::Nothing;
                    let (entries, checkpoints) = (self.entries, self.checkpoints);
                    return line(&Line::End { entries, checkpoints }).map(Some);
                }
                Part::Nothing => return Ok(None),
            }
        }
    }

    async fn head(&self) -> Result<String> {
        let keys = site_key::Entity::find()
            .filter(site_key::Column::SiteId.eq(self.site.id))
            .filter(site_key::Column::SignsFrom.is_not_null())
            .order_by_asc(site_key::Column::SignsFrom);
        let keys = keys.all(self.app.reader()).await?.into_iter().map(|key| Key {
            kid: key.kid,
            public_key: BASE64_URL_SAFE_NO_PAD.encode(key.public_key),
        });
        line(&Line::Audit {
            format: FORMAT,
            site: self.site.id.0,
            slug: &self.site.slug,
            name: &self.site.name,
            at: self.app.clock.now(),
            position: self.end,
            hash: &self.hash,
            keys: keys.collect(),
        })
    }

    /// Some entries behind a position, and the position of the last.
    async fn entries(&mut self, after: i64) -> Result<(String, Option<i64>)> {
        let rows = audit_entry::Entity::find()
            .filter(audit_entry::Column::SiteId.eq(self.site.id))
            .filter(audit_entry::Column::Position.gt(after))
            .filter(audit_entry::Column::Position.lte(self.end))
            .order_by_asc(audit_entry::Column::Position)
            .limit(ROWS_AT_ONCE);
        let rows = rows.all(self.app.reader()).await?;
        let people = people(self.app.reader(), &rows).await?;
        let mut lines = String::new();
        for row in &rows {
            let person = author(&people, row);
            lines += &line(&Line::Entry {
                position: row.position,
                id: row.id.0,
                at: row.at.timestamp_millis(),
                pseudonym: row.pseudonym,
                issuer: person.map(|person| person.issuer.as_str()),
                subject: person.map(|person| person.subject.as_str()),
                action: &row.action,
                kind: row.kind.as_str(),
                record: row.record_id,
                record_id: ids::print(row.kind, row.record_id),
                hash: hexadecimal(&row.hash),
            })?;
            self.entries += 1;
        }
        Ok((lines, rows.last().map(|row| row.position)))
    }

    async fn checkpoints(&mut self, after: i64) -> Result<(String, Option<i64>)> {
        let rows = checkpoints_behind(self.site.id, after).limit(ROWS_AT_ONCE);
        let rows = rows.filter(audit_checkpoint::Column::Position.lte(self.end));
        let rows = rows.all(self.app.reader()).await?;
        let mut lines = String::new();
        for row in &rows {
            lines += &line(&Line::Checkpoint {
                position: row.position,
                hash: hexadecimal(&row.hash),
                at: row.signed_at.timestamp_millis(),
                kid: &row.kid,
                signature: BASE64_URL_SAFE_NO_PAD.encode(&row.signature),
            })?;
            self.checkpoints += 1;
        }
        Ok((lines, rows.last().map(|row| row.position)))
    }
}

fn checkpoints_behind(site: SiteId, after: i64) -> sea_orm::Select<audit_checkpoint::Entity> {
    audit_checkpoint::Entity::find()
        .filter(audit_checkpoint::Column::SiteId.eq(site))
        .filter(audit_checkpoint::Column::Position.gt(after))
        .order_by_asc(audit_checkpoint::Column::Position)
}

fn line(line: &Line<'_>) -> Result<String> {
    serde_json::to_string(line)
        .map(|line| line + "\n")
        .map_err(Error::internal)
}

/// Bytes as people compare them.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
