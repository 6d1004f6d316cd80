//! Projects with team, milestones and targets, and support sessions.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{drop_tables, index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        project(manager).await?;
        project_champion(manager).await?;
        project_milestone(manager).await?;
        project_target(manager).await?;
        support_session(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "support_session",
                "project_target",
                "project_milestone",
                "project_champion",
                "project",
            ],
        )
        .await
    }
}

async fn project(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("project")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid_null("owner_id"))
        .col(text("slug"))
        .col(text("title"))
        .col(text("summary"))
        .col(text_null("question"))
        .col(text("focus_areas"))
        .col(text("conditions"))
        .col(text("sponsors"))
        .col(text("status"))
        .col(date_null("starts_on"))
        .col(date_null("ends_on"))
        .col(uuid_null("cloned_from_id"))
        .to_owned();
    manager.create_table(table).await?;
    unique(manager, "project", &["site_id", "slug"]).await?;
    index(manager, "project", &["created_at", "id"]).await?;
    index(manager, "project", &["updated_at", "id"]).await?;
    index(manager, "project", &["title", "id"]).await?;
    index(manager, "project", &["site_id", "created_at", "id"]).await?;
    index(manager, "project", &["owner_id"]).await?;
    Ok(())
}

async fn project_champion(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("project_champion")
        .col(uuid("project_id"))
        .col(uuid("champion_id"))
        .col(timestamp_with_time_zone("joined_at"))
        .primary_key(Index::create().col("project_id").col("champion_id"))
        .foreign_key(
            ForeignKey::create()
                .from("project_champion", "project_id")
                .to("project", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "project_champion", &["champion_id", "joined_at"]).await?;
    Ok(())
}

async fn project_milestone(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("project_milestone")
        .col(uuid("project_id"))
        .col(integer("position"))
        .col(text("title"))
        .col(date_null("due_on"))
        .col(date_null("done_on"))
        .primary_key(Index::create().col("project_id").col("position"))
        .foreign_key(
            ForeignKey::create()
                .from("project_milestone", "project_id")
                .to("project", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned();
    manager.create_table(table).await?;
    Ok(())
}

async fn project_target(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("project_target")
        .col(uuid("project_id"))
        .col(integer("position"))
        .col(uuid("measure_id"))
        .col(text_null("value"))
        .col(text_null("numerator"))
        .col(text_null("denominator"))
        .col(date_null("due_on"))
        .primary_key(Index::create().col("project_id").col("position"))
        .foreign_key(
            ForeignKey::create()
                .from("project_target", "project_id")
                .to("project", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned();
    manager.create_table(table).await?;
    Ok(())
}

async fn support_session(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("support_session")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid("owner_id"))
        .col(date("held_on"))
        .col(text("mode"))
        .col(integer("minutes"))
        .col(integer("people_helped"))
        .col(text_null("condition"))
        .col(integer("records_sign_ups"))
        .col(integer("prescriptions_sign_ups"))
        .col(integer("appointments_sign_ups"))
        .col(text_null("campaign_code"))
        .col(text("state"))
        .col(text_null("decision_reason"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "support_session", &["site_id", "held_on", "id"]).await?;
    index(manager, "support_session", &["owner_id"]).await?;
    Ok(())
}
