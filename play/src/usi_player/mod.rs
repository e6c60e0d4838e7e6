//! Player that asks an engine, any program that speaks the Universal Shogi Interface (USI).
//!
//! Anything that an engine does against the protocol is a [forfeit](crate::player::Forfeit) of the game, with the engine's words: it is
//! started again for the next game. Nothing waits for an engine without a deadline.

mod process;
mod protocol;

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use keisei_core::shogi::{Color, Game, GameResult, Outcome, Position};

use crate::player::{Answer, Forfeit, Player, Turn};
use process::{Process, plain};
use protocol::{EngineOption, Report, refuses_option, set_option};

/// Time for an engine to get ready, unless told otherwise.
pub const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Time for the answer to a search without a limit of time, unless told otherwise.
pub const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// Time that an answer may take over the limit of time.
pub const DELAY: Duration = Duration::from_secs(5);

/// Failed starts in a row after which an engine is not started again.
const MAX_FAILED_STARTS: u32 = 3;

/// Engine: how to start it, what to set, and how long it may think.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Program and its arguments. A program without a folder is looked for in `PATH`, then among Debian's games.
    pub command: Vec<String>,
    /// Options of the engine to set, in this order.
    pub options: Vec<(String, String)>,
    /// Limits of each search.
    pub limits: Limits,
    /// Time for each of the answers to `usi` and `isready`.
    pub start_timeout: Duration,
    /// Time for the answer to `go`, if it is not to follow from the limits.
    pub timeout: Option<Duration>,
}

/// Limits of a search; at least one should be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Number of nodes.
    pub nodes: Option<u64>,
    /// Depth in plies.
    pub depth: Option<u64>,
    /// Time for each move in milliseconds, to be used whole.
    pub movetime: Option<u64>,
    /// Time for each move in milliseconds, as in a game without other time (秒読み).
    pub byoyomi: Option<u64>,
}

impl Limits {
    /// Limits by their names, which are also words of the protocol.
    pub const fn named(self) -> [(&'static str, Option<u64>); 4] {
        [("nodes", self.nodes), ("depth", self.depth), ("movetime", self.movetime), ("byoyomi", self.byoyomi)]
    }

    fn go(self) -> String {
        let mut line = "go".to_owned();
        if self.byoyomi.is_some() {
            line += " btime 0 wtime 0";
        }
        for (name, limit) in self.named() {
            if let Some(limit) = limit {
                write!(line, " {name} {limit}").expect("a string takes everything");
            }
        }
        line
    }
}

impl Engine {
    /// Engine of this command without options or limits.
    pub fn new(command: Vec<String>) -> Engine {
        Engine { command, options: Vec::new(), limits: Limits::default(), start_timeout: START_TIMEOUT, timeout: None }
    }

    /// Starts the engine, sets its options and ends it.
    ///
    /// # Errors
    /// If it cannot be started, is silent, or has no such option.
    pub fn check(&self) -> Result<(), Forfeit> {
        Session::start(self).map(drop)
    }

    /// Time for the answer to `go`.
    fn answer_timeout(&self) -> Duration {
        let time = self.limits.movetime.max(self.limits.byoyomi);
        let of_limits = time.map_or(ANSWER_TIMEOUT, |time| Duration::from_millis(time).saturating_add(DELAY));
        self.timeout.unwrap_or(of_limits)
    }
}

/// Name for tables: program, limits and options.
impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let program = self.command.first().map_or("", String::as_str);
        f.write_str(program.rsplit(std::path::is_separator).next().unwrap_or(program))?;
        for (name, limit) in self.limits.named() {
            if let Some(limit) = limit {
                write!(f, ", {name} {limit}")?;
            }
        }
        self.options.iter().try_for_each(|(name, value)| write!(f, ", {name} {value}"))
    }
}

/// Player that asks an [`Engine`]. Its process starts with the first game; a clone starts its own.
#[derive(Debug)]
pub struct UsiPlayer {
    engine: Engine,
    session: Option<Session>,
    /// Game that the process plays, and the player's colour in it.
    game: Option<(usize, Color)>,
    failed_starts: u32,
}

impl UsiPlayer {
    /// Player that asks `engine`.
    pub fn new(engine: Engine) -> UsiPlayer {
        UsiPlayer { engine, session: None, game: None, failed_starts: 0 }
    }

    fn answer(&mut self, turn: &Turn) -> Result<Answer, Forfeit> {
        let color = turn.game.position().side_to_move();
        if self.game.replace((turn.number, color)).is_none_or(|(number, _)| number != turn.number) {
            self.begin()?;
        }
        let again = || Forfeit::Failed("the engine failed before in this game".into());
        self.session.as_mut().ok_or_else(again)?.answer(&self.engine, turn.game)
    }

