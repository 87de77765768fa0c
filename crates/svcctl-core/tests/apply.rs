//! A set of services is brought to another: what is done at once, what is left alone, and that a set that is wrong
//! changes nothing.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use svcctl_core::ident::{Generation, InstanceId, ServiceName, SlotKey};
use svcctl_core::schedule::{OnlyUtc, SharedZones};
use svcctl_core::spec::plan::PlanAction;
use svcctl_core::spec::{ServiceSpec, decode};
use svcctl_core::supervisor::Supervisor;
use svcctl_core::supervisor::action::{Action, Persist};
use svcctl_core::supervisor::event::{
    Command, Dependants, Event, ExitStatus, Process, Request, Source, SpawnError, Ticket,
};
use svcctl_core::supervisor::reply::{Refusal, Reply};
use svcctl_core::supervisor::state::{Desired, Phase};
use svcctl_core::time::{Mono, Now, Wall};

type Set = Vec<(Arc<ServiceSpec>, Option<Source>)>;

struct Bench {
    sup: Supervisor,
    ticket: u64,
}

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).expect("this is a name")
}

fn service(service: &str, more: Value) -> (Arc<ServiceSpec>, Option<Source>) {
    let mut document = json!({"spec": 1, "name": service, "exec": ["/bin/x"]});
    let Value::Object(more) = more else { panic!("a mapping") };
    document.as_object_mut().expect("it is a mapping").extend(more);
    (Arc::new(decode(&document).expect("the document is sound")), None)
}

fn id(service: &str, generation: u64) -> InstanceId {
    InstanceId { slot: SlotKey { name: name(service), index: 0 }, generation: Generation(generation) }
}

fn spawns(actions: &[Action]) -> Vec<InstanceId> {
    let spawned = actions.iter().filter_map(|action| match action {
        Action::Spawn { id, .. } => Some(id.clone()),
        _ => None,
    });
    spawned.collect()
}

fn persisted(actions: &[Action]) -> Vec<String> {
    let all = actions.iter().filter_map(|action| match action {
        Action::Persist(Persist::Service { spec, revision, .. }) => Some(format!("{} {revision}", spec.name)),
        Action::Persist(Persist::Desired(name, Desired::Up)) => Some(format!("{name} up")),
        Action::Persist(Persist::Desired(name, Desired::Down)) => Some(format!("{name} down")),
        Action::Persist(Persist::Forget(name)) => Some(format!("{name} forgotten")),
        _ => None,
    });
    all.collect()
}

fn reply(actions: &[Action]) -> Reply {
    let mut replies = actions.iter().filter_map(|action| match action {
        Action::Reply(_, reply) => Some(reply.clone()),
        _ => None,
    });
    let reply = replies.next().expect("there is an answer");
    assert_eq!(replies.next(), None);
    reply
}

fn steps(actions: &[Action]) -> BTreeMap<String, PlanAction> {
    let Reply::Applied(plan) = reply(actions) else { panic!("{:?}", reply(actions)) };
    plan.steps.iter().map(|step| (step.name.to_string(), step.action)).collect()
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self { sup: Supervisor::new(1, SharedZones(Arc::new(OnlyUtc))), ticket: 0 };
        bench.handle(Event::Resumed);
        bench
    }

    /// A bench on which these services run.
    fn running(set: Set) -> Self {
        let mut bench = Self::new();
        let mut to_spawn = spawns(&bench.apply(set, false));
        while let Some(id) = to_spawn.pop() {
            to_spawn.extend(spawns(&bench.spawned(&id)));
        }
        bench
    }

    fn handle(&mut self, event: Event) -> Vec<Action> {
        self.sup.handle(Now::default(), event);
        assert_eq!(self.sup.poll_illegal().map(|illegal| illegal.to_string()), None);
        std::iter::from_fn(|| self.sup.poll_action()).collect()
    }

    fn command(&mut self, command: Command) -> Vec<Action> {
        self.ticket += 1;
        self.handle(Event::Command(Ticket(self.ticket), command))
    }

    fn apply(&mut self, services: Set, prune: bool) -> Vec<Action> {
        self.command(Command::Apply { services, prune })
    }

    fn spawned(&mut self, id: &InstanceId) -> Vec<Action> {
        let process = Process { pid: 7, since: Mono(0), since_wall: Wall(0) };
        self.handle(Event::Spawned(id.clone(), process))
    }

    fn exited(&mut self, service: &str, generation: u64) -> Vec<Action> {
        let status = ExitStatus::Signal(15);
        self.handle(Event::Exited { id: id(service, generation), status, tree_empty: true })
    }

    fn phase(&self, service: &str) -> Option<Phase> {
        self.sup.view(&name(service)).map(|view| view.phase)
    }
}

