//! The feeds of other hosts that this one reads, and whose word it takes.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{drop_tables, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        site_member(manager).await?;
        trusted_key(manager).await?;
        replica(manager).await?;
        feed_cursor(manager).await?;
        feed_seen(manager).await?;
        feed_skipped(manager).await?;
        feed_parked(manager).await?;
        feed_held(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "feed_held",
            "feed_parked",
            "feed_skipped",
            "feed_seen",
            "feed_cursor",
            "replica",
            "trusted_key",
            "site_member",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn site_member(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("site_member")
        .col(uuid("site_id"))
        .col(text("keys"))
        .col(text("types"))
        .col(integer("protocol_min"))
        .col(integer("protocol_max"))
        .primary_key(Index::create().col("site_id"))
        .to_owned();
    manager.create_table(table).await
}

async fn trusted_key(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("trusted_key")
        .col(uuid("site_id"))
        .col(text("kid"))
        .col(integer("position"))
        .col(blob("public_key"))
        .col(boolean("revoked"))
        .col(text_null("windows"))
        .primary_key(Index::create().col("site_id").col("kid"))
        .to_owned();
    manager.create_table(table).await
}

async fn replica(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("replica")
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid("record_id"))
        .col(text("kind"))
        .col(big_integer("generation"))
        .col(big_integer("pos"))
        .col(text("operation"))
        .col(timestamp_with_time_zone_null("first_applied_at"))
        .primary_key(Index::create().col("origin").col("audience").col("record_id"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "replica", &["record_id"]).await
}

async fn feed_cursor(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("feed_cursor")
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid_null("epoch"))
        .col(big_integer("pos"))
        .col(blob("head"))
        .col(big_integer("generation"))
        .col(text("state"))
        .col(big_integer_null("boot_pos"))
        .col(blob_null("boot_head"))
        .col(big_integer_null("skip_pos"))
        .col(blob_null("skip_head"))
        .col(timestamp_with_time_zone_null("verified_at"))
        .col(timestamp_with_time_zone_null("signed_at"))
        .primary_key(Index::create().col("origin").col("audience"))
        .to_owned();
    manager.create_table(table).await
}

async fn feed_seen(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("feed_seen")
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid("record_id"))
        .primary_key(Index::create().col("origin").col("audience").col("record_id"))
        .to_owned();
    manager.create_table(table).await
}

async fn feed_skipped(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("feed_skipped")
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid("record_id"))
        .primary_key(Index::create().col("origin").col("audience").col("record_id"))
        .to_owned();
    manager.create_table(table).await
}

async fn feed_parked(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("feed_parked")
        .col(uuid("origin"))
        .col(text("audience"))
        .col(big_integer("pos"))
        .col(uuid("record_id"))
        .col(text("reason"))
        .col(uuid_null("waits_for"))
        .col(text("header"))
        .col(blob_null("salt"))
        .col(text_null("payload"))
        .primary_key(Index::create().col("origin").col("audience").col("pos"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "feed_parked", &["waits_for"]).await
}

async fn feed_held(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("feed_held")
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid("epoch"))
        .col(big_integer("pos"))
        .col(blob("head"))
        .col(timestamp_with_time_zone("signed_at"))
        .col(text("kid"))
        .col(blob("signature"))
        .primary_key(Index::create().col("origin").col("audience").col("epoch").col("pos"))
        .to_owned();
    manager.create_table(table).await
}
