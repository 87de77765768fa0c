//! The order of actions and the words of answers, where they are promised; everything else is for the simulation.

use serde_json::{Value, json};
use std::sync::Arc;
use svcctl_core::ident::{Generation, InstanceId, ServiceName, SlotKey};
use svcctl_core::schedule::{OnlyUtc, SharedZones};
use svcctl_core::spec::model::Signal;
use svcctl_core::spec::{ServiceSpec, decode};
use svcctl_core::supervisor::Supervisor;
use svcctl_core::supervisor::action::{Action, Persist};
use svcctl_core::supervisor::event::{
    Command, Dependants, Event, ExitStatus, HookId, HookResult, HookWhat, ProbeId, ProbeResult, ProbeWhat,
    Process, Request, SpawnError, Ticket,
};
use svcctl_core::supervisor::reply::{Failure, Refusal, Reply};
use svcctl_core::supervisor::state::Phase;
use svcctl_core::time::{Mono, Now, Wall};

struct Bench {
    sup: Supervisor,
    now: Now,
    ticket: u64,
}

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).expect("this is a name")
}

fn id(service: &str, generation: u64) -> InstanceId {
    InstanceId { slot: SlotKey { name: name(service), index: 0 }, generation: Generation(generation) }
}

fn request(service: &str) -> Request {
    Request { names: vec![name(service)], no_wait: false, deadline: None, dependants: Dependants::Refuse }
}

/// What an action is, in a word.
fn word(action: &Action) -> &'static str {
    match action {
        Action::Spawn { .. } => "spawn",
        Action::Signal { .. } => "signal",
        Action::KillTree { .. } => "kill",
        Action::Remember { .. } => "remember",
        Action::Acknowledge(_) => "acknowledge",
        Action::Release(_) => "release",
        Action::StartProbe { .. } => "probe",
        Action::StopProbe(_) => "no probe",
        Action::Reply(..) => "reply",
        Action::RunHook(_) => "hook",
        Action::CancelHook(_) => "no hook",
        Action::Watch(_) => "watch",
        Action::Unwatch(_) => "no watch",
        Action::Note(_) => "note",
        Action::Persist(Persist::Service { .. } | Persist::Desired(..) | Persist::Hold(..)) => "persist",
        Action::Persist(Persist::Job(..)) => "job",
        Action::Persist(Persist::Forget(_)) => "forget",
        Action::Publish(_) => "publish",
    }
}

impl Bench {
    /// Services, installed and named as given, each with what it has beside its name and program.
    fn with(services: &[(&str, Value)]) -> Self {
        let mut bench =
            Self { sup: Supervisor::new(1, SharedZones(Arc::new(OnlyUtc))), now: Now::default(), ticket: 0 };
        bench.handle(Event::Resumed);
        for (service, more) in services {
            let mut document = json!({"spec": 1, "name": service, "exec": ["/bin/x"]});
            for (key, value) in more.as_object().expect("a mapping") {
                document[key] = value.clone();
            }
            let spec: Arc<ServiceSpec> = Arc::new(decode(&document).expect("the document is sound"));
            bench.command(Command::Install { spec, source: None, update: false });
        }
        bench
    }

    fn handle(&mut self, event: Event) -> Vec<Action> {
        self.sup.handle(self.now, event);
        std::iter::from_fn(|| self.sup.poll_action()).collect()
    }

    fn command(&mut self, command: Command) -> Vec<Action> {
        self.ticket += 1;
        self.handle(Event::Command(Ticket(self.ticket), command))
    }

    /// What is done at this many milliseconds.
    fn time_out(&mut self, ms: u64) -> Vec<Action> {
        self.now.mono = Mono(ms * 1_000_000);
        self.sup.handle_timeout(self.now);
        std::iter::from_fn(|| self.sup.poll_action()).collect()
    }

    fn spawned(&mut self, service: &str, generation: u64) -> Vec<Action> {
        let process = Process { pid: 7, since: self.now.mono, since_wall: Wall(0) };
        self.handle(Event::Spawned(id(service, generation), process))
    }

    fn exited(&mut self, service: &str, generation: u64, status: ExitStatus) -> Vec<Action> {
        self.handle(Event::Exited { id: id(service, generation), status, tree_empty: true })
    }

    fn phase(&self, service: &str) -> Option<Phase> {
        self.sup.view(&name(service)).map(|view| view.phase)
    }
}

fn words(actions: &[Action]) -> Vec<&'static str> {
    actions.iter().map(word).collect()
}

