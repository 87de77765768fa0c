//! An engine's life: take over from the keeper, serve, end.

use crate::answer::{failure, timestamp};
use crate::api::{About, Api};
use crate::auxiliary::Auxiliary;
use crate::driver::{self, Driver};
use crate::events::{EventLevel, Events};
use crate::execute::{Executor, Observer};
use crate::keeper_link::{self, KeeperSender, Reader, Welcome};
use crate::lifeline::{Lifeline, Lifelines, lifelines};
use crate::logs::{self, Echo, Joiner, LogsConfig, LogsError, LogsHandle};
use crate::pending::{Looking, Nudge, OwnWrites, Pending, PendingConfig};
use crate::prepare::Preparer;
use crate::probes::{Means, Probes};
use crate::queue::{self, DriverHandle, Input};
use crate::roles::Owner;
use crate::run_mode::RunMode;
use crate::store::{Store, StoreThread};
use crate::watches::Watches;
use crate::{EngineConfig, answer, api, say};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use svcctl_core::supervisor::event::{Command, Event, Restored};
use svcctl_keeper::client::Receiver;
use svcctl_keeper::protocol::Request;
use svcctl_os::ipc::Listener;
use svcctl_os::paths::Paths;
use svcctl_os::{clock, descriptor};
use svckit::control::types::{Failure, FailureKind, StopDaemon};
use tokio::sync::{mpsc, oneshot};

/// How long the services have for their end when nobody says otherwise; the keeper kills what is left after that.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(90);
/// How long programs' last output may take to come after their end.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long answers that are being written when the engine ends may take.
const LAST_ANSWERS_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an engine only supervises after several died in quick succession.
const RECOVERY_TIME: Duration = Duration::from_mins(1);
/// How many requests for the end wait; one is enough to end.
const ENDINGS_MAX: usize = 4;

/// An engine at work.
struct Running {
    server: api::Server,
    events: Events,
    keeper: KeeperSender,
    auxiliary: Auxiliary,
    driver: DriverHandle,
    driver_thread: JoinHandle<()>,
    logs: LogsHandle,
    logs_joiner: JoinHandle<Result<(), LogsError>>,
    parts_ended: mpsc::Receiver<&'static str>,
    run_mode: Option<RunMode>,
    spools: PathBuf,
    keeper_is_ending: bool,
    from_keeper: mpsc::Receiver<FromKeeper>,
    endings: mpsc::Receiver<StopDaemon>,
    settled: mpsc::Receiver<()>,
}

/// What concerns the engine as a whole.
enum FromKeeper {
    /// The daemon is to end.
    Shutdown,
    /// The keeper is no more.
    Gone,
}

/// Runs the engine to its end; gives its exit code.
pub(crate) async fn live(config: EngineConfig, keeper: KeeperSender, receiver: Receiver) -> u8 {
    let welcome = match keeper_link::greet(&keeper, &receiver) {
        Ok(welcome) => welcome,
        Err(error) => {
            say::error(&format!("failed to {error}"));
            return 1;
        }
    };
    let first = welcome.engine_number <= 1 && welcome.adopted.is_empty();
    match begin(config, keeper.clone(), receiver, welcome) {
        Ok(running) => running.serve().await,
        Err(failure) if first => {
            let unable =
                Request::Unable { message: failure.message.clone(), exit_code: failure.kind.exit_code() };
            if let Err(error) = keeper.send(&unable, &[]) {
                say::error(&format!("failed to {error}"));
            }
            failure.kind.exit_code()
        }
        Err(failure) => {
            // Services run: what stands in the way may pass, so the keeper tries again, and they go on meanwhile.
            say::error(&failure.message);
            failure.kind.exit_code()
        }
    }
}

fn told(what: &str) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |error| failure(FailureKind::Failed, format!("failed to {what}: {error}"))
}