    /// Begins a game, with a new process if there is none.
    fn begin(&mut self) -> Result<(), Forfeit> {
        // A process that ended between two games has forfeited neither.
        if self.session.as_mut().is_some_and(|session| session.get_ready(&self.engine).is_err()) {
            self.session = None;
        }
        let session = match &mut self.session {
            Some(session) => session,
            None if self.failed_starts >= MAX_FAILED_STARTS => {
                let text = format!("the engine failed to start {MAX_FAILED_STARTS} times, and is not started again");
                return Err(Forfeit::Failed(text));
            }
            None => {
                self.failed_starts += 1;
                let session = self.session.insert(Session::start(&self.engine)?);
                self.failed_starts = 0;
                session
            }
        };
        session.process.send("usinewgame");
        Ok(())
    }
}

impl Player for UsiPlayer {
    fn start(&mut self) -> Result<(), Forfeit> {
        if self.session.is_none() {
            self.session = Some(Session::start(&self.engine)?);
        }
        Ok(())
    }

    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer> {
        let answer = |turn: &mut Turn| match self.answer(turn) {
            Ok(answer) => answer,
            Err(forfeit) => {
                self.session = None;
                Answer::Forfeits(forfeit)
            }
        };
        turns.iter_mut().map(answer).collect()
    }

    fn end(&mut self, number: usize, outcome: Option<Outcome>) {
        let Some((_, color)) = self.game.take_if(|&mut (game, _)| game == number) else { return };
        let Some(session) = &self.session else { return };
        match outcome.map(|outcome| outcome.result) {
            Some(GameResult::Win(winner)) if winner == color => session.process.send("gameover win"),
            Some(GameResult::Win(_)) => session.process.send("gameover lose"),
            Some(GameResult::Draw | GameResult::Truncated) => session.process.send("gameover draw"),
            None => {}
        }
    }

    fn capacity(&self) -> usize {
        1
    }
}

/// Process that has answered `usi` and `isready`.
#[derive(Debug)]
struct Session {
    process: Process,
}

impl Session {
    fn start(engine: &Engine) -> Result<Session, Forfeit> {
        let process = Process::start(&engine.command)?;
        let mut session = Session { process };
        session.process.send("usi");
        let mut options = Vec::new();
        session.wait_for("usi", "usiok", engine.start_timeout, |line| {
            options.extend(EngineOption::parse(line));
            Ok(())
        })?;
        for (name, value) in &engine.options {
            session.process.send(&set_option(&options, name, value).map_err(Forfeit::Failed)?);
        }
        session.get_ready(engine)?;
        Ok(session)
    }

    /// Waits until the engine is ready, and has taken its options.
    fn get_ready(&mut self, engine: &Engine) -> Result<(), Forfeit> {
        self.process.send("isready");
        self.wait_for("isready", "readyok", engine.start_timeout, |line| {
            if refuses_option(line) {
                return Err(Forfeit::Failed(format!("the engine refuses an option: {}", plain(line))));
            }
            Ok(())
        })
        .map(drop)
    }

    /// Answer of the engine in `game`.
    fn answer(&mut self, engine: &Engine, game: &Game) -> Result<Answer, Forfeit> {
        self.process.skip();
        self.process.send(&position(game));
        let go = engine.limits.go();
        self.process.send(&go);
        let mut report = Report::default();
        let line = self.wait_for(&go, "bestmove", engine.answer_timeout(), |line| {
            if line.starts_with("info ") {
                report.note(line);
            }
            Ok(())
        })?;
        Ok(report.answer(&line, game))
    }

    /// The line whose first word is `word`, the answer to `question`; `note` sees the lines before it.
    fn wait_for(
        &mut self,
        question: &str,
        word: &str,
        time: Duration,
        mut note: impl FnMut(&str) -> Result<(), Forfeit>,
    ) -> Result<String, Forfeit> {
        let deadline = Instant::now() + time;
        while let Some(line) = self.process.receive(deadline)? {
            if line.split_ascii_whitespace().next() == Some(word) {
                return Ok(line);
            }
            note(&line)?;
        }
        let words = self.process.last_words();
        Err(Forfeit::Silent(format!("no `{word}` within {time:?} after `{question}`{words}")))
    }
}

/// Line that tells an engine the game so far.
fn position(game: &Game) -> String {
    let mut line = match game.start() {
        start if *start == Position::startpos() => "position startpos".to_owned(),
        start => format!("position sfen {}", start.to_sfen()),
    };
    if !game.moves().is_empty() {
        line += " moves";
    }
    for mv in game.moves() {
        write!(line, " {mv}").expect("a string takes everything");
    }
    line
}
