//! Running the host until it is told to stop.

use tokio::net::TcpListener;

use super::{Outcome, close, development, logging, open, say, told};
use crate::{
    config::Settings,
    federation::run::Background,
    http,
    server::{Server, stop},
};

/// Serves until SIGTERM or Ctrl-C; requests in work finish. Prints where it listens once it does.
pub async fn serve(settings: Settings) -> Outcome {
    logging::start(&settings.log, settings.log_format)?;
    // From here on a signal ends the host in order, however early it comes.
    let stop = stop().map_err(|why| format!("Signals cannot be received: {why}"))?;
    let server = open(settings).await?;
    let outcome = listen(&server, stop).await;
    let closed = close(&server).await;
    outcome.and(closed)
}

async fn listen(server: &Server, stop: impl Future<Output = ()>) -> Outcome {
    let settings = &server.0.settings;
    if settings.development_issuer {
        development::keep_issuer(server).await?;
    }
    let router = server.router().map_err(told)?;
    let background = Background::start(&server.0).map_err(told)?;
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
