//! Integration tests: people act through the API, on SQLite and on PostgreSQL.

mod champions;
mod layers;
mod policy;
mod projects;
mod support;
