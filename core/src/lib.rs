#![doc = include_str!("../README.md")]
#![no_std]
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
