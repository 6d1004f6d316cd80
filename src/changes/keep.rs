//! How long lines are kept, and of which history they are.

use chrono::{DateTime, Utc};
use entity::{change, change_log};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter,
    Statement, sea_query::Expr,
};

use super::log;
use crate::error::Result;

/// Forgets lines from before an instant. A cursor that is older than the last of them is refused from then on.
///
/// # Errors
/// Only when the database fails.
pub async fn sweep(db: &DatabaseTransaction, before: DateTime<Utc>) -> Result<()> {
    let old = change::Column::At.lt(before);
    let last = log::last_among(db, change::Entity::find().filter(old.clone())).await?;
    let Some(last) = last else { return Ok(()) };
    if last > log::swept(&log::kept(db).await?) {
        let swept = change_log::ActiveModel {
            swept_transaction_id: Set(last.transaction),
            swept_id: Set(last.id),
            ..change_log::ActiveModel::default()
        };
        change_log::Entity::update_many().set(swept).exec(db).await?;
    }
    change::Entity::delete_many().filter(old).exec(db).await?;
    Ok(())
}

/// The server whose numbers of transactions this database uses, when that is another one than before: the database was moved,
/// and the numbers on its lines say nothing here. None on SQLite.
///
/// # Errors
/// Only when the database fails.
pub async fn belongs_here(db: &impl ConnectionTrait) -> Result<Option<String>> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let asked = Statement::from_string(
        DbBackend::Postgres,
        "SELECT system_identifier::text AS server FROM pg_control_system()",
    );
    let row = db.query_one_raw(asked).await?;
    let server: Option<String> = row.map(|row| row.try_get("", "server")).transpose()?;
    let known = log::kept(db).await?.server;
    Ok(server.filter(|server| *server != known))
}

/// The name of another history, as the database makes it up.
pub const fn new_history(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "replace(gen_random_uuid()::text, '-', '')",
        _ => "lower(hex(randomblob(16)))",
    }
}

/// Begins another history when the database is not the one that it was: an older one, or one that was moved to `server`, which
/// is noted. No cursor from before counts then; lines whose order is of another server go.
///
/// # Errors
/// Only when the database fails.
pub async fn begin_anew(db: &DatabaseTransaction, is_older: bool, server: Option<String>) -> Result<()> {
    let known = log::kept(db).await?.server;
    // The first start on a server changes nothing but that it is known.
    let moved = server
        .as_ref()
        .is_some_and(|server| !known.is_empty() && *server != known);
    let mut log = change_log::Entity::update_many();
    if moved {
        change::Entity::delete_many().exec(db).await?;
        log = log
            .col_expr(change_log::Column::SweptTransactionId, Expr::val(0_i64))
            .col_expr(change_log::Column::SweptId, Expr::val(0_i64));
    }
    if moved || is_older {
        let history = new_history(db.get_database_backend());
        log = log.col_expr(change_log::Column::History, Expr::cust(history));
    }
    if let Some(server) = server {
        log = log.col_expr(change_log::Column::Server, Expr::val(server));
    }
    log.exec(db).await?;
    Ok(())
}
