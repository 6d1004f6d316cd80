//! Full-text search: one table of folded words, indexed by FTS5 on SQLite and by a generated `tsvector` on PostgreSQL.
//!
//! Both stem English words and neither drops stop words, so that the same search finds the same records on both.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

use crate::drop_tables;

#[derive(DeriveMigrationName)]
pub struct Migration;

const SQLITE: &[&str] = &[
    "CREATE TABLE search_document (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        record_id uuid_text NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE VIRTUAL TABLE search_index USING fts5(
        title, body, content = 'search_document', content_rowid = 'id', tokenize = 'porter unicode61'
    )",
    // The words of what is deleted leave the index at once, and not when its parts are merged some day.
    "INSERT INTO search_index (search_index, rank) VALUES ('secure-delete', 1)",
    "CREATE TRIGGER search_document_insert AFTER INSERT ON search_document BEGIN
        INSERT INTO search_index (rowid, title, body) VALUES (new.id, new.title, new.body);
    END",
    "CREATE TRIGGER search_document_delete AFTER DELETE ON search_document BEGIN
        INSERT INTO search_index (search_index, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
    END",
    "CREATE TRIGGER search_document_update AFTER UPDATE ON search_document BEGIN
        INSERT INTO search_index (search_index, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
        INSERT INTO search_index (rowid, title, body) VALUES (new.id, new.title, new.body);
    END",
];

const POSTGRES: &[&str] = &[
    "CREATE TEXT SEARCH DICTIONARY champion_stem (TEMPLATE = snowball, LANGUAGE = english)",
    "CREATE TEXT SEARCH CONFIGURATION champion (COPY = english)",
    "ALTER TEXT SEARCH CONFIGURATION champion
        ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH champion_stem",
    "CREATE TABLE search_document (
        id BIGSERIAL PRIMARY KEY,
        record_id UUID NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        body TEXT NOT NULL,
        words TSVECTOR GENERATED ALWAYS AS (
            setweight(to_tsvector('champion', title), 'A') || setweight(to_tsvector('champion', body), 'D')
        ) STORED
    )",
    "CREATE INDEX search_document_words ON search_document USING gin (words)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = match manager.get_database_backend() {
            DatabaseBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        for statement in statements {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            drop_tables(manager, &["search_document"]).await?;
            connection
                .execute_unprepared("DROP TEXT SEARCH CONFIGURATION champion")
                .await?;
            connection
                .execute_unprepared("DROP TEXT SEARCH DICTIONARY champion_stem")
                .await?;
            return Ok(());
        }
        drop_tables(manager, &["search_index", "search_document"]).await
    }
}
