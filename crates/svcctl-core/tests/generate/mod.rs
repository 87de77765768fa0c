//! Specifications by chance: every key, with everything in the texts that a document could stumble over.

use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_core::rng::Rng;
use svcctl_core::schedule::Cron;
use svcctl_core::spec::model::{
    Amount, Backoff, Check, Condition, DependencyKind, EnvFile, Health, HealthProbe, Hook, Hooks, HttpCheck,
    InheritEnv, Kind, Limit, Limits, Manager, Missed, Overlap, PathEvent, Pause, Ready, Reload, ReloadHow,
    Restart, RestartPolicy, Schedule, Signal, Start, Stop, StopStep, TcpTarget, Timing, Trigger, TriggerOn,
};
use svcctl_core::spec::{ServiceSpec, Template};

fn half(rng: &mut Rng) -> bool {
    rng.below(2) == 0
}

fn small(rng: &mut Rng, bound: u64) -> u32 {
    u32::try_from(rng.below(bound)).expect("the bound is small")
}

fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> T {
    from[small(rng, from.len() as u64) as usize].clone()
}

fn duration(rng: &mut Rng) -> Duration {
    let bits = rng.below(38);
    Duration::from_millis(1 + rng.below(1 << bits))
}

fn text(rng: &mut Rng) -> String {
    const PIECES: [&str; 17] = [
        "a", "B7", " ", "'", "\"", "\\", "\n", "é", "→", "$HOME", "#", ": ", "- ", "/opt/x y", "$$", "${A}",
        "$",
    ];
    list(rng, 4, |rng| pick(rng, &PIECES)).join("_")
}

/// A text with placeholders, and with dollars that are none.
fn template(rng: &mut Rng) -> Template {
    const PIECES: [&str; 9] = ["a", " ", "$", "$$", "${A}", "${A:-b c}", "${file:/run/secrets/x}", "é", "'"];
    let text = list(rng, 4, |rng| pick(rng, &PIECES)).join("_");
    Template::parse(&text).expect("the pieces are sound")
}

fn path(rng: &mut Rng) -> Template {
    let front = pick(rng, &["/", "${HOME}/", "C:\\"]);
    Template::parse(&format!("{front}{}", template(rng))).expect("the pieces are sound")
}

fn optional<T>(rng: &mut Rng, make: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    half(rng).then(|| make(rng))
}

fn list<T>(rng: &mut Rng, most: u64, mut make: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..rng.below(most + 1)).map(|_| make(rng)).collect()
}

fn target(rng: &mut Rng) -> TcpTarget {
    let port = u16::try_from(1 + rng.below(65_535)).expect("this is a port");
    match rng.below(4) {
        0 => TcpTarget::Address(([127, 0, 0, 1], port).into()),
        1 => TcpTarget::Address((std::net::Ipv6Addr::LOCALHOST, port).into()),
        2 => TcpTarget::Name("db-1.example".to_owned(), port),
        _ => TcpTarget::Template(Template::parse("db:${PORT:-80}").expect("this is a template")),
    }
}

fn exec(rng: &mut Rng) -> Vec<Template> {
    let program = pick(rng, &["/bin/x", "x", "${BIN}/x"]);
    let mut exec = vec![Template::parse(program).expect("this is a template")];
    exec.extend(list(rng, 3, template));
    exec
}

fn http(rng: &mut Rng) -> HttpCheck {
    let url =
        pick(rng, &["http://127.0.0.1:80/a?b=c", "http://[::1]/", "http://db.local:${PORT}/", "${URL}"]);
    let status = list(rng, 2, |rng| 100 + u16::try_from(rng.below(500)).expect("this is a code"));
    HttpCheck { url: Template::parse(url).expect("this is a template"), status }
}

/// A question of the first three kinds, which every place takes.
fn check(rng: &mut Rng) -> Check {
    match rng.below(3) {
        0 => Check::Tcp(target(rng)),
        1 => Check::Http(http(rng)),
        _ => Check::Exec(exec(rng)),
    }
}

fn condition_check(rng: &mut Rng) -> Check {
    if half(rng) { Check::Exists(path(rng)) } else { check(rng) }
}

