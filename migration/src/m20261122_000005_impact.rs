//! Measures, observations, months and releases.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{drop_tables, index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        impact_measure(manager).await?;
        observation(manager).await?;
        impact_month(manager).await?;
        impact_release(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &["impact_release", "impact_month", "observation", "impact_measure"],
        )
        .await
    }
}

async fn impact_measure(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("impact_measure")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(text("code"))
        .col(text("name"))
        .col(text("definition"))
        .col(text("unit"))
        .col(text("kind"))
        .col(text("aggregation"))
        .col(boolean("counts_people"))
        .col(text_null("session_figure"))
        .to_owned();
    manager.create_table(table).await?;
    unique(manager, "impact_measure", &["site_id", "code"]).await?;
    index(manager, "impact_measure", &["name", "id"]).await?;
    index(manager, "impact_measure", &["site_id", "created_at", "id"]).await?;
    Ok(())
}

async fn observation(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("observation")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid_null("owner_id"))
        .col(uuid("measure_id"))
        .col(uuid_null("project_id"))
        .col(date("observed_on"))
        .col(text_null("value"))
        .col(text_null("numerator"))
        .col(text_null("denominator"))
        .col(text("breakdown"))
        .col(text("state"))
        .col(text_null("note"))
        .col(text_null("decision_reason"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "observation", &["site_id", "observed_on", "id"]).await?;
    index(manager, "observation", &["measure_id"]).await?;
    index(manager, "observation", &["project_id"]).await?;
    index(manager, "observation", &["owner_id"]).await?;
    Ok(())
}

async fn impact_month(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("impact_month")
        .col(uuid("site_id"))
        .col(uuid("measure_id"))
        .col(uuid("project_id"))
        .col(date("month"))
        .col(integer("count"))
        .col(text("value"))
        .col(text("numerator"))
        .col(text("denominator"))
        .col(date("latest_on"))
        .col(text("latest_value"))
        .col(text("latest_numerator"))
        .col(text("latest_denominator"))
        .primary_key(
            Index::create()
                .col("site_id")
                .col("measure_id")
                .col("project_id")
                .col("month"),
        )
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "impact_month", &["measure_id", "month"]).await?;
    Ok(())
}

async fn impact_release(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("impact_release")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid("measure_id"))
        .col(date("month"))
        .col(integer("revision"))
        .col(uuid_null("supersedes_id"))
        .col(text("state"))
        .col(text("disclosed"))
        .col(text_null("value"))
        .col(text_null("numerator"))
        .col(text_null("denominator"))
        .col(text_null("count"))
        .to_owned();
    manager.create_table(table).await?;
    unique(
        manager,
        "impact_release",
        &["site_id", "measure_id", "month", "revision"],
    )
    .await?;
    index(manager, "impact_release", &["measure_id", "month"]).await?;
    index(manager, "impact_release", &["month", "id"]).await?;
    Ok(())
}
