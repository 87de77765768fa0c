//! The peers with one service each: supervisors of Debian, set up to keep one program alive in a directory.

use super::fleet::run_script;
use super::guard::{Guarded, Times};
use crate::test::find_program;
use anyhow::{Context, Result};
use std::path::Path;

/// One peer.
pub(super) struct Peer {
    /// Debian's package.
    pub(super) package: &'static str,
    /// Its program.
    pub(super) program: &'static str,
    prepare: fn(&Path, &[String]) -> Result<Vec<String>>,
}

pub(super) const PEERS: &[Peer] = &[
    Peer { package: "runit", program: "runsv", prepare: directory },
    Peer { package: "s6", program: "s6-supervise", prepare: directory },
    Peer { package: "supervisor", program: "supervisord", prepare: supervisord_conf },
];

impl Peer {
    /// Lets it keep the program `exec` alive, with its files in `place`; `None` if it is not installed.
    ///
    /// # Errors
    /// Its files cannot be written, or it cannot be started.
    pub(super) fn start(&self, place: &Path, exec: &[String]) -> Result<Option<Guarded>> {
        let Some(program) = find_program(self.program) else { return Ok(None) };
        std::fs::create_dir_all(place).with_context(|| format!("failed to make {}", place.display()))?;
        let mut words = vec![program.to_string_lossy().into_owned()];
        words.extend((self.prepare)(place, exec)?);
        Guarded::start(Times::Once, &words, place).map(Some)
    }
}

/// runit and s6: a directory with an executable `run`.
fn directory(place: &Path, exec: &[String]) -> Result<Vec<String>> {
    let words: Vec<String> = exec.iter().map(|word| format!("'{word}'")).collect();
    run_script(place, &words.join(" "))?;
    Ok(vec![place.to_string_lossy().into_owned()])
}

/// supervisord: restarts at once, as often as it takes.
fn supervisord_conf(place: &Path, exec: &[String]) -> Result<Vec<String>> {
    let conf = place.join("supervisord.conf");
    let (directory, command) = (place.display(), exec.join(" "));
    let text = format!(
        "[supervisord]\nlogfile={directory}/log\npidfile={directory}/pid\nchildlogdir={directory}\n[program:bench]\n\
         command={command}\nautorestart=true\nstartsecs=0\nstartretries=1000000\n"
    );
    std::fs::write(&conf, text).context("failed to write supervisord.conf")?;
    Ok(vec!["-n".to_owned(), "-c".to_owned(), conf.to_string_lossy().into_owned()])
}
