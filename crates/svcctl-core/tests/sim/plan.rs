//! What is drawn from the seed before and while the world runs: specifications and commands.

use std::sync::Arc;
use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_core::rng::Rng;
use svcctl_core::schedule::Cron;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::model::{
    Backoff, Check, Condition, DependencyKind, Health, HealthProbe, Hook, Hooks, InheritEnv, Kind, Limit,
    Limits, Manager, Missed, Overlap, PathEvent, Pause, Ready, Reload, ReloadHow, Restart, RestartPolicy,
    Schedule, Signal, Start, Stop, StopStep, TcpTarget, Timing, Trigger, TriggerOn,
};
use svcctl_core::spec::template::Template;
use svcctl_core::supervisor::event::{Command, Dependants, Request};
use svcctl_core::time::Mono;

fn between(rng: &mut Rng, low_ms: u64, high_ms: u64) -> Duration {
    Duration::from_millis(low_ms + rng.below(high_ms - low_ms + 1))
}

fn one_in(rng: &mut Rng, n: u64) -> bool {
    rng.below(n) == 0
}

fn small(rng: &mut Rng, bound: u64) -> u32 {
    u32::try_from(rng.below(bound)).expect("the bound is small")
}

/// The names of a world: `a`, `b`, …
pub(crate) fn name(index: usize) -> ServiceName {
    let letter = char::from(b'a' + u8::try_from(index).expect("a world has few services"));
    ServiceName::new(&letter.to_string()).expect("a letter is a name")
}

/// A specification that depends on services before it only, so that the set has no cycle.
pub(crate) fn spec(rng: &mut Rng, index: usize) -> ServiceSpec {
    let kind = if one_in(rng, 4) { Kind::Oneshot } else { Kind::Simple };
    let depends_on = (0..index).filter_map(|other| {
        let kind = match rng.below(8) {
            0 => DependencyKind::Ready,
            1 => DependencyKind::Started,
            2 => DependencyKind::Completed,
            _ => return None,
        };
        Some((name(other), kind))
    });
    let depends_on = depends_on.collect();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let ready = Ready {
        check: Check::Tcp(TcpTarget::Address(address)),
        interval: Duration::from_millis(250),
        timeout: Duration::from_secs(1),
    };
    let (schedule, trigger) = if kind == Kind::Oneshot { activation(rng) } else { (None, None) };
    ServiceSpec {
        name: name(index),
        display_name: None,
        description: None,
        manager: Manager::Embedded,
        exec: vec![Template::literal("/bin/x")],
        cwd: None,
        user: None,
        group: None,
        groups: None,
        umask: None,
        env: std::collections::BTreeMap::new(),
        env_file: Vec::new(),
        inherit_env: InheritEnv::These(Vec::new()),
        autostart: true,
        depends_on,
        kind,
        start: Start {
            timeout: (kind == Kind::Simple || one_in(rng, 2)).then(|| between(rng, 300, 5_000)),
            when: conditions(rng),
        },
        ready: (kind == Kind::Simple && one_in(rng, 2)).then_some(ready),
        health: Health { liveness: health(rng), readiness: health(rng) },
        restart: restart(rng),
        stop: stop(rng),
        reload: reload(rng),
        schedule,
        trigger,
        limits: Limits::default(),
        hooks: Hooks {
            before_start: hooks(rng),
            after_start: hooks(rng),
            before_stop: hooks(rng),
            after_exit: hooks(rng),
        },
    }
}

fn check() -> Check {
    Check::Tcp(TcpTarget::Address(std::net::SocketAddr::from(([127, 0, 0, 1], 1))))
}

fn conditions(rng: &mut Rng) -> Vec<Condition> {
    let count = if one_in(rng, 6) { 1 + rng.below(2) } else { 0 };
    let one = |rng: &mut Rng| Condition {
        check: check(),
        interval: between(rng, 200, 1_000),
        timeout: between(rng, 200, 1_000),
    };
    (0..count).map(|_| one(rng)).collect()
}

fn health(rng: &mut Rng) -> Option<HealthProbe> {
    one_in(rng, 5).then(|| HealthProbe {
        check: check(),
        interval: between(rng, 300, 3_000),
        timeout: between(rng, 200, 1_000),
        fail_after: 1 + small(rng, 3),
    })
}

fn hook(rng: &mut Rng) -> Hook {
    Hook { exec: vec![Template::literal("/bin/h")], timeout: between(rng, 500, 4_000) }
}

fn hooks(rng: &mut Rng) -> Vec<Hook> {
    let count = if one_in(rng, 7) { 1 + rng.below(2) } else { 0 };
    (0..count).map(|_| hook(rng)).collect()
}

fn reload(rng: &mut Rng) -> Option<Reload> {
    let how = match rng.below(5) {
        0 => ReloadHow::Signal(Signal::Hup),
        1 => ReloadHow::Command(hook(rng)),
        2 => ReloadHow::Restart,
        _ => return None,
    };
    let watch = if one_in(rng, 2) { vec!["/etc/x".to_owned()] } else { Vec::new() };
    Some(Reload { how, watch })
}

