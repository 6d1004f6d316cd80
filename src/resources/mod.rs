//! Resources with their editions, what sites lay over national ones, and what they offer to the national team.

pub mod feed;
pub mod graphql;
pub mod ops;
