//! Comparison of legal moves with other programs, on random and adversarial positions.
//!
//! `cargo run --release -p keisei-tests --features peers --bin differential -- POSITIONS [SEED] [PYTHON]` compares the legal
//! move sets of keisei-core, rsshogi and haitaka, and of cshogi if PYTHON is one that has it (`pip install cshogi`; it runs as
//! a program of its own). It prints every kind of deviation with its first positions, and fails unless rsshogi and cshogi agree
//! everywhere and haitaka deviates by drop-pawn mates only (its known error).

use anyhow::{Context, Result, bail};
use keisei_core::shogi::{Move, PieceType, Position, Square};
use keisei_tests::adversarial;
use keisei_tests::random::{Choices, Random};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: differential POSITIONS [SEED] [PYTHON]";
    let positions: u64 = args.next().context(usage)?.parse().context("POSITIONS")?;
    let mut random = Random(args.next().map_or(Ok(1), |seed| seed.parse()).context("SEED")?);
    let mut tally = Tally { python: args.next().map(|python| Python::start(&python)).transpose()?, ..Tally::default() };
    while tally.positions < positions {
        let start = if random.below(2) == 0 { Position::startpos() } else { adversarial::position(&mut random) };
        walk(start, &mut random, &mut tally)?;
    }
    tally.ask_python()?;
    tally.print();
    if tally.peers().iter().any(|(name, peer)| peer.unexplained > 0 || (*name != "haitaka" && peer.pawn_drops > 0)) {
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
        // A check is preferred among a few draws: checks are rare among random moves, and lead to the hardest rules.
        let draws = 1 + random.below(6);
        let after = |mv| {
            let mut next = position.clone();
            next.play(mv);
            next
        };
        let mut candidates = (0..draws).map(|_| after(random.pick(&moves)));
        let first = candidates.next().expect("at least one draw");
        let next = if first.in_check() { first } else { candidates.find(Position::in_check).unwrap_or(first) };
        position = next;
    }
    Ok(())
}

/// Counts of the comparisons, and the positions in which programs differ.
#[derive(Default)]
struct Tally {
    positions: u64,
    moves: u64,
    checks: u64,
    rsshogi: Deviations,
    haitaka: Deviations,
    cshogi: Deviations,
    python: Option<Python>,
    /// Positions with their moves that are not yet compared with cshogi.
    waiting: Vec<(Position, Vec<Move>)>,
}

#[derive(Default)]
struct Deviations {
    pawn_drops: u64,
    unexplained: u64,
    refused: u64,
    /// First positions that differ by a pawn drop which haitaka misjudges, and first positions that differ otherwise.
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
        if self.python.is_some() {
            self.waiting.push((position.clone(), ours));
            if self.waiting.len() == Python::BATCH {
                self.ask_python()?;
            }
        }
        if self.positions.is_multiple_of(1_000_000) {
            eprintln!("{} M positions", self.positions / 1_000_000);
        }
        Ok(())
    }

    /// Compares the waiting positions.
    fn ask_python(&mut self) -> Result<()> {
        let Some(python) = &mut self.python else { return Ok(()) };
        let waiting = std::mem::take(&mut self.waiting);
        let sfens: Vec<String> = waiting.iter().map(|(position, _)| position.to_sfen()).collect();
        for (((position, ours), sfen), theirs) in waiting.iter().zip(&sfens).zip(python.moves(&sfens)?) {
            self.cshogi.note(position, sfen, ours, theirs);
        }
        Ok(())
    }

    fn peers(&self) -> Vec<(&'static str, &Deviations)> {
        let mut peers = vec![("rsshogi", &self.rsshogi), ("haitaka", &self.haitaka)];
        peers.extend(self.python.as_ref().map(|_| ("cshogi", &self.cshogi)));
        peers
    }

    fn print(&self) {
        println!("positions {}, legal moves {}, in check {}", self.positions, self.moves, self.checks);
        for (name, peer) in self.peers() {
            println!(
                "{name}: {} positions differ by a pawn drop that mates or nearly does, {} otherwise, {} refused",
                peer.pawn_drops, peer.unexplained, peer.refused
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
        let explained = extra.iter().all(|&mv| is_drop_pawn_mate(position, mv))
            && missing.iter().all(|&mv| leaves_no_board_move(position, mv));
        if explained {
            self.pawn_drops += 1;
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

/// Definition of drop-pawn mate: a pawn drop that checks and leaves no legal move.
fn is_drop_pawn_mate(position: &Position, mv: Move) -> bool {
    if mv.dropped() != Some(PieceType::Pawn) {
        return false;
    }
    let mut after = position.clone();
    after.play_unchecked(mv);
    after.in_check() && !after.has_legal_move()
}

/// Whether all replies to a pawn drop are drops. haitaka 0.3.2 tests only the lowest square of a pawn's drops, by the rank of the
/// king and not its file, and counts an opponent who can only drop pieces as mated: it leaves out such a legal drop.
fn leaves_no_board_move(position: &Position, mv: Move) -> bool {
    if mv.dropped() != Some(PieceType::Pawn) {
        return false;
    }
    let mut after = position.clone();
    after.play_unchecked(mv);
    after.legal_moves().iter().all(|reply| reply.dropped().is_some())
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

/// cshogi behind pipes.
struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// Number of positions per request, which fit into the pipe while the first answers fill the other one.
    const BATCH: usize = 256;

    fn start(python: &str) -> Result<Python> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/cshogi_moves.py");
        let mut command = Command::new(python);
        let mut child =
            command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context(python.to_owned())?;
        let (input, output) = (child.stdin.take().context("a pipe")?, child.stdout.take().context("a pipe")?);
        Ok(Python { child, input, output: BufReader::new(output) })
    }

    /// The legal moves of each position; nothing for one that is refused.
    fn moves(&mut self, sfens: &[String]) -> Result<Vec<Option<Vec<Move>>>> {
        self.input.write_all((sfens.join("\n") + "\n\n").as_bytes())?;
        let read = |sfen: &String| {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                bail!("cshogi ended with {} instead of answering {sfen}", self.child.wait()?);
            }
            if line.trim_end() == "refused" {
                return Ok(None);
            }
            let mv = |usi: &str| usi.parse().with_context(|| format!("cshogi's move {usi} in {sfen}"));
            line.split_whitespace().map(mv).collect::<Result<_>>().map(Some)
        };
        sfens.iter().map(read).collect()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The process may have ended by itself; errors need no report here.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
