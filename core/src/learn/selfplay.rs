//! Self-play: the games of a [`VecGame`], advanced together by the policy that learns with one batched forward pass a ply.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use super::learner::LearnError;
use super::material::{material_score, material_value};
use super::rollout::{Mover, Rollout, Span, Step, StepEnd, Tail};
use crate::encoding::{Action, Actions, PackedObservation};
use crate::env::{Games, Opening, Outputs, VecGame};
use crate::evaluator::{Batch, Evaluator, Predictions, Rows};
use crate::format::record::{PlyInfo, Record};
use crate::net::Value;
use crate::random::{Purpose, Stream};
use crate::search::policy;
use crate::shogi::{Color, Game, GameResult, MAX_MOVES, Move, Outcome, Position, Square};

/// Settings of self-play.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SelfPlaySettings {
    /// Games advanced together, at least 1.
    pub games: usize,
    /// Plies of each slot in a rollout, at least 1.
    pub horizon: usize,
    /// Ply limit of a game, 0 for none.
    pub max_plies: u16,
    /// Largest number of random plies at the start of a game.
    pub opening_plies: usize,
    /// Largest number of random plies at the start of each slot's first game.
    pub first_opening_plies: usize,
    /// Largest number of finished games that each part of a rollout keeps as records.
    pub records_per_part: usize,
}

/// Games that begin with a random number of random plies from the usual start position.
#[derive(Clone, Debug)]
pub struct RandomPlies {
    seed: u64,
    most: usize,
    /// Most random plies of each slot's first game: longer openings spread these games over all phases, so that they do not
    /// end together.
    most_at_first: usize,
}

impl RandomPlies {
    /// The openings of self-play with these settings and this seed.
    pub fn new(settings: &SelfPlaySettings, seed: u64) -> Self {
        Self { seed, most: settings.opening_plies, most_at_first: settings.first_opening_plies }
    }
}

impl Opening for RandomPlies {
    fn begin(&self, slot: usize, number: u64, game: &mut Game) {
        let mut stream = Stream::new(self.seed, Purpose::Opening, slot as u64, number);
        let most = if number == 0 { self.most_at_first } else { self.most };
        loop {
            game.restart(&Position::startpos());
            for _ in 0..stream.below(most + 1) {
                let moves = game.position().legal_moves();
                if game.outcome().is_some() || moves.is_empty() {
                    break;
                }
                game.play_unchecked(moves[stream.below(moves.len())]);
            }
            if game.outcome().is_none() {
                return;
            }
        }
    }
}

/// The games of self-play, which go on from one rollout to the next.
pub struct SelfPlay {
    settings: SelfPlaySettings,
    seed: u64,
    games: VecGame<RandomPlies>,
    notes: Vec<Notes>,
}

/// Notes on the game in one slot, for its record.
#[derive(Default)]
struct Notes {
    /// Random plies at the start of the game.
    opening: usize,
    /// Predictions at the plies since; those before a resume are not known.
    thoughts: Vec<Thought>,
}

/// Prediction of the network before a ply, from the side to move.
struct Thought {
    value: Value,
    /// Most probable moves with their probabilities, the best first.
    top: [(Move, f32); Thought::KEPT],
    kept: usize,
}

impl Thought {
    const KEPT: usize = 3;

    fn new(value: Value, probabilities: &[f32], moves: &[Move]) -> Self {
        let mut thought = Self { value, top: [(NO_MOVE, 0.0); Self::KEPT], kept: 0 };
        for (&p, &mv) in probabilities.iter().zip(moves) {
            // Behind all moves that are at least as probable.
            let place = thought.top[..thought.kept].iter().rposition(|&(_, kept)| kept >= p).map_or(0, |at| at + 1);
            if place < Self::KEPT {
                thought.kept = Self::KEPT.min(thought.kept + 1);
                thought.top[place..thought.kept].rotate_right(1);
                thought.top[place] = (mv, p);
            }
        }
        thought
    }

