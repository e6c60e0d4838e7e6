//! Attack sets of pieces: step tables and rays, computed at compile time.

use super::PieceType::{
    Bishop, Dragon, Gold, Horse, King, Knight, Lance, Pawn, ProKnight, ProLance, ProPawn, ProSilver, Rook, Silver,
};
use super::{Bitboard, Color, PieceType, Square};

/// (file, rank) steps of the eight rays. The first four lead to higher indices; `d ^ 4` is the opposite of `d`.
const DIRECTIONS: [(i8, i8); 8] = [(0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0), (-1, -1), (-1, 1)];
/// Towards rank i and towards rank a, indices into [`DIRECTIONS`].
const TO_I: usize = 0;
const TO_A: usize = 4;

type Steps = [Bitboard; Square::COUNT];

const fn step(from: Square, (file, rank): (i8, i8)) -> Option<Square> {
    let (file, rank) = (from.file() as i8 + file, from.rank() as i8 + rank);
    if file < 1 || rank < 1 { None } else { Square::new(file as u8, rank as u8) }
}

/// For each square the squares one of `steps` away; steps are from Black's view and turned for White.
const fn step_table(color: Color, steps: &[(i8, i8)]) -> Steps {
    let mut table = [Bitboard::EMPTY; Square::COUNT];
    let mut i = 0;
    while i < Square::COUNT {
        let mut s = 0;
        while s < steps.len() {
            let (file, rank) = steps[s];
            let forward = match color {
                Color::Black => rank,
                Color::White => -rank,
            };
            if let Some(to) = step(Square::ALL[i], (file, forward)) {
                table[i].insert(to);
            }
            s += 1;
        }
        i += 1;
    }
    table
}

const fn both_colors(steps: &[(i8, i8)]) -> [Steps; 2] {
    [step_table(Color::Black, steps), step_table(Color::White, steps)]
}

