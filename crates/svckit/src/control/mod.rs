//! The control plane: what is said over the local API, and the client that says it.

pub mod client;
pub mod openapi;
pub mod types;
