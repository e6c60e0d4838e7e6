//! Commands of the GUI, parsed from its lines.

use std::time::Duration;

use keisei_core::notation::usi;
use keisei_core::shogi::{Game, Reason};

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
    /// `ponderhit`: the opponent played the expected move.
    PonderHit,
    /// `gameover …`.
    GameOver,
    /// `quit`.
    Quit,
}

/// Limits of a `go`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Go {
    /// Time left to Black and to White.
    pub time: [Option<Duration>; 2],
    /// Increment of Black and of White after each move.
    pub increment: [Duration; 2],
    /// Byoyomi: time for each move once the main time is used up.
    pub byoyomi: Option<Duration>,
    /// Time for this move.
    pub move_time: Option<Duration>,
    /// Visits of the root at which the search ends.
    pub nodes: Option<u32>,
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

impl Command {
    /// Command in a line; `None` in an empty one.
    ///
    /// # Errors
    /// Reason why the line is not a command.
    pub fn parse(line: &str) -> Result<Option<Command>, String> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let alone = |command| if rest.is_empty() { Ok(Some(command)) } else { Err(format!("{word} stands alone")) };
        match word {
            "" => Ok(None),
            "usi" => alone(Command::Usi),
            "isready" => alone(Command::IsReady),
            "setoption" => set_option(rest).map(Some),
            "usinewgame" => alone(Command::NewGame),
            "position" => Ok(Some(Command::Position(rest.to_owned()))),
            "go" => go(rest).map(|go| Some(Command::Go(go))),
            "stop" => alone(Command::Stop),
            "ponderhit" => alone(Command::PonderHit),
            "gameover" => Ok(Some(Command::GameOver)),
            "quit" => alone(Command::Quit),
            _ => Err(format!("{:?} is no command", shortened(word))),
        }
    }
}

fn set_option(rest: &str) -> Result<Command, String> {
    let named = rest.strip_prefix("name ").ok_or("setoption name NAME value VALUE")?;
    let (name, value) = named.split_once(" value ").unwrap_or((named.strip_suffix(" value").unwrap_or(named), ""));
    Ok(Command::SetOption { name: name.trim().to_owned(), value: value.trim().to_owned() })
}

fn go(rest: &str) -> Result<Go, String> {
    let mut go = Go::default();
    let mut words = rest.split_whitespace().peekable();
    while let Some(word) = words.next() {
        match word {
            "infinite" => go.infinite = true,
            "ponder" => go.ponder = true,
            "mate" => {
                let time = words.next_if(|next| *next == "infinite" || next.bytes().all(|byte| byte.is_ascii_digit()));
                go.mate = Some(match time {
                    None | Some("infinite") => MateTime::Infinite,
                    Some(time) => MateTime::Within(milliseconds(word, Some(time))?),
                });
            }
            "btime" => go.time[0] = Some(milliseconds(word, words.next())?),
            "wtime" => go.time[1] = Some(milliseconds(word, words.next())?),
            "binc" => go.increment[0] = milliseconds(word, words.next())?,
            "winc" => go.increment[1] = milliseconds(word, words.next())?,
            "byoyomi" => go.byoyomi = Some(milliseconds(word, words.next())?),
            "movetime" => go.move_time = Some(milliseconds(word, words.next())?),
            "nodes" => {
                let nodes: u64 = number(word, words.next())?;
                if nodes == 0 {
                    return Err("go: nodes must be at least 1".to_owned());
                }
                go.nodes = Some(u32::try_from(nodes).unwrap_or(u32::MAX));
            }
            _ => return Err(format!("go: {:?} is not supported", shortened(word))),
        }
    }
    Ok(go)
}

fn milliseconds(name: &str, value: Option<&str>) -> Result<Duration, String> {
    // A clock that has run out may be sent as a negative number.
    let time: i64 = number(name, value)?;
    Ok(Duration::from_millis(time.max(0) as u64))
}

fn number<T: std::str::FromStr>(name: &str, value: Option<&str>) -> Result<T, String> {
    let value = value.ok_or_else(|| format!("go: {name} has no number"))?;
    value.parse().map_err(|_| format!("go: {name} has {:?} for a number", shortened(value)))
}