fn request(names: &[&str]) -> Request {
    let names = names.iter().map(|text| name(text)).collect();
    Request { names, no_wait: false, deadline: None, dependants: Dependants::Refuse }
}

#[test]
fn what_is_new_is_installed_and_started_in_order_and_answered_at_once() {
    let mut bench = Bench::new();
    let set = vec![
        service("web", json!({"depends_on": {"db": "started"}})),
        service("db", json!({})),
        service("tool", json!({"autostart": false})),
    ];
    let actions = bench.apply(set, false);
    let expected = [("db", PlanAction::Start), ("tool", PlanAction::Install), ("web", PlanAction::Start)];
    assert_eq!(steps(&actions), expected.map(|(name, action)| (name.to_owned(), action)).into());
    assert_eq!(persisted(&actions), ["db 1", "tool 1", "web 1", "db up", "web up"]);
    assert_eq!(spawns(&actions), [id("db", 1)]);
    assert_eq!(spawns(&bench.spawned(&id("db", 1))), [id("web", 1)]);
    assert_eq!(bench.phase("tool"), Some(Phase::Stopped));
}

#[test]
fn a_set_that_is_wrong_changes_nothing() {
    let mut bench = Bench::running(vec![service("db", json!({}))]);
    let set = vec![
        service("db", json!({"description": "another"})),
        service("new", json!({})),
        service("web", json!({"depends_on": {"nothing": "ready"}})),
    ];
    let actions = bench.apply(set, true);
    assert_eq!(actions.len(), 1, "{actions:?}");
    let Reply::Refused(Refusal::Invalid(problems)) = reply(&actions) else { panic!("it is refused") };
    assert_eq!(problems[0].path, "web.depends_on.nothing");
    assert_eq!(bench.phase("new"), None);
    assert_eq!(bench.sup.view(&name("db")).and_then(|view| view.spec.description.clone()), None);
}

#[test]
fn what_is_the_same_or_changes_live_is_not_disturbed() {
    let mut bench = Bench::running(vec![service("db", json!({})), service("web", json!({}))]);
    let set = vec![service("db", json!({})), service("web", json!({"restart": {"delay": "5s"}}))];
    let actions = bench.apply(set, true);
    let expected = [("db", PlanAction::Keep), ("web", PlanAction::Update)];
    assert_eq!(steps(&actions), expected.map(|(name, action)| (name.to_owned(), action)).into());
    assert_eq!(persisted(&actions), ["web 2"]);
    let disturbing = |action: &&Action| {
        matches!(action, Action::Spawn { .. } | Action::Signal { .. } | Action::KillTree { .. })
    };
    assert_eq!(actions.iter().filter(disturbing).count(), 0, "{actions:?}");
    assert_eq!(bench.phase("web"), Some(Phase::Running));
}

#[test]
fn what_needs_a_new_process_gets_one_if_it_has_one() {
    let mut bench = Bench::running(vec![service("db", json!({})), service("web", json!({}))]);
    bench.command(Command::Stop(request(&["db"])));
    bench.exited("db", 1);
    let changed = json!({"umask": "077"});
    let actions = bench.apply(vec![service("db", changed.clone()), service("web", changed)], false);
    let expected = [("db", PlanAction::Update), ("web", PlanAction::Restart)];
    assert_eq!(steps(&actions), expected.map(|(name, action)| (name.to_owned(), action)).into());
    assert_eq!(bench.phase("web"), Some(Phase::Stopping));
    let actions = bench.exited("web", 1);
    let Some(Action::Spawn { spec, revision, .. }) =
        actions.iter().find(|action| matches!(action, Action::Spawn { .. }))
    else {
        panic!("it comes again: {actions:?}")
    };
    assert_eq!((spec.umask, *revision), (Some(0o077), 2));
    // What was stopped by command stays so.
    assert_eq!(bench.phase("db"), Some(Phase::Stopped));
}

#[test]
fn what_is_pruned_ends_before_what_it_depends_on() {
    let set = vec![
        service("db", json!({})),
        service("web", json!({"depends_on": {"db": "started"}})),
        service("other", json!({})),
    ];
    let mut bench = Bench::running(set);
    let actions = bench.apply(vec![service("other", json!({}))], false);
    assert_eq!(steps(&actions)["web"], PlanAction::Leave);
    assert_eq!(bench.phase("web"), Some(Phase::Running));
    let actions = bench.apply(vec![service("other", json!({}))], true);
    assert_eq!(steps(&actions)["db"], PlanAction::Uninstall);
    let signalled = |actions: &[Action]| -> Vec<InstanceId> {
        let all = actions.iter().filter_map(|action| match action {
            Action::Signal { id, .. } => Some(id.clone()),
            _ => None,
        });
        all.collect()
    };
    assert_eq!(signalled(&actions), [id("web", 1)]);
    let actions = bench.exited("web", 1);
    assert_eq!(
        (persisted(&actions), signalled(&actions)),
        (vec!["web forgotten".to_owned()], vec![id("db", 1)])
    );
    assert_eq!(persisted(&bench.exited("db", 1)), ["db forgotten"]);
    assert_eq!((bench.phase("db"), bench.phase("other")), (None, Some(Phase::Running)));
}