fn activation(rng: &mut Rng) -> (Option<Schedule>, Option<Trigger>) {
    match rng.below(6) {
        0 | 1 => (Some(schedule(rng)), None),
        2 => {
            let events = vec![PathEvent::Create];
            (None, Some(Trigger { on: TriggerOn::Path { path: "/in".to_owned(), events } }))
        }
        3 => {
            let (every, timeout) = (between(rng, 500, 5_000), between(rng, 200, 1_000));
            (None, Some(Trigger { on: TriggerOn::Condition { check: check(), every, timeout } }))
        }
        _ => (None, None),
    }
}

fn schedule(rng: &mut Rng) -> Schedule {
    let cron = |text: &str| Timing::Cron(Cron::parse(text).expect("this is a cron expression"));
    let timing = match rng.below(4) {
        0 => cron("* * * * *"),
        1 => cron("*/7 2-22 * * *"),
        _ => Timing::Every(Duration::from_secs(1 + rng.below(20))),
    };
    let overlap = match rng.below(3) {
        0 => Overlap::Skip,
        1 => Overlap::Queue,
        _ => Overlap::Restart,
    };
    let missed = if one_in(rng, 2) { Missed::Skip } else { Missed::Once };
    Schedule { timing, timezone: None, overlap, missed }
}

fn restart(rng: &mut Rng) -> Restart {
    let policy = match rng.below(5) {
        0 => RestartPolicy::Never,
        1 => RestartPolicy::OnFailure,
        _ => RestartPolicy::Always,
    };
    let initial = between(rng, 50, 2_000);
    let backoff = Backoff {
        initial,
        factor_permille: 1_000 + small(rng, 2_001),
        max: initial + between(rng, 0, 8_000),
        jitter_permille: if one_in(rng, 3) { 0 } else { small(rng, 1_001) },
        reset_after: between(rng, 500, 10_000),
    };
    let limit = Limit { count: 1 + small(rng, 6), within: between(rng, 1_000, 60_000) };
    Restart {
        policy,
        pause: if one_in(rng, 4) { Pause::Fixed(between(rng, 1, 3_000)) } else { Pause::Backoff(backoff) },
        limit: one_in(rng, 4).then_some(limit),
        success_codes: if one_in(rng, 5) { vec![0, 1] } else { vec![0] },
        never_on: if one_in(rng, 3) { vec![78] } else { Vec::new() },
    }
}

fn stop(rng: &mut Rng) -> Stop {
    let term = |wait| StopStep::Signal { signal: Signal::Term, wait };
    let first = StopStep::Signal { signal: Signal::Int, wait: Some(between(rng, 100, 3_000)) };
    let command = StopStep::Command { command: hook(rng), wait: Some(between(rng, 100, 3_000)) };
    let steps = match rng.below(7) {
        5 => vec![command],
        6 => vec![command, term(Some(between(rng, 100, 3_000))), StopStep::KillTree],
        0 => vec![StopStep::KillTree],
        1 => vec![term(None)],
        2 => vec![first, term(Some(between(rng, 100, 3_000))), StopStep::KillTree],
        3 => vec![first, term(None)],
        _ => vec![term(None), StopStep::KillTree],
    };
    Stop { timeout: between(rng, 500, 5_000), steps }
}

/// Any command at all, about some of `count` services.
pub(crate) fn command(rng: &mut Rng, count: usize, now: Mono) -> Command {
    let dependants = match rng.below(4) {
        0 => Dependants::Refuse,
        1 => Dependants::Ignore,
        _ => Dependants::StopToo,
    };
    let mut names: Vec<ServiceName> = (0..=rng.below(3)).map(|_| pick(rng, count)).collect();
    if one_in(rng, 20) {
        names.push(ServiceName::new("nobody").expect("this is a name"));
    }
    let request = Request {
        names,
        no_wait: one_in(rng, 6),
        deadline: one_in(rng, 2).then(|| now.after(between(rng, 0, 10_000))),
        dependants,
    };
    match rng.below(26) {
        20 => Command::Hold(request, "work".to_owned()),
        21 => Command::Unhold(request),
        22 => Command::Signal(request, Signal::Usr1),
        23 => Command::Reload(request),
        24 | 25 => Command::StartOnce(request),
        0..7 => Command::Start(request),
        7..12 => Command::Stop(request),
        12..14 => Command::Restart(request),
        14 => Command::Reset(request),
        15 => Command::Uninstall(request),
        16 => Command::Show(one_in(rng, 2).then(|| pick(rng, count))),
        _ => {
            let index = usize::try_from(rng.below(count as u64)).expect("a world has few services");
            Command::Install { spec: Arc::new(spec(rng, index)), source: None, update: !one_in(rng, 4) }
        }
    }
}

fn pick(rng: &mut Rng, count: usize) -> ServiceName {
    name(usize::try_from(rng.below(count as u64)).expect("a world has few services"))
}
