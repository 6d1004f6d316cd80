//! How fast hosts exchange what sites share, as tables on standard output (`docs/federation.md`, section 11).
//!
//! ```text
//! cargo bench --bench federation -- lag
//! cargo bench --bench federation -- catch-up --records 10000,100000,1000000
//! cargo bench --bench federation -- writes
//! cargo bench --bench federation -- sites --sites 10,100,1000
//! ```
//!
//! Every part takes `--postgres URL`: its hosts then keep their data in new databases of that server.

#![expect(clippy::unwrap_used, reason = "a bench that fails has nobody to tell but its reader")]

#[path = "federation/catch_up.rs"]
mod catch_up;
#[path = "federation/host.rs"]
mod host;
#[path = "federation/lag.rs"]
mod lag;
#[path = "federation/measure.rs"]
mod measure;
#[path = "federation/peer.rs"]
mod peer;
#[path = "federation/sites.rs"]
mod sites;
#[path = "federation/story.rs"]
mod story;
#[path = "federation/writes.rs"]
mod writes;

use clap::{Parser, Subcommand};

/// What is measured.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
    /// The server on which the hosts make their databases, instead of SQLite files.
    #[arg(long, global = true)]
    postgres: Option<String>,
    /// Cargo says so.
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// From the commit at a region to the moment at which the hub and another region show it.
    Lag(lag::Arguments),
    /// A region that is new to a network reads a long feed.
    CatchUp(catch_up::Arguments),
    /// What writing costs while feeds are written in the background.
    Writes(writes::Arguments),
    /// What a hub bears as its network grows.
    Sites(sites::Arguments),
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let postgres = arguments.postgres.as_deref();
    match arguments.part {
        Part::Lag(part) => lag::run(postgres, &part).await,
        Part::CatchUp(part) => catch_up::run(postgres, &part).await,
        Part::Writes(part) => writes::run(postgres, &part).await,
        Part::Sites(part) => sites::run(postgres, &part).await,
    }
}
