//! The status pipe's message as a sentence fragment for people.

use super::child::{RECORD_BYTES, STAGE_DIRECTORY, STAGE_EXEC, STAGE_MESSAGE, STAGE_SETUP, STATUS_MAX_BYTES};
use std::io;
use std::os::fd::BorrowedFd;

/// What is known beforehand about a spawn, for its error messages.
#[derive(Clone, Debug, Default)]
pub(in crate::process) struct Explain {
    /// The first argument as given.
    pub(in crate::process) program: String,
    /// The directory to be entered.
    pub(in crate::process) cwd: String,
    /// The value of `PATH`, when the program is looked up there.
    pub(in crate::process) search_path: Option<String>,
    /// The files that are tried.
    pub(in crate::process) candidates: Vec<Vec<u8>>,
}

impl Explain {
    /// The fragment for what a child or the exec helper wrote.
    pub(in crate::process) fn message(&self, record: &[u8]) -> String {
        let Some((stage, code, candidate, rest)) = parse(record) else {
            return format!("{}: its start ended in the middle of a report", self.program);
        };
        match stage {
            STAGE_MESSAGE => String::from_utf8_lossy(rest).into_owned(),
            STAGE_DIRECTORY => format!("working directory {}: {}", self.cwd, directory_text(code)),
            STAGE_EXEC => self.exec_text(code, candidate, rest),
            STAGE_SETUP => {
                format!("{}: could not arrange its descriptors: {}", self.program, errno_text(code))
            }
            _ => format!("{}: unknown report of its start ({stage})", self.program),
        }
    }

    fn exec_text(&self, code: i32, candidate: usize, head: &[u8]) -> String {
        let file = self.candidates.get(candidate).map_or(self.program.as_bytes(), Vec::as_slice);
        let file = String::from_utf8_lossy(file);
        match (code, interpreter(head)) {
            (libc::ENOENT, Some(interpreter)) if interpreter.ends_with('\r') => format!(
                "{file}: its lines end as on Windows (CR LF), so its interpreter {} is not found; \
                 change that with: sed -i 's/\\r$//' {file}",
                interpreter.trim_end_matches('\r')
            ),
            (libc::ENOENT, Some(interpreter)) => {
                format!("{file}: no such file (its interpreter {interpreter} is missing)")
            }
            (libc::ENOENT, None) if head.is_empty() => match &self.search_path {
                Some(path) => format!("{}: not found in PATH ({path})", self.program),
                None => format!("{file}: no such file"),
            },
            (libc::ENOEXEC, _) => format!(
                "{file}: not a program this system can run (a script needs a first line such as #!/bin/sh)"
            ),
            _ => format!("{file}: {}", errno_text(code)),
        }
    }
}

fn parse(record: &[u8]) -> Option<(u32, i32, usize, &[u8])> {
    let (stage, rest) = record.split_first_chunk()?;
    let (code, rest) = rest.split_first_chunk()?;
    let (candidate, rest) = rest.split_first_chunk()?;
    let candidate = usize::try_from(u32::from_ne_bytes(*candidate)).ok()?;
    Some((u32::from_ne_bytes(*stage), i32::from_ne_bytes(*code), candidate, rest))
}

/// Reports a sentence fragment through the status pipe, cut to its longest message.
pub(in crate::process) fn write_failure(status: BorrowedFd<'_>, message: &str) -> io::Result<()> {
    let mut record = Vec::with_capacity(STATUS_MAX_BYTES);
    record.extend(STAGE_MESSAGE.to_ne_bytes());
    record.extend([0; RECORD_BYTES - 4]);
    record.extend(message.bytes().take(STATUS_MAX_BYTES - RECORD_BYTES));
    rustix::io::write(status, &record)?;
    Ok(())
}

