//! Self-play: the games of a [`VecGame`], advanced together by the policy that learns with one batched forward pass a ply.
//!
//! In some games the learner meets a frozen opponent instead of itself, see [`Matchmaking`]. The opponent's plies stand in the
//! rollout like the learner's, marked as [`Mover::Opponent`]; they are played by the opponent's network, in a batch of its own, at
//! temperature 1.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use core::fmt;
use core::ops::Range;

use serde::{Deserialize, Serialize};

use super::error::LearnError;
use super::matchmaking::{Matchmaking, Meeting};
use super::material::{material_score, material_value};
use super::reduce::{self, Reduce};
use super::rollout::{Lesson, Mover, Past, Rollout, Span, Step, StepEnd, Tail};
use crate::encoding::{Action, Actions, Counters, PackedObservation};
use crate::env::{Games, Opening, Outputs, Starts, VecGame};
use crate::evaluator::{Batch, Evaluator, Predictions, Rows};
use crate::format::record::{self, PlyInfo, Record};
use crate::net::{Value, Wdl};
use crate::random::{Purpose, Stream};
use crate::search::{mate, policy};
use crate::shogi::{Color, Game, GameResult, MAX_MOVES, Move, Outcome, Position, Square};

/// Settings of self-play.
#[derive(Clone, PartialEq, Debug)]
pub struct SelfPlaySettings {
    /// Games advanced together, at least 1; those of all ranks.
    pub games: usize,
    /// Plies of each slot in a rollout, at least 1.
    pub horizon: usize,
    /// Ply limit of a game, 0 for none.
    pub max_plies: u16,
    /// Largest number of random plies at the start of a game.
    pub opening_plies: usize,
    /// Largest number of random plies at the start of each slot's first game.
    pub first_opening_plies: usize,
    /// Largest number of finished games that a rollout keeps as records: those that end first, by slot among equals.
    pub records: usize,
    /// Proved mates.
    pub mates: Mates,
    /// Share of the games that begin in a position of an earlier game, 0–1.
    pub starts: f32,
    /// Share of the games that begin in the mirror, with left and right exchanged, 0–1.
    pub mirrored: f32,
    /// Positions of each game against oneself that ends by the rules of which the value head learns the result.
    pub past: usize,
}

/// Mates that self-play proves before a move, so that they are [taught](super::Coefficients::mate_coef) and games end.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Mates {
    /// Plies of the longest mate that is looked for, an odd number of at most [`MAX_PLIES`](crate::search::mate::MAX_PLIES); 0 to
    /// look for none.
    pub plies: usize,
    /// Share of the proved mates whose first move is played in place of the move drawn from the policy, 0–1.
    pub taken: f32,
    /// Random legal moves of each ply behind which a mate in one is looked for, see [`Lesson`]: many more positions to learn mates
    /// from than the one with which a game ends.
    pub lessons: usize,
}

impl Mates {
    /// Most positions that are looked at for a mate in more than one ply.
    const NODES: u32 = 400;

    /// Move that begins the shortest mate in the game's position, if one is found.
    fn find(self, game: &Game) -> Option<Move> {
        match self.plies {
            0 => None,
            // No repetition comes before the end of the game.
            1 => mate::solve(game.position(), 1, 0, &[]),
            plies => {
                let repeated: Vec<u64> = game.repeated_keys().collect();
                mate::solve(game.position(), plies, Self::NODES, &repeated)
            }
        }
        .map(|line| line[0])
    }

    /// Lessons at the current position of `game`, with the legal actions of each behind those in `legal`; `moves` are its legal moves.
    fn lessons<'a>(
        self,
        game: &'a Game,
        moves: &'a [Move],
        actions: Actions,
        stream: &'a mut Stream,
        legal: &'a mut Vec<Action>,
    ) -> impl Iterator<Item = Past> {
        let Counters { plies, max_plies, .. } = Counters::of(game);
        let counters = Counters { repetition: 1, plies: plies.saturating_add(1), max_plies };
        (0..self.lessons).filter_map(move |_| {
            let mut position = game.position().clone();
            position.play_unchecked(moves[stream.below(moves.len())]);
            let mate = mate::solve(&position, 1, 0, &[])?[0];
            let choices = actions.legal(&position);
            let place = choices.moves().iter().position(|&mv| mv == mate).expect("a mate is a legal move");
            let span = Span { start: legal.len() as u32, count: choices.len() as u16 };
            legal.extend(choices.actions());
            Some(Past {
                observation: PackedObservation::of_position(&position, counters),
                result: Wdl::WIN,
                plies: 1,
                score: material_score(&position),
                lesson: Some(Lesson { legal: span, mate: choices.actions()[place] }),
            })
        })
    }
}

/// Least probability of a move that is played because it mates: below, its logarithm is rounded too much.
const LEAST_TAKEN: f32 = 1e-30;

/// Most positions of earlier games that games may begin in.
const STARTS: usize = 1024;

