//! Record file: whole games with the players' values and candidates, for the Replay page and for study.
//!
//! An [envelope] with magic `KEISEI-R`, version [`VERSION`], or [`VERSION_OF_LINES`] if any player told its expected line of play, or
//! [`VERSION_OF_NOTES`] if any game has a note on its end, and an empty header. The body is postcard: a sequence of games, each with these fields in this order:
//!
//! | field | type | content |
//! |---|---|---|
//! | start | string | SFEN of the position before the first move |
//! | black, white | strings | names of the players |
//! | ply limit | `u16` | number of moves after which the game was cut off; 0 for none |
//! | moves | sequence of `u16` | [`Move::to_u16`], at most [`MAX_MOVES`] |
//! | plies | sequence | at most one for each move: value (option of `f32`), candidates (`u16` move, `f32` probability), and from version [`VERSION_OF_LINES`] on the line (sequence of `u16`) |
//! | outcome | option of two bytes | result; reason: its place in [`Reason::ALL`] |
//! | note | string | only in version [`VERSION_OF_NOTES`]: how the game ended, in words |
//!
//! | byte | result | reason |
//! |---|---|---|
//! | 0 | Black wins | checkmate |
//! | 1 | White wins | no legal move |
//! | 2 | draw | repetition |
//! | 3 | truncated | perpetual check |
//! | 4 | | declaration |
//! | 5 | | resignation |
//! | 6 | | ply limit |
//! | 7 | | forfeit |
//!
//! Reading plays every game by the rules: a record that was read is a legal game.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use super::envelope::{self, EnvelopeError};
use crate::net::Value;
use crate::shogi::{Color, Game, GameResult, IllegalMove, Move, Outcome, Position, Reason, SfenError};

/// Version of the format without lines of play.
pub const VERSION: u32 = 1;

/// Version of the format with lines of play.
pub const VERSION_OF_LINES: u32 = 2;

/// Largest number of moves of one game.
pub const MAX_MOVES: usize = 10_000;

/// Version of the format with lines of play and notes on the end.
pub const VERSION_OF_NOTES: u32 = 3;

const MAGIC: [u8; 8] = *b"KEISEI-R";

/// Results by their byte in the file.
const RESULTS: [GameResult; 4] =
    [GameResult::Win(Color::Black), GameResult::Win(Color::White), GameResult::Draw, GameResult::Truncated];

/// One played game.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// SFEN of the position before the first move.
    pub start_sfen: String,
    /// Name of the player of the black pieces.
    pub black: String,
    /// Name of the player of the white pieces.
    pub white: String,
    /// Moves, in the order of play.
    pub moves: Vec<Move>,
    /// Value and candidates before each move, in the order of `moves`; shorter if nothing is known about the last ones.
    pub plies: Vec<PlyInfo>,
    /// Outcome, or `None` for an unfinished game.
    pub outcome: Option<Outcome>,
    /// Ply limit of the game, 0 for none.
    pub max_plies: u16,
    /// How the game ended, in words; of a forfeit what the loser did. Empty if the outcome says it all.
    pub note: String,
}

/// A player's value and candidates before a move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlyInfo {
    /// Value from the side to move; `None` from a player without one.
    pub value: Option<Value>,
    /// Candidate moves with their probabilities, most probable first.
    pub top: Vec<(Move, f32)>,
    /// Line of play that the player expected, its best move first; empty from a player without one.
    pub line: Vec<Move>,
}

#[derive(Serialize, Deserialize)]
struct StoredGame<'a, Ply> {
    start: &'a str,
    black: &'a str,
    white: &'a str,
    max_plies: u16,
    moves: Vec<u16>,
    plies: Vec<Ply>,
    outcome: Option<(u8, u8)>,
}

#[derive(Serialize, Deserialize)]
struct StoredGameWithNote<'a> {
    #[serde(borrow)]
    game: StoredGame<'a, StoredPlyWithLine>,
    note: &'a str,
}

#[derive(Serialize, Deserialize)]
struct StoredPly {
    value: Option<f32>,
    top: Vec<(u16, f32)>,
}

#[derive(Serialize, Deserialize)]
struct StoredPlyWithLine {
    value: Option<f32>,
    top: Vec<(u16, f32)>,
    line: Vec<u16>,
}

