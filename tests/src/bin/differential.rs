//! Legal moves beside two independent programs, on random and adversarial positions.
//!
//! `cargo run --release -p keisei-tests --features peers --bin differential -- POSITIONS [SEED]` compares the legal move
//! sets of keisei-core, rsshogi and haitaka, prints every kind of deviation with its first positions, and fails unless
//! rsshogi agrees everywhere and haitaka deviates by drop-pawn mates only (its known error).

use anyhow::{Context, Result, bail};
use keisei_core::shogi::{Color, Move, Piece, PieceType, Position, Square};
use std::collections::BTreeSet;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let positions: u64 = args.next().context("usage: differential POSITIONS [SEED]")?.parse().context("POSITIONS")?;
    let mut random = Random(args.next().map_or(Ok(1), |seed| seed.parse()).context("SEED")?);
    let mut tally = Tally::default();
    while tally.positions < positions {
        let start = if random.below(2) == 0 { Position::startpos() } else { scatter(&mut random) };
        walk(start, &mut random, &mut tally)?;
    }
    tally.print();
    if tally.rsshogi.unexplained > 0 || tally.haitaka.unexplained > 0 {
        bail!("unexplained deviations");
    }
    Ok(())
}

/// Plays random moves from `start`, often checks, and compares every position on the way.
fn walk(start: Position, random: &mut Random, tally: &mut Tally) -> Result<()> {
    const LONGEST: u64 = 120;
    let mut position = start;
    for _ in 0..LONGEST {
        tally.compare(&position)?;
        let moves = position.legal_moves();
        if moves.is_empty() {
            break;
        }
        // The best of a few draws: checks are rare among random moves, and they lead where the rules are hardest.
        let draws = 1 + random.below(6);
        let after = |mv| {
            let mut next = position.clone();
            next.play(mv);
            next
        };
        let mut candidates = (0..draws).map(|_| after(moves[random.below(moves.len() as u64) as usize]));
        let first = candidates.next().expect("at least one draw");
        let next = if first.in_check() { first } else { candidates.find(Position::in_check).unwrap_or(first) };
        position = next;
    }
    Ok(())
}

/// A legal position with both kings and a random part of all other pieces strewn over the board, many promoted, the rest
/// in hand: double checks, pins on every line, full hands and drop-pawn mates are frequent.
fn scatter(random: &mut Random) -> Position {
    const SUPPLY: [(PieceType, usize); 7] = [
        (PieceType::Pawn, 18),
        (PieceType::Lance, 4),
        (PieceType::Knight, 4),
        (PieceType::Silver, 4),
        (PieceType::Gold, 4),
        (PieceType::Bishop, 2),
        (PieceType::Rook, 2),
    ];
    loop {
        let mut board = [None; 81];
        let mut hands = [[0u8; 7]; 2];
        for color in Color::ALL {
            let square = random.below(81) as usize;
            board[square] = Some(Piece::new(color, PieceType::King));
        }
        let crowd = random.below(100);
        for (i, (kind, count)) in SUPPLY.into_iter().enumerate() {
            for _ in 0..count {
                let color = Color::ALL[random.below(2) as usize];
                let square = random.below(81) as usize;
                if random.below(100) >= crowd || board[square].is_some() {
                    hands[color.index()][i] += 1;
                    continue;
                }
                let promote = random.below(2) == 0;
                board[square] = Some(Piece::new(color, kind.promoted().filter(|_| promote).unwrap_or(kind)));
            }
        }
        if let Ok(position) = Position::from_sfen(&sfen(&board, &hands, random.below(2) == 0))
            && Color::ALL.into_iter().all(|color| position.king(color).is_some() && rooted(&position, color))
        {
            return position;
        }
    }
}

