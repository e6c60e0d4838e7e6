//! Data sets of positions for other trainers: HCPE for dlshogi, PSV for trainers of `YaneuraOu`'s NNUE.
//!
//! | HCPE, 38 bytes | | PSV, 40 bytes | |
//! |---|---|---|---|
//! | 0–31 | position, Apery's Huffman code | 0–31 | position, `YaneuraOu`'s Huffman code |
//! | 32–33 | `i16` centipawns | 32–33 | `i16` centipawns |
//! | 34–35 | `u16` move | 34–35 | `u16` move |
//! | 36 | result: 0 draw, 1 Black won, 2 White won | 36–37 | `u16` move number |
//! | 37 | 0 | 38 | `i8` result: 1 the side to move won, −1 it lost, 0 draw |
//! | | | 39 | 0 |
//!
//! Centipawns are from the side to move. Both codes hold only positions with all forty pieces.

use anyhow::{Context, Result, bail};
use keisei_core::format::Record;
use keisei_core::net::Value;
use keisei_core::shogi::{Color, Game, GameResult, Move, Piece, PieceType, Position, Square};

use keisei_play::rating::centipawns;

/// Format of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataset {
    /// dlshogi's `HuffmanCodedPosAndEval`.
    Hcpe,
    /// `YaneuraOu`'s `PackedSfenValue`.
    Psv,
}

impl Dataset {
    /// Bytes of one entry.
    pub fn size(self) -> usize {
        match self {
            Dataset::Hcpe => 38,
            Dataset::Psv => 40,
        }
    }
}

/// Pieces of a full set, by kind.
const FULL_SET: [(PieceType, usize); 8] = [
    (PieceType::Pawn, 18),
    (PieceType::Lance, 4),
    (PieceType::Knight, 4),
    (PieceType::Silver, 4),
    (PieceType::Gold, 4),
    (PieceType::Bishop, 2),
    (PieceType::Rook, 2),
    (PieceType::King, 2),
];

/// Entries of a game, one after the other: one for each position with a value. A game that is unfinished or was cut off has
/// no entries, because it has no result to learn.
///
/// # Errors
/// The record is not a legal game, or a position lacks pieces.
pub fn entries(record: &Record, dataset: Dataset) -> Result<Vec<u8>> {
    let winner = match record.outcome.map(|outcome| outcome.result) {
        None | Some(GameResult::Truncated) => return Ok(Vec::new()),
        Some(GameResult::Draw) => None,
        Some(GameResult::Win(winner)) => Some(winner),
    };
    record.replay().context("the game")?;
    let start = Position::from_sfen(&record.start_sfen).context("the start position")?;
    let mut game = Game::new(start, record.max_plies);
    let mut bytes = Vec::new();
    for (i, &mv) in record.moves.iter().enumerate() {
        if let Some(value) = record.plies.get(i).and_then(|ply| ply.value) {
            let position = game.position();
            let entry = entry(position, value, mv, winner, dataset).with_context(|| format!("ply {}", i + 1))?;
            bytes.extend(entry);
        }
        game.play(mv);
    }
    Ok(bytes)
}

fn entry(position: &Position, value: Value, mv: Move, winner: Option<Color>, dataset: Dataset) -> Result<Vec<u8>> {
    let us = position.side_to_move();
    let mut bytes = packed(position, dataset)?.to_vec();
    bytes.extend((centipawns(value) as i16).to_le_bytes());
    bytes.extend(move_bits(mv, dataset).to_le_bytes());
    match dataset {
        Dataset::Hcpe => bytes.extend([winner.map_or(0, |winner| 1 + winner.index() as u8), 0]),
        Dataset::Psv => {
            bytes.extend(position.ply().to_le_bytes());
            let result = winner.map_or(0, |winner| if winner == us { 1 } else { -1 });
            bytes.extend([result as i8 as u8, 0]);
        }
    }
    Ok(bytes)
}

/// Move in 16 bits.
///
/// | bits | HCPE | PSV |
/// |---|---|---|
/// | 0–6 | destination | destination |
/// | 7–13 | origin, or 81 plus the number of the dropped kind | origin, or 1 plus the number of the dropped kind |
/// | 14 | promotion | drop |
/// | 15 | 0 | promotion |
fn move_bits(mv: Move, dataset: Dataset) -> u16 {
    let to = mv.to().index() as u16;
    let promotion = u16::from(mv.is_promotion());
    match (mv.from(), mv.dropped(), dataset) {
        (Some(from), _, Dataset::Hcpe) => to | (from.index() as u16) << 7 | promotion << 14,
        (Some(from), _, Dataset::Psv) => to | (from.index() as u16) << 7 | promotion << 15,
        (None, kind, Dataset::Hcpe) => to | (81 + drop_number(kind)) << 7,
        (None, kind, Dataset::Psv) => to | (1 + drop_number(kind)) << 7 | 1 << 14,
    }
}

