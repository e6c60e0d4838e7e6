//! `go mate`: a search for mate alone, to the given time.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use keisei_core::search::mate::{MateSolver, MateStatus};

use super::command::{Command, Go, MateTime};
use super::engine::{Next, UsiEngine};
use super::inbox::{Inbox, NoLine};
use super::info::{self, Schedule};

/// Positions that one slice looks at: some milliseconds.
const SLICE: u64 = 4_000;

/// Longest wait for a line when there is nothing to search.
const PAUSE: Duration = Duration::from_millis(50);

impl<W: Write> UsiEngine<W> {
    /// Answers `checkmate` with the line, `nomate` if there is none, `timeout` at the limit or at `stop`.
    pub(super) fn go_mate(
        &mut self,
        go: &Go,
        time: MateTime,
        received: Instant,
        inbox: &mut Inbox,
    ) -> io::Result<Next> {
        let deadline = match time {
            MateTime::Infinite => None,
            MateTime::Within(time) => received.checked_add(time),
        };
        let moves = self.legal(&go.moves)?;
        // The tree makes room for the table.
        self.search = None;
        let bytes = self.options.memory << 20;
        let repeated: Vec<u64> = self.game.repeated_keys().collect();
        let mut solver = MateSolver::among(&moves, self.game.position(), &repeated, bytes);
        let mut schedule = Schedule::new(1);
        let mut later = Vec::new();
        let answer = loop {
            match solver.advance(SLICE) {
                MateStatus::Mate => {
                    self.say(&info::mate_line(&solver, received.elapsed()))?;
                    break solver.mate().map(|mate| info::moves(&mate.line)).unwrap_or_default();
                }
                MateStatus::NoMate => break " nomate".to_owned(),
                MateStatus::Open | MateStatus::Unknown => {}
            }
            if schedule.is_due() {
                self.say(&info::mate_line(&solver, received.elapsed()))?;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break " timeout".to_owned();
            }
            let wait = if solver.status() == MateStatus::Open { Duration::ZERO } else { PAUSE };
            let line = match inbox.next_within(wait) {
                Ok(line) => line,
                Err(NoLine::Ended) if deadline.is_none() => return Ok(Next::Quit),
                Err(NoLine::Ended | NoLine::Yet) => continue,
            };
            match Command::parse(&line.text) {
                (Some(Command::Quit), _) => return Ok(Next::Quit),
                (Some(Command::Stop | Command::GameOver), _) => break " timeout".to_owned(),
                (Some(Command::IsReady), _) => self.say("readyok\n")?,
                (Some(Command::Usi), _) => self.introduce()?,
                (Some(_), _) => {
                    later.push(line);
                    if deadline.is_none() {
                        // Without a limit, the next question ends this one.
                        break " timeout".to_owned();
                    }
                }
                (None, remarks) => {
                    for remark in remarks {
                        self.explain(&remark)?;
                    }
                }
            }
        };
        inbox.put_back(later);
        self.say(&format!("checkmate{answer}\n"))?;
        Ok(Next::Listen)
    }
}
