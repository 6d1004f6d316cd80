//! Integration tests: people act through the API, on SQLite and on PostgreSQL.

mod champions;
mod impact;
mod layers;
mod policy;
mod projects;
mod support;
