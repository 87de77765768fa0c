//! Linux: packets of a Unix socket.

use super::{LinkError, Packet};
use crate::protocol::PACKET_MAX_BYTES;
use std::sync::Arc;
use svcctl_os::descriptor::{self, BorrowedDescriptor, Descriptor};
use svcctl_os::linux::memory;
use svcctl_os::linux::packet::{self, Received, Sent, Wait};

#[derive(Clone, Debug)]
pub(super) struct Sender(Arc<Descriptor>);

#[derive(Debug)]
pub(super) struct Receiver(Arc<Descriptor>);

pub(super) fn from_environment() -> Result<(Sender, Receiver), LinkError> {
    let socket = Arc::new(descriptor::from_environment(crate::KEEPER_FD_VARIABLE)?);
    Ok((Sender(Arc::clone(&socket)), Receiver(socket)))
}

impl Sender {
    pub(super) fn send(&self, bytes: &[u8], descriptors: &[BorrowedDescriptor<'_>]) -> Result<(), LinkError> {
        match packet::send(&self.0, bytes, descriptors, Wait::Yes)? {
            Sent::Whole => Ok(()),
            Sent::Gone => Err(LinkError::Gone),
            Sent::Full | Sent::TooManyDescriptors => {
                Err(std::io::Error::other("too many descriptors are on their way").into())
            }
        }
    }

    pub(super) fn send_with_file(&self, bytes: &[u8], contents: &[u8]) -> Result<(), LinkError> {
        let file = memory::file("svcctl-image", contents)?;
        self.send(bytes, &[std::os::fd::AsFd::as_fd(&file)])
    }
}

impl Receiver {
    pub(super) fn recv(&self) -> Result<Option<Packet>, LinkError> {
        let mut buffer = vec![0; PACKET_MAX_BYTES];
        match packet::receive(&self.0, &mut buffer, Wait::Yes)? {
            Received::Message(length, descriptors) => {
                buffer.truncate(length);
                Ok(Some((buffer, descriptors)))
            }
            Received::End | Received::Nothing => Ok(None),
            Received::TooLong => Err(LinkError::TooLong),
        }
    }
}
