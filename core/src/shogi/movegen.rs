//! The one generator of legal moves.
//!
//! Checks and pins are found once; then every piece and every kind in hand is visited once and emits a set of
//! destinations. A move list, a count and a mask over actions all come from [`Position::legal_targets`].
//!
//! Where each rule lives: pins and checks in `Defence`, king moves in `king_targets`, promotion in `emit`, two pawns
//! (nifu, 二歩), dead drops and drop-pawn mate (打ち歩詰め) in `drop_targets` and `is_pawn_drop_mate`.

use core::ops::ControlFlow;

use arrayvec::ArrayVec;

use super::attacks::{self, between, ray_through};
use super::{Bitboard, Color, Move, Origin, Piece, PieceType, Position, Square};

/// Upper bound on the number of legal moves of a position.
///
/// With both kings the maximum is 593. A problem position may lack the opponent's king, and without checks and pins the sum over
/// the pieces is a bound: with all seven kinds in hand each empty square allows 7 drops, a king 8 moves, the other rook and
/// bishop 32 each, with and without promotion, three silvers and three lances 10 each; any other piece blocks more drops than it
/// has moves. The sum is 7 × (81 - 9) + 8 + 2 × 32 + 6 × 10.
pub const MAX_MOVES: usize = 636;

/// The legal moves of one position.
pub type MoveList = ArrayVec<Move, MAX_MOVES>;

/// The legal moves of one piece, or the drops of one kind. At least one of the two sets is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetSet {
    /// The piece or the kind in hand.
    pub origin: Origin,
    /// Destinations without promotion.
    pub to: Bitboard,
    /// Destinations with promotion; a square may be in both sets.
    pub promote: Bitboard,
}

impl TargetSet {
    /// Number of moves.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut count = 0;
    /// Position::startpos().legal_targets(|set| count += set.count());
    /// assert_eq!(count, 30);
    /// ```
    #[inline]
    pub fn count(&self) -> usize {
        self.to.count() + self.promote.count()
    }

    /// The moves: unpromoted ones first, each part ascending by destination.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mut moves = Vec::new();
    /// Position::startpos().legal_targets(|set| moves.extend(set.moves()));
    /// assert_eq!(moves, *Position::startpos().legal_moves());
    /// ```
    #[inline]
    pub fn moves(self) -> impl Iterator<Item = Move> {
        // Only moves on the board promote.
        let unpromoted = self.to.into_iter().map(move |to| Move::starting_at(self.origin, to));
        unpromoted.chain(self.promote.into_iter().map(move |to| Move::starting_at(self.origin, to).promoted()))
    }

    /// Calls `run` with each of [`moves`](TargetSet::moves), in a loop of its own for each part: faster than the iterator where the compiler
    /// is told to keep code small.
    #[inline]
    pub(crate) fn for_each(self, mut run: impl FnMut(Move)) {
        self.to.into_iter().for_each(|to| run(Move::starting_at(self.origin, to)));
        self.promote.into_iter().for_each(|to| run(Move::starting_at(self.origin, to).promoted()));
    }
}

/// The three far ranks of `color`, where its pieces may promote.
#[inline]
pub(super) const fn zone(color: Color) -> Bitboard {
    const ZONES: [Bitboard; 2] = [
        Bitboard::rank(1).or(Bitboard::rank(2)).or(Bitboard::rank(3)),
        Bitboard::rank(7).or(Bitboard::rank(8)).or(Bitboard::rank(9)),
    ];
    ZONES[color.index()]
}

/// The far ranks on which an unpromoted piece of this kind could never move again.
#[inline]
pub(super) const fn dead_ranks(color: Color, kind: PieceType) -> Bitboard {
    const LAST: [Bitboard; 2] = [Bitboard::rank(1), Bitboard::rank(9)];
    const LAST_TWO: [Bitboard; 2] = [Bitboard::rank(1).or(Bitboard::rank(2)), Bitboard::rank(9).or(Bitboard::rank(8))];
    match kind {
        PieceType::Pawn | PieceType::Lance => LAST[color.index()],
        PieceType::Knight => LAST_TWO[color.index()],
        _ => Bitboard::EMPTY,
    }
}

/// Threats to one king: checks and pins.
struct Defence {
    /// Enemy pieces that give check.
    checkers: Bitboard,
    /// Pieces of any colour that alone stand between the king and an enemy slider.
    shields: Bitboard,
}

