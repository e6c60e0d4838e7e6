//! Input planes of the network, expanded from a packed observation.

use super::compat::{Version, expand_core46, expand_katago50};
use super::expand::{PlaneValue, PlaneWriter, Planes, SET_WORDS, Sets};
use super::{PackedObservation, SQUARES};
use crate::shogi::{Bitboard, Color, PieceType, attacks};

/// A set of input planes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Features {
    /// Pieces, attack maps, hands, repetition, check and ply: the table [`ATTACK96`].
    Attack96,
    /// The 119 planes of dlshogi, for programs that run its networks: the table [`DLSHOGI119`].
    Dlshogi119,
    /// The 46 planes of Keisei 2025, for comparison with it.
    Core46Keisei2025,
    /// The 46 planes of Keisei 2026.
    Core46Keisei2026,
    /// The 50 planes of Keisei 2026's "katago" mode.
    Katago50,
}

/// The planes of [`Features::Attack96`]: first plane, number of planes, content.
///
/// Every plane is `[81]`, in the square order of [`Square::index`](crate::shogi::Square::index), as the side to move sees the
/// board. "By kind" means in the order of [`PieceType::ALL`], "by hand kind" in that of [`PieceType::HAND`].
pub const ATTACK96: [(usize, usize, &str); 15] = [
    (OWN_PIECES, 14, "own pieces by kind: 1 where one stands"),
    (OPPONENT_PIECES, 14, "opponent's pieces by kind"),
    (OWN_ATTACKS, 14, "squares attacked by an own piece, by kind"),
    (OPPONENT_ATTACKS, 14, "squares attacked by an opponent's piece, by kind"),
    (OWN_ATTACK_COUNT, 3, "squares attacked by at least 1, 2, 3 own pieces"),
    (OPPONENT_ATTACK_COUNT, 3, "squares attacked by at least 1, 2, 3 opponent's pieces"),
    (OWN_HAND, 7, "own hand by hand kind: count / HAND_SCALE, at most 1, on the whole plane"),
    (OPPONENT_HAND, 7, "opponent's hand"),
    (OWN_HOLDS, 7, "1 on the whole plane if the own hand holds the kind"),
    (OPPONENT_HOLDS, 7, "likewise for the opponent's hand"),
    (REPETITION, 2, "1 on the whole plane if the position occurred at least 2, 3 times"),
    (CHECK, 1, "1 on the whole plane if the side to move is in check"),
    (PLY, 1, "plies played / 512, at most 1, on the whole plane"),
    (ONES, 1, "1 on the whole plane: marks the board's edge against the convolutions' zero padding"),
    (PAWN_FILES, 1, "files that hold an own unpromoted pawn, where no second may be dropped"),
];

const OWN_PIECES: usize = 0;
const OPPONENT_PIECES: usize = 14;
const OWN_ATTACKS: usize = 28;
const OPPONENT_ATTACKS: usize = 42;
const OWN_ATTACK_COUNT: usize = 56;
const OPPONENT_ATTACK_COUNT: usize = 59;
const OWN_HAND: usize = 62;
const OPPONENT_HAND: usize = 69;
const OWN_HOLDS: usize = 76;
const OPPONENT_HOLDS: usize = 83;
const REPETITION: usize = 90;
const CHECK: usize = 92;
const PLY: usize = 93;
const ONES: usize = 94;
const PAWN_FILES: usize = 95;
const ATTACK96_PLANES: usize = 96;

/// Count of each hand kind (pawn, lance, knight, silver, gold, bishop, rook) at which its plane is 1.
pub const HAND_SCALE: [f32; 7] = [8.0, 4.0, 4.0, 4.0, 4.0, 2.0, 2.0];

/// Plies at which the ply plane is 1.
pub const PLY_SCALE: f32 = 512.0;

