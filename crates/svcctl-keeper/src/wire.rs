//! Messages as bytes: a version byte, then postcard.

use crate::protocol::{KEY_MAX_BYTES, PACKET_MAX_BYTES, Request, STATE_MAX_BYTES, SlotKey, VERSION};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest image of a process, with its arguments and environment (Linux itself allows about 2 MiB by default).
pub const IMAGE_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Why bytes are not a message, or a message cannot become bytes.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Another version of the protocol.
    #[error("read a message of protocol version {0}; this side speaks version {VERSION}")]
    Version(u8),
    /// Not a message.
    #[error("read a message: {0}")]
    Malformed(#[source] postcard::Error),
    /// A message, and something after it.
    #[error("read a message: {0} bytes follow it")]
    Trailing(usize),
    /// Nothing at all.
    #[error("read an empty message")]
    Empty,
    /// More than may be sent.
    #[error("send {what} of {bytes} bytes; at most {max} are allowed")]
    TooLong {
        /// Of what.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
}

/// A message as a packet.
///
/// # Errors
/// [`WireError::TooLong`].
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, WireError> {
    encode_within(message, PACKET_MAX_BYTES, "a message")
}

/// Any value in the packets' form, of at most `max` bytes.
///
/// # Errors
/// [`WireError::TooLong`], naming `what`.
pub fn encode_within<T: Serialize>(value: &T, max: usize, what: &'static str) -> Result<Vec<u8>, WireError> {
    let bytes = postcard::to_extend(value, vec![VERSION]).map_err(WireError::Malformed)?;
    check(what, bytes.len(), max)?;
    Ok(bytes)
}

/// Reads a packet.
///
/// # Errors
/// [`WireError`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    let (version, rest) = bytes.split_first().ok_or(WireError::Empty)?;
    if *version != VERSION {
        return Err(WireError::Version(*version));
    }
    let (message, left) = postcard::take_from_bytes(rest).map_err(WireError::Malformed)?;
    if left.is_empty() { Ok(message) } else { Err(WireError::Trailing(left.len())) }
}

/// Checks the parts of a request whose sizes the keeper's memory depends on; both sides do it.
///
/// # Errors
/// [`WireError::TooLong`].
pub fn check_request(request: &Request) -> Result<(), WireError> {
    let (slot, state): (&SlotKey, &[u8]) = match request {
        Request::Hello | Request::Serving | Request::Unable { .. } | Request::Goodbye { .. } => return Ok(()),
        Request::Spawn { slot, state, .. }
        | Request::Signal { slot, state, .. }
        | Request::KillTree { slot, state, .. }
        | Request::Remember { slot, state } => (slot, state),
        Request::Spool { slot, .. }
        | Request::StreamDone { slot, .. }
        | Request::Acknowledge { slot, .. }
        | Request::Release { slot } => (slot, &[]),
    };
    check("a slot's key", slot.len(), KEY_MAX_BYTES)?;
    check("a slot's state", state.len(), STATE_MAX_BYTES)
}

fn check(what: &'static str, bytes: usize, max: usize) -> Result<(), WireError> {
    if bytes > max { Err(WireError::TooLong { what, bytes, max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Image, ImageSource, Notice};

    #[test]
    fn a_message_is_read_back() {
        let image = Image { argv: vec![b"/bin/x".to_vec()], ..Image::default() };
        let request = Request::Spawn {
            slot: "web#0".into(),
            generation: 3,
            image: ImageSource::Here(image),
            state: vec![1; 256],
        };
        check_request(&request).unwrap();
        assert_eq!(decode::<Request>(&encode(&request).unwrap()).unwrap(), request);
    }

    #[test]
    fn other_versions_and_damage_are_refused() {
        let mut bytes = encode(&Notice::Shutdown).unwrap();
        bytes[0] = VERSION + 1;
        assert!(matches!(decode::<Notice>(&bytes), Err(WireError::Version(_))));
        assert!(matches!(decode::<Notice>(&[]), Err(WireError::Empty)));
        assert!(matches!(decode::<Notice>(&[VERSION, 200]), Err(WireError::Malformed(_))));
        bytes = encode(&Notice::Shutdown).unwrap();
        bytes.push(0);
        assert!(matches!(decode::<Notice>(&bytes), Err(WireError::Trailing(1))));
    }

    #[test]
    fn what_the_keeper_keeps_is_bounded() {
        let state = vec![0; STATE_MAX_BYTES + 1];
        let error = check_request(&Request::Remember { slot: "a#0".into(), state }).unwrap_err();
        assert_eq!(error.to_string(), "send a slot's state of 257 bytes; at most 256 are allowed");
        assert!(check_request(&Request::Release { slot: "a".repeat(97) }).is_err());
        assert!(encode(&Request::Unable { message: "x".repeat(70_000), exit_code: 1 }).is_err());
    }
}
