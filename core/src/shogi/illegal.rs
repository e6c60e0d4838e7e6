//! Reason why a move is against the rules, for people who wonder.
//!
//! The generator never meets an illegal move, so the rules are asked here once more, one after the other: who moves, how the piece
//! moves, what stands there, drops, the own king, promotion. A test compares the two.

use core::fmt;

use super::attacks::{attacks, between};
use super::movegen::{dead_ranks, zone};
use super::{Bitboard, Color, Move, PieceType, Position, Square};

/// Reason why a move is against the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Illegal {
    /// The move starts from an empty square.
    NoPiece,
    /// The piece is the opponent's.
    NotYours,
    /// No such piece is in hand.
    NotInHand,
    /// The piece does not move that way.
    Movement,
    /// A piece stands in the way.
    Blocked {
        /// The first square in the way.
        by: Square,
    },
    /// A piece of the mover stands on the destination.
    OwnPiece,
    /// A piece is dropped on an occupied square.
    Occupied,
    /// Two pawns on a file (nifu, 二歩).
    TwoPawns {
        /// The pawn that is there already.
        pawn: Square,
    },
    /// The dropped piece could never move (行き所のない駒).
    DeadDrop,
    /// Drop-pawn mate (打ち歩詰め).
    DropPawnMate,
    /// The king would step onto an attacked square.
    IntoCheck {
        /// An attacker of that square.
        attacker: Square,
    },
    /// The king is in check and the move does not answer it.
    InCheck {
        /// A piece that still gives check.
        attacker: Square,
    },
    /// The piece is pinned: it shields its king.
    Pinned {
        /// The piece that would give check.
        attacker: Square,
    },
    /// Without promotion the piece could never move again.
    MustPromote,
    /// The piece cannot promote with this move.
    CannotPromote,
}

impl Illegal {
    /// Id for programs.
    ///
    /// ```
    /// assert_eq!(keisei_core::shogi::Illegal::DropPawnMate.id(), "drop_pawn_mate");
    /// ```
    pub const fn id(self) -> &'static str {
        match self {
            Illegal::NoPiece => "no_piece",
            Illegal::NotYours => "not_yours",
            Illegal::NotInHand => "not_in_hand",
            Illegal::Movement => "movement",
            Illegal::Blocked { .. } => "blocked",
            Illegal::OwnPiece => "own_piece",
            Illegal::Occupied => "occupied",
            Illegal::TwoPawns { .. } => "two_pawns",
            Illegal::DeadDrop => "dead_drop",
            Illegal::DropPawnMate => "drop_pawn_mate",
            Illegal::IntoCheck { .. } => "into_check",
            Illegal::InCheck { .. } => "in_check",
            Illegal::Pinned { .. } => "pinned",
            Illegal::MustPromote => "must_promote",
            Illegal::CannotPromote => "cannot_promote",
        }
    }

    /// Square of the piece to blame: the attacker of the king, the piece in the way, or the other pawn.
    ///
    /// ```
    /// use keisei_core::shogi::{Illegal, Position, Square};
    ///
    /// let why = Position::startpos().why_illegal("P*7e".parse().unwrap());
    /// assert_eq!(why, Some(Illegal::NotInHand));
    /// assert_eq!(why.unwrap().blamed(), None);
    /// let by = Square::new(7, 7).unwrap();
    /// assert_eq!(Illegal::Blocked { by }.blamed(), Some(by));
    /// ```
    pub const fn blamed(self) -> Option<Square> {
        match self {
            Illegal::Blocked { by: square }
            | Illegal::TwoPawns { pawn: square }
            | Illegal::IntoCheck { attacker: square }
            | Illegal::InCheck { attacker: square }
            | Illegal::Pinned { attacker: square } => Some(square),
            _ => None,
        }
    }
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Illegal::NoPiece => f.write_str("there is no piece"),
            Illegal::NotYours => f.write_str("the piece is the opponent's"),
            Illegal::NotInHand => f.write_str("no such piece is in hand"),
            Illegal::Movement => f.write_str("the piece does not move that way"),
            Illegal::Blocked { by } => write!(f, "the piece on {by} is in the way"),
            Illegal::OwnPiece => f.write_str("an own piece is there"),
            Illegal::Occupied => f.write_str("a piece is dropped on an empty square only"),
            Illegal::TwoPawns { pawn } => write!(f, "two pawns on a file: the other one is on {pawn}"),
            Illegal::DeadDrop => f.write_str("the piece could never move from there"),
            Illegal::DropPawnMate => f.write_str("a dropped pawn must not mate"),
            Illegal::IntoCheck { attacker } => write!(f, "the piece on {attacker} attacks that square"),
            Illegal::InCheck { attacker } => write!(f, "the check by the piece on {attacker} is not answered"),
            Illegal::Pinned { attacker } => write!(f, "the piece shields its king from the one on {attacker}"),
            Illegal::MustPromote => f.write_str("the piece must promote: it could never move again"),
            Illegal::CannotPromote => f.write_str("the piece cannot promote with this move"),
        }
    }
}

