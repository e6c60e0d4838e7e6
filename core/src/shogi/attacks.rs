//! Attack sets of pieces: step tables and rays, computed at compile time; with the feature `compact` they are computed when they are
//! asked for, because the tables are a third of a small module.

use super::PieceType::{
    Bishop, Dragon, Gold, Horse, King, Knight, Lance, Pawn, ProKnight, ProLance, ProPawn, ProSilver, Rook, Silver,
};
use super::{Bitboard, Color, PieceType, Square};

/// (file, rank) steps of the eight rays. The first four lead to higher indices; `d ^ 4` is the opposite of `d`.
const DIRECTIONS: [(i8, i8); 8] = [(0, 1), (1, 0), (1, 1), (1, -1), (0, -1), (-1, 0), (-1, -1), (-1, 1)];
/// Towards rank i and towards rank a, indices into [`DIRECTIONS`].
const TO_I: usize = 0;
const TO_A: usize = 4;

const fn step(from: Square, (file, rank): (i8, i8)) -> Option<Square> {
    let (file, rank) = (from.file() as i8 + file, from.rank() as i8 + rank);
    if file < 1 || rank < 1 { None } else { Square::new(file as u8, rank as u8) }
}

/// The squares one of `steps` away from `from`; steps are from Black's view and turned for White.
const fn steps_from(color: Color, from: Square, steps: &[(i8, i8)]) -> Bitboard {
    let mut set = Bitboard::EMPTY;
    let mut s = 0;
    while s < steps.len() {
        let (file, rank) = steps[s];
        let forward = match color {
            Color::Black => rank,
            Color::White => -rank,
        };
        if let Some(to) = step(from, (file, forward)) {
            set.insert(to);
        }
        s += 1;
    }
    set
}

/// The squares of the ray from `from` (exclusive) to the edge.
const fn ray_from(direction: usize, from: Square) -> Bitboard {
    let mut set = Bitboard::EMPTY;
    let mut at = from;
    while let Some(next) = step(at, DIRECTIONS[direction]) {
        set.insert(next);
        at = next;
    }
    set
}

/// The four rays that a bishop, or a rook, has on an empty board.
const fn four_rays(directions: [usize; 4], from: Square) -> Bitboard {
    let [a, b, c, d] = directions;
    ray_from(a, from).or(ray_from(b, from)).or(ray_from(c, from)).or(ray_from(d, from))
}