/// Number of slots, the first ones, whose games are noted and may become records. It bounds the memory of the notes, 24 bytes a
/// ply, and their share of a checkpoint, however many games are played.
const NOTED: usize = 1024;

/// Games that begin with a random number of random plies from the usual start position, some of them in the mirror; or in a
/// position of an earlier game.
#[derive(Clone, Debug)]
pub struct RandomPlies {
    seed: u64,
    most: usize,
    /// Most random plies of each slot's first game: longer openings spread these games over all phases, so that they do not
    /// end together.
    most_at_first: usize,
    mirrored: f32,
    /// Share of the games that begin in one of the positions.
    share: f32,
    /// Positions of earlier games, the oldest first.
    positions: VecDeque<Position>,
}

impl RandomPlies {
    /// The openings of self-play with these settings and this seed.
    pub fn new(settings: &SelfPlaySettings, seed: u64) -> Self {
        Self {
            seed,
            most: settings.opening_plies,
            most_at_first: settings.first_opening_plies,
            mirrored: settings.mirrored,
            share: settings.starts,
            positions: VecDeque::new(),
        }
    }

    /// Most random plies of game `number` of a slot.
    fn most(&self, number: u64) -> usize {
        if number == 0 { self.most_at_first } else { self.most }
    }

    /// Takes up positions of games that have ended, and forgets the oldest beyond [`STARTS`].
    fn remember(&mut self, positions: impl IntoIterator<Item = Position>) {
        self.positions.extend(positions);
        self.positions.drain(..self.positions.len().saturating_sub(STARTS));
    }
}

impl Opening for RandomPlies {
    fn begin(&self, slot: usize, number: u64, game: &mut Game) {
        let mut stream = Stream::new(self.seed, Purpose::Start, slot as u64, number);
        let is_mirrored = stream.uniform() < self.mirrored;
        let start = |position: &Position| if is_mirrored { position.mirrored() } else { position.clone() };
        if stream.uniform() < self.share && !self.positions.is_empty() {
            game.restart(&start(&self.positions[stream.below(self.positions.len())]));
            return;
        }
        let usual = start(&Position::startpos());
        let mut stream = Stream::new(self.seed, Purpose::Opening, slot as u64, number);
        let most = self.most(number);
        loop {
            game.restart(&usual);
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
    /// Slots of its games, among those of all ranks.
    slots: Range<usize>,
    games: VecGame<RandomPlies>,
    /// Notes on the game in each slot; `None` on one that will not be recorded.
    notes: Vec<Option<Notes>>,
    /// Whom the learner meets in each slot; `None` if it plays both sides.
    meetings: Vec<Option<Meeting>>,
}

/// Evaluators of frozen opponents, by their id.
pub type Opponents = BTreeMap<u32, Box<dyn Evaluator + Send>>;

/// Notes on a game in progress, for its record: the opening and the predictions at every ply since.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Notes {
    /// Random plies at the start of the game.
    pub opening: u32,
    /// Predictions at the plies since.
    pub thoughts: Vec<Thought>,
}

/// Prediction of the network that plays a ply, before it, from the side to move.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Thought {
    /// Value of the position.
    pub value: Value,
    /// Most probable moves, the best first, as [`Move::to_u16`] writes them; 0, which is no move, where there are fewer.
    pub top: [u16; Self::KEPT],
    /// Probabilities of these moves.
    pub probabilities: [f32; Self::KEPT],
}

impl Thought {
    /// Number of moves that are kept.
    pub const KEPT: usize = 3;

    fn new(value: Value, probabilities: &[f32], moves: &[Move]) -> Self {
        let mut thought = Self { value, top: [0; Self::KEPT], probabilities: [0.0; Self::KEPT] };
        let mut kept = 0;
        for (&p, &mv) in probabilities.iter().zip(moves) {
            // Behind all moves that are at least as probable.
            let place = thought.probabilities[..kept].iter().rposition(|&other| other >= p).map_or(0, |at| at + 1);
            if place < Self::KEPT {
                kept = Self::KEPT.min(kept + 1);
                thought.top[place..kept].rotate_right(1);
                thought.probabilities[place..kept].rotate_right(1);
                (thought.top[place], thought.probabilities[place]) = (mv.to_u16(), p);
            }
        }
        thought
    }

    /// The kept moves with their probabilities, the best first.
    fn candidates(&self) -> impl Iterator<Item = (Move, f32)> {
        let moves = self.top.iter().map_while(|&bits| Move::from_u16(bits));
        moves.zip(self.probabilities)
    }

    fn info(&self) -> PlyInfo {
        PlyInfo { value: Some(self.value), top: self.candidates().collect(), line: Vec::new() }
    }

