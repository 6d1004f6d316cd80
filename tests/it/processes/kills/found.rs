//! What a host that was killed has left behind.

use std::collections::HashMap;

use entity::{champion, observation, post, project, space, thread};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, QuerySelect, Statement, TryGetable, prelude::Uuid,
};

use super::{
    deeds::{Effect, LINES},
    *,
};

/// Tables whose every version was entered in the audit.
const AUDITED: [&str; 6] = ["project", "observation", "space", "thread", "post", "champion"];

/// Tables whose records those who follow changes were told of.
const TOLD: [&str; 5] = ["project", "space", "thread", "post", "champion"];

/// What no database may hold: rows that do not agree with each other, as `FROM … WHERE …`.
const DISAGREEMENTS: &[&str] = &[
    // What is in the audit is there.
    "audit_entry a LEFT JOIN project r ON r.id = a.record_id WHERE a.action = 'projectCreate' AND r.id IS NULL",
    "audit_entry a LEFT JOIN observation r ON r.id = a.record_id WHERE a.action = 'observationsImport' AND r.id IS NULL",
    "audit_entry a LEFT JOIN thread r ON r.id = a.record_id WHERE a.action = 'threadStart' AND r.id IS NULL",
    "audit_entry a LEFT JOIN post r ON r.id = a.record_id WHERE a.action = 'postCreate' AND r.id IS NULL",
    // What is searched is what is there, in its present words.
    "project r LEFT JOIN search_document d ON d.record_id = r.id
        AND d.body LIKE '%' || replace(lower(r.summary), '-', ' ') || '%' WHERE d.id IS NULL",
    "thread r LEFT JOIN search_document d ON d.record_id = r.id
        AND d.title = replace(lower(r.title), '-', ' ') WHERE d.id IS NULL",
    "search_document d LEFT JOIN project p ON p.id = d.record_id LEFT JOIN thread t ON t.id = d.record_id
        WHERE p.id IS NULL AND t.id IS NULL",
    // Everything is told of once for each version, and the last line says what was told last.
    "project r LEFT JOIN (SELECT record_id, COUNT(*) lines FROM change GROUP BY record_id) c ON c.record_id = r.id
        WHERE COALESCE(c.lines, 0) <> r.version",
    "change_told t JOIN (SELECT record_id, MAX(id) id FROM change GROUP BY record_id) m ON m.record_id = t.record_id
        JOIN change c ON c.id = m.id WHERE c.access_after IS NULL OR c.access_after <> t.access",
    // What is shared is in the feed, or waits for it; the feed has no gap.
    "project r LEFT JOIN feed_shared f ON f.record_id = r.id AND f.operation = 'put'
        LEFT JOIN outbox o ON o.record_id = r.id WHERE f.record_id IS NULL AND o.record_id IS NULL",
    "(SELECT origin, audience, epoch, COUNT(*) entries, MIN(pos) first, MAX(pos) last FROM feed_entry
            GROUP BY origin, audience, epoch) e
        LEFT JOIN feed_head h ON h.origin = e.origin AND h.audience = e.audience AND h.epoch = e.epoch
        WHERE e.first <> 1 OR e.entries <> e.last OR h.pos IS NULL OR h.pos <> e.last",
    // Threads and posts have followed their space, and threads know how many answers they have.
    "thread t JOIN space s ON s.id = t.space_id WHERE t.visibility <> s.visibility",
    "post p JOIN thread t ON t.id = p.thread_id WHERE p.visibility <> t.visibility",
    "thread t LEFT JOIN (SELECT thread_id, COUNT(*) posts FROM post GROUP BY thread_id) p ON p.thread_id = t.id
        WHERE t.post_count <> COALESCE(p.posts, 0)",
    // A key is kept with what came of it.
    "idempotent_outcome WHERE outcome = ''",
];

/// The records that people have written, as far as they are told apart.
pub struct Found {
    disagreements: Vec<String>,
    projects: HashMap<Uuid, i32>,
    spaces: HashMap<Uuid, i32>,
    champions: HashMap<Uuid, String>,
    /// How many projects, threads, posts, cards and figures have a title, a body, a name or a note.
    named: HashMap<String, i64>,
    ledger: String,
}

