//! Questions that are asked about a service: conditions of a start, readiness, health.

use super::super::template::Template;
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One question with the answers yes, or no and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// A TCP connection to this address is accepted.
    Tcp(TcpTarget),
    /// An HTTP request is answered as it should be.
    Http(HttpCheck),
    /// This program ends with code 0; it is run as the service is (user, directory, environment).
    Exec(Vec<Template>),
    /// A line of its output matches this regular expression (of the `regex` crate's syntax); for `ready` alone.
    Log(String),
    /// There is something at this path (absolute); for conditions alone.
    Exists(Template),
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TcpTarget {
    /// An address and port.
    Address(SocketAddr),
    /// A host name and port, looked up at each attempt.
    Name(String, u16),
    /// `host:port` with placeholders, replaced at each attempt.
    Template(Template),
}

/// `GET` by HTTP/1.1 without a body; redirects are not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCheck {
    /// Where: `http://HOST[:PORT]/PATH[?QUERY]`.
    pub url: Template,
    /// The status codes that are a yes; 200 to 399 when empty.
    pub status: Vec<u16>,
}

/// How readiness is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// What is asked.
    pub check: Check,
    /// How long between two attempts.
    pub interval: Duration,
    /// How long one attempt may take.
    pub timeout: Duration,
}

/// How a running service is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Failing restarts the service.
    pub liveness: Option<HealthProbe>,
    /// Failing marks it, and closes the gate of its dependants until it holds again.
    pub readiness: Option<HealthProbe>,
}

/// A question that is asked as long as the service runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthProbe {
    /// What is asked.
    pub check: Check,
    /// How long between two attempts; the first comes so long after the service became ready.
    pub interval: Duration,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How many failures in a row count as failed.
    pub fail_after: u32,
}

/// What must hold before a spawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What is asked.
    pub check: Check,
    /// How long between two attempts.
    pub interval: Duration,
    /// How long one attempt may take.
    pub timeout: Duration,
}
