//! The arithmetic of the numberings: from the parts of a move to its action, and back.
//!
//! Squares are indices as [`seen_from`](super::observation::seen_from) gives them: file by file from the right, the far
//! rank first. What the numbers mean stands in the tables at [`Actions`](super::Actions).

use super::SQUARES;
use crate::shogi::PieceType;

/// One numbering of moves.
pub(super) trait Numbering {
    /// The action of a move on the board.
    fn board(from: usize, to: usize, promotes: bool) -> usize;

    /// The action of a drop; `kind` is one of [`PieceType::HAND`].
    fn drop(kind: PieceType, to: usize) -> usize;

    /// The parts of the move that `action` stands for, `None` if it would start or end off the board; `is_empty` tells
    /// whether a square has no piece.
    fn parts(action: usize, is_empty: impl Fn(usize) -> bool) -> Option<Parts>;
}

/// The parts of a move.
pub(super) enum Parts {
    Board { from: usize, to: usize, promotes: bool },
    Drop { kind: PieceType, to: usize },
}

/// Steps to the left and down.
type Step = (isize, isize);

/// Sum of a file and rank step in one number: no two steps on the board share one.
#[inline]
fn difference(from: usize, to: usize) -> usize {
    /// 17 for each file and 1 for each rank.
    const PLACE: [u8; SQUARES] = {
        let mut places = [0; SQUARES];
        let mut square = 0;
        while square < SQUARES {
            places[square] = (square / 9 * 17 + square % 9) as u8;
            square += 1;
        }
        places
    };
    NO_STEP + usize::from(PLACE[to]) - usize::from(PLACE[from])
}

/// The [`difference`] of a square to itself, the middle of the range.
const NO_STEP: usize = 144;

/// Table by [`difference`]: the number of the entry whose step, repeated 1 to `longest` times, makes that difference; if
/// `numbered`, each further square has the next number.
const fn by_difference(entries: &[(Step, u8)], longest: isize, numbered: bool) -> [u8; 289] {
    let mut table = [u8::MAX; 289];
    let mut i = 0;
    while i < entries.len() {
        let ((left, down), first) = entries[i];
        let mut distance = 1;
        while distance <= longest {
            let at = (NO_STEP as isize + distance * (17 * left + down)) as usize;
            table[at] = if numbered { first + distance as u8 - 1 } else { first };
            distance += 1;
        }
        i += 1;
    }
    table
}

/// Union of two tables.
const fn merged(a: &[u8; 289], b: &[u8; 289]) -> [u8; 289] {
    let mut table = *a;
    let mut i = 0;
    while i < table.len() {
        if b[i] != u8::MAX {
            table[i] = b[i];
        }
        i += 1;
    }
    table
}

/// The square `distance` steps from `from`, `None` off the board.
fn walk(from: usize, (left, down): Step, distance: isize) -> Option<usize> {
    let file = (from / 9).checked_add_signed(left * distance)?;
    let rank = (from % 9).checked_add_signed(down * distance)?;
    (file < 9 && rank < 9).then_some(9 * file + rank)
}

/// [`Actions::Dest2187`](super::Actions::Dest2187).
pub(super) struct Dest2187;

impl Dest2187 {
    pub(super) const COUNT: usize = 27 * SQUARES;
    const DIRECTIONS: usize = 10;
    const KNIGHT: usize = 8;
    const DROPS: usize = 2 * Self::DIRECTIONS;
    /// dlshogi's order, which puts gold last.
    const DROP_ORDER: [PieceType; 7] = [
        PieceType::Pawn,
        PieceType::Lance,
        PieceType::Knight,
        PieceType::Silver,
        PieceType::Bishop,
        PieceType::Rook,
        PieceType::Gold,
    ];
    /// Place of each kind of `PieceType::HAND` in `DROP_ORDER`.
    const DROP_PLANE: [usize; 7] = [0, 1, 2, 3, 6, 4, 5];
    /// Steps of the planes: the direction names where the piece goes.
    const STEPS: [Step; Self::DIRECTIONS] =
        [(0, -1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (1, 1), (-1, 1), (1, -2), (-1, -2)];
    const DIRECTION: [u8; 289] = {
        let [up, up_left, up_right, left, right, down, down_left, down_right, knight_left, knight_right] = Self::STEPS;
        merged(
            &by_difference(
                &[
                    (up, 0),
                    (up_left, 1),
                    (up_right, 2),
                    (left, 3),
                    (right, 4),
                    (down, 5),
                    (down_left, 6),
                    (down_right, 7),
                ],
                8,
                false,
            ),
            &by_difference(&[(knight_left, 8), (knight_right, 9)], 1, false),
        )
    };
}

impl Numbering for Dest2187 {
    #[inline]
    fn board(from: usize, to: usize, promotes: bool) -> usize {
        let direction = usize::from(Self::DIRECTION[difference(from, to)]);
        (direction + if promotes { Self::DIRECTIONS } else { 0 }) * SQUARES + to
    }

