//! Who did what on a site.

use entity::audit_entry;
use sea_orm::{QueryFilter, Select};

use crate::{
    read::{KeyType, Listing, Sort},
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
        Sort::by("AT_DESC", audit_entry::Column::At, KeyType::Time, true)
    }
}
