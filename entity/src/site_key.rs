//! A signing key of a site that this host keeps. The secret half never leaves the database.

use std::fmt;

use sea_orm::entity::prelude::*;

use crate::SiteId;

/// Bytes that no log may show.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "site_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// The public half: 32 bytes of Ed25519.
    pub public_key: Vec<u8>,
    /// The secret half as PKCS #8.
    pub secret: Secret,
    /// The signature of this key by the one before, or by the network's root.
    pub proof: Option<Vec<u8>>,
    pub created_at: DateTimeUtc,
    /// Since when it signs; absent while the directory has not taken it in.
    pub signs_from: Option<DateTimeUtc>,
    /// Since when a later key signs.
    pub retired_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
