//! Dialogue with the GUI.

use std::io::{self, Write};
use std::time::Instant;

use keisei_core::random::{Purpose, Stream};
use keisei_core::search::{Decision, MateLimits, Search, Settings};
use keisei_core::shogi::{Game, Move, Reason};

use super::clock::Delays;
use super::command::{self, Command, Go};
use super::inbox::{Inbox, Line};
use super::info;
use super::model::{self, Places};
use super::options::UsiOptions;
use super::workers::Workers;
use crate::executor::ModelExecutor;

/// Positions that are looked at for a mate before the first visit: two or three milliseconds. The search for mate then goes on beside
/// the other.
const FIRST_MATE_NODES: u32 = 2_000;

/// Engine with its state between two lines.
pub struct UsiEngine<W> {
    output: W,
    pub(super) options: UsiOptions,
    /// Where a model is looked for if the GUI sets none.
    places: Places,
    workers: Option<Workers>,
    /// Game that the GUI has set, as far as it could be followed.
    pub(super) game: Game,
    /// Last search, whose tree the next one may reuse.
    pub(super) search: Option<Search>,
    /// Number of searches so far, the key of the random numbers for a choice at a temperature.
    searches: u64,
    pub(super) delays: Delays,
}

/// Reaction to a line.
#[derive(PartialEq, Eq)]
pub(super) enum Next {
    Listen,
    Quit,
}

/// Reason why a search has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The search is done: its move was sent.
    Answer,
    /// The game is over or another position has come: no move is expected.
    Silent,
    /// The GUI has quit.
    Quit,
}

impl<W: Write> UsiEngine<W> {
    /// Engine that writes to `output` and looks for a model in `places` if the GUI sets none.
    pub fn new(output: W, places: Places) -> UsiEngine<W> {
        UsiEngine {
            output,
            options: UsiOptions::default(),
            places,
            workers: None,
            game: Game::startpos(),
            search: None,
            searches: 0,
            delays: Delays::default(),
        }
    }

