//! What every test stands on: a host with a migrated database of its own, and people who act on it.

pub mod demo;
pub mod host;
pub mod live;
pub mod network;
pub mod person;
pub mod tables;
pub mod waiting;

pub use demo::Demo;
pub use host::{Backend, FreshDatabase, Host, NATIONAL};
pub use live::{Events, Served, Socket};
pub use network::Network;
pub use person::{Person, Reply};
pub use serde_json::{Value, json};
pub use waiting::{DEADLINE, until, within};

use std::{env, path::PathBuf};

/// The folder with the tools that `tests/run` installs: for the README's examples, and the public audits.
pub fn tools() -> PathBuf {
    let folder = env::var("CHAMPION_TEST_TOOLS");
    let folder = folder.expect("CHAMPION_TEST_TOOLS names a folder with tools: run the tests with tests/run");
    PathBuf::from(folder)
}

/// Writes each test twice: with all hosts on SQLite, and with all hosts on PostgreSQL.
macro_rules! on_each_database {
    (async fn $name:ident($backend:ident) $body:block) => {
        mod $name {
            use super::*;

            async fn test($backend: $crate::support::Backend) $body

            #[tokio::test]
            async fn sqlite() {
                test($crate::support::Backend::Sqlite).await;
            }

            #[tokio::test]
            async fn postgres() {
                test($crate::support::Backend::Postgres).await;
            }
        }
    };
}
pub(crate) use on_each_database;

/// The same with one host. `with` changes its settings.
macro_rules! on_both {
    (async fn $name:ident($host:ident) $body:block) => {
        $crate::support::on_both! { with |_| {}; async fn $name($host) $body }
    };
    (with $change:expr; async fn $name:ident($host:ident) $body:block) => {
        $crate::support::on_each_database! {
            async fn $name(backend) {
                let $host = &$crate::support::Host::start(backend, $change).await;
                $body
            }
        }
    };
}
pub(crate) use on_both;

/// The same with the three hosts of a network that have heard of each other.
macro_rules! between_hosts {
    (async fn $name:ident($network:ident) $body:block) => {
        $crate::support::on_each_database! {
            async fn $name(backend) {
                let $network = &$crate::support::Network::start(backend).await;
                $body
            }
        }
    };
}
pub(crate) use between_hosts;
