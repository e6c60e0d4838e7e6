//! Material: the worth of a side's pieces, in pawns.

use super::{Color, PieceType, Position};

/// Points of a piece on the board, in the order of `PieceType::ALL`; the king counts nothing.
const ON_BOARD: [f32; 14] = [1.0, 3.0, 3.0, 4.0, 6.0, 8.0, 10.0, 0.0, 4.2, 5.0, 5.0, 5.5, 12.0, 14.0];

/// Points of a piece in hand, in the order of `PieceType::HAND`.
const IN_HAND: [f32; 7] = [1.0, 3.0, 3.0, 5.0, 6.0, 8.0, 10.0];

/// Points of a piece on the board, in pawns, 0 for a king.
///
/// ```
/// # use keisei_core::shogi::*;
/// assert_eq!(material::on_board(PieceType::Dragon), 14.0);
/// ```
pub const fn on_board(kind: PieceType) -> f32 {
    ON_BOARD[kind.index()]
}

/// Points of a piece in hand, in pawns; a promoted piece is held as its base kind.
///
/// ```
/// # use keisei_core::shogi::*;
/// assert_eq!((material::in_hand(PieceType::Silver), material::in_hand(PieceType::Dragon)), (5.0, 10.0));
/// assert_eq!(material::in_hand(PieceType::King), 0.0);
/// ```
pub const fn in_hand(kind: PieceType) -> f32 {
    match kind.unpromoted() {
        PieceType::King => 0.0,
        base => IN_HAND[base.index()],
    }
}

/// Material of `side` less that of its opponent, in pawns.
///
/// ```
/// # use keisei_core::shogi::*;
/// let position = Position::from_sfen("4k4/9/9/9/9/9/9/9/4K4 b R 1")?;
/// assert_eq!(material::balance(&position, Color::White), -10.0);
/// # Ok::<(), SfenError>(())
/// ```
pub fn balance(position: &Position, side: Color) -> f32 {
    material(position, side) - material(position, side.flip())
}

fn material(position: &Position, color: Color) -> f32 {
    let board: f32 = PieceType::ALL
        .into_iter()
        .map(|kind| ON_BOARD[kind.index()] * position.pieces(color, kind).count() as f32)
        .sum();
    let hand = position.hand(color);
    let held: f32 =
        PieceType::HAND.into_iter().zip(IN_HAND).map(|(kind, points)| points * f32::from(hand.count(kind))).sum();
    board + held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balance_counts_board_and_hand_for_both_sides() {
        let check = |sfen: &str, expected: f32| {
            let position = Position::from_sfen(sfen).expect("test position");
            assert_eq!(balance(&position, Color::Black), expected, "{sfen}");
            assert_eq!(balance(&position, Color::White), -expected, "{sfen}");
        };
        check("lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1", 0.0);
        check("4k4/9/9/9/4+r4/9/9/9/4K4 b 2PS 1", 2.0 + 5.0 - 14.0);
        check("4k4/9/9/4+P4/9/9/9/9/4K4 b b 1", 4.2 - 8.0);
    }
}
