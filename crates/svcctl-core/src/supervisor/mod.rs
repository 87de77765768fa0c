//! The supervisor: a state machine that is told what happened and says what to do.
//!
//! `handle(now, event)` takes one event, `poll_action()` gives what is to be carried out, in order, and
//! `poll_timeout()` tells when `handle_timeout(now)` is due. The owner (the engine's driver; in tests, the simulated
//! world) executes every action and reports what came of it. See `docs/ARCHITECTURE.md` for the contract.

pub mod action;
pub mod event;
pub mod memo;
pub mod reply;
pub mod state;
pub mod view;
