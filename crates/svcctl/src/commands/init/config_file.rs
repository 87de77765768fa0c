//! A port in a configuration file that the arguments name. Careful: only lines whose meaning is plain count.

use super::arguments::address;
use super::guess::Guess;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;

/// What is read of a file.
const READ_BYTES: u64 = 256 * 1024;
/// Endings of files that may be configuration.
const ENDINGS: [&str; 9] = ["conf", "cfg", "ini", "toml", "yaml", "yml", "json", "properties", "config"];
/// Keys whose value is a port.
const PORT_KEYS: [&str; 5] = ["port", "http_port", "http-port", "server.port", "listen_port"];
/// Keys whose value is a port or an address with one.
const ADDRESS_KEYS: [&str; 4] = ["listen", "bind_addr", "listen_addr", "http_addr"];

/// The address that a file among the arguments names.
pub(super) fn guess(exec: &[String], here: &Path) -> Option<Guess> {
    exec.get(1..)?.iter().find_map(|word| {
        let word = word.split_once('=').map_or(word.as_str(), |(_, value)| value);
        let path = here.join(word);
        let known = path.extension()?.to_str().is_some_and(|ending| ENDINGS.contains(&ending));
        if !known || !path.is_file() {
            return None;
        }
        let mut text = String::new();
        std::fs::File::open(&path).ok()?.take(READ_BYTES).read_to_string(&mut text).ok()?;
        let (line, address) = text.lines().find_map(|line| Some((line.trim(), in_line(line)?)))?;
        let from = format!("the line `{line}` of {}", path.display());
        Some(Guess { address: Some(address), from, ..Guess::default() })
    })
}

/// `port 6379`, `port = 5432`, `"port": 80,`, `listen 127.0.0.1:8080 default_server;`
fn in_line(line: &str) -> Option<SocketAddr> {
    let line = line.trim();
    if line.starts_with(['#', ';', '/']) {
        return None;
    }
    let end = line.find(|c: char| c.is_whitespace() || matches!(c, '=' | ':'))?;
    let key = line[..end].trim_matches('"').to_ascii_lowercase();
    let rest = line[end..].trim_start().trim_start_matches(['=', ':']).trim_start();
    let value = rest.split(|c: char| c.is_whitespace() || matches!(c, ';' | ',')).next()?;
    let value = value.trim_matches(['"', '\'']);
    if PORT_KEYS.contains(&key.as_str()) {
        return value.parse::<u16>().ok().and_then(|_| address(value));
    }
    ADDRESS_KEYS.contains(&key.as_str()).then(|| address(value)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_count_and_others_do_not() {
        for (line, port) in [
            ("port 6379", 6379),
            ("  port = 5432", 5432),
            ("port: 8080", 8080),
            ("\"port\": 81,", 81),
            ("server.port=82", 82),
            ("    listen 83 default_server;", 83),
            ("listen 127.0.0.1:84;", 84),
            ("listen [::]:85;", 85),
        ] {
            assert_eq!(in_line(line).map(|address| address.port()), Some(port), "{line}");
        }
        for line in
            ["# port 6379", "port", "port 0", "ports 5", "listen unix:/run/s.sock;", "port x", "listen off"]
        {
            assert_eq!(in_line(line), None, "{line}");
        }
    }

    #[test]
    fn the_file_is_one_of_the_arguments() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("redis.conf"), "# port 1\nsave 60 1\nport 7001\n").unwrap();
        let exec = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found = guess(&exec("/usr/bin/redis-server redis.conf"), folder.path()).unwrap();
        assert_eq!(found.address.unwrap().port(), 7001);
        assert!(found.from.starts_with("the line `port 7001` of "), "{}", found.from);
        assert!(guess(&exec("/s --config=redis.conf"), folder.path()).is_some());
        assert_eq!(guess(&exec("/s redis"), folder.path()), None);
    }
}
