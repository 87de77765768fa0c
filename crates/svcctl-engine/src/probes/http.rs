//! Whether an HTTP request is answered as it should be: `GET`, HTTP/1.1, without TLS, redirects or a proxy.

use super::{Asker, tcp};
use crate::logs::reason;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::time::Duration;
use svcctl_core::spec::model::HttpCheck;
use svcctl_core::supervisor::action::Probe;

/// How much of an answer is read, so that its sender sees it taken.
const BODY_MAX_BYTES: usize = 64 * 1024;
/// How long is waited for the body of an answer whose status is known.
const BODY_WITHIN: Duration = Duration::from_millis(250);
/// The port when the URL names none.
const PORT_DEFAULT: u16 = 80;
/// Who asks.
const USER_AGENT: &str = concat!("svcctl/", env!("CARGO_PKG_VERSION"));

/// One attempt.
pub(super) async fn ask(asker: &Asker, probe: &Probe, check: &HttpCheck) -> Result<(), String> {
    let url = &check.url;
    let meant = asker.text(probe, "http.url", url).await?;
    let address = Address::parse(&meant)
        .ok_or_else(|| format!("{url} is no http://HOST[:PORT]/PATH once its placeholders are replaced"))?;
    let stream = tcp::connect(&asker.names, address.host, address.port)
        .await
        .map_err(|error| format!("no connection to {url}: {}", reason(&error)))?;
    let no_answer = |error: hyper::Error| {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        format!("no HTTP answer from {url}: {why}")
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
    let request = Request::get(address.path)
        .header("host", address.authority)
        .header("user-agent", USER_AGENT)
        .header("accept", "*/*")
        .header("connection", "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("{url} cannot be asked for: {error}"))?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(no_answer)?;
        let status = answer.status();
        // What does not come soon is not needed.
        drop(tokio::time::timeout(BODY_WITHIN, read(answer)).await);
        Ok::<_, String>(status)
    };
    // The connection works only while it is polled; it ends with the exchange, and both with this attempt.
    tokio::pin!(connection);
    tokio::pin!(exchange);
    let status = tokio::select! {
        status = &mut exchange => status?,
        ended = &mut connection => match ended {
            Ok(()) => exchange.await?,
            Err(error) => return Err(no_answer(error)),
        },
    };
    if is_well(status, &check.status) { Ok(()) } else { Err(format!("{url} answered {}", shown(status))) }
}

async fn read(mut answer: Response<Incoming>) {
    let mut left = BODY_MAX_BYTES;
    while let Some(Ok(frame)) = answer.body_mut().frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if length >= left {
            return;
        }
        left -= length;
    }
}

fn is_well(status: StatusCode, wanted: &[u16]) -> bool {
    if wanted.is_empty() { (200..400).contains(&status.as_u16()) } else { wanted.contains(&status.as_u16()) }
}

fn shown(status: StatusCode) -> String {
    status
        .canonical_reason()
        .map_or_else(|| status.as_u16().to_string(), |why| format!("{} {why}", status.as_u16()))
}

/// Where to ask, and for what.
struct Address {
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Address {
    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"))?;
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        let port = authority.port_u16().unwrap_or(PORT_DEFAULT);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // A user and password are nothing for the header.
        let shown = authority.as_str().rsplit('@').next().unwrap_or_default();
        (!bare.is_empty()).then(|| Self {
            host: bare.to_owned(),
            port,
            authority: shown.to_owned(),
            path: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let parts = |url: &str| {
            Address::parse(url).map(|address| (address.host, address.port, address.authority, address.path))
        };
        let expected = |host: &str, port, authority: &str, path: &str| {
            Some((host.to_owned(), port, authority.to_owned(), path.to_owned()))
        };
        assert_eq!(parts("http://h"), expected("h", 80, "h", "/"));
        assert_eq!(parts("http://[::1]:81/a?b=c"), expected("::1", 81, "[::1]:81", "/a?b=c"));
        assert_eq!(parts("http://u:p@h:1/"), expected("h", 1, "h:1", "/"));
        for wrong in ["https://h/", "h:80", "/x", "http://", ""] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
