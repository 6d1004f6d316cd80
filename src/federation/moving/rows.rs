//! The rows of one site as lines of text, whatever database they are in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entity::{
    SiteId, audit_checkpoint, audit_entry, audit_head, audit_person, champion, impact_measure, impact_month,
    impact_release, issuer, moderation_action, observation, organisation, placement, post, project, project_champion,
    project_milestone, project_target, report, resource, resource_edition, resource_overlay, resource_proposal,
    search_document, site_key, space, space_member, support_session, thread,
};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IdenStatic, IntoActiveModel,
    Iterable, PrimaryKeyToColumn, QueryFilter, QuerySelect, QueryTrait, Select, Value,
    prelude::Uuid,
    sea_query::{OnConflict, SelectStatement},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use crate::{
    error::{Error, Result},
    read, search,
};

macro_rules! ids_of {
    ($parent:ident . $id:ident, $site:ident) => {
        $parent::Entity::find()
            .select_only()
            .column($parent::Column::$id)
            .filter($parent::Column::SiteId.eq($site))
            .into_query()
    };
}

/// Names every table with rows of a site, and how they are found: those that name their site, and the parts of those.
macro_rules! tables {
    (of_site { $($own:ident),+ $(,)? } parts { $($part:ident . $column:ident of $parent:ident . $id:ident),+ $(,)? }) => {
        /// The tables that hold rows of a site.
        pub const TABLES: &[&str] = &[$(stringify!($own)),+, $(stringify!($part)),+];

        /// Hands every row of a site over, table by table.
        pub async fn read(
            db: &impl ConnectionTrait,
            site: SiteId,
            mut take: impl FnMut(&'static str, Json) -> Result<()>,
        ) -> Result<()> {
            $(
                let rows = $own::Entity::find().filter($own::Column::SiteId.eq(site));
                dump::<$own::Entity>(db, rows, |row| take(stringify!($own), row)).await?;
            )+
            $(
                let rows = $part::Entity::find().filter($part::Column::$column.in_subquery(ids_of!($parent . $id, site)));
                dump::<$part::Entity>(db, rows, |row| take(stringify!($part), row)).await?;
            )+
            Ok(())
        }

        /// Deletes every row of a site, and the words by which its records are found. Its keys stay: one of them may be
        /// on its way to the hub.
        pub async fn clear(db: &impl ConnectionTrait, site: SiteId) -> Result<()> {
            clear_words(db, site).await?;
            $(
                let rows = $part::Entity::delete_many()
                    .filter($part::Column::$column.in_subquery(ids_of!($parent . $id, site)));
                rows.exec(db).await?;
            )+
            $(
                if stringify!($own) != "site_key" {
                    let rows = $own::Entity::delete_many().filter($own::Column::SiteId.eq(site));
                    rows.exec(db).await?;
                }
            )+
            Ok(())
        }

        /// Writes a row back.
        pub async fn write(db: &impl ConnectionTrait, table: &str, row: &Map<String, Json>) -> Result<()> {
            match table {
                $(stringify!($own) => load::<$own::Entity>(db, row).await,)+
                $(stringify!($part) => load::<$part::Entity>(db, row).await,)+
                _ => Err(Error::not_now(format!("The file names a table {table:?}, which this version does not know."))),
            }
        }
    };
}

tables! {
    of_site {
        organisation, champion, resource, resource_edition, resource_overlay, resource_proposal, project, space, thread,
        post, placement, report, moderation_action, impact_measure, observation, support_session, impact_month,
        impact_release, issuer, audit_entry, audit_head, audit_person, site_key,
    }
    parts {
        project_champion.ProjectId of project.Id,
        project_milestone.ProjectId of project.Id,
        project_target.ProjectId of project.Id,
        space_member.SpaceId of space.Id,
    }
}

/// Hands over the words by which a site's records are found. They have numbers of their own in each database.
pub async fn read_words(
    db: &impl ConnectionTrait,
    site: SiteId,
    mut take: impl FnMut(&'static str, Json) -> Result<()>,
) -> Result<()> {
    for ids in found_by_words(site) {
        let words = search_document::Entity::find().filter(search_document::Column::RecordId.in_subquery(ids));
        for words in words.all(db).await? {
            let (id, kind) = (words.record_id, words.kind.as_str());
            take(
                WORDS,
                json!({ "record": id, "kind": kind, "title": words.title, "body": words.body }),
            )?;
        }
    }
    Ok(())
}

/// Hands over the words by which a site vouches for its audit.
pub async fn read_vouched(
    db: &impl ConnectionTrait,
    site: SiteId,
    mut take: impl FnMut(&'static str, Json) -> Result<()>,
) -> Result<()> {
    let words = audit_checkpoint::Entity::find().filter(audit_checkpoint::Column::SiteId.eq(site));
    dump::<audit_checkpoint::Entity>(db, words, |row| take(VOUCHED, row)).await
}

/// What the lines are called by which a site vouches for its audit.
pub const VOUCHED: &str = "audit_checkpoint";

/// Writes such a word back. One that is held here stays: the hub has it from the site itself.
pub async fn write_vouched(db: &impl ConnectionTrait, row: &Map<String, Json>) -> Result<()> {
    use audit_checkpoint::{Column, Entity};
    let mut held = OnConflict::columns([Column::SiteId, Column::Position]);
    let insert = Entity::insert(read_row::<Entity>(row)?).on_conflict(held.do_nothing().to_owned());
    insert.exec_without_returning(db).await?;
    Ok(())
}

/// Whether a row is a key with which its site has never signed.
pub fn is_unused_key(table: &str, row: &Map<String, Json>) -> bool {
    let signs_from = row.get(site_key::Column::SignsFrom.as_str()).and_then(decode);
    table == stringify!(site_key) && !signs_from.is_some_and(|at| matches!(at, Value::ChronoDateTimeUtc(Some(_))))
}

async fn clear_words(db: &impl ConnectionTrait, site: SiteId) -> Result<()> {
    for ids in found_by_words(site) {
        let words = search_document::Entity::find()
            .select_only()
            .column(search_document::Column::RecordId)
            .filter(search_document::Column::RecordId.in_subquery(ids));
        let records: Vec<Uuid> = words.into_tuple().all(db).await?;
        for records in records.chunks(read::IDS_A_STATEMENT) {
            search::forget_all(db, records).await?;
        }
    }
    Ok(())
}

/// The records of a site that are found by words.
fn found_by_words(site: SiteId) -> [SelectStatement; 3] {
    [
        ids_of!(project.Id, site),
        ids_of!(thread.Id, site),
        ids_of!(resource.Id, site),
    ]
}

/// Name and secret of a key in a row of keys, when it is the one that the site signs with.
pub(super) fn present_key(row: &Map<String, Json>) -> Option<(String, Vec<u8>)> {
    let value = |column: site_key::Column| row.get(column.as_str()).and_then(decode);
    let set = |column| matches!(value(column), Some(Value::ChronoDateTimeUtc(Some(_))));
    if !set(site_key::Column::SignsFrom) || set(site_key::Column::RetiredAt) {
        return None;
    }
    match (value(site_key::Column::Kid), value(site_key::Column::Secret)) {
        (Some(Value::String(Some(kid))), Some(Value::Bytes(Some(secret)))) => Some((kid, secret)),
        _ => None,
    }
}

/// What the lines with words are called.
pub const WORDS: &str = "words";

/// Writes words back.
pub async fn write_words(db: &impl ConnectionTrait, row: &Map<String, Json>) -> Result<()> {
    let text = |name| row.get(name).and_then(Json::as_str);
    let kind = text("kind").and_then(|kind| kind.parse().ok());
    let record = text("record").and_then(|id| id.parse().ok());
    let (Some(kind), Some(record), Some(title), Some(body)) = (kind, record, text("title"), text("body")) else {
        return Err(Error::not_now("A line of words in the file cannot be read."));
    };
    search::store(db, kind, record, title, body).await
}

async fn dump<E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    mut take: impl FnMut(Json) -> Result<()>,
) -> Result<()>
where
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    for model in rows.all(db).await? {
        let row = model.into_active_model();
        let mut told = Map::new();
        for column in E::Column::iter() {
            if let Some(value) = row.get(column).into_value() {
                told.insert(column.as_str().to_owned(), encode(value)?);
            }
        }
        take(Json::Object(told))?;
    }
    Ok(())
}

/// Writes a row in the place of the one with its key, if there is one.
async fn load<E: EntityTrait>(db: &impl ConnectionTrait, told: &Map<String, Json>) -> Result<()>
where
    E::ActiveModel: ActiveModelBehavior,
{
    let row = read_row::<E>(told)?;
    let key: Vec<_> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    let is_key = |column: &E::Column| key.iter().any(|key| key.as_str() == column.as_str());
    let others: Vec<_> = E::Column::iter().filter(|column| !is_key(column)).collect();
    let mut replace = OnConflict::columns(key.iter().copied());
    if others.is_empty() {
        replace.do_nothing();
    } else {
        replace.update_columns(others);
    }
    let insert = E::insert(row).on_conflict(replace);
    insert.exec_without_returning(db).await?;
    Ok(())
}

fn read_row<E: EntityTrait>(told: &Map<String, Json>) -> Result<E::ActiveModel>
where
    E::ActiveModel: ActiveModelBehavior,
{
    let mut row = <E::ActiveModel as ActiveModelBehavior>::new();
    for column in E::Column::iter() {
        let value = told.get(column.as_str()).and_then(decode);
        let value =
            value.ok_or_else(|| Error::not_now(format!("A row in the file has no usable {}.", column.as_str())))?;
        row.try_set(column, value).map_err(Error::internal)?;
    }
    Ok(row)
}

/// A value with its type, which the next database may store in another way.
fn encode(value: Value) -> Result<Json> {
    Ok(match value {
        Value::Bool(value) => json!(["bool", value]),
        Value::Int(value) => json!(["int", value]),
        Value::BigInt(value) => json!(["bigint", value]),
        Value::String(value) => json!(["text", value]),
        Value::Bytes(value) => json!(["bytes", value.map(|bytes| STANDARD.encode(bytes))]),
        Value::Uuid(value) => json!(["uuid", value]),
        Value::ChronoDate(value) => json!(["date", value]),
        Value::ChronoDateTimeUtc(value) => json!(["time", value]),
        other => {
            return Err(Error::internal(format!(
                "a column holds {other:?}, which does not travel"
            )));
        }
    })
}

fn decode(told: &Json) -> Option<Value> {
    fn of<T: DeserializeOwned>(value: &Json) -> Option<Option<T>> {
        serde_json::from_value(value.clone()).ok()
    }
    let [Json::String(kind), value] = told.as_array()?.as_slice() else {
        return None;
    };
    Some(match kind.as_str() {
        "bool" => Value::Bool(of(value)?),
        "int" => Value::Int(of(value)?),
        "bigint" => Value::BigInt(of(value)?),
        "text" => Value::String(of(value)?),
        "bytes" => {
            let text: Option<String> = of(value)?;
            Value::Bytes(match text {
                Some(text) => Some(STANDARD.decode(text).ok()?),
                None => None,
            })
        }
        "uuid" => Value::Uuid(of(value)?),
        "date" => Value::ChronoDate(of(value)?),
        "time" => Value::ChronoDateTimeUtc(of(value)?),
        _ => return None,
    })
}
