//! Sites, the organisations around them, who may sign tokens for them, and who did what on them.

pub mod feed;
pub mod graphql;
pub mod ops;
