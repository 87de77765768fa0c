//! Linux: `/etc/passwd` and `/etc/group`. What only a name service knows is not asked here, since that may take long.

pub use crate::process::is_member;

/// The number of the user that this process acts as.
pub fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_group_counts_and_a_group_that_is_not_there_has_no_members() {
        assert!(is_member(0, 0, "root"));
        assert!(is_member(4_000_000, 0, "root"), "the kernel says the primary group, whoever the user is");
        assert!(!is_member(4_000_000, 4_000_000, "root"));
        assert!(!is_member(0, 0, "no-such-group"));
    }
}