fn ready(rng: &mut Rng) -> Ready {
    if rng.below(4) == 0 {
        let pattern = pick(rng, &["listening on \\d+", "^ready$$", "(up|started)"]).to_owned();
        return Ready {
            check: Check::Log(pattern),
            interval: Duration::from_millis(250),
            timeout: Duration::from_secs(1),
        };
    }
    Ready { check: check(rng), interval: duration(rng), timeout: duration(rng) }
}

fn probe(rng: &mut Rng) -> HealthProbe {
    let (interval, timeout) = (duration(rng), duration(rng));
    HealthProbe { check: check(rng), interval, timeout, fail_after: 1 + small(rng, 5) }
}

fn pause(rng: &mut Rng) -> Pause {
    if half(rng) {
        return Pause::Fixed(duration(rng));
    }
    let initial = duration(rng);
    Pause::Backoff(Backoff {
        initial,
        factor_permille: 1_000 + small(rng, 99_001),
        max: initial + if half(rng) { Duration::ZERO } else { duration(rng) },
        jitter_permille: small(rng, 1_001),
        reset_after: duration(rng),
    })
}

fn hook(rng: &mut Rng) -> Hook {
    let timeout = if half(rng) { Duration::from_secs(30) } else { duration(rng) };
    Hook { exec: exec(rng), timeout }
}

fn hooks(rng: &mut Rng) -> Hooks {
    Hooks {
        before_start: list(rng, 2, hook),
        after_start: list(rng, 2, hook),
        before_stop: list(rng, 2, hook),
        after_exit: list(rng, 2, hook),
    }
}

fn steps(rng: &mut Rng) -> Vec<StopStep> {
    let mut steps = list(rng, 3, |rng| {
        let wait = Some(duration(rng));
        if half(rng) {
            return StopStep::Command { command: hook(rng), wait };
        }
        let signal = pick(rng, &[Signal::Int, Signal::Hup, Signal::Winch, Signal::Usr2]);
        StopStep::Signal { signal, wait }
    });
    if half(rng) || steps.is_empty() {
        steps.push(StopStep::Signal { signal: Signal::Term, wait: optional(rng, duration) });
    }
    if half(rng) {
        steps.push(StopStep::KillTree);
    }
    steps
}

fn pattern(rng: &mut Rng) -> String {
    pick(rng, &["/etc/web/*.conf", "/etc/**/[a-z$$]?", "/in", "D:\\x\\${A}"]).to_owned()
}

fn reload(rng: &mut Rng) -> Reload {
    let how = match rng.below(3) {
        0 => ReloadHow::Signal(Signal::Hup),
        1 => ReloadHow::Command(hook(rng)),
        _ => ReloadHow::Restart,
    };
    Reload { how, watch: list(rng, 2, pattern) }
}

fn schedule(rng: &mut Rng) -> Schedule {
    let overlap = pick(rng, &[Overlap::Skip, Overlap::Queue, Overlap::Restart]);
    let missed = pick(rng, &[Missed::Skip, Missed::Once]);
    if half(rng) {
        let timing = Timing::Every(Duration::from_secs(1) + duration(rng));
        return Schedule { timing, timezone: None, overlap, missed };
    }
    let cron = pick(rng, &["30 2 * * *", "@daily", "*/5 8-17 * jan-mar mon,fri"]);
    let timing = Timing::Cron(Cron::parse(cron).expect("this is one"));
    let timezone = optional(rng, |rng| pick(rng, &["Europe/Prague", "Etc/GMT+5", "UTC"]).to_owned());
    Schedule { timing, timezone, overlap, missed }
}

fn trigger(rng: &mut Rng) -> Trigger {
    if half(rng) {
        let events = [
            vec![PathEvent::Create],
            vec![PathEvent::Modify, PathEvent::Delete],
            vec![PathEvent::Create, PathEvent::Modify, PathEvent::Delete],
        ];
        return Trigger { on: TriggerOn::Path { path: pattern(rng), events: pick(rng, &events) } };
    }
    let every = Duration::from_secs(1) + duration(rng);
    Trigger { on: TriggerOn::Condition { check: condition_check(rng), every, timeout: duration(rng) } }
}

