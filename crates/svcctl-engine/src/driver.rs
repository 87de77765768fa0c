//! The loop that owns the supervisor: takes an input or waits for the next deadline, lets the core decide, and has
//! its actions carried out. It waits for nothing else: not for the disk, not for a client, not for a program.

use crate::barrier::{Barrier, Step};
use crate::execute::Executor;
use crate::lifeline::Lifeline;
use crate::pending::{Nudge, OwnWrites};
use crate::queue::{Answer, Input};
use crate::store::StoreThread;
use crate::zones::MachineZones;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use svcctl_core::schedule::SharedZones;
use svcctl_core::supervisor::Supervisor;
use svcctl_core::supervisor::action::{Action, Persist};
use svcctl_core::supervisor::event::{Command, Event, Ticket};
use svcctl_core::supervisor::reply::Reply;
use svcctl_os::clock;
use tokio::sync::oneshot;

/// The supervisor and all that it needs to act.
pub(crate) struct Driver {
    supervisor: Supervisor,
    barrier: Barrier,
    executor: Executor,
    store: StoreThread,
    /// Told of what the store writes to services/, and that it is done.
    files: Option<(OwnWrites, Nudge)>,
    waiting: BTreeMap<Ticket, oneshot::Sender<Answer>>,
    last_ticket: u64,
}

impl Driver {
    /// A driver with a supervisor whose chance begins at `seed`.
    pub(crate) fn new(seed: u64, executor: Executor, store: StoreThread) -> Self {
        Self {
            supervisor: Supervisor::new(seed, SharedZones(Arc::new(MachineZones))),
            barrier: Barrier::default(),
            executor,
            store,
            files: None,
            waiting: BTreeMap::new(),
            last_ticket: 0,
        }
    }

    /// With somebody who looks at what is in services/.
    pub(crate) fn telling(mut self, own: OwnWrites, nudge: Nudge) -> Self {
        self.files = Some((own, nudge));
        self
    }

    /// Works until [`Input::End`], or until nobody can put anything in any more.
    pub(crate) fn run(mut self, inputs: &Receiver<Input>) {
        loop {
            match self.next(inputs) {
                Next::Input(input) => {
                    if !self.take(input) {
                        return;
                    }
                }
                Next::Deadline => self.supervisor.handle_timeout(clock::now()),
                Next::Ended => return,
            }
            self.carry_out();
        }
    }

    fn next(&self, inputs: &Receiver<Input>) -> Next {
        let Some(deadline) = self.supervisor.poll_timeout() else {
            return inputs.recv().map_or(Next::Ended, Next::Input);
        };
        match inputs.recv_timeout(deadline.since(clock::now().mono)) {
            Ok(input) => Next::Input(input),
            Err(RecvTimeoutError::Timeout) => Next::Deadline,
            Err(RecvTimeoutError::Disconnected) => Next::Ended,
        }
    }

    /// Whether to go on.
    fn take(&mut self, input: Input) -> bool {
        match input {
            Input::Event(event) => self.supervisor.handle(clock::now(), event),
            Input::Command(command, answer) => {
                self.last_ticket += 1;
                let ticket = Ticket(self.last_ticket);
                self.waiting.insert(ticket, answer);
                self.supervisor.handle(clock::now(), Event::Command(ticket, command));
            }
            Input::Prepared(prepared) => {
                if let Some(event) = self.executor.prepared(*prepared) {
                    self.supervisor.handle(clock::now(), event);
                }
            }
            Input::Rehearse(command, answer) => self.rehearse(command, answer),
            Input::Settled(upto, error) => self.settle(upto, error.as_deref()),
            Input::End => return false,
        }
        true
    }

    /// What a command would be answered with: a copy of the supervisor decides, and none of its actions are carried out.
    fn rehearse(&self, command: Command, answer: oneshot::Sender<Answer>) {
        let mut copy = self.supervisor.clone();
        while copy.poll_action().is_some() {}
        copy.handle(clock::now(), Event::Command(Ticket(self.last_ticket + 1), command));
        let mut reply = None;
        while let Some(action) = copy.poll_action() {
            if let Action::Reply(Ticket(ticket), found) = action
                && ticket == self.last_ticket + 1
            {
                reply = Some(found);
            }
        }
        // A command that waits although it was told not to has no answer; who asked is told by the sender's end.
        if let Some(reply) = reply {
            drop(answer.send(Answer { reply, not_durable: None }));
        }
    }

    fn carry_out(&mut self) {
        while let Some(illegal) = self.supervisor.poll_illegal() {
            crate::say::error(&format!("failed to {illegal}; this is a bug of svcctl, please report it"));
        }
        while let Some(action) = self.supervisor.poll_action() {
            if let Some(step) = self.barrier.push(action) {
                self.perform(step);
            }
        }
    }

    fn settle(&mut self, upto: u64, error: Option<&str>) {
        if let Some(error) = error {
            crate::say::warn(&format!(
                "{error}; what was asked is done, but may be forgotten at the next start"
            ));
        }
        if let Some((own, nudge)) = &self.files
            && own.settle(upto)
        {
            nudge.now();
        }
        for step in self.barrier.settle(upto, error) {
            self.perform(step);
        }
    }

    fn perform(&mut self, step: Step) {
        match step {
            Step::Act(action) => {
                if let Some(event) = self.executor.execute(action) {
                    self.supervisor.handle(clock::now(), event);
                }
            }
            Step::Persist(number, persist) => {
                if let Persist::Forget(name) = &persist {
                    self.executor.forget(name);
                }
                if let Some((own, _)) = &self.files {
                    own.begin(number, &persist);
                }
                if let Err(why) = self.store.submit(number, persist) {
                    self.settle(number, Some(&why));
                }
            }
            Step::Behind(persist) => {
                if let Err(why) = self.store.submit_behind(persist) {
                    crate::say::warn(&format!("what is known of a run is not kept: {why}"));
                }
            }
            Step::Reply(ticket, reply, not_durable) => self.answer(ticket, reply, not_durable),
        }
    }

    fn answer(&mut self, ticket: Ticket, reply: Reply, not_durable: Option<String>) {
        let receiver = self.waiting.remove(&ticket);
        debug_assert!(receiver.is_some(), "{ticket:?} was answered twice");
        if let Some(receiver) = receiver {
            // A client that has gone away wants no answer.
            drop(receiver.send(Answer { reply, not_durable }));
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
enum Next {
    Input(Input),
    Deadline,
    Ended,
}

/// Starts the driver's thread, which holds `lifeline`.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn start(
    lifeline: Lifeline,
    driver: Driver,
    inputs: Receiver<Input>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name("driver".to_owned()).spawn(move || {
        let _held = lifeline;
        driver.run(&inputs);
    })
}