/// The planes of [`Features::Dlshogi119`]: first plane, number of planes, content, all from the side to move.
///
/// Squares as in [`ATTACK96`]. "By dlshogi's kinds" means pawn, lance, knight, silver, bishop, rook, gold, king, the promoted
/// pawn, lance, knight and silver, horse, dragon. In the planes of a hand the first `count` of a kind are 1, whole planes each:
/// 8 of pawns, 4 of lances, knights, silvers and golds, 2 of bishops and rooks, in the order of [`PieceType::HAND`]. dlshogi
/// reads the first 62 planes as one input and the other 57 as another.
pub const DLSHOGI119: [(usize, usize, &str); 9] = [
    (0, 14, "own pieces by dlshogi's kinds: 1 where one stands"),
    (14, 14, "squares attacked by an own piece, by dlshogi's kinds"),
    (28, 3, "squares attacked by at least 1, 2, 3 own pieces"),
    (31, 14, "opponent's pieces by dlshogi's kinds"),
    (45, 14, "squares attacked by an opponent's piece, by dlshogi's kinds"),
    (59, 3, "squares attacked by at least 1, 2, 3 opponent's pieces"),
    (62, 28, "own hand"),
    (90, 28, "opponent's hand"),
    (118, 1, "1 on the whole plane if the side to move is in check"),
];

/// Number of planes of [`Features::Dlshogi119`] that show the board.
pub const DLSHOGI_BOARD_PLANES: usize = 62;

const DLSHOGI119_PLANES: usize = 119;

/// Kinds in dlshogi's order.
const DLSHOGI_KINDS: [PieceType; PieceType::COUNT] = [
    PieceType::Pawn,
    PieceType::Lance,
    PieceType::Knight,
    PieceType::Silver,
    PieceType::Bishop,
    PieceType::Rook,
    PieceType::Gold,
    PieceType::King,
    PieceType::ProPawn,
    PieceType::ProLance,
    PieceType::ProKnight,
    PieceType::ProSilver,
    PieceType::Horse,
    PieceType::Dragon,
];

/// Number of planes of each hand kind in each hand; further pieces are not shown.
const DLSHOGI_HAND: [u8; 7] = [8, 4, 4, 4, 4, 2, 2];

impl Features {
    /// Every set of planes that this build knows.
    pub const ALL: [Self; 5] =
        [Self::Attack96, Self::Dlshogi119, Self::Core46Keisei2025, Self::Core46Keisei2026, Self::Katago50];

    /// The name that models and checkpoints carry.
    pub fn id(self) -> &'static str {
        match self {
            Self::Attack96 => "attack96",
            Self::Dlshogi119 => "dlshogi119",
            Self::Core46Keisei2025 => "core46-2025",
            Self::Core46Keisei2026 => "core46-2026",
            Self::Katago50 => "katago50-2026",
        }
    }

    /// The set of planes with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|features| features.id() == id)
    }

    /// Number of planes.
    pub fn planes(self) -> usize {
        match self {
            Self::Attack96 => ATTACK96_PLANES,
            Self::Dlshogi119 => DLSHOGI119_PLANES,
            Self::Core46Keisei2025 | Self::Core46Keisei2026 => 46,
            Self::Katago50 => 50,
        }
    }

    /// Writes the planes of one observation: `out[plane * 81 + square]`, values in 0–1
    /// (the ply plane of `core46-2025` alone may exceed 1), as `f32`, binary16 bits or `i8`: see [`PlaneValue`].
    ///
    /// # Panics
    /// If `out` is not exactly [`planes`](Self::planes) × 81 long.
    pub fn expand<V: PlaneValue>(self, observation: &PackedObservation, out: &mut [V]) {
        assert_eq!(out.len(), self.planes() * SQUARES, "planes of {}", self.id());
        self.write(observation, &mut Planes::new(out));
    }

    /// Writes the planes of one observation in a twentieth of the bytes, to be expanded by the reader, such as a GPU: plane `p` is `values[p]` on the squares of a set and 0 elsewhere; square `s` is in the set if bit `s % 27` of
    /// `sets[SET_WORDS * p + s / 27]` is 1.
    ///
    /// ```
    /// use keisei_core::encoding::{Features, PackedObservation, SET_WORDS, SQUARES};
    /// use keisei_core::shogi::Game;
    /// let observation = PackedObservation::new(&Game::startpos());
    /// let (mut planes, mut sets, mut values) = ([0.0; 96 * SQUARES], [0; 96 * SET_WORDS], [0.0; 96]);
    /// Features::Attack96.expand(&observation, &mut planes);
    /// Features::Attack96.compress(&observation, &mut sets, &mut values);
    /// for (i, &expanded) in planes.iter().enumerate() {
    ///     let (plane, square) = (i / SQUARES, i % SQUARES);
    ///     let bit = sets[SET_WORDS * plane + square / 27] >> (square % 27) & 1;
    ///     assert_eq!(bit as f32 * values[plane], expanded);
    /// }
    /// ```
    ///
    /// # Panics
    /// If `sets` is not exactly [`planes`](Self::planes) × [`SET_WORDS`] long, `values` not exactly `planes`.
    pub fn compress(self, observation: &PackedObservation, sets: &mut [i32], values: &mut [f32]) {
        assert_eq!(sets.len(), self.planes() * SET_WORDS, "sets of {}", self.id());
        assert_eq!(values.len(), self.planes(), "values of {}", self.id());
        self.write(observation, &mut Sets::new(sets, values));
    }

    fn write(self, observation: &PackedObservation, planes: &mut impl PlaneWriter) {
        match self {
            Self::Attack96 => expand_attack96(observation, planes),
            Self::Dlshogi119 => expand_dlshogi119(observation, planes),
            Self::Core46Keisei2025 => expand_core46(Version::Keisei2025, observation, planes),
            Self::Core46Keisei2026 => expand_core46(Version::Keisei2026, observation, planes),
            Self::Katago50 => expand_katago50(observation, planes),
        }
    }

    /// Writes the planes of a batch: `[batch, planes, 81]`.
    ///
    /// # Panics
    /// If `out` does not fit the batch exactly.
    pub fn expand_batch<V: PlaneValue>(self, observations: &[PackedObservation], out: &mut [V]) {
        let size = self.planes() * SQUARES;
        assert_eq!(out.len(), observations.len() * size, "planes of a batch of {}", observations.len());
        for (observation, planes) in observations.iter().zip(out.chunks_exact_mut(size)) {
            self.expand(observation, planes);
        }
    }
}

