//! Integration tests: people act through the API, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod cli;
mod layers;
mod policy;
mod projects;
mod sites;
mod support;
