//! Who may do what, by what the kernel says of the peer.
//!
//! On the system's socket every local user is a viewer, members of the group `svcctl` are operators, root and the
//! socket's owner are admins. On a user's socket there is nobody but the owner (and root).

use svcctl_os::ipc::Peer;
use svckit::control::types::{Failure, FailureKind};

/// The group whose members operate the system's services.
const OPERATORS: &str = "svcctl";

/// What somebody may do; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// See states.
    Viewer,
    /// See logs; start, stop and restart.
    Operator,
    /// Everything: install, uninstall, end the daemon.
    Admin,
}

/// Who owns the endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    /// The engine's user.
    pub(crate) uid: u32,
    /// Whether the endpoint is the system's.
    pub(crate) system: bool,
}

/// The peer's role; none if it has nothing to do here.
pub(crate) fn role_of(peer: Peer, owner: Owner) -> Option<Role> {
    if peer.uid == 0 || peer.uid == owner.uid {
        return Some(Role::Admin);
    }
    if !owner.system {
        return None;
    }
    let operator = svcctl_os::users::is_member(peer.uid, peer.gid, OPERATORS);
    Some(if operator { Role::Operator } else { Role::Viewer })
}

/// Holds `role` against what is needed.
///
/// # Errors
/// `Denied`, with who may.
pub(crate) fn require(role: Option<Role>, needed: Role) -> Result<(), Failure> {
    if role.is_some_and(|role| role >= needed) {
        return Ok(());
    }
    let who = match needed {
        Role::Operator => "members of the group svcctl, its owner and root",
        Role::Viewer | Role::Admin => "its owner and root",
    };
    Err(crate::answer::failure(
        FailureKind::Denied,
        format!("you may not do this with this daemon; only {who} may; try: sudo svcctl …"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(uid: u32) -> Peer {
        Peer { uid, gid: uid, pid: None }
    }

    #[test]
    fn a_stranger_views_the_system_and_nothing_of_a_user() {
        assert_eq!(role_of(peer(65_533), Owner { uid: 0, system: true }), Some(Role::Viewer));
        assert_eq!(role_of(peer(65_533), Owner { uid: 1000, system: false }), None);
        assert_eq!(role_of(peer(0), Owner { uid: 1000, system: false }), Some(Role::Admin));
        assert!(require(Some(Role::Viewer), Role::Operator).is_err());
        assert!(require(Some(Role::Admin), Role::Operator).is_ok());
        assert!(require(None, Role::Viewer).is_err());
    }
}
