//! Commands of the GUI, parsed from its lines.
//!
//! Words that are not understood are skipped and reported; they are never a reason to refuse the rest.

use std::iter::Peekable;
use std::str::SplitWhitespace;
use std::time::Duration;

use keisei_core::notation::usi;
use keisei_core::shogi::{Color, Game, Move, Reason};

use super::clock::Clock;

/// Command of a GUI.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `usi`: send name and options.
    Usi,
    /// `isready`: load the model, then answer `readyok`.
    IsReady,
    /// `setoption name … value …`.
    SetOption {
        /// Name of the option.
        name: String,
        /// Value, empty if there is none.
        value: String,
    },
    /// `usinewgame`.
    NewGame,
    /// `position …`: the text after the word.
    Position(String),
    /// `go …`.
    Go(Go),
    /// `stop`: answer at once.
    Stop,
    /// `ponderhit`: the opponent played the expected move; with the clocks, if the GUI sends them only now.
    PonderHit(Clock),
    /// `gameover …`.
    GameOver,
    /// `quit`.
    Quit,
}

/// Limits of a `go`. Without any it searches until `stop`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Go {
    /// Clocks.
    pub clock: Clock,
    /// Visits of the root at which the search ends.
    pub nodes: Option<u32>,
    /// Length of the principal variation at which the search ends.
    pub depth: Option<u32>,
    /// Moves that are searched; empty for all.
    pub moves: Vec<Move>,
    /// Search until `stop`.
    pub infinite: bool,
    /// Search in the opponent's time, until `ponderhit` or `stop`.
    pub ponder: bool,
    /// Search for mate only.
    pub mate: Option<MateTime>,
}

/// Time limit of a search for mate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MateTime {
    /// No limit: search until the end, or until `stop`.
    Infinite,
    /// Search for this long.
    Within(Duration),
}

/// Words of `go` that a number follows.
const NUMBERS: [&str; 8] = ["btime", "wtime", "binc", "winc", "byoyomi", "movetime", "nodes", "depth"];

/// The other words of `go`.
const OTHERS: [&str; 4] = ["infinite", "ponder", "mate", "searchmoves"];

impl Command {
    /// Command in a line, and remarks on what of it was left out; no command in an empty line and in one that is none.
    pub fn parse(line: &str) -> (Option<Command>, Vec<String>) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let mut remarks = Vec::new();
        let command = match word {
            "" => None,
            "usi" => Some(Command::Usi),
            "isready" => Some(Command::IsReady),
            "setoption" => set_option(rest, &mut remarks),
            "usinewgame" => Some(Command::NewGame),
            "position" => Some(Command::Position(rest.to_owned())),
            "go" => Some(Command::Go(go(word, rest, &mut remarks))),
            "stop" => Some(Command::Stop),
            "ponderhit" => Some(Command::PonderHit(go(word, rest, &mut remarks).clock)),
            "gameover" => Some(Command::GameOver),
            "quit" => Some(Command::Quit),
            _ => {
                remarks.push(format!("{:?} is no command", shortened(word)));
                None
            }
        };
        if !rest.is_empty() && matches!(word, "usi" | "isready" | "usinewgame" | "stop" | "quit") {
            remarks.push(format!("{word} stands alone: {:?} is left out", shortened(rest)));
        }
        (command, remarks)
    }
}

/// `setoption name NAME value VALUE`; `name` may be missing, and so may what belongs to `value`.
fn set_option(rest: &str, remarks: &mut Vec<String>) -> Option<Command> {
    let named = rest.strip_prefix("name").filter(|named| named.starts_with(char::is_whitespace)).unwrap_or(rest);
    let mut words = named.split_inclusive(char::is_whitespace);
    let name: String = words.by_ref().take_while(|word| word.trim() != "value").collect();
    // A file name may have several blanks in a row.
    let value: String = words.collect();
    let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
    if name.is_empty() {
        remarks.push("setoption name NAME value VALUE".to_owned());
        return None;
    }
    Some(Command::SetOption { name, value })
}

