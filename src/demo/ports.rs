//! The ports of the hosts on this machine.

use std::{io, net::Ipv4Addr};

use tokio::net::TcpListener;

use super::{
    Options,
    error::{Error, Result},
    host::PLACES,
};
use crate::config::Settings;

/// Opens a port for each host, before any work is done that would be lost without them. The hub has the one that was named,
/// or the usual one; the others have those behind it. Where nobody named a port that is in use, a free one is taken.
///
/// # Errors
/// When the named port is in use, or none can be opened.
pub async fn open(options: &Options) -> Result<Vec<TcpListener>> {
    let usual = Settings::defaults().map_err(Error::internal)?.listen.port();
    let anywhere = options.json && options.port.is_none();
    let hub = match options.port {
        Some(port) => listen(port).await,
        None if anywhere => listen(0).await,
        None => near(usual).await,
    };
    let port = options.port.unwrap_or(usual);
    let mut listeners = vec![hub.map_err(Error::machine(format!("port {port} cannot be opened")))?];
    let first = listeners[0]
        .local_addr()
        .map_err(Error::machine("the port cannot be read"))?;
    for (behind, _) in (1..).zip(&PLACES[1..]) {
        let port = if anywhere {
            0
        } else {
            first.port().saturating_add(behind)
        };
        listeners.push(near(port).await.map_err(Error::machine("a port cannot be opened"))?);
    }
    Ok(listeners)
}

/// At a port, or at a free one where that is in use.
async fn near(port: u16) -> io::Result<TcpListener> {
    match listen(port).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => listen(0).await,
        other => other,
    }
}

/// At a port of this machine that nobody outside reaches; 0 is any that is free.
pub async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(listeners: &[TcpListener]) -> Vec<u16> {
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        listeners.iter().map(port).collect()
    }

    fn named(port: u16) -> Options {
        Options {
            port: Some(port),
            ..Options::default()
        }
    }

    #[tokio::test]
    async fn a_port_that_was_named_is_never_exchanged_for_another() {
        let taken = listen(0).await.unwrap();
        let port = taken.local_addr().unwrap().port();

        let refused = open(&named(port)).await.unwrap_err();

        assert!(refused.to_string().contains(&port.to_string()), "{refused}");
    }

    #[tokio::test]
    async fn the_other_hosts_take_free_ports_where_those_behind_the_hubs_are_in_use() {
        // Whoever takes the next port here or elsewhere: it is in use then.
        let hub = listen(0).await.unwrap().local_addr().unwrap().port();
        let _taken = listen(hub.saturating_add(1)).await;

        let ports = ports(&open(&named(hub)).await.unwrap());

        assert_eq!(ports.len(), PLACES.len());
        assert_ne!(ports[1], hub.saturating_add(1));
        assert_ne!(ports[1], ports[2]);
    }
}
