//! Tests of questions, with real servers, files and lines; programs that are asked come in with the black-box tests.

use super::*;
use crate::auxiliary::Keeper;
use crate::lifeline::lifelines;
use crate::logs::{self, LogsConfig, StreamId};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use svcctl_core::ident::{Generation, ServiceName, SlotKey};
use svcctl_core::spec::Template;
use svcctl_core::spec::model::{HttpCheck, Ready, TcpTarget};
use svcctl_core::time::{Mono, Wall};
use svcctl_keeper::client::LinkError;
use svcctl_keeper::protocol::{Image, Request, Stream};

const PATIENCE: Duration = Duration::from_secs(20);

struct NoKeeper;

impl Keeper for NoKeeper {
    fn send(&self, _: &Request) -> Result<(), LinkError> {
        Ok(())
    }

    fn spawn(&self, _: &str, _: u64, _: Image) -> Result<(), LinkError> {
        Ok(())
    }
}

struct Bed {
    folder: tempfile::TempDir,
    logs: LogsHandle,
    probes: Arc<Probes>,
    inputs: Receiver<Input>,
}

fn bed() -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let log_folder = folder.path().join("logs");
    let (logs, _joiner) = logs::start(LogsConfig {
        logs: log_folder.clone(),
        spools: folder.path().join("spool"),
        boot_id: "boot".into(),
        echo: None,
        on_spool: Box::new(|_, _| {}),
        on_stream_done: Box::new(|_| {}),
    })
    .unwrap();
    let (driver, inputs) = crate::queue::queue();
    let preparer = Preparer::start(lifelines().0.of("test")).unwrap();
    let auxiliary =
        Auxiliary::start(NoKeeper, preparer.clone(), logs.clone(), lifelines().0.of("test")).unwrap();
    let means = Means { driver, preparer, auxiliary, logs: logs.clone(), log_folder };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
    let probes = Arc::new(Probes::default());
    let asking = Arc::clone(&probes).run(means);
    // It ends with the tests.
    std::thread::spawn(move || runtime.block_on(asking));
    Bed { folder, logs, probes, inputs }
}

pub(super) fn spec(env: &[(&str, &str)]) -> ServiceSpec {
    let env: serde_json::Map<_, _> =
        env.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    svcctl_core::spec::decode(&json!({"spec": 1, "name": "web", "exec": ["/bin/a"], "env": env})).unwrap()
}

fn id(generation: u64) -> InstanceId {
    let slot = SlotKey { name: ServiceName::new("web").unwrap(), index: 0 };
    InstanceId { slot, generation: Generation(generation) }
}

pub(super) fn probe(what: ProbeWhat, check: Check, spec: ServiceSpec) -> Probe {
    Probe {
        id: ProbeId { id: id(1), what },
        spec: Arc::new(spec),
        check,
        delay: Duration::ZERO,
        interval: Duration::from_millis(10),
        timeout: Duration::from_millis(500),
    }
}

impl Bed {
    fn next(&self) -> (ProbeId, ProbeResult) {
        match self.inputs.recv_timeout(PATIENCE).unwrap() {
            Input::Event(Event::Probe(id, result)) => (id, result),
            other => panic!("{other:?}"),
        }
    }

    fn ask(&self, check: Check, spec: ServiceSpec) -> ProbeResult {
        let probe = probe(ProbeWhat::Liveness, check, spec);
        let id = probe.id.clone();
        self.probes.start(probe);
        let (of, result) = self.next();
        self.probes.stop(&id);
        assert_eq!(of, id);
        // What was told before the stop came.
        while self.inputs.recv_timeout(Duration::from_millis(50)).is_ok() {}
        result
    }
}

/// A server that gives this answer to every request, and what it was asked.
fn server(answer: &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(count @ 1..) => request.extend(&buffer[..count]),
                    Ok(0) | Err(_) => break,
                }
            }
            drop(stream.write_all(answer.as_bytes()));
            if sender.send(String::from_utf8_lossy(&request).into_owned()).is_err() {
                return;
            }
        }
    });
    (port, asked)
}

/// A port on which nobody listens.
fn unused_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn http(url: &str, status: &[u16]) -> Check {
    Check::Http(HttpCheck { url: Template::parse(url).unwrap(), status: status.to_vec() })
}

pub(super) fn exists(text: &str) -> Check {
    Check::Exists(Template::parse(text).unwrap())
}

fn failed(why: &str) -> ProbeResult {
    ProbeResult::Failed(why.to_owned())
}

