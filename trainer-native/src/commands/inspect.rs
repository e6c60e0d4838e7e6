//! `trainer-native perft | moves | outcome`: the rules as text, for checks against other programs.
//!
//! A position is everything that USI's `position` takes, quoted or not: `startpos`, an SFEN of four fields or of three, `sfen …`, and
//! moves after it with or without the word `moves`; the last may be `resign`, or `win` for a declaration.

use crate::argument::BadArgument;
use keisei_core::notation::usi;
use keisei_core::shogi::{self, Game, Move, MoveError, Position, SfenError};

/// Largest depth of `perft`: a deeper one would never finish and would exhaust the stack.
pub const MAX_DEPTH: u32 = 64;

/// Arguments of `perft`.
#[derive(clap::Args, Debug)]
pub struct PerftArgs {
    /// Position as USI has it: `startpos` or an SFEN, and moves
    #[arg(required = true, num_args = 1.., value_name = "SFEN")]
    pub position: Vec<String>,
    /// Length of the counted move sequences
    #[arg(required = true, value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_DEPTH)))]
    pub depth: u32,
}

/// Arguments of `moves` and `outcome`.
#[derive(clap::Args, Debug)]
pub struct LineArgs {
    /// Position as USI has it: `startpos` or an SFEN, and moves; `win` declares a win, `resign` resigns
    #[arg(required = true, value_name = "SFEN")]
    pub position: Vec<String>,
}

/// Line with the number of legal move sequences of length `depth`.
///
/// # Errors
/// The SFEN is wrong, or a move is not USI or illegal.
pub fn perft(args: &PerftArgs) -> Result<String, BadArgument> {
    Ok(format!("{}\n", shogi::perft(&position(&args.position)?, args.depth)))
}

/// Legal moves after the given ones in USI, sorted by their bytes, one per line. They are listed even where a repetition has
/// ended the game; after a resignation or declaration there are none.
///
/// # Errors
/// The SFEN is wrong, or a move is not USI or illegal.
pub fn moves(args: &LineArgs) -> Result<String, BadArgument> {
    if args.position.iter().flat_map(|word| word.split_ascii_whitespace()).any(|word| DECISIONS.contains(&word)) {
        return game(args).map(|_| String::new());
    }
    let position = position(&args.position)?;
    let mut lines: Vec<String> = position.legal_moves().iter().map(|mv| format!("{mv}\n")).collect();
    lines.sort_unstable();
    Ok(lines.concat())
}

/// Outcome after the given moves: `black wins: checkmate`, `draw: repetition`, or `in progress` and the like.
///
/// # Errors
/// The SFEN is wrong, or a move is not USI, illegal, or after the end of the game, or a declaration is refused.
pub fn outcome(args: &LineArgs) -> Result<String, BadArgument> {
    Ok(game(args)?.outcome().map_or_else(|| "in progress\n".to_owned(), |outcome| format!("{outcome}\n")))
}

/// Words that end a game instead of a move.
const DECISIONS: [&str; 2] = ["resign", "win"];

/// Game of the given moves, without a ply limit.
///
/// # Errors
/// As for [`outcome`].
pub fn game(args: &LineArgs) -> Result<Game, BadArgument> {
    let line = args.position.join(" ");
    let (start, words) = start_and_moves(&line)?;
    let mut game = Game::new(start, 0);
    play_all(&words, |word| match word {
        "resign" if game.outcome().is_none() => {
            game.resign(game.position().side_to_move());
            Ok(())
        }
        "win" => game.declare().map(drop).map_err(|error| error.to_string()),
        word => game.try_play(parse(word)?).map_err(|error| error.to_string()),
    })?;
    Ok(game)
}

/// Position after the given moves, whether or not a repetition has ended the game.
fn position(words: &[String]) -> Result<Position, BadArgument> {
    let line = words.join(" ");
    let (mut position, words) = start_and_moves(&line)?;
    play_all(&words, |word| position.try_play(parse(word)?).map_err(|error| error.to_string()))?;
    Ok(position)
}

fn start_and_moves(line: &str) -> Result<(Position, Vec<&str>), BadArgument> {
    if line.trim().is_empty() {
        return Err(BadArgument::new("SFEN", line, SfenError::Fields { found: 0 }));
    }
    usi::start_and_moves(line).map_err(|(_, problem)| BadArgument::new("SFEN", line, problem))
}

fn parse(word: &str) -> Result<Move, String> {
    word.parse().map_err(|error: MoveError| error.to_string())
}

fn play_all(words: &[&str], mut play: impl FnMut(&str) -> Result<(), String>) -> Result<(), BadArgument> {
    for (index, word) in words.iter().enumerate() {
        play(word).map_err(|reason| BadArgument::new(format_args!("move {}", index + 1), word, reason))?;
    }
    Ok(())
}
