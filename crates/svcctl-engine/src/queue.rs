//! The one queue through which everything reaches the driver.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use svcctl_core::ident::InstanceId;
use svcctl_core::supervisor::event::{Command, Event};
use svcctl_core::supervisor::reply::Reply;
use svcctl_keeper::protocol::Image;
use tokio::sync::oneshot;

/// The most inputs that wait. The keeper's reader waits for room (the keeper keeps what it has to tell); a client
/// whose command finds none is refused.
const QUEUE_MAX: usize = 4096;

/// What the driver is told.
#[derive(Debug)]
pub(crate) enum Input {
    /// Something happened.
    Event(Event),
    /// Somebody wants something, and waits for the answer.
    Command(Command, oneshot::Sender<Answer>),
    /// Somebody wants to know what the answer would be; nothing is done.
    Rehearse(Command, oneshot::Sender<Answer>),
    /// The store has answered everything up to this persist; with the error, if it failed.
    Settled(u64, Option<String>),
    /// The files that a spawn needs have been read, or could not be.
    Prepared(Box<Prepared>),
    /// The queue is at its end: leave the loop.
    End,
}

/// What reading the files for a spawn came to.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Which spawn.
    pub(crate) id: InstanceId,
    /// What the process is made from, or why there will be none.
    pub(crate) image: Result<Image, String>,
}

/// What a command comes to.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the core says.
    pub(crate) reply: Reply,
    /// Why what the reply promises may not outlive the machine.
    pub(crate) not_durable: Option<String>,
}

/// Why a command did not reach the driver.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Too much waits.
    #[error("the engine has more than {QUEUE_MAX} things to do; try again")]
    Full,
    /// It ends.
    #[error("the engine is ending")]
    Ended,
}

/// The way in; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct DriverHandle(SyncSender<Input>);

impl DriverHandle {
    /// Puts in what must not be lost, waiting for room. Without a driver it is dropped: nothing is left to decide.
    pub(crate) fn push(&self, input: Input) {
        drop(self.0.send(input));
    }

    /// Puts in what is told again soon; dropped if there is no room.
    pub(crate) fn offer(&self, input: Input) {
        drop(self.0.try_send(input));
    }

    /// Asks for something, and waits for the answer.
    ///
    /// # Errors
    /// [`Refused`] when the command was not taken, or the engine ended before its answer.
    pub(crate) async fn ask(&self, command: Command) -> Result<Answer, Refused> {
        let (sender, receiver) = oneshot::channel();
        self.put(Input::Command(command, sender))?;
        receiver.await.map_err(|_| Refused::Ended)
    }

    /// [`DriverHandle::ask`] for threads, which wait.
    ///
    /// # Errors
    /// As [`DriverHandle::ask`].
    pub(crate) fn ask_blocking(&self, command: Command) -> Result<Answer, Refused> {
        let (sender, receiver) = oneshot::channel();
        self.put(Input::Command(command, sender))?;
        receiver.blocking_recv().map_err(|_| Refused::Ended)
    }

    /// Asks what the answer to a command would be (it must be one that does not wait).
    ///
    /// # Errors
    /// As [`DriverHandle::ask`].
    pub(crate) async fn rehearse(&self, command: Command) -> Result<Answer, Refused> {
        let (sender, receiver) = oneshot::channel();
        self.put(Input::Rehearse(command, sender))?;
        receiver.await.map_err(|_| Refused::Ended)
    }

    fn put(&self, input: Input) -> Result<(), Refused> {
        self.0.try_send(input).map_err(|error| match error {
            TrySendError::Full(_) => Refused::Full,
            TrySendError::Disconnected(_) => Refused::Ended,
        })
    }
}

/// Both ends of the queue.
pub(crate) fn queue() -> (DriverHandle, Receiver<Input>) {
    let (sender, receiver) = sync_channel(QUEUE_MAX);
    (DriverHandle(sender), receiver)
}
