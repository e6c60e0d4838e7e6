//! Events: all that leaves a run in progress. [Sinks](crate::sinks) receive them.

use crate::settings::Settings;
use keisei_core::learn::Update;
use keisei_play::probes::ProbeScore;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Something that happened in a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run started or was resumed.
    RunStarted(Box<RunStarted>),
    /// An iteration is done.
    Iteration(Box<Metrics>),
    /// A game of self-play ended.
    GameEnded(GameEnded),
    /// A match against a known player was played.
    Evaluation(EvaluationMatch),
    /// A gate was decided.
    Gate(GateMatch),
    /// A checkpoint was written.
    Checkpoint(CheckpointWritten),
    /// An alarm was raised, which was not in force before.
    Alarm(Alarm),
    /// The run went back to an earlier iteration: what was said about later ones no longer counts.
    Restored(Restored),
    /// A message for the user.
    Notice(Notice),
    /// A sink failed.
    SinkFailed(SinkFailure),
    /// The run ended.
    RunEnded(RunEnded),
}

/// Event with the time at which it happened: what sinks receive, and a line of the JSON files.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stamped {
    /// Seconds since 1970 UTC.
    pub time: f64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

impl Stamped {
    /// `event`, happening now.
    pub fn now(event: Event) -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Self { time, event }
    }
}

/// Start of a run, or of its next part.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunStarted {
    /// Directory of the run.
    pub directory: PathBuf,
    /// Iterations done before: 0 for a new run.
    pub iteration: u64,
    /// Plies played before.
    #[serde(default)]
    pub plies: u64,
    /// Plies at which the run is to end, 0 for never.
    pub budget_plies: u64,
    /// Settings in force.
    pub settings: Settings,
    /// Number of weights of the network.
    pub weights: usize,
    /// Name of the learner, such as `AVX2, 2 threads`.
    pub learner: String,
    /// Program, toolchain and machine.
    pub machine: Machine,
}

/// Program, toolchain and machine that trained.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// Version of the program.
    pub version: String,
    /// Revision of the sources, if it was built from a checkout.
    pub revision: String,
    /// Compiler.
    pub toolchain: String,
    /// Operating system and architecture, such as `linux x86_64`.
    pub system: String,
    /// Cores of the CPU that this process may use.
    pub cores: usize,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            revision: env!("KEISEI_REVISION").into(),
            toolchain: env!("KEISEI_TOOLCHAIN").into(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Metrics of one iteration: one line of `metrics.jsonl`. The [table](crate::metrics) describes each.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of the iteration, counted from 1.
    pub iteration: u64,
    /// Plies played since the start of the run.
    pub plies: u64,
    /// Games finished since the start of the run.
    pub games: u64,
    /// Seconds that the run has taken, earlier parts included.
    pub seconds: f64,
    /// Part of the run that is done, 0–1.
    pub progress: f64,
    /// Losses and the like.
    #[serde(flatten)]
    pub update: Update,
    /// Size of the update by all weights: `|Δw| / |w|`.
    pub update_norm: f64,
    /// Share of the samples that were dropped because the update stopped at its target KL.
    pub dropped_samples: f64,
    /// Mean squared error of the predicted outcome against the result, over the plies of games that ended (Brier score, 0–2).
    pub brier: f64,
    /// Adam's step size.
    pub learning_rate: f32,
    /// Weight of the entropy bonus.
    pub ent_coef: f32,
    /// Weight of the material prior.
    pub prior_weight: f32,
    /// Mean of the entropy H / ln(legal moves), 0–1, over the plies with more than one legal move: 1 is uniform.
    pub normalized_entropy: f64,
    /// Mean probability of the most probable move, over the same plies.
    pub top_probability: f64,
    /// Share of the proved mates in self-play whose first move was drawn from the policy; 0 if none was proved.
    #[serde(default)]
    pub mates_drawn: f64,
    /// Games that ended in this iteration.
    #[serde(flatten)]
    pub ended: EndedGames,
    /// Games against the league's pool.
    #[serde(flatten)]
    pub league: LeagueMetrics,
    /// Duration and speed of the iteration.
    #[serde(flatten)]
    pub perf: Perf,
    /// Number of failures of sinks since the process started.
    pub sink_failures: u64,
    /// Ids of the alarms in force.
    pub alarms: Vec<String>,
    /// A game in progress, for display.
    pub shown: ShownGame,
}

/// Statistics of the games that ended in an iteration, and of the window of the last ones.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct EndedGames {
    /// Number of these games.
    pub games_ended: u64,
    /// Mean length in plies.
    pub length_mean: f64,
    /// Median length in plies.
    pub length_p50: u16,
    /// 95th percentile of the length in plies.
    pub length_p95: u16,
    /// Numbers of wins of Black, wins of White, and draws.
    pub results: [u64; 3],
    /// Number of games by the reason that ended them.
    pub reasons: BTreeMap<String, u64>,
    /// Share of the last 500 games that repeat an earlier one of them, move by move.
    pub repeats: f64,
    /// Share of different openings among the last 500 games.
    pub opening_diversity: f64,
}

