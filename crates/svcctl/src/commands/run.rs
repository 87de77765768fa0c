//! `svcctl run`: the same engine over one service, which is not stored, in front of a person or as a container's main
//! program.

use super::daemon::{Launch, launch, launch_behind};
use super::internal::ENGINE;
use crate::args::RunArgs;
use crate::context::{Context, RUN_PREFIX};
use crate::document::{self, Specification};
use crate::error::{CliError, failure};
use crate::exit_code;
use crate::output;
use std::ffi::OsString;
use svckit::control::types::FailureKind;

pub(super) fn run(context: &Context, args: &RunArgs) -> Result<u8, CliError> {
    let specification = document::of_run(args)?;
    let name = specification.spec.name.clone();
    if context.paths.services.join(format!("{name}.yaml")).exists() {
        let message = format!(
            "a service {name} is installed, and would write to the same log; choose another name with --name"
        );
        return Err(failure(FailureKind::Conflict, message));
    }
    let keeper = keeper(context, &specification, !args.background);
    if !args.background {
        return launch(context, keeper);
    }
    launch_behind(context, keeper)?;
    output::print(&format!("{name} runs in the background; see: svcctl status {name}\n"))?;
    Ok(exit_code::DONE)
}

/// `echo`: somebody looks on. Behind, what would be shown is in the service's own log, and once is enough.
fn keeper(context: &Context, specification: &Specification, echo: bool) -> Launch {
    let name = &specification.spec.name;
    let id = format!("{RUN_PREFIX}{name}");
    let mut engine_args: Vec<OsString> = vec![ENGINE.into()];
    engine_args.extend(context.arguments());
    engine_args.extend(["--id".into(), id.clone().into()]);
    engine_args.extend(["--run-spec".into(), specification.document.to_string().into()]);
    engine_args.extend(echo.then(|| "--echo".into()));
    Launch {
        engine_args,
        run_dir: context.paths.run.join(id),
        lock: context.paths.service_lock(name.as_str()),
        who: name.to_string(),
    }
}
