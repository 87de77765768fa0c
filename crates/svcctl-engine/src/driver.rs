//! The loop that owns the supervisor: takes an input or waits for the next deadline, lets the core decide, and has
//! its actions carried out. It waits for nothing else: not for the disk, not for a client, not for a program.

use crate::barrier::{Barrier, Step};
use crate::execute::Executor;
use crate::lifeline::Lifeline;
use crate::queue::{Answer, DriverHandle, Input};
use crate::store::StoreThread;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use svcctl_core::supervisor::Supervisor;
use svcctl_core::supervisor::action::Persist;
use svcctl_core::supervisor::event::{Event, Ticket};
use svcctl_core::supervisor::reply::Reply;
use svcctl_os::clock;
use tokio::sync::oneshot;

/// The supervisor and all that it needs to act.
pub(crate) struct Driver {
    supervisor: Supervisor,
    barrier: Barrier,
    executor: Executor,
    store: StoreThread,
    waiting: BTreeMap<Ticket, oneshot::Sender<Answer>>,
    last_ticket: u64,
}

impl Driver {
    /// A driver with a supervisor whose chance begins at `seed`.
    pub(crate) fn new(seed: u64, executor: Executor, store: StoreThread) -> Self {
        Self {
            supervisor: Supervisor::new(seed),
            barrier: Barrier::default(),
            executor,
            store,
            waiting: BTreeMap::new(),
            last_ticket: 0,
        }
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
            Input::Settled(upto, error) => self.settle(upto, error.as_deref()),
            Input::End => return false,
        }
        true
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
                if let Err(why) = self.store.submit(number, persist) {
                    self.settle(number, Some(&why));
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
    make: impl FnOnce(&DriverHandle) -> std::io::Result<Driver>,
) -> std::io::Result<(DriverHandle, std::thread::JoinHandle<()>)> {
    let (handle, inputs) = crate::queue::queue();
    let driver = make(&handle)?;
    let thread = std::thread::Builder::new().name("driver".to_owned()).spawn(move || {
        let _held = lifeline;
        driver.run(&inputs);
    })?;
    Ok((handle, thread))
}
