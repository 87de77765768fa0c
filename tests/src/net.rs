//! Ports that nobody uses, and small talk over TCP.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// How long one connection may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A loopback address whose port the system says is free.
///
/// # Panics
/// The system has none.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the system has no free port");
    listener.local_addr().expect("a bound socket has no address")
}

/// Sends `request` to `address` and reads until the answer has `until` in it or the other side closes; the answer and
/// the port it was asked from. `None` if nobody listens or the answer does not come.
pub fn ask(address: SocketAddr, request: &str, until: &str) -> Option<(String, u16)> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    let port = stream.local_addr().ok()?.port();
    stream.write_all(request.as_bytes()).ok()?;
    let (mut answer, mut buffer) = (String::new(), [0_u8; 1024]);
    while !answer.contains(until) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => answer.push_str(&String::from_utf8_lossy(&buffer[..count])),
        }
    }
    Some((answer, port))
}

/// One redis PING: the port it was asked from, if it was answered.
pub fn redis_ping(address: SocketAddr) -> Option<u16> {
    ask(address, "PING\r\n", "+PONG\r\n").map(|(_, port)| port)
}

/// One HTTP request for `path`: whether it was answered with 200.
pub fn http_get(address: SocketAddr, path: &str) -> bool {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    ask(address, &request, "\r\n\r\n").is_some_and(|(answer, _)| answer.starts_with("HTTP/1.1 200 "))
}
