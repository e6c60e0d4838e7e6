//! Output indices: every move of a position as one of a fixed number of actions.

use super::numbering::{Dest2187, Flat13527, Numbering, Parts, Spatial11259};
use super::{SQUARES, observation::seen_from};
use crate::shogi::{Color, Move, Origin, Position, Square, TargetSet};
use alloc::vec::Vec;
use core::fmt;

/// Number of a move in one of the numberings of [`Actions`]: an output of the policy head.
///
/// ```
/// use keisei_core::encoding::{Action, Actions};
/// use keisei_core::shogi::Position;
///
/// let start = Position::startpos();
/// let action = Action(5 * 81 + 4);
/// assert_eq!(Actions::Dest2187.to_move(&start, action), None);
/// assert_eq!(action.index(), 409);
/// ```
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Action(pub u16);

impl Action {
    /// Place of the action's logit in a row of the policy head.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

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
    /// drop `12960 + 7 * to + kind`, kinds in the order of [`PieceType::HAND`](crate::shogi::PieceType::HAND).
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
    /// | 132–138 | drop, kinds in the order of `PieceType::HAND`                                               |
    Spatial11259,
}

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
            Self::Dest2187 => Dest2187::COUNT,
            Self::Flat13527Keisei2025 | Self::Flat13527Keisei2026 => Flat13527::COUNT,
            Self::Spatial11259 => Spatial11259::COUNT,
        }
    }

    /// Number of planes of 81 actions each, which are the output planes of the policy head.
    pub fn planes(self) -> usize {
        self.count() / SQUARES
    }

    /// The action of `mv`, a move of `side`.
    pub fn index(self, side: Color, mv: Move) -> Action {
        let view = self.view(side);
        match self {
            Self::Dest2187 => index::<Dest2187>(view, mv),
            Self::Flat13527Keisei2025 | Self::Flat13527Keisei2026 => index::<Flat13527>(view, mv),
            Self::Spatial11259 => index::<Spatial11259>(view, mv),
        }
    }

    /// Visits every legal move of `position` with its action, each once, straight from the generator's sets of targets.
    pub fn for_each_legal(self, position: &Position, mut visit: impl FnMut(Action, Move)) {
        position.legal_targets(|set| self.for_each_of(position.side_to_move(), set, &mut visit));
    }

    /// Visits the moves of one set of targets of `side` with their actions.
    #[inline]
    pub(crate) fn for_each_of(self, side: Color, set: TargetSet, visit: impl FnMut(Action, Move)) {
        let view = self.view(side);
        match self {
            Self::Dest2187 => visit_targets::<Dest2187>(view, set, visit),
            Self::Flat13527Keisei2025 | Self::Flat13527Keisei2026 => visit_targets::<Flat13527>(view, set, visit),
            Self::Spatial11259 => visit_targets::<Spatial11259>(view, set, visit),
        }
    }

    /// Writes the dense mask: `mask[action]` tells whether `action` is legal.
    ///
    /// ```
    /// use keisei_core::encoding::Actions;
    /// use keisei_core::shogi::Position;
    ///
    /// let mut mask = vec![false; Actions::Dest2187.count()];
    /// Actions::Dest2187.legal_mask(&Position::startpos(), &mut mask);
    /// assert_eq!(mask.iter().filter(|&&legal| legal).count(), 30);
    /// ```
    ///
    /// # Panics
    /// If `mask` is not exactly [`count`](Self::count) long.
    pub fn legal_mask(self, position: &Position, mask: &mut [bool]) {
        assert_eq!(mask.len(), self.count(), "mask of {}", self.id());
        mask.fill(false);
        self.for_each_legal(position, |action, _| mask[action.index()] = true);
    }

    /// The legal moves of `position` with their actions, ascending by action.
    pub fn legal(self, position: &Position) -> LegalActions {
        let count = position.legal_count();
        let (mut found, mut order) = (Vec::with_capacity(count), Vec::with_capacity(count));
        self.for_each_legal(position, |action, mv| {
            order.push((u64::from(action.0) << 32) | found.len() as u64);
            found.push((action, mv));
        });
        order.sort_unstable();
        let (actions, moves) = order.into_iter().map(|key| found[key as u32 as usize]).unzip();
        LegalActions { actions, moves }
    }

    /// The legal move of `position` that `action` stands for.
    pub fn to_move(self, position: &Position, action: Action) -> Option<Move> {
        let is_empty = |square| position.piece_at(square).is_none();
        self.decode(position.side_to_move(), action, is_empty).filter(|&mv| position.is_legal(mv))
    }

    /// The move of `side` that `action` stands for on an empty board, legal or not, `None` if it leads off the board.
    ///
    /// Keisei's numberings name the origin and mean the same move on every board. `dest2187` does not: only its drops
    /// have a move here.
    pub fn table_move(self, side: Color, action: Action) -> Option<Move> {
        self.decode(side, action, |_| true)
    }

    fn decode(self, side: Color, action: Action, is_empty: impl Fn(Square) -> bool) -> Option<Move> {
        let (view, action) = (self.view(side), action.index());
        if action >= self.count() {
            return None;
        }
        // The rotation by 180° is its own inverse.
        let square = |seen: usize| Square::at(seen_from(view, Square::at(seen)));
        let is_empty = |seen| is_empty(square(seen));
        let parts = match self {
            Self::Dest2187 => Dest2187::parts(action, is_empty),
            Self::Flat13527Keisei2025 | Self::Flat13527Keisei2026 => Flat13527::parts(action, is_empty),
            Self::Spatial11259 => Spatial11259::parts(action, is_empty),
        };
        Some(match parts? {
            Parts::Board { from, to, promotes: false } => Move::normal(square(from), square(to)),
            Parts::Board { from, to, promotes: true } => Move::promoting(square(from), square(to)),
            Parts::Drop { kind, to } => Move::drop(kind, square(to)),
        })
    }

    /// The side from which squares are seen when `side` moves.
    fn view(self, side: Color) -> Color {
        if self == Self::Flat13527Keisei2025 { Color::Black } else { side }
    }
}

