//! Types of a bundle's files, all JSON but for the games. A number that is not finite, or not known, is `null`.

use crate::event::{Alarm, EvaluationMatch, GateMatch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Value of [`Manifest::format`].
pub const FORMAT: &str = "keisei-run-bundle";

/// Version of the format. A reader refuses any other: the files are cheap to export again.
pub const VERSION: u32 = 1;

/// File name of the [`Manifest`].
pub const MANIFEST: &str = "run.json";

/// The bundle: what is in it, and where.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Time of writing, in seconds since 1970 UTC.
    pub written: f64,
    /// Program that wrote it.
    pub program: String,
    /// Address, relative to the manifest, of an event stream (`text/event-stream`) that sends each next manifest as the data of an
    /// event `manifest`; `null` in a bundle of files.
    pub events: Option<String>,
    /// Runs, the first one's curve first.
    pub runs: Vec<RunEntry>,
    /// Tournaments.
    pub tournaments: Vec<TournamentEntry>,
}

/// File of the bundle.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Chunk {
    /// Name beside the manifest.
    pub file: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content in lower-case hexadecimal digits, of which the name has the first 16.
    pub sha256: String,
}

/// A run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunEntry {
    /// Name; no two runs of a bundle have the same.
    pub name: String,
    /// State: `starting`, `training`, `paused`, `stopping`, `ended`, `stopped` or `killed`.
    pub state: String,
    /// Start, in seconds since 1970 UTC.
    pub began: f64,
    /// Iterations done.
    pub iteration: u64,
    /// Plies played.
    pub plies: u64,
    /// Plies at which the run is to end, 0 for never.
    pub budget_plies: u64,
    /// Games finished.
    pub games_played: u64,
    /// Seconds that it has taken.
    pub seconds: f64,
    /// Name of the learner.
    pub learner: String,
    /// Revision of the sources.
    pub revision: String,
    /// Number of weights of the network.
    pub weights: usize,
    /// Ids of the alarms in force.
    pub alarms: Vec<String>,
    /// [`CurveChunk`]s by the group of their metrics.
    pub curves: BTreeMap<String, Chunk>,
    /// The [`Story`].
    pub story: Chunk,
    /// Games that were recorded.
    pub games: GameSet,
}

/// A tournament.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TournamentEntry {
    /// Name.
    pub name: String,
    /// Its games.
    pub games: GameSet,
}

/// Games of one origin.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GameSet {
    /// Number of games in the bundle.
    pub count: usize,
    /// Number of games of which the bundle holds one: 1 if it holds all.
    pub stride: usize,
    /// The [`GameIndex`]; `null` if there are no games.
    pub index: Option<Chunk>,
}

/// Curves of the metrics of one group. All columns have one entry for each point.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CurveChunk {
    /// Iterations that one point stands for, a power of two.
    pub iterations_per_point: u64,
    /// Last iteration of each point.
    pub iteration: Vec<u64>,
    /// Plies played by then.
    pub plies: Vec<u64>,
    /// Seconds that the run had taken by then.
    pub seconds: Vec<f64>,
    /// The curves.
    pub curves: Vec<CurveColumns>,
}

/// Curve of one metric, or of one part of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CurveColumns {
    /// Key in the [table of metrics](crate::metrics).
    pub key: String,
    /// Part of a metric that has several: a reason, or whose wins. Such a curve is a share of the games that ended.
    pub part: String,
    /// Mean over the iterations of each point; `null` where none of them tells the metric.
    pub mean: Vec<Option<f64>>,
    /// Smallest value among these iterations; `null` instead of the column if a point is one iteration.
    pub low: Option<Vec<Option<f64>>>,
    /// Largest value.
    pub high: Option<Vec<Option<f64>>>,
}

/// Events of a run but for its iterations, and its settings.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Story {
    /// Matches against known players, in the order of play.
    pub evaluations: Vec<EvaluationMatch>,
    /// Matches of new agents against the best so far.
    pub gates: Vec<GateMatch>,
    /// Alarms that were raised.
    pub alarms: Vec<Alarm>,
    /// Rating history.
    pub ratings: Vec<Rating>,
    /// Keys and values of all settings.
    pub settings: Vec<(String, String)>,
}

/// Rating of the agent of an iteration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rating {
    /// Iteration of the agent.
    pub iteration: u64,
    /// Plies that it had learned from.
    pub plies: u64,
    /// Measurement that it comes from.
    pub source: RatingSource,
    /// Player whose rating is 0.
    pub anchor: String,
    /// Rating in Elo; `null` if it won or lost every game.
    pub elo: Option<f64>,
    /// Lower bound of the 95 % interval; `null` where the games set none.
    pub low: Option<f64>,
    /// Upper bound of the 95 % interval; `null` where the games set none.
    pub high: Option<f64>,
    /// Number of games.
    pub games: u64,
}

/// Measurement behind a rating.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RatingSource {
    /// Score of an evaluation against the anchor.
    Evaluation,
    /// Matches of the gate, one on the other; the first best agent is the anchor.
    Gate,
    /// Tournament of `rate --write-rating`.
    Tournament,
}

/// Index of a game set: a column entry for each game, in the order of play.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct GameIndex {
    /// Names of the players, which `black` and `white` count from 0.
    pub players: Vec<String>,
    /// Ids of the endings, which `ending` counts from 0. The last is `unfinished`.
    pub endings: Vec<String>,
    /// Player of the black pieces.
    pub black: Vec<u32>,
    /// Player of the white pieces.
    pub white: Vec<u32>,
    /// Result: 0 Black won, 1 White won, 2 draw, 3 cut off or unfinished.
    pub result: Vec<u8>,
    /// Ending.
    pub ending: Vec<u8>,
    /// Length in plies.
    pub plies: Vec<u16>,
    /// Iteration of the checkpoint with which the game was recorded; 0 for games of no run.
    pub iteration: Vec<u64>,
    /// Record files of the games, in their order.
    pub chunks: Vec<GameChunk>,
    /// Ratings of the players, the strongest first; of tournaments alone.
    pub standings: Vec<Standing>,
}

/// Record file with some of the games of an index.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GameChunk {
    /// The file.
    #[serde(flatten)]
    pub chunk: Chunk,
    /// Number of its games.
    pub games: usize,
}

/// Rating of a player of a tournament.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Standing {
    /// Number of the player.
    pub player: u32,
    /// Rating in Elo above the player that comes first among `players`; `null` if no games link both.
    pub elo: Option<f64>,
    /// Lower bound of the 95 % interval; `null` where the games set none.
    pub low: Option<f64>,
    /// Upper bound of the 95 % interval; `null` where the games set none.
    pub high: Option<f64>,
    /// Number of its games.
    pub games: usize,
}
