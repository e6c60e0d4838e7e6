//! Dialogue with the GUI.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use keisei_core::search::{Decision, Search, Settings, mate};
use keisei_core::shogi::{Game, MoveList, Position, Reason};

use super::clock;
use super::command::{self, Command, Go, MateTime, shortened};
use super::info;
use super::options::UsiOptions;
use super::workers::Workers;
use crate::executor::ModelExecutor;
use crate::files::read_model;
use keisei_core::random::{Purpose, Stream};

/// Interval between the reports of a search to the GUI.
const TOLD_EVERY: Duration = Duration::from_millis(500);

/// Positions that one slice of a search for mate visits: some ten milliseconds.
const MATE_SLICE: u32 = 20_000;

/// Engine with its state between two lines.
pub struct UsiEngine<W> {
    output: W,
    options: UsiOptions,
    workers: Option<Workers>,
    /// Game that the GUI has set; `None` if its last `position` was not valid.
    game: Option<Game>,
    /// Last search, whose tree the next one may reuse.
    search: Option<Search>,
    /// Number of searches so far, the key of the random numbers for a choice at a temperature.
    searches: u64,
}

/// Reaction to a line.
#[derive(PartialEq, Eq)]
enum Next {
    Listen,
    Quit,
}

/// Reason why a search has ended.
enum End {
    /// The search is done: send its move.
    Answer,
    /// The game is over: no move is expected.
    Silent,
    /// The GUI has quit.
    Quit,
}

impl<W: Write> UsiEngine<W> {
    pub fn new(output: W) -> UsiEngine<W> {
        UsiEngine { output, options: UsiOptions::default(), workers: None, game: None, search: None, searches: 0 }
    }

    /// Answers lines until `quit`, or until the input ends.
    pub fn serve(mut self, lines: &Receiver<String>) -> io::Result<()> {
        while let Ok(line) = lines.recv() {
            if self.answer(&line, lines)? == Next::Quit {
                break;
            }
        }
        Ok(())
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        self.output.write_all(text.as_bytes())?;
        self.output.flush()
    }

    fn explain(&mut self, reason: &str) -> io::Result<()> {
        // A file name or an error may contain line breaks; the answer is one line.
        let reason = reason.replace(['\n', '\r'], " ");
        self.say(&format!("info string {reason}\n"))
    }

    fn answer(&mut self, line: &str, lines: &Receiver<String>) -> io::Result<Next> {
        let command = match Command::parse(line) {
            Ok(Some(command)) => command,
            Ok(None) => return Ok(Next::Listen),
            Err(reason) => {
                self.explain(&reason)?;
                // A GUI waits for the answer to every `go`.
                if line.starts_with("go") && line.split_whitespace().next() == Some("go") {
                    self.say("bestmove resign\n")?;
                }
                return Ok(Next::Listen);
            }
        };
        match command {
            Command::Usi => {
                let version = env!("CARGO_PKG_VERSION");
                let options = UsiOptions::declaration();
                self.say(&format!("id name Keisei {version}\nid author the Keisei authors\n{options}usiok\n"))?;
            }
            Command::IsReady => {
                if let Err(reason) = self.load() {
                    self.explain(&reason)?;
                }
                self.say("readyok\n")?;
            }
            Command::SetOption { name, value } => match self.options.set(&name, &value) {
                Ok(()) if matches!(&*name, "Model" | "Threads" | "Arithmetic") => {
                    self.workers = None;
                    self.search = None;
                }
                Ok(()) => {}
                Err(reason) => self.explain(&reason)?,
            },
            Command::NewGame | Command::GameOver => self.search = None,
            Command::Position(text) => match command::game(&text, self.options.max_plies) {
                Ok(game) => self.game = Some(game),
                Err(reason) => {
                    self.game = None;
                    self.explain(&reason)?;
                }
            },
            Command::Go(go) => return self.go(&go, lines),
            Command::Stop | Command::PonderHit => self.explain("nothing is being searched")?,
            Command::Quit => return Ok(Next::Quit),
        }
        Ok(Next::Listen)
    }

