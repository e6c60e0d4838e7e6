//! [`VecGame`]: the games and their step.

use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU16;

use super::Outputs;
use crate::encoding::{Actions, PackedObservation};
use crate::shogi::{Color, Game, GameResult, MAX_MOVES, Move, Outcome, Position, TargetSet};

/// Games stepped together. The [module](super) tells how.
///
/// A side that may declare a win by the 27-point rule does so at once, as in self-play of the trainer: the game ends with
/// the move after which it may, as a loss of the side that made that move.
pub struct VecGame {
    rules: Rules,
    slots: Vec<Slot>,
}

/// What all games share.
struct Rules {
    actions: Actions,
    starts: Vec<Position>,
}

/// One game after the other.
struct Slot {
    game: Game,
    /// Index in `Rules::starts`, before taking it modulo their number, of the next game's start.
    next_start: usize,
    /// The move that the current step is about to make.
    chosen: Option<Move>,
}

impl VecGame {
    /// `games` games, each cut off after `max_plies` plies, which also bounds its memory: 16 bytes a ply are set aside.
    ///
    /// The `k`-th game of slot `i`, both counted from 0, starts from `starts[(i + k) % starts.len()]`.
    ///
    /// # Errors
    /// If there is no start position, or a game would be over at one.
    pub fn new(
        games: usize,
        actions: Actions,
        max_plies: NonZeroU16,
        starts: Vec<Position>,
    ) -> Result<Self, StartError> {
        check_starts(&starts)?;
        let slots = (0..games).map(|slot| Slot {
            game: Game::with_capacity(starts[slot % starts.len()].clone(), max_plies.get()),
            next_start: slot + 1,
            chosen: None,
        });
        Ok(Self { slots: slots.collect(), rules: Rules { actions, starts } })
    }

    /// Number of games.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no game.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The numbering in which actions are told.
    pub fn actions(&self) -> Actions {
        self.rules.actions
    }

    /// The game that stands in `slot`, with its moves so far; it has not ended.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn game(&self, slot: usize) -> &Game {
        &self.slots[slot].game
    }

    /// Ends the game in `slot`, without a trace in any output, and begins one from `start`.
    ///
    /// # Errors
    /// If the game would be over there; the present one then goes on.
    ///
    /// # Panics
    /// If there are not so many slots.
    pub fn restart(&mut self, slot: usize, start: &Position) -> Result<(), StartError> {
        check_start(0, start)?;
        self.slots[slot].game.restart(start);
        Ok(())
    }

    /// Replaces the start positions of games yet to come.
    ///
    /// # Errors
    /// As for [`new`](Self::new); nothing is then changed.
    pub fn set_starts(&mut self, starts: Vec<Position>) -> Result<(), StartError> {
        check_starts(&starts)?;
        self.rules.starts = starts;
        Ok(())
    }

    /// Writes the present positions: what to look at before the first step. The fields that tell of a step (see
    /// [`Outputs`]) are not written.
    ///
    /// # Errors
    /// If a buffer has the wrong length.
    pub fn observe(&self, mut out: Outputs) -> Result<(), StepError> {
        out.check(self.len(), self.actions())?;
        for (row, slot) in self.slots.iter().enumerate() {
            describe_legal(self.actions(), row, slot.game.position(), &mut out);
            describe_position(row, &slot.game, &mut out);
        }
        Ok(())
    }

    /// Plays one action in every game: `actions[game]`, a legal one.
    ///
    /// # Errors
    /// If an action is not legal, or a buffer has the wrong length. Then no game has moved and nothing is written.
    pub fn step(&mut self, actions: &[u16], out: Outputs) -> Result<(), StepError> {
        Games { rules: &self.rules, slots: &mut self.slots, first: 0 }.step(actions, out)
    }

    /// The games in parts of `size`, the last perhaps shorter, for threads of the caller's own. Each part is stepped as a
    /// whole or not at all.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn chunks_mut(&mut self, size: usize) -> impl Iterator<Item = Games<'_>> {
        let rules = &self.rules;
        let parts = self.slots.chunks_mut(size).enumerate();
        parts.map(move |(part, slots)| Games { rules, slots, first: part * size })
    }

    /// As [`step`](Self::step), shared among `threads` threads that live for this step. Results do not depend on their
    /// number.
    ///
    /// Starting a thread takes some 20 µs and allocates, so this pays off from a few hundred games on; a caller with
    /// threads of its own uses [`chunks_mut`](Self::chunks_mut).
    ///
    /// # Errors
    /// As [`step`](Self::step).
    ///
    /// # Panics
    /// If a thread cannot be started.
    #[cfg(feature = "std")]
    pub fn step_parallel(
        &mut self,
        threads: core::num::NonZeroUsize,
        actions: &[u16],
        out: Outputs,
    ) -> Result<(), StepError> {
        use std::sync::Barrier;
        use std::sync::atomic::{AtomicBool, Ordering};

        check_lengths(self.len(), self.actions(), actions, &out)?;
        if self.is_empty() {
            return Ok(());
        }
        let size = self.len().div_ceil(threads.get());
        let outputs = out.chunks(size, self.actions());
        // Nobody plays before everybody has found all actions legal.
        let chosen = Barrier::new(self.len().div_ceil(size));
        let refused = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let parts = self.chunks_mut(size).zip(actions.chunks(size)).zip(outputs);
            let workers: Vec<_> = parts
                .map(|((mut games, actions), out)| {
                    let (chosen, refused) = (&chosen, &refused);
                    scope.spawn(move || {
                        let result = games.choose(actions);
                        refused.fetch_or(result.is_err(), Ordering::Relaxed);
                        chosen.wait();
                        if !refused.load(Ordering::Relaxed) {
                            games.play(out);
                        }
                        result
                    })
                })
                .collect();
            // The first refusal in the order of the games, as one thread would find it.
            workers.into_iter().try_for_each(|worker| worker.join().expect("stepping games does not panic"))
        })
    }
}

