//! Resources with editions, overlays and proposals.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{drop_tables, index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        resource(manager).await?;
        resource_edition(manager).await?;
        resource_overlay(manager).await?;
        resource_proposal(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &["resource_proposal", "resource_overlay", "resource_edition", "resource"],
        )
        .await
    }
}

async fn resource(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("resource")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid_null("owner_id"))
        .col(text("slug"))
        .col(text("kind"))
        .col(text("topics"))
        .col(text("themes"))
        .col(text("audience"))
        .col(text("language"))
        .col(text("licence"))
        .col(date_null("review_by"))
        .col(uuid_null("project_id"))
        .col(uuid_null("derived_from_id"))
        .col(text("status"))
        .col(uuid("shown_edition_id"))
        .col(uuid_null("draft_edition_id"))
        .col(uuid_null("draft_by_id"))
        .col(text("title"))
        .col(text("summary"))
        .col(integer("edition"))
        .col(timestamp_with_time_zone_null("published_at"))
        .to_owned();
    manager.create_table(table).await?;
    unique(manager, "resource", &["site_id", "slug"]).await?;
    index(manager, "resource", &["created_at", "id"]).await?;
    index(manager, "resource", &["updated_at", "id"]).await?;
    index(manager, "resource", &["title", "id"]).await?;
    index(manager, "resource", &["site_id", "created_at", "id"]).await?;
    index(manager, "resource", &["project_id"]).await?;
    index(manager, "resource", &["derived_from_id"]).await?;
    index(manager, "resource", &["review_by"]).await?;
    Ok(())
}

/// No foreign key to the resource: at another host an edition may come first.
async fn resource_edition(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("resource_edition")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid_null("owner_id"))
        .col(uuid("resource_id"))
        .col(text("resource_status"))
        .col(integer("number"))
        .col(text("status"))
        .col(text("title"))
        .col(text("summary"))
        .col(text_null("body"))
        .col(text_null("url"))
        .col(text_null("note"))
        .col(timestamp_with_time_zone_null("approved_at"))
        .col(timestamp_with_time_zone_null("published_at"))
        .to_owned();
    manager.create_table(table).await?;
    // Whose edition it is counts: another site may claim a number of a resource that has not come yet.
    unique(manager, "resource_edition", &["resource_id", "site_id", "number"]).await?;
    Ok(())
}

async fn resource_overlay(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("resource_overlay")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid("resource_id"))
        .col(uuid("resource_home_id"))
        .col(uuid_null("resource_owner_id"))
        .col(text("resource_visibility"))
        .col(text("resource_status"))
        .col(boolean("pinned"))
        .col(boolean("hidden"))
        .col(text_null("note"))
        .col(integer_null("pinned_edition"))
        .to_owned();
    manager.create_table(table).await?;
    unique(manager, "resource_overlay", &["site_id", "resource_id"]).await?;
    index(manager, "resource_overlay", &["resource_id"]).await?;
    Ok(())
}

async fn resource_proposal(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("resource_proposal")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(uuid_null("owner_id"))
        .col(uuid("resource_id"))
        .col(uuid_null("resource_owner_id"))
        .col(text("offer"))
        .col(text("reason"))
        .col(text("status"))
        .col(text_null("decision"))
        .col(uuid("national_site_id"))
        .col(uuid_null("national_copy_id"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "resource_proposal", &["site_id", "created_at", "id"]).await?;
    index(manager, "resource_proposal", &["resource_id"]).await?;
    index(manager, "resource_proposal", &["national_site_id", "created_at", "id"]).await?;
    Ok(())
}
