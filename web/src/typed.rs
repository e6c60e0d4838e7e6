//! Moves that somebody typed.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use keisei_core::notation::typed::{self, TypedError};
use keisei_core::shogi::Move;
use wasm_bindgen::prelude::*;

use crate::board::{Board, GAME_OVER};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Reason why a typed text is no move to play; of an illegal one there is an `IllegalReason` too. */
export type TypedProblem = "unreadable" | "other_side" | "no_previous" | "no_such_move" | "ambiguous" | "illegal";
"#;

/// Text that somebody typed, read as a move.
#[wasm_bindgen]
pub struct TypedMove {
    read: Result<Move, TypedError>,
    over: bool,
}

#[wasm_bindgen]
impl TypedMove {
    /// The move in USI, if the text means one legal move.
    #[wasm_bindgen(getter)]
    pub fn usi(&self) -> Option<String> {
        self.read.as_ref().ok().filter(|_| !self.over).map(Move::to_string)
    }

    /// Reason why it does not.
    #[wasm_bindgen(getter, unchecked_return_type = "TypedProblem | undefined")]
    pub fn problem(&self) -> Option<String> {
        match &self.read {
            Ok(_) => self.over.then(|| "illegal".into()),
            Err(error) => Some(error.id().into()),
        }
    }

    /// Reason why the move is illegal.
    #[wasm_bindgen(getter, unchecked_return_type = "IllegalReason | undefined")]
    pub fn illegal(&self) -> Option<String> {
        match &self.read {
            Err(TypedError::Illegal(_, why)) => Some(why.id().into()),
            _ => self.over.then(|| GAME_OVER.into()),
        }
    }

    /// Square of the piece to blame for an illegal move.
    #[wasm_bindgen(getter)]
    pub fn blamed(&self) -> Option<u8> {
        match &self.read {
            Err(TypedError::Illegal(_, why)) => why.blamed().map(|square| square.index() as u8),
            _ => None,
        }
    }

    /// Legal moves in USI that the text may mean, if it is ambiguous.
    pub fn candidates(&self) -> Vec<String> {
        match &self.read {
            Err(TypedError::Ambiguous(moves)) => moves.iter().map(Move::to_string).collect(),
            _ => Vec::new(),
        }
    }
}

#[wasm_bindgen]
impl Board {
    /// Reads a move as people type it: USI, Western, Japanese, CSA or digits.
    pub fn read_move(&self, text: &str) -> TypedMove {
        let previous = self.game().moves().last().map(|mv| mv.to());
        let read = typed::read(self.game().position(), text, previous);
        TypedMove { read, over: self.game().outcome().is_some() }
    }
}
