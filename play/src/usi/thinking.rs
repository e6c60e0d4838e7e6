//! A search for a move, in slices between which the lines of the GUI are read.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use keisei_core::search::Search;

use super::clock::Clock;
use super::command::{Command, Go};
use super::engine::{End, UsiEngine};
use super::inbox::{Inbox, Line, NoLine};
use super::info::{self, Schedule};
use super::workers::Workers;

/// Positions that one slice of the search for mate looks at: a millisecond or two.
const MATE_SLICE: u64 = 1_000;

/// Part of the time that the search for mate gets as long as it has not ended: one in so many.
const MATE_SHARE: u32 = 8;

/// Visits that replace one of the depth that `go depth` asks for, if the principal variation stays shorter.
const VISITS_OF_DEPTH: u32 = 100;

/// Search for a move that is under way.
pub struct Thinking<'a> {
    go: &'a Go,
    /// Time from which the clock runs: the receipt of `go` or of `ponderhit`.
    started: Instant,
    deadline: Option<Instant>,
    /// Clocks of `go`, or of `ponderhit` if it brought some.
    clock: Clock,
    pondering: bool,
    /// Visits before the search.
    visits: u32,
    schedule: Schedule,
    /// Longest of the last batches.
    batch: Duration,
    /// Time that the search for mate has taken, and whether it goes on.
    mating: Duration,
    seeks_mate: bool,
}

impl<'a> Thinking<'a> {
    fn new(go: &'a Go, received: Instant, search: &Search, lines: usize) -> Thinking<'a> {
        Thinking {
            go,
            started: received,
            deadline: None,
            clock: go.clock,
            pondering: go.ponder,
            visits: search.visits(),
            schedule: Schedule::new(lines),
            batch: Duration::ZERO,
            mating: Duration::ZERO,
            seeks_mate: true,
        }
    }

    /// Whether only the GUI ends the search.
    fn waits(&self) -> bool {
        self.pondering || self.go.infinite
    }

    fn is_finished(&self, search: &Search) -> bool {
        let is_deep = |depth: u32| {
            let line = search.candidates(1).first().map_or(0, |best| best.line.len());
            line >= depth as usize || search.visits() >= depth.saturating_mul(VISITS_OF_DEPTH)
        };
        search.is_finished() || self.go.depth.is_some_and(|depth| !self.waits() && is_deep(depth))
    }

    /// Whether the time is up, or would be within the next batch. A time for the move is used in full.
    fn is_late(&self) -> bool {
        let reserve = if self.clock.move_time.is_some() { Duration::ZERO } else { self.batch };
        self.deadline.is_some_and(|deadline| Instant::now() + reserve >= deadline)
    }

    fn step(&mut self, search: &mut Search, workers: &mut Workers) {
        let before = Instant::now();
        workers.step(search);
        let took = before.elapsed();
        self.batch = took.max(self.batch * 7 / 8);
        if self.seeks_mate && self.mating * MATE_SHARE <= self.started.elapsed() {
            let before = Instant::now();
            self.seeks_mate = search.seek_mate(MATE_SLICE);
            self.mating += before.elapsed();
        }
    }
}

impl<W: Write> UsiEngine<W> {
    /// Searches until a limit is reached or the GUI ends it, and sends the move. A search that is finished before it may answer waits.
    ///
    /// Lines that belong to what comes after the search are put back into the inbox.
    pub(super) fn think(
        &mut self,
        go: &Go,
        received: Instant,
        search: &mut Search,
        workers: &mut Workers,
        inbox: &mut Inbox,
    ) -> io::Result<End> {
        let mut thinking = Thinking::new(go, received, search, self.options.multi_pv);
        if !thinking.waits() {
            thinking.deadline = self.deadline(&go.clock, received, search);
        }
        let mut later = Vec::new();
        let end = loop {
            let finished = thinking.is_finished(search);
            if !finished {
                thinking.step(search, workers);
            }
            let known = search.visits() > 0 || finished;
            if known && thinking.schedule.is_due() {
                self.report(search, &thinking)?;
            }
            if known && !thinking.waits() && (thinking.is_finished(search) || thinking.is_late()) {
                break End::Answer;
            }
            // With nothing left to search, wait for the line that permits the answer.
            let line = inbox.next_within(if finished { thinking.schedule.wait() } else { Duration::ZERO });
            match line {
                Ok(line) => {
                    if let Some(end) = self.hear(line, &mut thinking, search, &mut later)? {
                        break end;
                    }
                }
                Err(NoLine::Ended) if thinking.waits() => break End::Quit,
                // Where no `stop` can come any more, the limit ends the search.
                Err(NoLine::Ended | NoLine::Yet) => {}
            }
        };
        if end == End::Answer {
            while search.visits() == 0 && !search.is_finished() {
                workers.step(search);
            }
            self.report(search, &thinking)?;
            let took = thinking.started.elapsed();
            self.tell(search)?;
            if !thinking.waits() {
                let side = search.game().position().side_to_move();
                self.delays.remember(&thinking.clock, side, took);
            }
            if let Some(deadline) = thinking.deadline.filter(|_| thinking.clock.move_time.is_none()) {
                self.delays.see_lateness(Instant::now().saturating_duration_since(deadline));
            }
        }
        inbox.put_back(later);
        Ok(end)
    }

