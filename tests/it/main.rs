//! Integration tests: people act through the API, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod access;
mod audit;
mod audits;
mod bad_input;
mod champions;
mod cli;
mod contract;
mod demo;
mod faults;
mod federation;
mod forum;
mod hosts;
mod impact;
mod layers;
mod metrics;
mod policy;
mod privacy;
mod processes;
mod projects;
mod readme;
mod resources;
mod search;
mod sites;
mod statements;
mod subgraph;
mod subscriptions;
mod supply;
mod support;
mod sweep;
mod tokens;
mod work;