    /// Answers lines until `quit`, or until the input ends.
    pub fn serve(mut self, mut inbox: Inbox) -> io::Result<()> {
        while let Some(line) = inbox.next() {
            if self.answer(&line, &mut inbox)? == Next::Quit {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        self.output.write_all(text.as_bytes())?;
        self.output.flush()
    }

    pub(super) fn explain(&mut self, reason: &str) -> io::Result<()> {
        // A file name or an error may contain line breaks; the answer is one line.
        let reason = reason.replace(['\n', '\r'], " ");
        self.say(&format!("info string {reason}\n"))
    }

    pub(super) fn introduce(&mut self) -> io::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        let options = UsiOptions::declaration();
        self.say(&format!("id name Keisei {version}\nid author the Keisei authors\n{options}usiok\n"))
    }

    fn answer(&mut self, line: &Line, inbox: &mut Inbox) -> io::Result<Next> {
        let (command, remarks) = Command::parse(&line.text);
        for remark in remarks {
            self.explain(&remark)?;
        }
        match command {
            None => {}
            Some(Command::Usi) => self.introduce()?,
            Some(Command::IsReady) => self.make_ready()?,
            Some(Command::SetOption { name, value }) => self.set_option(&name, &value)?,
            Some(Command::NewGame | Command::GameOver) => {
                self.search = None;
                self.delays.begin_game();
            }
            Some(Command::Position(text)) => self.set_position(&text)?,
            Some(Command::Go(go)) => {
                return match go.mate {
                    Some(time) => self.go_mate(&go, time, line.received, inbox),
                    None => self.go(go, line.received, inbox),
                };
            }
            Some(Command::Stop | Command::PonderHit(_)) => self.explain("nothing is being searched")?,
            Some(Command::Quit) => return Ok(Next::Quit),
        }
        Ok(Next::Listen)
    }

    fn set_option(&mut self, name: &str, value: &str) -> io::Result<()> {
        let before = self.options.clone();
        match self.options.set(name, value) {
            Ok(None) => {}
            Ok(Some(remark)) | Err(remark) => self.explain(&remark)?,
        }
        let network = |options: &UsiOptions| (options.model.clone(), options.threads, options.arithmetic);
        if network(&before) != network(&self.options) {
            self.workers = None;
            self.search = None;
        }
        Ok(())
    }

    /// Sets the game. A text that cannot be followed at all leaves the one before.
    fn set_position(&mut self, text: &str) -> io::Result<()> {
        match command::game(text, self.options.max_plies) {
            Ok((game, remark)) => {
                self.game = game;
                remark.map_or(Ok(()), |remark| self.explain(&remark))
            }
            Err(reason) => self.explain(&format!("{reason}; the position before it is kept")),
        }
    }

    fn make_ready(&mut self) -> io::Result<()> {
        if self.load()? { self.say("readyok\n") } else { Ok(()) }
    }

    /// Loads the model unless it is loaded; returns whether there is one now.
    fn load(&mut self) -> io::Result<bool> {
        if self.workers.is_some() {
            return Ok(true);
        }
        let mut remarks = Vec::new();
        let found = model::find(self.options.model.as_deref(), &self.places, &mut |text| remarks.push(text));
        let loaded = found.and_then(|model| {
            let network = ModelExecutor::new(&model, self.options.arithmetic);
            let network = network.map_err(|error| format!("{error:#}"))?;
            Ok(Workers::new(&model, network, self.options.threads))
        });
        for remark in remarks {
            self.explain(&remark)?;
        }
        match loaded {
            Ok(workers) => self.workers = Some(workers),
            Err(reason) => self.explain(&format!("error: {reason}"))?,
        }
        Ok(self.workers.is_some())
    }

    fn go(&mut self, mut go: Go, received: Instant, inbox: &mut Inbox) -> io::Result<Next> {
        if !self.load()? {
            // Without a model there is no move, and a wrong one would end the game.
            self.explain("error: no move can be found without a model")?;
            return Ok(Next::Listen);
        }
        let Some(mut workers) = self.workers.take() else { return Ok(Next::Listen) };
        let moves = self.legal(&go.moves)?;
        let mut search = self.prepare(&mut go, &moves, &workers);
        let end = self.think(&go, received, &mut search, &mut workers, inbox);
        self.workers = Some(workers);
        let end = end?;
        // A tree of some moves only is of no use to another search.
        self.search = moves.is_empty().then_some(search);
        Ok(if end == End::Quit { Next::Quit } else { Next::Listen })
    }

    /// The legal ones of the moves to search; the others are told.
    pub(super) fn legal(&mut self, moves: &[Move]) -> io::Result<Vec<Move>> {
        let (legal, illegal): (Vec<Move>, Vec<Move>) = moves.iter().partition(|&&mv| self.game.position().is_legal(mv));
        if !illegal.is_empty() {
            self.explain(&format!("go: searchmoves{} are not legal here and left out", info::moves(&illegal)))?;
        }
        Ok(legal)
    }

    /// Search with the limits of `go`, which reuses the tree of the last one if it can.
    fn prepare(&mut self, go: &mut Go, moves: &[Move], workers: &Workers) -> Search {
        let game = match self.game.outcome() {
            // The GUI plays on after a repetition or a ply limit, and so does the engine.
            Some(outcome) if !matches!(outcome.reason, Reason::Checkmate | Reason::NoLegalMove) => {
                Game::new(self.game.position().clone(), 0)
            }
            _ => self.game.clone(),
        };
        let side = game.position().side_to_move();
        let has_limit = go.clock.limits(side) || go.nodes.is_some() || go.depth.is_some();
        if !has_limit && !go.ponder && self.options.visits.is_none() {
            go.infinite = true;
        }
        let visits = if go.infinite { u32::MAX } else { self.options.visits.unwrap_or(u32::MAX) };
        let visits = if go.infinite { visits } else { visits.min(go.nodes.unwrap_or(u32::MAX)) };
        let defaults = Settings::default();
        let settings = Settings {
            visits,
            max_nodes: self.options.max_nodes(),
            root_mate: MateLimits { nodes: FIRST_MATE_NODES, ..defaults.root_mate },
            mate_memory: self.options.mate_memory(),
            ..defaults
        };
        self.searches += 1;
        let mut search = match self.search.take() {
            Some(mut search) if search.settings().max_nodes == settings.max_nodes => {
                search.follow(game);
                search.set_visits(visits);
                search
            }
            _ => Search::new(game, workers.actions(), settings),
        };
        if !moves.is_empty() && search.game().outcome().is_none() {
            search.restrict(moves);
        }
        search
    }

    /// Sends the move of a search.
    pub(super) fn tell(&mut self, search: &Search) -> io::Result<()> {
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
}
