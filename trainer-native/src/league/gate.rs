//! Gate: the match of the newest agent against the best so far, played on a thread of its own while training goes on.
//!
//! A gate that begins after an iteration is decided when the next one begins; the trainer waits for it then. So the verdict does not
//! depend on how fast the match is, and one that was killed is played again with the same games.

use super::snapshot::Snapshots;
use crate::event::{GateMatch, Verdict};
use crate::settings::Settings;
use crate::totals::Totals;
use anyhow::{Context, Result, anyhow};
use keisei_core::format::model::Model;
use keisei_core::random::{Purpose, Stream};
use keisei_play::contender::Contender;
use keisei_play::executor::ModelExecutor;
use keisei_play::matches::{PlayedGame, Sequential, Tournament};
use keisei_play::policy_player::{EVALUATION_TEMPERATURE, PolicyPlayer};
use keisei_play::rating::{self, Pairs, Sprt};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// Counter of the random numbers of gates, which tells them from those of evaluations.
const STREAM: u64 = 1;

/// Elo differences between which the sequential test decides, and its error rates: an agent that is stronger by the second becomes the
/// best with a probability of 95 %, one that is not stronger with 5 %.
const ELO: (f64, f64) = (0.0, 50.0);
const ERROR: f64 = 0.05;

/// Match of the newest agent against the best so far; part of a checkpoint until it is decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Gate {
    /// Snapshot that may become the best.
    pub challenger: u32,
    /// Snapshot that was the best when the gate began.
    pub best: u32,
    /// Seed of openings and moves.
    pub seed: u64,
}

impl Gate {
    /// Gate of a run with this `seed`.
    pub(super) fn new(seed: u64, challenger: u32, best: u32) -> Self {
        let seed = Stream::new(seed, Purpose::Evaluation, u64::from(challenger), STREAM).next_u64();
        Self { challenger, best, seed }
    }

    /// Whether the snapshot plays in the match.
    pub(super) fn holds(&self, iteration: u32) -> bool {
        self.challenger == iteration || self.best == iteration
    }
}

/// Match that is being played.
pub(super) struct RunningGate {
    result: Receiver<Result<GateResult>>,
    is_cancelled: Arc<AtomicBool>,
}

/// Result of a match.
struct GateResult {
    pairs: Pairs,
    verdict: Verdict,
    seconds: f64,
}

impl RunningGate {
    /// Starts the match on a thread of its own, which yields to those that train.
    pub fn start(gate: &Gate, snapshots: &Snapshots, settings: &Settings) -> Result<Self> {
        let of = |iteration| {
            snapshots.get(iteration).with_context(|| format!("the snapshot of iteration {iteration} is missing"))
        };
        let [challenger, best] = [of(&gate.challenger)?.clone(), of(&gate.best)?.clone()];
        let (seed, games, max_plies) = (gate.seed, settings.gate.games, settings.selfplay.max_plies);
        let (send, result) = channel();
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let flag = is_cancelled.clone();
        let serve = move || {
            yield_to_others();
            let players =
                [("challenger", challenger), ("best", best)].map(|(name, snapshot)| agent(name, &snapshot.model));
            let tournament = Tournament { players: &players, book: None, seed, max_plies, threads: 1 };
            // Nobody waits for the match of a run that has ended.
            send.send(play(tournament, games / 2, &flag)).ok();
        };
        std::thread::Builder::new().name("gate".into()).spawn(serve)?;
        Ok(Self { result, is_cancelled })
    }

    /// Waits for the verdict.
    pub fn wait(self, gate: &Gate, done: &Totals) -> Result<GateMatch> {
        let played =
            self.result.recv().map_err(|_| anyhow!("the thread of the gate has panicked; the message is above"))?;
        let GateResult { pairs, verdict, seconds } = played?;
        Ok(GateMatch {
            iteration: done.iterations,
            plies: done.plies,
            challenger: gate.challenger,
            best: gate.best,
            games: pairs.games(),
            score: pairs.score(),
            interval: pairs.score_interval(),
            verdict,
            seconds,
        })
    }
}

