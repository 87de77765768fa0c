//! What is sane as the URL of an HTTP check (RFC 9110 section 4.2, RFC 3986).

use super::super::template::Template;

/// Whether `url` can be asked, as far as that can be seen before its placeholders are replaced.
///
/// # Errors
/// What is wrong, and what to write.
pub(super) fn check(url: &Template) -> Result<(), String> {
    let text = url.as_written();
    if text.starts_with("${") {
        return Ok(());
    }
    if text.len() >= 8 && text.as_bytes()[..8].eq_ignore_ascii_case(b"https://") {
        return Err("is an https URL, and https is not yet supported by this version; ask by http, or by `exec` (as with curl)"
            .to_owned());
    }
    let Some(rest) = text.strip_prefix("http://") else {
        return Err(format!(
            "must begin with \"http://\", as in \"http://127.0.0.1:8080/health\", and is {text:?}"
        ));
    };
    if text.contains(|c: char| c.is_ascii_control() || c == ' ') && url.as_literal().is_some() {
        return Err("has a space or a control character; write %20 for a space".to_owned());
    }
    if url.as_literal().is_some() && rest.contains('#') {
        return Err("has a fragment (`#`), which is never sent; leave it out".to_owned());
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains("${") {
        return Ok(());
    }
    check_authority(authority)
}

fn check_authority(authority: &str) -> Result<(), String> {
    if authority.contains('@') {
        return Err(
            "has a user name, which is not taken; ask by `exec` where a password is needed".to_owned()
        );
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => (is_v6(address), None),
        Some((address, port)) => (is_v6(address), Some(port.strip_prefix(':').unwrap_or_default())),
        None => match authority.split_once(':') {
            Some((host, port)) => (is_host(host), Some(port)),
            None => (is_host(authority), None),
        },
    };
    if !host {
        return Err(format!(
            "has no sound host; {authority:?} should be as in \"127.0.0.1:8080\" or \"db.local\""
        ));
    }
    match port {
        Some(port) if port.parse::<u16>().ok().is_none_or(|port| port == 0) => {
            Err(format!("has the port {port:?}; ports are 1 to 65535"))
        }
        Some(_) | None => Ok(()),
    }
}

fn is_v6(address: &str) -> bool {
    address.parse::<core::net::Ipv6Addr>().is_ok()
}

/// A name or an IPv4 address; what is made of digits and dots alone was meant as an address.
fn is_host(host: &str) -> bool {
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return host.parse::<core::net::Ipv4Addr>().is_ok();
    }
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    host.len() <= 253 && host.chars().all(letters) && !host.starts_with(['.', '-'])
}