impl Defence {
    /// Threats to the king of `us` on `king`; `occupied` squares block sliders.
    #[inline]
    fn of(position: &Position, us: Color, king: Square, occupied: Bitboard) -> Defence {
        let mut checkers = position.step_attackers(us.flip(), king);
        let mut shields = Bitboard::EMPTY;
        for slider in position.sliders_aiming_at(us.flip(), king) {
            let blockers = between(king, slider) & occupied;
            if blockers.is_empty() {
                checkers.insert(slider);
            } else if !blockers.is_several() {
                shields |= blockers;
            }
        }
        Defence { checkers, shields }
    }
}

/// State of the generator: the side to move with its king, the checks and the pins.
struct Generator<'a> {
    position: &'a Position,
    us: Color,
    king: Option<Square>,
    checkers: Bitboard,
    /// Own pieces that may only move along the line to their king.
    pinned: Bitboard,
}

impl Position {
    /// Visits the legal moves as sets of destinations, each piece and each kind in hand at most once.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let rook = Origin::Square("2h".parse().unwrap());
    /// let mut rook_moves = 0;
    /// Position::startpos().legal_targets(|set| if set.origin == rook { rook_moves = set.count() });
    /// assert_eq!(rook_moves, 6);
    /// ```
    #[inline]
    pub fn legal_targets(&self, visit: impl FnMut(TargetSet)) {
        self.check_and_targets(visit);
    }

    /// Visits the legal moves as [`legal_targets`](Self::legal_targets) does and returns whether the side to move is in check.
    #[inline]
    pub(super) fn check_and_targets(&self, mut visit: impl FnMut(TargetSet)) -> bool {
        let generator = Generator::new(self);
        let _: ControlFlow<()> = generator.targets(&mut |set| {
            visit(set);
            ControlFlow::Continue(())
        });
        !generator.checkers.is_empty()
    }

    /// The legal moves, always in the same order.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let moves = Position::startpos().legal_moves();
    /// assert_eq!(moves.len(), 30);
    /// assert!(moves.contains(&"7g7f".parse().unwrap()));
    /// ```
    pub fn legal_moves(&self) -> MoveList {
        let mut moves = MoveList::new();
        self.legal_targets(|set| set.for_each(|mv| moves.push(mv)));
        moves
    }

    /// Number of legal moves.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// assert_eq!(Position::startpos().legal_count(), 30);
    /// ```
    pub fn legal_count(&self) -> usize {
        let mut count = 0;
        self.legal_targets(|set| count += set.count());
        count
    }

    /// Whether the side to move has a legal move; without one it has lost.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let mated = Position::from_sfen("7nk/8G/8P/9/9/9/9/9/K8 w - 1").unwrap();
    /// assert!(!mated.has_legal_move());
    /// ```
    pub fn has_legal_move(&self) -> bool {
        self.check_and_mobility().1
    }

    /// Whether the side to move is in check, and whether it has a legal move.
    pub(super) fn check_and_mobility(&self) -> (bool, bool) {
        let generator = Generator::new(self);
        (!generator.checkers.is_empty(), generator.targets(&mut |_| ControlFlow::Break(())).is_break())
    }