#[test]
fn what_is_being_uninstalled_stays_if_it_is_given_again() {
    let mut bench = Bench::running(vec![service("web", json!({}))]);
    bench.command(Command::Uninstall(request(&["web"])));
    let actions = bench.apply(vec![service("web", json!({"umask": "077"}))], true);
    let superseded = |action: &Action| matches!(action, Action::Reply(_, Reply::Superseded(_)));
    assert!(actions.iter().any(superseded), "{actions:?}");
    assert_eq!(spawns(&bench.exited("web", 1)), [id("web", 2)]);
}

#[test]
fn what_has_failed_is_tried_again_with_its_new_specification() {
    let mut bench = Bench::new();
    bench.apply(vec![service("web", json!({"restart": {"policy": "never"}}))], false);
    bench.handle(Event::SpawnFailed(id("web", 1), SpawnError { message: "no such file".to_owned() }));
    assert_eq!(bench.phase("web"), Some(Phase::Failed));
    let same = vec![service("web", json!({"restart": {"policy": "never"}}))];
    assert_eq!(spawns(&bench.apply(same, false)), []);
    let repaired = vec![service("web", json!({"restart": {"policy": "never"}, "exec": ["/bin/y"]}))];
    assert_eq!(spawns(&bench.apply(repaired, false)), [id("web", 2)]);
}

#[test]
fn a_new_dependency_of_what_is_restarted_is_started_too() {
    let mut bench = Bench::running(vec![service("web", json!({}))]);
    let set = vec![
        service("db", json!({"autostart": false})),
        service("web", json!({"umask": "077", "depends_on": {"db": "started"}})),
    ];
    let actions = bench.apply(set, false);
    assert_eq!(spawns(&actions), [id("db", 1)]);
    bench.spawned(&id("db", 1));
    assert_eq!(spawns(&bench.exited("web", 1)), [id("web", 2)]);
}

#[test]
fn the_run_of_a_job_goes_on_and_what_is_new_waits_for_its_time() {
    let mut bench = Bench::new();
    let job = |more: Value| {
        let mut document = json!({"schedule": {"every": "1h"}});
        document.as_object_mut().expect("a mapping").extend(more.as_object().expect("a mapping").clone());
        vec![service("job", document)]
    };
    let actions = bench.apply(job(json!({})), false);
    assert_eq!((steps(&actions)["job"], spawns(&actions)), (PlanAction::Start, vec![]));
    assert_eq!(bench.phase("job"), Some(Phase::Scheduled));
    assert_eq!(spawns(&bench.command(Command::StartOnce(request(&["job"])))), [id("job", 1)]);
    bench.spawned(&id("job", 1));
    let actions = bench.apply(job(json!({"umask": "077"})), false);
    assert_eq!(steps(&actions)["job"], PlanAction::Update);
    assert_eq!(bench.phase("job"), Some(Phase::Running));
}

#[test]
fn what_is_held_goes_on_with_what_it_was_made_from() {
    let mut bench = Bench::running(vec![service("web", json!({}))]);
    bench.command(Command::Hold(request(&["web"]), "audit".to_owned()));
    let actions = bench.apply(vec![service("web", json!({"umask": "077"}))], false);
    assert_eq!(steps(&actions)["web"], PlanAction::Update);
    assert_eq!(bench.phase("web"), Some(Phase::Running));
    assert!(bench.sup.view(&name("web")).is_some_and(|view| view.outdated));
}

#[test]
fn autostart_is_set_without_a_start_or_a_stop() {
    let mut bench = Bench::running(vec![service("web", json!({})), service("db", json!({}))]);
    let actions = bench.command(Command::Enable(request(&["web", "db"]), false));
    assert_eq!(persisted(&actions), ["db 2", "web 2"]);
    assert_eq!(spawns(&actions), []);
    let Reply::Done(done) = reply(&actions) else { panic!("it is done") };
    assert!(done.iter().all(|one| one.changed && !one.taken_along));
    assert_eq!(bench.phase("web"), Some(Phase::Running));
    let again = bench.command(Command::Enable(request(&["web"]), false));
    assert_eq!((persisted(&again), again.len()), (vec![], 1));
    assert!(bench.sup.view(&name("web")).is_some_and(|view| !view.spec.autostart));
    let unknown = bench.command(Command::Enable(request(&["web", "wbe"]), true));
    assert!(matches!(reply(&unknown), Reply::Refused(Refusal::NoSuchService(..))));
    assert_eq!(unknown.len(), 1);
}