/// Whether the peers can hold the position: no doubled pawns and no piece without a move.
fn rooted(position: &Position, color: Color) -> bool {
    let pawns = position.pieces(color, PieceType::Pawn);
    let files: BTreeSet<u8> = pawns.into_iter().map(Square::file).collect();
    let depth = |square: Square| if color == Color::Black { square.rank() } else { 10 - square.rank() };
    let moves = |kind, first: u8| position.pieces(color, kind).into_iter().all(|square| depth(square) >= first);
    files.len() == pawns.count()
        && moves(PieceType::Pawn, 2)
        && moves(PieceType::Lance, 2)
        && moves(PieceType::Knight, 3)
}

fn sfen(board: &[Option<Piece>; 81], hands: &[[u8; 7]; 2], black: bool) -> String {
    const LETTERS: [char; 14] = ['p', 'l', 'n', 's', 'g', 'b', 'r', 'k', 'p', 'l', 'n', 's', 'b', 'r'];
    let letter = |color: Color, kind: usize| match color {
        Color::Black => LETTERS[kind].to_ascii_uppercase(),
        Color::White => LETTERS[kind],
    };
    let mut text = String::new();
    for rank in 0..9 {
        let mut empty = 0;
        for file in (0..9).rev() {
            let Some(piece) = board[file * 9 + rank] else {
                empty += 1;
                continue;
            };
            if empty > 0 {
                text += &empty.to_string();
            }
            empty = 0;
            if piece.kind().index() > PieceType::King.index() {
                text.push('+');
            }
            text.push(letter(piece.color(), piece.kind().index()));
        }
        if empty > 0 {
            text += &empty.to_string();
        }
        if rank < 8 {
            text.push('/');
        }
    }
    text += if black { " b " } else { " w " };
    let before = text.len();
    for color in Color::ALL {
        for kind in [6, 5, 4, 3, 2, 1, 0] {
            match hands[color.index()][kind] {
                0 => {}
                1 => text.push(letter(color, kind)),
                count => text.extend([count.to_string(), letter(color, kind).to_string()]),
            }
        }
    }
    if text.len() == before {
        text.push('-');
    }
    text + " 1"
}

/// What was compared and where the programs differ.
#[derive(Default)]
struct Tally {
    positions: u64,
    moves: u64,
    checks: u64,
    rsshogi: Deviations,
    haitaka: Deviations,
}

#[derive(Default)]
struct Deviations {
    drop_pawn_mates: u64,
    unexplained: u64,
    refused: u64,
    /// First positions that differ by a drop-pawn mate, and first that differ otherwise.
    examples: [Vec<String>; 2],
}

impl Tally {
    fn compare(&mut self, position: &Position) -> Result<()> {
        let sfen = position.to_sfen();
        let mut ours: Vec<Move> = position.legal_moves().to_vec();
        ours.sort_unstable();
        self.positions += 1;
        self.moves += ours.len() as u64;
        self.checks += u64::from(position.in_check());
        self.rsshogi.note(position, &sfen, &ours, Some(rsshogi_moves(&sfen)?));
        self.haitaka.note(position, &sfen, &ours, haitaka_moves(&sfen));
        if self.positions.is_multiple_of(1_000_000) {
            eprintln!("{} M positions", self.positions / 1_000_000);
        }
        Ok(())
    }

    fn print(&self) {
        println!("positions {}, legal moves {}, in check {}", self.positions, self.moves, self.checks);
        for (name, peer) in [("rsshogi", &self.rsshogi), ("haitaka", &self.haitaka)] {
            println!(
                "{name}: {} positions differ by a drop-pawn mate, {} otherwise, {} refused",
                peer.drop_pawn_mates, peer.unexplained, peer.refused
            );
            for example in peer.examples.iter().flatten() {
                println!("  {example}");
            }
        }
    }
}

