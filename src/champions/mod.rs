//! Champions: people who help others with digital tools.

pub mod feed;
pub mod graphql;
pub mod ops;