/// Number of a dropped kind of piece, as in both programs, where gold is last.
fn drop_number(kind: Option<PieceType>) -> u16 {
    match kind {
        Some(PieceType::Pawn) => 0,
        Some(PieceType::Lance) => 1,
        Some(PieceType::Knight) => 2,
        Some(PieceType::Silver) => 3,
        Some(PieceType::Bishop) => 4,
        Some(PieceType::Rook) => 5,
        _ => 6,
    }
}

/// Position in 256 bits: side to move, squares of both kings, the other squares in order, hands of Black and White.
fn packed(position: &Position, dataset: Dataset) -> Result<[u8; 32]> {
    for (kind, number) in FULL_SET {
        let of = |color: Color| {
            let promoted = kind.promoted().map_or(0, |promoted| position.pieces(color, promoted).count());
            let in_hand = if kind == PieceType::King { 0 } else { position.hand(color).count(kind) };
            position.pieces(color, kind).count() + promoted + usize::from(in_hand)
        };
        let found = of(Color::Black) + of(Color::White);
        if found != number {
            bail!("{found} of {number} pieces of kind {kind:?}: the format holds full sets only");
        }
    }
    let mut bits = Bits::default();
    bits.push(position.side_to_move().index() as u32, 1);
    for color in Color::ALL {
        let king = position.king(color).context("a king of each colour")?;
        bits.push(king.index() as u32, 7);
    }
    for square in Square::ALL {
        match position.piece_at(square) {
            None => bits.push(0, 1),
            Some(piece) if piece.kind() == PieceType::King => {}
            Some(piece) => bits.push_on_board(piece, dataset),
        }
    }
    for color in Color::ALL {
        for (kind, count) in position.hand(color).iter() {
            for _ in 0..count {
                bits.push_in_hand(color, kind, dataset);
            }
        }
    }
    Ok(bits.bytes)
}

/// Writer of bits, from the lowest of the first byte on.
#[derive(Default)]
struct Bits {
    bytes: [u8; 32],
    len: usize,
}

impl Bits {
    fn push(&mut self, value: u32, count: usize) {
        for i in 0..count {
            self.bytes[self.len / 8] |= ((value >> i & 1) as u8) << (self.len % 8);
            self.len += 1;
        }
    }

    /// Adds the code of the kind, then colour and promotion (HCPE) or promotion and colour (PSV). A gold has no promotion bit.
    fn push_on_board(&mut self, piece: Piece, dataset: Dataset) {
        let kind = piece.kind().unpromoted();
        let (code, length) = code(kind, dataset);
        self.push(code, length);
        let (color, promoted) = (piece.color().index() as u32, u32::from(piece.kind().is_promoted()));
        match dataset {
            _ if kind == PieceType::Gold => self.push(color, 1),
            Dataset::Hcpe => self.push(color | promoted << 1, 2),
            Dataset::Psv => self.push(promoted | color << 1, 2),
        }
    }

    /// Adds the code of the kind without its first bit, which means that a square is not empty; the colour comes last.
    fn push_in_hand(&mut self, color: Color, kind: PieceType, dataset: Dataset) {
        let (code, length) = code(kind, dataset);
        let large = matches!(kind, PieceType::Bishop | PieceType::Rook);
        match dataset {
            // Apery has the bit that distinguishes bishop and rook where the promotion bit would be.
            Dataset::Hcpe if large => self.push(0b11111 | u32::from(kind == PieceType::Rook) << 5, 6),
            _ if kind == PieceType::Gold => self.push(code >> 1, length - 1),
            _ => self.push(code >> 1, length),
        }
        self.push(color.index() as u32, 1);
    }
}

/// Huffman code of a kind, first bit lowest, and its length.
fn code(kind: PieceType, dataset: Dataset) -> (u32, usize) {
    match (kind, dataset) {
        (PieceType::Pawn, _) => (0b01, 2),
        (PieceType::Lance, _) => (0b0011, 4),
        (PieceType::Knight, Dataset::Hcpe) | (PieceType::Silver, Dataset::Psv) => (0b0111, 4),
        (PieceType::Silver, Dataset::Hcpe) | (PieceType::Knight, Dataset::Psv) => (0b1011, 4),
        (PieceType::Gold, _) => (0b0_1111, 5),
        (PieceType::Bishop, _) => (0b01_1111, 6),
        _ => (0b11_1111, 6),
    }
}