/// Takes over what the keeper holds and starts every part.
fn begin(
    config: EngineConfig,
    keeper: KeeperSender,
    receiver: Receiver,
    mut welcome: Welcome,
) -> Result<Running, Failure> {
    let fatal = |error: &dyn std::fmt::Display| failure(FailureKind::Failed, format!("failed to {error}"));
    let run_mode = config.run_spec.as_deref().map(RunMode::parse).transpose()?;
    let (store, restored) = open_store(&config, run_mode.as_ref())?;
    let (logs, logs_joiner) = logs::start(logs_config(&config, &keeper)).map_err(|error| fatal(&error))?;
    let listener = listen(&config)?;
    let events = Events::begin(&config, &welcome).map_err(told("start the events thread"))?;
    let (on_settled, settled) = mpsc::channel(1);
    let (driver, inputs) = queue::queue();
    let (lifelines, parts_ended) = lifelines();
    let observer = observer(run_mode.as_ref(), on_settled);
    let executor = executor(&keeper, (&driver, &logs), &lifelines, (observer, &events))
        .map_err(told("start what acts"))?;
    let (probes, auxiliary) = (Arc::clone(&executor.probes), executor.auxiliary.clone());
    let means = means(&executor, &config.paths);
    let logs_joiner = watched(logs_joiner, lifelines.of("logs")).map_err(told("watch the logs thread"))?;
    let looking = Looking::prepare(&config);
    let telling = looking.as_ref().map(Looking::telling);
    let driver_thread = start_driver(executor, (store, telling), &lifelines, (&driver, inputs))
        .map_err(told("start the driver"))?;
    let (to_life, from_keeper) = mpsc::channel(ENDINGS_MAX);
    let (to_end, endings) = mpsc::channel(ENDINGS_MAX);
    let about = about(&config, &welcome);
    let (keeper_is_ending, spools) = (welcome.shutdown, spool_folder(&config.paths, &config.id));
    take_over_extras(&mut welcome, &auxiliary, &probes);
    take_over(restored, welcome, &driver, &logs);
    hear(receiver, (&driver, &logs, &auxiliary), to_life)?;
    tokio::spawn(probes.run(means));
    let owner = Owner { uid: svcctl_os::users::effective_uid(), system: config.system };
    let pending = match looking {
        None => Pending::default(),
        Some(looking) => {
            let (paths, not_before) = (config.paths.clone(), about.recovery_until);
            let (driver, events) = (driver.clone(), events.clone());
            let looked_at = PendingConfig { paths, driver, events, not_before };
            looking.start(looked_at).map_err(told("look at services/"))?
        }
    };
    let (paths, ending) = (config.paths, to_end);
    let shared = (driver.clone(), logs.clone(), events.clone());
    let server = api::serve(listener, move |closing| {
        let (driver, logs, events) = shared;
        Api { driver, logs, paths, owner, about, ending, closing, events, pending }
    });
    if let Err(error) = keeper.send(&Request::Serving, &[]) {
        return Err(fatal(&error));
    }
    Ok(Running {
        server,
        events,
        keeper,
        auxiliary,
        driver,
        driver_thread,
        logs,
        logs_joiner,
        parts_ended,
        run_mode,
        spools,
        keeper_is_ending,
        from_keeper,
        endings,
        settled,
    })
}

fn listen(config: &EngineConfig) -> Result<Listener, Failure> {
    let socket = config.paths.engine_socket(&config.id);
    let mode = if config.system { 0o666 } else { 0o600 };
    Listener::bind(&socket, mode).map_err(told(&format!("listen on {}", socket.display())))
}

/// Hears the keeper, and the clock.
fn hear(
    receiver: Receiver,
    (driver, logs, auxiliary): (&DriverHandle, &LogsHandle, &Auxiliary),
    to_life: mpsc::Sender<FromKeeper>,
) -> Result<(), Failure> {
    let reader = reader(receiver, (driver, logs, auxiliary), to_life);
    reader.start().map_err(told("start the keeper's reader"))?;
    if let Err(error) = watch_clock(driver) {
        say::warn(&format!("{error}; schedules take up a new time with their next deadline"));
    }
    Ok(())
}

