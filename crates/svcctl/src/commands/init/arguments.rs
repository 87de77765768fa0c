//! A port among a program's arguments, by the flags that programs usually have.

use super::guess::Guess;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Flags whose value is a port, or an address with one.
const FLAGS: [&str; 14] = [
    "--port",
    "-p",
    "-port",
    "--http-port",
    "--listen",
    "-listen",
    "--listen-address",
    "--bind",
    "-b",
    "--addr",
    "-addr",
    "--address",
    "--http",
    "--urls",
];

/// The address that the arguments name.
pub(super) fn guess(exec: &[String]) -> Option<Guess> {
    let words = exec.get(1..)?;
    for (at, word) in words.iter().enumerate() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word.as_str(), words.get(at + 1).map(String::as_str)),
        };
        if !FLAGS.contains(&flag) {
            continue;
        }
        if let Some((value, address)) = value.and_then(|value| Some((value, address(value)?))) {
            let shown = if word.contains('=') { word.clone() } else { format!("{flag} {value}") };
            let from = format!("the argument {shown}");
            return Some(Guess { address: Some(address), from, ..Guess::default() });
        }
    }
    None
}

/// The address that a text means: `8080`, `:8080`, `0.0.0.0:8080`, `localhost:8080`, `http://*:8080/`. Names other than
/// `localhost` are not looked up.
pub(super) fn address(text: &str) -> Option<SocketAddr> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next().unwrap_or_default();
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(Guess::reached(address)).filter(|address| address.port() > 0);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    let ip: IpAddr = match host {
        "" | "*" | "+" | "localhost" => Ipv4Addr::LOCALHOST.into(),
        "[::]" => Ipv6Addr::UNSPECIFIED.into(),
        _ => return None,
    };
    Some(Guess::reached(SocketAddr::new(ip, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<(String, String)> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        guess(&words).map(|guess| (guess.address.unwrap().to_string(), guess.from))
    }

    #[test]
    fn usual_flags_are_known() {
        for (line, address, from) in [
            ("/s --port 8080", "127.0.0.1:8080", "the argument --port 8080"),
            ("/s -v --port=8081", "127.0.0.1:8081", "the argument --port=8081"),
            ("/s -p 80", "127.0.0.1:80", "the argument -p 80"),
            ("/s --listen :9000 x", "127.0.0.1:9000", "the argument --listen :9000"),
            ("/s --bind 10.1.2.3:5", "10.1.2.3:5", "the argument --bind 10.1.2.3:5"),
            ("/s --urls http://*:5000/a", "127.0.0.1:5000", "the argument --urls http://*:5000/a"),
            ("/s -addr [::]:7", "127.0.0.1:7", "the argument -addr [::]:7"),
        ] {
            assert_eq!(of(line), Some((address.to_owned(), from.to_owned())), "{line}");
        }
        for line in
            ["/s", "/s 8080", "/s --port", "/s --port 0", "/s -p x", "/s --bind db.example:80", "--port 80"]
        {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
