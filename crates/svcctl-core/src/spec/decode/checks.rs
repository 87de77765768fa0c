//! The keys that ask a question: conditions of a start, readiness, health.

use super::super::keys::{self, Key};
use super::super::model::{Check, Condition, Health, HealthProbe, HttpCheck, Ready, TcpTarget};
use super::super::template::Template;
use super::process::{exec, path_template};
use super::reader::{Reader, Section, child};
use super::url;
use serde_json::Value;
use std::time::Duration;

/// How often readiness is asked, when nothing is said: a dependant is held back by this at most.
pub(in crate::spec) const READY_INTERVAL: Duration = Duration::from_millis(250);
/// How long one such question may take, when nothing is said.
pub(in crate::spec) const READY_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a condition of a start is asked, when nothing is said.
pub(in crate::spec) const CONDITION_INTERVAL: Duration = Duration::from_secs(1);
/// How long one such question may take, when nothing is said.
pub(in crate::spec) const CONDITION_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a running service is asked for its health, when nothing is said.
pub(in crate::spec) const HEALTH_INTERVAL: Duration = Duration::from_secs(10);
/// How long one such question may take, when nothing is said.
pub(in crate::spec) const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);
/// How many failures in a row count, when nothing is said.
pub(in crate::spec) const HEALTH_FAIL_AFTER: u32 = 3;
/// The most failures that may be asked for.
const FAIL_AFTER_MAX: i64 = 1_000;
/// The most conditions of a start.
const CONDITIONS_MAX: usize = 64;
/// The most status codes: there are no more.
const STATUS_MAX: usize = 500;
/// The longest regular expression, in bytes: it is kept in memory for as long as the service starts.
const REGEX_MAX_BYTES: usize = 4_096;

/// Every key that asks a question.
const CHECKS: [&str; 5] = ["tcp", "http", "exec", "log", "exists"];

/// Which questions a place takes.
struct Takes {
    keys: &'static [Key],
    example: &'static str,
}

const CONDITION: Takes = Takes { keys: keys::CONDITION, example: "`tcp: \"127.0.0.1:5432\"`" };
const BARE: Takes = Takes { keys: keys::BARE_CONDITION, example: "`exec: [\"/opt/etl/has-work\"]`" };
const READY: Takes = Takes { keys: keys::READY, example: "`tcp: \"127.0.0.1:8080\"`" };
const PROBE: Takes = Takes { keys: keys::PROBE, example: "`http: \"http://127.0.0.1:8080/health\"`" };

impl Takes {
    fn checks(&self) -> impl Iterator<Item = &'static str> {
        let all = keys::names(self.keys);
        CHECKS.into_iter().filter(move |check| all.contains(check))
    }
}

/// Refuses what `section` must not hold.
fn known(reader: &mut Reader, section: &Section<'_>, takes: &Takes, later: &[&str]) {
    let here: Vec<&str> = takes.checks().collect();
    let elsewhere: Vec<&str> = CHECKS.into_iter().filter(|check| !here.contains(check)).collect();
    reader.keys_but(section, takes.keys, later, &elsewhere);
    for key in elsewhere.iter().filter(|key| section.map.contains_key(**key)) {
        let message = format!("cannot be asked here; {} can", here.join(", "));
        reader.key_problem(&child(&section.at, key), &message);
    }
}

/// The question in `section`.
fn check(reader: &mut Reader, section: &Section<'_>, takes: &Takes) -> Option<Check> {
    let which = reader.only_one(section, &CHECKS)?;
    if !takes.checks().any(|check| check == which) {
        return None;
    }
    reader.optional(section, which, |reader, at, value| match which {
        "tcp" => tcp(reader, at, value).map(Check::Tcp),
        "http" => http(reader, at, value).map(Check::Http),
        "exec" => exec(reader, at, value).map(Check::Exec),
        "log" => regex(reader, at, value).map(Check::Log),
        _ => path_template(reader, at, value).map(Check::Exists),
    })
}

fn missing(reader: &mut Reader, section: &Section<'_>, takes: &Takes, later: &[&str]) {
    if !CHECKS.iter().chain(later).any(|key| section.map.contains_key(*key)) {
        reader.problem(&section.at, &format!("names no check; give one, as in {}", takes.example));
    }
}

/// A mapping that asks one question and says nothing else.
pub(super) fn bare(reader: &mut Reader, at: &str, value: &Value) -> Option<Check> {
    let section = reader.section(at, value)?;
    known(reader, &section, &BARE, &[]);
    missing(reader, &section, &BARE, &[]);
    check(reader, &section, &BARE)
}

pub(super) fn conditions(reader: &mut Reader, at: &str, value: &Value) -> Option<Vec<Condition>> {
    reader.list(at, value, CONDITIONS_MAX, |reader, at, value| {
        let section = reader.section(at, value)?;
        known(reader, &section, &CONDITION, &[]);
        missing(reader, &section, &CONDITION, &[]);
        let check = check(reader, &section, &CONDITION);
        let interval = reader.optional(&section, "interval", Reader::duration);
        let timeout = reader.optional(&section, "timeout", Reader::duration);
        Some(Condition {
            check: check?,
            interval: interval.unwrap_or(CONDITION_INTERVAL),
            timeout: timeout.unwrap_or(CONDITION_TIMEOUT),
        })
    })
}

