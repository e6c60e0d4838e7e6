//! Output indices: every move of a position as one of a fixed number of actions.

use super::{SQUARES, observation::seen_from};
use crate::shogi::{Color, Move, PieceType, Position, Square};
use alloc::vec::Vec;

/// A numbering of moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actions {
    /// 27 move planes × 81 destination squares, numbered as dlshogi and pgx do.
    ///
    /// An action is `plane * 81 + destination`, the destination as the side to move sees it.
    ///
    /// | plane | move                                                                                            |
    /// |-------|-------------------------------------------------------------------------------------------------|
    /// | 0–9   | up, up-left, up-right, left, right, down, down-left, down-right, knight's left, knight's right  |
    /// | 10–19 | the same with promotion                                                                         |
    /// | 20–26 | drop of a pawn, lance, knight, silver, bishop, rook, gold                                       |
    ///
    /// The direction names where the piece goes; the origin is the nearest piece on that line, so no two legal moves
    /// share an action.
    Dest2187,
    /// Keisei 2025's flat numbering of origin, destination and promotion: squares are absolute, also for White.
    ///
    /// Squares count row by row from 9a = 0 to 1i = 80. A board move is `160 * from + 2 * (to − [to > from]) + promote`, a
    /// drop `12960 + 7 * to + kind`, kinds in the order of [`PieceType::HAND`].
    Flat13527Keisei2025,
    /// Keisei 2026's flat numbering: the same, with squares rotated for White.
    Flat13527Keisei2026,
    /// Keisei 2026's spatial numbering, squares as in `Flat13527Keisei2026`: `139 * square + slot`, the square being the
    /// origin of a board move or the target of a drop.
    ///
    /// | slot    | move                                                                                        |
    /// |---------|---------------------------------------------------------------------------------------------|
    /// | 0–63    | `8 * direction + distance − 1`, directions N NE E SE S SW W NW, N forward, E to the right   |
    /// | 64–127  | the same with promotion                                                                     |
    /// | 128–131 | knight to the left, the same promoting, knight to the right, the same promoting             |
    /// | 132–138 | drop, kinds in the order of [`PieceType::HAND`]                                             |
    Spatial11259,
}

const DIRECTIONS: usize = 10;
const DROPS: usize = 2 * DIRECTIONS;
const DEST2187: usize = 27 * SQUARES;
const FLAT_DROPS: usize = 160 * SQUARES;
const SPATIAL_SLOTS: usize = 139;

impl Actions {
    /// Every numbering that this build knows.
    pub const ALL: [Self; 4] =
        [Self::Dest2187, Self::Flat13527Keisei2025, Self::Flat13527Keisei2026, Self::Spatial11259];

    /// The name that models and checkpoints carry.
    pub fn id(self) -> &'static str {
        match self {
            Self::Dest2187 => "dest2187",
            Self::Flat13527Keisei2025 => "flat13527-2025",
            Self::Flat13527Keisei2026 => "flat13527-2026",
            Self::Spatial11259 => "spatial11259-2026",
        }
    }

    /// The numbering with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|actions| actions.id() == id)
    }

    /// Number of actions, legal or not.
    pub fn count(self) -> usize {
        match self {
            Self::Dest2187 => DEST2187,
            Self::Flat13527Keisei2025 | Self::Flat13527Keisei2026 => FLAT_DROPS + 7 * SQUARES,
            Self::Spatial11259 => SPATIAL_SLOTS * SQUARES,
        }
    }

    /// Number of planes of 81 actions each: what the network's policy head puts out.
    pub fn planes(self) -> usize {
        self.count() / SQUARES
    }

    /// The action of `mv`, a move of `side`.
    pub fn index(self, side: Color, mv: Move) -> u16 {
        match self {
            Self::Dest2187 => dest2187(side, mv),
            Self::Flat13527Keisei2025 => flat13527(Color::Black, mv),
            Self::Flat13527Keisei2026 => flat13527(side, mv),
            Self::Spatial11259 => spatial11259(side, mv),
        }
    }

    /// All legal moves of `position` with their actions, by rising action.
    pub fn legal(self, position: &Position) -> LegalActions {
        let side = position.side_to_move();
        let mut pairs: Vec<(u16, Move)> = position.legal_moves().iter().map(|&mv| (self.index(side, mv), mv)).collect();
        pairs.sort_unstable_by_key(|&(action, _)| action);
        let (actions, moves) = pairs.into_iter().unzip();
        LegalActions { actions, moves }
    }

    /// The legal move of `position` that `action` stands for.
    pub fn to_move(self, position: &Position, action: u16) -> Option<Move> {
        let legal = self.legal(position);
        let at = legal.actions.binary_search(&action).ok()?;
        Some(legal.moves[at])
    }
}

/// The legal moves of one position: action `actions()[i]` is move `moves()[i]`, actions rise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LegalActions {
    actions: Vec<u16>,
    moves: Vec<Move>,
}

impl LegalActions {
    /// The actions, rising.
    pub fn actions(&self) -> &[u16] {
        &self.actions
    }