    fn info(&self) -> PlyInfo {
        PlyInfo { value: Some(self.value), top: self.top[..self.kept].to_vec(), line: Vec::new() }
    }
}

/// State of a slot of games in a checkpoint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SlotState {
    /// SFEN of the start position.
    pub start: String,
    /// Moves from there, as [`Move::to_u16`] writes them.
    pub moves: Vec<u16>,
    /// Games started in the slot, this one included.
    pub started: u64,
    /// Random plies at the start of this game.
    pub opening: u32,
}

/// Statistics of a rollout: the games that ended, and the entropy of the policy.
#[derive(Default)]
pub struct Collected {
    /// Number of games that ended, by the [id](crate::shogi::Reason::id) of the reason.
    pub reasons: BTreeMap<&'static str, u64>,
    /// Lengths of those games in plies.
    pub lengths: Vec<u16>,
    /// Wins of Black, wins of White, draws.
    pub results: [u64; 3],
    /// Records of some of these games.
    pub records: Vec<Record>,
    /// Normalised entropy H / ln(legal moves), summed over plies with more than one legal move, and the number of these plies.
    normalized_entropy: (f64, u64),
}

impl Collected {
    /// Number of games that ended.
    pub fn games(&self) -> u64 {
        self.lengths.len() as u64
    }

    /// Mean normalised entropy H / ln(legal moves), 0–1, over the plies with more than one legal move.
    pub fn mean_entropy(&self) -> f64 {
        let (sum, choices) = self.normalized_entropy;
        sum / choices.max(1) as f64
    }

    fn absorb(&mut self, other: Collected) {
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.lengths.extend(other.lengths);
        for (sum, count) in self.results.iter_mut().zip(other.results) {
            *sum += count;
        }
        self.records.extend(other.records);
        self.normalized_entropy.0 += other.normalized_entropy.0;
        self.normalized_entropy.1 += other.normalized_entropy.1;
    }

    fn note_outcome(&mut self, outcome: Outcome, plies: usize) {
        *self.reasons.entry(outcome.reason.id()).or_default() += 1;
        self.lengths.push(plies as u16);
        match outcome.result {
            GameResult::Win(Color::Black) => self.results[0] += 1,
            GameResult::Win(Color::White) => self.results[1] += 1,
            GameResult::Draw => self.results[2] += 1,
            GameResult::Truncated => {}
        }
    }

    fn note_entropy(&mut self, probabilities: &[f32]) {
        if probabilities.len() > 1 {
            let entropy: f32 = probabilities.iter().filter(|&&p| p > 0.0).map(|&p| -p * libm::logf(p)).sum();
            self.normalized_entropy.0 += f64::from(entropy) / libm::log(probabilities.len() as f64);
            self.normalized_entropy.1 += 1;
        }
    }
}

impl SelfPlay {
    /// Starts all games, with random openings of different lengths, so that they do not end together.
    pub fn new(settings: SelfPlaySettings, actions: Actions, seed: u64) -> Self {
        let opening = RandomPlies::new(&settings, seed);
        let games = VecGame::with_opening(settings.games, actions, settings.max_plies, opening);
        let notes = (0..games.len()).map(|slot| Notes::of(games.game(slot))).collect();
        Self { settings, seed, games, notes }
    }

    /// The game in slot 0, for display.
    pub fn first_game(&self) -> &Game {
        self.games.game(0)
    }

    /// States of all slots, for a checkpoint.
    pub fn state(&self) -> Vec<SlotState> {
        let state = |(slot, notes): (usize, &Notes)| {
            let game = self.games.game(slot);
            SlotState {
                start: game.start().to_sfen(),
                moves: game.moves().iter().map(|mv| mv.to_u16()).collect(),
                started: self.games.number(slot) + 1,
                opening: notes.opening as u32,
            }
        };
        self.notes.iter().enumerate().map(state).collect()
    }