#[test]
fn an_http_answer_counts_by_its_status_and_the_request_is_plain() {
    let bed = bed();
    let (port, asked) = server("HTTP/1.1 204 No Content\r\n\r\n");
    let environment = spec(&[("PORT", &port.to_string())]);
    assert_eq!(
        bed.ask(http("http://127.0.0.1:${PORT}/health?a=b", &[]), environment.clone()),
        ProbeResult::Ok
    );
    let request = asked.recv_timeout(PATIENCE).unwrap();
    assert!(request.starts_with("GET /health?a=b HTTP/1.1\r\n"), "{request}");
    for header in
        [format!("host: 127.0.0.1:{port}"), "connection: close".into(), "user-agent: svcctl/".into()]
    {
        assert!(request.to_lowercase().contains(&header), "{request}");
    }
    let url = "http://localhost:${PORT}";
    assert_eq!(
        bed.ask(http(url, &[200]), environment),
        failed("http://localhost:${PORT} answered 204 No Content")
    );
    let (port, _asked) = server("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\ndown");
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(
        bed.ask(http(&url, &[]), spec(&[])),
        failed(&format!("{url} answered 503 Service Unavailable"))
    );
    assert_eq!(bed.ask(http(&url, &[503]), spec(&[])), ProbeResult::Ok);
    let (port, _asked) = server("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n");
    assert_eq!(bed.ask(http(&format!("http://127.0.0.1:{port}/"), &[]), spec(&[])), ProbeResult::Ok);
}

#[test]
fn what_gives_no_http_answer_is_told_with_its_reason() {
    let bed = bed();
    let url = format!("http://127.0.0.1:{}/", unused_port());
    assert_eq!(
        bed.ask(http(&url, &[]), spec(&[])),
        failed(&format!("no connection to {url}: connection refused"))
    );
    let (port, _asked) = server("220 mail.example ESMTP\r\n");
    let url = format!("http://127.0.0.1:{port}/");
    let ProbeResult::Failed(why) = bed.ask(http(&url, &[]), spec(&[])) else { panic!("it went well") };
    assert!(why.starts_with(&format!("no HTTP answer from {url}: ")), "{why}");
    // A server that takes the request and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/", silent.local_addr().unwrap().port());
    assert_eq!(bed.ask(http(&url, &[]), spec(&[])), failed(&format!("no answer from {url} within 500 ms")));
    assert_eq!(
        bed.ask(http("${URL}", &[]), spec(&[("URL", "https://127.0.0.1/")])),
        failed("${URL} is no http://HOST[:PORT]/PATH once its placeholders are replaced")
    );
    let ProbeResult::Failed(why) = bed.ask(http("${UNSET_IN_ALL_TESTS}", &[]), spec(&[])) else { panic!() };
    assert!(
        why.starts_with("health.liveness.http.url needs ${UNSET_IN_ALL_TESTS}, which is set neither"),
        "{why}"
    );
}

#[test]
fn an_answer_without_an_end_counts_by_its_status() {
    let bed = bed();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert_eq!(bed.ask(http(&url, &[]), spec(&[])), ProbeResult::Ok);
}

#[test]
fn a_tcp_question_takes_addresses_names_and_placeholders() {
    let bed = bed();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let free = unused_port();
    let template = |text: &str| Check::Tcp(TcpTarget::Template(Template::parse(text).unwrap()));
    assert_eq!(bed.ask(Check::Tcp(TcpTarget::Address(address)), spec(&[])), ProbeResult::Ok);
    assert_eq!(
        bed.ask(Check::Tcp(TcpTarget::Name("localhost".into(), address.port())), spec(&[])),
        ProbeResult::Ok
    );
    let port = spec(&[("PORT", &address.port().to_string()), ("FREE", &free.to_string()), ("BAD", "x")]);
    assert_eq!(bed.ask(template("localhost:${PORT}"), port.clone()), ProbeResult::Ok);
    assert_eq!(
        bed.ask(template("127.0.0.1:${FREE}"), port.clone()),
        failed("no connection to 127.0.0.1:${FREE}: connection refused")
    );
    assert_eq!(
        bed.ask(template("127.0.0.1:${BAD}"), port),
        failed("127.0.0.1:${BAD} is no host:port once its placeholders are replaced")
    );
    let ProbeResult::Failed(why) =
        bed.ask(Check::Tcp(TcpTarget::Name("no-such.invalid".into(), 1)), spec(&[]))
    else {
        panic!("it went well")
    };
    assert!(why.contains("no-such.invalid:1"), "{why}");
}

#[test]
fn a_path_is_looked_at() {
    let bed = bed();
    let folder = bed.folder.path().to_str().unwrap().to_owned();
    let environment = spec(&[("DIR", &folder)]);
    assert_eq!(bed.ask(exists("${DIR}"), environment.clone()), ProbeResult::Ok);
    assert_eq!(
        bed.ask(exists("${DIR}/flag"), environment.clone()),
        failed("there is nothing at ${DIR}/flag")
    );
    std::os::unix::fs::symlink("nowhere", bed.folder.path().join("flag")).unwrap();
    assert_eq!(
        bed.ask(exists("${DIR}/flag"), environment.clone()),
        failed("there is nothing at ${DIR}/flag")
    );
    std::fs::write(bed.folder.path().join("nowhere"), "").unwrap();
    assert_eq!(bed.ask(exists("${DIR}/flag"), environment), ProbeResult::Ok);
}