impl Drop for RunningGate {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }
}

fn agent(name: &str, model: &Model) -> Contender {
    PolicyPlayer::new(name, model, ModelExecutor::f32(model), EVALUATION_TEMPERATURE as f32).into()
}

/// Plays until the sequential test has decided, at most this many pairs, or until the match is cancelled.
fn play(tournament: Tournament, most_pairs: usize, is_cancelled: &AtomicBool) -> Result<GateResult> {
    let begin = Instant::now();
    let sprt = Sprt::new(ELO.0, ELO.1, ERROR, ERROR)?;
    let go_on = |_: &PlayedGame| {
        if is_cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let (played, decision) = Sequential { tournament, most_pairs }.test(&sprt, None, &go_on)?;
    let verdict = match decision {
        Some(rating::Verdict::Elo1) => Verdict::Promoted,
        Some(rating::Verdict::Elo0) => Verdict::Refused,
        None => Verdict::Undecided,
    };
    let pairs = Pairs { complete: played.pentanomial(), ..Pairs::default() };
    Ok(GateResult { pairs, verdict, seconds: begin.elapsed().as_secs_f64() })
}

/// Gives way to the threads that train, where the system knows priorities of threads.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    // Without the right to, the match only takes its share of the cores.
    rustix::process::nice(10).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::league::snapshot::tests::snapshot;
    use crate::settings::Preset;

    #[test]
    fn a_gate_played_again_has_the_same_games_and_another_one_has_others() {
        let snapshots: Snapshots = [3, 5].map(|iteration| (iteration, Arc::new(snapshot(iteration.into())))).into();
        let mut settings = Preset::Tiny.settings();
        settings.gate.games = 20;
        let done = Totals { iterations: 8, ..Totals::default() };
        let play = |gate: &Gate| {
            let running = RunningGate::start(gate, &snapshots, &settings).expect("started");
            GateMatch { seconds: 0.0, ..running.wait(gate, &done).expect("played") }
        };
        let gate = Gate::new(1, 5, 3);
        let once = play(&gate);
        assert_eq!((once.iteration, once.challenger, once.best, once.games), (8, 5, 3, 20));
        assert!((0.0..=1.0).contains(&once.score) && once.interval.0 <= once.score, "{once:?}");
        assert_eq!(play(&gate), once);
        assert_ne!(Gate::new(2, 5, 3).seed, gate.seed);
        assert_ne!(Gate::new(1, 4, 3).seed, gate.seed);
        let missing = RunningGate::start(&Gate::new(1, 5, 4), &snapshots, &settings).err().expect("refused");
        assert!(missing.to_string().contains("the snapshot of iteration 4 is missing"), "{missing}");
    }

    #[test]
    fn a_match_that_nobody_waits_for_ends() {
        let players = [1, 2].map(|iteration| agent("agent", &snapshot(iteration).model));
        let tournament = Tournament { players: &players, book: None, seed: 1, max_plies: 60, threads: 1 };
        let played = play(tournament, 50_000, &AtomicBool::new(true)).expect("played");
        assert!(played.pairs.games() < 1000 && played.verdict == Verdict::Undecided);
    }

    #[test]
    fn a_stronger_agent_is_promoted_before_all_games_are_played_and_a_weaker_one_refused() {
        let verdict = |players: [Contender; 2]| {
            let tournament = Tournament { players: &players, book: None, seed: 1, max_plies: 0, threads: 1 };
            let played = play(tournament, 200, &AtomicBool::new(false)).expect("played");
            assert!(played.pairs.games() < 200, "{:?}", played.pairs);
            played.verdict
        };
        let (agent, greedy) = (agent("agent", &snapshot(1).model), Contender::Greedy);
        assert_eq!(verdict([agent.clone(), greedy.clone()]), Verdict::Refused);
        assert_eq!(verdict([greedy, agent]), Verdict::Promoted);
    }
}
