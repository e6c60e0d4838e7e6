//! Report of a search to the GUI.

use std::fmt::Write as _;
use std::time::Duration;

use keisei_core::search::{Candidate, Proof, Search};
use keisei_core::shogi::Move;

use crate::rating::centipawns;

/// `info` lines for the best `count` moves, one for each; `visited` is the number of visits in the `elapsed` time.
pub fn lines(search: &Search, count: usize, elapsed: Duration, visited: u32) -> String {
    let milliseconds = elapsed.as_millis().max(1);
    let per_second = u128::from(visited) * 1000 / milliseconds;
    let full = (1000 * search.nodes() / search.settings().max_nodes).min(1000);
    let mut text = String::new();
    for (number, candidate) in (1..).zip(search.candidates(count)) {
        let depth = candidate.line.len();
        write!(
            text,
            "info depth {depth} seldepth {depth} time {milliseconds} nodes {} nps {per_second} hashfull {full}",
            search.visits()
        )
        .and_then(|()| if count > 1 { write!(text, " multipv {number}") } else { Ok(()) })
        .and_then(|()| writeln!(text, " score {} pv{}", score(&candidate), moves(&candidate.line)))
        .expect("a string takes everything");
    }
    text
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