/// Pieces of an observation and their attacks, own and the opponent's.
#[derive(Default)]
struct Attacks {
    /// Squares of the pieces, by kind.
    pieces: [[Bitboard; PieceType::COUNT]; 2],
    /// Squares that they attack, by kind.
    by_kind: [[Bitboard; PieceType::COUNT]; 2],
    /// Squares attacked by at least 1, 2, 3 pieces.
    at_least: [[Bitboard; 3]; 2],
}

impl Attacks {
    fn of(observation: &PackedObservation) -> Self {
        let mut found = Self::default();
        for (square, piece) in observation.pieces() {
            found.pieces[piece.color().index()][piece.kind().index()].insert(square);
        }
        let occupied = observation.occupied();
        // Kind by kind, so that the processor predicts the branch on the kind.
        for color in Color::ALL {
            let [once, twice, thrice] = &mut found.at_least[color.index()];
            for kind in PieceType::ALL {
                for square in found.pieces[color.index()][kind.index()] {
                    let targets = attacks(kind, color, square, occupied);
                    found.by_kind[color.index()][kind.index()] |= targets;
                    *thrice |= *twice & targets;
                    *twice |= *once & targets;
                    *once |= targets;
                }
            }
        }
        found
    }
}

/// Writes the planes of the table [`ATTACK96`], in its order.
fn expand_attack96(observation: &PackedObservation, planes: &mut impl PlaneWriter) {
    let attacks = Attacks::of(observation);
    planes.sets(attacks.pieces.as_flattened());
    planes.sets(attacks.by_kind.as_flattened());
    planes.sets(attacks.at_least.as_flattened());
    for hand in observation.hands() {
        for (&count, scale) in hand.iter().zip(HAND_SCALE) {
            planes.uniform((f32::from(count) / scale).min(1.0));
        }
    }
    for hand in observation.hands() {
        for &count in hand {
            planes.flag(count > 0);
        }
    }
    planes.flag(observation.repetition() >= 2);
    planes.flag(observation.repetition() >= 3);
    planes.flag(observation.in_check());
    planes.uniform((f32::from(observation.plies()) / PLY_SCALE).min(1.0));
    planes.flag(true);
    planes.sets(&[attacks.pieces[Color::Black.index()][PieceType::Pawn.index()].fill_files()]);
}

