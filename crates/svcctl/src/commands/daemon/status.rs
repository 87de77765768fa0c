//! `svcctl daemon status`.

use crate::args::Format;
use crate::context::{Context, block_on};
use crate::error::CliError;
use crate::exit_code;
use crate::output::{self, age};
use jiff::Timestamp;
use svckit::control::client::ClientError;
use svckit::control::types::Version;

pub(super) fn run(context: &Context, format: Format) -> Result<u8, CliError> {
    let version = match block_on(context.ask_daemon(async |daemon| daemon.version().await))? {
        Ok(version) => version,
        Err(ClientError::NoDaemon { .. }) => return Err(context.no_daemon()),
        Err(error) => return Err(error.into()),
    };
    output::answer(format, &version, || text(&version, Timestamp::now()))?;
    Ok(exit_code::DONE)
}

fn text(version: &Version, now: Timestamp) -> String {
    let since = format!("{} ({})", age::moment(&version.since), age::since(&version.since, now));
    let services = version.services;
    let mut text = format!(
        "the daemon runs as pid {}, with {services} service{}\n{:>11}: {}\n{:>11}: pid {}, number {}, since {since}\n",
        version.pid,
        if services == 1 { "" } else { "s" },
        "version",
        version.version,
        "engine",
        version.engine_pid,
        version.engine_number,
    );
    if version.recovery {
        text.push_str(
            "   recovery: engines died in quick succession; it only supervises and takes no changes\n",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_is_told_in_a_few_lines() {
        let version = Version {
            version: "0.1.0".to_owned(),
            api: vec![1],
            engine: "daemon".to_owned(),
            pid: 10,
            engine_pid: 11,
            engine_number: 2,
            since: "2026-11-23T05:33:05Z".to_owned(),
            recovery: false,
            services: 1,
        };
        assert_eq!(
            text(&version, "2026-11-23T05:35:10Z".parse().unwrap()),
            "the daemon runs as pid 10, with 1 service\n    version: 0.1.0\n     engine: pid 11, number 2, since 2026-11-23 05:33:05Z (2 m 5 s)\n"
        );
    }
}