/// Limits in the words after `go` or `ponderhit`.
fn go(command: &str, rest: &str, remarks: &mut Vec<String>) -> Go {
    let mut go = Go::default();
    let mut words = rest.split_whitespace().peekable();
    let mut unknown = Vec::new();
    while let Some(word) = words.next() {
        let clock = &mut go.clock;
        let needs_number = match word {
            "mate" => words.peek().is_some_and(|next| !is_word_of_go(next)),
            _ => NUMBERS.contains(&word),
        };
        let number = if needs_number { number(command, word, &mut words, remarks) } else { None };
        let time = number.map(Clock::milliseconds);
        match word {
            "infinite" => go.infinite = true,
            "ponder" => go.ponder = true,
            "mate" => {
                words.next_if_eq(&"infinite");
                go.mate = Some(time.map_or(MateTime::Infinite, MateTime::Within));
            }
            "btime" => clock.time[Color::Black.index()] = time,
            "wtime" => clock.time[Color::White.index()] = time,
            "binc" => clock.increment[Color::Black.index()] = time.unwrap_or_default(),
            "winc" => clock.increment[Color::White.index()] = time.unwrap_or_default(),
            "byoyomi" => clock.byoyomi = time,
            "movetime" => clock.move_time = time,
            "nodes" | "depth" => {
                if number.is_some_and(|number| number < 1) {
                    remarks.push(format!("{command}: {word} is 1 at least"));
                }
                let limit = number.map(|number| u32::try_from(number.max(1)).unwrap_or(u32::MAX));
                *(if word == "nodes" { &mut go.nodes } else { &mut go.depth }) = limit;
            }
            "searchmoves" => {
                while let Some(mv) = words.peek().and_then(|word| word.parse().ok()) {
                    go.moves.push(mv);
                    words.next();
                }
            }
            _ => unknown.push(word),
        }
    }
    if !unknown.is_empty() {
        remarks.push(format!("{command}: {:?} is left out", shortened(&unknown.join(" "))));
    }
    go
}

fn is_word_of_go(word: &str) -> bool {
    NUMBERS.contains(&word) || OTHERS.contains(&word)
}

/// The number after a word of `go`; what is no number is left out.
fn number(command: &str, name: &str, words: &mut Peekable<SplitWhitespace>, remarks: &mut Vec<String>) -> Option<i64> {
    let Some(word) = words.next_if(|word| !is_word_of_go(word)) else {
        remarks.push(format!("{command}: {name} has no number and is left out"));
        return None;
    };
    let number = whole_number(word);
    if number.is_none() {
        remarks.push(format!("{command}: {name} has {:?} for a number and is left out", shortened(word)));
    }
    number
}

/// The whole number in a word, one that is too large as the largest; of a fraction the whole part.
pub fn whole_number(word: &str) -> Option<i64> {
    word.parse().ok().or_else(|| {
        let number: f64 = word.parse().ok()?;
        // The conversion saturates.
        (!number.is_nan()).then_some(number as i64)
    })
}