    /// Continues the games of a checkpoint.
    ///
    /// # Errors
    /// Names the first game that cannot be continued, or a number of games that differs from the settings.
    pub fn restore(&mut self, states: &[SlotState]) -> Result<(), SlotError> {
        if states.len() != self.games.len() {
            return Err(SlotError::Count { found: states.len(), expected: self.games.len() });
        }
        for (slot, state) in states.iter().enumerate() {
            let refused = |reason| SlotError::Game { slot, reason };
            let game = state.game(self.settings.max_plies).map_err(refused)?;
            let number = state.started.checked_sub(1).ok_or_else(|| refused("it was never started".into()))?;
            self.games.resume(slot, game, number).map_err(|error| refused(format!("{error}")))?;
            self.notes[slot] = Notes { opening: state.opening as usize, thoughts: Vec::new() };
        }
        Ok(())
    }

    /// Splits games and rollout into at most `count` parts of about the same size, one for each thread of the caller: each is
    /// [played](Part::play) on its own, and their shares are [gathered](Rollout::gather) in the same order.
    ///
    /// The moves do not depend on `count`; the choice of games that are kept as records does.
    pub fn parts<'a>(&'a mut self, count: usize, rollout: &'a mut Rollout) -> impl Iterator<Item = Part<'a>> {
        let size = self.games.len().div_ceil(count.max(1));
        let Self { settings, seed, games, notes } = self;
        let (settings, seed) = (&*settings, *seed);
        rollout.clear(settings.games, settings.horizon);
        let rows = rollout.steps.chunks_mut(size * settings.horizon).zip(notes.chunks_mut(size));
        games.chunks_mut(size).zip(rows).map(move |(games, (steps, notes))| Part {
            settings,
            seed,
            games,
            notes,
            steps,
        })
    }
}

impl Notes {
    /// Notes on a game that has just begun.
    fn of(game: &Game) -> Self {
        Self { opening: game.moves().len(), thoughts: Vec::new() }
    }

    /// Record of the finished game, if the predictions at all of its plies are known.
    fn record(&self, game: &Game) -> Option<Record> {
        if self.thoughts.len() + self.opening != game.moves().len() {
            return None;
        }
        // The network made no prediction in the random opening.
        let mut infos = vec![PlyInfo::default(); self.opening];
        infos.extend(self.thoughts.iter().map(Thought::info));
        Some(Record::of_game(game, "self-play", "self-play", infos))
    }
}

impl SlotState {
    fn game(&self, max_plies: u16) -> Result<Game, String> {
        let start = Position::from_sfen(&self.start).map_err(|error| format!("start {}: {error}", self.start))?;
        let mut game = Game::new(start, max_plies);
        for (ply, &bits) in self.moves.iter().enumerate() {
            let ply = ply + 1;
            let mv = Move::from_u16(bits).ok_or_else(|| format!("ply {ply}: {bits} is not a move"))?;
            game.try_play(mv).map_err(|error| format!("ply {ply}: {mv}: {error}"))?;
        }
        match game.outcome() {
            Some(Outcome { reason, .. }) => {
                Err(format!("ply {}: it is over, {reason}, and cannot go on", self.moves.len()))
            }
            None => Ok(game),
        }
    }
}

/// Reason why the games of a checkpoint cannot be continued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SlotError {
    /// The number of games differs from the settings.
    Count {
        /// Games in the checkpoint.
        found: usize,
        /// Games in the settings.
        expected: usize,
    },
    /// A game cannot be continued.
    Game {
        /// Slot of the game.
        slot: usize,
        /// Defect of the game, with its ply.
        reason: String,
    },
}

impl fmt::Display for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { found, expected } => {
                write!(f, "the checkpoint holds {found} games, selfplay.envs is {expected}")
            }
            Self::Game { slot, reason } => write!(f, "game {slot} of the checkpoint: {reason}"),
        }
    }
}

impl core::error::Error for SlotError {}

