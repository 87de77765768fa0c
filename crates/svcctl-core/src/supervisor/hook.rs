//! Hooks: programs around the life of a process. Which one runs follows from the state of the slot, so that there is
//! never more than one, and none outlives the state that it belongs to. An engine that dies takes its hooks along; the
//! next one runs again what was not done: each hook runs at least once for its occasion.

use super::Supervisor;
use super::action::{Action, HookRun, NoteKind, NoteLevel};
use super::event::{HookId, HookResult, HookWhat};
use super::restart::Outcome;
use super::slot::{Attempt, Main, Progress, Reloading, Running, Stage, Starting, State};
use super::state::Phase;
use crate::ident::ServiceName;
use crate::spec::ServiceSpec;
use crate::spec::model::{Hook, ReloadHow, StopStep};

impl Supervisor {
    /// Brings the hook that runs for `name` in line with its state: cancels what belongs there no more, and runs what
    /// is to run.
    pub(super) fn follow_hook(&mut self, name: &ServiceName) {
        let Some(slot) = self.slot_mut(name) else { return };
        let wanted = slot.state.hook();
        if slot.hook == wanted {
            return;
        }
        let old = slot.hook.take();
        let run = wanted.clone().and_then(|id| {
            let attempt = slot.state.attempt()?;
            let hook = hook_of(&attempt.spec, &id)?.clone();
            let exit = match id.what {
                HookWhat::AfterExit => Some(slot.last_status()),
                HookWhat::BeforeStart
                | HookWhat::AfterStart
                | HookWhat::BeforeStop
                | HookWhat::Reload
                | HookWhat::StopStep => None,
            };
            let pid = slot.state.process().map(|process| process.pid);
            Some(HookRun { id, spec: attempt.spec.clone(), hook, pid, exit })
        });
        slot.hook = run.as_ref().map(|run| run.id.clone());
        self.actions.extend(old.map(Action::CancelHook));
        match (run, wanted) {
            (Some(run), _) => self.actions.push_back(Action::RunHook(run)),
            // The specification has it no more.
            (None, Some(id)) => self.hook_over(&id, Ok(())),
            (None, None) => {}
        }
    }

    /// A hook is done.
    pub(super) fn handle_hook_done(&mut self, id: &HookId, result: HookResult) {
        let Some(slot) = self.holder(&id.id) else { return };
        if slot.hook.as_ref() != Some(id) {
            return;
        }
        slot.hook = None;
        let pid = slot.state.process().map(|process| process.pid);
        let result = match result {
            HookResult::Ok => Ok(()),
            HookResult::Failed(why) => {
                let message = format!("its {} hook {why}", id.what.word());
                let name = &id.id.slot.name;
                self.note(name, pid, NoteKind::Hook, NoteLevel::Warn, message.clone());
                Err(message)
            }
        };
        self.hook_over(id, result);
    }

    /// Goes on after a hook.
    fn hook_over(&mut self, id: &HookId, result: Result<(), String>) {
        let name = &id.id.slot.name;
        match id.what {
            HookWhat::BeforeStart => self.before_start_over(name, id.index, result),
            HookWhat::AfterStart => {
                let Some(slot) = self.slot_mut(name) else { return };
                let State::Running(Running { attempt, after, .. }) = &mut slot.state else { return };
                *after = next(id.index, &attempt.spec.hooks.after_start);
                self.remember(name);
                self.follow_hook(name);
            }
            HookWhat::BeforeStop => {
                let Some(stopping) = self.stopping_mut(name) else { return };
                let Progress::BeforeStop { index, .. } = &mut stopping.progress else { return };
                match next(id.index, &stopping.attempt.spec.hooks.before_stop) {
                    Some(following) => {
                        *index = following;
                        self.remember(name);
                        self.follow_hook(name);
                    }
                    None => self.begin_steps(name),
                }
            }
            HookWhat::AfterExit => {
                let Some(stopping) = self.stopping_mut(name) else { return };
                let Progress::AfterExit { index } = &mut stopping.progress else { return };
                match next(id.index, &stopping.attempt.spec.hooks.after_exit) {
                    Some(following) => {
                        *index = following;
                        self.remember(name);
                        self.follow_hook(name);
                    }
                    None => self.stopped(name, None),
                }
            }
            HookWhat::StopStep => {
                let Some(stopping) = self.stopping_mut(name) else { return };
                let Progress::Step { runs, .. } = &mut stopping.progress else { return };
                *runs = false;
                match (result, stopping.main) {
                    (Err(_), Main::Alive(_)) => self.skip_step(name),
                    (Ok(()) | Err(_), _) => self.remember(name),
                }
            }
            HookWhat::Reload => self.reload_over(name, result),
        }
    }

