//! The piece that makes a move, and the others that could make it.

use crate::shogi::{Bitboard, Move, Piece, PieceType, Position, Square, attacks};

/// Piece that moves, as it is before a promotion; nothing if the move starts from an empty square.
pub fn mover(position: &Position, mv: Move) -> Option<Piece> {
    match mv.from() {
        Some(from) => position.piece_at(from),
        None => mv.dropped().map(|kind| Piece::new(position.side_to_move(), kind)),
    }
}

/// Squares of the pieces like `piece` that attack `to`, pinned ones included.
pub fn reaching(position: &Position, piece: Piece, to: Square) -> Bitboard {
    let mut reaching = Bitboard::EMPTY;
    for from in position.pieces(piece.color(), piece.kind()) {
        if attacks(piece.kind(), piece.color(), from, position.occupied()).contains(to) {
            reaching.insert(from);
        }
    }
    reaching
}

/// Whether `piece` could promote with a move between these squares.
pub fn may_promote(piece: Piece, mv: Move) -> bool {
    let in_zone = |square: Square| square.relative_rank(piece.color()) <= 3;
    piece.kind().promoted().is_some() && mv.from().is_some_and(|from| in_zone(from) || in_zone(mv.to()))
}

/// Whether pieces of this kind can be in hand.
pub fn can_be_held(kind: PieceType) -> bool {
    PieceType::HAND.contains(&kind)
}