impl core::error::Error for Illegal {}

impl Position {
    /// Reason why `mv` is against the rules here; `None` exactly if it [is legal](Self::is_legal).
    ///
    /// ```
    /// # use keisei_core::shogi::*;
    /// let position = Position::from_sfen("4k4/9/9/9/4r4/9/9/4G4/4K4 b P 1").unwrap();
    /// let why = |usi: &str| position.why_illegal(usi.parse().unwrap());
    /// assert_eq!(why("5h6h"), Some(Illegal::Pinned { attacker: Square::new(5, 5).unwrap() }));
    /// assert_eq!(why("P*5a"), Some(Illegal::Occupied));
    /// assert_eq!(why("5h5g"), None);
    /// ```
    pub fn why_illegal(&self, mv: Move) -> Option<Illegal> {
        match (mv.from(), mv.dropped()) {
            (Some(from), _) => self.why_not_from(from, mv),
            (None, Some(kind)) => self.why_no_drop(kind, mv),
            (None, None) => unreachable!("a move starts from a square or from the hand"),
        }
    }

    fn why_not_from(&self, from: Square, mv: Move) -> Option<Illegal> {
        let (us, to) = (self.side_to_move(), mv.to());
        let Some(piece) = self.piece_at(from) else { return Some(Illegal::NoPiece) };
        if piece.color() != us {
            return Some(Illegal::NotYours);
        }
        let kind = piece.kind();
        if from == to || !attacks(kind, us, from, Bitboard::EMPTY).contains(to) {
            return Some(Illegal::Movement);
        }
        if !attacks(kind, us, from, self.occupied()).contains(to) {
            let in_the_way = (between(from, to) & self.occupied()).into_iter();
            return in_the_way.min_by_key(|&square| distance(from, square)).map(|by| Illegal::Blocked { by });
        }
        if self.by_color(us).contains(to) {
            return Some(Illegal::OwnPiece);
        }
        let can_promote = kind.promoted().is_some() && (zone(us).contains(from) || zone(us).contains(to));
        if mv.is_promotion() && !can_promote {
            return Some(Illegal::CannotPromote);
        }
        if let Some(attacker) = self.attacker_after(mv) {
            return Some(match kind {
                PieceType::King => Illegal::IntoCheck { attacker },
                _ if self.checkers().contains(attacker) => Illegal::InCheck { attacker },
                _ => Illegal::Pinned { attacker },
            });
        }
        (!mv.is_promotion() && dead_ranks(us, kind).contains(to)).then_some(Illegal::MustPromote)
    }

    fn why_no_drop(&self, kind: PieceType, mv: Move) -> Option<Illegal> {
        let (us, to) = (self.side_to_move(), mv.to());
        if !self.hand(us).has(kind) {
            return Some(Illegal::NotInHand);
        }
        if self.piece_at(to).is_some() {
            return Some(Illegal::Occupied);
        }
        if kind == PieceType::Pawn
            && let Some(pawn) = self.pawn_on_file(us, to)
        {
            return Some(Illegal::TwoPawns { pawn });
        }
        if dead_ranks(us, kind).contains(to) {
            return Some(Illegal::DeadDrop);
        }
        if let Some(attacker) = self.attacker_after(mv) {
            return Some(Illegal::InCheck { attacker });
        }
        (kind == PieceType::Pawn && self.mates(mv)).then_some(Illegal::DropPawnMate)
    }

    fn pawn_on_file(&self, color: Color, square: Square) -> Option<Square> {
        self.pieces(color, PieceType::Pawn).into_iter().find(|pawn| pawn.file() == square.file())
    }

    /// A piece that attacks the mover's king after `mv`: one that gives check now, if it still does.
    fn attacker_after(&self, mv: Move) -> Option<Square> {
        let mut after = self.clone();
        after.play_unchecked(mv);
        let attackers = after.checkers_of(self.side_to_move());
        (attackers & self.checkers()).first().or_else(|| attackers.first())
    }

    fn mates(&self, mv: Move) -> bool {
        let mut after = self.clone();
        after.play_unchecked(mv);
        after.in_check() && !after.has_legal_move()
    }
}