/// The first 80 characters of a text.
pub fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Game of a `position` command, cut off after `max_plies` moves, 0 for no limit.
///
/// A GUI may play on where the rules end a game by repetition; the game then starts anew from there.
///
/// # Errors
/// The defect and its place.
pub fn game(text: &str, max_plies: u16) -> Result<Game, String> {
    if !matches!(text.split_whitespace().next(), Some("startpos" | "sfen")) {
        return Err("position: `startpos` or `sfen` must follow".to_owned());
    }
    let parsed = usi::read(text);
    if let Some(defect) = parsed.defects.first() {
        return Err(format!("position: {}", shortened(&defect.to_string())));
    }
    let tree = parsed.tree.ok_or("position: there is none")?;
    let mut game = Game::new(tree.start().clone(), max_plies);
    for mv in tree.main_moves() {
        if matches!(game.outcome().map(|outcome| outcome.reason), Some(Reason::Repetition | Reason::PerpetualCheck)) {
            let max_plies = if max_plies == 0 { 0 } else { max_plies - game.moves().len() as u16 };
            game = Game::new(game.position().clone(), max_plies);
        }
        game.try_play(mv).map_err(|error| format!("position: {error}"))?;
    }
    Ok(game)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<Option<Command>, &str>) {
        assert_eq!(Command::parse(line), expected.map_err(str::to_owned), "{line}");
    }

    #[test]
    fn lines_are_commands_or_told_why_not() {
        let option = |name: &str, value: &str| Command::SetOption { name: name.into(), value: value.into() };
        check("", Ok(None));
        check("usi", Ok(Some(Command::Usi)));
        check("setoption name Model value C:/my models/a.model", Ok(Some(option("Model", "C:/my models/a.model"))));
        check("setoption name Model value", Ok(Some(option("Model", ""))));
        check("setoption name Clear", Ok(Some(option("Clear", ""))));
        check("setoption Model a", Err("setoption name NAME value VALUE"));
        check("usi now", Err("usi stands alone"));
        check("hello there", Err("\"hello\" is no command"));
        check("go depth 3", Err("go: \"depth\" is not supported"));
        check("go nodes", Err("go: nodes has no number"));
        check("go nodes 0", Err("go: nodes must be at least 1"));
        check("go btime x", Err("go: btime has \"x\" for a number"));
        let ms = Duration::from_millis;
        let clocks = Go {
            time: [Some(ms(60_000)), Some(ms(0))],
            increment: [ms(1000), ms(2000)],
            ponder: true,
            ..Go::default()
        };
        check("go ponder btime 60000 wtime -5 binc 1000 winc 2000", Ok(Some(Command::Go(clocks))));
        check("go mate infinite", Ok(Some(Command::Go(Go { mate: Some(MateTime::Infinite), ..Go::default() }))));
        check("go mate 500", Ok(Some(Command::Go(Go { mate: Some(MateTime::Within(ms(500))), ..Go::default() }))));
    }

    #[test]
    fn positions_are_games_or_told_why_not() {
        let check = |text: &str, expected: &str| {
            let error = game(text, 0).expect_err(text);
            assert!(error.starts_with(expected), "{text}: {error}");
        };
        check("", "position: `startpos` or `sfen` must follow");
        check("startpos moves 7g7e", "position: line 1");
        check("startpos moves 7g7f hello", "position: line 1");
        check("sfen 9/9 b - 1", "position: line 1");
        assert_eq!(game("startpos moves 7g7f 3c3d", 0).map(|game| game.moves().len()), Ok(2));
        // Played on after the fourth occurrence: the history before it is forgotten.
        let shuffle = "2h3h 8b7b 3h2h 7b8b ".repeat(3);
        assert_eq!(game(&format!("startpos moves {shuffle}"), 0).map(|game| game.outcome().is_some()), Ok(true));
        assert_eq!(game(&format!("startpos moves {shuffle} 7g7f"), 0).map(|game| game.moves().len()), Ok(1));
    }
}