impl Deviations {
    fn note(&mut self, position: &Position, sfen: &str, ours: &[Move], theirs: Option<Vec<Move>>) {
        const EXAMPLES: usize = 8;
        let Some(mut theirs) = theirs else {
            self.refused += 1;
            return;
        };
        theirs.sort_unstable();
        if ours == theirs {
            return;
        }
        let extra: Vec<Move> = theirs.iter().copied().filter(|mv| !ours.contains(mv)).collect();
        let missing: Vec<Move> = ours.iter().copied().filter(|mv| !theirs.contains(mv)).collect();
        let explained = missing.is_empty() && extra.iter().all(|&mv| is_drop_pawn_mate(position, mv));
        if explained {
            self.drop_pawn_mates += 1;
        } else {
            self.unexplained += 1;
        }
        let examples = &mut self.examples[usize::from(!explained)];
        if examples.len() < EXAMPLES {
            let list = |moves: &[Move]| moves.iter().map(Move::to_string).collect::<Vec<_>>().join(" ");
            examples.push(format!("{sfen}: extra [{}], missing [{}]", list(&extra), list(&missing)));
        }
    }
}

/// The definition, played out: a pawn drop that checks and leaves no legal move.
fn is_drop_pawn_mate(position: &Position, mv: Move) -> bool {
    if mv.dropped() != Some(PieceType::Pawn) {
        return false;
    }
    let mut after = position.clone();
    after.play_unchecked(mv);
    after.in_check() && !after.has_legal_move()
}

fn square(index: usize) -> Square {
    Square::from_index(index).expect("a peer's square is on the board, numbered like ours")
}

fn rsshogi_moves(sfen: &str) -> Result<Vec<Move>> {
    use rsshogi::types::PieceType as Theirs;
    let mut position = match rsshogi::board::position_from_sfen(sfen) {
        Ok(position) => position,
        Err(error) => bail!("rsshogi refuses {sfen}: {error:?}"),
    };
    position.init_stack();
    let mut list = rsshogi::board::MoveList::new();
    rsshogi::movegen::generate_legal_all(&position, &mut list);
    let convert = |mv: &rsshogi::types::Move| {
        let to = square(mv.to_sq().to_index());
        let from = || square(mv.from_sq().to_index());
        match mv.dropped_piece() {
            Some(kind) if mv.is_drop() => {
                let kinds = [
                    (Theirs::PAWN, PieceType::Pawn),
                    (Theirs::LANCE, PieceType::Lance),
                    (Theirs::KNIGHT, PieceType::Knight),
                    (Theirs::SILVER, PieceType::Silver),
                    (Theirs::GOLD, PieceType::Gold),
                    (Theirs::BISHOP, PieceType::Bishop),
                    (Theirs::ROOK, PieceType::Rook),
                ];
                let (_, ours) = kinds.into_iter().find(|&(theirs, _)| theirs == kind).expect("a kind of the hand");
                Move::drop(ours, to)
            }
            _ if mv.is_promotion() => Move::promoting(from(), to),
            _ => Move::normal(from(), to),
        }
    };
    Ok(list.iter().map(convert).collect())
}

fn haitaka_moves(sfen: &str) -> Option<Vec<Move>> {
    use haitaka::Piece as Theirs;
    let board = haitaka::Board::from_sfen(sfen).ok()?;
    let mut moves = Vec::new();
    board.generate_moves(|set| {
        moves.extend(set.into_iter().map(|mv| match mv {
            haitaka::Move::Drop { piece, to } => {
                let kind = match piece {
                    Theirs::Pawn => PieceType::Pawn,
                    Theirs::Lance => PieceType::Lance,
                    Theirs::Knight => PieceType::Knight,
                    Theirs::Silver => PieceType::Silver,
                    Theirs::Gold => PieceType::Gold,
                    Theirs::Bishop => PieceType::Bishop,
                    _ => PieceType::Rook,
                };
                Move::drop(kind, square(to as usize))
            }
            haitaka::Move::BoardMove { from, to, promotion: true } => {
                Move::promoting(square(from as usize), square(to as usize))
            }
            haitaka::Move::BoardMove { from, to, promotion: false } => {
                Move::normal(square(from as usize), square(to as usize))
            }
        }));
        false
    });
    Some(moves)
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}