/// Some of the games with their rows of the rollout, for one thread.
pub struct Part<'a> {
    settings: &'a SelfPlaySettings,
    seed: u64,
    games: Games<'a, RandomPlies>,
    notes: &'a mut [Notes],
    /// One row for each game.
    steps: &'a mut [Step],
}

/// Results of a part besides its steps, which it has written into the rollout.
pub struct Share {
    /// Number of steps of the part.
    plies: usize,
    /// Legal actions of all its plies.
    legal: Vec<Action>,
    collected: Collected,
}

/// Position in which a row or a game was cut: the return is bootstrapped from its value.
struct Cut {
    /// Index of the step before the position.
    step: usize,
    observation: PackedObservation,
    material: Value,
}

impl Part<'_> {
    /// Plays `horizon` plies in every slot by the policy of `evaluator` at temperature 1, and writes the rows.
    ///
    /// Moves are drawn with random numbers keyed by `iteration` and the game's slot.
    ///
    /// # Errors
    /// If the network's output is not finite, or the device fails.
    ///
    /// # Panics
    /// Never: only legal actions are played.
    pub fn play(mut self, evaluator: &mut dyn Evaluator, iteration: u64) -> Result<Share, LearnError> {
        let (games, horizon) = (self.games.len(), self.settings.horizon);
        let stream = |row| Stream::new(self.seed, Purpose::Sampling, iteration, (self.games.first() + row) as u64);
        let mut streams: Vec<Stream> = (0..games).map(stream).collect();
        let mut positions = Positions::new(games);
        let mut share = Share { plies: self.steps.len(), legal: Vec::new(), collected: Collected::default() };
        let mut cuts: Vec<Cut> = Vec::new();
        let mut chosen: Vec<Action> = vec![Action(0); games];
        self.games.observe(positions.outputs()).expect("the buffers have a row for each game");

        for t in 0..horizon {
            positions.fill_batch();
            let predictions = finite(evaluator.evaluate(&positions.batch)?, iteration)?;
            for row in 0..games {
                let (actions, moves) = (positions.batch.legal().row(row), positions.batch_moves.row(row));
                let wdl = predictions.get(row).wdl.softmax();
                let probabilities = predictions.logits_mut(row);
                policy::softmax(probabilities, 1.0);
                let choice = policy::draw(probabilities, streams[row].uniform());
                chosen[row] = actions[choice];
                share.collected.note_entropy(probabilities);
                self.notes[row].thoughts.push(Thought::new(wdl.value(), probabilities, moves));
                let position = self.games.game(row).position();
                self.steps[row * horizon + t] = Step {
                    observation: positions.observations[row],
                    legal: Span { start: share.legal.len() as u32, count: actions.len() as u16 },
                    action: actions[choice],
                    mover: Mover::Learner,
                    log_prob: libm::logf(probabilities[choice]),
                    wdl,
                    material: material_value(position),
                    score: material_score(position),
                    end: StepEnd::Continues,
                    tail: None,
                };
                share.legal.extend_from_slice(actions);
            }

            let Self { games, notes, steps, settings, .. } = &mut self;
            let ended = |row: usize, game: &Game, outcome: Outcome| {
                let mover = game.position().side_to_move().flip();
                let step = row * horizon + t;
                steps[step].end = StepEnd::of(outcome, mover);
                if steps[step].end == StepEnd::Truncated {
                    cuts.push(Cut::at(step, game));
                }
                share.collected.note_outcome(outcome, game.moves().len());
                if share.collected.records.len() < settings.records_per_part {
                    share.collected.records.extend(notes[row].record(game));
                }
            };
            games.step_observed(&chosen, positions.outputs(), ended).expect("only legal actions are chosen");
            for row in 0..games.len() {
                let step = row * horizon + t;
                if steps[step].end != StepEnd::Continues {
                    notes[row] = Notes::of(games.game(row));
                } else if t + 1 == horizon {
                    cuts.push(Cut::at(step, games.game(row)));
                }
            }
        }
        self.estimate_cuts(&cuts, evaluator, iteration)?;
        Ok(share)
    }

    /// Evaluates the positions in which rows and games were cut.
    fn estimate_cuts(&mut self, cuts: &[Cut], evaluator: &mut dyn Evaluator, iteration: u64) -> Result<(), LearnError> {
        let mut batch = Batch::new();
        for part in cuts.chunks(self.games.len()) {
            batch.clear();
            for cut in part {
                batch.push(cut.observation, []);
            }
            let predictions = finite(evaluator.evaluate(&batch)?, iteration)?;
            for (cut, prediction) in part.iter().zip(predictions.iter()) {
                self.steps[cut.step].tail = Some(Tail { wdl: prediction.wdl.softmax(), material: cut.material });
            }
        }
        Ok(())
    }
}

