//! What the black-box tests share.
#![forbid(unsafe_code)]
