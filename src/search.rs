//! Full-text search. The words of a record are folded to plain lower-case terms here, for storing and for asking alike,
//! so that both databases index the same terms; how each matches and ranks them stands in [`Hits`] alone.

use entity::{Kind, search_document};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ConnectionTrait, DbBackend, EntityTrait, QueryTrait, Select,
    prelude::Uuid,
    sea_query::{Alias, Expr, ExprTrait, JoinType, OnConflict, Query, SelectStatement},
};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::{
    database::ROWS_A_STATEMENT,
    error::Result,
    read::{KeyType, Sort},
    scope::Scoped,
};

/// What the matches are called in a query that joins them.
const HITS: &str = "hits";

/// More terms than a person types; what comes after is not looked for.
const MOST_TERMS: usize = 32;

/// Longer than any name. SQLite refuses patterns of 50,000 bytes.
const LONGEST_WORD: usize = 250;

/// The terms of a text: runs of letters and digits, without case and accents.
pub fn terms(text: &str) -> Vec<String> {
    let folded: String = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        let bare = text.nfkd().filter(|c| !is_combining_mark(*c));
        bare.flat_map(char::to_lowercase).collect()
    };
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|term| !term.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words of a short search among names: as [`terms`], but with their accents, since names are not stored folded. What
/// no name is long enough to hold is cut off.
pub fn words(text: &str) -> Vec<String> {
    let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let bounded = words.take(MOST_TERMS);
    bounded.map(|word| word.chars().take(LONGEST_WORD).collect()).collect()
}

/// The words of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Which.
    pub record: Uuid,
    /// What it is called: words that count for more.
    pub title: String,
    /// Everything else.
    pub body: String,
}

/// Stores the words of a record in place of what was stored for it.
///
/// # Errors
/// Only when the database fails.
pub async fn store(db: &impl ConnectionTrait, kind: Kind, record: Uuid, title: &str, body: &str) -> Result<()> {
    let (title, body) = (title.to_owned(), body.to_owned());
    store_all(db, kind, vec![Document { record, title, body }]).await
}

/// The same for several records of a kind, each once.
///
/// # Errors
/// Only when the database fails.
pub async fn store_all(db: &impl ConnectionTrait, kind: Kind, documents: Vec<Document>) -> Result<()> {
    let columns = [search_document::Column::Title, search_document::Column::Body];
    let replace = OnConflict::column(search_document::Column::RecordId)
        .update_columns(columns)
        .to_owned();
    for documents in documents.chunks(ROWS_A_STATEMENT) {
        let rows = documents.iter().map(|document| search_document::ActiveModel {
            id: NotSet,
            record_id: Set(document.record),
            kind: Set(kind),
            title: Set(terms(&document.title).join(" ")),
            body: Set(terms(&document.body).join(" ")),
        });
        let rows = search_document::Entity::insert_many(rows).on_conflict(replace.clone());
        rows.exec_without_returning(db).await?;
    }
    Ok(())
}

/// Forgets the words of a record.
///
/// # Errors
/// Only when the database fails.
pub async fn forget(db: &impl ConnectionTrait, record: Uuid) -> Result<()> {
    forget_all(db, &[record]).await
}

/// Forgets the words of records.
///
/// # Errors
/// Only when the database fails.
pub async fn forget_all(db: &impl ConnectionTrait, records: &[Uuid]) -> Result<()> {
    use sea_orm::{ColumnTrait, QueryFilter};
    let stored = search_document::Column::RecordId.is_in(records.iter().copied());
    search_document::Entity::delete_many().filter(stored).exec(db).await?;
    Ok(())
}

/// What a person looks for, ready for one database.
#[derive(Clone, Debug)]
pub struct Hits {
    terms: Vec<String>,
    backend: DbBackend,
}

impl Hits {
    /// Reads a search as typed: every term must occur, in any order and inflexion. Quotes, operators and punctuation
    /// have no meaning; a search of nothing else finds nothing.
    pub fn of(search: &str, backend: DbBackend) -> Self {
        let mut terms = terms(search);
        terms.truncate(MOST_TERMS);
        Self { terms, backend }
    }

    /// `record_id` and `rank` (a whole number, higher is better) of every record that matches.
    pub fn select(&self) -> SelectStatement {
        let mut hits = Query::select();
        let document = Alias::new("search_document");
        if self.terms.is_empty() {
            let nothing = hits
                .expr_as(Expr::col("record_id"), "record_id")
                .expr_as(Expr::val(0_i64), "rank");
            return nothing.from(document).and_where(Expr::cust("1 = 0")).to_owned();
        }
        match self.backend {
            DbBackend::Postgres => hits
                .column("record_id")
                .expr_as(
                    Expr::cust_with_values(
                        "CAST(round(ts_rank_cd(words, plainto_tsquery('champion', $1)) * 1000000) AS bigint)",
                        [self.terms.join(" ")],
                    ),
                    "rank",
                )
                .from(document)
                .and_where(Expr::cust_with_values(
                    "words @@ plainto_tsquery('champion', $1)",
                    [self.terms.join(" ")],
                )),
            _ => hits
                .column(("search_document", "record_id"))
                .expr_as(
                    Expr::cust("CAST(round(-bm25(search_index, 10.0, 1.0) * 1000000) AS integer)"),
                    "rank",
                )
                .from("search_index")
                .inner_join(document, Expr::cust("search_document.id = search_index.rowid"))
                .and_where(Expr::cust_with_values("search_index MATCH ?", [self.quoted()])),
        };
        hits.to_owned()
    }

    /// Keeps the rows that match, with their rank at [`Hits::rank`].
    pub fn join<E: Scoped>(&self, mut rows: Select<E>) -> Select<E> {
        let same = Expr::col((HITS, "record_id")).equals((E::default(), E::id_column()));
        QueryTrait::query(&mut rows).join_subquery(JoinType::InnerJoin, self.select(), HITS, same);
        rows
    }

    /// The order by how well rows match, best first.
    pub fn rank() -> Sort {
        Sort::by("RELEVANCE", Expr::col((HITS, "rank")), KeyType::Number, true)
    }

    /// FTS5 reads a quoted term as nothing but a term; terms hold no quotes.
    fn quoted(&self) -> String {
        self.terms
            .iter()
            .map(|term| format!("\"{term}\""))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_folded_to_plain_terms() {
        assert_eq!(
            terms("  Café-culture: the NHS's \"App\" (OR not)! "),
            ["cafe", "culture", "the", "nhs", "s", "app", "or", "not"]
        );
    }

    #[test]
    fn the_words_of_a_search_among_names_keep_their_accents() {
        assert_eq!(words("Ynys MO\u{302}N, (north)"), ["ynys", "m\u{f4}n", "north"]);
        assert_eq!(words(&"word ".repeat(1_000)).len(), MOST_TERMS);
        assert_eq!(words(&"w".repeat(1_000)), ["w".repeat(LONGEST_WORD)]);
    }

    #[test]
    fn only_punctuation_is_no_term() {
        assert_eq!(terms("\"'--*:()"), Vec::<String>::new());
    }
}
