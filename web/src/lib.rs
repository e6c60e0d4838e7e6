//! The core in the browser: thin wasm-bindgen methods over Rust objects, without any rules of shogi.
//!
//! [`Board`] runs on the page's thread and holds a game with its legal moves; [`Engine`] runs in a worker and evaluates
//! positions with a model; [`Replay`] and [`Recorder`] read and write game records.

// What a library has to say it returns or tells a sink: printing panics once nobody reads.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod board;
mod engine;
mod replay;

pub use board::{Board, GameEnd};
pub use engine::{Candidates, Engine, Thought};
pub use replay::{Recorder, Replay};

use wasm_bindgen::JsError;

/// JavaScript `Error` with the message of a Rust error.
fn js_error(error: impl core::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
}
