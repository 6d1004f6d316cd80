//! All that is kept of a person in one document, and what is kept no longer than needed.

pub mod export;
pub mod retention;