    /// Takes a line during a search; returns the end of the search if it is one.
    fn hear(
        &mut self,
        line: Line,
        thinking: &mut Thinking,
        search: &Search,
        later: &mut Vec<Line>,
    ) -> io::Result<Option<End>> {
        let (command, remarks) = Command::parse(&line.text);
        match command {
            // What comes after the search is answered after it, with its remarks.
            Some(Command::Position(_) | Command::Go(_) | Command::NewGame) => {
                let ends = thinking.waits();
                later.push(line);
                return Ok(ends.then_some(End::Silent));
            }
            Some(Command::SetOption { .. }) => {
                later.push(line);
                return Ok(None);
            }
            _ => {}
        }
        for remark in remarks {
            self.explain(&remark)?;
        }
        match command {
            Some(Command::Quit) => return Ok(Some(End::Quit)),
            Some(Command::GameOver) => return Ok(Some(End::Silent)),
            Some(Command::Stop) => {
                // It also stops a search that was asked for meanwhile.
                if later.iter().any(|line| line.text.starts_with("go")) {
                    later.push(line);
                }
                return Ok(Some(End::Answer));
            }
            Some(Command::PonderHit(clock)) if thinking.pondering => {
                let side = search.game().position().side_to_move();
                if clock.limits(side) {
                    thinking.clock = clock;
                }
                thinking.pondering = false;
                thinking.started = line.received;
                thinking.deadline = self.deadline(&thinking.clock, line.received, search);
                let has_other_limit = thinking.go.depth.is_some() || search.settings().visits < u32::MAX;
                if thinking.deadline.is_none() && !has_other_limit {
                    // The GUI waits for a move and says nothing about the time for it.
                    thinking.deadline = Some(line.received);
                }
            }
            Some(Command::PonderHit(_)) => self.explain("ponderhit without go ponder")?,
            Some(Command::IsReady) => self.say("readyok\n")?,
            Some(Command::Usi) => self.introduce()?,
            _ => {}
        }
        Ok(None)
    }

    /// Time at which the move must be sent; `None` without a limit.
    fn deadline(&mut self, clock: &Clock, received: Instant, search: &Search) -> Option<Instant> {
        let game = search.game();
        let side = game.position().side_to_move();
        let overhead = Duration::from_millis(self.options.overhead);
        self.delays.see(clock, side);
        let moves = u32::from(game.position().ply()) / 2;
        let reserve = self.delays.reserve(overhead);
        received.checked_add(clock.allotment(side, moves, reserve, self.delays.expected(overhead))?)
    }

    fn report(&mut self, search: &Search, thinking: &Thinking) -> io::Result<()> {
        let visited = search.visits().saturating_sub(thinking.visits);
        self.say(&info::lines(search, self.options.multi_pv, thinking.started.elapsed(), visited))
    }
}