    /// Checks that a record may hold the prediction at `position`.
    fn check(&self, position: &Position) -> Result<(), String> {
        if !(-1.0..=1.0).contains(&self.value.0) {
            return Err(format!("value {} is outside [-1, 1]", self.value.0));
        }
        for (&bits, p) in self.top.iter().zip(self.probabilities) {
            let is_legal = Move::from_u16(bits).map_or(bits == 0, |mv| position.is_legal(mv));
            if !is_legal || !(0.0..=1.0).contains(&p) {
                return Err(format!("candidate {bits} with probability {p} is not possible"));
            }
        }
        Ok(())
    }
}

/// State of a slot of games in a checkpoint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SlotState {
    /// SFEN of the start position.
    pub start: Cow<'static, str>,
    /// Moves from there, as [`Move::to_u16`] writes them.
    pub moves: Vec<u16>,
    /// Games started in the slot, this one included.
    pub started: u64,
    /// Notes on the game; `None` if it will not be recorded.
    pub notes: Option<Notes>,
    /// Whom the learner meets in the game; `None` if it plays both sides.
    pub meeting: Option<Meeting>,
}

/// A game that ended in a rollout.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EndedGame {
    /// Ply of the rollout at which it ended, counted from 0, and its slot: their order does not depend on threads.
    pub place: (usize, usize),
    /// Outcome.
    pub outcome: Outcome,
    /// Length in plies.
    pub plies: u16,
    /// Hash of all of its moves: equal for games that are the same.
    pub moves_hash: u64,
    /// The same of its first 16 plies at most.
    pub opening_hash: u64,
    /// Whom the learner met in it; `None` if it played both sides.
    pub meeting: Option<Meeting>,
}

impl EndedGame {
    /// Plies that count as a game's opening.
    pub const OPENING: usize = 16;

    /// End of a game against an opponent, from the learner's view: the opponent's id, and the end. `None` if the learner played
    /// both sides.
    pub fn against_opponent(&self) -> Option<(u32, StepEnd)> {
        self.meeting.map(|Meeting { opponent, learner }| (opponent, StepEnd::of(self.outcome, learner)))
    }

    fn new(place: (usize, usize), game: &Game, outcome: Outcome, meeting: Option<Meeting>) -> Self {
        let moves = game.moves();
        let hash = |moves: &[Move]| {
            // FNV-1a: a repeated game is to be noticed, not proved.
            let step = |hash: u64, mv: &Move| (hash ^ u64::from(mv.to_u16())).wrapping_mul(0x0100_0000_01b3);
            moves.iter().fold(0xcbf2_9ce4_8422_2325, step)
        };
        let opening_hash = hash(&moves[..moves.len().min(Self::OPENING)]);
        Self { place, outcome, plies: moves.len() as u16, moves_hash: hash(moves), opening_hash, meeting }
    }
}

/// Statistics of a rollout: the games that ended, and the entropy of the learner's policy.
#[derive(Default)]
pub struct Collected {
    /// Number of games that ended, by the [id](crate::shogi::Reason::id) of the reason.
    pub reasons: BTreeMap<&'static str, u64>,
    /// Those games, by the ply and the slot at which they ended.
    pub ended: Vec<EndedGame>,
    /// Wins of Black, wins of White, draws.
    pub results: [u64; 3],
    /// Records of the first of these games, in the order in which they ended.
    pub records: Vec<Record>,
    /// Plies of the rollout at which these ended.
    record_plies: Vec<usize>,
    /// One position of each of these games, if games begin in them, with the place of the game's end.
    pub starts: Vec<((usize, usize), Position)>,
    /// The learner's plies at which a mate was proved, and those of them at which it was drawn from the policy.
    pub mates: [u64; 2],
    /// Normalised entropy H / ln(legal moves), summed over the learner's plies with more than one legal move, and the number of
    /// these plies.
    normalized_entropy: (f64, u64),
    /// Greatest probability of a move, summed over the same plies.
    top_probability: f64,
}

impl Collected {
    /// Number of games that ended.
    pub fn games(&self) -> u64 {
        self.ended.len() as u64
    }

    /// Mean normalised entropy H / ln(legal moves), 0–1, over the learner's plies with more than one legal move.
    pub fn mean_entropy(&self) -> f64 {
        let (sum, choices) = self.normalized_entropy;
        sum / choices.max(1) as f64
    }

    /// Mean of the greatest probability of a move, 0–1, over the same plies.
    pub fn mean_top_probability(&self) -> f64 {
        self.top_probability / self.normalized_entropy.1.max(1) as f64
    }

