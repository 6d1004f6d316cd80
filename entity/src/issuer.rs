//! Who may sign tokens for a site. Never leaves the host.

use sea_orm::entity::prelude::*;

use crate::{IssuerId, List, SiteId, SiteRole, TokenAlgorithm};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "issuer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IssuerId,
    pub site_id: SiteId,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub issuer: String,
    pub audience: String,
    pub algorithms: List<TokenAlgorithm>,
    /// An inline JWK set (RFC 7517) as JSON; null when `jwks_url` says where it is.
    pub jwks: Option<String>,
    pub jwks_url: Option<String>,
    pub roles_claim: String,
    pub may_grant: List<SiteRole>,
    pub revoked_at: Option<DateTimeUtc>,
    /// Whether it counts only while the host's settings allow the development issuer.
    pub development: bool,
}

impl ActiveModelBehavior for ActiveModel {}
