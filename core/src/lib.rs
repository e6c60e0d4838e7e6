//! Keisei's core: one vocabulary of shogi, one definition of the network.
//!
//! `no_std` + `alloc`; it does no IO, reads no clock and hides no randomness, so the trainer and the browser page
//! compute the same thing from the same input.
#![no_std]
#![cfg_attr(not(test), forbid(clippy::unwrap_used))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod encoding;
pub mod env;
pub mod format;
#[cfg(feature = "learn")]
pub mod learn;
pub mod net;
pub mod notation;
pub mod random;
pub mod search;
pub mod shogi;
