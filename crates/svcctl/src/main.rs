//! svcctl: keeps any program running as a background service.
#![forbid(unsafe_code)]

fn main() {}
