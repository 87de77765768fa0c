//! What a program gets: its words, environment and directory with every placeholder replaced, from the specification,
//! the files that it names, and the daemon's environment.
//!
//! What needs no file is prepared at once. Files are read on threads that may hang, and after [`READ_TIMEOUT`] the
//! attempt has failed; so a dead file system holds up the services that need it and no others.

mod env_file;
mod read;
mod scope;

pub(crate) use scope::{Environment, OF_THE_USER, OWN_PREFIX};

use crate::image;
use crate::lifeline::Lifeline;
use crate::offload::Offload;
use scope::{Scope, Variables, has_placeholders, names_a_file};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use svcctl_core::spec::{ServiceSpec, Template};
use svcctl_keeper::protocol::Image;

/// How long the files of one attempt may take to be read.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How many threads may hang in files. A service has one of them at most, and its hooks one each.
const READERS_MAX: usize = 64;

/// A program that is wanted: a service's own, or one that is run for it.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The service.
    pub(crate) spec: Arc<ServiceSpec>,
    /// What is run for it, as it is; absent for the service's own program.
    pub(crate) extra: Option<Extra>,
}

/// A program that is run for a service.
#[derive(Clone, Debug)]
pub(crate) struct Extra {
    /// Where it stands in the specification: `hooks.before_start[0].exec`.
    pub(crate) at: String,
    /// Program and arguments.
    pub(crate) exec: Vec<Template>,
    /// What it is told about the service.
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Wanted {
    /// The words of the program, and where they stand.
    pub(crate) fn exec(&self) -> (&str, &[Template]) {
        self.extra.as_ref().map_or(("exec", self.spec.exec.as_slice()), |extra| (&extra.at, &extra.exec))
    }

    /// What the program is told about the service.
    pub(crate) fn variables(&self) -> &[(&'static str, String)] {
        self.extra.as_ref().map_or(&[], |extra| &extra.variables)
    }

    /// Whether files must be read first.
    pub(crate) fn needs_files(&self) -> bool {
        spec_needs_files(&self.spec) || self.spec.cwd.iter().chain(self.exec().1).any(names_a_file)
    }

    /// The files, as the specification names them.
    fn files(&self) -> String {
        let listed = self.spec.env_file.iter().map(|file| file.path.to_string());
        let placed = self.spec.env.values().chain(&self.spec.cwd).chain(self.exec().1);
        let placed = placed.filter(|template| names_a_file(template)).flat_map(|template| {
            template.placeholders().filter_map(|placeholder| match placeholder {
                svcctl_core::spec::template::Placeholder::File(path) => Some(path.to_owned()),
                svcctl_core::spec::template::Placeholder::Variable { .. } => None,
            })
        });
        listed.chain(placed).collect::<Vec<_>>().join(", ")
    }
}

fn spec_needs_files(spec: &ServiceSpec) -> bool {
    !spec.env_file.is_empty() || spec.env.values().any(names_a_file)
}

/// What placeholders of one service stand for at one moment.
pub(crate) struct Setting<'a> {
    spec: &'a ServiceSpec,
    daemon: &'a Environment,
    variables: Variables,
    told: BTreeMap<String, String>,
}

impl<'a> Setting<'a> {
    /// Reads what is to be read. `told` are variables that outrank all others.
    ///
    /// # Errors
    /// A sentence fragment for people.
    pub(crate) fn of(
        spec: &'a ServiceSpec,
        told: &[(&'static str, String)],
        daemon: &'a Environment,
    ) -> Result<Self, String> {
        let variables = Variables::of(spec, daemon)?;
        let told = told.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Ok(Self { spec, daemon, variables, told })
    }

    /// What the template at the place `at` means.
    ///
    /// # Errors
    /// A sentence fragment for people.
    pub(crate) fn expand(&self, at: &str, template: &Template) -> Result<String, String> {
        let Variables { files, env } = &self.variables;
        let layers = vec![&self.told, env, files];
        Scope { spec: self.spec, layers, called: "env, env_file", daemon: self.daemon }.expand(at, template)
    }

    /// The variables that are set for the program, whatever the daemon has.
    pub(crate) fn assigned(&self) -> BTreeMap<&str, &str> {
        let Variables { files, env } = &self.variables;
        let all = files.iter().chain(env).chain(&self.told);
        all.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// Is given the image, or the sentence fragment that says why there is none.
pub(crate) type Done = Box<dyn FnOnce(Result<Image, String>) + Send>;

/// What a text means, or the sentence fragment that says why that is not known.
pub(crate) enum Text {
    /// It needed no file.
    Known(Result<String, String>),
    /// This reads files, which may hang.
    InFiles(Box<dyn FnOnce() -> Result<String, String> + Send>),
}

/// Prepares programs; clones are the same one.
#[derive(Clone)]
pub(crate) struct Preparer {
    readers: Offload,
    queue: Sender<Message>,
}

enum Message {
    Job { key: String, wanted: Wanted, done: Done },
    Read { key: String, number: u64, result: Result<Image, String> },
}

impl Preparer {
    /// Starts its thread, which lives as long as the process and holds `lifeline`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(lifeline: Lifeline) -> std::io::Result<Self> {
        Self::with_timeout(READ_TIMEOUT, lifeline)
    }

    fn with_timeout(timeout: Duration, lifeline: Lifeline) -> std::io::Result<Self> {
        let readers = Offload::new("reader", READERS_MAX);
        let (queue, messages) = channel();
        let jobs = Jobs {
            timeout,
            readers: readers.clone(),
            open: BTreeMap::new(),
            reading: BTreeSet::new(),
            last: 0,
        };
        let back = queue.clone();
        std::thread::Builder::new().name("prepare".to_owned()).spawn(move || {
            let _held = lifeline;
            jobs.run(&messages, &back);
        })?;
        Ok(Self { readers, queue })
    }

    /// The image, if no file is needed for it.
    pub(crate) fn now(wanted: &Wanted) -> Option<Result<Image, String>> {
        (!wanted.needs_files()).then(|| image::of(wanted, &environment()))
    }

    /// Reads the files and gives the image to `done`, on a thread of its own, which `done` must not hold up for long.
    /// Of the same `key`, one at a time is prepared.
    pub(crate) fn later(&self, key: String, wanted: Wanted, done: Done) {
        drop(self.queue.send(Message::Job { key, wanted, done }));
    }

    /// What a text of the specification means now; `at` is its place there.
    pub(crate) fn text(spec: &Arc<ServiceSpec>, at: String, template: &Template) -> Text {
        if !has_placeholders(template) {
            return Text::Known(Ok(template.as_literal().unwrap_or_default()));
        }
        let (spec, template) = (Arc::clone(spec), template.clone());
        let needs_files = spec_needs_files(&spec) || names_a_file(&template);
        let expand = move || {
            let daemon = environment();
            Setting::of(&spec, &[], &daemon)?.expand(&at, &template)
        };
        if needs_files { Text::InFiles(Box::new(expand)) } else { Text::Known(expand()) }
    }

    /// Threads for what else may hang in the file system.
    pub(crate) fn readers(&self) -> &Offload {
        &self.readers
    }
}

/// What is being prepared.
struct Jobs {
    timeout: Duration,
    readers: Offload,
    open: BTreeMap<u64, Open>,
    /// For whom a thread is reading; it may be one whose time is over.
    reading: BTreeSet<String>,
    last: u64,
}

struct Open {
    deadline: Instant,
    files: String,
    done: Done,
}

impl Jobs {
    /// `back` is where readers report.
    fn run(mut self, messages: &Receiver<Message>, back: &Sender<Message>) {
        loop {
            match self.next(messages) {
                Ok(message) => self.take(message, back),
                Err(RecvTimeoutError::Timeout) => self.give_up(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn next(&self, messages: &Receiver<Message>) -> Result<Message, RecvTimeoutError> {
        match self.open.values().map(|open| open.deadline).min() {
            Some(deadline) => messages.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn take(&mut self, message: Message, back: &Sender<Message>) {
        match message {
            Message::Job { key, wanted, done } => {
                let files = wanted.files();
                if !self.reading.insert(key.clone()) {
                    return done(Err(format!("reading its files ({files}) hangs since an earlier attempt")));
                }
                self.last += 1;
                let number = self.last;
                self.open.insert(number, Open { deadline: Instant::now() + self.timeout, files, done });
                let back = back.clone();
                self.readers.start(move || {
                    let result = image::of(&wanted, &environment());
                    drop(back.send(Message::Read { key, number, result }));
                });
            }
            Message::Read { key, number, result } => {
                self.reading.remove(&key);
                if let Some(open) = self.open.remove(&number) {
                    (open.done)(result);
                }
            }
        }
    }

    fn give_up(&mut self, now: Instant) {
        let late: Vec<u64> =
            self.open.iter().filter(|(_, open)| open.deadline <= now).map(|(number, _)| *number).collect();
        for open in late.into_iter().filter_map(|number| self.open.remove(&number)) {
            let within = svcctl_core::spec::duration::for_people(self.timeout);
            (open.done)(Err(format!("its files ({}) could not be read within {within}", open.files)));
        }
    }
}

/// The daemon's own environment.
pub(crate) fn environment() -> Environment {
    std::env::vars_os().map(|(name, value)| (name.into_encoded_bytes(), value.into_encoded_bytes())).collect()
}

#[cfg(test)]
mod tests;
