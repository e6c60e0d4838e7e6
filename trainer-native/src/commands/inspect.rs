//! `trainer-native perft | moves | outcome`: the rules as text, for checks against other programs.
//!
//! An SFEN is one argument, quoted in a shell; `startpos` is the standard start position.

use crate::argument::BadArgument;
use keisei_core::shogi::{self, Game, Move, Position};
use std::fmt;

/// Largest depth of `perft`: a deeper one would never finish and would exhaust the stack.
pub const MAX_DEPTH: u32 = 64;

/// Arguments of `perft`.
#[derive(clap::Args, Debug)]
pub struct PerftArgs {
    /// Position as one quoted SFEN, or `startpos`
    pub sfen: String,
    /// Length of the counted move sequences
    #[arg(value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_DEPTH)))]
    pub depth: u32,
}

/// Arguments of `moves` and `outcome`.
#[derive(clap::Args, Debug)]
pub struct LineArgs {
    /// Position as one quoted SFEN, or `startpos`
    pub sfen: String,
    /// Moves in USI, played from the position
    pub moves: Vec<String>,
}

/// Line with the number of legal move sequences of length `depth`.
///
/// # Errors
/// The SFEN is wrong.
pub fn perft(args: &PerftArgs) -> Result<String, BadArgument> {
    Ok(format!("{}\n", shogi::perft(&position(&args.sfen)?, args.depth)))
}

/// Legal moves after the given ones in USI, sorted by their bytes, one per line. They are listed even where a repetition has
/// ended the game.
///
/// # Errors
/// The SFEN is wrong, or a move is not USI or illegal.
pub fn moves(args: &LineArgs) -> Result<String, BadArgument> {
    let mut position = position(&args.sfen)?;
    play_all(&args.moves, |mv| position.try_play(mv))?;
    let mut lines: Vec<String> = position.legal_moves().iter().map(|mv| format!("{mv}\n")).collect();
    lines.sort_unstable();
    Ok(lines.concat())
}

/// Outcome after the given moves: `black wins: checkmate`, `draw: repetition`, or `in progress` and the like.
///
/// # Errors
/// The SFEN is wrong, or a move is not USI, illegal, or after the end of the game.
pub fn outcome(args: &LineArgs) -> Result<String, BadArgument> {
    Ok(game(args)?.outcome().map_or_else(|| "in progress\n".to_owned(), |outcome| format!("{outcome}\n")))
}

/// Game of the given moves, without a ply limit.
///
/// # Errors
/// As for [`outcome`].
pub fn game(args: &LineArgs) -> Result<Game, BadArgument> {
    let mut game = Game::new(position(&args.sfen)?, 0);
    play_all(&args.moves, |mv| game.try_play(mv))?;
    Ok(game)
}

fn position(sfen: &str) -> Result<Position, BadArgument> {
    if sfen == "startpos" {
        return Ok(Position::startpos());
    }
    Position::from_sfen(sfen).map_err(|error| BadArgument::new("SFEN", sfen, error))
}

fn play_all<E: fmt::Display>(
    moves: &[String],
    mut try_play: impl FnMut(Move) -> Result<(), E>,
) -> Result<(), BadArgument> {
    for (index, text) in moves.iter().enumerate() {
        let bad = |reason: &dyn fmt::Display| BadArgument::new(format_args!("move {}", index + 1), text, reason);
        let mv = text.parse().map_err(|error| bad(&error))?;
        try_play(mv).map_err(|error| bad(&error))?;
    }
    Ok(())
}