fn open_store(config: &EngineConfig, run_mode: Option<&RunMode>) -> Result<(Store, Vec<Restored>), Failure> {
    let fatal = |error: &dyn std::fmt::Display| failure(FailureKind::Failed, format!("failed to {error}"));
    config.paths.ensure().map_err(|error| fatal(&error))?;
    if let Some(run_mode) = run_mode {
        return Ok((Store::ephemeral(), vec![run_mode.restored()]));
    }
    let (mut store, repairs) = Store::open(&config.paths).map_err(|error| fatal(&error))?;
    let boot_id = clock::boot_id().unwrap_or_default();
    let loaded = store.load(&boot_id).map_err(|error| fatal(&error))?;
    for repair in repairs.iter().chain(&loaded.repairs) {
        say::warn(repair);
    }
    Ok((store, loaded.services))
}

fn about(config: &EngineConfig, welcome: &Welcome) -> About {
    About {
        id: config.id.clone(),
        stored: config.run_spec.is_none(),
        keeper_pid: welcome.pid,
        engine_number: welcome.engine_number,
        recovery_until: welcome.recovery.then(|| Instant::now() + RECOVERY_TIME),
        since: timestamp(clock::now().wall),
    }
}

/// Waits for the end of the logs thread on a thread of its own, which holds `lifeline`.
fn watched(joiner: Joiner, lifeline: Lifeline) -> std::io::Result<JoinHandle<Result<(), LogsError>>> {
    std::thread::Builder::new().name("logs-end".to_owned()).spawn(move || {
        let _held = lifeline;
        joiner.join()
    })
}

fn start_driver(
    executor: Executor,
    (store, telling): (Store, Option<(OwnWrites, Nudge)>),
    lifelines: &Lifelines,
    (handle, inputs): (&DriverHandle, std::sync::mpsc::Receiver<Input>),
) -> std::io::Result<JoinHandle<()>> {
    let handle = handle.clone();
    let store = StoreThread::start(store, lifelines.of("store"), move |upto, error| {
        handle.push(Input::Settled(upto, error));
    })?;
    let now = clock::now();
    let seed = now.mono.0 ^ (u64::from(std::process::id()) << 32);
    let driver = Driver::new(seed, executor, store);
    let driver = match telling {
        Some((own, nudge)) => driver.telling(own, nudge),
        None => driver,
    };
    driver::start(lifelines.of("driver"), driver, inputs)
}

/// Tells the driver when the wall clock has been set, by a thread that sleeps until then.
fn watch_clock(driver: &DriverHandle) -> Result<(), clock::JumpError> {
    let driver = driver.clone();
    clock::on_jump(move || driver.push(Input::Event(Event::ClockJumped)))
}

/// What asking questions needs.
fn means(executor: &Executor, paths: &Paths) -> Means {
    Means {
        driver: executor.driver.clone(),
        preparer: executor.preparer.clone(),
        auxiliary: executor.auxiliary.clone(),
        logs: executor.logs.clone(),
        log_folder: paths.logs.clone(),
    }
}

/// Hooks and probes of an earlier engine are ended; what it has seen of its processes' output is looked up.
fn take_over_extras(welcome: &mut Welcome, auxiliary: &Auxiliary, probes: &Probes) {
    for left_over in std::mem::take(&mut welcome.left_over) {
        auxiliary.left_over(left_over);
    }
    for (id, process) in welcome.adopted.iter().filter_map(|adopted| adopted.process.clone()) {
        probes.adopted(id, process);
    }
}

/// What carries out actions, and the threads that it needs.
fn executor(
    keeper: &KeeperSender,
    (driver, logs): (&DriverHandle, &LogsHandle),
    lifelines: &Lifelines,
    (observer, events): (Observer, &Events),
) -> std::io::Result<Executor> {
    let preparer = Preparer::start(lifelines.of("prepare"))?;
    let auxiliary =
        Auxiliary::start(keeper.clone(), preparer.clone(), logs.clone(), lifelines.of("auxiliary"))?;
    Ok(Executor {
        keeper: keeper.clone(),
        preparer,
        driver: driver.clone(),
        preparing: BTreeMap::new(),
        auxiliary,
        hooks: BTreeMap::new(),
        watches: Watches::new(driver.clone(), logs.clone(), lifelines.clone()),
        probes: Arc::new(Probes::default()),
        logs: logs.clone(),
        events: events.clone(),
        observer,
    })
}

