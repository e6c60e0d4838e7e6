//! Published Rust crates: haitaka, with magic tables or its scalar Qugiy sliders depending on the build, and rsshogi.

use std::hint::black_box;

use haitaka::{Board, Move, PieceMoves};
use rsshogi::board::{Move32List, Position, generate_legal_all_move32, position_from_sfen};

use keisei_benches::movegen::{MoveGenerator, PLAYOUT_PLIES, Random};

/// The peers of this build; those that do not depend on haitaka's sliders are in one of the two builds only.
pub fn all() -> Vec<Box<dyn MoveGenerator>> {
    if cfg!(feature = "qugiy") { vec![Box::new(Haitaka), Box::new(Rsshogi)] } else { vec![Box::new(Haitaka)] }
}

struct Haitaka;

fn board(sfen: &str) -> Board {
    Board::from_sfen(sfen).expect("the benchmark's positions are correct")
}

fn haitaka_children(board: &Board, mut count: impl FnMut(&Board) -> u64) -> u64 {
    let mut total = 0;
    board.generate_moves(|moves: PieceMoves| {
        for mv in moves {
            let mut child = board.clone();
            child.play_unchecked(mv);
            total += count(&child);
        }
        false
    });
    total
}

fn haitaka_perft(board: &Board, depth: u8) -> u64 {
    if depth > 1 {
        return haitaka_children(board, |child| haitaka_perft(child, depth - 1));
    }
    let mut total = 0;
    board.generate_moves(|moves| {
        total += moves.into_iter().len() as u64;
        false
    });
    total
}

fn haitaka_perft_played(board: &Board, depth: u8) -> u64 {
    if depth == 0 {
        black_box(board);
        return 1;
    }
    haitaka_children(board, |child| haitaka_perft_played(child, depth - 1))
}

impl MoveGenerator for Haitaka {
    fn name(&self) -> &'static str {
        if cfg!(feature = "qugiy") { "haitaka-qugiy" } else { "haitaka" }
    }

    fn perft(&self, sfen: &str, depth: u8) -> u64 {
        haitaka_perft(&board(sfen), depth)
    }

    fn perft_played(&self, sfen: &str, depth: u8) -> u64 {
        haitaka_perft_played(&board(sfen), depth)
    }

    fn playout(&self, sfen: &str, random: &mut Random) -> u64 {
        let mut board = board(sfen);
        let mut moves: Vec<Move> = Vec::with_capacity(600);
        for ply in 0..PLAYOUT_PLIES {
            moves.clear();
            board.generate_moves(|set| {
                moves.extend(set);
                false
            });
            if moves.is_empty() {
                return ply;
            }
            board.play_unchecked(moves[random.below(moves.len())]);
        }
        PLAYOUT_PLIES
    }
}

struct Rsshogi;

fn position(sfen: &str) -> Position {
    let mut position = position_from_sfen(sfen).expect("the benchmark's positions are correct");
    position.init_stack();
    position
}

fn moves(position: &Position) -> Move32List {
    let mut moves = Move32List::new();
    generate_legal_all_move32(position, &mut moves);
    moves
}

fn rsshogi_children(position: &mut Position, mut count: impl FnMut(&mut Position) -> u64) -> u64 {
    let mut total = 0;
    for &mv in &moves(position) {
        position.apply_move32(mv);
        total += count(position);
        position.undo_move32(mv).expect("the move was just played");
    }
    total
}

fn rsshogi_perft(position: &mut Position, depth: u8) -> u64 {
    if depth > 1 {
        return rsshogi_children(position, |child| rsshogi_perft(child, depth - 1));
    }
    moves(position).len() as u64
}

fn rsshogi_perft_played(position: &mut Position, depth: u8) -> u64 {
    if depth == 0 {
        black_box(position);
        return 1;
    }
    rsshogi_children(position, |child| rsshogi_perft_played(child, depth - 1))
}

impl MoveGenerator for Rsshogi {
    fn name(&self) -> &'static str {
        "rsshogi"
    }

    fn perft(&self, sfen: &str, depth: u8) -> u64 {
        rsshogi_perft(&mut position(sfen), depth)
    }

    fn perft_played(&self, sfen: &str, depth: u8) -> u64 {
        rsshogi_perft_played(&mut position(sfen), depth)
    }

    fn playout(&self, sfen: &str, random: &mut Random) -> u64 {
        let mut position = position(sfen);
        for ply in 0..PLAYOUT_PLIES {
            let moves = moves(&position);
            if moves.is_empty() {
                return ply;
            }
            position.apply_move32(moves[random.below(moves.len())]);
        }
        PLAYOUT_PLIES
    }
}
