//! The schema of the database: an ordered list of steps, the same for SQLite and PostgreSQL.
//!
//! A released step never changes. What only one database knows is told apart in [`m20261122_000007_search`]
//! (full-text search) and [`m20261122_000010_changes`] (numbers of transactions).

use sea_orm_migration::prelude::*;

pub mod m20261122_000001_sites;
pub mod m20261122_000002_projects;
pub mod m20261122_000003_resources;
pub mod m20261122_000004_forum;
pub mod m20261122_000005_impact;
pub mod m20261122_000006_work;
pub mod m20261122_000007_search;
pub mod m20261122_000008_feeds;
pub mod m20261122_000009_replicas;
pub mod m20261122_000010_changes;
pub mod m20261122_000011_audit;

pub use sea_orm_migration::MigratorTrait;

/// Brings a database to this version.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_sites::Migration),
            Box::new(m20261122_000002_projects::Migration),
            Box::new(m20261122_000003_resources::Migration),
            Box::new(m20261122_000004_forum::Migration),
            Box::new(m20261122_000005_impact::Migration),
            Box::new(m20261122_000006_work::Migration),
            Box::new(m20261122_000007_search::Migration),
            Box::new(m20261122_000008_feeds::Migration),
            Box::new(m20261122_000009_replicas::Migration),
            Box::new(m20261122_000010_changes::Migration),
            Box::new(m20261122_000011_audit::Migration),
        ]
    }
}

async fn index(manager: &SchemaManager<'_>, table: &'static str, columns: &[&'static str]) -> Result<(), DbErr> {
    manager.create_index(named_index(table, columns)).await
}

async fn unique(manager: &SchemaManager<'_>, table: &'static str, columns: &[&'static str]) -> Result<(), DbErr> {
    manager
        .create_index(named_index(table, columns).unique().to_owned())
        .await
}

fn named_index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{table}_{}", columns.join("_"))).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}