    /// Statistics of all ranks together, on every rank, of those of this one; an error if one of them has failed. Its records are the
    /// first `most_records` of all.
    ///
    /// # Errors
    /// The error of the first rank that failed, or that a rank is lost.
    ///
    /// # Panics
    /// Never: games of self-play can be recorded.
    pub fn of_all_ranks(
        reduce: &dyn Reduce,
        collected: Result<Self, LearnError>,
        most_records: usize,
    ) -> Result<Self, LearnError> {
        if reduce.ranks() == 1 {
            return collected;
        }
        let told = reduce::agree(reduce, collected.map(|collected| Told::new(&collected)))?;
        let mut all = Self::default();
        let mut records = Vec::new();
        for (rank, told) in told.into_iter().enumerate() {
            let refused = |error: &dyn fmt::Display| LearnError::Rank { rank, reason: format!("{error}") };
            told.ended.into_iter().for_each(|game| all.note_end(game));
            let read = record::from_bytes(&told.records).map_err(|error| refused(&error))?;
            records.extend(told.record_plies.into_iter().zip(read));
            for (place, sfen) in told.starts {
                all.starts.push((place, Position::from_sfen(&sfen).map_err(|error| refused(&error))?));
            }
            all.absorb(Self {
                mates: told.mates,
                normalized_entropy: told.normalized_entropy,
                top_probability: told.top_probability,
                ..Self::default()
            });
        }
        all.put_in_order(records, most_records);
        Ok(all)
    }

    /// Orders what came from several parts by the ends of games, and takes their first `most_records` records.
    fn put_in_order(&mut self, mut records: Vec<(usize, Record)>, most_records: usize) {
        self.ended.sort_unstable_by_key(|game| game.place);
        // The sort is stable and the parts stand in the order of their slots, so the choice does not depend on the parts.
        records.sort_by_key(|&(t, _)| t);
        records.truncate(most_records);
        (self.record_plies, self.records) = records.into_iter().unzip();
        self.starts.sort_by_key(|&(place, _)| place);
    }

    fn absorb(&mut self, other: Collected) {
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.ended.extend(other.ended);
        for (sum, count) in self.results.iter_mut().zip(other.results) {
            *sum += count;
        }
        self.normalized_entropy.0 += other.normalized_entropy.0;
        self.normalized_entropy.1 += other.normalized_entropy.1;
        self.top_probability += other.top_probability;
        for (sum, count) in self.mates.iter_mut().zip(other.mates) {
            *sum += count;
        }
    }

    fn note_end(&mut self, game: EndedGame) {
        *self.reasons.entry(game.outcome.reason.id()).or_default() += 1;
        self.ended.push(game);
        match game.outcome.result {
            GameResult::Win(Color::Black) => self.results[0] += 1,
            GameResult::Win(Color::White) => self.results[1] += 1,
            GameResult::Draw => self.results[2] += 1,
            GameResult::Truncated => {}
        }
    }

    /// Takes note of a ply at which a mate was proved, or not, and whether it was drawn from the policy.
    fn note_mate(&mut self, drawn: Option<bool>) {
        self.mates[0] += u64::from(drawn.is_some());
        self.mates[1] += u64::from(drawn == Some(true));
    }

    fn note_entropy(&mut self, probabilities: &[f32]) {
        if probabilities.len() > 1 {
            let entropy: f32 = probabilities.iter().filter(|&&p| p > 0.0).map(|&p| -p * libm::logf(p)).sum();
            self.normalized_entropy.0 += f64::from(entropy) / libm::log(probabilities.len() as f64);
            self.normalized_entropy.1 += 1;
            self.top_probability += f64::from(probabilities.iter().fold(0.0f32, |top, &p| top.max(p)));
        }
    }
}

/// [`Collected`] as a rank tells it to the others; what follows from the games that ended is left out.
#[derive(Serialize, Deserialize)]
struct Told {
    ended: Vec<EndedGame>,
    /// Records as the bytes of a file, and the plies at which they ended.
    records: Vec<u8>,
    record_plies: Vec<usize>,
    /// Positions as SFEN.
    starts: Vec<((usize, usize), String)>,
    mates: [u64; 2],
    normalized_entropy: (f64, u64),
    top_probability: f64,
}

impl Told {
    fn new(collected: &Collected) -> Self {
        let Collected { ended, records, record_plies, starts, mates, normalized_entropy, top_probability, .. } =
            collected;
        Self {
            ended: ended.clone(),
            records: record::to_bytes(records).expect("games of self-play can be recorded"),
            record_plies: record_plies.clone(),
            starts: starts.iter().map(|(place, position)| (*place, position.to_sfen())).collect(),
            mates: *mates,
            normalized_entropy: *normalized_entropy,
            top_probability: *top_probability,
        }
    }
}

impl SelfPlay {
    /// Starts all games, with random openings of different lengths, so that they do not end together. In these first games the
    /// learner plays both sides.
    pub fn new(settings: SelfPlaySettings, actions: Actions, seed: u64) -> Self {
        let slots = 0..settings.games;
        Self::of_slots(settings, actions, seed, slots)
    }

