//! Tests of the thread that runs hooks and probes, with a keeper that is played: what is asked of it, in which order,
//! and what is told at the end. Processes come in with the black-box tests.

use super::*;
use crate::lifeline::lifelines;
use crate::logs::{self, LogsConfig};
use serde_json::json;
use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use svcctl_core::ident::{Generation, InstanceId, ServiceName};
use svcctl_core::spec::Template;
use svcctl_core::spec::model::Hook;
use svcctl_keeper::protocol::Status;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the keeper is asked for.
#[derive(Debug, PartialEq)]
enum Asked {
    Spawn(String, u64, Image),
    Other(Request),
}

struct Played(Sender<Asked>);

impl Keeper for Played {
    fn send(&self, request: &Request) -> Result<(), LinkError> {
        drop(self.0.send(Asked::Other(request.clone())));
        Ok(())
    }

    fn spawn(&self, key: &str, generation: u64, image: Image) -> Result<(), LinkError> {
        drop(self.0.send(Asked::Spawn(key.to_owned(), generation, image)));
        Ok(())
    }
}

struct Bed {
    folder: tempfile::TempDir,
    auxiliary: Auxiliary,
    logs: LogsHandle,
    asked: Receiver<Asked>,
}

fn bed() -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let (logs, _joiner) = logs::start(LogsConfig {
        logs: folder.path().join("logs"),
        spools: folder.path().join("spool"),
        boot_id: "boot".into(),
        echo: None,
        on_spool: Box::new(|_, _| {}),
        on_stream_done: Box::new(|_| {}),
    })
    .unwrap();
    let (sender, asked) = channel();
    let auxiliary = Auxiliary::start(
        Played(sender),
        Preparer::start(lifelines().0.of("test")).unwrap(),
        logs.clone(),
        lifelines().0.of("test"),
    )
    .unwrap();
    Bed { folder, auxiliary, logs, asked }
}

fn hook_id() -> HookId {
    let slot = SlotKey { name: ServiceName::new("web").unwrap(), index: 0 };
    let id = InstanceId { slot, generation: Generation(7) };
    HookId { id, what: HookWhat::AfterExit, index: 1 }
}

const KEY: &str = "web#0!after_exit.1";

impl Bed {
    fn run(&self, word: &str, timeout: Duration) -> (RunId, Receiver<HookResult>) {
        let document = json!({"spec": 1, "name": "web", "exec": ["/bin/a"]});
        let spec = Arc::new(svcctl_core::spec::decode(&document).unwrap());
        let hook = Hook { exec: vec![Template::parse(word).unwrap()], timeout };
        let run = HookRun { id: hook_id(), spec, hook, pid: Some(42), exit: Some(ExitStatus::Signal(9)) };
        let (done, result) = channel();
        let run = hook_run(run, Box::new(move |result| drop(done.send(result))));
        (self.auxiliary.run(run), result)
    }

