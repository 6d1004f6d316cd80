//! Following the chain of an audit: whether every entry is the one that was written, and none is missing.

use std::fmt;

use entity::{SiteId, audit_entry, audit_head};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::DateTimeUtc};

use crate::{
    error::Result,
    federation::{
        feeds::exact,
        wire::{AuditLink, Head, Origin, first_link, next_link},
    },
};

/// Entries that are read at once.
pub const ENTRIES_AT_ONCE: u64 = 1_000;

/// How far a chain was followed.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Whose audit it is.
    pub site: SiteId,
    /// The position of the last entry that was followed.
    pub position: i64,
    /// The end of the chain there; bytes that are no hash belong to no entry.
    pub hash: Vec<u8>,
}

/// The first fault of a chain: a sentence for the operator, which names position and id of the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Chain {
    /// Before the first entry.
    pub fn start(site: SiteId) -> Self {
        let hash = first_link(Origin(site.0)).0.to_vec();
        let position = 0;
        Self { site, position, hash }
    }

    /// Behind an entry that somebody has vouched for.
    pub fn behind(site: SiteId, position: i64, hash: Vec<u8>) -> Self {
        Self { site, position, hash }
    }

    /// The next entries.
    ///
    /// # Errors
    /// Only when the database fails.
    pub async fn page(&self, db: &impl ConnectionTrait) -> Result<Vec<audit_entry::Model>> {
        let rows = audit_entry::Entity::find()
            .filter(audit_entry::Column::SiteId.eq(self.site))
            .filter(audit_entry::Column::Position.gt(self.position))
            .order_by_asc(audit_entry::Column::Position)
            .limit(ENTRIES_AT_ONCE);
        Ok(rows.all(db).await?)
    }

    /// Follows the chain by an entry.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn step(&mut self, row: &audit_entry::Model) -> Result<(), Broken> {
        let next = self.position + 1;
        if row.position != next {
            return Err(Broken(format!(
                "entry {next} is missing: the next is {} ({})",
                row.position, row.id
            )));
        }
        let hash = self.hash_of(row);
        if hash.is_none_or(|hash| hash.0[..] != row.hash) {
            return Err(Broken(format!("entry {next} ({}) is not as it was written", row.id)));
        }
        self.position = next;
        self.hash.clone_from(&row.hash);
        Ok(())
    }

    /// What the hash of an entry should be; none for what nobody can have written.
    fn hash_of(&self, row: &audit_entry::Model) -> Option<Head> {
        // Times are written in whole milliseconds: what is finer is not hashed.
        let whole = DateTimeUtc::from_timestamp_millis(row.at.timestamp_millis());
        if whole != Some(row.at) {
            return None;
        }
        Some(next_link(
            Head(exact(&self.hash).ok()?),
            &AuditLink {
                site: Origin(self.site.0),
                position: u64::try_from(row.position).ok()?,
                id: row.id.0,
                at: row.at,
                pseudonym: row.pseudonym,
                action: &row.action,
                kind: row.kind.as_str(),
                record: row.record_id,
            },
        ))
    }

    /// Whether the chain that was followed to its last entry ends where it is said to.
    ///
    /// # Errors
    /// What is wrong.
    pub fn ends_at(&self, head: &audit_head::Model) -> Result<(), Broken> {
        if self.position < head.position {
            let (missing, last) = (self.position + 1, head.position);
            return Err(Broken(format!("the entries {missing} to {last} are missing")));
        }
        if self.position > head.position {
            let first = head.position + 1;
            return Err(Broken(format!("entry {first} stands behind the end of the chain")));
        }
        if self.hash != head.hash {
            return Err(Broken(format!(
                "the end of the chain does not fit entry {}",
                self.position
            )));
        }
        Ok(())
    }
}

/// Follows a chain to where it is said to end. What is added meanwhile is left out.
pub(super) async fn follow(
    db: &impl ConnectionTrait,
    mut chain: Chain,
    head: &audit_head::Model,
) -> Result<Option<Broken>> {
    while chain.position < head.position {
        let rows = chain.page(db).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows.iter().take_while(|row| row.position <= head.position) {
            if let Err(broken) = chain.step(row) {
                return Ok(Some(broken));
            }
        }
        if rows.last().is_some_and(|row| row.position > head.position) {
            break;
        }
    }
    Ok(chain.ends_at(head).err())
}