/// Statistics of the league after an iteration; files of earlier versions have none.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LeagueMetrics {
    /// Snapshots in the pool.
    pub pool_snapshots: u64,
    /// Number of games against the pool that ended in the iteration.
    pub pool_games: u64,
    /// Learner's points per game against each snapshot, 0–1, by the snapshot's iteration; only where there were enough games.
    pub pool_scores: BTreeMap<String, f64>,
    /// Lowest of these scores.
    pub pool_lowest: Option<f64>,
    /// Iteration of the best agent so far.
    pub best_iteration: Option<u32>,
}

/// Duration and speed of an iteration.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Perf {
    /// Plies per second of the whole iteration.
    pub plies_per_second: f64,
    /// Samples per second of the update alone.
    pub samples_per_second: f64,
    /// Seconds of self-play.
    pub collect_seconds: f64,
    /// Seconds of self-play in the games: moves, rules, encodings, sampling.
    pub env_seconds: f64,
    /// Seconds of self-play in the network.
    pub inference_seconds: f64,
    /// Seconds of the update.
    pub learn_seconds: f64,
    /// Seconds before this iteration in events, files and display.
    pub log_seconds: f64,
    /// Longest time that a rank waited for others, in seconds; 0 with one rank.
    #[serde(default)]
    pub longest_wait_seconds: f64,
    /// Rank that waited least.
    #[serde(default)]
    pub slowest_rank: usize,
}

/// A game in progress.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ShownGame {
    /// Slot of the game.
    pub slot: usize,
    /// SFEN of its position before the last moves.
    pub sfen: String,
    /// Its last moves, in USI notation.
    pub last: Vec<String>,
}

/// End of a game of self-play.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GameEnded {
    /// Iteration in which it ended.
    pub iteration: u64,
    /// Length in plies.
    pub plies: u16,
    /// Winner, `black` or `white`; none for a draw or a game cut off.
    pub winner: Option<String>,
    /// Id of the reason.
    pub reason: String,
}

/// Strength measured at an iteration.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct EvaluationMatch {
    /// Iteration after which it was played.
    pub iteration: u64,
    /// Plies played in the run by then.
    pub plies: u64,
    /// Name of the opponent.
    pub opponent: String,
    /// Number of games.
    pub games: usize,
    /// Points per game, 0–1: a win counts 1, a draw ½.
    pub score: f64,
    /// 95 % interval of the score.
    pub interval: (f64, f64),
    /// Scores of the raw policy in the probes, by the id of the task.
    #[serde(default)]
    pub probes: BTreeMap<String, ProbeScore>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// Match of an agent against the best so far, which decides whether it is the best from now on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GateMatch {
    /// Iteration after which it was decided.
    pub iteration: u64,
    /// Plies played in the run by then.
    pub plies: u64,
    /// Iteration of the agent that challenged the best.
    pub challenger: u32,
    /// Iteration of the agent that was the best.
    pub best: u32,
    /// Number of games.
    pub games: usize,
    /// Challenger's points per game, 0–1.
    pub score: f64,
    /// 95 % interval of the score.
    pub interval: (f64, f64),
    /// Verdict.
    pub verdict: Verdict,
    /// Seconds that the match took.
    pub seconds: f64,
}

/// Verdict of a gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The challenger is the best from now on.
    Promoted,
    /// The challenger is not stronger.
    Refused,
    /// The games do not tell which is stronger; the best stays.
    Undecided,
}

/// A written checkpoint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CheckpointWritten {
    /// Iteration of its state.
    pub iteration: u64,
    /// Plies played by then.
    pub plies: u64,
    /// The file.
    pub path: PathBuf,
    /// Seconds that all files of the checkpoint took.
    pub seconds: f64,
}

/// An alarm: a sign that learning goes wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alarm {
    /// Iteration that raised it.
    pub iteration: u64,
    /// Id, such as `entropy_collapse`.
    pub id: String,
    /// What was seen.
    pub text: String,
    /// What to do about it.
    pub advice: String,
}

/// Return to an earlier iteration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Restored {
    /// Iteration that the run has gone back to.
    pub iteration: u64,
    /// Plies played by then.
    #[serde(default)]
    pub plies: u64,
    /// The reason.
    pub text: String,
}

/// A message for the user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The message.
    pub text: String,
}

/// Failure of a sink.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SinkFailure {
    /// Name of the sink.
    pub sink: String,
    /// The error.
    pub error: String,
    /// Failures of this sink since the process started, this one included.
    pub failures: u64,
    /// Whether the sink now rests for a while.
    pub resting: bool,
}

/// End of a run, or of its current part.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct RunEnded {
    /// Iterations done.
    pub iteration: u64,
    /// Plies played.
    pub plies: u64,
    /// Games finished.
    pub games: u64,
    /// Seconds that the run has taken, earlier parts included.
    pub seconds: f64,
    /// Whether a signal or a key stopped it before its budget was spent.
    pub interrupted: bool,
    /// SHA-256 of the state.
    pub digest: String,
}
