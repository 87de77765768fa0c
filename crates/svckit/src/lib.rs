//! The library for programs that are services.
//!
//! What stands here so far is what svcctl's own engine and command line need of it: the control plane's vocabulary and
//! client ([`control`]), specification documents ([`config`]) and the watching of files ([`watch`]).
#![forbid(unsafe_code)]

pub mod config;
pub mod control;
pub mod watch;