/// Some of the games of a [`VecGame`], to be stepped by one thread.
pub struct Games<'a> {
    rules: &'a Rules,
    slots: &'a mut [Slot],
    first: usize,
}

impl Games<'_> {
    /// Number of games in this part.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no game in this part.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Slot of the first game of this part.
    pub fn first(&self) -> usize {
        self.first
    }

    /// Plays one action in every game of this part; rows of the buffers are counted from its first game.
    ///
    /// # Errors
    /// As [`VecGame::step`]; an illegal action is named by its slot among all games.
    pub fn step(&mut self, actions: &[u16], out: Outputs) -> Result<(), StepError> {
        check_lengths(self.len(), self.rules.actions, actions, &out)?;
        self.choose(actions)?;
        self.play(out);
        Ok(())
    }

    /// Finds the move of each action.
    fn choose(&mut self, actions: &[u16]) -> Result<(), StepError> {
        for (row, (slot, &action)) in self.slots.iter_mut().zip(actions).enumerate() {
            slot.chosen = self.rules.actions.to_move(slot.game.position(), action);
            if slot.chosen.is_none() {
                return Err(StepError::IllegalAction { game: self.first + row, action });
            }
        }
        Ok(())
    }

    /// Plays the chosen moves.
    fn play(&mut self, mut out: Outputs) {
        for (row, slot) in self.slots.iter_mut().enumerate() {
            let Some(mv) = slot.chosen.take() else { continue };
            let mover = slot.game.position().side_to_move();
            let mut legal = LegalRow::new(self.rules.actions, row, mover.flip(), &mut out);
            slot.game.play_visiting(mv, |set| legal.add(set));
            legal.finish();
            let outcome = slot.game.adjudicate();
            let is_truncated = outcome.is_some_and(|outcome| outcome.result == GameResult::Truncated);
            set(out.rewards, row, reward(outcome, mover));
            set(out.terminated, row, outcome.is_some() && !is_truncated);
            set(out.truncated, row, is_truncated);
            set(out.reasons, row, outcome.map(|outcome| outcome.reason));
            if outcome.is_some() {
                if let Some(observation) = out.final_observations.get_mut(row) {
                    *observation = PackedObservation::new(&slot.game);
                }
                slot.game.restart(&self.rules.starts[slot.next_start % self.rules.starts.len()]);
                slot.next_start += 1;
                describe_legal(self.rules.actions, row, slot.game.position(), &mut out);
            }
            describe_position(row, &slot.game, &mut out);
        }
    }
}

fn check_lengths(games: usize, numbering: Actions, actions: &[u16], out: &Outputs) -> Result<(), StepError> {
    if actions.len() != games {
        return Err(StepError::Length { buffer: "actions", found: actions.len(), needed: games });
    }
    out.check(games, numbering)
}

