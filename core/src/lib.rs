#![doc = include_str!("../README.md")]
#![no_std]
// What a library has to say it returns or tells a sink: printing panics once nobody reads.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]
#![cfg_attr(not(test), forbid(clippy::unwrap_used))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod shogi;
pub mod encoding;
pub mod net;
pub mod evaluator;
pub mod search;
pub mod env;
#[cfg(feature = "learn")]
pub mod learn;
pub mod notation;
pub mod format;
pub mod random;
