//! The chains of the audit: who stands behind a pseudonym, where each chain ends, and the words for it that sites have signed.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{drop_tables, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        audit_person(manager).await?;
        audit_head(manager).await?;
        audit_checkpoint(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["audit_checkpoint", "audit_head", "audit_person"]).await
    }
}

async fn audit_person(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("audit_person")
        .col(uuid("pseudonym").primary_key())
        .col(uuid("site_id"))
        .col(text("issuer"))
        .col(text("subject"))
        .to_owned();
    manager.create_table(table).await?;
    unique(manager, "audit_person", &["site_id", "issuer", "subject"]).await
}

async fn audit_head(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("audit_head")
        .col(uuid("site_id").primary_key())
        .col(big_integer("position"))
        .col(blob("hash"))
        .to_owned();
    manager.create_table(table).await
}

async fn audit_checkpoint(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("audit_checkpoint")
        .col(uuid("site_id"))
        .col(big_integer("position"))
        .col(blob("hash"))
        .col(timestamp_with_time_zone("signed_at"))
        .col(text("kid"))
        .col(blob("signature"))
        .primary_key(Index::create().col("site_id").col("position"))
        .to_owned();
    manager.create_table(table).await
}
