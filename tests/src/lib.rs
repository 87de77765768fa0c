//! What the black-box tests and the benches share: a sandbox with its own root, programs that misbehave on demand,
//! and waiting for what must come.
//!
//! The tests know svcctl as its users do: by its command line, its files and the processes it starts. They depend on
//! no crate of the product. A sandbox ends what it started and then looks that nothing of it lives on.
#![forbid(unsafe_code)]

pub mod console;
pub mod fixture;
pub mod net;
pub mod processes;
pub mod sandbox;
pub mod shell;
pub mod wait;

pub use fixture::Fixture;
pub use sandbox::{Programs, Ran, Sandbox};
pub use wait::wait_until;