    fn next(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).expect("nothing was asked in time")
    }

    /// Waits for a spawn, answers it, and gives its number and the writing ends of its output.
    fn spawned(&self) -> (u64, std::io::PipeWriter, std::io::PipeWriter) {
        let Asked::Spawn(key, generation, _) = self.next() else { panic!("no spawn") };
        assert_eq!(key, KEY);
        let ((out, to_out), (err, to_err)) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
        let notice = Notice::Spawned { slot: key, generation, pid: 99, at: 1 };
        self.auxiliary.notice(notice, vec![out.into(), err.into()]);
        (generation, to_out, to_err)
    }

    fn exited(&self, generation: u64, status: Status, tree_empty: bool) {
        let notice = Notice::Exited { slot: KEY.into(), generation, status, tree_empty };
        self.auxiliary.notice(notice, Vec::new());
    }

    /// Checks that the slot is let go with its streams, in whatever order these ended.
    fn released(&self, generation: u64) {
        let mut streams = Vec::new();
        loop {
            match self.next() {
                Asked::Other(Request::StreamDone { slot, generation: of, stream }) => {
                    assert_eq!((slot.as_str(), of), (KEY, generation));
                    streams.push(stream);
                }
                Asked::Other(Request::Acknowledge { generation: of, .. }) => {
                    assert_eq!(of, generation);
                    assert_eq!(self.next(), Asked::Other(Request::Release { slot: KEY.into() }));
                    streams.sort_unstable();
                    assert_eq!(streams, [Stream::Stdout, Stream::Stderr]);
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn kill(generation: u64) -> Asked {
    Asked::Other(Request::KillTree { slot: KEY.into(), generation, state: Vec::new() })
}

#[test]
fn a_hook_is_told_what_it_is_for_and_its_lines_are_recorded() {
    let bed = bed();
    let (_, result) = bed.run("/bin/hook", PATIENCE);
    let Asked::Spawn(key, generation, image) = bed.next() else { panic!("no spawn") };
    assert_eq!((key.as_str(), image.argv), (KEY, vec![b"/bin/hook".to_vec()]));
    for expected in
        ["SVCCTL_SERVICE=web", "SVCCTL_HOOK=after_exit", "SVCCTL_PID=42", "SVCCTL_EXIT_SIGNAL=SIGKILL"]
    {
        assert!(image.env.contains(&expected.as_bytes().to_vec()), "{expected}");
    }
    let ((out, mut to_out), (err, to_err)) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
    let notice = Notice::Spawned { slot: key, generation, pid: 99, at: 1 };
    bed.auxiliary.notice(notice, vec![out.into(), err.into()]);
    to_out.write_all(b"one\ntwo").unwrap();
    drop((to_out, to_err));
    bed.exited(generation, Status::Code(3), true);
    let told = result.recv_timeout(PATIENCE).unwrap();
    assert_eq!(told, HookResult::Failed("exited with code 3; it said: two".to_owned()));
    bed.released(generation);
    let (flushed, waited) = channel();
    bed.logs.flush(None, move || flushed.send(()).unwrap());
    waited.recv_timeout(PATIENCE).unwrap();
    let log = std::fs::read_to_string(bed.folder.path().join("logs/web/current.ndjson")).unwrap();
    let records: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seen: Vec<_> = records
        .iter()
        .map(|record| {
            (
                record["message"].as_str().unwrap(),
                record["event.dataset"].as_str().unwrap(),
                record["process.pid"].as_u64(),
            )
        })
        .collect();
    assert_eq!(seen, [("one", "svcctl", Some(99)), ("two", "svcctl", Some(99))]);
    assert!(log.lines().next().unwrap().contains("after_exit"), "{log}");
}

#[test]
fn what_takes_too_long_is_killed_with_its_tree() {
    let bed = bed();
    let (_, result) = bed.run("/bin/hook", Duration::from_millis(20));
    let (generation, _out, _err) = bed.spawned();
    assert_eq!(bed.next(), kill(generation));
    bed.exited(generation, Status::Signal(9), false);
    bed.auxiliary.notice(Notice::TreeEmpty { slot: KEY.into(), generation }, Vec::new());
    assert_eq!(result.recv_timeout(PATIENCE), Ok(HookResult::Failed("took longer than 20 ms".to_owned())));
    bed.released(generation);
}

#[test]
fn what_a_hook_leaves_running_is_ended_and_its_success_counts() {
    let bed = bed();
    let (_, result) = bed.run("/bin/hook", PATIENCE);
    let (generation, ..) = bed.spawned();
    bed.exited(generation, Status::Code(0), false);
    loop {
        match bed.next() {
            Asked::Other(Request::StreamDone { .. }) => {}
            other => break assert_eq!(other, kill(generation)),
        }
    }
    bed.auxiliary.notice(Notice::TreeEmpty { slot: KEY.into(), generation }, Vec::new());
    assert_eq!(result.recv_timeout(PATIENCE), Ok(HookResult::Ok));
}

#[test]
fn a_cancelled_run_is_ended_untold_and_the_next_one_waits_for_its_place() {
    let bed = bed();
    let (first, untold) = bed.run("/bin/hook", PATIENCE);
    let (generation, out, err) = bed.spawned();
    bed.auxiliary.cancel(first);
    let (_, result) = bed.run("/bin/hook", PATIENCE);
    assert_eq!(bed.next(), kill(generation));
    drop((out, err));
    bed.exited(generation, Status::Signal(9), true);
    bed.released(generation);
    assert!(untold.recv_timeout(PATIENCE).is_err(), "a cancelled run was told");
    let (second, ..) = bed.spawned();
    assert!(second > generation);
    bed.exited(second, Status::Code(0), true);
    assert_eq!(result.recv_timeout(PATIENCE), Ok(HookResult::Ok));
}

#[test]
fn what_cannot_be_made_is_told_with_its_reason() {
    let bed = bed();
    let (_, result) = bed.run("${UNSET_IN_ALL_TESTS}", PATIENCE);
    let HookResult::Failed(why) = result.recv_timeout(PATIENCE).unwrap() else { panic!("it went well") };
    assert!(why.starts_with("hooks.after_exit[1][0] needs ${UNSET_IN_ALL_TESTS}, which"), "{why}");
    let (_, result) = bed.run("/no/such", PATIENCE);
    let Asked::Spawn(slot, generation, _) = bed.next() else { panic!("no spawn") };
    let message = "/no/such: no such file".to_owned();
    bed.auxiliary.notice(Notice::SpawnFailed { slot, generation, message: message.clone() }, Vec::new());
    assert_eq!(result.recv_timeout(PATIENCE), Ok(HookResult::Failed(message)));
    assert_eq!(bed.next(), Asked::Other(Request::Release { slot: KEY.into() }));
}

#[test]
fn processes_that_do_not_die_are_told_and_keep_their_place() {
    let bed = bed();
    let (_, result) = bed.run("/bin/hook", Duration::from_millis(20));
    let (generation, ..) = bed.spawned();
    loop {
        match bed.next() {
            Asked::Other(Request::StreamDone { .. }) => {}
            other => break assert_eq!(other, kill(generation)),
        }
    }
    bed.auxiliary.notice(Notice::TreeStuck { slot: KEY.into(), generation, pids: vec![99, 100] }, Vec::new());
    let told = result.recv_timeout(PATIENCE).unwrap();
    assert_eq!(told, HookResult::Failed("processes of it (99, 100) cannot be ended".to_owned()));
    let (_, next) = bed.run("/bin/hook", Duration::from_millis(20));
    let told = next.recv_timeout(PATIENCE).unwrap();
    assert_eq!(told, HookResult::Failed("an earlier run of it has not ended".to_owned()));
}

#[test]
fn what_a_dead_engine_left_is_killed_and_let_go() {
    let bed = bed();
    let left = |generation, has_slot, streams| LeftOver { key: KEY.into(), generation, streams, has_slot };
    bed.auxiliary.left_over(left(None, false, vec![(3, Stream::Stderr)]));
    let stream_done =
        |generation, stream| Asked::Other(Request::StreamDone { slot: KEY.into(), generation, stream });
    assert_eq!(bed.next(), stream_done(3, Stream::Stderr));
    bed.auxiliary.left_over(left(None, true, Vec::new()));
    assert_eq!(bed.next(), Asked::Other(Request::Release { slot: KEY.into() }));
    bed.auxiliary.left_over(left(Some(u64::MAX / 2), true, vec![(u64::MAX / 2, Stream::Stdout)]));
    assert_eq!(bed.next(), stream_done(u64::MAX / 2, Stream::Stdout));
    assert_eq!(bed.next(), kill(u64::MAX / 2));
    let (_, result) = bed.run("/bin/hook", PATIENCE);
    bed.exited(u64::MAX / 2, Status::Signal(9), true);
    assert!(matches!(bed.next(), Asked::Other(Request::Acknowledge { .. })));
    assert_eq!(bed.next(), Asked::Other(Request::Release { slot: KEY.into() }));
    let (generation, ..) = bed.spawned();
    assert!(generation > u64::MAX / 2, "numbers rise over engines");
    bed.exited(generation, Status::Code(0), true);
    assert_eq!(result.recv_timeout(PATIENCE), Ok(HookResult::Ok));
}

#[test]
fn every_key_fits_the_keeper() {
    let slot = SlotKey { name: ServiceName::new(&"a".repeat(64)).unwrap(), index: u32::MAX };
    let id = InstanceId { slot, generation: Generation(1) };
    let hook = HookId { id: id.clone(), what: HookWhat::BeforeStart, index: u16::MAX };
    let probe = ProbeId { id, what: ProbeWhat::Condition(u16::MAX) };
    for key in [key_of_hook(&hook), key_of_probe(&probe)] {
        assert!(key.len() <= svcctl_keeper::protocol::KEY_MAX_BYTES && is_auxiliary(&key), "{key}");
        assert!(crate::keeper_link::slot_of(&key).is_none());
    }
}