impl Cut {
    fn at(step: usize, game: &Game) -> Self {
        let material = material_value(game.position());
        Self { step, observation: PackedObservation::new(game), material }
    }
}

impl Rollout {
    /// Appends the shares of all parts, in the order of the parts, and returns their statistics together.
    pub fn gather(&mut self, shares: impl IntoIterator<Item = Share>) -> Collected {
        let mut collected = Collected::default();
        let mut steps = self.steps.iter_mut();
        for share in shares {
            let offset = self.legal.len() as u32;
            steps.by_ref().take(share.plies).for_each(|step| step.legal.start += offset);
            self.legal.extend(share.legal);
            collected.absorb(share.collected);
        }
        collected
    }
}

/// Placeholder in buffers of moves.
const NO_MOVE: Move = Move::normal(Square::ALL[0], Square::ALL[0]);

/// Buffers for the positions of one ply.
struct Positions {
    observations: Vec<PackedObservation>,
    /// Legal actions in the order of the move generator, `[games, MAX_MOVES]`; the moves likewise.
    actions: Vec<Action>,
    moves: Vec<Move>,
    counts: Vec<u16>,
    /// The legal actions of one game with their moves, for sorting.
    pairs: Vec<(Action, Move)>,
    /// Input of the evaluator, with legal actions in rising order: moves are drawn in this order.
    batch: Batch,
    /// The moves of the batch's legal actions.
    batch_moves: Rows<Move>,
}

impl Positions {
    fn new(games: usize) -> Self {
        Self {
            observations: vec![PackedObservation::EMPTY; games],
            actions: vec![Action(0); games * MAX_MOVES],
            moves: vec![NO_MOVE; games * MAX_MOVES],
            counts: vec![0; games],
            pairs: Vec::with_capacity(MAX_MOVES),
            batch: Batch::new(),
            batch_moves: Rows::new(),
        }
    }

    fn outputs(&mut self) -> Outputs<'_> {
        Outputs {
            observations: &mut self.observations,
            legal: &mut self.actions,
            legal_moves: &mut self.moves,
            legal_counts: &mut self.counts,
            ..Outputs::default()
        }
    }

    fn fill_batch(&mut self) {
        self.batch.clear();
        self.batch_moves.clear();
        let rows = self.actions.chunks_exact(MAX_MOVES).zip(self.moves.chunks_exact(MAX_MOVES));
        for ((actions, moves), (&count, &observation)) in rows.zip(self.counts.iter().zip(&self.observations)) {
            self.pairs.clear();
            self.pairs.extend(actions.iter().copied().zip(moves.iter().copied()).take(usize::from(count)));
            self.pairs.sort_unstable_by_key(|&(action, _)| action);
            self.batch.push(observation, self.pairs.iter().map(|&(action, _)| action));
            self.batch_moves.push(self.pairs.iter().map(|&(_, mv)| mv));
        }
    }
}

/// The predictions, if every number in them is finite.
fn finite(predictions: &mut Predictions, iteration: u64) -> Result<&mut Predictions, LearnError> {
    if predictions.is_finite() { Ok(predictions) } else { Err(LearnError::NotFinite { iteration: iteration + 1 }) }
}
