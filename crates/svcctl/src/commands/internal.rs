//! What svcctl starts itself as: the engine under its keeper, and the helper that becomes a service's program.

use crate::args::EngineArgs;
use crate::context::Context;
use svcctl_engine::EngineConfig;
use svcctl_os::paths::Scope;

/// The argument that makes this binary the exec helper.
pub(crate) const EXEC: &str = svcctl_os::process::HELPER_VERB;
/// The argument that makes this binary an engine.
pub(crate) const ENGINE: &str = "__engine";

/// Becomes the program that the keeper described; returns only when that failed.
pub(crate) fn exec() -> u8 {
    svcctl_os::process::helper_main()
}

/// Runs the engine until it ends.
pub(super) fn engine(context: Context, args: EngineArgs) -> u8 {
    svcctl_engine::main(EngineConfig {
        paths: context.paths,
        id: args.id,
        system: context.scope == Scope::System,
        run_spec: args.run_spec,
        echo: args.echo,
    })
}
