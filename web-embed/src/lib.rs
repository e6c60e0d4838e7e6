//! A game to look at on the pages of other sites: KIF, KI2, CSA and USI texts read, every node's move in words, every position.
//!
//! All that such a page loads of us is this module and what draws the board, so it is built for size: without the standard
//! library, without bindings, with texts as the only values. [`read`] answers with JSON, which every browser reads by itself.
//! Formats that need JSON or checksums (JKF, links, our records) are left to the module for records, which makes a KIF of them.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod answer;
mod json;
#[cfg(target_family = "wasm")]
mod exports;

pub use answer::{Game, MOST_TEXT, read};
