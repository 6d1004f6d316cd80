//! What those who follow changes are told.
//!
//! On PostgreSQL transactions commit in another order than that in which they take their numbers, so every change knows its
//! transaction: the log is read only up to the oldest one that is still open.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

use crate::{drop_tables, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        change(manager).await?;
        change_told(manager).await?;
        change_log(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["change_log", "change_told", "change"]).await
    }
}

fn is_postgres(manager: &SchemaManager<'_>) -> bool {
    manager.get_database_backend() == DbBackend::Postgres
}

async fn change(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let number = if is_postgres(manager) {
        Expr::cust("(pg_current_xact_id()::text::bigint)")
    } else {
        Expr::val(0)
    };
    let table = Table::create()
        .table("change")
        .col(big_integer("id").primary_key().auto_increment())
        .col(big_integer("transaction_id").default(number))
        .col(timestamp_with_time_zone("at"))
        .col(uuid("site_id"))
        .col(text("kind"))
        .col(uuid("record_id"))
        .col(uuid_null("thread_id"))
        .col(text_null("access_before"))
        .col(text_null("access_after"))
        .col(boolean("was_there"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "change", &["transaction_id", "id"]).await?;
    index(manager, "change", &["at"]).await
}

async fn change_told(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("change_told")
        .col(uuid("record_id").primary_key())
        .col(text("access"))
        .to_owned();
    manager.create_table(table).await
}

async fn change_log(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("change_log")
        .col(integer("number").primary_key())
        .col(text("history"))
        .col(text("server"))
        .col(big_integer("swept_transaction_id"))
        .col(big_integer("swept_id"))
        .to_owned();
    manager.create_table(table).await?;
    let chance = if is_postgres(manager) {
        "replace(gen_random_uuid()::text, '-', '')"
    } else {
        "lower(hex(randomblob(16)))"
    };
    let only = format!("INSERT INTO change_log VALUES (1, {chance}, '', 0, 0)");
    manager.get_connection().execute_unprepared(&only).await?;
    Ok(())
}