/// Result of a game for `mover`.
fn reward(outcome: Option<Outcome>, mover: Color) -> f32 {
    match outcome.map(|outcome| outcome.result) {
        Some(GameResult::Win(winner)) if winner == mover => 1.0,
        Some(GameResult::Win(_)) => -1.0,
        Some(GameResult::Draw | GameResult::Truncated) | None => 0.0,
    }
}

/// Writes what describes the position to act in, but for the legal actions.
fn describe_position(row: usize, game: &Game, out: &mut Outputs) {
    set(out.repetitions, row, game.repetition_count());
    if out.planes.is_wanted() || !out.observations.is_empty() {
        let observation = PackedObservation::new(game);
        out.planes.write(row, &observation);
        set(out.observations, row, observation);
    }
}

/// Writes the legal actions of a position.
fn describe_legal(actions: Actions, row: usize, position: &Position, out: &mut Outputs) {
    let mut legal = LegalRow::new(actions, row, position.side_to_move(), out);
    position.legal_targets(|set| legal.add(set));
    legal.finish();
}

/// The legal actions of one game, being written.
struct LegalRow<'a> {
    actions: Actions,
    side: Color,
    mask: &'a mut [bool],
    list: &'a mut [u16],
    count: Option<&'a mut u16>,
    found: usize,
}

impl<'a> LegalRow<'a> {
    fn new(actions: Actions, row: usize, side: Color, out: &'a mut Outputs) -> Self {
        let mask = self::row(out.masks, row, actions.count());
        mask.fill(false);
        let list = self::row(out.legal, row, MAX_MOVES);
        Self { actions, side, mask, list, count: out.legal_counts.get_mut(row), found: 0 }
    }

    fn add(&mut self, targets: TargetSet) {
        // In variables of its own the loop keeps them in registers.
        let (mask, list, mut found) = (&mut *self.mask, &mut *self.list, self.found);
        self.actions.for_each_of(self.side, targets, |action, _| {
            set(mask, usize::from(action), true);
            set(list, found, action);
            found += 1;
        });
        self.found = found;
    }

    fn finish(self) {
        if let Some(count) = self.count {
            *count = self.found as u16;
        }
    }
}

/// Sets an element, unless the buffer is not wanted.
fn set<T>(buffer: &mut [T], at: usize, value: T) {
    if let Some(element) = buffer.get_mut(at) {
        *element = value;
    }
}

/// One row of a buffer of rows; empty if the buffer is not wanted.
fn row<T>(buffer: &mut [T], row: usize, size: usize) -> &mut [T] {
    buffer.get_mut(row * size..(row + 1) * size).unwrap_or_default()
}

fn check_starts(starts: &[Position]) -> Result<(), StartError> {
    if starts.is_empty() {
        return Err(StartError::None);
    }
    starts.iter().enumerate().try_for_each(|(index, start)| check_start(index, start))
}

fn check_start(index: usize, start: &Position) -> Result<(), StartError> {
    let mut game = Game::new(start.clone(), 0);
    match game.adjudicate() {
        Some(outcome) => Err(StartError::Over { start: index, outcome }),
        None => Ok(()),
    }
}

/// Why games cannot start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartError {
    /// There is no start position.
    None,
    /// The game is over before its first move.
    Over {
        /// Index of the start position.
        start: usize,
        /// How it would end.
        outcome: Outcome,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::None => f.write_str("games need a start position"),
            StartError::Over { start, outcome } => write!(f, "start position {start} is the end of a game ({outcome})"),
        }
    }
}

impl core::error::Error for StartError {}

/// Why a step was refused. No game has moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepError {
    /// An action is not legal, or there is none with that number.
    IllegalAction {
        /// The first game in which that is so.
        game: usize,
        /// The action.
        action: u16,
    },
    /// A buffer has the wrong length.
    Length {
        /// Its name: `actions`, or a field of [`Outputs`].
        buffer: &'static str,
        /// Its length.
        found: usize,
        /// The length that it should have.
        needed: usize,
    },
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepError::IllegalAction { game, action } => write!(f, "game {game}: action {action} is not legal"),
            StepError::Length { buffer, found, needed } => write!(f, "{buffer}: its length is {found}, not {needed}"),
        }
    }
}

impl core::error::Error for StepError {}
