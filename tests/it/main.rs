//! Integration tests: people act through the API, on SQLite and on PostgreSQL.

mod bad_input;
mod champions;
mod layers;
mod policy;
mod projects;
mod search;
mod support;
mod work;
