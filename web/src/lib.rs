//! The core in the browser: thin wasm-bindgen methods over Rust objects, no rule of shogi here.
//!
//! [`Board`] lives on the page's thread and answers what is on the board and what is legal; [`Engine`] lives in a worker
//! and answers what a model thinks; [`Replay`] and [`Recorder`] read and write game records.

mod board;
mod engine;
mod replay;

pub use board::{Board, GameEnd};
pub use engine::{Candidates, Engine, Thought};
pub use replay::{Recorder, Replay};

use wasm_bindgen::JsError;

/// A Rust error as a JavaScript `Error` with the same words.
fn js_error(error: impl core::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
}
