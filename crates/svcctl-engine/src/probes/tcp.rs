//! Whether a TCP connection is accepted.

use super::Asker;
use super::names::Names;
use crate::logs::reason;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use svcctl_core::spec::model::TcpTarget;
use svcctl_core::supervisor::action::Probe;
use tokio::net::TcpStream;

/// One attempt.
pub(super) async fn ask(asker: &Asker, probe: &Probe, to: &TcpTarget) -> Result<(), String> {
    let connected = match to {
        TcpTarget::Address(address) => TcpStream::connect(address).await,
        TcpTarget::Name(host, port) => connect(&asker.names, host.clone(), *port).await,
        TcpTarget::Template(template) => {
            let meant = asker.text(probe, "tcp", template).await?;
            let Some((host, port)) = host_and_port(&meant) else {
                return Err(format!("{template} is no host:port once its placeholders are replaced"));
            };
            connect(&asker.names, host, port).await
        }
    };
    connected.map(drop).map_err(|error| format!("no connection to {}: {}", target(to), reason(&error)))
}

/// Connects to the first address of a host that accepts. Addresses and `localhost` are known without being looked up, so
/// that no name server can fail a question about this machine.
pub(super) async fn connect(names: &Names, host: String, port: u16) -> io::Result<TcpStream> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return TcpStream::connect((address, port)).await;
    }
    if host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        return match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            Ok(stream) => Ok(stream),
            // Why there is no connection is told of the first: the other may not be there at all.
            Err(error) => TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.map_err(|_| error),
        };
    }
    let addresses = names.addresses(host).await?;
    let addresses: Vec<_> = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    TcpStream::connect(addresses.as_slice()).await
}

/// `host:port`, the host in brackets if it is an IPv6 address.
pub(super) fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').map_or(Some(host), |inner| inner.strip_suffix(']'))?;
    (!host.is_empty()).then_some((host.to_owned(), port.parse().ok()?))
}

/// What is asked, as the specification has it.
pub(super) fn target(to: &TcpTarget) -> String {
    match to {
        TcpTarget::Address(address) => address.to_string(),
        TcpTarget::Name(host, port) => format!("{host}:{port}"),
        TcpTarget::Template(template) => template.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::hanging;
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn this_machine_is_reached_while_no_name_server_answers() {
        let (names, _release, lookups) = hanging();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "LocalHost.", "127.0.0.1", "::ffff:127.0.0.1"] {
            let connected = runtime.block_on(connect(&names, host.to_owned(), port));
            assert!(connected.is_ok(), "{host}: {connected:?}");
        }
        drop(listener);
        let refused = runtime.block_on(connect(&names, "localhost".to_owned(), port)).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        if let Ok(listener) = std::net::TcpListener::bind("[::1]:0") {
            let port = listener.local_addr().unwrap().port();
            assert!(runtime.block_on(connect(&names, "localhost".to_owned(), port)).is_ok());
        }
        assert_eq!(lookups.load(Ordering::SeqCst), 0);
    }
}
