//! The listener: accepts connections up to a limit, gives up on those that dawdle, and ends without cutting answers off.

use std::io::{self, Cursor};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::middleware::AddExtension;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;
use tower::Layer;

use super::HttpSettings;

/// How every HTTP/2 connection begins.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The most requests that one HTTP/2 connection may have open.
const MOST_STREAMS: u32 = 64;

/// How long to wait when the system has no room for another connection.
const RELIEF: Duration = Duration::from_millis(100);

/// Held by every connection that has become a WebSocket, for as long as it is one.
#[derive(Clone, Debug)]
pub(super) struct Open {
    _held: mpsc::Sender<()>,
}

/// Serves connections until `stop` resolves, then lets requests in work finish for `shutdown_seconds`.
pub async fn serve(listener: TcpListener, router: Router, settings: &HttpSettings, stop: impl Future<Output = ()>) {
    let builder = Arc::new(builder(settings));
    let places = Arc::new(Semaphore::new(settings.connections));
    let (stopping, stopped) = watch::channel(());
    let (held, mut all_closed) = mpsc::channel(1);
    let open = Open { _held: held };
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            // The place is taken before the connection: who must wait does so in the system's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            () = &mut stop => break,
            (place, accepted) = accepted => match accepted {
                Ok((stream, peer)) => (place, (stream, ConnectInfo(peer))),
                Err(error) => {
                    wait_for_room(&error).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        let (stream, peer) = stream;
        let service = axum::Extension(open.clone()).layer(axum::Extension(peer).layer(router.clone()));
        let connection = connection(
            Arc::clone(&builder),
            stream,
            service,
            Patience::of(settings),
            stopped.clone(),
        );
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(listener);
    // Every connection watches this channel; its end tells them.
    drop(stopping);
    drop(open);
    let all_done = async {
        while connections.join_next().await.is_some() {}
        // Nothing is ever sent: it ends with the last socket.
        let _ = all_closed.recv().await;
    };
    if timeout(Duration::from_secs(settings.shutdown_seconds), all_done)
        .await
        .is_err()
    {
        tracing::warn!(
            open = connections.len(),
            "closing connections that did not finish in time"
        );
    }
}

/// How long a client may take.
#[derive(Clone, Copy)]
struct Patience {
    /// To send its headers.
    headers: Duration,
    /// Nothing of its answer.
    answer: Duration,
}

impl Patience {
    fn of(settings: &HttpSettings) -> Self {
        Self {
            headers: Duration::from_secs(settings.header_seconds),
            answer: Duration::from_secs(settings.answer_seconds),
        }
    }
}

fn builder(settings: &HttpSettings) -> auto::Builder<TokioExecutor> {
    let patience = Patience::of(settings).headers;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_headers(settings.header_count)
        // The least that the parser accepts as the size of its buffer.
        .max_buf_size(settings.header_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(patience)
        .keep_alive_timeout(patience)
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(settings.header_bytes).unwrap_or(u32::MAX));
    builder
}

type Service = AddExtension<AddExtension<Router, ConnectInfo<std::net::SocketAddr>>, Open>;

async fn connection(
    builder: Arc<auto::Builder<TokioExecutor>>,
    stream: TcpStream,
    service: Service,
    patience: Patience,
    mut stopped: watch::Receiver<()>,
) {
    // Small answers should leave at once.
    let _ = stream.set_nodelay(true);
    let (mut reader, writer) = stream.into_split();
    // Telling the versions of HTTP apart has no time limit of its own in the server below.
    let begun = tokio::select! {
        begun = timeout(patience.headers, beginning(&mut reader)) => begun,
        _ = stopped.changed() => return,
    };
    let Ok(Ok(begun)) = begun else {
        return;
    };
    let mut writer = TimeoutWriter::new(writer);
    writer.set_timeout(Some(patience.answer));
    let io = TokioIo::new(tokio::io::join(Cursor::new(begun).chain(reader), Box::pin(writer)));
    let mut connection = pin!(builder.serve_connection_with_upgrades(io, TowerToHyperService::new(service)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Reads until it is clear which version of HTTP a connection speaks.
async fn beginning(reader: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut begun = Vec::with_capacity(HTTP2_PREFACE.len());
    while begun.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(&begun) {
        if reader
            .take((HTTP2_PREFACE.len() - begun.len()) as u64)
            .read_buf(&mut begun)
            .await?
            == 0
        {
            break;
        }
    }
    Ok(begun)
}

/// A failed handshake is the peer's affair; anything else means that descriptors have run out.
async fn wait_for_room(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "cannot accept a connection");
        tokio::time::sleep(RELIEF).await;
    }
}
