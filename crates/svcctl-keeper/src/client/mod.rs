//! The engine's end of the socket to its keeper.
//!
//! [`Link::from_environment`] gives a [`Sender`], which any thread may use, and a [`Receiver`] for one thread that waits.
//! Sending waits while the keeper is behind. When the keeper is gone, sending fails and receiving comes to its end.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "unsupported.rs")]
mod system;

use crate::protocol::{Image, ImageSource, Notice, Request};
use crate::wire::{self, WireError};
use std::io;
use svcctl_os::descriptor::{BorrowedDescriptor, Descriptor, InheritError};

/// Why the keeper cannot be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// This process was not started by a keeper.
    #[error("reach the keeper: {0}")]
    NoKeeper(#[from] InheritError),
    /// The keeper is gone.
    #[error("reach the keeper: it is gone")]
    Gone,
    /// A message is too long, or not of this protocol.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A message did not fit the receiver's buffer, which no message of this protocol does.
    #[error("read a message of the keeper: it is too long")]
    TooLong,
    /// The system refuses.
    #[error("reach the keeper: {0}")]
    System(#[from] io::Error),
    /// There are no keepers on this system.
    #[error(transparent)]
    Unsupported(#[from] svcctl_os::Unsupported),
}

/// A message's bytes, and the descriptors that came with it.
type Packet = (Vec<u8>, Vec<Descriptor>);

/// Finds the keeper.
#[derive(Debug)]
pub struct Link;

impl Link {
    /// The two halves of the socket that the keeper handed over, which can be taken once.
    ///
    /// # Errors
    /// [`LinkError::NoKeeper`] where this process was not started by a keeper.
    pub fn from_environment() -> Result<(Sender, Receiver), LinkError> {
        system::from_environment().map(|(sender, receiver)| (Sender(sender), Receiver(receiver)))
    }
}

/// Tells the keeper what is wanted. Clones send to the same keeper.
#[derive(Clone, Debug)]
pub struct Sender(system::Sender);

impl Sender {
    /// Sends a request with its descriptors, which stay the caller's.
    ///
    /// # Errors
    /// [`LinkError`]; after [`LinkError::Gone`] nothing can be sent any more.
    pub fn send(&self, request: &Request, descriptors: &[BorrowedDescriptor<'_>]) -> Result<(), LinkError> {
        wire::check_request(request)?;
        self.0.send(&wire::encode(request)?, descriptors)
    }

    /// Sends a [`Request::Spawn`]; an image that does not fit a packet goes by a file in memory.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn spawn(&self, slot: &str, generation: u64, image: Image, state: Vec<u8>) -> Result<(), LinkError> {
        let slot = slot.to_owned();
        let request = |image, state| Request::Spawn { slot, generation, image, state };
        if image_bytes(&image) <= IMAGE_IN_PACKET_MAX_BYTES {
            return self.send(&request(ImageSource::Here(image), state), &[]);
        }
        let bytes = wire::encode_within(&image, wire::IMAGE_MAX_BYTES, "a process's image")?;
        let request = request(ImageSource::Memfd, state);
        wire::check_request(&request)?;
        self.0.send_with_file(&wire::encode(&request)?, &bytes)
    }
}

/// The longest image that goes in the packet itself, which has room for the rest of the request beside it.
const IMAGE_IN_PACKET_MAX_BYTES: usize = 48 * 1024;

/// What an image takes at most: its texts, and a few bytes of length for each.
fn image_bytes(image: &Image) -> usize {
    const LENGTH_MAX_BYTES: usize = 10;
    let texts = image.argv.iter().chain(&image.env).chain([&image.cwd]);
    let identity = image.identity.as_ref();
    let names = identity.map_or(0, |identity| {
        let groups = identity.groups.iter().flatten();
        identity
            .user
            .iter()
            .chain(&identity.group)
            .chain(groups)
            .map(|name| name.len() + LENGTH_MAX_BYTES)
            .sum()
    });
    texts.map(|text| text.len() + LENGTH_MAX_BYTES).sum::<usize>() + names
}

/// Hears what the keeper says.
#[derive(Debug)]
pub struct Receiver(system::Receiver);

impl Receiver {
    /// Waits for the next notice; `None` once the keeper is gone. The descriptors are close-on-exec.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn recv(&self) -> Result<Option<(Notice, Vec<Descriptor>)>, LinkError> {
        let Some((bytes, descriptors)) = self.0.recv()? else { return Ok(None) };
        Ok(Some((wire::decode(&bytes)?, descriptors)))
    }
}
