//! What every unit of work leaves: audit entries, outbox rows and idempotent outcomes.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{drop_tables, index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        audit_entry(manager).await?;
        outbox(manager).await?;
        idempotent_outcome(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["idempotent_outcome", "outbox", "audit_entry"]).await
    }
}

async fn audit_entry(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("audit_entry")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(big_integer("position"))
        .col(timestamp_with_time_zone("at"))
        .col(uuid_null("pseudonym"))
        .col(text("action"))
        .col(text("kind"))
        .col(uuid("record_id"))
        .col(blob("hash"))
        .to_owned();
    manager.create_table(table).await?;
    unique(manager, "audit_entry", &["site_id", "position"]).await?;
    index(manager, "audit_entry", &["record_id"]).await?;
    Ok(())
}

async fn outbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("outbox")
        .col(big_integer("id").primary_key().auto_increment())
        .col(uuid("site_id"))
        .col(text("kind"))
        .col(uuid("record_id"))
        .col(timestamp_with_time_zone("at"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "outbox", &["site_id", "id"]).await?;
    Ok(())
}

async fn idempotent_outcome(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("idempotent_outcome")
        .col(text("scope").primary_key())
        .col(text("author"))
        .col(text("request"))
        .col(text("outcome"))
        .col(timestamp_with_time_zone("created_at"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "idempotent_outcome", &["created_at"]).await?;
    Ok(())
}
