//! Sites, organisations, issuers and champions.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{drop_tables, index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        site(manager).await?;
        organisation(manager).await?;
        issuer(manager).await?;
        champion(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["champion", "issuer", "organisation", "site"]).await
    }
}

async fn site(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("site")
        .col(uuid("id").primary_key())
        .col(text("slug"))
        .col(text("name"))
        .col(text("kind"))
        .col(text_null("region"))
        .col(text_null("ods_code"))
        .col(text("status"))
        .col(text_null("status_reason"))
        .col(boolean("hosted"))
        .col(timestamp_with_time_zone_null("exported_at"))
        .col(text_null("endpoint"))
        .col(text_null("public_key"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .to_owned();
    manager.create_table(table).await?;
    unique(manager, "site", &["slug"]).await?;
    Ok(())
}

async fn organisation(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("organisation")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(text("name"))
        .col(text_null("ods_code"))
        .col(text("role"))
        .col(date_null("opened_on"))
        .col(date_null("closed_on"))
        .col(text("successors"))
        .to_owned();
    manager.create_table(table).await?;
    // Not of the network: two sites may enter the same organisation before they hear of each other.
    unique(manager, "organisation", &["site_id", "ods_code"]).await?;
    index(manager, "organisation", &["ods_code"]).await?;
    index(manager, "organisation", &["name", "id"]).await?;
    Ok(())
}

async fn issuer(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("issuer")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(text("issuer"))
        .col(text("audience"))
        .col(text("algorithms"))
        .col(text_null("jwks"))
        .col(text_null("jwks_url"))
        .col(text("roles_claim"))
        .col(text("may_grant"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .col(boolean("development"))
        .to_owned();
    manager.create_table(table).await?;
    index(manager, "issuer", &["site_id", "id"]).await?;
    index(manager, "issuer", &["issuer"]).await?;
    Ok(())
}

async fn champion(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("champion")
        .col(uuid("id").primary_key())
        .col(uuid("site_id"))
        .col(text("visibility"))
        .col(integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(text("display_name"))
        .col(text("kind"))
        .col(text("staff_group"))
        .col(text("skills"))
        .col(text("languages"))
        .col(text_null("bio"))
        .col(text("status"))
        .col(text_null("status_reason"))
        .col(text_null("email"))
        .col(text_null("phone"))
        .col(text_null("issuer"))
        .col(text_null("subject"))
        .col(text_null("claim_code_hash"))
        .col(timestamp_with_time_zone_null("claim_expires_at"))
        .to_owned();
    manager.create_table(table).await?;
    unique(manager, "champion", &["site_id", "issuer", "subject"]).await?;
    index(manager, "champion", &["issuer", "subject"]).await?;
    unique(manager, "champion", &["claim_code_hash"]).await?;
    index(manager, "champion", &["created_at", "id"]).await?;
    index(manager, "champion", &["updated_at", "id"]).await?;
    index(manager, "champion", &["display_name", "id"]).await?;
    index(manager, "champion", &["site_id", "created_at", "id"]).await?;
    Ok(())
}
