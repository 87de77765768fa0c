//! `signal` and `reload`: what is said to processes that run.

use super::super::Supervisor;
use super::super::action::{Action, NoteKind, NoteLevel};
use super::super::event::{Request, Ticket};
use super::super::reply::Refusal;
use super::super::reply::Reply;
use super::super::slot::{Reloading, Running, Stage, Starting, State};
use super::super::ticket::{Goal, Pledge};
use super::entries;
use crate::ident::ServiceName;
use crate::spec::model::{ReloadHow, Signal};
use std::collections::BTreeSet;

impl Supervisor {
    /// Sends a signal to the main process of each named service.
    pub(super) fn signal_all(
        &mut self,
        ticket: Ticket,
        request: &Request,
        signal: Signal,
    ) -> Result<(), Refusal> {
        self.check_known(request)?;
        let there = |state: &State| {
            matches!(
                state,
                State::Running(_) | State::Starting(Starting { stage: Stage::Probing { .. }, .. })
            )
        };
        for name in &request.names {
            if !self.services.get(name).is_some_and(|service| there(&service.slot.state)) {
                let why = format!("is not running; start it with: svcctl start {name}");
                return Err(Refusal::NotApplicable(name.clone(), why));
            }
        }
        let targets: BTreeSet<ServiceName> = request.names.iter().cloned().collect();
        for name in &targets {
            self.send_signal(name, signal, NoteKind::Command, "sent");
        }
        let done = entries(&targets, &request.names, &targets).into_values().collect();
        self.reply(ticket, Reply::Done(done));
        Ok(())
    }

    fn send_signal(&mut self, name: &ServiceName, signal: Signal, kind: NoteKind, how: &str) {
        let Some(service) = self.services.get(name) else { return };
        let Some(attempt) = service.slot.state.attempt() else { return };
        let (id, memo) = (attempt.id.clone(), service.slot.memo(&service.job));
        let pid = service.slot.state.process().map(|process| process.pid);
        self.actions.push_back(Action::Signal { id, signal, memo, kill_by: None });
        let message = format!("{how} SIG{}", format!("{signal:?}").to_uppercase());
        self.note(name, pid, kind, NoteLevel::Info, message);
    }

    /// Lets the named services take up their own changed configuration.
    pub(super) fn reload_all(&mut self, ticket: Ticket, request: &Request) -> Result<(), Refusal> {
        self.check_known(request)?;
        let targets: BTreeSet<ServiceName> = request.names.iter().cloned().collect();
        let mut restarted = BTreeSet::new();
        for name in &request.names {
            let Some(service) = self.services.get(name) else { continue };
            let why = match (&service.spec.reload, self.runs(name)) {
                (None, _) => {
                    format!("has no reload; give its specification one, or use: svcctl restart {name}")
                }
                (Some(_), false) => format!("is not running; start it with: svcctl start {name}"),
                (Some(reload), true) => {
                    if reload.how == ReloadHow::Restart {
                        restarted.insert(name.clone());
                    }
                    continue;
                }
            };
            return Err(Refusal::NotApplicable(name.clone(), why));
        }
        self.check_not_held(&restarted, &restarted)?;
        for name in &targets {
            self.reload(name);
        }
        self.settle();
        let (no_wait, deadline) = (request.no_wait, request.deadline);
        let targets = entries(&targets, &request.names, &targets);
        self.pledge(Pledge { ticket, goal: Goal::Reload, targets, no_wait, deadline });
        Ok(())
    }

    /// The configuration of `name` changed by itself.
    pub(in crate::supervisor) fn reload_changed(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get(name) else { return };
        let restart = service.spec.reload.as_ref().is_some_and(|reload| reload.how == ReloadHow::Restart);
        if !self.runs(name) || (restart && service.held.is_some()) {
            return;
        }
        let message = "its configuration changed".to_owned();
        self.note(name, None, NoteKind::Config, NoteLevel::Info, message);
        self.reload(name);
    }

    fn reload(&mut self, name: &ServiceName) {
        let Some(service) = self.services.get_mut(name) else { return };
        let Some(how) = service.spec.reload.as_ref().map(|reload| reload.how.clone()) else { return };
        match how {
            ReloadHow::Signal(signal) => self.send_signal(name, signal, NoteKind::Config, "reloaded by"),
            ReloadHow::Restart => {
                self.bring_up_afresh(name);
            }
            ReloadHow::Command(_) => {
                let running = service.slot.hook.as_ref().is_some_and(|hook| hook.what.word() == "reload");
                let State::Running(Running { reload, .. }) = &mut service.slot.state else { return };
                *reload = if running { Reloading::Again } else { Reloading::Once };
                self.remember(name);
                self.follow_hook(name);
            }
        }
    }
}