    #[inline]
    fn drop(kind: PieceType, to: usize) -> usize {
        (Self::DROPS + Self::DROP_PLANE[kind.index()]) * SQUARES + to
    }

    fn parts(action: usize, is_empty: impl Fn(usize) -> bool) -> Option<Parts> {
        let (plane, to) = (action / SQUARES, action % SQUARES);
        if let Some(drop) = plane.checked_sub(Self::DROPS) {
            return Some(Parts::Drop { kind: *Self::DROP_ORDER.get(drop)?, to });
        }
        let direction = plane % Self::DIRECTIONS;
        let (left, down) = Self::STEPS[direction];
        let longest = if direction >= Self::KNIGHT { 1 } else { 8 };
        let mut back = (1..=longest).map_while(|distance| walk(to, (-left, -down), distance));
        let from = back.find(|&square| !is_empty(square))?;
        Some(Parts::Board { from, to, promotes: plane >= Self::DIRECTIONS })
    }
}

/// Index of a square counted row by row from the far left, as in Keisei's numberings.
const fn row_major(square: usize) -> usize {
    9 * (square % 9) + 8 - square / 9
}

/// The square with that [`row_major`] index.
const fn from_row_major(index: usize) -> usize {
    9 * (8 - index % 9) + index / 9
}

/// [`Actions::Flat13527Keisei2025`](super::Actions::Flat13527Keisei2025) and its successor of 2026.
pub(super) struct Flat13527;

impl Flat13527 {
    pub(super) const COUNT: usize = Self::DROPS + 7 * SQUARES;
    const DROPS: usize = 160 * SQUARES;
}

impl Numbering for Flat13527 {
    #[inline]
    fn board(from: usize, to: usize, promotes: bool) -> usize {
        let (from, to) = (row_major(from), row_major(to));
        160 * from + 2 * (to - usize::from(to > from)) + usize::from(promotes)
    }

    #[inline]
    fn drop(kind: PieceType, to: usize) -> usize {
        Self::DROPS + 7 * row_major(to) + kind.index()
    }

    fn parts(action: usize, _: impl Fn(usize) -> bool) -> Option<Parts> {
        if let Some(drop) = action.checked_sub(Self::DROPS) {
            return Some(Parts::Drop { kind: PieceType::HAND[drop % 7], to: from_row_major(drop / 7) });
        }
        let (from, rest) = (action / 160, action % 160 / 2);
        let to = rest + usize::from(rest >= from);
        Some(Parts::Board { from: from_row_major(from), to: from_row_major(to), promotes: action % 2 == 1 })
    }
}

/// [`Actions::Spatial11259`](super::Actions::Spatial11259).
pub(super) struct Spatial11259;

impl Spatial11259 {
    pub(super) const COUNT: usize = Self::SLOTS * SQUARES;
    const SLOTS: usize = 139;
    const PROMOTED: usize = 64;
    const KNIGHT: usize = 128;
    const DROP: usize = 132;
    /// N NE E SE S SW W NW.
    const STEPS: [Step; 8] = [(0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1)];
    /// To the left and to the right.
    const JUMPS: [Step; 2] = [(1, -2), (-1, -2)];
    /// Slots of moves without promotion.
    const SLOT: [u8; 289] = {
        let mut lines = [((0, 0), 0); 8];
        let mut i = 0;
        while i < lines.len() {
            lines[i] = (Self::STEPS[i], 8 * i as u8);
            i += 1;
        }
        let knight = Self::KNIGHT as u8;
        let jumps = [(Self::JUMPS[0], knight), (Self::JUMPS[1], knight + 2)];
        merged(&by_difference(&lines, 8, true), &by_difference(&jumps, 1, true))
    };
}

impl Numbering for Spatial11259 {
    #[inline]
    fn board(from: usize, to: usize, promotes: bool) -> usize {
        let slot = usize::from(Self::SLOT[difference(from, to)]);
        let promoted = if slot < Self::KNIGHT { Self::PROMOTED } else { 1 };
        Self::SLOTS * row_major(from) + slot + if promotes { promoted } else { 0 }
    }

    #[inline]
    fn drop(kind: PieceType, to: usize) -> usize {
        Self::SLOTS * row_major(to) + Self::DROP + kind.index()
    }

    fn parts(action: usize, _: impl Fn(usize) -> bool) -> Option<Parts> {
        let (square, slot) = (from_row_major(action / Self::SLOTS), action % Self::SLOTS);
        if let Some(kind) = slot.checked_sub(Self::DROP) {
            return Some(Parts::Drop { kind: PieceType::HAND[kind], to: square });
        }
        let (step, distance, promotes) = match slot.checked_sub(Self::KNIGHT) {
            Some(jump) => (Self::JUMPS[jump / 2], 1, jump % 2 == 1),
            None => (Self::STEPS[slot / 8 % 8], slot as isize % 8 + 1, slot >= Self::PROMOTED),
        };
        Some(Parts::Board { from: square, to: walk(square, step, distance)?, promotes })
    }
}
