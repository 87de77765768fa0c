//! The keeper: the small process that owns the services, so that the engine may die.
#![forbid(unsafe_code)]

pub mod protocol;