/// The first 80 characters of a text.
pub fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Game of a `position` command, cut off after `max_plies` moves, 0 for no limit, and what of it was not followed.
///
/// The game ends before the first move that the rules refuse. A GUI may play on where the rules end a game by repetition; the game
/// then starts anew from there.
///
/// # Errors
/// The defect of the start position, and its place.
pub fn game(text: &str, max_plies: u16) -> Result<(Game, Option<String>), String> {
    let (start, moves) = usi::start_and_moves(text)
        .map_err(|(place, problem)| format!("position: {:?}: {problem}", shortened(place)))?;
    let mut game = Game::new(start, max_plies);
    for (number, word) in (1..).zip(moves) {
        let refused = |reason: &str| {
            Some(format!("position: move {number}, {:?}, {reason}: the position before it is kept", shortened(word)))
        };
        let Ok(mv) = word.parse::<Move>() else { return Ok((game, refused("is no move"))) };
        if matches!(game.outcome().map(|outcome| outcome.reason), Some(Reason::Repetition | Reason::PerpetualCheck)) {
            let max_plies = if max_plies == 0 { 0 } else { max_plies - game.moves().len() as u16 };
            game = Game::new(game.position().clone(), max_plies);
        }
        if let Err(error) = game.try_play(mv) {
            return Ok((game, refused(&error.to_string())));
        }
    }
    Ok((game, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Command in a line, with a part of each remark on it.
    fn check(line: &str, expected: Option<&Command>, remarks: &[&str]) {
        let (command, found) = Command::parse(line);
        assert_eq!(command.as_ref(), expected, "{line}");
        assert_eq!(found.len(), remarks.len(), "{line}: {found:?}");
        for (remark, part) in found.iter().zip(remarks) {
            assert!(remark.contains(part), "{line}: {remark}");
        }
    }

    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[test]
    fn lines_are_commands() {
        check("", None, &[]);
        check("usi", Some(&Command::Usi), &[]);
        check("usi now", Some(&Command::Usi), &["\"now\""]);
        check("hello there", None, &["\"hello\" is no command"]);
        check("gameover win", Some(&Command::GameOver), &[]);
        check("ponderhit", Some(&Command::PonderHit(Clock::default())), &[]);
        let clock = Clock { time: [Some(ms(5)), Some(ms(6))], byoyomi: Some(ms(7)), ..Clock::default() };
        check("ponderhit btime 5 wtime 6 byoyomi 7", Some(&Command::PonderHit(clock)), &[]);
        check("ponderhit 7g7f", Some(&Command::PonderHit(Clock::default())), &["7g7f"]);
    }

    #[test]
    fn options_are_read_leniently() {
        let check = |line: &str, expected: Option<(&str, &str)>| {
            let option = expected.map(|(name, value)| Command::SetOption { name: name.into(), value: value.into() });
            check(line, option.as_ref(), if expected.is_none() { &["setoption name NAME value VALUE"] } else { &[] });
        };
        check("setoption name Model value C:/my  models/a.model", Some(("Model", "C:/my  models/a.model")));
        check("setoption name Model value", Some(("Model", "")));
        check("setoption name Clear", Some(("Clear", "")));
        check("setoption name My Option value a value", Some(("My Option", "a value")));
        check("setoption Threads value 4", Some(("Threads", "4")));
        check("setoption name", Some(("name", "")));
        check("setoption", None);
        check("setoption name value 3", None);
    }

    #[test]
    fn unknown_words_of_go_are_left_out() {
        let check = |line: &str, expected: Go, remarks: &[&str]| check(line, Some(&Command::Go(expected)), remarks);
        let mv = |text: &str| text.parse::<Move>().unwrap();
        check("go", Go::default(), &[]);
        check("go depth 3", Go { depth: Some(3), ..Go::default() }, &[]);
        check("go nodes abc", Go::default(), &["nodes has \"abc\""]);
        check("go nodes", Go::default(), &["nodes has no number"]);
        check("go nodes infinite", Go { infinite: true, ..Go::default() }, &["nodes has no number"]);
        check("go nodes 0", Go { nodes: Some(1), ..Go::default() }, &["1 at least"]);
        check("go nodes 99999999999999999999", Go { nodes: Some(u32::MAX), ..Go::default() }, &[]);
        check("go movestogo 10 nodes 5 fast", Go { nodes: Some(5), ..Go::default() }, &["\"movestogo 10 fast\""]);
        let moves = vec![mv("7g7f"), mv("P*5e")];
        check("go searchmoves 7g7f P*5e nodes 9", Go { moves, nodes: Some(9), ..Go::default() }, &[]);
        let moves = vec![mv("7g7f")];
        check("go searchmoves 7g7f hello depth 1", Go { moves, depth: Some(1), ..Go::default() }, &["\"hello\""]);
        let clock =
            Clock { time: [Some(ms(60_000)), Some(ms(0))], increment: [ms(1000), ms(2000)], ..Clock::default() };
        check("go ponder btime 60000 wtime -5 binc 1000 winc 2000", Go { clock, ponder: true, ..Go::default() }, &[]);
        let clock = Clock { byoyomi: Some(ms(1000)), ..Clock::default() };
        check("go btime x byoyomi 1000.5", Go { clock, ..Go::default() }, &["btime has \"x\""]);
        let mate = |time| Go { mate: Some(time), ..Go::default() };
        check("go mate", mate(MateTime::Infinite), &[]);
        check("go mate infinite", mate(MateTime::Infinite), &[]);
        check("go mate 500", mate(MateTime::Within(ms(500))), &[]);
        check("go mate soon", mate(MateTime::Infinite), &["mate has \"soon\""]);
    }

    #[test]
    fn positions_are_followed_as_far_as_they_go() {
        let check = |text: &str, moves: usize, told: &str| {
            let (game, remark) = game(text, 0).expect(text);
            assert_eq!(game.moves().len(), moves, "{text}");
            assert_eq!(remark.is_some(), !told.is_empty(), "{text}: {remark:?}");
            assert!(remark.unwrap_or_default().contains(told), "{text}");
        };
        check("startpos moves 7g7f 3c3d", 2, "");
        check("startpos", 0, "");
        check("startpos moves 7g7f 7g7f 3c3d", 1, "move 2");
        check("startpos moves 7g7f 0000", 1, "\"0000\"");
        check("startpos moves 7g7f hello", 1, "\"hello\"");
        check("sfen 8k/9/8P/9/9/9/9/9/K8 b G 0", 0, "");
        check("sfen 8k/9/8P/9/9/9/9/9/K8 b PGP 70000 moves G*1b 1a1b", 1, "checkmate");
        for text in ["", "sfen 9/9 b - 1", "hello"] {
            assert!(game(text, 0).is_err_and(|reason| reason.starts_with("position: ")), "{text}");
        }
        // Played on after the fourth occurrence: the history before it is forgotten.
        let shuffle = "2h3h 8b7b 3h2h 7b8b ".repeat(3);
        let game = |text: &str| game(text, 0).expect("the start is good").0;
        assert!(game(&format!("startpos moves {shuffle}")).outcome().is_some());
        assert_eq!(game(&format!("startpos moves {shuffle} 7g7f")).moves().len(), 1);
    }
}
