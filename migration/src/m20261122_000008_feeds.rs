//! The feeds that this host writes or relays, and the keys that sign them.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{drop_tables, index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        host(manager).await?;
        feed_head(manager).await?;
        feed_entry(manager).await?;
        feed_checkpoint(manager).await?;
        feed_shared(manager).await?;
        site_key(manager).await?;
        peer_ack(manager).await?;
        peer_report(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "peer_report",
            "peer_ack",
            "site_key",
            "feed_shared",
            "feed_checkpoint",
            "feed_entry",
            "feed_head",
            "host",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn host(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("host")
        .col(integer("number"))
        .col(uuid("id"))
        .col(big_integer("changes"))
        .col(blob_null("root_key"))
        .col(text("doubted"))
        .primary_key(Index::create().col("number"))
        .to_owned();
    manager.create_table(table).await
}

async fn feed_head(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("feed_head")
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid("epoch"))
        .col(big_integer("pos"))
        .col(blob("head"))
        .col(big_integer("changed"))
        .primary_key(Index::create().col("origin").col("audience"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "feed_head", &["changed"]).await
}

async fn feed_entry(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("feed_entry")
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid("epoch"))
        .col(big_integer("pos"))
        .col(uuid("record_id"))
        .col(text("header"))
        .col(blob_null("salt"))
        .col(text_null("payload"))
        .col(blob("head"))
        .primary_key(Index::create().col("origin").col("audience").col("epoch").col("pos"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "feed_entry", &["record_id"]).await
}

async fn feed_checkpoint(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("feed_checkpoint")
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

async fn feed_shared(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("feed_shared")
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid("record_id"))
        .col(big_integer("pos"))
        .col(text("operation"))
        .col(blob_null("payload_hash"))
        .col(blob_null("salt"))
        .primary_key(Index::create().col("origin").col("audience").col("record_id"))
        .to_owned();
    manager.create_table(table).await
}

async fn site_key(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("site_key")
        .col(uuid("site_id"))
        .col(text("kid"))
        .col(blob("public_key"))
        .col(blob("secret"))
        .col(blob_null("proof"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("signs_from"))
        .col(timestamp_with_time_zone_null("retired_at"))
        .primary_key(Index::create().col("site_id").col("kid"))
        .to_owned();
    manager.create_table(table).await
}

async fn peer_ack(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("peer_ack")
        .col(uuid("site_id"))
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid("host_id"))
        .col(uuid("epoch"))
        .col(big_integer("pos"))
        .col(timestamp_with_time_zone("at"))
        .primary_key(Index::create().col("site_id").col("origin").col("audience"))
        .to_owned();
    manager.create_table(table).await
}

async fn peer_report(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("peer_report")
        .col(uuid("site_id"))
        .col(uuid("origin"))
        .col(text("audience"))
        .col(uuid_null("epoch"))
        .col(big_integer("pos"))
        .col(text("reason"))
        .col(text_null("fork"))
        .col(timestamp_with_time_zone("at"))
        .primary_key(Index::create().col("site_id").col("origin").col("audience"))
        .to_owned();
    manager.create_table(table).await
}
