//! Addresses to probe, as they are typed.

/// Why a text is not an address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// No port in it, or none that exists.
    #[error("needs HOST:PORT or :PORT with a port from 1 to 65535, and got {0:?}")]
    NoPort(String),
}

/// Completes `:8080` and `8080` to `127.0.0.1:8080`; a host stays as it is.
pub(super) fn complete(text: &str) -> Result<String, AddressError> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    match port.parse::<u16>() {
        Ok(port) if port > 0 => {
            let host = if host.is_empty() { "127.0.0.1" } else { host };
            Ok(format!("{host}:{port}"))
        }
        Ok(_) | Err(_) => Err(AddressError::NoPort(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_means_this_machine() {
        assert_eq!(complete(":8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(complete("8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(complete("db.example:5432").unwrap(), "db.example:5432");
        assert_eq!(complete("[::1]:80").unwrap(), "[::1]:80");
        for wrong in ["", ":", "db", ":0", ":70000", "a:b"] {
            assert_eq!(complete(wrong), Err(AddressError::NoPort(wrong.to_owned())));
        }
    }
}