pub(super) fn ready(reader: &mut Reader, at: &str, value: &Value) -> Option<Ready> {
    const LATER: [&str; 2] = ["notify", "fd"];
    let section = reader.section(at, value)?;
    known(reader, &section, &READY, &LATER);
    missing(reader, &section, &READY, &LATER);
    let check = check(reader, &section, &READY);
    if let Some(Check::Log(_)) = check {
        for key in ["interval", "timeout"].iter().filter(|key| section.map.contains_key(**key)) {
            let message = "has no meaning with `log`, which asks nothing but reads what the program writes; leave it out";
            reader.key_problem(&child(at, key), message);
        }
    }
    let interval = reader.optional(&section, "interval", Reader::duration).unwrap_or(READY_INTERVAL);
    let timeout = reader.optional(&section, "timeout", Reader::duration).unwrap_or(READY_TIMEOUT);
    Some(Ready { check: check?, interval, timeout })
}

/// What watches a running service. `ready` is what readiness is asked by where `readiness` names no question itself.
pub(super) fn health(reader: &mut Reader, at: &str, value: &Value, ready: Option<&Ready>) -> Option<Health> {
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::HEALTH, &[]);
    let ready = ready.map(|ready| &ready.check).filter(|check| !matches!(check, Check::Log(_)));
    let liveness = reader.optional(&section, "liveness", |r, at, v| probe(r, at, v, None));
    let readiness = reader.optional(&section, "readiness", |r, at, v| probe(r, at, v, ready));
    Some(Health { liveness, readiness })
}

fn probe(reader: &mut Reader, at: &str, value: &Value, default: Option<&Check>) -> Option<HealthProbe> {
    let section = reader.section(at, value)?;
    known(reader, &section, &PROBE, &[]);
    let asked = CHECKS.iter().any(|key| section.map.contains_key(*key));
    let default = default.filter(|_| !asked).cloned();
    if default.is_none() {
        missing(reader, &section, &PROBE, &[]);
    }
    let check = check(reader, &section, &PROBE).or(default);
    let interval = reader.optional(&section, "interval", Reader::duration).unwrap_or(HEALTH_INTERVAL);
    let timeout = reader.optional(&section, "timeout", Reader::duration).unwrap_or(HEALTH_TIMEOUT);
    let fail_after = reader
        .optional(&section, "fail_after", |r, at, v| r.integer(at, v, 1..=FAIL_AFTER_MAX))
        .and_then(|count| u32::try_from(count).ok());
    Some(HealthProbe {
        check: check?,
        interval,
        timeout,
        fail_after: fail_after.unwrap_or(HEALTH_FAIL_AFTER),
    })
}

fn http(reader: &mut Reader, at: &str, value: &Value) -> Option<HttpCheck> {
    if !value.is_object() {
        return http_url(reader, at, value).map(|url| HttpCheck { url, status: Vec::new() });
    }
    let section = reader.section(at, value)?;
    reader.keys(&section, keys::HTTP, &[]);
    let example = "where to ask, as in `{url: \"http://127.0.0.1:8080/health\"}`";
    let url = reader.required(&section, "url", example, http_url);
    let status = reader.optional(&section, "status", status).unwrap_or_default();
    Some(HttpCheck { url: url?, status })
}

fn http_url(reader: &mut Reader, at: &str, value: &Value) -> Option<Template> {
    let url = reader.template(at, value)?;
    url::check(&url).map_err(|message| reader.problem(at, &message)).ok()?;
    Some(url)
}

/// One code, or a list of codes.
fn status(reader: &mut Reader, at: &str, value: &Value) -> Option<Vec<u16>> {
    let one = |reader: &mut Reader, at: &str, value: &Value| {
        u16::try_from(reader.integer(at, value, 100..=599)?).ok()
    };
    if !value.is_array() {
        return one(reader, at, value).map(|code| vec![code]);
    }
    let codes = reader.list(at, value, STATUS_MAX, one)?;
    if value.as_array().is_some_and(Vec::is_empty) {
        reader.problem(at, "names no status code; leave it out for 200 to 399");
        return None;
    }
    Some(codes)
}

fn regex(reader: &mut Reader, at: &str, value: &Value) -> Option<String> {
    let pattern = reader.text(at, value)?;
    let wrong = if pattern.is_empty() {
        Some("is empty, and would match the first line whatever it says".to_owned())
    } else if pattern.len() > REGEX_MAX_BYTES {
        Some(format!("is longer than {REGEX_MAX_BYTES} bytes"))
    } else {
        regex_syntax::parse(&pattern).err().map(|error| {
            let reason = match error {
                regex_syntax::Error::Parse(error) => error.kind().to_string(),
                regex_syntax::Error::Translate(error) => error.kind().to_string(),
                // The enum is not exhaustive; whatever else there is speaks for itself.
                other => other.to_string(),
            };
            format!("is not a regular expression: {reason}")
        })
    };
    match wrong {
        Some(message) => {
            reader.problem(at, &message);
            None
        }
        None => Some(pattern),
    }
}

fn tcp(reader: &mut Reader, at: &str, value: &Value) -> Option<TcpTarget> {
    if let Some(port) = value.as_u64() {
        reader.problem(at, &format!("must have an address too; write \"127.0.0.1:{port}\""));
        return None;
    }
    let template = reader.template(at, value)?;
    let Some(text) = template.as_literal() else { return Some(TcpTarget::Template(template)) };
    let target = tcp_target(&text);
    if target.is_none() {
        reader.problem(
            at,
            &format!(
                "must be an address with a port from 1 to 65535, as in \"127.0.0.1:8080\", and is {text:?}"
            ),
        );
    }
    target
}

fn tcp_target(text: &str) -> Option<TcpTarget> {
    if let Ok(address) = text.parse::<core::net::SocketAddr>() {
        return (address.port() != 0).then_some(TcpTarget::Address(address));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // What is made of digits and dots alone was meant as an address, and is none.
    let a_name = host.chars().any(|c| c.is_ascii_alphabetic());
    let sound = a_name && host.len() <= 253 && host.chars().all(letters) && !host.starts_with(['.', '-']);
    sound.then(|| TcpTarget::Name(host.to_owned(), port))
}
