//! Whether a program ends with code 0.

use super::target;
use crate::auxiliary::{Auxiliary, Output, Run, RunId, key_of_probe, place_of_probe, probe_word};
use crate::prepare::{Extra, Wanted};
use std::sync::Arc;
use svcctl_core::spec::Template;
use svcctl_core::supervisor::action::Probe;
use svcctl_core::supervisor::event::HookResult;
use tokio::sync::oneshot;

/// One attempt, which ends its program when it is dropped.
pub(super) async fn ask(auxiliary: &Auxiliary, probe: &Probe, words: &[Template]) -> Result<(), String> {
    let (sender, receiver) = oneshot::channel();
    let word = probe_word(probe.id.what);
    let variables = vec![("SVCCTL_SERVICE", probe.spec.name.to_string()), ("SVCCTL_PROBE", word.to_owned())];
    let extra =
        Extra { at: format!("{}.exec", place_of_probe(probe.id.what)), exec: words.to_vec(), variables };
    let run = auxiliary.run(Run {
        key: key_of_probe(&probe.id),
        wanted: Wanted { spec: Arc::clone(&probe.spec), extra: Some(extra) },
        timeout: probe.timeout,
        output: Output::Unseen,
        done: Box::new(move |result| drop(sender.send(result))),
    });
    let mut ended = Ended { auxiliary, run: Some(run) };
    let result = receiver.await;
    ended.run = None;
    match result {
        Ok(HookResult::Ok) => Ok(()),
        Ok(HookResult::Failed(why)) => Err(format!("{} {why}", target(&probe.check))),
        Err(_) => Err(format!("{} was not run", target(&probe.check))),
    }
}

struct Ended<'a> {
    auxiliary: &'a Auxiliary,
    run: Option<RunId>,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if let Some(run) = self.run {
            self.auxiliary.cancel(run);
        }
    }
}