/// Under `svcctl run` the engine ends with its one service: told of each state that may be its last.
fn observer(run_mode: Option<&RunMode>, settled: mpsc::Sender<()>) -> Observer {
    if run_mode.is_none() {
        return Box::new(|_| {});
    }
    Box::new(move |transition| {
        if RunMode::may_be_the_end(transition.to) {
            // Where one waits already, it will do for this one too.
            let (Ok(()) | Err(_)) = settled.try_send(());
        }
    })
}

fn take_over(restored: Vec<Restored>, welcome: Welcome, driver: &DriverHandle, logs: &LogsHandle) {
    for service in restored {
        driver.push(Input::Event(Event::Restored(service)));
    }
    for (id, descriptor) in welcome.streams {
        logs.attach(id, descriptor);
    }
    logs.adopted();
    for adopted in welcome.adopted {
        driver.push(Input::Event(Event::Adopted(adopted)));
    }
    if welcome.shutdown {
        // Before work begins, so that nothing is started that is to end anyway. The answer is waited for by the
        // command of the same kind that follows.
        let (answer, _) = oneshot::channel();
        let deadline = clock::now().mono.after(SHUTDOWN_TIMEOUT);
        driver.push(Input::Command(Command::Shutdown { deadline }, answer));
    }
    driver.push(Input::Event(Event::Resumed));
}

fn reader(
    receiver: Receiver,
    (driver, logs, auxiliary): (&DriverHandle, &LogsHandle, &Auxiliary),
    to_life: mpsc::Sender<FromKeeper>,
) -> Reader {
    let on_shutdown = to_life.clone();
    Reader {
        receiver,
        driver: driver.clone(),
        logs: logs.clone(),
        auxiliary: auxiliary.clone(),
        on_shutdown: Box::new(move || drop(on_shutdown.try_send(FromKeeper::Shutdown))),
        on_end: Box::new(move || drop(to_life.blocking_send(FromKeeper::Gone))),
    }
}

fn logs_config(config: &EngineConfig, keeper: &KeeperSender) -> LogsConfig {
    let spools = keeper.clone();
    let ends = keeper.clone();
    LogsConfig {
        logs: config.paths.logs.clone(),
        spools: spool_folder(&config.paths, &config.id),
        boot_id: clock::boot_id().unwrap_or_default(),
        echo: config.echo.then_some(Echo { notes: true }),
        on_spool: Box::new(move |id, file| {
            let slot = keeper_link::key_of(&id.slot);
            let request = Request::Spool { slot, generation: id.generation.0, stream: id.stream };
            if let Err(error) = spools.send(&request, &[descriptor::of_file(file)]) {
                say::error(&format!("failed to {error}"));
            }
        }),
        on_stream_done: Box::new(move |id| {
            let slot = keeper_link::key_of(&id.slot);
            let request = Request::StreamDone { slot, generation: id.generation.0, stream: id.stream };
            if let Err(error) = ends.send(&request, &[]) {
                say::error(&format!("failed to {error}"));
            }
        }),
    }
}

/// Each engine has its own folder of spools: what stands there that no stream of its own has is a leftover.
pub(crate) fn spool_folder(paths: &Paths, engine: &str) -> PathBuf {
    paths.spool().join(engine)
}

fn how_it_ended(code: u8) -> String {
    match code {
        0 => "the daemon has ended".to_owned(),
        code => format!("the daemon has ended, with exit code {code}"),
    }
}

