//! Users and groups: from `/etc/passwd` and `/etc/group`, else from `getent`, which knows what the C library's name
//! services know (LDAP, sssd, systemd's dynamic users). A static binary has no such services of its own.
//!
//! For a user in `/etc/passwd` the groups are those of `/etc/group`; groups that only a name service knows of are then
//! to be listed in the specification.

use super::getent::getent;
use crate::process::Identity;
use std::fs;

/// Whom to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// The user's number, and its record when it has one; absent when the user stays.
    pub(super) uid: Option<u32>,
    pub(super) user: Option<User>,
    /// The primary group; absent when it stays.
    pub(super) gid: Option<u32>,
    /// The supplementary groups; absent when they stay.
    pub(super) groups: Option<Vec<u32>>,
    /// How the user was named, for messages.
    pub(super) shown: String,
}

/// A record of the user database (passwd(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: String,
    pub(super) shell: String,
}

/// Finds all numbers.
///
/// # Errors
/// A sentence fragment such as `user svc does not exist`.
pub(super) fn resolve(identity: &Identity) -> Result<Account, String> {
    let named_user = identity.user.as_deref().map(find_user).transpose()?;
    let (uid, user, local) = match named_user {
        Some(found) => (Some(found.uid), found.record, found.local),
        None => (None, None, true),
    };
    let gid = match (&identity.group, &user) {
        (Some(group), _) => Some(find_group(group)?),
        (None, Some(user)) => Some(user.gid),
        (None, None) => None,
    };
    if let (Some(uid), None) = (uid, gid) {
        return Err(format!("user {uid} has no entry in the user database, so its group must be given too"));
    }
    let groups = match (&identity.groups, &user) {
        (Some(listed), _) => Some(listed.iter().map(|group| find_group(group)).collect::<Result<_, _>>()?),
        (None, Some(user)) => Some(groups_of(user, gid, local)),
        (None, None) if uid.is_some() || gid.is_some() => Some(gid.into_iter().collect()),
        (None, None) => None,
    };
    let shown = identity.user.as_ref().or(identity.group.as_ref()).cloned().unwrap_or_default();
    Ok(Account { uid, user, gid, groups, shown })
}

struct Found {
    uid: u32,
    record: Option<User>,
    local: bool,
}

fn find_user(name: &str) -> Result<Found, String> {
    let number = name.parse::<u32>().ok();
    let is_meant = |user: &User| user.name == name || Some(user.uid) == number;
    let lines = fs::read_to_string("/etc/passwd").unwrap_or_default();
    if let Some(user) = lines.lines().filter_map(user).find(is_meant) {
        return Ok(Found { uid: user.uid, record: Some(user), local: true });
    }
    let record = getent(&["passwd", name]).as_deref().and_then(|lines| lines.lines().find_map(user));
    match (record, number) {
        (Some(user), _) => Ok(Found { uid: user.uid, record: Some(user), local: false }),
        (None, Some(uid)) => Ok(Found { uid, record: None, local: true }),
        (None, None) => Err(format!("user {name} does not exist")),
    }
}

fn find_group(name: &str) -> Result<u32, String> {
    let lines = fs::read_to_string("/etc/group").unwrap_or_default();
    if let Some(group) = lines.lines().filter_map(group).find(|group| group.name == name) {
        return Ok(group.gid);
    }
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let record = getent(&["group", name]);
    let found = record.as_deref().and_then(|lines| lines.lines().find_map(group).map(|group| group.gid));
    found.ok_or_else(|| format!("group {name} does not exist"))
}

fn groups_of(user: &User, gid: Option<u32>, local: bool) -> Vec<u32> {
    let mut groups: Vec<u32> = gid.into_iter().collect();
    if local {
        let lines = fs::read_to_string("/etc/group").unwrap_or_default();
        let has_user = |group: &Group<'_>| group.members.split(',').any(|member| member == user.name);
        groups.extend(lines.lines().filter_map(group).filter(has_user).map(|group| group.gid));
    } else if let Some(line) = getent(&["initgroups", &user.name]) {
        groups.extend(line.split_whitespace().skip(1).filter_map(|number| number.parse::<u32>().ok()));
    }
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Whether the user `uid`, whose primary group is `gid`, belongs to `group`, as far as `/etc/passwd` and `/etc/group`
/// tell.
pub fn is_member(uid: u32, gid: u32, group_name: &str) -> bool {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let Some(found) = groups.lines().filter_map(group).find(|group| group.name == group_name) else {
        return false;
    };
    if found.gid == gid {
        return true;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = users.lines().filter_map(user).find(|user| user.uid == uid);
    user.is_some_and(|user| found.members.split(',').any(|member| member == user.name))
}

/// `name:password:uid:gid:comment:home:shell`
fn user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let home = fields.nth(1)?.to_owned();
    let shell = fields.next().unwrap_or_default().to_owned();
    Some(User { name, uid, gid, home, shell })
}

struct Group<'line> {
    name: &'line str,
    gid: u32,
    members: &'line str,
}

/// `name:password:gid:member,member`
fn group(line: &str) -> Option<Group<'_>> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?;
    let gid = fields.nth(1)?.parse().ok()?;
    Some(Group { name, gid, members: fields.next().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_and_damaged_ones_are_not() {
        let record = user("svc:x:1000:1001:A name:/home/svc:/bin/sh").unwrap();
        assert_eq!((record.uid, record.gid, record.home.as_str()), (1000, 1001, "/home/svc"));
        assert_eq!(user("svc:x:1000:1001:A name:/home/svc").unwrap().shell, "");
        for line in ["", "svc", "svc:x:no:1:::", ":x:1:1:::", "+::::::"] {
            assert!(user(line).is_none(), "{line}");
        }
        let record = group("adm:x:4:a,svc").unwrap();
        assert_eq!((record.gid, record.members), (4, "a,svc"));
        assert!(group("adm:x").is_none());
    }

    #[test]
    fn what_does_not_exist_is_named() {
        let of = |user: Option<&str>, group: Option<&str>| {
            resolve(&Identity { user: user.map(Into::into), group: group.map(Into::into), groups: None })
        };
        assert_eq!(of(Some("no-such-user"), None), Err("user no-such-user does not exist".to_owned()));
        assert_eq!(
            of(Some("root"), Some("no-such-group")),
            Err("group no-such-group does not exist".to_owned())
        );
        assert!(of(Some("4000000"), None).unwrap_err().contains("its group must be given"));
        let account = of(Some("4000000"), Some("0")).unwrap();
        assert_eq!((account.uid, account.gid, account.groups), (Some(4_000_000), Some(0), Some(vec![0])));
    }
}
