//! Material in learning: a prior for the value head early in training, and the target of the score head.

use crate::net::Value;
use crate::shogi::{Position, material};

/// Material of the side to move as a value in [−0.7, 0.7]: capturing a rook from an even position gives about 0.37.
///
/// The value stays well below 1, so that a mate is always worth more than any capture.
pub fn material_value(position: &Position) -> Value {
    const CEILING: f32 = 0.7;
    const PAWN: f32 = 0.03;
    Value(CEILING * libm::tanhf(PAWN * material::balance(position, position.side_to_move())))
}

/// Target of the score head: the material balance of the side to move, in the original Keisei's unit of 76 pawns.
pub fn material_score(position: &Position) -> f32 {
    material::balance(position, position.side_to_move()) / 76.0
}