/// Reason why bytes are not records of this build, or why records cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The file is damaged, or not a record file of this version.
    Envelope(EnvelopeError),
    /// The header is not empty; it has this many bytes.
    Header(usize),
    /// The body cannot be read as postcard.
    Body(postcard::Error),
    /// The body has bytes after the last game.
    BodyRest(usize),
    /// A game has a defect.
    Game {
        /// Number of the game in the file, from 1.
        game: usize,
        /// Defect of the game.
        error: GameError,
    },
}

/// Defect of a recorded game. Plies count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GameError {
    /// The start position is not an SFEN.
    Start(SfenError),
    /// More than [`MAX_MOVES`] moves.
    TooManyMoves(usize),
    /// There is information on more plies than there are moves.
    TooManyPlies {
        /// Number of plies with information.
        plies: usize,
        /// Number of moves.
        moves: usize,
    },
    /// These 16 bits do not encode a move.
    NoMove {
        /// Ply of the move.
        ply: usize,
        /// Bits in the file.
        bits: u16,
    },
    /// A move is illegal.
    Illegal {
        /// Ply of the move.
        ply: usize,
        /// The move, and the reason.
        error: IllegalMove,
    },
    /// A value is outside `[-1, 1]`.
    Value {
        /// Ply of the value.
        ply: usize,
    },
    /// A candidate is illegal, or its probability is outside `[0, 1]`.
    Candidate {
        /// Ply of the candidate.
        ply: usize,
        /// The candidate.
        mv: Move,
    },
    /// A line of play has an illegal move.
    Line {
        /// Ply of the line.
        ply: usize,
        /// The move.
        mv: Move,
    },
    /// The bytes of result and reason are unknown to this build.
    UnknownOutcome(u8, u8),
    /// The recorded outcome differs from the one by the rules.
    Outcome {
        /// Recorded outcome.
        recorded: Option<Outcome>,
        /// Outcome by the rules.
        played: Option<Outcome>,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::Envelope(error) => write!(f, "record file: {error}"),
            RecordError::Header(found) => write!(f, "record header: {found} bytes, but it has no fields"),
            RecordError::Body(error) => write!(f, "record body: {error}"),
            RecordError::BodyRest(rest) => write!(f, "record body: {rest} bytes after the last game"),
            RecordError::Game { game, error } => write!(f, "game {game}{error}"),
        }
    }
}

impl fmt::Display for GameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GameError::Start(error) => write!(f, ", start position: {error}"),
            GameError::TooManyMoves(found) => write!(f, ": {found} moves, more than {MAX_MOVES}"),
            GameError::TooManyPlies { plies, moves } => {
                write!(f, ": information on {plies} plies, but only {moves} moves")
            }
            GameError::NoMove { ply, bits } => write!(f, ", ply {ply}: {bits:#06x} is no move"),
            GameError::Illegal { ply, error } => write!(f, ", ply {ply}: {error}"),
            GameError::Value { ply } => write!(f, ", ply {ply}: a value outside -1 to 1"),
            GameError::Candidate { ply, mv } => {
                write!(f, ", ply {ply}: candidate {mv} is not legal or its probability is outside 0 to 1")
            }
            GameError::Line { ply, mv } => write!(f, ", ply {ply}: the line of play has the illegal move {mv}"),
            GameError::UnknownOutcome(result, reason) => {
                write!(f, ": outcome {result}, {reason} is unknown to this build")
            }
            GameError::Outcome { recorded, played } => {
                write!(f, ": recorded as `{}`, but the moves leave it `{}`", text(*recorded), text(*played))
            }
        }
    }
}

impl core::error::Error for RecordError {}
impl core::error::Error for GameError {}

fn text(outcome: Option<Outcome>) -> impl fmt::Display {
    fmt::from_fn(move |f| match outcome {
        Some(outcome) => write!(f, "{outcome}"),
        None => f.write_str("in progress"),
    })
}

impl Record {
    /// Record of `game` in its present state; `plies` are the players' values and candidates.
    pub fn of_game(game: &Game, black: &str, white: &str, plies: Vec<PlyInfo>) -> Record {
        Record {
            start_sfen: game.start().to_sfen(),
            black: black.into(),
            white: white.into(),
            moves: game.moves().to_vec(),
            plies,
            outcome: game.outcome(),
            max_plies: game.max_plies(),
            note: String::new(),
        }
    }