static PAWN: [Steps; 2] = both_colors(&[(0, -1)]);
static KNIGHT: [Steps; 2] = both_colors(&[(-1, -2), (1, -2)]);
static SILVER: [Steps; 2] = both_colors(&[(-1, -1), (0, -1), (1, -1), (-1, 1), (1, 1)]);
static GOLD: [Steps; 2] = both_colors(&[(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (0, 1)]);
static KING: Steps = step_table(Color::Black, &DIRECTIONS);

static RAYS: [Steps; 8] = {
    let mut rays = [[Bitboard::EMPTY; Square::COUNT]; 8];
    let mut d = 0;
    while d < 8 {
        let mut i = 0;
        while i < Square::COUNT {
            let mut at = Square::ALL[i];
            while let Some(next) = step(at, DIRECTIONS[d]) {
                rays[d][i].insert(next);
                at = next;
            }
            i += 1;
        }
        d += 1;
    }
    rays
};

/// The four rays that a bishop, or a rook, has on an empty board.
const fn four_rays(directions: [usize; 4]) -> Steps {
    let mut table = [Bitboard::EMPTY; Square::COUNT];
    let mut i = 0;
    while i < Square::COUNT {
        let mut d = 0;
        while d < 4 {
            table[i] = table[i].or(RAYS[directions[d]][i]);
            d += 1;
        }
        i += 1;
    }
    table
}

static DIAGONALS: Steps = four_rays([2, 3, 6, 7]);
static ORTHOGONALS: Steps = four_rays([0, 1, 4, 5]);

const NO_DIRECTION: u8 = 8;

/// `[from][to]`: the ray from `from` on which `to` lies.
static DIRECTION: [[u8; Square::COUNT]; Square::COUNT] = {
    let mut table = [[NO_DIRECTION; Square::COUNT]; Square::COUNT];
    let mut d = 0;
    while d < 8 {
        let mut i = 0;
        while i < Square::COUNT {
            let mut at = Square::ALL[i];
            while let Some(next) = step(at, DIRECTIONS[d]) {
                table[i][next.index()] = d as u8;
                at = next;
            }
            i += 1;
        }
        d += 1;
    }
    table
};

/// The squares strictly between two squares of one line; empty if they share no line.
#[inline]
pub(super) fn between(a: Square, b: Square) -> Bitboard {
    let d = usize::from(DIRECTION[a.index()][b.index()]);
    if d < 8 { RAYS[d][a.index()] & RAYS[d ^ 4][b.index()] } else { Bitboard::EMPTY }
}

/// The ray from `from` (exclusive) through `through` to the edge; empty if they share no line.
#[inline]
pub(super) fn ray_through(from: Square, through: Square) -> Bitboard {
    let d = usize::from(DIRECTION[from.index()][through.index()]);
    if d < 8 { RAYS[d][from.index()] } else { Bitboard::EMPTY }
}

/// One ray, up to and including the first occupied square.
#[inline]
fn slide(direction: usize, from: Square, occupied: Bitboard) -> Bitboard {
    let ray = RAYS[direction][from.index()];
    let blockers = ray & occupied;
    ray & if direction < 4 { blockers.up_to_first() } else { blockers.down_to_last() }
}

#[inline]
pub(super) fn pawn(color: Color, from: Square) -> Bitboard {
    PAWN[color.index()][from.index()]
}

#[inline]
pub(super) fn knight(color: Color, from: Square) -> Bitboard {
    KNIGHT[color.index()][from.index()]
}

#[inline]
pub(super) fn silver(color: Color, from: Square) -> Bitboard {
    SILVER[color.index()][from.index()]
}

#[inline]
pub(super) fn gold(color: Color, from: Square) -> Bitboard {
    GOLD[color.index()][from.index()]
}

#[inline]
pub(super) fn king(from: Square) -> Bitboard {
    KING[from.index()]
}

#[inline]
pub(super) fn lance(color: Color, from: Square, occupied: Bitboard) -> Bitboard {
    match color {
        Color::Black => slide(TO_A, from, occupied),
        Color::White => slide(TO_I, from, occupied),
    }
}

#[inline]
pub(super) fn bishop(from: Square, occupied: Bitboard) -> Bitboard {
    slide(2, from, occupied) | slide(3, from, occupied) | slide(6, from, occupied) | slide(7, from, occupied)
}

#[inline]
pub(super) fn rook(from: Square, occupied: Bitboard) -> Bitboard {
    slide(0, from, occupied) | slide(1, from, occupied) | slide(4, from, occupied) | slide(5, from, occupied)
}

/// The squares on one diagonal with `from`.
#[inline]
pub(super) fn diagonals(from: Square) -> Bitboard {
    DIAGONALS[from.index()]
}

/// The squares on one file or rank with `from`.
#[inline]
pub(super) fn orthogonals(from: Square) -> Bitboard {
    ORTHOGONALS[from.index()]
}

/// The squares ahead of `from` on its file, as `color` plays.
#[inline]
pub(super) fn ahead(color: Color, from: Square) -> Bitboard {
    match color {
        Color::Black => RAYS[TO_A][from.index()],
        Color::White => RAYS[TO_I][from.index()],
    }
}

/// The attack set of a piece on `from`, squares of own pieces included; `occupied` squares block sliders.
///
/// ```
/// # use keisei_core::shogi::*;
/// let from = "8h".parse().unwrap();
/// assert_eq!(attacks(PieceType::Horse, Color::Black, from, Bitboard::EMPTY).count(), 14);
/// ```
#[inline]
pub fn attacks(kind: PieceType, color: Color, from: Square, occupied: Bitboard) -> Bitboard {
    match kind {
        Pawn => pawn(color, from),
        Lance => lance(color, from, occupied),
        Knight => knight(color, from),
        Silver => silver(color, from),
        Gold | ProPawn | ProLance | ProKnight | ProSilver => gold(color, from),
        Bishop => bishop(from, occupied),
        Rook => rook(from, occupied),
        King => king(from),
        Horse => bishop(from, occupied) | king(from),
        Dragon => rook(from, occupied) | king(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lie_between_and_beyond() {
        let check = |a: &str, b: &str, expected_between: &[&str], expected_ray: usize| {
            let [a, b] = [a, b].map(|text| text.parse::<Square>().expect("a square"));
            let squares = expected_between.iter().map(|text| text.parse::<Square>().expect("a square"));
            let expected: Bitboard = squares.collect();
            assert_eq!(between(a, b), expected, "{a} {b}");
            assert_eq!(between(b, a), expected, "{b} {a}");
            assert_eq!(ray_through(a, b).count(), expected_ray, "{a} {b}");
        };
        check("5i", "5f", &["5g", "5h"], 8);
        check("1a", "9i", &["2b", "3c", "4d", "5e", "6f", "7g", "8h"], 8);
        check("8c", "6e", &["7d"], 6);
        check("7e", "8e", &[], 2);
        check("5e", "5e", &[], 0);
        check("5e", "4c", &[], 0);
    }
}