    /// Loads the model unless it is loaded.
    fn load(&mut self) -> Result<(), String> {
        if self.workers.is_none() {
            let path = self.options.model.as_ref().ok_or("no model is set: setoption name Model value FILE")?;
            let model = read_model(path).map_err(|error| format!("{error:#}"))?;
            let network = ModelExecutor::new(&model, self.options.arithmetic).map_err(|error| format!("{error:#}"))?;
            self.workers = Some(Workers::new(&model, network, self.options.threads));
        }
        Ok(())
    }

    fn go(&mut self, go: &Go, lines: &Receiver<String>) -> io::Result<Next> {
        if let Some(time) = go.mate {
            return self.go_mate(time, lines);
        }
        let mut search = match self.prepare(go) {
            Ok(search) => search,
            Err(reason) => {
                self.explain(&reason)?;
                self.say("bestmove resign\n")?;
                return Ok(Next::Listen);
            }
        };
        let end = self.think(go, &mut search, lines)?;
        if matches!(end, End::Answer) {
            self.tell(&search)?;
        }
        self.search = Some(search);
        Ok(if matches!(end, End::Quit) { Next::Quit } else { Next::Listen })
    }

    /// Search with the limits of `go`, which reuses the tree of the last one if it can.
    fn prepare(&mut self, go: &Go) -> Result<Search, String> {
        let game = self.game.clone().ok_or("no position is set")?;
        self.load()?;
        let game = match game.outcome() {
            // The GUI plays on after a repetition or a ply limit, and so does the engine.
            Some(outcome) if !matches!(outcome.reason, Reason::Checkmate | Reason::NoLegalMove) => {
                Game::new(game.position().clone(), 0)
            }
            _ => game,
        };
        let unlimited = !go.infinite && !go.ponder && go.nodes.is_none() && self.options.visits.is_none();
        if unlimited && clock::allotment(go, game.position().side_to_move(), Duration::ZERO).is_none() {
            return Err("go: neither a time, nodes nor the option Visits limits the search".to_owned());
        }
        let visits = if go.infinite { u32::MAX } else { self.options.visits.unwrap_or(u32::MAX) };
        let visits = visits.min(go.nodes.unwrap_or(u32::MAX));
        let workers = self.workers.as_ref().expect("it was just loaded");
        let settings = Settings { visits, max_nodes: self.options.max_nodes, ..Settings::default() };
        self.searches += 1;
        Ok(match self.search.take() {
            Some(mut search) if search.settings().max_nodes == settings.max_nodes => {
                search.follow(game);
                search.set_visits(visits);
                search
            }
            _ => Search::new(game, workers.actions(), settings),
        })
    }

