//! An engine's life: take over from the keeper, serve, end.

use crate::answer::{failure, timestamp};
use crate::api::{About, Api};
use crate::driver::{self, Driver};
use crate::execute::Executor;
use crate::keeper_link::{self, KeeperSender, Reader, Welcome};
use crate::lifeline::{Lifeline, Lifelines, lifelines};
use crate::logs::{self, Echo, Joiner, LogsConfig, LogsError, LogsHandle};
use crate::probes::Probes;
use crate::queue::{DriverHandle, Input};
use crate::roles::Owner;
use crate::run_mode::RunMode;
use crate::store::{Store, StoreThread};
use crate::{EngineConfig, answer, api, say};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use svcctl_core::supervisor::event::{Command, Event, Restored};
use svcctl_core::supervisor::state::Transition;
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
/// How long an answer that is being written when the engine ends may take.
const LAST_ANSWERS_TIMEOUT: Duration = Duration::from_millis(100);
/// How long an engine only supervises after several died in quick succession.
const RECOVERY_TIME: Duration = Duration::from_mins(1);
/// How many requests for the end wait; one is enough to end.
const ENDINGS_MAX: usize = 4;

/// An engine at work.
struct Running {
    keeper: KeeperSender,
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
    welcome: Welcome,
) -> Result<Running, Failure> {
    let fatal = |error: &dyn std::fmt::Display| failure(FailureKind::Failed, format!("failed to {error}"));
    let run_mode = config.run_spec.as_deref().map(RunMode::parse).transpose()?;
    let (store, restored) = open_store(&config, run_mode.as_ref())?;
    let (logs, logs_joiner) = logs::start(logs_config(&config, &keeper)).map_err(|error| fatal(&error))?;
    let socket = config.paths.engine_socket(&config.id);
    let mode = if config.system { 0o666 } else { 0o600 };
    let listener = Listener::bind(&socket, mode).map_err(told(&format!("listen on {}", socket.display())))?;

    let (on_settled, settled) = mpsc::channel(1);
    let probes = Arc::new(Probes::default());
    let executor = Executor {
        keeper: keeper.clone(),
        probes: Arc::clone(&probes),
        logs: logs.clone(),
        observer: observer(run_mode.as_ref(), on_settled),
    };
    let (lifelines, parts_ended) = lifelines();
    let logs_joiner = watched(logs_joiner, lifelines.of("logs")).map_err(told("watch the logs thread"))?;
    let (driver, driver_thread) =
        start_driver(executor, store, &lifelines).map_err(told("start the driver"))?;
    let (to_life, from_keeper) = mpsc::channel(ENDINGS_MAX);
    let (to_end, endings) = mpsc::channel(ENDINGS_MAX);
    let about = about(&config, &welcome);
    let keeper_is_ending = welcome.shutdown;
    let spools = spool_folder(&config.paths, &config.id);
    take_over(restored, welcome, &driver, &logs);
    reader(receiver, &driver, &logs, to_life).start().map_err(told("start the keeper's reader"))?;
    tokio::spawn(probes.run(driver.clone()));
    let owner = Owner { uid: svcctl_os::users::effective_uid(), system: config.system };
    let api =
        Api { driver: driver.clone(), logs: logs.clone(), paths: config.paths, owner, about, ending: to_end };
    tokio::spawn(api::serve(listener, Arc::new(api)));
    if let Err(error) = keeper.send(&Request::Serving, &[]) {
        return Err(fatal(&error));
    }
    Ok(Running {
        keeper,
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
    store: Store,
    lifelines: &Lifelines,
) -> std::io::Result<(DriverHandle, JoinHandle<()>)> {
    driver::start(lifelines.of("driver"), |handle| {
        let handle = handle.clone();
        let store = StoreThread::start(store, lifelines.of("store"), move |upto, error| {
            handle.push(Input::Settled(upto, error));
        })?;
        let now = clock::now();
        let seed = now.mono.0 ^ (u64::from(std::process::id()) << 32);
        Ok(Driver::new(seed, executor, store))
    })
}

/// Under `svcctl run` the engine ends with its one service: told of each state that may be its last.
fn observer(run_mode: Option<&RunMode>, settled: mpsc::Sender<()>) -> Box<dyn Fn(&Transition) + Send> {
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
    driver: &DriverHandle,
    logs: &LogsHandle,
    to_life: mpsc::Sender<FromKeeper>,
) -> Reader {
    let on_shutdown = to_life.clone();
    Reader {
        receiver,
        driver: driver.clone(),
        logs: logs.clone(),
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
            Ending::Keep => (Some(Request::Goodbye { exit_code: 0, keep: true }), 0),
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
        // real delay: nothing tells when the last byte has been taken by its reader.
        tokio::time::sleep(LAST_ANSWERS_TIMEOUT).await;
        self.driver.push(Input::End);
        drop(self.driver_thread.join());
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