/// How an engine ends.
enum Ending {
    /// With its services stopped.
    Stop { timeout: Duration, exit_code: u8 },
    /// With its services left to the next.
    Keep,
    /// Because its keeper is no more.
    Orphaned,
    /// Because a part of it ended: the keeper starts a whole one.
    Broken(&'static str),
}

impl Running {
    async fn serve(mut self) -> u8 {
        let ending = if self.keeper_is_ending {
            Ending::Stop { timeout: SHUTDOWN_TIMEOUT, exit_code: 0 }
        } else {
            self.wait_for_the_end().await
        };
        self.end(ending).await
    }

    async fn wait_for_the_end(&mut self) -> Ending {
        loop {
            tokio::select! {
                Some(from_keeper) = self.from_keeper.recv() => return match from_keeper {
                    FromKeeper::Shutdown => Ending::Stop { timeout: SHUTDOWN_TIMEOUT, exit_code: 0 },
                    FromKeeper::Gone => Ending::Orphaned,
                },
                Some(stop) = self.endings.recv() => {
                    let timeout = stop.timeout_ms.map_or(SHUTDOWN_TIMEOUT, Duration::from_millis);
                    return if stop.keep_services { Ending::Keep } else { Ending::Stop { timeout, exit_code: 0 } };
                }
                Some(part) = self.parts_ended.recv() => return Ending::Broken(part),
                Some(()) = self.settled.recv() => {
                    let Some(run_mode) = &self.run_mode else { continue };
                    if let Some(exit_code) = run_mode.ended(&self.driver).await {
                        return Ending::Stop { timeout: SHUTDOWN_TIMEOUT, exit_code };
                    }
                }
                else => return Ending::Orphaned,
            }
        }
    }

    async fn end(self, ending: Ending) -> u8 {
        if let Ending::Broken(part) = ending {
            say::error(&format!("a part of the engine ({part}) has ended; the keeper starts a new engine"));
            return 1;
        }
        // What goes on running goes on writing, so there is no end of its output to wait for.
        let last_words_timeout = if matches!(ending, Ending::Keep | Ending::Orphaned) {
            Duration::ZERO
        } else {
            LAST_WORDS_TIMEOUT
        };
        let (request, code) = match ending {
            Ending::Stop { timeout, exit_code } => {
                let deadline = clock::now().mono.after(timeout);
                let stopped = self.driver.ask(Command::Shutdown { deadline }).await.map(answer::outcome);
                let exit_code = match stopped {
                    Ok(Ok(_)) | Err(_) => exit_code,
                    Ok(Err(failure)) => {
                        say::error(&format!("not all services ended: {failure}"));
                        failure.kind.exit_code()
                    }
                };
                (Some(Request::Goodbye { exit_code, keep: false }), exit_code)
            }
            Ending::Keep => {
                self.auxiliary.kill_all();
                (Some(Request::Goodbye { exit_code: 0, keep: true }), 0)
            }
            Ending::Orphaned => {
                say::error(
                    "the keeper is gone, so nothing supervises the services any more; they go on as they are; \
                     start the daemon again (svcctl daemon --background), which with cgroups ends what is left and \
                     starts it anew; without cgroups, end it by hand first",
                );
                (None, 1)
            }
            Ending::Broken(_) => (None, 1),
        };
        // The answers to those who asked for the end are on their way.
        self.server.finish(LAST_ANSWERS_TIMEOUT).await;
        self.driver.push(Input::End);
        drop(self.driver_thread.join());
        self.events.daemon(EventLevel::Info, how_it_ended(code));
        self.events.finish().await;
        self.logs.finish(Instant::now() + last_words_timeout);
        if let Ok(Err(error)) = self.logs_joiner.join() {
            say::error(&format!("failed to {error}"));
        }
        if self.run_mode.is_some() {
            // Nothing of a run is left behind but its log; what cannot be removed is in nobody's way.
            drop(std::fs::remove_dir_all(&self.spools));
        }
        if let Some(request) = request
            && let Err(error) = self.keeper.send(&request, &[])
        {
            say::error(&format!("failed to {error}"));
        }
        code
    }
}
