//! Progress of a tournament: a line on a terminal, warnings, and the wish to break it off.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use keisei_play::contender::Contender;
use keisei_play::matches::{Forfeits, PlayedGame};
use keisei_play::rating::{Pairs, Sprt};

use crate::commands::evaluate::{show, streak_warning};
use crate::view::duration;

/// Interval between updates of the line.
const REFRESH: Duration = Duration::from_millis(200);

/// Number of signals to stop that this process had.
static STOPS: AtomicUsize = AtomicUsize::new(0);

/// Lets the first SIGINT, SIGTERM or SIGHUP break the tournament off, and the second end the process.
fn stop_on_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let stop = || {
            if STOPS.fetch_add(1, Ordering::Relaxed) > 0 {
                std::process::exit(130);
            }
            show("\nbreaking off when a game ends; once more to end at once\n");
        };
        // Without a handler a signal ends the process, as it does anywhere.
        let _ = ctrlc::set_handler(stop);
    });
}

/// Progress of a tournament.
pub(super) struct Progress<'a> {
    players: &'a [Contender],
    /// Number of games, if it is known before they are played.
    games: Option<usize>,
    sprt: Option<Sprt>,
    shown: bool,
    stops: usize,
    state: Mutex<State>,
}

struct State {
    games: usize,
    forfeits: Vec<Forfeits>,
    pairs: Pairs,
    started: Instant,
    refreshed: Instant,
}

impl<'a> Progress<'a> {
    pub(super) fn new(players: &'a [Contender], games: Option<usize>, sprt: Option<Sprt>) -> Progress<'a> {
        stop_on_signals();
        let (started, forfeits) = (Instant::now(), vec![Forfeits::default(); players.len()]);
        let state = State { games: 0, forfeits, pairs: Pairs::default(), started, refreshed: started };
        let stops = STOPS.load(Ordering::Relaxed);
        Progress { players, games, sprt, shown: std::io::stderr().is_terminal(), stops, state: Mutex::new(state) }
    }

    /// Whether the user asked to break the tournament off.
    pub(super) fn is_broken_off(&self) -> bool {
        STOPS.load(Ordering::Relaxed) > self.stops
    }

    /// Takes a finished game in.
    pub(super) fn note(&self, game: &PlayedGame) -> ControlFlow<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.games += 1;
        if let Some(warning) = streak_warning(self.players, &mut state.forfeits, game) {
            self.clear();
            show(&warning);
        }
        if self.shown && state.refreshed.elapsed() >= REFRESH {
            state.refreshed = Instant::now();
            show(&format!("\r\x1b[K{}", self.line(&state)));
        }
        if self.is_broken_off() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Takes in the pairs that the sequential test has seen.
    pub(super) fn note_pairs(&self, pairs: &Pairs) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).pairs = *pairs;
    }

    fn line(&self, state: &State) -> String {
        let (games, elapsed) = (state.games, state.started.elapsed());
        let mut parts = Vec::new();
        if let Some(all) = self.games {
            let rest = elapsed.mul_f64(all.saturating_sub(games) as f64 / games.max(1) as f64);
            parts.push(format!("game {games} of {all}, about {} left", duration(rest.as_secs_f64())));
        } else {
            parts.push(format!("game {games}, {}", duration(elapsed.as_secs_f64())));
        }
        if let Some(sprt) = self.sprt {
            let (ratio, (lower, upper)) = (sprt.log_likelihood_ratio(&state.pairs), sprt.bounds());
            let rest = 2.0 * sprt.expected_pairs(&state.pairs);
            parts.push(format!("LLR {ratio:+.2} of {lower:.2} to {upper:+.2}, about {rest:.0} games left"));
        }
        let forfeits: usize = state.forfeits.iter().map(|forfeits| forfeits.count).sum();
        if forfeits > 0 {
            parts.push(format!("{forfeits} forfeited"));
        }
        parts.join(", ")
    }

    pub(super) fn clear(&self) {
        if self.shown {
            show("\r\x1b[K");
        }
    }
}
