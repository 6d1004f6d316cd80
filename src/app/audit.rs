//! The audit of a work: who did what, as links of the chains of the sites that it has changed (`docs/security.md`, section 4).
//!
//! Whoever enters something holds the ends of those chains until the work ends, so it is done last of all. They are locked
//! in the order of their sites, so that no two works wait for each other.

use std::collections::{BTreeMap, BTreeSet};

use entity::{AuditEntryId, SiteId, audit_entry, audit_head, audit_person};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect,
    prelude::Uuid,
    sea_query::{ExprTrait, OnConflict},
};

use super::{Change, Work};
use crate::{
    database::ROWS_A_STATEMENT,
    error::{Error, Result},
    federation::wire::{AuditLink, Head, Origin, first_link, next_link},
    policy::Identity,
};

/// People who are forgotten by one statement.
const PEOPLE_A_STATEMENT: usize = 100;

/// Somebody whom a site knows: the site, and issuer and subject of their tokens.
pub(super) type Person = (SiteId, String, String);

impl Work<'_> {
    /// Forgets, when the work ends, who stands behind the entries of a person in the audit of a site: nobody can tell any more,
    /// and every chain stays as it is. Whoever erases a person calls this, whether the person has a card or not.
    pub fn forget_author(&mut self, site: SiteId, issuer: &str, subject: &str) {
        self.forgotten.insert((site, issuer.to_owned(), subject.to_owned()));
    }

    /// Enters in the audit what this work has changed.
    pub(super) async fn enter_audit(&self) -> Result<()> {
        let sites: BTreeSet<_> = self.audited.iter().map(|change| change.site).collect();
        if !sites.is_empty() {
            let pseudonyms = self.pseudonyms(&sites).await?;
            let mut ends = self.lock_ends(&sites).await?;
            let mut rows = Vec::with_capacity(self.audited.len());
            for change in &self.audited {
                let author = self.caller.identity.as_ref();
                let known_at = author.map(|author| known_at(author, change.site));
                let pseudonym = known_at.map(|site| {
                    let known = pseudonyms.get(&site).copied();
                    // Whoever is erased at this moment has no name any more.
                    known.unwrap_or_else(|| self.app.ids.unordered())
                });
                let end = ends.get_mut(&change.site);
                let end = end.ok_or_else(|| Error::internal("the audit of a site has no end"))?;
                rows.push(self.link(change, pseudonym, end)?);
            }
            for rows in rows.chunks(ROWS_A_STATEMENT) {
                let rows = audit_entry::Entity::insert_many(rows.to_vec());
                rows.exec_without_returning(self.db()).await?;
            }
            self.move_ends(ends).await?;
        }
        self.forget_authors().await
    }

    /// The next entry of a chain, whose end it becomes.
    fn link(&self, change: &Change, pseudonym: Option<Uuid>, end: &mut End) -> Result<audit_entry::ActiveModel> {
        let id = self.app.ids.next::<AuditEntryId>(self.now);
        end.position += 1;
        end.hash = next_link(
            end.hash,
            &AuditLink {
                site: Origin(change.site.0),
                position: u64::try_from(end.position).map_err(Error::internal)?,
                id: id.0,
                at: self.now,
                pseudonym,
                action: self.action,
                kind: change.kind.as_str(),
                record: change.id,
            },
        );
        Ok(audit_entry::ActiveModel {
            id: Set(id),
            site_id: Set(change.site),
            position: Set(end.position),
            at: Set(self.now),
            pseudonym: Set(pseudonym),
            action: Set(self.action.to_owned()),
            kind: Set(change.kind),
            record_id: Set(change.id),
            hash: Set(end.hash.0.to_vec()),
        })
    }

    /// The names of the caller in the audits of sites; new ones where somebody acts for the first time.
    async fn pseudonyms(&self, sites: &BTreeSet<SiteId>) -> Result<BTreeMap<SiteId, Uuid>> {
        use audit_person::{ActiveModel, Column, Entity};
        let Some(author) = self.caller.identity.as_ref() else {
            return Ok(BTreeMap::new());
        };
        let known_at: BTreeSet<_> = sites.iter().map(|site| known_at(author, *site)).collect();
        let known = self.known_as(author, &known_at).await?;
        let new = known_at.iter().filter(|site| !known.contains_key(site));
        let new: Vec<_> = new
            .map(|site| ActiveModel {
                pseudonym: Set(self.app.ids.unordered()),
                site_id: Set(*site),
                issuer: Set(author.issuer.clone()),
                subject: Set(author.subject.clone()),
            })
            .collect();
        if new.is_empty() {
            return Ok(known);
        }
        // Another work of the same person may be the first as well.
        let mut known = OnConflict::columns([Column::SiteId, Column::Issuer, Column::Subject]);
        let new = Entity::insert_many(new).on_conflict(known.do_nothing().to_owned());
        new.exec_without_returning(self.db()).await?;
        self.known_as(author, &known_at).await
    }

    async fn known_as(&self, author: &Identity, sites: &BTreeSet<SiteId>) -> Result<BTreeMap<SiteId, Uuid>> {
        use audit_person::{Column, Entity};
        let known = Entity::find()
            .select_only()
            .columns([Column::SiteId, Column::Pseudonym])
            .filter(Column::SiteId.is_in(sites.iter().copied()))
            .filter(Column::Issuer.eq(&author.issuer))
            .filter(Column::Subject.eq(&author.subject));
        Ok(known.into_tuple().all(self.db()).await?.into_iter().collect())
    }

    /// Locks the ends of chains until the work ends, and begins those that have none. One statement, because whoever already held
    /// some of them while it began others could wait for somebody who waits for those.
    async fn lock_ends(&self, sites: &BTreeSet<SiteId>) -> Result<BTreeMap<SiteId, End>> {
        use audit_head::{ActiveModel, Column, Entity};
        let rows = sites.iter().map(|site| ActiveModel {
            site_id: Set(*site),
            position: Set(0),
            hash: Set(first_link(Origin(site.0)).0.to_vec()),
        });
        // What is there stays as it is: this update only locks it.
        let mut known = OnConflict::column(Column::SiteId);
        let rows = Entity::insert_many(rows).on_conflict(known.update_column(Column::SiteId).to_owned());
        let ends = rows.exec_with_returning(self.db()).await?;
        let ends = ends.into_iter().map(|row| {
            let hash = Head(row.hash.as_slice().try_into().map_err(Error::internal)?);
            let position = row.position;
            Ok((row.site_id, End { position, hash }))
        });
        ends.collect()
    }

    async fn move_ends(&self, ends: BTreeMap<SiteId, End>) -> Result<()> {
        use audit_head::{ActiveModel, Column, Entity};
        let rows = ends.into_iter().map(|(site, end)| ActiveModel {
            site_id: Set(site),
            position: Set(end.position),
            hash: Set(end.hash.0.to_vec()),
        });
        let mut moved = OnConflict::column(Column::SiteId);
        moved.update_columns([Column::Position, Column::Hash]);
        let rows = Entity::insert_many(rows).on_conflict(moved);
        rows.exec_without_returning(self.db()).await?;
        Ok(())
    }

    async fn forget_authors(&self) -> Result<()> {
        use audit_person::{Column, Entity};
        let forgotten: Vec<_> = self.forgotten.iter().collect();
        for people in forgotten.chunks(PEOPLE_A_STATEMENT) {
            let any = people.iter().fold(Condition::any(), |any, (site, issuer, subject)| {
                let one = Column::SiteId.eq(*site);
                any.add(one.and(Column::Issuer.eq(issuer)).and(Column::Subject.eq(subject)))
            });
            Entity::delete_many().filter(any).exec(self.db()).await?;
        }
        Ok(())
    }
}

/// Where a chain ends.
struct End {
    position: i64,
    hash: Head,
}

/// The site that knows who somebody is who is named in the audit of a site: that one, if it accepts their token, else one that
/// does. So what a person of one site brings about at another leaves nothing there that tells who it was.
fn known_at(author: &Identity, site: SiteId) -> SiteId {
    let own = author.sites.first().copied();
    own.filter(|_| !author.sites.contains(&site)).unwrap_or(site)
}
