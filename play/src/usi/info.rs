//! Reports of a search to the GUI.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use keisei_core::search::mate::MateSolver;
use keisei_core::search::{Candidate, Proof, Search};
use keisei_core::shogi::{GameResult, Move};

use crate::rating::centipawns;

/// Interval between two reports of one line; more lines take longer, so that a GUI gets at most ten a second, up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_millis(200);
const OF_A_LINE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// Times at which reports are due.
#[derive(Debug)]
pub struct Schedule {
    interval: Duration,
    next: Instant,
}

impl Schedule {
    /// A schedule for reports of `lines` lines, the first of them at once.
    pub fn new(lines: usize) -> Schedule {
        let interval = OF_A_LINE * lines.try_into().unwrap_or(u32::MAX);
        Schedule { interval: interval.clamp(SHORTEST, LONGEST), next: Instant::now() }
    }

    /// Whether a report is due; the next one is then an interval later.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = now >= self.next;
        if is_due {
            self.next = now + self.interval;
        }
        is_due
    }

    /// Time until the next report.
    pub fn wait(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }
}

/// `info` lines for the best `count` moves, one for each, or one for the position if there is no move; `visited` is the number of
/// visits in the `elapsed` time.
pub fn lines(search: &Search, count: usize, elapsed: Duration, visited: u32) -> String {
    let full = (1000 * search.nodes() / search.settings().max_nodes).min(1000);
    let figures = figures(search.visits().into(), visited.into(), elapsed, full);
    let mut text = String::new();
    for (number, candidate) in (1..).zip(search.candidates(count)) {
        let depth = candidate.line.len();
        write!(text, "info depth {depth} seldepth {depth} {figures}")
            .and_then(|()| if count > 1 { write!(text, " multipv {number}") } else { Ok(()) })
            .and_then(|()| writeln!(text, " score {} pv{}", score(&candidate), moves(&candidate.line)))
            .expect("a string takes everything");
    }
    if text.is_empty() {
        text = format!("info depth 0 seldepth 0 {figures} score {}\n", score_of_position(search));
    }
    text
}

/// `info` line of a search for mate.
pub fn mate_line(solver: &MateSolver, elapsed: Duration) -> String {
    let figures = figures(solver.nodes(), solver.nodes(), elapsed, solver.fullness());
    match solver.mate() {
        Some(mate) => {
            let depth = mate.line.len();
            format!("info depth {depth} seldepth {depth} {figures} score mate {} pv{}\n", mate.plies, moves(&mate.line))
        }
        None => format!("info depth {} seldepth {} {figures}\n", solver.depth(), solver.depth()),
    }
}

fn figures(nodes: u64, visited: u64, elapsed: Duration, full: usize) -> String {
    let milliseconds = elapsed.as_millis().max(1);
    let per_second = u128::from(visited) * 1000 / milliseconds;
    format!("time {milliseconds} nodes {nodes} nps {per_second} hashfull {full}")
}

/// Moves in USI, each after a space.
pub fn moves(line: &[Move]) -> String {
    line.iter().fold(String::new(), |text, mv| text + " " + &mv.to_string())
}

fn score(candidate: &Candidate) -> String {
    match candidate.proof {
        Some(Proof::Win(plies)) => format!("mate {plies}"),
        Some(Proof::Loss(plies)) => format!("mate -{}", plies.max(1)),
        _ => format!("cp {}", centipawns(candidate.value().unwrap_or_default())),
    }
}

/// Score of a position without candidates: one that is over, or a declaration.
fn score_of_position(search: &Search) -> String {
    let side = search.game().position().side_to_move();
    match (search.game().outcome().map(|outcome| outcome.result), search.proof()) {
        (Some(GameResult::Win(winner)), _) => if winner == side { "mate 1" } else { "mate -0" }.to_owned(),
        (None, Some(Proof::Win(plies))) => format!("mate {plies}"),
        _ => format!("cp {}", centipawns(search.wdl().map(keisei_core::net::Wdl::value).unwrap_or_default())),
    }
}
