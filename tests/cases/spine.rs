//! The whole way once, with real programs: redis and an nginx that depends on it, from install to uninstall, through
//! the death of redis and the death of the engine.
#![forbid(unsafe_code)]

use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use svcctl_tests::net::{free_address, http_get, redis_ping};
use svcctl_tests::processes::{is_alive, kill};
use svcctl_tests::wait::SOON;
use svcctl_tests::{Sandbox, wait_until};

/// How many requests are made in each stage of the test.
const REQUESTS: usize = 20;

/// redis and nginx in a sandbox, and what was asked of them.
struct Servers {
    sandbox: Sandbox,
    redis: SocketAddr,
    nginx: SocketAddr,
    /// The ports that redis was asked from; it logs each.
    redis_askers: Vec<u16>,
    /// The paths that nginx was asked for; it logs each.
    nginx_paths: Vec<String>,
}

impl Servers {
    fn installed() -> Self {
        let sandbox = Sandbox::new();
        let (redis, nginx) = (free_address(), free_address());
        let redis_conf = write_redis_conf(&sandbox, redis);
        let nginx_conf = write_nginx_conf(&sandbox, nginx);
        let exec = format!("{} '{}'", program("redis-server"), redis_conf.display());
        let options = ["--exec", &exec, "--ready-tcp", &redis.to_string()];
        sandbox.svcctl(&[&["install", "--name=redis"], options.as_slice()].concat()).code(0);
        let nginx_exec = [program("nginx"), "-c".to_owned(), nginx_conf.display().to_string()];
        let options = ["--depends-on", "redis:ready", "--ready-tcp", &nginx.to_string()];
        sandbox.install("nginx", &options, &nginx_exec);
        Self { sandbox, redis, nginx, redis_askers: Vec::new(), nginx_paths: Vec::new() }
    }

    /// Asks both servers for something that they log.
    fn ask(&mut self) {
        for _ in 0..REQUESTS {
            self.redis_askers.push(redis_ping(self.redis).expect("redis answers"));
            let path = format!("/request-{}", self.nginx_paths.len());
            assert!(http_get(self.nginx, &path), "nginx answers");
            self.nginx_paths.push(path);
        }
    }

    /// Each answered request stands in the logs once.
    fn check_logs(&self) {
        let redis = self.sandbox.messages("redis");
        for port in &self.redis_askers {
            let end = format!("Accepted 127.0.0.1:{port}");
            let times = redis.iter().filter(|message| message.ends_with(&end)).count();
            let asked = self.redis_askers.iter().filter(|asker| *asker == port).count();
            assert_eq!(times, asked, "redis: {end:?} in {redis:#?}");
        }
        let nginx = self.sandbox.messages("nginx");
        for path in &self.nginx_paths {
            let request = format!("\"GET {path} HTTP/1.1\"");
            let times = nginx.iter().filter(|message| message.contains(&request)).count();
            assert_eq!(times, 1, "nginx: {request} in {nginx:#?}");
        }
    }

    fn pids(&self) -> [u32; 2] {
        [self.sandbox.pid("redis"), self.sandbox.pid("nginx")]
    }

    fn statuses(&self) -> [Value; 2] {
        [self.sandbox.status("redis"), self.sandbox.status("nginx")]
    }
}

/// Where Debian has it; `PATH` may lack the directories of system programs.
fn program(name: &str) -> String {
    let places = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
        .map(|place| Path::new(place).join(name));
    let found = places.into_iter().find(|place| place.exists());
    let found = found.unwrap_or_else(|| panic!("{name} is missing: run `cargo xtask test --only packages`"));
    found.display().to_string()
}

fn write_redis_conf(sandbox: &Sandbox, address: SocketAddr) -> PathBuf {
    let directory = sandbox.make_directory("redis");
    let conf = directory.join("redis.conf");
    let (ip, port, place) = (address.ip(), address.port(), directory.display());
    let text = format!(
        "bind {ip}\nport {port}\ndir {place}\nsave \"\"\ndaemonize no\nlogfile \"\"\nloglevel verbose\n"
    );
    std::fs::write(&conf, text).expect("room for a file");
    conf
}

fn write_nginx_conf(sandbox: &Sandbox, address: SocketAddr) -> PathBuf {
    let directory = sandbox.make_directory("nginx");
    let conf = directory.join("nginx.conf");
    let place = directory.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {place}/{kind};\n"))
        .concat();
    let text = format!(
        "daemon off;\nworker_processes 1;\npid {place}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{temporary}  \
         access_log /dev/stdout;\n  server {{\n    listen {address};\n    location / {{ return 200; }}\n  }}\n}}\n"
    );
    std::fs::write(&conf, text).expect("room for a file");
    conf
}

