//! Logs: from a program's pipe through the spool into records.