fn reply(actions: &[Action]) -> Reply {
    let mut replies = actions.iter().filter_map(|action| match action {
        Action::Reply(_, reply) => Some(reply.clone()),
        _ => None,
    });
    replies.next_back().expect("there is an answer")
}

#[test]
fn a_crash_is_answered_in_one_step_without_a_write() {
    let mut bench = Bench::with(&[("web", json!({}))]);
    assert_eq!(words(&bench.command(Command::Start(request("web")))), ["persist", "spawn", "publish"]);
    assert_eq!(words(&bench.spawned("web", 1)), ["remember", "publish", "reply"]);
    let actions = bench.exited("web", 1, ExitStatus::Signal(9));
    assert_eq!(words(&actions), ["acknowledge", "spawn", "publish"]);
    let Action::Publish(transition) = &actions[2] else { panic!("the last action tells observers") };
    assert_eq!(transition.why, "killed by SIGKILL; restarts at once");
}

#[test]
fn a_later_decision_is_remembered_before_the_exit_is_let_go() {
    let mut bench = Bench::with(&[("web", json!({"restart": {"delay": "4s"}}))]);
    bench.command(Command::Start(request("web")));
    bench.spawned("web", 1);
    let actions = bench.exited("web", 1, ExitStatus::Code(1));
    assert_eq!(words(&actions), ["remember", "acknowledge", "publish"]);
    let Action::Publish(transition) = &actions[2] else { panic!("the last action tells observers") };
    assert_eq!(transition.why, "exited with code 1; restart 1 in 4 s");
    bench.now.mono = Mono(4_000_000_000);
    assert_eq!(bench.sup.poll_timeout(), Some(bench.now.mono));
    bench.sup.handle_timeout(bench.now);
    let actions: Vec<Action> = std::iter::from_fn(|| bench.sup.poll_action()).collect();
    assert_eq!(words(&actions), ["spawn", "publish"]);
}

#[test]
fn a_stop_is_durable_before_its_signal_and_answered_after_its_end() {
    let mut bench = Bench::with(&[("web", json!({}))]);
    bench.command(Command::Start(request("web")));
    bench.spawned("web", 1);
    let actions = bench.command(Command::Stop(request("web")));
    assert_eq!(words(&actions), ["persist", "remember", "publish", "signal"]);
    let actions = bench.exited("web", 1, ExitStatus::Signal(15));
    assert_eq!(words(&actions), ["acknowledge", "release", "publish", "reply"]);
    assert_eq!(bench.phase("web"), Some(Phase::Stopped));
}

#[test]
fn a_spawn_error_is_answered_at_once_and_tried_again() {
    let mut bench = Bench::with(&[("web", json!({"restart": {"backoff": {"jitter": 0}}}))]);
    bench.command(Command::Start(request("web")));
    let error = SpawnError { message: "/bin/x: no such file".to_owned() };
    let actions = bench.handle(Event::SpawnFailed(id("web", 1), error));
    let failure = Failure {
        name: name("web"),
        why: "could not be started: /bin/x: no such file".to_owned(),
        next: Some("the next attempt is in 1 s".to_owned()),
    };
    assert_eq!(reply(&actions), Reply::Failed(vec![failure]));
    assert_eq!(bench.phase("web"), Some(Phase::Backoff));
}

#[test]
fn a_dependant_waits_for_readiness_and_is_not_touched_by_a_crash() {
    let ready = json!({"ready": {"tcp": "127.0.0.1:1"}});
    let mut bench = Bench::with(&[("db", ready), ("web", json!({"depends_on": {"db": "ready"}}))]);
    bench.command(Command::Start(request("web")));
    bench.spawned("db", 1);
    assert_eq!(
        bench.sup.view(&name("web")).map(|view| view.why),
        Some("waits for db, which is not ready".into())
    );
    let actions =
        bench.handle(Event::Probe(ProbeId { id: id("db", 1), what: ProbeWhat::Ready }, ProbeResult::Ok));
    assert_eq!(words(&actions), ["no probe", "remember", "publish", "spawn", "publish"]);
    bench.spawned("web", 1);
    bench.exited("db", 1, ExitStatus::Code(1));
    assert_eq!(bench.phase("web"), Some(Phase::Running));
    let needed = Reply::Refused(Refusal::Needed(name("db"), vec![name("web")]));
    assert_eq!(reply(&bench.command(Command::Stop(request("db")))), needed);
}

#[test]
fn an_unknown_service_is_refused_with_the_nearest_name() {
    let mut bench = Bench::with(&[("redis", json!({}))]);
    let refused = Reply::Refused(Refusal::NoSuchService(name("reds"), Some(name("redis"))));
    assert_eq!(reply(&bench.command(Command::Start(request("reds")))), refused);
}

