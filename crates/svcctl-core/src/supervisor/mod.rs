//! The supervisor: a state machine that is told what happened and says what to do.
//!
//! `handle(now, event)` takes one event, `poll_action()` gives what is to be carried out, in order, and
//! `poll_timeout()` tells when `handle_timeout(now)` is due. The owner (the engine's driver; in tests, the simulated
//! world) executes every action and reports what came of it. See `docs/ARCHITECTURE.md` for the contract.
//!
//! Invariants: at most one attempt in a slot, from its `Spawn` until nothing of its tree is left; a spawn only while
//! the service is wanted up and its gates are open; every ticket is answered once; what an event costs depends on the
//! services it concerns, never on how many there are. Deliberately absent: handovers and more than one slot a service,
//! which come with their own parts.

pub mod action;
mod adopt;
mod command;
mod deps;
pub mod event;
mod flow;
mod gate;
mod health;
mod hook;
mod job;
pub mod memo;
mod orphan;
mod process;
pub mod reply;
mod restart;
mod show;
mod slot;
pub mod state;
mod stop;
mod text;
mod ticket;
mod timer;
pub mod view;
mod watch;

use crate::ident::{Generation, ServiceName};
use crate::rng::Rng;
use crate::schedule::SharedZones;
use crate::time::{Mono, Now};
use action::Action;
use deps::Dependants;
use event::Event;
use orphan::Orphans;
use slot::Service;
use state::IllegalTransition;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use ticket::Tickets;
use timer::{Timer, Timers};

/// The most refused transitions that are kept until the shell asks for them; one is a defect already.
const ILLEGAL_MAX: usize = 16;

/// Decides for all services of one engine.
#[derive(Clone, Debug)]
pub struct Supervisor {
    services: BTreeMap<ServiceName, Service>,
    dependants: Dependants,
    orphans: Orphans,
    tickets: Tickets,
    timers: Timers,
    /// Services to be looked at again before the event is done: a gate may have opened, a dependant may be gone.
    unsettled: BTreeSet<ServiceName>,
    /// What is to be carried out; the shell takes all of it after each event.
    actions: VecDeque<Action>,
    illegal: VecDeque<IllegalTransition>,
    life: Life,
    rng: Rng,
    zones: SharedZones,
    /// The time of the event that is being handled.
    now: Now,
    /// No process of a service that was forgotten had a greater number.
    forgotten: Generation,
}

/// What part of its life the engine is in.
#[derive(Clone, Debug)]
enum Life {
    /// It is being told what there is; anything else waits. The shell tells only what is there already, so that this
    /// is not longer than its own bounded queue.
    Restoring { waiting: Vec<Event> },
    /// The usual.
    Working,
    /// Everything is being stopped; `killing` once the deadline has passed.
    Ending { killing: bool },
}

impl Supervisor {
    /// A supervisor without services. `seed` is for the jitter of pauses; the same seed and the same events give the
    /// same actions. It waits for [`Event::Resumed`]: what comes before it, other than `Restored` and `Adopted`, is
    /// taken up then.
    ///
    /// `zones` gives the time zones that schedules are read in.
    pub fn new(seed: u64, zones: SharedZones) -> Self {
        Self {
            zones,
            services: BTreeMap::new(),
            dependants: Dependants::default(),
            orphans: Orphans::default(),
            tickets: Tickets::default(),
            timers: Timers::default(),
            unsettled: BTreeSet::new(),
            actions: VecDeque::new(),
            illegal: VecDeque::new(),
            life: Life::Restoring { waiting: Vec::new() },
            rng: Rng::new(seed),
            now: Now::default(),
            forgotten: Generation(0),
        }
    }

    /// Takes one event. `now` must not be earlier than at the call before.
    pub fn handle(&mut self, now: Now, event: Event) {
        self.now = now;
        match (event, &mut self.life) {
            (Event::Restored(restored), _) => self.handle_restored(&restored),
            (Event::Adopted(adopted), _) => self.handle_adopted(adopted),
            (Event::Resumed, _) => self.handle_resumed(),
            (event, Life::Restoring { waiting }) => waiting.push(event),
            (event, Life::Working | Life::Ending { .. }) => self.dispatch(event),
        }
        self.settle();
    }

    /// Takes up what is due at `now`; to be called when the time of [`Supervisor::poll_timeout`] has come. A call
    /// that is too early does nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        if matches!(self.life, Life::Restoring { .. }) {
            return;
        }
        self.now = now;
        while let Some(timer) = self.timers.pop_due(now.mono) {
            match timer {
                Timer::Slot(slot) => self.slot_timeout(&slot.name),
                Timer::Job(slot) => self.look_at_clock(&slot.name),
                Timer::Ticket(ticket) => self.ticket_timeout(ticket),
            }
            self.settle();
        }
    }

    /// The next action to be carried out.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Supervisor::handle_timeout`] is due; `None` while nothing is.
    pub fn poll_timeout(&self) -> Option<Mono> {
        match self.life {
            Life::Restoring { .. } => None,
            Life::Working | Life::Ending { .. } => self.timers.next(),
        }
    }

    /// A transition that was refused because the table does not have it. There is none unless this crate has a
    /// defect; the shell writes it to its log.
    pub fn poll_illegal(&mut self) -> Option<IllegalTransition> {
        self.illegal.pop_front()
    }

    fn dispatch(&mut self, event: Event) {
        match event {
            Event::Command(ticket, command) => self.handle_command(ticket, command),
            Event::Restored(restored) => self.handle_restored(&restored),
            Event::Adopted(adopted) => self.handle_adopted(adopted),
            Event::Resumed => self.handle_resumed(),
            Event::Spawned(id, process) => self.handle_spawned(&id, process),
            Event::SpawnFailed(id, error) => self.handle_spawn_failed(&id, &error),
            Event::Exited { id, status, tree_empty } => self.handle_exited(&id, status, tree_empty),
            Event::TreeEmpty(id) => self.handle_tree_empty(&id),
            Event::TreeStuck(id, pids) => self.handle_tree_stuck(&id, pids),
            Event::Probe(probe, result) => self.handle_probe(&probe, result),
            Event::HookDone(hook, result) => self.handle_hook_done(&hook, result),
            Event::Changed(watch, paths) => self.handle_changed(&watch, paths),
            Event::ClockJumped => self.handle_clock_jumped(),
        }
    }

    fn is_ending(&self) -> bool {
        matches!(self.life, Life::Ending { .. })
    }
}
