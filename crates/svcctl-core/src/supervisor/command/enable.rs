//! `enable` and `disable`: whether a boot of the machine starts a service.

use super::super::Supervisor;
use super::super::event::{Request, Ticket};
use super::super::reply::{Refusal, Reply};
use super::entries;
use crate::ident::ServiceName;
use crate::spec::ServiceSpec;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Supervisor {
    /// Sets `autostart`, durably and as a new revision; nothing is started or stopped.
    pub(super) fn enable(
        &mut self,
        ticket: Ticket,
        request: &Request,
        autostart: bool,
    ) -> Result<(), Refusal> {
        self.check_known(request)?;
        let targets: BTreeSet<ServiceName> = request.names.iter().cloned().collect();
        let mut changed = BTreeSet::new();
        for name in &targets {
            let Some(service) = self.services.get(name) else { continue };
            if service.spec.autostart == autostart {
                continue;
            }
            let (old, revision) = (service.spec.clone(), service.revision + 1);
            let new = Arc::new(ServiceSpec { autostart, ..ServiceSpec::clone(&old) });
            // The text that it was read from says something else now; the store changes that word in it if it can.
            self.replace(&old, new, None, revision);
            changed.insert(name.clone());
        }
        let done = entries(&targets, &request.names, &changed).into_values().collect();
        self.reply(ticket, Reply::Done(done));
        Ok(())
    }
}