/// What stands in svcctl's root about services: names of files, those of logs excepted.
fn files_about_services(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory of ours").flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path != root.join("logs") && path.is_dir() {
                open.push(path.clone());
            }
            if name.contains("redis") || name.contains("nginx") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn redis_and_nginx_live_from_install_to_uninstall() {
    let mut servers = Servers::installed();
    servers.sandbox.svcctl(&["start", "nginx"]).code(0);
    check_running(&servers);
    servers.ask();
    kill_redis(&mut servers);
    kill_engine(&mut servers);
    stop(&servers);
    uninstall(&servers);
}

/// Both run, with what a status has to tell; nginx, which was named, has brought redis along.
fn check_running(servers: &Servers) {
    for status in servers.statuses() {
        assert_eq!(status["state"], "RUNNING", "{status}");
        assert_eq!(status["restarts"], 0, "{status}");
        assert_eq!(status["last_exit"], Value::Null, "{status}");
        assert!(status["since"].as_str().is_some_and(|since| since.contains('T')), "{status}");
        let pid = status["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        assert!(pid.is_some_and(is_alive), "{status}");
    }
    let [redis, nginx] =
        servers.statuses().map(|status| status["started"].as_str().unwrap_or_default().to_owned());
    assert!(redis < nginx, "nginx was started at {nginx}, before redis at {redis}");
}

/// redis is killed: it comes back and answers, and nginx is not touched.
fn kill_redis(servers: &mut Servers) {
    let [redis, nginx] = servers.pids();
    kill(redis);
    let back = |status: &Value| status["state"] == "RUNNING" && status["pid"] != redis;
    let status = servers.sandbox.wait_for("redis", "is back", back);
    assert_eq!(status["restarts"], 1, "{status}");
    assert_eq!(status["last_exit"]["signal"], 9, "{status}");
    let port = wait_until(SOON, "redis answers again", || redis_ping(servers.redis));
    servers.redis_askers.push(port);
    assert_eq!(servers.pids()[1], nginx, "nginx was touched");
    servers.ask();
    servers.check_logs();
}

/// The engine is killed: both go on as the same processes, in the same states, and their logs too.
fn kill_engine(servers: &mut Servers) {
    let before = servers.statuses();
    servers.sandbox.kill_engine();
    servers.ask();
    for (before, after) in before.into_iter().zip(servers.statuses()) {
        for field in ["pid", "state", "since", "restarts", "last_exit", "ready"] {
            assert_eq!(before[field], after[field], "{field} after the engine's death: {after}");
        }
    }
    servers.ask();
    servers.check_logs();
}

/// redis is needed by nginx; stopped with it, nothing of either lives on.
fn stop(servers: &Servers) {
    let sandbox = &servers.sandbox;
    sandbox.svcctl(&["stop", "redis"]).code(8).says("nginx");
    assert!(servers.pids().into_iter().all(is_alive), "a refused stop stops nothing");
    sandbox.svcctl(&["stop", "redis", "--with-dependants"]).code(0);
    let own = sandbox.path().join("bin/svcctl");
    let left = sandbox.processes().into_iter().filter(|process| {
        std::fs::read_link(format!("/proc/{}/exe", process.pid)).is_ok_and(|program| program != own)
    });
    assert_eq!(left.map(|process| process.command).collect::<Vec<_>>(), [] as [String; 0]);
    for name in ["redis", "nginx"] {
        let status: Value = sandbox.svcctl(&["status", name, "--output", "json"]).code(3).json();
        assert!(status.to_string().contains("STOPPED"), "{status}");
    }
    assert_eq!(redis_ping(servers.redis), None);
    servers.check_logs();
}

/// Uninstalled, nothing but the logs is left of them; the logs are.
fn uninstall(servers: &Servers) {
    let sandbox = &servers.sandbox;
    assert!(!files_about_services(sandbox.root()).is_empty(), "an installed service has a file");
    sandbox.svcctl(&["uninstall", "nginx", "redis"]).code(0);
    sandbox.svcctl(&["status", "redis"]).code(4);
    assert_eq!(files_about_services(sandbox.root()), Vec::<PathBuf>::new());
    let logs = std::fs::read_dir(sandbox.root().join("logs")).expect("the logs stay").flatten();
    let logs: Vec<String> = logs.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    for name in ["redis", "nginx"] {
        assert!(logs.iter().any(|log| log.contains(name)), "the log of {name} stays: {logs:?}");
    }
}
