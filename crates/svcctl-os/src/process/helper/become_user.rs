//! Changes user and groups for good: supplementary groups, then the group, then the user, as each step needs the
//! rights that the last one gives up; then looks whether it is so.

use super::accounts::Account;
use rustix::process::{getegid, geteuid, getgid, getgroups, getuid};
use std::io;

/// Becomes the account's user.
///
/// # Errors
/// A sentence fragment such as `not allowed to change to user svc (svcctl runs as uid 1000)`.
pub(super) fn become_user(account: &Account) -> Result<(), String> {
    if is_already(account) {
        return Ok(());
    }
    change(account).map_err(|error| refused(account, &error))?;
    if is_already(account) {
        Ok(())
    } else {
        Err(format!("changing to user {} had no effect", account.shown))
    }
}

fn change(account: &Account) -> io::Result<()> {
    if let Some(groups) = &account.groups {
        // SAFETY: setgroups reads as many numbers as it is told the list has.
        done(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })?;
    }
    if let Some(gid) = account.gid {
        // SAFETY: setresgid takes numbers only.
        done(unsafe { libc::setresgid(gid, gid, gid) })?;
    }
    if let Some(uid) = account.uid {
        // SAFETY: setresuid takes numbers only.
        done(unsafe { libc::setresuid(uid, uid, uid) })?;
    }
    Ok(())
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether nothing needs to change; so a user may name itself without any right.
fn is_already(account: &Account) -> bool {
    let user = account.uid.is_none_or(|uid| getuid().as_raw() == uid && geteuid().as_raw() == uid);
    let group = account.gid.is_none_or(|gid| getgid().as_raw() == gid && getegid().as_raw() == gid);
    user && group && account.groups.as_ref().is_none_or(|groups| has_groups(groups, account.gid))
}

/// Compares without order, and without the primary group, which some systems list and others do not.
fn has_groups(wanted: &[u32], primary: Option<u32>) -> bool {
    let sorted = |all: &mut dyn Iterator<Item = u32>| {
        let mut all: Vec<u32> = all.filter(|gid| Some(*gid) != primary).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let Ok(own) = getgroups() else { return false };
    sorted(&mut own.iter().map(|gid| gid.as_raw())) == sorted(&mut wanted.iter().copied())
}

fn refused(account: &Account, error: &io::Error) -> String {
    let whom = if account.uid.is_some() { "user" } else { "group" };
    match error.raw_os_error() {
        Some(libc::EPERM) => {
            format!(
                "not allowed to change to {whom} {} (svcctl runs as uid {})",
                account.shown,
                getuid().as_raw()
            )
        }
        Some(libc::EAGAIN) => format!("{whom} {} has too many processes", account.shown),
        _ => format!("could not change to {whom} {}: {error}", account.shown),
    }
}