const PAWN: &[(i8, i8)] = &[(0, -1)];
const KNIGHT: &[(i8, i8)] = &[(-1, -2), (1, -2)];
const SILVER: &[(i8, i8)] = &[(-1, -1), (0, -1), (1, -1), (-1, 1), (1, 1)];
const GOLD: &[(i8, i8)] = &[(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (0, 1)];
const DIAGONAL: [usize; 4] = [2, 3, 6, 7];
const ORTHOGONAL: [usize; 4] = [0, 1, 4, 5];

const NO_DIRECTION: usize = 8;

/// The ray from `from` on which `to` lies, from the difference of the squares.
#[cfg(any(test, feature = "compact"))]
fn direction_by_steps(from: Square, to: Square) -> usize {
    let (file, rank) = (to.file() as i8 - from.file() as i8, to.rank() as i8 - from.rank() as i8);
    if file != 0 && rank != 0 && file.abs() != rank.abs() {
        return NO_DIRECTION;
    }
    let step = (file.signum(), rank.signum());
    DIRECTIONS.iter().position(|&direction| direction == step).unwrap_or(NO_DIRECTION)
}

/// The sets, read from tables.
#[cfg(not(feature = "compact"))]
mod sets {
    use super::{DIAGONAL, DIRECTIONS, NO_DIRECTION, ORTHOGONAL, four_rays, ray_from, step, steps_from};
    use crate::shogi::{Bitboard, Color, Square};

    pub(super) type Table = [Bitboard; Square::COUNT];

    /// For each colour and square the squares one of `steps` away.
    pub(super) const fn step_table(steps: &[(i8, i8)]) -> [Table; 2] {
        let mut table = [[Bitboard::EMPTY; Square::COUNT]; 2];
        let mut i = 0;
        while i < Square::COUNT {
            table[0][i] = steps_from(Color::Black, Square::ALL[i], steps);
            table[1][i] = steps_from(Color::White, Square::ALL[i], steps);
            i += 1;
        }
        table
    }

    const fn four_ray_table(directions: [usize; 4]) -> Table {
        let mut table = [Bitboard::EMPTY; Square::COUNT];
        let mut i = 0;
        while i < Square::COUNT {
            table[i] = four_rays(directions, Square::ALL[i]);
            i += 1;
        }
        table
    }

    static RAYS: [Table; 8] = {
        let mut rays = [[Bitboard::EMPTY; Square::COUNT]; 8];
        let mut d = 0;
        while d < 8 {
            let mut i = 0;
            while i < Square::COUNT {
                rays[d][i] = ray_from(d, Square::ALL[i]);
                i += 1;
            }
            d += 1;
        }
        rays
    };

    static DIAGONALS: Table = four_ray_table(DIAGONAL);
    static ORTHOGONALS: Table = four_ray_table(ORTHOGONAL);

    /// `[from][to]`: the ray from `from` on which `to` lies.
    static DIRECTION: [[u8; Square::COUNT]; Square::COUNT] = {
        let mut table = [[NO_DIRECTION as u8; Square::COUNT]; Square::COUNT];
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

    #[inline]
    pub(super) fn direction(from: Square, to: Square) -> usize {
        DIRECTION[from.index()][to.index()].into()
    }

    #[inline]
    pub(super) fn ray(direction: usize, from: Square) -> Bitboard {
        RAYS[direction][from.index()]
    }

    #[inline]
    pub(super) fn diagonals(from: Square) -> Bitboard {
        DIAGONALS[from.index()]
    }

    #[inline]
    pub(super) fn orthogonals(from: Square) -> Bitboard {
        ORTHOGONALS[from.index()]
    }

    /// Squares that a stepping piece of a colour attacks, from a table of its own.
    macro_rules! steps {
        ($color:expr, $from:expr, $steps:expr) => {{
            static TABLE: [sets::Table; 2] = sets::step_table($steps);
            TABLE[$color.index()][$from.index()]
        }};
    }
    pub(super) use steps;
}

/// The sets, computed when they are asked for.
#[cfg(feature = "compact")]
mod sets {
    use super::{DIAGONAL, ORTHOGONAL, four_rays, ray_from};
    use crate::shogi::{Bitboard, Square};

    pub(super) use super::direction_by_steps as direction;

    pub(super) fn ray(direction: usize, from: Square) -> Bitboard {
        ray_from(direction, from)
    }

    pub(super) fn diagonals(from: Square) -> Bitboard {
        four_rays(DIAGONAL, from)
    }

    pub(super) fn orthogonals(from: Square) -> Bitboard {
        four_rays(ORTHOGONAL, from)
    }

    /// Squares that a stepping piece of a colour attacks.
    macro_rules! steps {
        ($color:expr, $from:expr, $steps:expr) => {
            steps_from($color, $from, $steps)
        };
    }
    pub(super) use steps;
}

use sets::{direction, ray, steps};

/// The squares strictly between two squares of one line; empty if they share no line.
#[inline]
pub(super) fn between(a: Square, b: Square) -> Bitboard {
    let d = direction(a, b);
    if d < NO_DIRECTION { ray(d, a) & ray(d ^ 4, b) } else { Bitboard::EMPTY }
}

/// The ray from `from` (exclusive) through `through` to the edge; empty if they share no line.
#[inline]
pub(super) fn ray_through(from: Square, through: Square) -> Bitboard {
    let d = direction(from, through);
    if d < NO_DIRECTION { ray(d, from) } else { Bitboard::EMPTY }
}

/// One ray, up to and including the first occupied square.
#[inline]
fn slide(direction: usize, from: Square, occupied: Bitboard) -> Bitboard {
    let ray = ray(direction, from);
    let blockers = ray & occupied;
    ray & if direction < 4 { blockers.up_to_first() } else { blockers.down_to_last() }
}

#[inline]
pub(super) fn pawn(color: Color, from: Square) -> Bitboard {
    steps!(color, from, PAWN)
}

#[inline]
pub(super) fn knight(color: Color, from: Square) -> Bitboard {
    steps!(color, from, KNIGHT)
}

#[inline]
pub(super) fn silver(color: Color, from: Square) -> Bitboard {
    steps!(color, from, SILVER)
}

#[inline]
pub(super) fn gold(color: Color, from: Square) -> Bitboard {
    steps!(color, from, GOLD)
}

#[inline]
pub(super) fn king(from: Square) -> Bitboard {
    steps!(Color::Black, from, &DIRECTIONS)
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
    sets::diagonals(from)
}

/// The squares on one file or rank with `from`.
#[inline]
pub(super) fn orthogonals(from: Square) -> Bitboard {
    sets::orthogonals(from)
}

/// The squares ahead of `from` on its file, as `color` plays.
#[inline]
pub(super) fn ahead(color: Color, from: Square) -> Bitboard {
    match color {
        Color::Black => ray(TO_A, from),
        Color::White => ray(TO_I, from),
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
    fn directions_are_those_of_the_rays() {
        for from in Square::ALL {
            for to in Square::ALL {
                let found = (0..8).find(|&d| ray_from(d, from).contains(to)).unwrap_or(NO_DIRECTION);
                assert_eq!((direction(from, to), direction_by_steps(from, to)), (found, found), "{from} {to}");
            }
        }
    }

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
