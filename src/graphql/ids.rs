//! Reading ids that callers send.

use async_graphql::ID;
use entity::{BadId, RecordId};

use crate::error::{Error, ProblemCode, Result};

fn wrong<Id: RecordId>(bad: BadId) -> String {
    match bad {
        BadId::Malformed => format!("This is not the id of a {}.", Id::KIND.noun()),
        BadId::OtherKind(kind) => format!("This is the id of a {}, not of a {}.", kind.noun(), Id::KIND.noun()),
    }
}

/// An id in the input of a mutation.
///
/// # Errors
/// A problem at `path` when it is no id, or one of another kind.
pub fn input_id<Id: RecordId + std::str::FromStr<Err = BadId>>(path: &str, id: &ID) -> Result<Id> {
    id.parse()
        .map_err(|bad| Error::problem(ProblemCode::Invalid, path, wrong::<Id>(bad)))
}

/// An id in an argument of a query.
///
/// # Errors
/// [`Error::Argument`] with `path` when it is no id, or one of another kind.
pub fn argument_id<Id: RecordId + std::str::FromStr<Err = BadId>>(path: &str, id: &ID) -> Result<Id> {
    id.parse().map_err(|bad| Error::argument(path, wrong::<Id>(bad)))
}

/// Ids in a list of the input of a mutation.
///
/// # Errors
/// That of [`input_id`] for the first one that is wrong.
pub fn input_ids<Id: RecordId + std::str::FromStr<Err = BadId>>(path: &str, ids: &[ID]) -> Result<Vec<Id>> {
    ids.iter()
        .enumerate()
        .map(|(number, id)| input_id(&format!("{path}.{number}"), id))
        .collect()
}
