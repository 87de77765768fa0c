//! What a process is made from, and its form in the memfd that the exec helper reads.
//!
//! The form is private to one binary, which both writes and reads it: a list of length-prefixed texts, in the machine's
//! byte order. No version is needed, since the helper is executed from the descriptor of the same binary.

/// All that a process is made from. Texts are bytes without NUL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Program (a path, or a name looked up in the `PATH` of `env`) and arguments.
    pub argv: Vec<Vec<u8>>,
    /// The whole environment, each `NAME=value`.
    pub env: Vec<Vec<u8>>,
    /// Working directory; the root directory when empty.
    pub cwd: Vec<u8>,
    /// Whom to run as; the caller's own when absent.
    pub identity: Option<Identity>,
    /// The mask of permission bits of new files; the caller's own when absent.
    pub umask: Option<u32>,
    /// Limits of the process, soft and hard alike; the caller's own for every other resource.
    pub limits: Vec<Limit>,
}

/// A limit of a process (POSIX `setrlimit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of what.
    pub resource: Resource,
    /// How much; as much as there is when absent.
    pub at: Option<u64>,
}

/// What can be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Open files (`RLIMIT_NOFILE`).
    OpenFiles,
    /// Processes of the user (`RLIMIT_NPROC`).
    Processes,
    /// Bytes of a core file (`RLIMIT_CORE`).
    Core,
    /// Bytes of a file that is written (`RLIMIT_FSIZE`).
    FileSize,
    /// Bytes of the stack (`RLIMIT_STACK`).
    Stack,
    /// Bytes of locked memory (`RLIMIT_MEMLOCK`).
    LockedMemory,
    /// Bytes of address space (`RLIMIT_AS`).
    AddressSpace,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Self; 7] = [
        Self::OpenFiles,
        Self::Processes,
        Self::Core,
        Self::FileSize,
        Self::Stack,
        Self::LockedMemory,
        Self::AddressSpace,
    ];

    /// Its name in messages and specifications.
    pub fn word(self) -> &'static str {
        match self {
            Self::OpenFiles => "open_files",
            Self::Processes => "processes",
            Self::Core => "core",
            Self::FileSize => "file_size",
            Self::Stack => "stack",
            Self::LockedMemory => "locked_memory",
            Self::AddressSpace => "address_space",
        }
    }
}

/// Whom to run as; names or numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user; the caller's own when absent.
    pub user: Option<String>,
    /// The primary group; the user's own when absent.
    pub group: Option<String>,
    /// The supplementary groups; the user's own when absent.
    pub groups: Option<Vec<String>>,
}

impl Program {
    /// Whether something is to be done between the making of the process and its exec, which is the exec helper's work.
    #[cfg(target_os = "linux")]
    pub(super) fn needs_helper(&self) -> bool {
        self.identity.is_some() || self.umask.is_some() || !self.limits.is_empty()
    }

    /// The value of a variable in `env`.
    pub fn variable(&self, name: &str) -> Option<&[u8]> {
        self.env.iter().find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }

    /// The bytes that [`Program::decode`] reads.
    #[cfg(target_os = "linux")]
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_list(&mut out, self.argv.iter().map(Vec::as_slice));
        put_list(&mut out, self.env.iter().map(Vec::as_slice));
        put(&mut out, &self.cwd);
        let identity = self.identity.clone().unwrap_or_default();
        put_list(&mut out, identity.user.iter().map(String::as_bytes));
        put_list(&mut out, identity.group.iter().map(String::as_bytes));
        let groups = identity.groups.as_deref();
        put(&mut out, if groups.is_some() { b"listed" } else { b"" });
        put_list(&mut out, groups.unwrap_or_default().iter().map(String::as_bytes));
        put_list(&mut out, self.umask.map(u32::to_ne_bytes).iter().map(<[u8; 4]>::as_slice));
        let limits: Vec<_> = self.limits.iter().map(encode_limit).collect();
        put_list(&mut out, limits.iter().map(<[u8; LIMIT_BYTES]>::as_slice));
        out
    }

    /// Reads what [`Program::encode`] gave; `None` where that is not what it is. The identity is always present.
    #[cfg(target_os = "linux")]
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let (argv, env, cwd) = (take_list(rest)?, take_list(rest)?, take(rest)?);
        let (user, group) = (take_texts(rest)?, take_texts(rest)?);
        let listed = !take(rest)?.is_empty();
        let groups = take_texts(rest)?;
        let umask = take_list(rest)?.into_iter().next();
        let umask = umask.map(|bytes| bytes.try_into().map(u32::from_ne_bytes)).transpose().ok()?;
        let limits = take_list(rest)?.into_iter().map(|bytes| decode_limit(&bytes)).collect::<Option<_>>()?;
        let identity = Identity {
            user: user.into_iter().next(),
            group: group.into_iter().next(),
            groups: listed.then_some(groups),
        };
        rest.is_empty().then_some(Self { argv, env, cwd, identity: Some(identity), umask, limits })
    }
}

