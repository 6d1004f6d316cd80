//! What stands in a database, whatever the server would say of it.

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};

use super::Host;

/// A row of a table: its columns with what stands there as text.
pub type Row = Vec<(String, Option<String>)>;

/// Every table of a host with all that stands in it.
pub async fn tables(host: &Host) -> Vec<(String, Vec<Row>)> {
    let db = host.server.0.reader();
    let backend = db.get_database_backend();
    let (tables, columns, text) = match backend {
        DatabaseBackend::Sqlite => (
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
