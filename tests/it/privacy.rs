//! What a person may ask of a host about themself, and what it forgets: the export, erasures, retention, logs and metrics.

mod erasure;
mod export;
mod logs;
mod retention;

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use tokio::time::{sleep, timeout};

use crate::support::{Host, Person, Value, json};

/// Within what time nothing may be left of what was erased.
const FORGOTTEN_IN: Duration = Duration::from_secs(5);

/// Looks again and again until something is so.
async fn within(patience: Duration, what: &str, is_so: impl AsyncFn() -> bool) {
    let looking = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(patience, looking)
        .await
        .unwrap_or_else(|_| panic!("{what} within {patience:?}"));
}

/// A row of a table: its columns with what stands there as text.
type Row = Vec<(String, Option<String>)>;

/// Every table of a host with all that stands in it.
async fn tables(host: &Host) -> Vec<(String, Vec<Row>)> {
    let db = host.server.0.reader();
    let backend = db.get_database_backend();
    let (tables, columns, text) = match backend {
        sea_orm::DatabaseBackend::Sqlite => (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            "SELECT name FROM pragma_table_info('{}')",
            "CASE typeof({}) WHEN 'blob' THEN lower(hex({})) ELSE CAST({} AS TEXT) END",
        ),
        _ => (
            "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'",
            "SELECT column_name::text AS name FROM information_schema.columns WHERE table_name = '{}'",
            "CASE pg_typeof({})::text WHEN 'bytea' THEN substr({}::text, 3) ELSE {}::text END",
        ),
    };
    let ask = async |sql: String| {
        let rows = db.query_all_raw(Statement::from_string(backend, sql)).await;
        rows.unwrap()
    };
    let texts = async |sql: String| {
        let rows = ask(sql).await.into_iter();
        let texts = rows.map(|row| row.try_get_by_index::<String>(0).unwrap());
        texts.collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for table in texts(tables.to_owned()).await {
        let columns = texts(columns.replace("{}", &table)).await;
        let cells = columns
            .iter()
            .map(|column| text.replace("{}", &format!("\"{column}\"")));
        let cells: Vec<_> = cells.collect();
        let rows = ask(format!("SELECT {} FROM \"{table}\"", cells.join(", "))).await;
        let rows = rows.into_iter().map(|row| {
            let cell = |(number, column): (usize, &String)| (column.clone(), row.try_get_by_index(number).unwrap());
            columns.iter().enumerate().map(cell).collect()
        });
        let rows = rows.collect();
        all.push((table, rows));
    }
    all
}

/// The card of somebody, as they see it.
async fn card(person: &Person<'_>) -> Value {
    let me = person.run("{ viewer { champion { id version } } }", json!({})).await;
    me.data()["viewer"]["champion"].clone()
}

/// All pages of what is kept of somebody.
async fn exported(person: &Person<'_>) -> Vec<Value> {
    let (mut pages, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = "query($after: String) { viewer { export(after: $after) } }";
        let page = person.run(query, json!({ "after": after })).await.data()["viewer"]["export"].clone();
        after = page["next"].clone();
        pages.push(page);
        if after.is_null() {
            return pages;
        }
    }
}

/// The records of an export.
fn records(pages: &[Value]) -> impl Iterator<Item = &Value> {
    pages.iter().flat_map(|page| page["records"].as_array().unwrap())
}