fn amount(rng: &mut Rng) -> Option<Amount> {
    match rng.below(4) {
        0 => Some(Amount::Unlimited),
        1 => Some(Amount::At(rng.below(1 << 31))),
        2 => Some(Amount::At(rng.below(9) << 20)),
        _ => None,
    }
}

fn limits(rng: &mut Rng) -> Limits {
    Limits {
        open_files: amount(rng),
        processes: amount(rng),
        core: amount(rng),
        file_size: amount(rng),
        stack: amount(rng),
        locked_memory: amount(rng),
        address_space: amount(rng),
    }
}

/// What makes it run; most services run because they are wanted up.
fn activation(rng: &mut Rng) -> (Option<Schedule>, Option<Trigger>) {
    match rng.below(5) {
        0 => (Some(schedule(rng)), None),
        1 => (None, Some(trigger(rng))),
        _ => (None, None),
    }
}

fn restart(rng: &mut Rng, by_itself: bool) -> Restart {
    let policies = [RestartPolicy::OnFailure, RestartPolicy::Never, RestartPolicy::Always];
    let code = |rng: &mut Rng| i32::try_from(rng.below(256)).expect("this is a code");
    Restart {
        policy: pick(rng, if by_itself { &policies[..2] } else { &policies }),
        pause: pause(rng),
        limit: optional(rng, |rng| Limit { count: 1 + small(rng, 100), within: duration(rng) }),
        success_codes: list(rng, 3, code),
        never_on: list(rng, 3, code),
    }
}

fn inherit_env(rng: &mut Rng) -> InheritEnv {
    match rng.below(3) {
        0 => InheritEnv::All,
        1 => InheritEnv::These(vec!["TERM".to_owned(), "DIS$$PLAY".to_owned()]),
        _ => InheritEnv::These(Vec::new()),
    }
}

fn start(rng: &mut Rng, kind: Kind) -> Start {
    let with_timeout = kind == Kind::Simple || half(rng);
    let when = list(rng, 2, |rng| {
        let (interval, timeout) = (duration(rng), duration(rng));
        Condition { check: condition_check(rng), interval, timeout }
    });
    Start { timeout: with_timeout.then(|| duration(rng)), when }
}

/// A specification that is valid in itself.
pub(crate) fn spec(rng: &mut Rng) -> ServiceSpec {
    let names: Vec<ServiceName> =
        ["db", "cache", "q.1"].iter().filter_map(|name| ServiceName::new(name).ok()).collect();
    let kinds = [DependencyKind::Ready, DependencyKind::Started, DependencyKind::Completed];
    let (schedule, trigger) = activation(rng);
    let by_itself = schedule.is_some() || trigger.is_some();
    let kind = if by_itself || half(rng) { Kind::Oneshot } else { Kind::Simple };
    let stays = kind == Kind::Simple;
    ServiceSpec {
        name: ServiceName::new("web").expect("this is a name"),
        display_name: optional(rng, text),
        description: optional(rng, text),
        manager: Manager::Embedded,
        exec: exec(rng),
        cwd: optional(rng, path),
        user: optional(rng, |rng| rng.below(70_000).to_string()),
        group: optional(rng, |_| "sta$$ff".to_owned()),
        groups: optional(rng, |rng| list(rng, 3, |rng| format!("g{}", rng.below(9)))),
        umask: optional(rng, |rng| small(rng, 0o1000)),
        env: list(rng, 4, |rng| (format!("V{}", rng.below(9)), template(rng))).into_iter().collect(),
        env_file: list(rng, 2, |rng| EnvFile { path: path(rng), optional: half(rng) }),
        inherit_env: inherit_env(rng),
        autostart: half(rng),
        depends_on: list(rng, 3, |rng| (pick(rng, &names), pick(rng, &kinds))).into_iter().collect(),
        kind,
        start: start(rng, kind),
        ready: (stays && half(rng)).then(|| ready(rng)),
        health: if stays {
            Health { liveness: optional(rng, probe), readiness: optional(rng, probe) }
        } else {
            Health::default()
        },
        restart: restart(rng, by_itself),
        stop: Stop { timeout: duration(rng), steps: steps(rng) },
        reload: optional(rng, reload),
        schedule,
        trigger,
        limits: limits(rng),
        hooks: if half(rng) { hooks(rng) } else { Hooks::default() },
    }
}
