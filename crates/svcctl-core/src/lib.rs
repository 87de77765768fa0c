//! The decisions of svcctl, and nothing else.
//!
//! This crate holds what a service *is* ([`spec`]) and what is to be done about it ([`supervisor`]): events in,
//! actions out. Time and randomness are arguments. It does no I/O, reads no clock, starts no thread and holds no
//! lock; it builds for `wasm32-unknown-unknown`, and `cargo xtask tidy` refuses the imports that would change that.
#![forbid(unsafe_code)]

pub mod ident;
pub mod rng;
pub mod schedule;
pub mod spec;
pub mod supervisor;
pub mod time;
