//! A site: an owner of records. Its settings stay at its own host; name, slug, region and status are the directory's.

use sea_orm::entity::prelude::*;

use crate::{SiteId, SiteKind, SiteStatus};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "site")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SiteId,
    pub slug: String,
    pub name: String,
    pub kind: SiteKind,
    pub region: Option<String>,
    pub ods_code: Option<String>,
    pub status: SiteStatus,
    /// Why it was last suspended or reinstated.
    pub status_reason: Option<String>,
    /// Whether this host's database is the site's own.
    pub hosted: bool,
    /// Since when this host, which kept it, waits for its new host to take over.
    pub exported_at: Option<DateTimeUtc>,
    /// Where the site's own host answers GraphQL.
    pub endpoint: Option<String>,
    /// The site's signing key, base64url of 32 bytes.
    pub public_key: Option<String>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