fn index<N: Numbering>(view: Color, mv: Move) -> Action {
    let to = seen_from(view, mv.to());
    let action = match mv.origin() {
        Origin::Square(from) => N::board(seen_from(view, from), to, mv.is_promotion()),
        Origin::Drop(kind) => N::drop(kind, to),
    };
    Action(action as u16)
}

#[inline]
fn visit_targets<N: Numbering>(view: Color, set: TargetSet, mut visit: impl FnMut(Action, Move)) {
    // `for_each` runs through each word of a set in a loop of its own; `for` asks for one square after another.
    match set.origin {
        Origin::Square(square) => {
            let from = seen_from(view, square);
            let board = |to, promotes| Action(N::board(from, seen_from(view, to), promotes) as u16);
            set.to.into_iter().for_each(|to| visit(board(to, false), Move::normal(square, to)));
            set.promote.into_iter().for_each(|to| visit(board(to, true), Move::promoting(square, to)));
        }
        Origin::Drop(kind) => {
            let drop = |to| Action(N::drop(kind, seen_from(view, to)) as u16);
            set.to.into_iter().for_each(|to| visit(drop(to), Move::drop(kind, to)));
        }
    }
}

/// The legal moves of one position: action `actions()[i]` is move `moves()[i]`, actions rise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LegalActions {
    actions: Vec<Action>,
    moves: Vec<Move>,
}

impl LegalActions {
    /// The actions, rising.
    pub fn actions(&self) -> &[Action] {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_the_table() {
        let check = |side: Color, usi: &str, plane: usize, destination: &str| {
            let mv: Move = usi.parse().expect("test move");
            let to: Square = destination.parse().expect("test square");
            assert_eq!(Actions::Dest2187.index(side, mv).index(), plane * SQUARES + to.index(), "{usi}");
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