/// The signals among them, with the time of their kill.
fn signals(actions: &[Action]) -> Vec<(Signal, Option<Mono>)> {
    let signal = |action: &Action| match action {
        Action::Signal { signal, kill_by, .. } => Some((*signal, *kill_by)),
        _ => None,
    };
    actions.iter().filter_map(signal).collect()
}

#[test]
fn a_before_stop_hook_that_hangs_does_not_take_the_programs_term_away() {
    let more = json!({"stop": {"timeout": "2s"}, "hooks": {"before_stop": [["/bin/hang"]]}});
    let mut bench = Bench::with(&[("web", more)]);
    bench.command(Command::Start(request("web")));
    bench.spawned("web", 1);
    let actions = bench.command(Command::Stop(request("web")));
    assert_eq!(words(&actions), ["persist", "remember", "publish", "remember", "hook"]);
    let actions = bench.time_out(2_000);
    assert_eq!(words(&actions), ["signal", "no hook"]);
    assert_eq!(signals(&actions), [(Signal::Term, Some(Mono(4_000_000_000)))]);
    assert_eq!(words(&bench.time_out(4_000)), ["kill"]);
}

#[test]
fn a_stop_command_that_fails_is_followed_at_once() {
    let alone = json!([{"command": ["/bin/ctl", "quit"]}]);
    let followed = json!([{"command": ["/bin/ctl", "quit"], "wait": "9s"}, {"signal": "INT"}]);
    for (steps, signal) in [(alone, Signal::Term), (followed, Signal::Int)] {
        let mut bench = Bench::with(&[("web", json!({"stop": {"timeout": "10s", "steps": steps}}))]);
        bench.command(Command::Start(request("web")));
        bench.spawned("web", 1);
        assert_eq!(signals(&bench.command(Command::Stop(request("web")))), []);
        let hook = HookId { id: id("web", 1), what: HookWhat::StopStep, index: 0 };
        let failed = HookResult::Failed("exited with code 1".to_owned());
        let actions = bench.handle(Event::HookDone(hook, failed));
        assert_eq!(signals(&actions), [(signal, Some(Mono(10_000_000_000)))]);
        assert_eq!(words(&bench.time_out(10_000)), ["kill"]);
    }
}

#[test]
fn a_schedule_goes_on_after_a_clock_that_was_years_ahead() {
    const YEAR: i64 = 365 * 24 * 60 * 60 * 1000;
    let more = json!({"type": "oneshot", "schedule": {"cron": "* * * * *"}});
    let mut bench = Bench::with(&[("job", more)]);
    bench.now.wall = Wall(12 * YEAR);
    bench.command(Command::Start(request("job")));
    bench.now.wall = Wall(0);
    let actions = bench.handle(Event::ClockJumped);
    assert!(words(&actions).contains(&"note"), "{actions:?}");
    let due = |bench: &Bench| bench.sup.view(&name("job")).and_then(|view| view.job?.next_due);
    assert_eq!(due(&bench), Some(Wall(60_000)));
    bench.now.wall = Wall(-60_000);
    let actions = bench.handle(Event::ClockJumped);
    assert_eq!(words(&actions), Vec::<&str>::new(), "a small step back runs nothing twice");
    assert_eq!(due(&bench), Some(Wall(60_000)));
}

#[test]
fn a_late_answer_of_a_replaced_trigger_does_not_fire_the_new_one() {
    let document = |url: &str| {
        let trigger = json!({"condition": {"tcp": url}, "every": "5s"});
        json!({"spec": 1, "name": "job", "exec": ["/bin/x"], "type": "oneshot", "trigger": trigger})
    };
    let install = |text: &str| {
        let spec = Arc::new(decode(&document(text)).expect("the document is sound"));
        Command::Install { spec, source: None, update: true }
    };
    let asked = |actions: &[Action]| {
        let probe = actions.iter().find_map(|action| match action {
            Action::StartProbe(probe) => Some(probe.id.clone()),
            _ => None,
        });
        probe.expect("the condition is asked")
    };
    let mut bench = Bench::with(&[]);
    bench.command(install("127.0.0.1:1"));
    let old = asked(&bench.command(Command::Start(request("job"))));
    let new = asked(&bench.command(install("127.0.0.1:2")));
    bench.handle(Event::Probe(old, ProbeResult::Ok));
    assert_eq!(bench.phase("job"), Some(Phase::Scheduled));
    bench.handle(Event::Probe(new, ProbeResult::Ok));
    assert_eq!(bench.phase("job"), Some(Phase::Starting));
}
