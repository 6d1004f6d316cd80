//! Who did what on a site: the list for its admins, and all of it as lines of JSON that anybody can verify.

mod export;

use std::collections::{BTreeSet, HashMap};

use entity::{audit_entry, audit_person};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Select, prelude::Uuid};

pub use self::export::{Export, export, hexadecimal};
use crate::{
    error::Result,
    read::{self, IDS_A_STATEMENT, KeyType, Listing, Sort},
    sites::ops::home_in,
};

/// The audit entries of a site, newest first.
#[derive(Clone, Debug)]
pub struct AuditEntries {
    /// The slug of the site.
    pub site: String,
}

impl Listing for AuditEntries {
    type Entity = audit_entry::Entity;

    fn narrow(&self, rows: Select<audit_entry::Entity>) -> Select<audit_entry::Entity> {
        rows.filter(home_in(audit_entry::Column::SiteId, std::slice::from_ref(&self.site)))
    }

    fn sort(&self) -> Sort {
        Sort::by("POSITION_DESC", audit_entry::Column::Position, KeyType::Number, true)
    }
}

/// People by their pseudonyms, for the admins of the site that knows them.
pub type People = HashMap<Uuid, audit_person::Model>;

/// Who stands behind the entries of a site, as far as the site itself knows them and they were not forgotten.
///
/// # Errors
/// Only when the database fails.
pub async fn people(db: &impl ConnectionTrait, entries: &[audit_entry::Model]) -> Result<People> {
    let named: BTreeSet<_> = entries.iter().filter_map(|entry| entry.pseudonym).collect();
    let named: Vec<_> = named.into_iter().collect();
    let mut people = People::new();
    for named in named.chunks(IDS_A_STATEMENT) {
        let found = audit_person::Entity::find()
            .filter(audit_person::Column::Pseudonym.is_in(named.iter().copied()))
            .all(db)
            .await?;
        people.extend(read::by_key(found, |person| person.pseudonym));
    }
    Ok(people)
}

/// Who stands behind an entry.
pub fn author<'a>(people: &'a People, entry: &audit_entry::Model) -> Option<&'a audit_person::Model> {
    let person = people.get(&entry.pseudonym?)?;
    (person.site_id == entry.site_id).then_some(person)
}