    /// Game after its last move, played by the rules, with the recorded outcome.
    ///
    /// # Errors
    /// The first thing in the record that the rules do not allow.
    pub fn replay(&self) -> Result<Game, GameError> {
        let start = Position::from_sfen(&self.start_sfen).map_err(GameError::Start)?;
        check_lengths(self.moves.len(), self.plies.len())?;
        let mut game = Game::new(start, self.max_plies);
        for (i, &mv) in self.moves.iter().enumerate() {
            let ply = i + 1;
            if let Some(info) = self.plies.get(i) {
                check_info(&game, ply, info)?;
            }
            game.try_play(mv).map_err(|error| GameError::Illegal { ply, error })?;
        }
        self.end(&mut game)?;
        Ok(game)
    }

    /// Brings `game` to its recorded end. Resignation, declaration and forfeit are decisions, which the moves alone do not show.
    fn end(&self, game: &mut Game) -> Result<(), GameError> {
        let played = game.outcome();
        match self.outcome {
            Some(Outcome { result: GameResult::Win(winner), reason: Reason::Resignation }) => {
                game.resign(winner.flip());
            }
            Some(Outcome { result: GameResult::Win(winner), reason: Reason::Forfeit }) => game.forfeit(winner.flip()),
            // A refusal leaves the game in progress, which the comparison below reports.
            Some(Outcome { result: GameResult::Win(_), reason: Reason::Declaration }) => drop(game.declare()),
            _ => {}
        }
        if game.outcome() == self.outcome { Ok(()) } else { Err(GameError::Outcome { recorded: self.outcome, played }) }
    }
}

/// Bytes of a record file.
///
/// # Errors
/// A game could not be read back, because the rules do not allow it.
pub fn to_bytes(records: &[Record]) -> Result<Vec<u8>, RecordError> {
    for (i, record) in records.iter().enumerate() {
        record.replay().map_err(|error| RecordError::Game { game: i + 1, error })?;
    }
    let has_notes = records.iter().any(|record| !record.note.is_empty());
    let has_lines = records.iter().flat_map(|record| &record.plies).any(|ply| !ply.line.is_empty());
    let version = match (has_notes, has_lines) {
        (true, _) => VERSION_OF_NOTES,
        (false, true) => VERSION_OF_LINES,
        (false, false) => VERSION,
    };
    let body = if has_notes {
        let with_note = |record| StoredGameWithNote { game: store(record, store_line), note: &record.note };
        postcard::to_allocvec(&records.iter().map(with_note).collect::<Vec<_>>())
    } else if has_lines {
        let games: Vec<StoredGame<_>> = records.iter().map(|record| store(record, store_line)).collect();
        postcard::to_allocvec(&games)
    } else {
        let games: Vec<StoredGame<_>> = records.iter().map(|record| store(record, store_ply)).collect();
        postcard::to_allocvec(&games)
    };
    Ok(envelope::seal(MAGIC, version, &[], &body.map_err(RecordError::Body)?))
}

/// Whether bytes begin as a record file does.
pub fn is_record(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Games in the bytes of a file, each played through. Memory use is bounded by the file's length, not by the lengths it states.
///
/// # Errors
/// The first defect found.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Record>, RecordError> {
    let is_version = |version: &u32| bytes.get(8..12) == Some(&version.to_le_bytes()[..]);
    let version = [VERSION_OF_LINES, VERSION_OF_NOTES].into_iter().find(is_version).unwrap_or(VERSION);
    let (header, body) = envelope::open(bytes, MAGIC, version).map_err(RecordError::Envelope)?;
    if !header.is_empty() {
        return Err(RecordError::Header(header.len()));
    }
    match version {
        VERSION_OF_NOTES => read_games(body, |StoredGameWithNote { game, note }| {
            Ok(Record { note: note.into(), ..load(game, load_line)? })
        }),
        VERSION_OF_LINES => read_games(body, |game| load(game, load_line)),
        _ => read_games(body, |game| load(game, load_ply)),
    }
}

