//! What a person may ask of a host about themself, and what it forgets by itself.

pub mod background;
pub mod graphql;
pub mod ops;
