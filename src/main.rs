//! The program: reads its command line, runs one command, tells plainly what went wrong.

use std::process::ExitCode;

use champion_network::cli;

#[tokio::main]
async fn main() -> ExitCode {
    cli::main().await
}
