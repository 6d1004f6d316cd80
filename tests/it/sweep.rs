//! A sweep over all that can be asked: records of every kind that are tied to each other, and the documents that ask
//! for all of it.

mod filler;
mod schema;
mod seeds;

pub use filler::{Filler, Sharing};
pub use schema::Schema;
pub use seeds::{OpenTo, Seeds};

use champion_network::config::Settings;

use crate::support::Value;

/// Stands in every text that members of the site may read and nobody else.
pub const MEMBERS_ONLY: &str = "hush";
/// Stands in every text that not even all members may read.
pub const FEW_ONLY: &str = "whisper";
/// A figure that only members may read.
pub const FIGURE: &str = "735195";

/// A text of an answer.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// Lets a host answer whatever is asked at once: the documents ask for everything below a field.
pub fn whatever_is_asked(settings: &mut Settings) {
    let http = &mut settings.http;
    (http.answer_values, http.budget.person_units, http.budget.address_units) = (u64::MAX, 0, 0);
    (http.document_tokens, http.document_depth) = (20_000, 32);
    (http.document_aliases, http.document_directives) = (20_000, 20_000);
}