/// Writes the planes of the table [`DLSHOGI119`], in its order.
fn expand_dlshogi119(observation: &PackedObservation, planes: &mut impl PlaneWriter) {
    let attacks = Attacks::of(observation);
    for side in Color::ALL.map(Color::index) {
        for by_kind in [&attacks.pieces[side], &attacks.by_kind[side]] {
            planes.sets(&DLSHOGI_KINDS.map(|kind| by_kind[kind.index()]));
        }
        planes.sets(&attacks.at_least[side]);
    }
    for hand in observation.hands() {
        for (&count, most) in hand.iter().zip(DLSHOGI_HAND) {
            for place in 0..most {
                planes.flag(place < count);
            }
        }
    }
    planes.flag(observation.in_check());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shogi::{Game, Position, Square};
    use alloc::{vec, vec::Vec};

    fn planes(sfen: &str) -> Vec<f32> {
        let game = Game::new(Position::from_sfen(sfen).expect("test position"), 0);
        let mut out = vec![9.0; ATTACK96_PLANES * SQUARES];
        Features::Attack96.expand(&PackedObservation::new(&game), &mut out);
        out
    }

    /// Squares where `plane` holds a value other than zero, in USI notation.
    fn marked(planes: &[f32], plane: usize) -> Vec<alloc::string::String> {
        let plane = &planes[plane * SQUARES..][..SQUARES];
        Square::ALL.into_iter().filter(|s| plane[s.index()] != 0.0).map(|s| alloc::format!("{s}")).collect()
    }

    #[test]
    fn the_tables_cover_every_plane_once() {
        let check = |table: &[(usize, usize, &str)], features: Features| {
            let next = table.iter().fold(0, |next, &(first, count, _)| {
                assert_eq!(first, next, "{}", features.id());
                next + count
            });
            assert_eq!(next, features.planes());
        };
        check(&ATTACK96, Features::Attack96);
        check(&DLSHOGI119, Features::Dlshogi119);
        assert!(DLSHOGI119.iter().any(|&(first, ..)| first == DLSHOGI_BOARD_PLANES));
    }

    #[test]
    fn black_and_white_see_the_same_board() {
        // The second position is the first rotated with colours swapped.
        let rows = [
            ("4k4/9/9/9/4r4/9/9/9/4K4 b P 1", "4k4/9/9/9/4R4/9/9/9/4K4 w p 1"),
            (
                "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1",
                "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL w - 1",
            ),
        ];
        for (black, white) in rows {
            assert_eq!(planes(black), planes(white), "{black}");
        }
    }

    #[test]
    fn pieces_attacks_hands_and_check_stand_in_their_planes() {
        let p = planes("4k4/9/9/9/4r4/9/4P4/9/4K4 b 2PR 1");
        let check = |plane: usize, squares: &[&str]| assert_eq!(marked(&p, plane), squares, "plane {plane}");
        check(OWN_PIECES + PieceType::Pawn.index(), &["5g"]);
        check(OPPONENT_PIECES + PieceType::Rook.index(), &["5e"]);
        check(OWN_ATTACKS + PieceType::Pawn.index(), &["5f"]);
        let rook = ["1e", "2e", "3e", "4e", "5a", "5b", "5c", "5d", "5f", "5g", "6e", "7e", "8e", "9e"];
        check(OPPONENT_ATTACKS + PieceType::Rook.index(), &rook);
        check(OPPONENT_ATTACK_COUNT + 1, &["5b"]); // rook and king
        check(CHECK, &[]);
        check(PAWN_FILES, &["5a", "5b", "5c", "5d", "5e", "5f", "5g", "5h", "5i"]);
        let value = |plane: usize| p[plane * SQUARES + 40];
        assert_eq!(
            [value(OWN_HAND), value(OWN_HAND + 6), value(OWN_HOLDS), value(OPPONENT_HOLDS)],
            [0.25, 0.5, 1.0, 0.0]
        );
        assert_eq!(planes("4k4/9/9/9/4r4/9/9/9/4K4 b - 1")[CHECK * SQUARES], 1.0);
    }
}
