//! Every specification can be written as a document that reads as the same specification.

use std::time::Duration;
use svcctl_core::ident::ServiceName;
use svcctl_core::rng::Rng;
use svcctl_core::spec::model::{
    Backoff, Check, DependencyKind, InheritEnv, Kind, Limit, Manager, Pause, Ready, Restart, RestartPolicy,
    Signal, Start, Stop, StopStep, TcpTarget,
};
use svcctl_core::spec::{ServiceSpec, decode, diff};

/// How many specifications are tried.
const TRIES: u64 = 5_000;

fn half(rng: &mut Rng) -> bool {
    rng.below(2) == 0
}

fn small(rng: &mut Rng, bound: u64) -> u32 {
    u32::try_from(rng.below(bound)).expect("the bound is small")
}

fn duration(rng: &mut Rng) -> Duration {
    let bits = rng.below(38);
    Duration::from_millis(1 + rng.below(1 << bits))
}

/// A text with everything in it that a document could stumble over.
fn text(rng: &mut Rng) -> String {
    const PIECES: [&str; 17] = [
        "a", "B7", " ", "'", "\"", "\\", "\n", "é", "→", "$HOME", "#", ": ", "- ", "/opt/x y", "$$", "${A}",
        "$",
    ];
    let length = rng.below(5);
    (0..length).map(|_| PIECES[small(rng, 17) as usize]).collect::<Vec<_>>().join("_")
}

fn optional<T>(rng: &mut Rng, make: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    half(rng).then(|| make(rng))
}

fn list<T>(rng: &mut Rng, most: u64, mut make: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..rng.below(most + 1)).map(|_| make(rng)).collect()
}

fn target(rng: &mut Rng) -> TcpTarget {
    let port = u16::try_from(1 + rng.below(65_535)).expect("this is a port");
    match rng.below(3) {
        0 => TcpTarget::Address(([127, 0, 0, 1], port).into()),
        1 => TcpTarget::Address((std::net::Ipv6Addr::LOCALHOST, port).into()),
        _ => TcpTarget::Name("db-1.example".to_owned(), port),
    }
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

fn steps(rng: &mut Rng) -> Vec<StopStep> {
    let mut steps = list(rng, 3, |rng| {
        let signal = [Signal::Int, Signal::Hup, Signal::Winch, Signal::Usr2][small(rng, 4) as usize];
        StopStep::Signal { signal, wait: Some(duration(rng)) }
    });
    if half(rng) || steps.is_empty() {
        steps.push(StopStep::Signal { signal: Signal::Term, wait: optional(rng, duration) });
    }
    if half(rng) {
        steps.push(StopStep::KillTree);
    }
    steps
}

fn spec(rng: &mut Rng) -> ServiceSpec {
    let kind = if half(rng) { Kind::Simple } else { Kind::Oneshot };
    let names: Vec<ServiceName> =
        ["db", "cache", "q.1"].iter().filter_map(|name| ServiceName::new(name).ok()).collect();
    let kinds = [DependencyKind::Ready, DependencyKind::Started, DependencyKind::Completed];
    let policies = [RestartPolicy::Always, RestartPolicy::OnFailure, RestartPolicy::Never];
    let with_timeout = kind == Kind::Simple || half(rng);
    ServiceSpec {
        name: ServiceName::new("web").expect("this is a name"),
        display_name: optional(rng, text),
        description: optional(rng, text),
        manager: Manager::Embedded,
        exec: [vec!["/bin/x".to_owned()], list(rng, 4, text)].concat(),
        cwd: optional(rng, |rng| format!("/{}", text(rng))),
        user: optional(rng, |rng| rng.below(70_000).to_string()),
        group: optional(rng, |_| "staff".to_owned()),
        groups: optional(rng, |rng| list(rng, 3, |rng| format!("g{}", rng.below(9)))),
        env: list(rng, 4, |rng| (format!("V{}", rng.below(9)), text(rng))).into_iter().collect(),
        inherit_env: match rng.below(3) {
            0 => InheritEnv::All,
            1 => InheritEnv::These(vec!["TERM".to_owned(), "DISPLAY".to_owned()]),
            _ => InheritEnv::These(Vec::new()),
        },
        autostart: half(rng),
        depends_on: list(rng, 3, |rng| {
            (names[small(rng, 3) as usize].clone(), kinds[small(rng, 3) as usize])
        })
        .into_iter()
        .collect(),
        kind,
        start: Start { timeout: with_timeout.then(|| duration(rng)) },
        ready: (kind == Kind::Simple && half(rng)).then(|| Ready {
            check: Check::Tcp(target(rng)),
            interval: duration(rng),
            timeout: duration(rng),
        }),
        restart: Restart {
            policy: policies[small(rng, 3) as usize],
            pause: pause(rng),
            limit: optional(rng, |rng| Limit { count: 1 + small(rng, 100), within: duration(rng) }),
            success_codes: list(rng, 3, |rng| i32::try_from(rng.below(256)).expect("this is a code")),
            never_on: list(rng, 3, |rng| i32::try_from(rng.below(256)).expect("this is a code")),
        },
        stop: Stop { timeout: duration(rng), steps: steps(rng) },
    }
}

#[test]
fn a_document_reads_as_the_specification_it_was_written_from() {
    for seed in 0..TRIES {
        let spec = spec(&mut Rng::new(seed));
        let document = spec.to_document();
        assert_eq!(decode(&document), Ok(spec.clone()), "seed {seed}: {document:#}");
        // The same after a way through text.
        let again = serde_json::from_str(&document.to_string()).expect("what was written is JSON");
        assert_eq!(decode(&again), Ok(spec.clone()), "seed {seed}");
        assert_eq!(diff(&spec, &spec), Vec::<String>::new());
    }
}

#[test]
fn two_specifications_differ_exactly_where_they_differ() {
    for seed in 0..TRIES {
        let (one, other) = (spec(&mut Rng::new(seed)), spec(&mut Rng::new(seed + 1)));
        assert_eq!(one == other, diff(&one, &other).is_empty(), "seed {seed}: {one:?} {other:?}");
    }
}

#[test]
fn defaults_are_left_out_and_the_name_comes_first() {
    let document = serde_json::json!({
        "exec": ["/bin/x"], "manager": "auto", "autostart": true, "type": "simple", "name": "web", "spec": 1,
        "restart": {"policy": "always", "backoff": {"initial": "1s", "factor": 2, "max": "1m", "jitter": 0.1}},
        "stop": {"timeout": "15s", "steps": [{"signal": "SIGTERM"}, {"kill": "tree"}]}, "start": {"timeout": "30s"},
    });
    let spec = decode(&document).expect("the document is sound");
    assert_eq!(spec.to_document().to_string(), r#"{"spec":1,"name":"web","exec":["/bin/x"]}"#);
}