    /// Whether `mv` is legal here.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::startpos();
    /// assert!(position.is_legal("7g7f".parse().unwrap()));
    /// assert!(!position.is_legal("7g7e".parse().unwrap()));
    /// ```
    pub fn is_legal(&self, mv: Move) -> bool {
        let visit = &mut |set: TargetSet| {
            let targets = if mv.is_promotion() { set.promote } else { set.to };
            if targets.contains(mv.to()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        Generator::new(self).targets_from(mv.origin(), visit).is_break()
    }

    /// Visits the legal moves that give check, as [`legal_targets`](Self::legal_targets) visits all of them.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("4k4/9/9/9/9/9/9/9/4K4 b R 1").unwrap();
    /// let mut checks = 0;
    /// position.legal_checks(|set| checks += set.count());
    /// assert_eq!(checks, 15); // seven drops on the file of the king, eight on its rank
    /// ```
    pub fn legal_checks(&self, mut visit: impl FnMut(TargetSet)) {
        let us = self.side_to_move();
        let Some(king) = self.king(us.flip()) else { return };
        let occupied = self.occupied();
        // Attacks from the king's square as the opponent's piece: from these squares a piece of that kind gives check. A
        // slider already on a line with the king is blocked on it, so a move along that line opens nothing for itself.
        let checked_from = |kind| attacks::attacks(kind, us.flip(), king, occupied);
        let uncovering = Defence::of(self, us.flip(), king, occupied).shields & self.by_color(us);
        self.legal_targets(|TargetSet { origin, to, promote }| {
            let (kind, uncovers) = match origin {
                Origin::Drop(kind) => (Some(kind), Bitboard::EMPTY),
                Origin::Square(from) if uncovering.contains(from) => {
                    (self.piece_at(from).map(Piece::kind), !ray_through(king, from))
                }
                Origin::Square(from) => (self.piece_at(from).map(Piece::kind), Bitboard::EMPTY),
            };
            let checks = |kind: Option<PieceType>| kind.map_or(Bitboard::EMPTY, |kind| checked_from(kind) | uncovers);
            let to = to & checks(kind);
            let promote = promote & checks(kind.and_then(PieceType::promoted));
            if !(to | promote).is_empty() {
                visit(TargetSet { origin, to, promote });
            }
        });
    }

    /// The enemy pieces that give check to the side to move.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("4k4/9/9/9/4r4/9/9/9/4K4 b - 1").unwrap();
    /// assert!(position.checkers().into_iter().eq(Square::new(5, 5)));
    /// ```
    pub fn checkers(&self) -> Bitboard {
        self.checkers_of(self.side_to_move())
    }

    /// The squares between the king of the side to move and its only checker: a drop there answers the check. Empty in
    /// double check, which no drop answers.
    pub(crate) fn interpositions(&self) -> Bitboard {
        let checkers = self.checkers();
        match (self.king(self.side_to_move()), checkers.first()) {
            (Some(king), Some(checker)) if !checkers.is_several() => between(king, checker),
            _ => Bitboard::EMPTY,
        }
    }

    /// Whether the side to move is in check.
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("4k4/9/9/9/4r4/9/9/9/4K4 b - 1").unwrap();
    /// assert!(position.in_check());
    /// ```
    pub fn in_check(&self) -> bool {
        !self.checkers().is_empty()
    }

    pub(super) fn checkers_of(&self, color: Color) -> Bitboard {
        self.king(color).map_or(Bitboard::EMPTY, |king| Defence::of(self, color, king, self.occupied()).checkers)
    }

    /// The pieces of `by` that move like a gold.
    #[inline]
    fn golds(&self, by: Color) -> Bitboard {
        let promoted_large = self.kind(PieceType::Bishop) | self.kind(PieceType::Rook);
        (self.kind(PieceType::Gold) | self.promoted().without(promoted_large)) & self.by_color(by)
    }

    /// The pieces of `by` that attack `target` by a step or a knight's jump.
    #[inline]
    fn step_attackers(&self, by: Color, target: Square) -> Bitboard {
        let seen_from = by.flip();
        let unpromoted = self.by_color(by).without(self.promoted());
        let large = self.kind(PieceType::Bishop) | self.kind(PieceType::Rook);
        let promoted_large = self.promoted() & large & self.by_color(by);
        let kings = self.kind(PieceType::King) & self.by_color(by);
        attacks::pawn(seen_from, target) & self.kind(PieceType::Pawn) & unpromoted
            | attacks::knight(seen_from, target) & self.kind(PieceType::Knight) & unpromoted
            | attacks::silver(seen_from, target) & self.kind(PieceType::Silver) & unpromoted
            | attacks::gold(seen_from, target) & self.golds(by)
            | attacks::king(target) & (promoted_large | kings)
    }

    /// The lances, bishops and rooks of `by` that would attack `target` on an empty board.
    #[inline]
    fn sliders_aiming_at(&self, by: Color, target: Square) -> Bitboard {
        let lances = self.kind(PieceType::Lance).without(self.promoted());
        (attacks::ahead(by.flip(), target) & lances
            | attacks::diagonals(target) & self.kind(PieceType::Bishop)
            | attacks::orthogonals(target) & self.kind(PieceType::Rook))
            & self.by_color(by)
    }

    /// The pieces of `by` that attack `target`; `occupied` squares block sliders.
    #[inline]
    fn attackers(&self, by: Color, target: Square, occupied: Bitboard) -> Bitboard {
        let mut attackers = self.step_attackers(by, target);
        for slider in self.sliders_aiming_at(by, target) {
            if (between(target, slider) & occupied).is_empty() {
                attackers.insert(slider);
            }
        }
        attackers
    }

    /// Legal destinations of the king of `us` on `king`; `occupied` squares block enemy sliders.
    #[inline]
    fn king_targets(&self, us: Color, king: Square, occupied: Bitboard) -> Bitboard {
        // The king does not hide the squares behind it from a slider.
        let occupied = occupied.without(Bitboard::from_square(king));
        let mut targets = Bitboard::EMPTY;
        for to in attacks::king(king).without(self.by_color(us)) {
            if self.attackers(us.flip(), to, occupied).is_empty() {
                targets.insert(to);
            }
        }
        targets
    }

    /// Whether a pawn drop on `drop`, the empty square in front of the enemy king on `king`, is a drop-pawn mate
    /// (打ち歩詰め), which leaves the enemy without an answer.
    ///
    /// The pawn is adjacent to the king, so nothing can come between: only its capture or a king move answers.
    fn is_pawn_drop_mate(&self, drop: Square, king: Square) -> bool {
        let them = self.side_to_move().flip();
        let occupied = self.occupied() | Bitboard::from_square(drop);
        let capturers = self.attackers(them, drop, occupied).without(Bitboard::from_square(king));
        // A pinned piece cannot capture: the pawn itself fills the line through `drop`, so a pin is along another one.
        let can_capture =
            !capturers.is_empty() && !capturers.without(Defence::of(self, them, king, occupied).shields).is_empty();
        !can_capture && self.king_targets(them, king, occupied).is_empty()
    }
}

impl<'a> Generator<'a> {
    #[inline]
    fn new(position: &'a Position) -> Generator<'a> {
        let us = position.side_to_move();
        let king = position.king(us);
        let (checkers, pinned) = match king {
            Some(king) => {
                let defence = Defence::of(position, us, king, position.occupied());
                (defence.checkers, defence.shields & position.by_color(us))
            }
            None => (Bitboard::EMPTY, Bitboard::EMPTY),
        };
        Generator { position, us, king, checkers, pinned }
    }

    /// Visits every legal move until `visit` breaks.
    #[inline]
    fn targets<B>(&self, visit: &mut impl FnMut(TargetSet) -> ControlFlow<B>) -> ControlFlow<B> {
        if let Some((moves, drops)) = self.masks() {
            self.board_targets(moves, visit)?;
            self.drop_targets(drops, visit)?;
        }
        if let Some(king) = self.king {
            let to = self.position.king_targets(self.us, king, self.position.occupied());
            self.emit(PieceType::King, king, to, visit)?;
        }
        ControlFlow::Continue(())
    }

    /// Visits the legal moves that start from `origin`.
    fn targets_from<B>(&self, origin: Origin, visit: &mut impl FnMut(TargetSet) -> ControlFlow<B>) -> ControlFlow<B> {
        let position = self.position;
        match (origin, self.masks()) {
            (Origin::Drop(kind), Some((_, drops))) if position.hand(self.us).has(kind) => {
                self.drop_targets_of(kind, drops, visit)
            }
            (Origin::Square(from), masks) if position.by_color(self.us).contains(from) => {
                let Some(piece) = position.piece_at(from) else { return ControlFlow::Continue(()) };
                let to = match (piece.kind(), masks) {
                    (PieceType::King, _) => position.king_targets(self.us, from, position.occupied()),
                    (kind, Some((moves, _))) => attacks::attacks(kind, self.us, from, position.occupied()) & moves,
                    (_, None) => Bitboard::EMPTY,
                };
                self.emit(piece.kind(), from, to, visit)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// Squares to which pieces other than the king may move, and squares of drops; `None` in double check, which only a
    /// king move answers.
    #[inline]
    fn masks(&self) -> Option<(Bitboard, Bitboard)> {
        let position = self.position;
        if self.checkers.is_several() {
            return None;
        }
        Some(match (self.king, self.checkers.first()) {
            (Some(king), Some(checker)) => {
                let interpose = between(king, checker);
                (interpose | self.checkers, interpose)
            }
            _ => (!position.by_color(self.us), !position.occupied()),
        })
    }

    /// Visits the moves of all pieces but the king to squares of `mask`.
    #[inline]
    fn board_targets<B>(&self, mask: Bitboard, visit: &mut impl FnMut(TargetSet) -> ControlFlow<B>) -> ControlFlow<B> {
        let (position, us) = (self.position, self.us);
        let occupied = position.occupied();
        let own = position.by_color(us);
        let unpromoted = own.without(position.promoted());
        let promoted = own & position.promoted();

        let pawns = position.kind(PieceType::Pawn) & unpromoted;
        let pushes = match us {
            Color::Black => pawns.towards_a() & mask,
            Color::White => pawns.towards_i() & mask,
        };
        for to in pushes {
            if let Some(from) = attacks::pawn(us.flip(), to).first() {
                self.emit(PieceType::Pawn, from, Bitboard::from_square(to), visit)?;
            }
        }
        for from in position.kind(PieceType::Lance) & unpromoted {
            self.emit(PieceType::Lance, from, attacks::lance(us, from, occupied) & mask, visit)?;
        }
        for from in position.kind(PieceType::Knight) & unpromoted {
            self.emit(PieceType::Knight, from, attacks::knight(us, from) & mask, visit)?;
        }
        for from in position.kind(PieceType::Silver) & unpromoted {
            self.emit(PieceType::Silver, from, attacks::silver(us, from) & mask, visit)?;
        }
        for from in position.golds(us) {
            self.emit(PieceType::Gold, from, attacks::gold(us, from) & mask, visit)?;
        }
        for from in position.kind(PieceType::Bishop) & unpromoted {
            self.emit(PieceType::Bishop, from, attacks::bishop(from, occupied) & mask, visit)?;
        }
        for from in position.kind(PieceType::Rook) & unpromoted {
            self.emit(PieceType::Rook, from, attacks::rook(from, occupied) & mask, visit)?;
        }
        for from in position.kind(PieceType::Bishop) & promoted {
            let to = attacks::bishop(from, occupied) | attacks::king(from);
            self.emit(PieceType::Horse, from, to & mask, visit)?;
        }
        for from in position.kind(PieceType::Rook) & promoted {
            let to = attacks::rook(from, occupied) | attacks::king(from);
            self.emit(PieceType::Dragon, from, to & mask, visit)?;
        }
        ControlFlow::Continue(())
    }

    /// Applies pin and promotion rules to the destinations of one piece and visits the remaining ones.
    #[inline]
    fn emit<B>(
        &self,
        kind: PieceType,
        from: Square,
        to: Bitboard,
        visit: &mut impl FnMut(TargetSet) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut to = to;
        if let (Some(king), true) = (self.king, self.pinned.contains(from)) {
            to &= ray_through(king, from);
        }
        if to.is_empty() {
            return ControlFlow::Continue(());
        }
        let promote = if kind.promoted().is_none() {
            Bitboard::EMPTY
        } else if zone(self.us).contains(from) {
            to
        } else {
            to & zone(self.us)
        };
        let to = to.without(dead_ranks(self.us, kind));
        visit(TargetSet { origin: Origin::Square(from), to, promote })
    }

    /// Visits the drops on squares of `mask`, all of them empty.
    #[inline]
    fn drop_targets<B>(&self, mask: Bitboard, visit: &mut impl FnMut(TargetSet) -> ControlFlow<B>) -> ControlFlow<B> {
        let hand = self.position.hand(self.us);
        if hand.is_empty() || mask.is_empty() {
            return ControlFlow::Continue(());
        }
        for kind in PieceType::HAND {
            if hand.has(kind) {
                self.drop_targets_of(kind, mask, visit)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits the drops of a kind in hand.
    #[inline]
    fn drop_targets_of<B>(
        &self,
        kind: PieceType,
        mask: Bitboard,
        visit: &mut impl FnMut(TargetSet) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let (position, us) = (self.position, self.us);
        let mut to = mask.without(dead_ranks(us, kind));
        if kind == PieceType::Pawn {
            let pawns = position.pieces(us, PieceType::Pawn);
            to = to.without(pawns.fill_files());
            if let Some(king) = position.king(us.flip())
                && let Some(drop) = attacks::pawn(us.flip(), king).first()
                && to.contains(drop)
                && position.is_pawn_drop_mate(drop, king)
            {
                to.remove(drop);
            }
        }
        if to.is_empty() {
            return ControlFlow::Continue(());
        }
        visit(TargetSet { origin: Origin::Drop(kind), to, promote: Bitboard::EMPTY })
    }
}
