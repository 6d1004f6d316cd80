//! What a mutation with an `Idempotency-Key` came to; kept for 24 hours.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotent_outcome")]
pub struct Model {
    /// SHA-256 over issuer, subject, key and response key, in hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: String,
    /// SHA-256 over issuer and subject, in hexadecimal: with a person, what they did is forgotten.
    pub author: String,
    /// SHA-256 over field and input, in hexadecimal.
    pub request: String,
    /// JSON: ids or problems, never the response.
    pub outcome: String,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
