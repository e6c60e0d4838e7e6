//! Start positions that somebody put together.

use alloc::{string::String, vec::Vec};

use keisei_core::shogi::{Piece, PieceType, Position, Setup, SetupFault, Square};
use wasm_bindgen::prelude::*;

use crate::board::color;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Defect of a start position that somebody put together. */
export type SetupProblem = "no_king" | "two_kings" | "too_many" | "two_pawns" | "dead_piece" | "opponent_in_check";
"#;

/// Start position that somebody put together, checked.
#[wasm_bindgen]
pub struct CustomStart {
    checked: Result<Position, Vec<SetupFault>>,
}

#[wasm_bindgen]
impl CustomStart {
    /// The position in SFEN, if a game can start from it.
    #[wasm_bindgen(getter)]
    pub fn sfen(&self) -> Option<String> {
        self.checked.as_ref().ok().map(Position::to_sfen)
    }

    /// Everything that is wrong with it.
    #[wasm_bindgen(unchecked_return_type = "SetupProblem[]")]
    pub fn problems(&self) -> Vec<String> {
        self.faults().iter().map(|fault| fault.id().into()).collect()
    }

    /// Place of each problem: the square; the colour for kings, the kind for too many pieces.
    pub fn places(&self) -> Vec<u8> {
        let place = |fault: &SetupFault| match *fault {
            SetupFault::NoKing(color) | SetupFault::TwoKings(color) => color as u8,
            SetupFault::TooMany(kind) => kind.index() as u8,
            SetupFault::TwoPawns(square) | SetupFault::Dead(square) | SetupFault::OpponentInCheck(square) => {
                square.index() as u8
            }
        };
        self.faults().iter().map(place).collect()
    }
}

impl CustomStart {
    fn faults(&self) -> &[SetupFault] {
        self.checked.as_ref().err().map_or(&[], Vec::as_slice)
    }
}

/// Checks a start position of piece codes by square (see [`Board`](crate::Board)) and numbers in hand (P L N S G B R of Black, then of White).
///
/// # Errors
/// If there are not 81 codes of pieces and 14 numbers, or the side to move is no colour.
#[wasm_bindgen]
pub fn check_start(squares: &[u8], hands: &[u8], side_to_move: u8) -> Result<CustomStart, JsError> {
    let wrong = || JsError::new("a start position has 81 codes of pieces and 14 numbers of pieces in hand");
    let mut setup = Setup { board: [None; Square::COUNT], hands: [[0; 7]; 2], side_to_move: color(side_to_move)? };
    if squares.len() != setup.board.len() || hands.len() != 14 {
        return Err(wrong());
    }
    for (place, &code) in setup.board.iter_mut().zip(squares) {
        if let Some(index) = code.checked_sub(1) {
            let kind = PieceType::ALL.get(usize::from(index % 16)).ok_or_else(wrong)?;
            *place = Some(Piece::new(color(index / 16)?, *kind));
        }
    }
    for (hand, counts) in setup.hands.iter_mut().zip(hands.chunks_exact(7)) {
        hand.copy_from_slice(counts);
    }
    Ok(CustomStart { checked: setup.position() })
}
