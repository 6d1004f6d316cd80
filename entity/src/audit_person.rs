//! Who stands behind a pseudonym of the audit. Whoever is erased loses this row, and every chain stays as it is.

use sea_orm::entity::prelude::*;

use crate::SiteId;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_person")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub pseudonym: Uuid,
    /// The site to which the person is known.
    pub site_id: SiteId,
    pub issuer: String,
    pub subject: String,
}

impl ActiveModelBehavior for ActiveModel {}