    /// Starts the games in `slots` alone, a rank's share. They are what they would be among all games. Methods count them from 0.
    ///
    /// # Panics
    /// If there are not so many games.
    pub fn of_slots(settings: SelfPlaySettings, actions: Actions, seed: u64, slots: Range<usize>) -> Self {
        assert!(slots.end <= settings.games, "slots {slots:?} of {}", settings.games);
        let opening = RandomPlies::new(&settings, seed);
        let games = VecGame::of_slots(slots.clone(), actions, settings.max_plies, opening);
        let notes = slots.clone().map(|slot| Notes::of(slot, games.game(slot - slots.start))).collect();
        let meetings = vec![None; games.len()];
        Self { settings, seed, slots, games, notes, meetings }
    }

    /// Number of slots, in each of which one game is in progress.
    pub fn len(&self) -> usize {
        self.games.len()
    }

    /// Whether there is no slot.
    pub fn is_empty(&self) -> bool {
        self.games.is_empty()
    }

    /// The game in `slot`, for display.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn game(&self, slot: usize) -> &Game {
        self.games.game(slot)
    }

    /// Whom the learner meets in the game in `slot`; `None` if it plays both sides.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn meeting(&self, slot: usize) -> Option<Meeting> {
        self.meetings[slot]
    }

    /// Ids of the opponents in games in progress: they must be there until these games have ended.
    pub fn opponents(&self) -> BTreeSet<u32> {
        self.meetings.iter().flatten().map(|meeting| meeting.opponent).collect()
    }

    /// Takes up positions of games that have ended in a rollout, in which later games begin.
    pub fn remember(&mut self, collected: &mut Collected) {
        self.games.opening_mut().remember(collected.starts.drain(..).map(|(_, position)| position));
    }

    /// Positions of earlier games that games begin in, as SFEN, for a checkpoint.
    pub fn starts(&self) -> Vec<String> {
        self.games.opening().positions.iter().map(Position::to_sfen).collect()
    }

    /// Continues with the positions of a checkpoint.
    ///
    /// # Errors
    /// Names the first one in which no game can begin.
    pub fn restore_starts(&mut self, starts: &[String]) -> Result<(), SlotError> {
        let read = |(index, sfen): (usize, &String)| {
            let refused = |reason| SlotError::Start { index, reason };
            let position = Position::from_sfen(sfen).map_err(|error| refused(format!("{sfen}: {error}")))?;
            Starts::new(vec![position.clone()]).map_err(|error| refused(format!("{sfen}: {error}")))?;
            Ok(position)
        };
        let positions: VecDeque<Position> = starts.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        let opening = self.games.opening_mut();
        opening.positions.clear();
        opening.remember(positions);
        Ok(())
    }

    /// States of all slots, for a checkpoint. They are plain copies, cheap enough to be taken after every iteration.
    pub fn state(&self) -> Vec<SlotState> {
        let usual = Position::startpos();
        let state = |(slot, notes): (usize, &Option<Notes>)| {
            let game = self.games.game(slot);
            let is_usual = *game.start() == usual;
            SlotState {
                start: if is_usual { Position::STARTPOS_SFEN.into() } else { game.start().to_sfen().into() },
                moves: game.moves().iter().map(|mv| mv.to_u16()).collect(),
                started: self.games.number(slot) + 1,
                notes: notes.clone(),
                meeting: self.meetings[slot],
            }
        };
        self.notes.iter().enumerate().map(state).collect()
    }

    /// Continues games of a checkpoint, which holds those of all ranks.
    ///
    /// # Errors
    /// Names the first game that cannot be continued, or a number of games that differs from the settings.
    pub fn restore(&mut self, states: &[SlotState]) -> Result<(), SlotError> {
        if states.len() != self.settings.games {
            return Err(SlotError::Count { found: states.len(), expected: self.settings.games });
        }
        for (row, (slot, state)) in self.slots.clone().zip(&states[self.slots.clone()]).enumerate() {
            let refused = |reason| SlotError::Game { slot, reason };
            let game = state.game(self.settings.max_plies).map_err(refused)?;
            let number = state.started.checked_sub(1).ok_or_else(|| refused("it was never started".into()))?;
            self.games.resume(row, game, number).map_err(|error| refused(error.to_string()))?;
            self.notes[row].clone_from(&state.notes);
            self.meetings[row] = state.meeting;
        }
        Ok(())
    }

    /// Splits games and rollout into at most `count` parts of about the same size, one for each thread of the caller: each is
    /// [played](Part::play) on its own, and their shares are [gathered](Rollout::gather) in the same order. Games that begin in
    /// this rollout are matched by `matchmaking`; those in progress keep their opponents.
    ///
    /// Neither the moves nor the choice of games that are kept as records depend on `count`.
    pub fn parts<'a>(
        &'a mut self,
        count: usize,
        matchmaking: &'a Matchmaking,
        rollout: &'a mut Rollout,
    ) -> impl Iterator<Item = Part<'a>> {
        let size = self.games.len().div_ceil(count.max(1));
        let Self { settings, seed, games, notes, meetings, .. } = self;
        let (settings, seed) = (&*settings, *seed);
        rollout.clear(games.len(), settings.horizon);
        let rows = rollout.steps.chunks_mut(size * settings.horizon);
        let slots = notes.chunks_mut(size).zip(meetings.chunks_mut(size));
        games.chunks_mut(size).zip(rows).zip(slots).map(move |((games, steps), (notes, meetings))| Part {
            settings,
            seed,
            matchmaking,
            games,
            notes,
            meetings,
            steps,
        })
    }
}