#[test]
fn a_question_that_is_replaced_or_stopped_is_asked_no_more() {
    let bed = bed();
    bed.probes.start(probe(ProbeWhat::Condition(0), exists("/no/such"), spec(&[])));
    assert!(matches!(bed.next().1, ProbeResult::Failed(_)));
    bed.probes.start(probe(ProbeWhat::Condition(0), exists("/"), spec(&[])));
    while bed.next().1 != ProbeResult::Ok {}
    assert_eq!(bed.next().1, ProbeResult::Ok);
    bed.probes.stop(&probe(ProbeWhat::Condition(0), exists("/"), spec(&[])).id);
    let mut delayed = probe(ProbeWhat::Condition(1), exists("/"), spec(&[]));
    delayed.delay = Duration::from_millis(200);
    let began = std::time::Instant::now();
    bed.probes.start(delayed);
    while bed.next().0.what != ProbeWhat::Condition(1) {}
    assert!(began.elapsed() >= Duration::from_millis(200));
}

fn log_spec(pattern: &str) -> ServiceSpec {
    let mut spec = spec(&[]);
    let (interval, timeout) = (Duration::from_millis(10), Duration::from_millis(50));
    spec.ready = Some(Ready { check: Check::Log(pattern.into()), interval, timeout });
    spec
}

#[test]
fn a_line_counts_from_the_first_one_on_also_before_it_is_asked_for() {
    let bed = bed();
    let spec = log_spec("^listening on \\d+$");
    bed.probes.look_for_ready_line(&id(1), &spec, &bed.logs);
    let (read, mut write) = std::io::pipe().unwrap();
    let stream = StreamId { slot: id(1).slot, generation: Generation(1), pid: 7, stream: Stream::Stderr };
    bed.logs.attach(stream, read.into());
    write.write_all(b"starting\nlistening on 80\nmore\n").unwrap();
    let (flushed, waited) = std::sync::mpsc::channel();
    bed.logs.flush(None, move || flushed.send(()).unwrap());
    waited.recv_timeout(PATIENCE).unwrap();
    bed.probes.start(probe(ProbeWhat::Ready, Check::Log("^listening on \\d+$".into()), spec));
    assert_eq!(bed.next().1, ProbeResult::Ok);
}

#[test]
fn a_line_that_does_not_come_is_told_and_then_it_comes() {
    let bed = bed();
    let spec = log_spec("ready");
    bed.probes.look_for_ready_line(&id(1), &spec, &bed.logs);
    let mut asked = probe(ProbeWhat::Ready, Check::Log("ready".into()), spec);
    asked.timeout = Duration::from_millis(20);
    bed.probes.start(asked);
    assert_eq!(bed.next().1, failed("no line of its output has matched ready so far"));
    let (read, mut write) = std::io::pipe().unwrap();
    let stream = StreamId { slot: id(1).slot, generation: Generation(1), pid: 7, stream: Stream::Stdout };
    bed.logs.attach(stream, read.into());
    write.write_all(b"now ready\r\n").unwrap();
    while bed.next().1 != ProbeResult::Ok {}
}

#[test]
fn a_line_that_an_earlier_engine_recorded_counts() {
    let bed = bed();
    let record = |time: &str, pid: u32| {
        format!(
            "{{\"@timestamp\":\"{time}\",\"message\":\"ready\",\"service.name\":\"web\",\"event.dataset\":\"stdout\",\"process.pid\":{pid}}}\n"
        )
    };
    let folder = bed.folder.path().join("logs/web");
    std::fs::create_dir_all(&folder).unwrap();
    let log = folder.join("current.ndjson");
    let since = Wall(1_700_000_000_000);
    let adopt = |pid| bed.probes.adopted(id(1), Process { pid, since: Mono(1), since_wall: since });
    let ask = || {
        let mut asked = probe(ProbeWhat::Ready, Check::Log("^ready".into()), log_spec("^ready"));
        asked.timeout = Duration::from_millis(20);
        bed.probes.start(asked);
        let (of, result) = bed.next();
        bed.probes.stop(&of);
        while bed.inputs.recv_timeout(Duration::from_millis(50)).is_ok() {}
        result
    };
    // Of another process, and of an earlier one of the same number.
    std::fs::write(&log, record("2023-11-14T22:13:30Z", 6) + &record("2023-11-14T21:00:00Z", 7)).unwrap();
    adopt(7);
    assert!(matches!(ask(), ProbeResult::Failed(_)));
    std::fs::write(&log, record("2023-11-14T22:13:30Z", 7)).unwrap();
    adopt(7);
    assert_eq!(ask(), ProbeResult::Ok);
}