    /// Searches until a limit is reached or the GUI ends it. A search that is finished before it may answer waits.
    fn think(&mut self, go: &Go, search: &mut Search, lines: &Receiver<String>) -> io::Result<End> {
        let side = search.game().position().side_to_move();
        let allotted = clock::allotment(go, side, Duration::from_millis(self.options.overhead));
        let mut workers = self.workers.take().expect("a search was prepared with them");
        let started = Instant::now();
        let visits = search.visits();
        let mut told = started;
        let mut pondering = go.ponder;
        let mut deadline = allotted.filter(|_| !go.ponder && !go.infinite).map(|time| started + time);
        let end = loop {
            let finished = search.is_finished();
            if !finished {
                workers.step(search);
            }
            if told.elapsed() >= TOLD_EVERY && !finished {
                told = Instant::now();
                let visited = search.visits() - visits;
                self.say(&info::lines(search, self.options.multi_pv, started.elapsed(), visited))?;
            }
            let known = search.visits() > 0 || finished;
            let in_time = deadline.is_none_or(|deadline| Instant::now() < deadline);
            let may_answer = !pondering && !go.infinite;
            if known && may_answer && (finished || !in_time) {
                break End::Answer;
            }
            // With nothing left to search, wait for the line that permits the answer.
            let line = if finished { lines.recv().map_err(|_| TryRecvError::Disconnected) } else { lines.try_recv() };
            match line.as_deref().map(Command::parse) {
                Err(TryRecvError::Empty) | Ok(Ok(None)) => {}
                // No `stop` can come any more: the limit ends the search.
                Err(TryRecvError::Disconnected) if may_answer => {}
                Err(TryRecvError::Disconnected) | Ok(Ok(Some(Command::Quit))) => break End::Quit,
                Ok(Ok(Some(Command::Stop))) => {
                    while search.visits() == 0 && !search.is_finished() {
                        workers.step(search);
                    }
                    break End::Answer;
                }
                Ok(Ok(Some(Command::PonderHit))) if pondering => {
                    pondering = false;
                    deadline = allotted.map(|time| Instant::now() + time);
                }
                Ok(Ok(Some(Command::GameOver))) => break End::Silent,
                Ok(Ok(Some(Command::IsReady))) => self.say("readyok\n")?,
                Ok(Ok(Some(_))) => {
                    let line = shortened(&line.unwrap_or_default());
                    self.explain(&format!("{line:?} is ignored during a search"))?;
                }
                Ok(Err(reason)) => self.explain(&reason)?,
            }
        };
        if matches!(end, End::Answer) {
            let visited = search.visits() - visits;
            self.say(&info::lines(search, self.options.multi_pv, started.elapsed(), visited))?;
        }
        self.workers = Some(workers);
        Ok(end)
    }

    /// Sends the move of a search.
    fn tell(&mut self, search: &Search) -> io::Result<()> {
        let uniform = Stream::new(self.searches, Purpose::Evaluation, 0, 0).uniform();
        let text = match search.decide_at(self.options.temperature, uniform) {
            Decision::Declare => "win".to_owned(),
            Decision::Over(outcome) => {
                self.explain(&format!("the game is over ({outcome})"))?;
                "resign".to_owned()
            }
            Decision::Play(mv) => {
                let line = search.candidates(usize::MAX).into_iter().find(|candidate| candidate.mv == mv);
                let reply = line.and_then(|candidate| candidate.line.get(1).copied());
                match reply.filter(|_| self.options.ponder) {
                    Some(reply) => format!("{mv} ponder {reply}"),
                    None => mv.to_string(),
                }
            }
        };
        self.say(&format!("bestmove {text}\n"))
    }

    /// `go mate`: searches checks only, one attacking move deeper each time, up to the limit of the solver.
    fn go_mate(&mut self, time: MateTime, lines: &Receiver<String>) -> io::Result<Next> {
        let Some(game) = &self.game else {
            self.explain("no position is set")?;
            self.say("checkmate notimplemented\n")?;
            return Ok(Next::Listen);
        };
        let position = game.position().clone();
        let deadline = match time {
            MateTime::Infinite => None,
            MateTime::Within(time) => Some(Instant::now() + time),
        };
        let mut answer = if checks(&position) == 0 { " nomate" } else { " timeout" }.to_owned();
        for plies in (1..=mate::MAX_PLIES).step_by(2) {
            if let Some(line) = mate::solve(&position, plies, MATE_SLICE, &[]) {
                answer = info::moves(&line);
                break;
            }
            match lines.try_recv().as_deref().map(Command::parse) {
                Ok(Ok(Some(Command::Quit))) => return Ok(Next::Quit),
                Ok(Ok(Some(Command::Stop | Command::GameOver))) => break,
                Ok(Ok(Some(_))) => self.explain("lines are ignored during a search for mate")?,
                Ok(Err(reason)) => self.explain(&reason)?,
                Ok(Ok(None)) | Err(_) => {}
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break;
            }
        }
        self.say(&format!("checkmate{answer}\n"))?;
        Ok(Next::Listen)
    }
}

fn checks(position: &Position) -> usize {
    let mut checks = MoveList::new();
    position.legal_checks(|set| checks.extend(set.moves()));
    checks.len()
}
