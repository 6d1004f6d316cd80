//! Running the host until it is told to stop.

use clap::Args;
use tokio::{net::TcpListener, task::spawn_blocking};

use super::{Outcome, close, development, logging, open, say, told};
use crate::{
    config::Settings,
    federation::run::Background,
    http,
    server::{Server, stop},
};

/// How the host is started.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// On the national host, when it says that its database is older than what stands beside it: publish at once, and do not wait
    /// for another host to tell what the network has read. Only when the database is the newest one all the same
    #[arg(long)]
    no_witness: bool,
}

/// Serves until SIGTERM or Ctrl-C; requests in work finish. Prints where it listens once it does.
pub async fn serve(settings: Settings, arguments: ServeArguments) -> Outcome {
    let traces = logging::start_with_traces(&settings)?;
    // From here on a signal ends the host in order, however early it comes.
    let stop = stop().map_err(|why| format!("Signals cannot be received: {why}"))?;
    let server = open(settings).await?;
    let outcome = listen(&server, &arguments, stop).await;
    let closed = close(&server).await;
    if let Some(traces) = traces {
        let sent = spawn_blocking(|| traces.end()).await;
        sent.map_err(|why| format!("The last traces could not be sent: {why}"))?;
    }
    outcome.and(closed)
}

async fn listen(server: &Server, arguments: &ServeArguments, stop: impl Future<Output = ()>) -> Outcome {
    let settings = &server.0.settings;
    if settings.development_issuer {
        development::keep_issuer(server).await?;
    }
    let router = server.router().map_err(told)?;
    let background = if arguments.no_witness {
        Background::unasked(&server.0)
    } else {
        Background::start(&server.0)
    };
    let background = background.map_err(told)?;
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.map_err(|why| format!("Cannot listen at {}: {why}", settings.listen))?;
    let address = listener.local_addr();
    let address = address.map_err(|why| format!("Cannot tell where this host listens: {why}"))?;
    say(format_args!("listening on http://{address}"))?;
    tracing::info!(%address, database = server.0.database.name(), "serving");
    http::serve(listener, router, &settings.http, background.stopping(stop)).await;
    background.end().await;
    tracing::info!("stopped");
    Ok(())
}
