//! Spaces, threads, posts, placements and reports.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{drop_tables, index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        space(manager).await?;
        space_member(manager).await?;
        thread(manager).await?;
        post(manager).await?;
        placement(manager).await?;
        report(manager).await?;
        moderation_action(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "moderation_action",
                "report",
                "placement",
                "post",
                "thread",
                "space_member",
                "space",
            ],
        )
        .await
    }
}

async fn space(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("space")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(text("slug"))
        .col(text("name"))
        .col(text("about"))
        .col(text("access"))
        .col(uuid_null("closed_space_id"))
        .to_owned();
    manager.create_table(table).await?;
    unique(manager, "space", &["site_id", "slug"]).await?;
    index(manager, "space", &["name", "id"]).await?;
    Ok(())
}

async fn space_member(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("space_member")
        .col(uuid("space_id"))
        .col(uuid("champion_id"))
        .col(timestamp_with_time_zone("added_at"))
        .primary_key(Index::create().col("space_id").col("champion_id"))
        .foreign_key(
            ForeignKey::create()
                .from("space_member", "space_id")
                .to("space", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "space_member", &["champion_id"]).await?;
    Ok(())
}

async fn thread(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("thread")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid_null("owner_id"))
        .col(uuid("space_id"))
        .col(uuid("space_home_id"))
        .col(uuid_null("closed_space_id"))
        .col(uuid_null("project_id"))
        .col(text("title"))
        .col(text("body"))
        .col(text("tags"))
        .col(timestamp_with_time_zone_null("edited_at"))
        .col(timestamp_with_time_zone_null("withdrawn_at"))
        .col(text("state"))
        .col(uuid_null("answer_id"))
        .col(integer("post_count"))
        .col(timestamp_with_time_zone_null("last_post_at"))
        .col(timestamp_with_time_zone("active_at"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "thread", &["created_at", "id"]).await?;
    index(manager, "thread", &["updated_at", "id"]).await?;
    index(manager, "thread", &["active_at", "id"]).await?;
    index(manager, "thread", &["title", "id"]).await?;
    index(manager, "thread", &["space_id", "active_at", "id"]).await?;
    index(manager, "thread", &["site_id", "created_at", "id"]).await?;
    index(manager, "thread", &["project_id"]).await?;
    index(manager, "thread", &["owner_id"]).await?;
    Ok(())
}

async fn post(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("post")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid_null("owner_id"))
        .col(uuid("thread_id"))
        .col(uuid("thread_home_id"))
        .col(uuid_null("thread_owner_id"))
        .col(text("thread_state"))
        .col(uuid("space_home_id"))
        .col(uuid_null("closed_space_id"))
        .col(uuid_null("reply_to_id"))
        .col(text("body"))
        .col(timestamp_with_time_zone_null("edited_at"))
        .col(timestamp_with_time_zone_null("withdrawn_at"))
        .col(text("state"))
        .col(big_integer("position"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "post", &["thread_id", "position"]).await?;
    index(manager, "post", &["site_id", "created_at", "id"]).await?;
    index(manager, "post", &["owner_id"]).await?;
    Ok(())
}

async fn placement(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("placement")
        .col(uuid("site_id"))
        .col(uuid("subject_id"))
        .col(uuid("record_id"))
        .col(text("kind"))
        .col(uuid("space_id"))
        .col(uuid("thread_id"))
        .col(integer("version"))
        .col(big_integer("position"))
        .col(text("state"))
        .col(text_null("reason"))
        .col(uuid_null("answer_id"))
        .col(timestamp_with_time_zone("updated_at"))
        .primary_key(Index::create().col("site_id").col("subject_id"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "placement", &["subject_id"]).await?;
    index(manager, "placement", &["thread_id", "position"]).await?;
    unique(manager, "placement", &["record_id"]).await?;
    Ok(())
}

async fn report(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("report")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid_null("owner_id"))
        .col(text("subject_kind"))
        .col(uuid("subject_id"))
        .col(uuid("subject_home_id"))
        .col(uuid_null("subject_owner_id"))
        .col(uuid("space_home_id"))
        .col(text("reason"))
        .col(text("state"))
        .col(text_null("outcome"))
        .col(timestamp_with_time_zone_null("closed_at"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "report", &["site_id", "created_at", "id"]).await?;
    index(manager, "report", &["space_home_id"]).await?;
    index(manager, "report", &["subject_id"]).await?;
    index(manager, "report", &["subject_home_id"]).await?;
    Ok(())
}

async fn moderation_action(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("moderation_action")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("subject_kind"))
        .col(uuid("subject_id"))
        .col(uuid_null("moderator_id"))
        .col(text("from_state"))
        .col(text("to_state"))
        .col(uuid_null("from_space_id"))
        .col(uuid_null("to_space_id"))
        .col(text("reason"))
        .col(timestamp_with_time_zone("acted_at"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "moderation_action", &["subject_id", "acted_at"]).await?;
    Ok(())
}