/// What the system says, as a lowercase fragment.
pub(in crate::process) fn errno_text(code: i32) -> String {
    match code {
        libc::ENOENT => "no such file".to_owned(),
        libc::EACCES | libc::EPERM => "permission denied".to_owned(),
        libc::ENOTDIR => "a part of its path is not a directory".to_owned(),
        libc::E2BIG => "its arguments and environment are too long for this system".to_owned(),
        libc::ETXTBSY => "it is being written to".to_owned(),
        libc::ELOOP => "too many symbolic links".to_owned(),
        libc::ENOMEM => "not enough memory".to_owned(),
        libc::EAGAIN => "the user has too many processes".to_owned(),
        libc::EMFILE | libc::ENFILE => "too many open files".to_owned(),
        _ => {
            let text = io::Error::from_raw_os_error(code).to_string();
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
        }
    }
}

fn directory_text(code: i32) -> String {
    match code {
        libc::ENOENT => "no such directory".to_owned(),
        libc::ENOTDIR => "not a directory".to_owned(),
        _ => errno_text(code),
    }
}

/// The program that the system needs to run a file that begins like this: from a `#!` line, or the `PT_INTERP` of an
/// ELF file (System V ABI, 64-bit, in this machine's byte order).
fn interpreter(head: &[u8]) -> Option<String> {
    let name = if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next()?.trim_ascii_start();
        line.split(|byte| matches!(byte, b' ' | b'\t')).next()?
    } else {
        elf_interpreter(head)?
    };
    (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
}

fn elf_interpreter(head: &[u8]) -> Option<&[u8]> {
    const PT_INTERP: u32 = 3;
    head.strip_prefix(b"\x7fELF\x02")?;
    let number = |at: usize, size: usize| -> Option<usize> {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(head.get(at..at.checked_add(size)?)?);
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    };
    let (table, entry_size, entries) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..entries {
        let entry = table.checked_add(index * entry_size)?;
        if number(entry, 4)? == PT_INTERP as usize {
            let start = number(entry.checked_add(8)?, 8)?;
            let end = start.checked_add(number(entry.checked_add(32)?, 8)?)?;
            return head.get(start..end)?.split(|byte| *byte == 0).next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(stage: u32, code: i32, candidate: u32, rest: &[u8]) -> Vec<u8> {
        [&stage.to_ne_bytes()[..], &code.to_ne_bytes(), &candidate.to_ne_bytes(), rest].concat()
    }

    fn explain() -> Explain {
        let candidates = vec![b"/a/web".to_vec(), b"/b/web".to_vec()];
        Explain {
            program: "web".to_owned(),
            cwd: "/nope".to_owned(),
            search_path: Some("/a:/b".into()),
            candidates,
        }
    }

    #[test]
    fn each_failure_has_its_sentence() {
        let said =
            |stage, code, candidate, rest: &[u8]| explain().message(&record(stage, code, candidate, rest));
        assert_eq!(said(STAGE_DIRECTORY, libc::ENOENT, 0, b""), "working directory /nope: no such directory");
        assert_eq!(said(STAGE_EXEC, libc::ENOENT, 0, b""), "web: not found in PATH (/a:/b)");
        assert_eq!(said(STAGE_EXEC, libc::EACCES, 1, b"x"), "/b/web: permission denied");
        assert_eq!(
            said(STAGE_EXEC, libc::ENOENT, 0, b"#! /bin/foo -x\nrest"),
            "/a/web: no such file (its interpreter /bin/foo is missing)"
        );
        assert_eq!(said(STAGE_MESSAGE, 0, 0, b"user svc does not exist"), "user svc does not exist");
        assert!(explain().message(b"cut").starts_with("web: its start ended"));
    }

    #[test]
    fn the_interpreter_of_an_elf_file_is_found() {
        let own = std::fs::read("/bin/sh").unwrap();
        let name = interpreter(&own[..2048]).unwrap();
        assert!(name.starts_with("/lib"), "{name}");
        for length in 0..2048 {
            let _ = interpreter(&own[..length]);
        }
    }
}
