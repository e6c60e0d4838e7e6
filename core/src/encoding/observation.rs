//! A position packed into 101 bytes, as self-play stores it; the planes that a network reads are expanded from it.

use super::SQUARES;
use crate::shogi::{Bitboard, Color, Game, Piece, PieceType, Position, Square};
use core::fmt;

// Layout of the bytes, all from the side to move (White's squares rotated by 180°).
//
// | bytes  | content                                                                     |
// |--------|-----------------------------------------------------------------------------|
// | 0–80   | piece on each square: 0 none, 1–14 own `PieceType` + 1, 17–30 opponent's + 17 |
// | 81–87  | own hand, counts in the order of `PieceType::HAND`                          |
// | 88–94  | opponent's hand                                                             |
// | 95     | occurrences of this position in the game, this one included, 1–4            |
// | 96     | bit 0: the side to move is in check; bit 1: the side to move is White       |
// | 97–98  | plies played since the start of the game, little-endian                     |
// | 99–100 | ply limit of the game, little-endian, 0 for none                            |
const OWN_HAND: usize = 81;
const OPPONENT_HAND: usize = 88;
const REPETITION: usize = 95;
const FLAGS: usize = 96;
const PLIES: usize = 97;
const MAX_PLIES: usize = 99;
/// The bit of an opponent's piece; the other bits are those of [`Piece::code`].
const OPPONENT: u8 = 16;
const IN_CHECK: u8 = 1;
const WHITE: u8 = 2;

/// Counters of a game that its position does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counters {
    /// Occurrences of the position in the game, this one included, 1–4.
    pub repetition: u8,
    /// Plies played since the start of the game.
    pub plies: u16,
    /// Ply limit of the game, 0 for none.
    pub max_plies: u16,
}

impl Counters {
    /// The counters of a game at its current position.
    pub fn of(game: &Game) -> Self {
        let plies = u16::try_from(game.moves().len()).unwrap_or(u16::MAX);
        Self { repetition: game.repetition_count(), plies, max_plies: game.max_plies() }
    }
}

/// One position from the side to move's view, in [`PackedObservation::SIZE`] bytes.
///
/// Holds all that any [`Features`](super::Features) needs; planes are expanded where they are consumed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PackedObservation([u8; Self::SIZE]);

impl PackedObservation {
    /// Bytes of one observation.
    pub const SIZE: usize = 101;

    /// An empty board at its first occurrence, Black to move: the initial value of buffers.
    pub const EMPTY: Self = {
        let mut bytes = [0; Self::SIZE];
        bytes[REPETITION] = 1;
        Self(bytes)
    };

    /// Observation of the current position of `game`.
    pub fn new(game: &Game) -> Self {
        Self::pack(game.position(), game.in_check(), Counters::of(game))
    }

    /// Observation of a position of a game with these counters.
    pub fn of_position(position: &Position, counters: Counters) -> Self {
        Self::pack(position, position.in_check(), counters)
    }

    fn pack(position: &Position, in_check: bool, counters: Counters) -> Self {
        let us = position.side_to_move();
        let mut bytes = [0; Self::SIZE];
        let code = |piece: Option<Piece>| piece.map_or(0, Piece::code);
        match us {
            Color::Black => {
                for (byte, &piece) in bytes.iter_mut().zip(position.board()) {
                    *byte = code(piece);
                }
            }
            Color::White => {
                for (byte, &piece) in bytes.iter_mut().zip(position.board().iter().rev()) {
                    *byte = if piece.is_some() { code(piece) ^ OPPONENT } else { 0 };
                }
            }
        }
        let (own, opponent) = (position.hand(us), position.hand(us.flip()));
        for (i, kind) in PieceType::HAND.into_iter().enumerate() {
            bytes[OWN_HAND + i] = own.count(kind);
            bytes[OPPONENT_HAND + i] = opponent.count(kind);
        }
        bytes[REPETITION] = counters.repetition.clamp(1, 4);
        let check = if in_check { IN_CHECK } else { 0 };
        bytes[FLAGS] = check | if us == Color::White { WHITE } else { 0 };
        bytes[PLIES..MAX_PLIES].copy_from_slice(&counters.plies.to_le_bytes());
        bytes[MAX_PLIES..].copy_from_slice(&counters.max_plies.to_le_bytes());
        Self(bytes)
    }

