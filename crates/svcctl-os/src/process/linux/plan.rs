//! Builds the child's [`Plan`] and owns all that it points to.

use super::child::{Plan, Range};
use std::ffi::{CString, c_char, c_int};
use std::os::fd::RawFd;
use std::ptr;

/// What is executed.
pub(in crate::process) enum Target {
    /// The first of these files that can be.
    Files(Vec<CString>),
    /// The file behind this descriptor.
    Descriptor(RawFd),
}

/// All that a child needs, as owned values. Descriptors are borrowed by number: they stay open in the parent until
/// clone3 has returned, and the child has its own copies from then on.
pub(in crate::process) struct Arrangement {
    pub(in crate::process) target: Target,
    pub(in crate::process) argv: Vec<CString>,
    pub(in crate::process) env: Vec<CString>,
    pub(in crate::process) cwd: Option<CString>,
    pub(in crate::process) stdio: [RawFd; 3],
    pub(in crate::process) status: RawFd,
    pub(in crate::process) inherit: Vec<RawFd>,
    pub(in crate::process) nofile: Option<libc::rlimit64>,
}

/// A plan and what it points to. The pointers lead into heap blocks that do not move with this value.
pub(in crate::process) struct Prepared {
    plan: Box<Plan>,
    // Never read again by the parent: these own what `plan` points to.
    _arrangement: Box<Arrangement>,
    _lists: [Vec<*const c_char>; 3],
    _ranges: Vec<Range>,
}

/// Standard streams have these numbers; everything else lies above.
const STREAMS: usize = 3;

impl Prepared {
    pub(in crate::process) fn new(arrangement: Arrangement) -> Self {
        let arrangement = Box::new(arrangement);
        let argv = pointers(&arrangement.argv);
        let envp = pointers(&arrangement.env);
        let (candidates, descriptor) = match &arrangement.target {
            Target::Files(files) => (pointers(files), -1),
            Target::Descriptor(descriptor) => (Vec::new(), *descriptor),
        };
        let ranges = closed_ranges(&kept(&arrangement, descriptor));
        let plan = Box::new(Plan {
            stdio: arrangement.stdio,
            status: arrangement.status,
            close: ranges.as_ptr(),
            close_count: ranges.len(),
            inherit: arrangement.inherit.as_ptr(),
            inherit_count: arrangement.inherit.len(),
            nofile: arrangement.nofile.as_ref().map_or(ptr::null(), ptr::from_ref),
            cwd: arrangement.cwd.as_ref().map_or(ptr::null(), |cwd| cwd.as_ptr()),
            candidates: if candidates.is_empty() { ptr::null() } else { candidates.as_ptr() },
            descriptor,
            argv: argv.as_ptr(),
            envp: envp.as_ptr(),
        });
        Self { plan, _arrangement: arrangement, _lists: [argv, envp, candidates], _ranges: ranges }
    }

    pub(in crate::process) fn plan(&self) -> &Plan {
        &self.plan
    }
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
}

/// The numbers above the standard streams that stay open in the child.
fn kept(arrangement: &Arrangement, descriptor: c_int) -> Vec<u32> {
    let all = arrangement.inherit.iter().chain([&arrangement.status, &descriptor]);
    let mut kept: Vec<u32> = all.filter_map(|number| u32::try_from(*number).ok()).collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// What lies between the kept numbers.
fn closed_ranges(kept: &[u32]) -> Vec<Range> {
    let mut ranges = Vec::with_capacity(kept.len() + 1);
    let mut first = u32::try_from(STREAMS).unwrap_or(u32::MAX);
    for number in kept {
        if let Some(last) = number.checked_sub(1).filter(|last| *last >= first) {
            ranges.push(Range { first, last });
        }
        first = first.max(number + 1);
    }
    ranges.push(Range { first, last: u32::MAX });
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_kept_numbers_is_closed() {
        let spans = |kept: &[u32]| closed_ranges(kept).iter().map(|r| (r.first, r.last)).collect::<Vec<_>>();
        assert_eq!(spans(&[]), [(3, u32::MAX)]);
        assert_eq!(spans(&[3]), [(4, u32::MAX)]);
        assert_eq!(spans(&[5, 6, 9]), [(3, 4), (7, 8), (10, u32::MAX)]);
    }
}
