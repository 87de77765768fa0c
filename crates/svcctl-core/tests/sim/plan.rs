//! What is drawn from the seed before and while the world runs: specifications and commands.

use std::sync::Arc;
use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_core::rng::Rng;
use svcctl_core::spec::ServiceSpec;
use svcctl_core::spec::model::{
    Backoff, Check, DependencyKind, InheritEnv, Kind, Limit, Manager, Pause, Ready, Restart, RestartPolicy,
    Signal, Start, Stop, StopStep, TcpTarget,
};
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
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let ready = Ready {
        check: Check::Tcp(TcpTarget::Address(address)),
        interval: Duration::from_millis(250),
        timeout: Duration::from_secs(1),
    };
    ServiceSpec {
        name: name(index),
        display_name: None,
        description: None,
        manager: Manager::Embedded,
        exec: vec!["/bin/x".to_owned()],
        cwd: None,
        user: None,
        group: None,
        groups: None,
        env: std::collections::BTreeMap::new(),
        inherit_env: InheritEnv::These(Vec::new()),
        autostart: true,
        depends_on: depends_on.collect(),
        kind,
        start: Start { timeout: (kind == Kind::Simple || one_in(rng, 2)).then(|| between(rng, 300, 5_000)) },
        ready: (kind == Kind::Simple && one_in(rng, 2)).then_some(ready),
        restart: restart(rng),
        stop: stop(rng),
    }
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
    let steps = match rng.below(5) {
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
    match rng.below(20) {
        0..7 => Command::Start(request),
        7..12 => Command::Stop(request),
        12..14 => Command::Restart(request),
        14 => Command::Reset(request),
        15 => Command::Uninstall(request),
        16 => Command::Show(one_in(rng, 2).then(|| pick(rng, count))),
        _ => {
            let index = usize::try_from(rng.below(count as u64)).expect("a world has few services");
            Command::Install { spec: Arc::new(spec(rng, index)), update: !one_in(rng, 4) }
        }
    }
}

fn pick(rng: &mut Rng, count: usize) -> ServiceName {
    name(usize::try_from(rng.below(count as u64)).expect("a world has few services"))
}