impl Notes {
    /// Notes on the game that has just begun in `slot`, if games in this slot are noted.
    fn of(slot: usize, game: &Game) -> Option<Self> {
        (slot < NOTED).then(|| Self { opening: game.moves().len() as u32, thoughts: Vec::new() })
    }

    /// Record of the finished game, whose players are named as they met.
    fn record(&self, game: &Game, meeting: Option<Meeting>) -> Record {
        // The network made no prediction in the random opening.
        let mut infos = vec![PlyInfo::default(); self.opening as usize];
        infos.extend(self.thoughts.iter().map(Thought::info));
        let Some(Meeting { opponent, learner }) = meeting else {
            return Record::of_game(game, "self-play", "self-play", infos);
        };
        let opponent = format!("opponent {opponent}");
        let [black, white] = match learner {
            Color::Black => ["learner", &opponent],
            Color::White => [&opponent, "learner"],
        };
        Record::of_game(game, black, white, infos)
    }
}

impl SlotState {
    fn game(&self, max_plies: u16) -> Result<Game, String> {
        let start = Position::from_sfen(&self.start).map_err(|error| format!("start {}: {error}", self.start))?;
        let (opening, thoughts) = match &self.notes {
            Some(Notes { opening, thoughts }) => (*opening as usize, &thoughts[..]),
            None => (self.moves.len(), &[][..]),
        };
        if opening + thoughts.len() != self.moves.len() {
            let thoughts = thoughts.len();
            let plies = self.moves.len();
            return Err(format!("{thoughts} predictions after {opening} random plies, but {plies} plies in all"));
        }
        let mut game = Game::new(start, max_plies);
        for (index, &bits) in self.moves.iter().enumerate() {
            let ply = index + 1;
            if let Some(thought) = index.checked_sub(opening).map(|at| &thoughts[at]) {
                thought.check(game.position()).map_err(|error| format!("ply {ply}: {error}"))?;
            }
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
    /// No game can begin in a position.
    Start {
        /// Index of the position.
        index: usize,
        /// The position and its defect.
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
            Self::Start { index, reason } => write!(f, "start position {index} of the checkpoint: {reason}"),
        }
    }
}

impl core::error::Error for SlotError {}

/// Some of the games with their rows of the rollout, for one thread.
pub struct Part<'a> {
    settings: &'a SelfPlaySettings,
    seed: u64,
    matchmaking: &'a Matchmaking,
    games: Games<'a, RandomPlies>,
    notes: &'a mut [Option<Notes>],
    meetings: &'a mut [Option<Meeting>],
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
    /// Records of the first games to end, each with the ply of the rollout at which it ended; at most `most_records`.
    records: Vec<(usize, Record)>,
    most_records: usize,
    /// Positions of games that ended, each with the place of the end.
    starts: Vec<((usize, usize), Position)>,
    past: Vec<((usize, usize), Past)>,
}

/// Turn in one row; in order, those of the learner come first, then those of each opponent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// The opponent whose turn it is; `None` if it is the learner's.
    opponent: Option<u32>,
    row: usize,
}

/// Position in which a row or a game was cut: the return is bootstrapped from its value.
struct Cut {
    /// Index of the step before the position.
    step: usize,
    observation: PackedObservation,
    material: Value,
}

impl Share {
    /// Takes positions of a game that has ended: one for games to begin in, and those of which the value head learns the result.
    /// They stand behind the game's random plies, which are at most `opening`.
    #[allow(clippy::too_many_arguments, reason = "all that there is to know about the game")]
    fn look_back(
        &mut self,
        place: (usize, usize),
        settings: &SelfPlaySettings,
        game: &Game,
        outcome: Outcome,
        meeting: Option<Meeting>,
        opening: usize,
        mut stream: Stream,
    ) {
        let plies = game.moves().len();
        let Some(played) = plies.checked_sub(opening).filter(|&played| played > 0) else { return };
        let start = opening + stream.below(played);
        let has_result = meeting.is_none() && outcome.result != GameResult::Truncated;
        let past = if has_result { settings.past } else { 0 };
        let mut learnt: Vec<usize> = (0..past).map(|_| opening + stream.below(played)).collect();
        learnt.sort_unstable();
        let mut replay = Game::new(game.start().clone(), game.max_plies());
        for (ply, &mv) in game.moves().iter().enumerate() {
            let position = replay.position();
            if ply == start && settings.starts > 0.0 {
                self.starts.push((place, position.clone()));
            }
            for _ in learnt.iter().filter(|&&learnt| learnt == ply) {
                let result = StepEnd::of(outcome, position.side_to_move()).result().expect("ended by the rules");
                let (observation, score) = (PackedObservation::new(&replay), material_score(position));
                self.past.push((place, Past { observation, result, plies: (plies - ply) as u16, score, lesson: None }));
            }
            replay.play_unchecked(mv);
        }
    }
}