    /// The moves, in the order of [`actions`](Self::actions).
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// Number of legal moves.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether the side to move has no legal move.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

fn dest2187(side: Color, mv: Move) -> u16 {
    let to = seen_from(side, mv.to());
    let plane = match (mv.from(), mv.dropped()) {
        (Some(from), _) => {
            let direction = direction(seen_from(side, from), to);
            if mv.is_promotion() { direction + DIRECTIONS } else { direction }
        }
        (None, dropped) => DROPS + drop_plane(dropped),
    };
    (plane * SQUARES + to) as u16
}

/// Place of a kind among the drop planes: dlshogi's order, which puts gold last.
fn drop_plane(kind: Option<PieceType>) -> usize {
    match kind {
        Some(PieceType::Pawn) => 0,
        Some(PieceType::Lance) => 1,
        Some(PieceType::Knight) => 2,
        Some(PieceType::Silver) => 3,
        Some(PieceType::Bishop) => 4,
        Some(PieceType::Rook) => 5,
        Some(PieceType::Gold) => 6,
        other => unreachable!("{other:?} is never dropped: `Move::drop` takes hand kinds only"),
    }
}

/// Direction plane of a move between two squares in the side to move's view, file-major with rank a on top.
fn direction(from: usize, to: usize) -> usize {
    let left = (to / 9) as isize - (from / 9) as isize; // the first file is at the right edge
    let down = (to % 9) as isize - (from % 9) as isize;
    match (left.signum(), down.signum()) {
        (1, -1) if down == -2 && left == 1 => 8,
        (-1, -1) if down == -2 && left == -1 => 9,
        (0, -1) => 0,
        (1, -1) => 1,
        (-1, -1) => 2,
        (1, 0) => 3,
        (-1, 0) => 4,
        (0, 1) => 5,
        (1, 1) => 6,
        (-1, 1) => 7,
        _ => unreachable!("a move leaves its square"),
    }
}

/// Index of a square counted row by row from 9a = 0 to 1i = 80, as `side` sees it.
fn row_major(side: Color, square: Square) -> usize {
    let seen = seen_from(side, square);
    9 * (seen % 9) + 8 - seen / 9
}

/// Place of a dropped kind in `PieceType::HAND`.
fn hand_kind(mv: Move) -> usize {
    PieceType::HAND.into_iter().position(|kind| mv.dropped() == Some(kind)).expect("a move without origin is a drop")
}

fn flat13527(side: Color, mv: Move) -> u16 {
    let to = row_major(side, mv.to());
    let index = match mv.from() {
        Some(from) => {
            let from = row_major(side, from);
            160 * from + 2 * (to - usize::from(to > from)) + usize::from(mv.is_promotion())
        }
        None => FLAT_DROPS + 7 * to + hand_kind(mv),
    };
    index as u16
}

fn spatial11259(side: Color, mv: Move) -> u16 {
    const PROMOTED: usize = 64;
    const KNIGHT: usize = 128;
    const DROP: usize = 132;
    let to = row_major(side, mv.to());
    let Some(from) = mv.from() else { return (SPATIAL_SLOTS * to + DROP + hand_kind(mv)) as u16 };
    let from = row_major(side, from);
    let right = (to % 9) as isize - (from % 9) as isize;
    let down = (to / 9) as isize - (from / 9) as isize;
    let promote = usize::from(mv.is_promotion());
    let direction = match (right.signum(), down.signum()) {
        _ if right.abs() == 1 && down == -2 => {
            let slot = KNIGHT + if right < 0 { 0 } else { 2 } + promote;
            return (SPATIAL_SLOTS * from + slot) as u16;
        }
        (0, -1) => 0,
        (1, -1) => 1,
        (1, 0) => 2,
        (1, 1) => 3,
        (0, 1) => 4,
        (-1, 1) => 5,
        (-1, 0) => 6,
        (-1, -1) => 7,
        _ => unreachable!("a move leaves its square"),
    };
    let distance = right.unsigned_abs().max(down.unsigned_abs());
    (SPATIAL_SLOTS * from + PROMOTED * promote + 8 * direction + distance - 1) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_the_table() {
        let check = |side: Color, usi: &str, plane: usize, destination: &str| {
            let mv: Move = usi.parse().expect("test move");
            let to: Square = destination.parse().expect("test square");
            assert_eq!(usize::from(Actions::Dest2187.index(side, mv)), plane * SQUARES + to.index(), "{usi}");
        };
        check(Color::Black, "7g7f", 0, "7f");
        check(Color::White, "3c3d", 0, "7f"); // the same move, rotated
        check(Color::Black, "8h2b+", 12, "2b"); // up-right, promoting
        check(Color::Black, "8i7g", 9, "7g"); // knight to the right
        check(Color::Black, "2i3g", 8, "3g"); // knight to the left
        check(Color::Black, "2h7h", 3, "7h"); // left
        check(Color::White, "8b3b", 3, "7h");
        check(Color::Black, "5e6f", 6, "6f"); // down-left
        check(Color::Black, "P*5e", 20, "5e");
        check(Color::White, "G*1a", 26, "9i");
        check(Color::Black, "B*5e", 24, "5e");
    }

    #[test]
    fn legal_moves_and_actions_are_one_to_one() {
        let rows = [
            "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1",
            "l6nl/5+P1gk/2np1S3/p1p4Pp/3P2Sp1/1PPb2P1P/P5GS1/R8/LN4bKL w RGgsn5p 1",
            "R8/2K1S1SSk/4B4/9/9/9/9/9/1L1L1L3 b RBGSNLP3g3n17p 1",
        ];
        for sfen in rows {
            let position = Position::from_sfen(sfen).expect("test position");
            let legal = Actions::Dest2187.legal(&position);
            assert_eq!(legal.len(), position.legal_moves().len(), "{sfen}");
            assert!(legal.actions().windows(2).all(|pair| pair[0] < pair[1]), "{sfen}");
            for (&action, &mv) in legal.actions().iter().zip(legal.moves()) {
                assert_eq!(Actions::Dest2187.to_move(&position, action), Some(mv), "{sfen} {mv}");
            }
        }
    }
}