/// Games of a body, each of which `load` reads.
fn read_games<'a, Stored: Deserialize<'a>>(
    body: &'a [u8],
    load: impl Fn(Stored) -> Result<Record, GameError>,
) -> Result<Vec<Record>, RecordError> {
    let (games, rest) = postcard::take_from_bytes::<Vec<Stored>>(body).map_err(RecordError::Body)?;
    if !rest.is_empty() {
        return Err(RecordError::BodyRest(rest.len()));
    }
    let read = |(i, game)| {
        let error = |error| RecordError::Game { game: i + 1, error };
        let record = load(game).map_err(error)?;
        record.replay().map_err(error)?;
        Ok(record)
    };
    games.into_iter().enumerate().map(read).collect()
}

fn check_lengths(moves: usize, plies: usize) -> Result<(), GameError> {
    if moves > MAX_MOVES {
        return Err(GameError::TooManyMoves(moves));
    }
    if plies > moves {
        return Err(GameError::TooManyPlies { plies, moves });
    }
    Ok(())
}

fn check_info(game: &Game, ply: usize, info: &PlyInfo) -> Result<(), GameError> {
    if info.value.is_some_and(|Value(value)| !(-1.0..=1.0).contains(&value)) {
        return Err(GameError::Value { ply });
    }
    let sound = |&(mv, probability): &(Move, f32)| game.position().is_legal(mv) && (0.0..=1.0).contains(&probability);
    if let Some(&(mv, _)) = info.top.iter().find(|candidate| !sound(candidate)) {
        return Err(GameError::Candidate { ply, mv });
    }
    let mut position = None;
    for &mv in &info.line {
        let position = position.get_or_insert_with(|| game.position().clone());
        position.try_play(mv).map_err(|_| GameError::Line { ply, mv })?;
    }
    Ok(())
}

fn store_ply(info: &PlyInfo) -> StoredPly {
    let top = info.top.iter().map(|&(mv, probability)| (mv.to_u16(), probability)).collect();
    StoredPly { value: info.value.map(|Value(value)| value), top }
}

fn store_line(info: &PlyInfo) -> StoredPlyWithLine {
    let StoredPly { value, top } = store_ply(info);
    StoredPlyWithLine { value, top, line: info.line.iter().map(|mv| mv.to_u16()).collect() }
}

fn store<Ply>(record: &Record, store_ply: impl Fn(&PlyInfo) -> Ply) -> StoredGame<'_, Ply> {
    let outcome = |outcome: Outcome| {
        let result = RESULTS.iter().position(|&result| result == outcome.result).expect("every result is listed");
        let reason = Reason::ALL.iter().position(|&reason| reason == outcome.reason).expect("every reason is listed");
        (result as u8, reason as u8)
    };
    StoredGame {
        start: &record.start_sfen,
        black: &record.black,
        white: &record.white,
        max_plies: record.max_plies,
        moves: record.moves.iter().map(|mv| mv.to_u16()).collect(),
        plies: record.plies.iter().map(store_ply).collect(),
        outcome: record.outcome.map(outcome),
    }
}

fn load_move(ply: usize, bits: u16) -> Result<Move, GameError> {
    Move::from_u16(bits).ok_or(GameError::NoMove { ply, bits })
}

fn load_ply(ply: usize, stored: StoredPly) -> Result<PlyInfo, GameError> {
    let candidate = |(bits, probability)| Ok((load_move(ply, bits)?, probability));
    let top = stored.top.into_iter().map(candidate).collect::<Result<_, _>>()?;
    Ok(PlyInfo { value: stored.value.map(Value), top, line: Vec::new() })
}

fn load_line(ply: usize, stored: StoredPlyWithLine) -> Result<PlyInfo, GameError> {
    let line = stored.line.into_iter().map(|bits| load_move(ply, bits)).collect::<Result<_, _>>()?;
    let info = load_ply(ply, StoredPly { value: stored.value, top: stored.top })?;
    Ok(PlyInfo { line, ..info })
}

