//! Languages of a move's text.

use alloc::{
    format,
    string::{String, ToString},
};

use keisei_core::notation::{japanese, western};
use keisei_core::shogi::{Move, Position, Square};
use wasm_bindgen::prelude::*;

use crate::js_error;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Language of a move's text: `▲７六歩`, `P-7f`, `7g7f`. */
export type MoveStyle = "japanese" | "western" | "usi";
"#;

/// Language of a move's text.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    Japanese,
    Western,
    Usi,
}

impl Style {
    /// The language of this name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn named(name: &str) -> Result<Style, JsError> {
        match name {
            "japanese" => Ok(Style::Japanese),
            "western" => Ok(Style::Western),
            "usi" => Ok(Style::Usi),
            _ => Err(js_error(format!("there is no language \"{name}\" of moves"))),
        }
    }

    /// Text of a move; `previous` is the destination of the move before it.
    pub(crate) fn write(self, before: &Position, mv: Move, previous: Option<Square>) -> String {
        match self {
            Style::Japanese => japanese::write_marked(before, mv, previous),
            Style::Western => western::write(before, mv),
            Style::Usi => mv.to_string(),
        }
    }
}
