//! The engine of svcctl.
#![forbid(unsafe_code)]

pub mod logs;
