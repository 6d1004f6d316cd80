//! The worked example.

use std::path::PathBuf;

use clap::Args;

use super::{Outcome, logging};
use crate::{
    config::LogFormat,
    demo::{self, Options},
};

/// How the worked example is run. It has settings of its own: no file or variable changes them.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Keep it in this folder and find it there next time. Without one it is gone when the program ends
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The national host's port: by default 8080, or a free one where that is in use. The regional hosts have the two behind it,
    /// or free ones
    #[arg(long)]
    port: Option<u16>,
    /// Once it is ready, print what to open as one line of JSON, for scripts; listens on free ports unless --port says one
    #[arg(long)]
    json: bool,
}

/// What is logged. Hosts that get to know one another warn of what they do not believe or understand yet: no news here.
const LOG: &str = "warn,champion_network::federation=error";

/// Fills three hosts unless they are filled already, and serves them until the process is told to stop.
pub async fn demo(arguments: DemoArguments) -> Outcome {
    logging::start(LOG, LogFormat::Text)?;
    let options = Options {
        folder: arguments.folder,
        port: arguments.port,
        json: arguments.json,
    };
    demo::run(options)
        .await
        .map_err(|why| format!("The demonstration cannot be shown: {why}"))
}
