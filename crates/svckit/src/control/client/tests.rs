//! The client against a server that says exactly what a test wants it to say.
#![cfg(unix)]

use super::{Client, ClientError, LogQuery, Record, Verb};
use crate::control::types::{Act, FailureKind, Install};
use serde_json::json;
use std::path::PathBuf;
use svcctl_core::ident::ServiceName;
use svcctl_os::ipc::{Listener, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A runtime as the command line has it.
fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

struct Server {
    listener: Listener,
    client: Client,
    _folder: tempfile::TempDir,
}

impl Server {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("daemon.sock");
        let listener = Listener::bind(&socket, 0o600).unwrap();
        Self { listener, client: Client::new(&socket), _folder: folder }
    }

    /// Takes one request and gives `whole`. Gives the request.
    async fn answer_once(&self, whole: &str) -> String {
        self.answer(&[whole]).await
    }

    /// Takes one request and gives `parts` in turn, then ends the connection. Gives the request.
    async fn answer(&self, parts: &[&str]) -> String {
        let (mut stream, _peer) = self.listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        for part in parts {
            stream.write_all(part.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        request
    }
}

async fn read_request(stream: &mut Stream) -> String {
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the client hung up after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
    }
}

fn response(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

#[test]
fn an_install_is_a_put_of_the_document() {
    run(async {
        let server = Server::new();
        let answer =
            response("200 OK", r#"{"services":[{"name":"web","changed":true,"taken_along":false}]}"#);
        let document = Install { document: json!({"name": "web"}), source: None };
        let web = name("web");
        let (request, outcome) =
            tokio::join!(server.answer_once(&answer), server.client.install(&web, &document, true, false));
        assert!(request.starts_with("PUT /v1/services/web?update=true HTTP/1.1\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"document\":{\"name\":\"web\"}}"), "{request}");
        assert!(outcome.unwrap().services[0].changed);
    });
}

#[test]
fn each_verb_has_its_path() {
    run(async {
        let server = Server::new();
        let answer = response("200 OK", r#"{"services":[]}"#);
        let (web, act) = (name("web"), Act::default());
        for (verb, one) in [
            (Verb::Start, "POST /v1/services/web/start"),
            (Verb::Stop, "POST /v1/services/web/stop"),
            (Verb::Restart, "POST /v1/services/web/restart"),
            (Verb::Reset, "POST /v1/services/web/reset"),
            (Verb::Uninstall, "DELETE /v1/services/web"),
        ] {
            let (request, done) =
                tokio::join!(server.answer_once(&answer), server.client.act_on(&web, verb, &act));
            assert_eq!(request.split(" HTTP").next(), Some(one));
            done.unwrap();
            let (request, done) = tokio::join!(server.answer_once(&answer), server.client.act(verb, &act));
            assert_eq!(
                request.split(" HTTP").next(),
                Some(format!("POST /v1/actions/{}", verb.word()).as_str())
            );
            done.unwrap();
        }
    });
}

#[test]
fn a_refusal_brings_its_reason() {
    run(async {
        let server = Server::new();
        let body = r#"{"kind":"invalid","message":"web cannot be taken","problems":[{"path":"exec[0]","message":"is empty"}]}"#;
        let answer = response("422 Unprocessable Content", body);
        let web = name("web");
        let document = Install { document: json!({}), source: None };
        let (_, outcome) =
            tokio::join!(server.answer_once(&answer), server.client.install(&web, &document, false, false));
        let Err(ClientError::Refused(failure)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((failure.kind, failure.problems.len()), (FailureKind::Invalid, 1));
    });
}

#[test]
fn nobody_lost_and_nonsense_are_told_apart() {
    let nobody = Client::new(&PathBuf::from("/nonexistent/daemon.sock"));
    let error = run(nobody.version()).unwrap_err();
    assert!(matches!(error, ClientError::NoDaemon { .. }), "{error}");
    assert!(error.is_absence());
    for (parts, lost) in [
        (vec![], true),
        (vec!["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"], true),
        (vec!["SSH-2.0-OpenSSH_9.2\r\n\r\n"], false),
        (vec!["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"], false),
        (vec!["HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"], false),
    ] {
        run(async {
            let server = Server::new();
            let (_, result) = tokio::join!(server.answer(&parts), server.client.version());
            let error = result.unwrap_err();
            assert_eq!(matches!(error, ClientError::Lost { .. }), lost, "{parts:?}: {error:?}");
            assert_eq!(matches!(error, ClientError::Protocol { .. }), !lost, "{parts:?}: {error:?}");
        });
    }
}

#[test]
fn a_stale_socket_is_no_daemon() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("daemon.sock");
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        let error = Client::new(&socket).version().await.unwrap_err();
        assert!(matches!(error, ClientError::NoDaemon { .. }), "{error}");
    });
}

async fn records(
    server: &Server,
    query: &LogQuery,
    parts: &[&str],
) -> (Vec<Record>, Result<(), ClientError>) {
    let web = name("web");
    let reading = async {
        let mut stream = server.client.logs(&web, query).await.unwrap();
        let mut found = Vec::new();
        loop {
            match stream.next().await {
                Ok(Some(record)) => found.push(record),
                Ok(None) => return (found, Ok(())),
                Err(error) => return (found, Err(error)),
            }
        }
    };
    tokio::join!(server.answer(parts), reading).1
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[test]
fn a_log_comes_line_by_line() {
    run(async {
        let server = Server::new();
        let (found, end) = records(
            &server,
            &LogQuery::default(),
            &[CHUNKED, "a\r\n{\"a\":1}\n{\"\r\n", "7\r\nb\":22}\n\r\n", "0\r\n\r\n"],
        )
        .await;
        end.unwrap();
        let texts: Vec<&str> = found.iter().map(|record| record.json.as_str()).collect();
        assert_eq!(texts, ["{\"a\":1}", "{\"b\":22}"]);
    });
}

#[test]
fn a_followed_log_that_breaks_off_leaves_its_cursor() {
    run(async {
        let server = Server::new();
        let query = LogQuery { follow: true, ..LogQuery::default() };
        let (found, end) =
            records(&server, &query, &[CHUNKED, "14\r\nid: 41\ndata: {\"a\":1}\r\n", "2\r\n\n\n\r\n"]).await;
        assert_eq!(found, [Record { cursor: Some("41".to_owned()), json: "{\"a\":1}".to_owned() }]);
        assert!(matches!(end, Err(ClientError::Lost { .. })), "{end:?}");
    });
}

#[test]
fn what_changes_something_is_sent_once_more_under_the_same_id_if_the_engine_goes_away() {
    run(async {
        let server = Server::new();
        let answer = response("200 OK", r#"{"services":[]}"#);
        let (web, act) = (name("web"), Act::default());
        let serving = async {
            let lost = server.answer_once("").await;
            // Whether somebody listens again is found out by a connection that asks nothing.
            drop(server.listener.accept().await.unwrap());
            (lost, server.answer_once(&answer).await)
        };
        let ((first, second), done) = tokio::join!(serving, server.client.act_on(&web, Verb::Stop, &act));
        done.unwrap();
        assert!(first.contains("operation-id: "), "{first}");
        assert_eq!(first, second);
    });
}

#[test]
fn a_signal_is_not_given_twice() {
    run(async {
        let server = Server::new();
        let act = Act { signal: Some("HUP".to_owned()), ..Act::default() };
        let web = name("web");
        let (_, done) = tokio::join!(server.answer_once(""), server.client.act_on(&web, Verb::Signal, &act));
        assert!(matches!(done, Err(ClientError::Lost { .. })), "{done:?}");
    });
}