impl Part<'_> {
    /// Plays `horizon` plies in every slot, each by the policy of its player at temperature 1, and writes the rows. `opponents`
    /// holds at least those of games in progress and those that may be met next.
    ///
    /// Moves are drawn with random numbers keyed by `iteration` and the game's slot. A proved mate may be played in place of the move
    /// drawn, see [`Mates`]; its log-probability is that of the policy.
    ///
    /// A row that ends, or a game that is cut off, is bootstrapped from the learner's value of the position reached, whoever is to
    /// move there. Where that is an opponent, the value of the learner's next position, behind a reply that nobody has played, is
    /// estimated as `−γ` times the value of this one: the learner's network values positions from both sides, the rows keep
    /// their length, and a cut needs no network but the learner's.
    ///
    /// # Errors
    /// If a network's output is not finite, an opponent is missing, or the device fails.
    ///
    /// # Panics
    /// Never: only legal actions are played.
    pub fn play(
        mut self,
        learner: &mut dyn Evaluator,
        opponents: &mut Opponents,
        iteration: u64,
    ) -> Result<Share, LearnError> {
        let (games, horizon) = (self.games.len(), self.settings.horizon);
        let stream = |row| Stream::new(self.seed, Purpose::Sampling, iteration, (self.games.first() + row) as u64);
        let mut streams: Vec<Stream> = (0..games).map(stream).collect();
        let aside = |row| Stream::new(self.seed, Purpose::Aside, iteration, (self.games.first() + row) as u64);
        let mut asides: Vec<Stream> = (0..games).map(aside).collect();
        let mut positions = Positions::new(games);
        let mut share = Share {
            plies: self.steps.len(),
            legal: Vec::new(),
            collected: Collected::default(),
            records: Vec::new(),
            most_records: self.settings.records,
            starts: Vec::new(),
            past: Vec::new(),
        };
        let mut cuts: Vec<Cut> = Vec::new();
        let mut numbers: Vec<u64> = (0..games).map(|row| self.games.number(row)).collect();
        let mut chosen: Vec<Action> = vec![Action(0); games];
        let mut turns: Vec<Turn> = Vec::with_capacity(games);
        self.games.observe(positions.outputs()).expect("the buffers have a row for each game");

        for t in 0..horizon {
            turns.clear();
            turns.extend((0..games).map(|row| self.turn(row)));
            turns.sort_unstable();
            for turns in turns.chunk_by(|a, b| a.opponent == b.opponent) {
                positions.fill_batch(turns.iter().map(|turn| turn.row));
                let opponent = turns[0].opponent;
                let predictions = match opponent {
                    None => finite(learner.evaluate(&positions.batch)?, iteration)?,
                    Some(opponent) => {
                        let evaluator = opponents.get_mut(&opponent).ok_or(LearnError::MissingOpponent { opponent })?;
                        let predictions = evaluator.evaluate(&positions.batch)?;
                        if !predictions.is_finite() {
                            return Err(LearnError::BrokenOpponent { opponent });
                        }
                        predictions
                    }
                };
                let mover = if opponent.is_none() { Mover::Learner } else { Mover::Opponent };
                for (place, &Turn { row, .. }) in turns.iter().enumerate() {
                    let (actions, moves) = (positions.batch.legal().row(place), positions.batch_moves.row(place));
                    let wdl = predictions.get(place).wdl.softmax();
                    let probabilities = predictions.logits_mut(place);
                    policy::softmax(probabilities, 1.0);
                    let drawn = policy::draw(probabilities, streams[row].uniform());
                    let mates = self.settings.mates;
                    let mate = mates.find(self.games.game(row));
                    let mate =
                        mate.map(|mate| moves.iter().position(|&mv| mv == mate).expect("a mate is a legal move"));
                    let taken =
                        mate.filter(|&mate| streams[row].uniform() < mates.taken && probabilities[mate] > LEAST_TAKEN);
                    let choice = taken.unwrap_or(drawn);
                    chosen[row] = actions[choice];
                    if mover == Mover::Learner {
                        share.collected.note_entropy(probabilities);
                        share.collected.note_mate(mate.map(|mate| mate == drawn));
                    }
                    if let Some(notes) = &mut self.notes[row] {
                        notes.thoughts.push(Thought::new(wdl.value(), probabilities, moves));
                    }
                    let position = self.games.game(row).position();
                    self.steps[row * horizon + t] = Step {
                        observation: positions.observations[row],
                        legal: Span { start: share.legal.len() as u32, count: actions.len() as u16 },
                        action: actions[choice],
                        mate: mate.map(|mate| actions[mate]),
                        mover,
                        log_prob: libm::logf(probabilities[choice]),
                        wdl,
                        material: material_value(position),
                        score: material_score(position),
                        end: StepEnd::Continues,
                        tail: None,
                    };
                    share.legal.extend_from_slice(actions);
                    let (game, numbering) = (self.games.game(row), self.games.actions());
                    let lessons = mates.lessons(game, moves, numbering, &mut asides[row], &mut share.legal);
                    share.past.extend(lessons.map(|lesson| ((t, self.games.first() + row), lesson)));
                }
            }

            let first = self.games.first();
            let Self { settings, seed, matchmaking, games, notes, meetings, steps, .. } = &mut self;
            let ended = |row: usize, game: &Game, outcome: Outcome| {
                let mover = game.position().side_to_move().flip();
                let step = row * horizon + t;
                steps[step].end = StepEnd::of(outcome, mover);
                if steps[step].end == StepEnd::Truncated {
                    cuts.push(Cut::at(step, game));
                }
                share.collected.note_end(EndedGame::new((t, first + row), game, outcome, meetings[row]));
                if settings.starts > 0.0 || settings.past > 0 {
                    let stream = Stream::new(*seed, Purpose::Past, (first + row) as u64, numbers[row]);
                    let opening = if numbers[row] == 0 { settings.first_opening_plies } else { settings.opening_plies };
                    share.look_back((t, first + row), settings, game, outcome, meetings[row], opening, stream);
                }
                if share.records.len() < share.most_records {
                    share.records.extend(notes[row].as_ref().map(|notes| (t, notes.record(game, meetings[row]))));
                }
            };
            games.step_observed(&chosen, positions.outputs(), ended).expect("only legal actions are chosen");
            for row in 0..games.len() {
                let step = row * horizon + t;
                if steps[step].end != StepEnd::Continues {
                    notes[row] = Notes::of(first + row, games.game(row));
                    numbers[row] = games.number(row);
                    meetings[row] = matchmaking.meet(*seed, first + row, numbers[row]);
                } else if t + 1 == horizon {
                    cuts.push(Cut::at(step, games.game(row)));
                }
            }
        }
        self.estimate_cuts(&cuts, learner, iteration)?;
        Ok(share)
    }

    /// The turn in `row`.
    fn turn(&self, row: usize) -> Turn {
        let side = self.games.game(row).position().side_to_move();
        let opponent = self.meetings[row].filter(|meeting| meeting.learner != side).map(|meeting| meeting.opponent);
        Turn { opponent, row }
    }

    /// Evaluates the positions in which rows and games were cut.
    fn estimate_cuts(&mut self, cuts: &[Cut], learner: &mut dyn Evaluator, iteration: u64) -> Result<(), LearnError> {
        let mut batch = Batch::new();
        for part in cuts.chunks(self.games.len()) {
            batch.clear();
            for cut in part {
                batch.push(cut.observation, []);
            }
            let predictions = finite(learner.evaluate(&batch)?, iteration)?;
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
        let mut records = Vec::new();
        let mut most_records = 0;
        let mut past = Vec::new();
        let mut steps = self.steps.iter_mut();
        for share in shares {
            let offset = self.legal.len() as u32;
            steps.by_ref().take(share.plies).for_each(|step| step.legal.start += offset);
            self.legal.extend(share.legal);
            collected.absorb(share.collected);
            records.extend(share.records);
            most_records = share.most_records;
            collected.starts.extend(share.starts);
            past.extend(share.past.into_iter().map(|(place, mut past)| {
                past.lesson.iter_mut().for_each(|lesson| lesson.legal.start += offset);
                (place, past)
            }));
        }
        past.sort_by_key(|&(place, _)| place);
        self.past.extend(past.into_iter().map(|(_, past)| past));
        collected.put_in_order(records, most_records);
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

    /// Fills the batch with the positions of these rows.
    fn fill_batch(&mut self, rows: impl IntoIterator<Item = usize>) {
        self.batch.clear();
        self.batch_moves.clear();
        for row in rows {
            let legal = row * MAX_MOVES..row * MAX_MOVES + usize::from(self.counts[row]);
            let moves = self.moves[legal.clone()].iter().copied();
            self.pairs.clear();
            self.pairs.extend(self.actions[legal].iter().copied().zip(moves));
            self.pairs.sort_unstable_by_key(|&(action, _)| action);
            self.batch.push(self.observations[row], self.pairs.iter().map(|&(action, _)| action));
            self.batch_moves.push(self.pairs.iter().map(|&(_, mv)| mv));
        }
    }
}

/// The predictions, if every number in them is finite.
fn finite(predictions: &mut Predictions, iteration: u64) -> Result<&mut Predictions, LearnError> {
    if predictions.is_finite() { Ok(predictions) } else { Err(LearnError::NotFinite { iteration: iteration + 1 }) }
}