    /// The bytes, in the layout of the table in this file.
    pub fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// The observation of these bytes, as [`as_bytes`](Self::as_bytes) returns them.
    ///
    /// # Errors
    /// If a byte cannot be part of an observation; the error names the first.
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Result<Self, ObservationError> {
        let valid = |at: usize, byte: u8| match at {
            0..OWN_HAND => byte == 0 || (1..=14).contains(&byte) || (17..=30).contains(&byte),
            OWN_HAND..REPETITION => byte <= 18,
            REPETITION => (1..=4).contains(&byte),
            FLAGS => byte <= IN_CHECK | WHITE,
            _ => true,
        };
        match bytes.iter().enumerate().find(|&(at, &byte)| !valid(at, byte)) {
            Some((at, &value)) => Err(ObservationError { at, value }),
            None => Ok(Self(bytes)),
        }
    }

    /// The squares with a piece, in the side to move's view.
    pub(super) fn occupied(&self) -> Bitboard {
        /// One bit for each byte that is not 0; every byte is below 128.
        fn bits(bytes: &[u8]) -> u128 {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            let marked = (u64::from_le_bytes(word) + 0x7f7f_7f7f_7f7f_7f7f) >> 7 & 0x0101_0101_0101_0101;
            // The product moves bit 8i to bit 56 + i, and no other bit into the highest byte.
            u128::from(marked.wrapping_mul(0x0102_0408_1020_4080) >> 56)
        }
        let board = self.0[..OWN_HAND].chunks(8).enumerate();
        Bitboard::from_bits(board.fold(0, |set, (i, bytes)| set | bits(bytes) << (8 * i)))
    }

    /// The pieces with their squares, in the side to move's view: its own pieces are [`Color::Black`].
    pub(super) fn pieces(&self) -> impl Iterator<Item = (Square, Piece)> {
        self.occupied().into_iter().filter_map(|square| Some((square, Piece::from_code(self.0[square.index()])?)))
    }

    /// Counts in hand in the order of `PieceType::HAND`: own, then the opponent's.
    pub(super) fn hands(&self) -> [&[u8]; 2] {
        [&self.0[OWN_HAND..OPPONENT_HAND], &self.0[OPPONENT_HAND..REPETITION]]
    }

    /// Occurrences of this position in the game, this one included.
    pub fn repetition(&self) -> u8 {
        self.0[REPETITION]
    }

    /// Whether the side to move is in check.
    pub fn in_check(&self) -> bool {
        self.0[FLAGS] & IN_CHECK != 0
    }

    /// The colour of the side to move.
    pub fn side_to_move(&self) -> Color {
        if self.0[FLAGS] & WHITE == 0 { Color::Black } else { Color::White }
    }

    /// Plies played since the start of the game.
    pub fn plies(&self) -> u16 {
        u16::from_le_bytes([self.0[PLIES], self.0[PLIES + 1]])
    }

    /// Ply limit of the game, 0 for none.
    pub fn max_plies(&self) -> u16 {
        u16::from_le_bytes([self.0[MAX_PLIES], self.0[MAX_PLIES + 1]])
    }
}

/// Index of `square` as `side` sees it, playing up the board.
pub(super) fn seen_from(side: Color, square: Square) -> usize {
    match side {
        Color::Black => square.index(),
        Color::White => SQUARES - 1 - square.index(),
    }
}

/// A byte that cannot be part of an observation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObservationError {
    /// Offset of the byte.
    pub at: usize,
    /// Its value.
    pub value: u8,
}

impl fmt::Display for ObservationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packed observation: byte {} cannot be {}", self.at, self.value)
    }
}

impl core::error::Error for ObservationError {}