#[cfg(target_os = "linux")]
mod form {
    use super::{Limit, Resource};

    /// A byte for the resource, one that says whether there is a number, and the number.
    pub(super) const LIMIT_BYTES: usize = 10;

    pub(super) fn encode_limit(limit: &Limit) -> [u8; LIMIT_BYTES] {
        let index = Resource::ALL.iter().position(|resource| *resource == limit.resource);
        let mut bytes = [0; LIMIT_BYTES];
        bytes[0] = index.and_then(|index| u8::try_from(index).ok()).unwrap_or(u8::MAX);
        bytes[1] = u8::from(limit.at.is_some());
        bytes[2..].copy_from_slice(&limit.at.unwrap_or(0).to_ne_bytes());
        bytes
    }

    pub(super) fn decode_limit(bytes: &[u8]) -> Option<Limit> {
        let [index, some, number @ ..] = <[u8; LIMIT_BYTES]>::try_from(bytes).ok()?;
        let resource = *Resource::ALL.get(usize::from(index))?;
        Some(Limit { resource, at: (some == 1).then_some(u64::from_ne_bytes(number)) })
    }

    pub(super) fn put(out: &mut Vec<u8>, text: &[u8]) {
        out.extend(text.len().to_ne_bytes());
        out.extend(text);
    }

    pub(super) fn put_list<'a>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'a [u8]>) {
        out.extend(texts.len().to_ne_bytes());
        for text in texts {
            put(out, text);
        }
    }

    fn take_count(rest: &mut &[u8]) -> Option<usize> {
        let (count, tail) = rest.split_first_chunk()?;
        *rest = tail;
        Some(usize::from_ne_bytes(*count))
    }

    pub(super) fn take(rest: &mut &[u8]) -> Option<Vec<u8>> {
        let length = take_count(rest)?;
        let (text, tail) = rest.split_at_checked(length)?;
        *rest = tail;
        Some(text.to_vec())
    }

    pub(super) fn take_list(rest: &mut &[u8]) -> Option<Vec<Vec<u8>>> {
        let count = take_count(rest)?;
        (0..count).map(|_| take(rest)).collect()
    }

    pub(super) fn take_texts(rest: &mut &[u8]) -> Option<Vec<String>> {
        take_list(rest)?.into_iter().map(|text| String::from_utf8(text).ok()).collect()
    }
}
#[cfg(target_os = "linux")]
use form::{LIMIT_BYTES, decode_limit, encode_limit, put, put_list, take, take_list, take_texts};

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn sample() -> Program {
        Program {
            argv: vec![b"/bin/x".to_vec(), b"".to_vec(), b"\xff".to_vec()],
            env: vec![b"A=1".to_vec(), b"AB=2".to_vec()],
            cwd: b"/".to_vec(),
            identity: Some(Identity { user: Some("svc".into()), group: None, groups: Some(vec![]) }),
            umask: Some(0o027),
            limits: vec![
                Limit { resource: Resource::AddressSpace, at: Some(u64::MAX - 1) },
                Limit { resource: Resource::Core, at: None },
            ],
        }
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        let program = sample();
        assert_eq!(Program::decode(&program.encode()), Some(program));
    }

    #[test]
    fn a_cut_or_longer_form_is_refused() {
        let bytes = sample().encode();
        for length in 0..bytes.len() {
            assert_eq!(Program::decode(&bytes[..length]), None);
        }
        assert_eq!(Program::decode(&[bytes, vec![0]].concat()), None);
    }

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        assert_eq!(sample().variable("AB"), Some(&b"2"[..]));
        assert_eq!(sample().variable("B"), None);
    }
}