fn load<Ply>(
    game: StoredGame<Ply>,
    load_ply: impl Fn(usize, Ply) -> Result<PlyInfo, GameError>,
) -> Result<Record, GameError> {
    check_lengths(game.moves.len(), game.plies.len())?;
    let outcome =
        |(result, reason): (u8, u8)| match (RESULTS.get(usize::from(result)), Reason::ALL.get(usize::from(reason))) {
            (Some(&result), Some(&reason)) => Ok(Outcome { result, reason }),
            _ => Err(GameError::UnknownOutcome(result, reason)),
        };
    Ok(Record {
        start_sfen: game.start.into(),
        black: game.black.into(),
        white: game.white.into(),
        moves: game.moves.iter().enumerate().map(|(i, &bits)| load_move(i + 1, bits)).collect::<Result<_, _>>()?,
        plies: game.plies.into_iter().enumerate().map(|(i, ply)| load_ply(i + 1, ply)).collect::<Result<_, _>>()?,
        outcome: game.outcome.map(outcome).transpose()?,
        max_plies: game.max_plies,
        note: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const MATE_IN_1: &str = "8k/9/8P/9/9/9/9/9/K8 b G 1";

    fn mv(usi: &str) -> Move {
        usi.parse().expect("the test's move is USI")
    }

    fn record(start: &str, moves: &[&str], max_plies: u16) -> Record {
        let start = if start == "startpos" { Position::startpos() } else { Position::from_sfen(start).expect(start) };
        let mut game = Game::new(start, max_plies);
        for usi in moves {
            game.play(mv(usi));
        }
        Record::of_game(&game, "Kuro", "白", Vec::new())
    }

    fn mate() -> Record {
        let top = vec![(mv("G*1b"), 0.75), (mv("1c1b+"), 0.25)];
        Record {
            plies: vec![PlyInfo { value: Some(Value(0.5)), top, ..PlyInfo::default() }],
            ..record(MATE_IN_1, &["G*1b"], 0)
        }
    }

    fn opening() -> Record {
        let plies = vec![PlyInfo::default(), PlyInfo { value: Some(Value(-1.0)), ..PlyInfo::default() }];
        Record { plies, ..record("startpos", &["7g7f", "3c3d", "8h2b+"], 0) }
    }

    fn resigned(winner: Color) -> Record {
        let outcome = Outcome { result: GameResult::Win(winner), reason: Reason::Resignation };
        Record { outcome: Some(outcome), ..opening() }
    }

    fn forfeited(loser: Color, note: &str) -> Record {
        let outcome = Outcome { result: GameResult::Win(loser.flip()), reason: Reason::Forfeit };
        Record { outcome: Some(outcome), note: note.into(), ..opening() }
    }

    /// An opening whose first player expected `line`.
    fn with_line(line: &[&str]) -> Record {
        let line = line.iter().map(|usi| mv(usi)).collect();
        Record { plies: vec![PlyInfo { value: Some(Value(0.5)), line, ..PlyInfo::default() }], ..opening() }
    }

    /// The file of `record` as a writer without checks would produce it.
    fn unchecked(record: &Record) -> Vec<u8> {
        let body = postcard::to_allocvec(&[store(record, store_line)].as_slice()).expect("a vector takes everything");
        envelope::seal(MAGIC, VERSION_OF_LINES, &[], &body)
    }

    fn stored(change: impl Fn(&mut StoredGame<StoredPly>)) -> Vec<u8> {
        let mate = mate();
        let mut game = store(&mate, store_ply);
        change(&mut game);
        let body = postcard::to_allocvec(&[game].as_slice()).expect("a vector takes everything");
        envelope::seal(MAGIC, VERSION, &[], &body)
    }

    fn check(bytes: &[u8], expected: &RecordError) {
        assert_eq!(from_bytes(bytes).as_ref(), Err(expected), "{expected}");
    }

    /// Neither read nor written.
    fn check_game(record: &Record, error: GameError, text: &str) {
        let error = RecordError::Game { game: 1, error };
        check(&unchecked(record), &error);
        assert_eq!(to_bytes(core::slice::from_ref(record)).as_ref(), Err(&error));
        assert_eq!(alloc::format!("{error}"), text);
    }

    #[test]
    fn games_come_back_from_their_file() {
        let shuffle = ["2h3h", "8b7b", "3h2h", "7b8b"].repeat(3);
        let drawn = record("startpos", &shuffle, 512);
        let cut = record("startpos", &["7g7f", "3c3d"], 2);
        assert_eq!(drawn.outcome.map(|o| o.reason), Some(Reason::Repetition));
        assert_eq!(cut.outcome.map(|o| o.result), Some(GameResult::Truncated));
        let declared = Record {
            outcome: Some(Outcome { result: GameResult::Win(Color::Black), reason: Reason::Declaration }),
            ..record("4K4/PPPPPPPPP/PPPPPPPPP/9/9/9/9/9/4k4 b 2R2B 1", &[], 0)
        };
        for games in [
            vec![],
            vec![mate()],
            vec![mate(), with_line(&["2g2f", "3c3d"])],
            vec![forfeited(Color::Black, "")],
            vec![forfeited(Color::Black, "the engine's process ended: 終了"), with_line(&["2g2f", "3c3d"]), mate()],
            vec![opening(), mate(), drawn, cut, resigned(Color::Black), resigned(Color::White), declared],
        ] {
            let bytes = to_bytes(&games).expect("the games are sound");
            let lines = games.iter().flat_map(|game| &game.plies).any(|ply| !ply.line.is_empty());
            let notes = games.iter().any(|game| !game.note.is_empty());
            let version = if notes {
                VERSION_OF_NOTES
            } else if lines {
                VERSION_OF_LINES
            } else {
                VERSION
            };
            assert_eq!(u32::from(bytes[8]), version);
            assert_eq!(from_bytes(&bytes), Ok(games));
        }
    }

    #[test]
    fn every_truncation_extension_and_flipped_bit_is_found() {
        let mut bytes = to_bytes(&[opening(), mate()]).expect("the games are sound");
        for len in 0..bytes.len() {
            let error = from_bytes(&bytes[..len]).expect_err("a truncated file");
            assert!(matches!(error, RecordError::Envelope(EnvelopeError::Length { found, .. }) if found == len));
        }
        for byte in 0..bytes.len() {
            for bit in 0..8 {
                bytes[byte] ^= 1 << bit;
                assert!(from_bytes(&bytes).is_err(), "bit {bit} of byte {byte}");
                bytes[byte] ^= 1 << bit;
            }
        }
        bytes.push(0);
        assert!(matches!(from_bytes(&bytes), Err(RecordError::Envelope(EnvelopeError::Length { .. }))));
    }

    #[test]
    fn foreign_files_are_named() {
        let bytes = to_bytes(&[mate()]).expect("the game is sound");
        let changed = |at: usize, to: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = to;
            bytes
        };
        check(&changed(7, b'M'), &RecordError::Envelope(EnvelopeError::Magic));
        check(&changed(8, 9), &RecordError::Envelope(EnvelopeError::Version { found: 9, supported: VERSION }));
        check(&envelope::seal(MAGIC, VERSION, b"?", &[0]), &RecordError::Header(1));
        check(&envelope::seal(MAGIC, VERSION, b"", &[0, 7]), &RecordError::BodyRest(1));
    }

    #[test]
    fn claimed_sizes_are_not_believed() {
        let end = RecordError::Body(postcard::Error::DeserializeUnexpectedEnd);
        let huge = [255, 255, 255, 255, 15];
        let before_moves = [&[1, 0, 0, 0, 0][..], &huge].concat();
        let before_plies = [&[1, 0, 0, 0, 0, 0][..], &huge].concat();
        let before_top = [&[1, 0, 0, 0, 0, 0, 1, 0][..], &huge].concat();
        let a_name = [&[1, 0][..], &huge].concat();
        for body in [&[][..], &huge, &before_moves, &before_plies, &before_top, &a_name] {
            check(&envelope::seal(MAGIC, VERSION, &[], body), &end);
        }
    }

    #[test]
    fn moves_against_the_rules_are_named_with_game_and_ply() {
        let illegal = |ply, error| GameError::Illegal { ply, error };
        let mut bad = opening();
        bad.moves[1] = mv("3c3e");
        check_game(
            &bad,
            illegal(2, IllegalMove::AgainstTheRules(mv("3c3e"))),
            "game 1, ply 2: 3c3e is not a legal move here",
        );
        let mut long = mate();
        long.moves.push(mv("9i9h"));
        let over = IllegalMove::GameOver(mv("9i9h"), mate().outcome.expect("it is mate"));
        check_game(
            &long,
            illegal(2, over),
            "game 1, ply 2: 9i9h comes after the end of the game (black wins: checkmate)",
        );
        let error = RecordError::Game { game: 2, error: illegal(2, over) };
        assert_eq!(to_bytes(&[opening(), long]), Err(error));

        let no_move = |ply| RecordError::Game { game: 1, error: GameError::NoMove { ply, bits: u16::MAX } };
        check(&stored(|game| game.moves.push(u16::MAX)), &no_move(2));
        check(&stored(|game| game.plies[0].top[1].0 = u16::MAX), &no_move(1));
    }

    #[test]
    fn information_that_cannot_be_is_named() {
        let with = |value: Option<f32>, top: &[(&str, f32)]| {
            let top = top.iter().map(|&(usi, probability)| (mv(usi), probability)).collect();
            Record { plies: vec![PlyInfo { value: value.map(Value), top, ..PlyInfo::default() }], ..mate() }
        };
        let candidate = |usi| GameError::Candidate { ply: 1, mv: mv(usi) };
        check_game(&with(Some(1.5), &[]), GameError::Value { ply: 1 }, "game 1, ply 1: a value outside -1 to 1");
        check_game(&with(Some(f32::NAN), &[]), GameError::Value { ply: 1 }, "game 1, ply 1: a value outside -1 to 1");
        for (usi, probability) in [("R*5e", 0.5), ("G*1b", -0.5), ("G*1b", 1.5), ("G*1b", f32::NAN)] {
            let text =
                alloc::format!("game 1, ply 1: candidate {usi} is not legal or its probability is outside 0 to 1");
            check_game(&with(None, &[("1c1b+", 1.0), (usi, probability)]), candidate(usi), &text);
        }
        let text = "game 1, ply 1: the line of play has the illegal move 7g7f";
        check_game(&with_line(&["7g7f", "3c3d", "7g7f"]), GameError::Line { ply: 1, mv: mv("7g7f") }, text);
        let mut more = mate();
        more.plies.push(PlyInfo::default());
        let error = GameError::TooManyPlies { plies: 2, moves: 1 };
        check_game(&more, error, "game 1: information on 2 plies, but only 1 moves");
    }

    #[test]
    fn outcomes_that_the_moves_do_not_give_are_named() {
        let white = Outcome { result: GameResult::Win(Color::White), reason: Reason::Checkmate };
        let error = |recorded, played| GameError::Outcome { recorded, played };
        let (won, open) = (mate().outcome, None);
        let text = "game 1: recorded as `white wins: checkmate`, but the moves leave it ";
        let check_end = |record: Record, outcome, played, text: &str| {
            check_game(&Record { outcome, ..record }, error(outcome, played), text);
        };
        check_end(mate(), Some(white), won, &alloc::format!("{text}`black wins: checkmate`"));
        check_end(opening(), Some(white), open, &alloc::format!("{text}`in progress`"));
        check_end(
            mate(),
            None,
            won,
            "game 1: recorded as `in progress`, but the moves leave it `black wins: checkmate`",
        );
        let resigned = resigned(Color::White).outcome;
        let text = "game 1: recorded as `white wins: resignation`, but the moves leave it `black wins: checkmate`";
        check_end(mate(), resigned, won, text);
        let declared = Outcome { result: GameResult::Win(Color::White), reason: Reason::Declaration };
        let text = "game 1: recorded as `white wins: declaration`, but the moves leave it `in progress`";
        check_end(opening(), Some(declared), open, text);
        for (result, reason) in [(4, 0), (0, 8)] {
            let error = GameError::UnknownOutcome(result, reason);
            check(&stored(|game| game.outcome = Some((result, reason))), &RecordError::Game { game: 1, error });
        }
    }

    #[test]
    fn start_positions_and_lengths_are_checked() {
        let start = Record { start_sfen: "startpos".into(), ..opening() };
        let error = GameError::Start(SfenError::Fields { found: 1 });
        assert_eq!(from_bytes(&unchecked(&start)), Err(RecordError::Game { game: 1, error }));
        let long = Record { moves: vec![mv("7g7f"); MAX_MOVES + 1], ..opening() };
        check_game(&long, GameError::TooManyMoves(10_001), "game 1: 10001 moves, more than 10000");
    }
}
