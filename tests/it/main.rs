//! Integration tests: people act through the API, on SQLite and on PostgreSQL.

mod cli;
mod layers;
mod policy;
mod projects;
mod sites;
mod support;
