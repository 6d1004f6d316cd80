//! Integration tests: people act through the API, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod bad_input;
mod champions;
mod cli;
mod demo;
mod impact;
mod layers;
mod policy;
mod projects;
mod search;
mod sites;
mod support;
mod work;
