//! Whole messages with descriptors beside them, over a pair of `SOCK_SEQPACKET` Unix sockets.

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The most descriptors that the kernel passes with one message (`SCM_MAX_FD`).
pub const DESCRIPTORS_MAX: usize = 253;

const CONTROL_BYTES: usize = rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX));

/// Whether a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it can be done.
    Yes,
    /// Not at all.
    No,
}

/// What a message came as.
#[derive(Debug)]
pub enum Received {
    /// So many bytes, and these descriptors (close-on-exec).
    Message(usize, Vec<OwnedFd>),
    /// The other side is gone and all has been read.
    End,
    /// Nothing now (only with [`Wait::No`]).
    Nothing,
    /// A message that does not fit; it is lost.
    TooLong,
}

/// What became of a message to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way, as a whole.
    Whole,
    /// There is no room now (only with [`Wait::No`]).
    Full,
    /// There are too many descriptors on their way already; there will be room, but nothing tells when.
    TooManyDescriptors,
    /// The other side is gone.
    Gone,
}

/// Two connected ends, close-on-exec.
///
/// # Errors
/// What the system says.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends one message. The other side being gone raises no signal.
///
/// # Errors
/// What else the system says.
pub fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>], wait: Wait) -> io::Result<Sent> {
    let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let flags =
        if wait == Wait::No { SendFlags::NOSIGNAL | SendFlags::DONTWAIT } else { SendFlags::NOSIGNAL };
    loop {
        return match sendmsg(&socket, &[IoSlice::new(bytes)], &mut control, flags) {
            Ok(_) => Ok(Sent::Whole),
            Err(Errno::INTR) => continue,
            Err(Errno::AGAIN) => Ok(Sent::Full),
            Err(Errno::TOOMANYREFS) => Ok(Sent::TooManyDescriptors),
            Err(Errno::PIPE | Errno::CONNRESET) => Ok(Sent::Gone),
            Err(error) => Err(error.into()),
        };
    }
}

/// Receives one message into `buffer`.
///
/// # Errors
/// What the system says.
pub fn receive(socket: impl AsFd, buffer: &mut [u8], wait: Wait) -> io::Result<Received> {
    let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = if wait == Wait::No {
        RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT
    } else {
        RecvFlags::CMSG_CLOEXEC
    };
    let message = loop {
        match recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut control, flags) {
            Ok(message) => break message,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(Received::Nothing),
            Err(Errno::CONNRESET) => return Ok(Received::End),
            Err(error) => return Err(error.into()),
        }
    };
    let mut descriptors = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = part {
            descriptors.extend(passed);
        }
    }
    if message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Ok(Received::TooLong);
    }
    // No message of ours is empty, so nothing read means the end.
    Ok(if message.bytes == 0 { Received::End } else { Received::Message(message.bytes, descriptors) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_whole_and_bring_descriptors() {
        let (a, b) = pair().unwrap();
        assert_eq!(send(&a, b"one", &[a.as_fd(), b.as_fd()], Wait::Yes).unwrap(), Sent::Whole);
        assert_eq!(send(&a, b"two", &[], Wait::No).unwrap(), Sent::Whole);
        let mut buffer = [0; 16];
        let Received::Message(3, descriptors) = receive(&b, &mut buffer, Wait::No).unwrap() else { panic!() };
        assert_eq!((&buffer[..3], descriptors.len()), (&b"one"[..], 2));
        drop(descriptors);
        assert!(matches!(receive(&b, &mut buffer[..2], Wait::No).unwrap(), Received::TooLong));
        assert!(matches!(receive(&b, &mut buffer, Wait::No).unwrap(), Received::Nothing));
        drop(a);
        assert!(matches!(receive(&b, &mut buffer, Wait::No).unwrap(), Received::End));
        assert_eq!(send(&b, b"x", &[], Wait::No).unwrap(), Sent::Gone);
    }
}