    fn before_start_over(&mut self, name: &ServiceName, done: u16, result: Result<(), String>) {
        let Some(service) = self.services.get_mut(name) else { return };
        let slot = &mut service.slot;
        let State::Starting(Starting { attempt, stage, .. }) = &mut slot.state else { return };
        if let Err(message) = result {
            slot.history.spawn_error = Some(message.clone());
            return self.judge(name, &Outcome::NoProcess(message), None);
        }
        if let Some(following) = next(done, &attempt.spec.hooks.before_start) {
            *stage = Stage::Hook(following);
            self.remember(name);
            return self.follow_hook(name);
        }
        *stage = Stage::Spawning;
        let Attempt { id, spec, revision } = attempt.clone();
        let memo = slot.memo(&service.job);
        self.actions.push_back(Action::Spawn { id, spec, revision, memo });
    }

    /// The command of a reload is over: once more if something changed meanwhile, else its tickets are answered.
    fn reload_over(&mut self, name: &ServiceName, result: Result<(), String>) {
        let Some(slot) = self.slot_mut(name) else { return };
        let State::Running(Running { reload, process, .. }) = &mut slot.state else { return };
        let pid = process.pid;
        match *reload {
            Reloading::Again => {
                *reload = Reloading::Once;
                return self.follow_hook(name);
            }
            Reloading::Once | Reloading::No => *reload = Reloading::No,
        }
        self.remember(name);
        match result {
            Ok(()) => {
                let message = "reloaded by its command".to_owned();
                self.note(name, Some(pid), NoteKind::Config, NoteLevel::Info, message);
                self.ticket_reloaded(name);
            }
            Err(why) => self.ticket_not_reloaded(name, &why),
        }
    }

    /// Whether the hooks of `after_exit` are run for the attempt in `name` when nothing is left of it.
    pub(super) fn has_after_exit(&self, name: &ServiceName) -> bool {
        let killing = matches!(self.life, super::Life::Ending { killing: true });
        let attempt = self.services.get(name).and_then(|service| service.slot.state.attempt());
        !killing && attempt.is_some_and(|attempt| !attempt.spec.hooks.after_exit.is_empty())
    }

    /// Tells of something that is no change of state.
    pub(super) fn note(
        &mut self,
        name: &ServiceName,
        pid: Option<u32>,
        kind: NoteKind,
        level: NoteLevel,
        message: String,
    ) {
        let note = super::action::Note { name: name.clone(), at: self.now, pid, kind, level, message };
        self.actions.push_back(Action::Note(note));
    }

    /// Whether `name` runs.
    pub(super) fn runs(&self, name: &ServiceName) -> bool {
        self.services.get(name).is_some_and(|service| service.slot.state.phase() == Phase::Running)
    }
}

/// The place after `index`, if the list goes on.
fn next(index: u16, hooks: &[Hook]) -> Option<u16> {
    let following = index.checked_add(1)?;
    (usize::from(following) < hooks.len()).then_some(following)
}

/// What a hook is by the specification.
fn hook_of<'a>(spec: &'a ServiceSpec, id: &HookId) -> Option<&'a Hook> {
    let index = usize::from(id.index);
    match id.what {
        HookWhat::BeforeStart => spec.hooks.before_start.get(index),
        HookWhat::AfterStart => spec.hooks.after_start.get(index),
        HookWhat::BeforeStop => spec.hooks.before_stop.get(index),
        HookWhat::AfterExit => spec.hooks.after_exit.get(index),
        HookWhat::Reload => match spec.reload.as_ref().map(|reload| &reload.how) {
            Some(ReloadHow::Command(hook)) => Some(hook),
            Some(ReloadHow::Signal(_) | ReloadHow::Restart) | None => None,
        },
        HookWhat::StopStep => match spec.stop.steps.get(index) {
            Some(StopStep::Command { command, .. }) => Some(command),
            Some(StopStep::Signal { .. } | StopStep::KillTree) | None => None,
        },
    }
}