/// King steps between two squares.
const fn distance(a: Square, b: Square) -> u8 {
    let (files, ranks) = (a.file().abs_diff(b.file()), a.rank().abs_diff(b.rank()));
    if files > ranks { files } else { ranks }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;
    use crate::random::SplitMix64;
    use crate::shogi::Origin;

    #[test]
    fn reasons_by_hand() {
        #[track_caller]
        fn check(sfen: &str, usi: &str, id: &str, blamed: &str) {
            let position = Position::from_sfen(sfen).expect(sfen);
            let why = position.why_illegal(usi.parse().expect(usi)).expect("an illegal move");
            let square = why.blamed().map_or_else(|| "-".into(), |square| square.to_string());
            assert_eq!((why.id(), &*square), (id, blamed), "{usi} in {sfen}: {why}");
        }
        let start = Position::STARTPOS_SFEN;
        check(start, "5e5d", "no_piece", "-");
        check(start, "3c3d", "not_yours", "-");
        check(start, "P*5e", "not_in_hand", "-");
        check(start, "7g7e", "movement", "-");
        check(start, "8h5e", "blocked", "7g");
        check(start, "2h2b", "blocked", "2g");
        check(start, "9i9g", "own_piece", "-");
        check(start, "7g7f+", "cannot_promote", "-");
        check(start, "4i3h+", "cannot_promote", "-");
        let hand = "4k4/9/9/9/9/4P4/9/9/4K4 b PLN 1";
        check(hand, "P*5a", "occupied", "-");
        check(hand, "P*5e", "two_pawns", "5f");
        check(hand, "P*4a", "dead_drop", "-");
        check(hand, "L*4a", "dead_drop", "-");
        check(hand, "N*4b", "dead_drop", "-");
        check("7nk/9/8S/9/9/9/9/9/K7L b P 1", "P*1b", "drop_pawn_mate", "-");
        let pinned = "4k4/9/9/9/4r4/9/9/4S4/4K4 b P 1";
        check(pinned, "5h6g", "pinned", "5e");
        // The check comes from behind: the square in front of the king is attacked through it.
        check("4k4/9/9/9/4r4/9/9/9/4K4 b G 1", "5i5h", "into_check", "5e");
        check("4k4/9/9/9/4r4/9/9/9/4K4 b G 1", "G*1e", "in_check", "5e");
        check("4k4/9/9/9/4r4/9/9/9/3GK4 b - 1", "6i6h", "in_check", "5e");
        check("4k4/P8/9/9/9/9/9/9/4K4 b - 1", "9b9a", "must_promote", "-");
        check("4k4/9/N8/9/9/9/9/9/4K4 b - 1", "9c8a", "must_promote", "-");
        // Pinned and without promotion: the pin is what stands in the way.
        check("k7r/9/9/9/9/9/9/9/8K b - 1", "1i1h", "into_check", "1a");
    }

    #[test]
    fn a_reason_exactly_when_the_move_is_not_legal() {
        let mut random = SplitMix64(0x5EED_0F54_0615_0003);
        let mut starts: Vec<Position> = (0..40).map(|_| Position::startpos()).collect();
        for sfen in [
            "8l/1l+R2P3/p2pBG1pp/kps1p4/Nn1P2G2/P1P1P2PP/1PS6/1KSG3+r1/LN2+p3L w Sbgn3p 124",
            "l4S2k/4g1gs1/5p1p1/pr2N1pNp/4Gs3/PP3PPPP/2GPP4/1K7/L3r+s2L w B2N5Pb 1",
            "6n1l/2+S1k4/2lp4p/1np1B2b1/3PP4/1N1S3rP/1P2+pPP+p1/1p1G5/3KG2r1 b GSN2L4Pgs2p 1",
            "7nk/9/8S/9/9/9/9/9/K7L b RBGSNLP 1",
            "4k4/9/9/9/4r4/9/9/4S4/4K4 b RB2GSN2L5P 1",
        ] {
            starts.extend(core::iter::repeat_n(Position::from_sfen(sfen).expect(sfen), 8));
        }
        let mut seen = alloc::collections::BTreeSet::new();
        for mut position in starts {
            for _ in 0..random.below(160) {
                let moves = position.legal_moves();
                if moves.is_empty() {
                    break;
                }
                position.play(moves[random.below(moves.len())]);
            }
            let origins = Square::ALL.map(Origin::Square).into_iter().chain(PieceType::HAND.map(Origin::Drop));
            for (origin, to) in origins.flat_map(|origin| Square::ALL.map(|to| (origin, to))) {
                let plain = Move::starting_at(origin, to);
                let promoting = matches!(origin, Origin::Square(_)).then(|| plain.promoted());
                for mv in [Some(plain), promoting].into_iter().flatten() {
                    let why = position.why_illegal(mv);
                    assert_eq!(why.is_none(), position.is_legal(mv), "{mv} in {position:?}: {why:?}");
                    seen.extend(why.map(Illegal::id));
                }
            }
        }
        assert!(seen.len() >= 14, "{seen:?}");
    }
}
