//! What every test stands on: a host with a migrated database of its own, and people who act on it.

pub mod demo;
pub mod host;
pub mod network;
pub mod person;

pub use demo::Demo;
pub use host::{Backend, FreshDatabase, Host, NATIONAL};
pub use network::Network;
pub use person::{Person, Reply};
pub use serde_json::{Value, json};

/// Writes each test twice: once on SQLite, once on PostgreSQL. `with` changes settings of the hosts.
macro_rules! on_both {
    (async fn $name:ident($host:ident) $body:block) => {
        on_both! { with |_| {}; async fn $name($host) $body }
    };
    (with $change:expr; async fn $name:ident($host:ident) $body:block) => {
        mod $name {
            use super::*;

            async fn test($host: &$crate::support::Host) $body

            #[tokio::test]
            async fn sqlite() {
                let host = $crate::support::Host::start($crate::support::Backend::Sqlite, $change).await;
                test(&host).await;
            }

            #[tokio::test]
            async fn postgres() {
                let host = $crate::support::Host::start($crate::support::Backend::Postgres, $change).await;
                test(&host).await;
            }
        }
    };
}
pub(crate) use on_both;

/// Writes each test of several hosts twice: once with all of them on SQLite, once on PostgreSQL.
macro_rules! between_hosts {
    ($(#[$meta:meta])* async fn $name:ident($network:ident) $body:block) => {
        mod $name {
            use super::*;

            async fn test($network: &$crate::support::Network) $body

            #[tokio::test]
            async fn sqlite() {
                let network = $crate::support::Network::start($crate::support::Backend::Sqlite).await;
                test(&network).await;
            }

            #[tokio::test]
            async fn postgres() {
                let network = $crate::support::Network::start($crate::support::Backend::Postgres).await;
                test(&network).await;
            }
        }
    };
}
pub(crate) use between_hosts;