impl Found {
    /// Looks into the database of a host that has ended.
    pub async fn at(host: &Process) -> Self {
        let left = host.left_behind().await;
        let db = left.server.0.reader();
        let mut named = HashMap::new();
        named.extend(counted::<project::Entity>(db, project::Column::Title).await);
        named.extend(counted::<thread::Entity>(db, thread::Column::Title).await);
        named.extend(counted::<post::Entity>(db, post::Column::Body).await);
        named.extend(counted::<champion::Entity>(db, champion::Column::DisplayName).await);
        named.extend(counted::<observation::Entity>(db, observation::Column::Note).await);
        let found = Self {
            disagreements: disagreements(db).await,
            projects: pairs::<project::Entity, _>(db, [project::Column::Id, project::Column::Version]).await,
            spaces: pairs::<space::Entity, _>(db, [space::Column::Id, space::Column::Version]).await,
            champions: pairs::<champion::Entity, _>(db, [champion::Column::Id, champion::Column::DisplayName]).await,
            named,
            ledger: std::fs::read_to_string(host.ledger()).unwrap_or_default(),
        };
        left.server.0.database.close().await.unwrap();
        found
    }

    /// Nothing in it contradicts anything else.
    pub fn agrees_with_itself(&self) {
        assert!(self.disagreements.is_empty(), "{}", self.disagreements.join("\n"));
    }

    /// Whether something was done, all of it.
    pub fn holds(&self, effect: &Effect) -> bool {
        let named = |name: &String| self.named.get(name).copied().unwrap_or_default();
        match effect {
            Effect::Project(name) | Effect::Thread(name) | Effect::Post(name) | Effect::Card(name) => named(name) == 1,
            Effect::Figures(note) => named(note) == LINES,
            Effect::Version(project, version) => self
                .projects
                .get(&id(project))
                .is_some_and(|now| i64::from(*now) >= *version),
            Effect::Space(space, version) => self
                .spaces
                .get(&id(space))
                .is_some_and(|now| i64::from(*now) >= *version),
            Effect::Erased(champion) => {
                let champion = id(champion);
                !self.champions.contains_key(&champion) && self.ledger.contains(&champion.to_string())
            }
        }
    }

    /// Whether nothing of something was done.
    pub fn lacks(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Project(name)
            | Effect::Thread(name)
            | Effect::Post(name)
            | Effect::Card(name)
            | Effect::Figures(name) => !self.named.contains_key(name),
            Effect::Version(project, version) => self
                .projects
                .get(&id(project))
                .is_some_and(|now| i64::from(*now) == version - 1),
            Effect::Space(space, version) => self
                .spaces
                .get(&id(space))
                .is_some_and(|now| i64::from(*now) == version - 1),
            Effect::Erased(champion) => self.champions.contains_key(&id(champion)),
        }
    }
}

fn id(text: &str) -> Uuid {
    entity::ids::parse_any(text).unwrap().1
}

/// What stands in a column of each row, by its id.
async fn pairs<E: EntityTrait, T: TryGetable>(db: &DatabaseConnection, columns: [E::Column; 2]) -> HashMap<Uuid, T> {
    let rows = E::find().select_only().columns(columns);
    let rows = rows.into_tuple::<(Uuid, T)>().all(db).await.unwrap();
    rows.into_iter().collect()
}

/// How many rows have each text in a column.
async fn counted<E: EntityTrait>(db: &DatabaseConnection, column: E::Column) -> HashMap<String, i64> {
    let counted = E::find()
        .select_only()
        .column(column)
        .column_as(column.count(), "rows")
        .group_by(column);
    let counted = counted.into_tuple::<(Option<String>, i64)>().all(db).await.unwrap();
    counted
        .into_iter()
        .filter_map(|(text, rows)| Some((text?, rows)))
        .collect()
}

async fn disagreements(db: &DatabaseConnection) -> Vec<String> {
    let audited = AUDITED.map(|table| {
        format!(
            "{table} r LEFT JOIN (SELECT record_id, COUNT(*) entries FROM audit_entry GROUP BY record_id) a
                ON a.record_id = r.id WHERE COALESCE(a.entries, 0) <> r.version"
        )
    });
    let told =
        TOLD.map(|table| format!("{table} r LEFT JOIN change_told t ON t.record_id = r.id WHERE t.record_id IS NULL"));
    let all = DISAGREEMENTS
        .iter()
        .map(|from| (*from).to_owned())
        .chain(audited)
        .chain(told);
    let mut found = Vec::new();
    for from in all {
        let count = Statement::from_string(db.get_database_backend(), format!("SELECT COUNT(*) FROM {from}"));
        let rows: i64 = db
            .query_one_raw(count)
            .await
            .unwrap()
            .unwrap()
            .try_get_by_index(0)
            .unwrap();
        if rows > 0 {
            found.push(format!("{rows} rows: {from}"));
        }
    }
    found
}
