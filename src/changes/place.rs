//! Places in the log, and how the API prints them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::log::{self, Line};

/// A place in the log: behind the line that has these numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The transaction that wrote the line; 0 on SQLite.
    pub transaction: i64,
    /// The line.
    pub id: i64,
}

/// A place as the API prints it: it says of which history of which database it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The history of the database.
    pub history: String,
    /// The place.
    pub place: Place,
}

impl Cursor {
    /// Behind a line of a history.
    pub fn of(history: &str, line: &Line) -> Self {
        Self {
            history: history.to_owned(),
            place: log::place(line),
        }
    }

    /// Reads a cursor as the API printed it.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_slice::<(String, i64, i64)>(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?)
            .ok()
            .map(|(history, transaction, id)| Self {
                history,
                place: Place { transaction, id },
            })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (history, place) = (&self.history, self.place);
        let json = serde_json::to_vec(&(history, place.transaction, place.id)).map_err(|_| std::fmt::Error)?;
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_printed_and_nothing_else_is_one() {
        let cursor = Cursor {
            history: "0a".to_owned(),
            place: Place { transaction: 7, id: 9 },
        };

        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for other in ["", "x", "e30", "WzFd"] {
            assert_eq!(Cursor::parse(other), None);
        }
    }

    #[test]
    fn places_are_ordered_by_transaction_first() {
        let place = |transaction, id| Place { transaction, id };

        assert!(place(1, 9) < place(2, 1));
        assert!(place(2, 1) < place(2, 2));
    }
}
