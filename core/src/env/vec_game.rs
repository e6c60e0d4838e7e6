//! [`VecGame`]: the games and their step.

use alloc::vec::Vec;
use core::num::NonZeroU16;
use core::ops::Range;

use super::{Opening, Outputs, StartError, Starts, StepError};
use crate::encoding::{Action, Actions, PackedObservation};
use crate::shogi::{Color, Game, GameResult, MAX_MOVES, Move, Outcome, Position, TargetSet};

/// Games stepped together; the [module](super) describes a step.
///
/// A side that may declare a win by the 27-point rule does so at once ([`Game::adjudicate`]): the game ends with the move
/// after which the declaration is possible, as a loss of the side that made that move.
pub struct VecGame<O = Starts> {
    rules: Rules<O>,
    slots: Vec<Slot>,
    /// Number of the first slot; those below are elsewhere.
    first: usize,
}

/// Settings that all games share.
struct Rules<O> {
    actions: Actions,
    opening: O,
}

/// Slot in which one game is played after the other.
struct Slot {
    game: Game,
    /// Number of games that began in this slot before the current one.
    number: u64,
    /// Move that the current step is about to play.
    chosen: Option<Move>,
}

impl VecGame {
    /// `games` games, each cut off after `max_plies` plies. Memory for that many plies, 16 bytes each, is reserved for each
    /// game.
    ///
    /// The `k`-th game of slot `i`, both counted from 0, starts from `starts[(i + k) % starts.len()]`.
    ///
    /// # Errors
    /// If there is no start position, or a game would be over in one of them.
    pub fn new(
        games: usize,
        actions: Actions,
        max_plies: NonZeroU16,
        starts: Vec<Position>,
    ) -> Result<Self, StartError> {
        Ok(Self::with_opening(games, actions, max_plies.get(), Starts::new(starts)?))
    }

    /// Replaces the start positions of future games.
    ///
    /// # Errors
    /// As for [`new`](Self::new); the start positions then stay as they were.
    pub fn set_starts(&mut self, starts: Vec<Position>) -> Result<(), StartError> {
        self.rules.opening = Starts::new(starts)?;
        Ok(())
    }
}

impl<O: Opening> VecGame<O> {
    /// `games` games that begin with `opening`, each cut off after `max_plies` plies, 0 for no limit. Memory for a game's moves
    /// is reserved up to that limit; without a limit it grows with the longest game.
    pub fn with_opening(games: usize, actions: Actions, max_plies: u16, opening: O) -> Self {
        Self::of_slots(0..games, actions, max_plies, opening)
    }

    /// The games in `slots` of more games, the others of which are stepped elsewhere: they are what they would be there, whatever is done
    /// about the others. Here they are counted from 0; to the opening and to a part of them ([`Games::first`]) they have the numbers of
    /// their slots.
    pub fn of_slots(slots: Range<usize>, actions: Actions, max_plies: u16, opening: O) -> Self {
        let begin = |slot| {
            let mut game = Game::with_capacity(Position::startpos(), max_plies);
            opening.begin(slot, 0, &mut game);
            Slot { game, number: 0, chosen: None }
        };
        let first = slots.start;
        Self { slots: slots.map(begin).collect(), rules: Rules { actions, opening }, first }
    }

    /// Number of games.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no game.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Numbering of the actions.
    pub fn actions(&self) -> Actions {
        self.rules.actions
    }

    /// Opening of the games.
    pub fn opening(&self) -> &O {
        &self.rules.opening
    }

    /// Opening of future games, for change.
    pub fn opening_mut(&mut self) -> &mut O {
        &mut self.rules.opening
    }

    /// The game in `slot`, with its moves so far; it has not ended.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn game(&self, slot: usize) -> &Game {
        &self.slots[slot].game
    }

    /// Number of the game in `slot`, counted from 0.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn number(&self, slot: usize) -> u64 {
        self.slots[slot].number
    }

    /// Replaces the game in `slot` by one from `start`. No output shows the end of the replaced game, and the slot's game
    /// number stays.
    ///
    /// # Errors
    /// If a game would be over at `start`; the current game then goes on.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn restart(&mut self, slot: usize, start: &Position) -> Result<(), StartError> {
        Starts::check(0, start)?;
        self.slots[slot].game.restart(start);
        Ok(())
    }

    /// Replaces the game in `slot` by an unfinished `game`, such as one from a checkpoint, as the slot's game `number`.
    ///
    /// # Errors
    /// If `game` is over.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn resume(&mut self, slot: usize, game: Game, number: u64) -> Result<(), StartError> {
        if let Some(outcome) = game.outcome() {
            return Err(StartError::Over { start: slot, outcome });
        }
        self.slots[slot] = Slot { game, number, chosen: None };
        Ok(())
    }

    /// Writes the current positions, as input for the choice of the first actions. Fields that describe a step (see
    /// [`Outputs`]) are not written.
    ///
    /// # Errors
    /// If a buffer has the wrong length.
    pub fn observe(&self, mut out: Outputs) -> Result<(), StepError> {
        out.check(self.len(), self.actions())?;
        observe(&self.slots, self.actions(), &mut out);
        Ok(())
    }

    /// Plays the legal action `actions[game]` in every game.
    ///
    /// # Errors
    /// If an action is not legal, or a buffer has the wrong length. In both cases no move is played and nothing is written.
    pub fn step(&mut self, actions: &[Action], out: Outputs) -> Result<(), StepError> {
        Games { rules: &self.rules, slots: &mut self.slots, first: self.first }.step(actions, out)
    }

    /// The games in parts of `size`, the last one possibly shorter, for threads of the caller. Each part is stepped as a
    /// whole or not at all.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn chunks_mut(&mut self, size: usize) -> impl Iterator<Item = Games<'_, O>> {
        let (rules, first) = (&self.rules, self.first);
        let parts = self.slots.chunks_mut(size).enumerate();
        parts.map(move |(part, slots)| Games { rules, slots, first: first + part * size })
    }

    /// Parallel [`step`](Self::step), on `threads` threads that live for this step. Results do not depend on their number.
    ///
    /// Starting a thread takes some 20 µs and allocates, so this pays off from a few hundred games on; a caller with its own
    /// threads uses [`chunks_mut`](Self::chunks_mut).
    ///
    /// # Errors
    /// As for [`step`](Self::step).
    ///
    /// # Panics
    /// If a thread cannot be started.
    #[cfg(feature = "std")]
    pub fn step_parallel(
        &mut self,
        threads: core::num::NonZeroUsize,
        actions: &[Action],
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
        // No thread plays before every thread has found all of its actions legal.
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
                            games.play(out, |_, _, _| {});
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

/// Part of the games of a [`VecGame`], to be stepped by one thread.
pub struct Games<'a, O = Starts> {
    rules: &'a Rules<O>,
    slots: &'a mut [Slot],
    first: usize,
}

impl<O: Opening> Games<'_, O> {
    /// Number of games in this part.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no game in this part.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Numbering of the actions.
    pub fn actions(&self) -> Actions {
        self.rules.actions
    }

    /// Slot of the first game of this part.
    pub fn first(&self) -> usize {
        self.first
    }

    /// The game in row `row` of this part, counted from 0.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn game(&self, row: usize) -> &Game {
        &self.slots[row].game
    }

    /// Number of the game in row `row`, counted from 0.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn number(&self, row: usize) -> u64 {
        self.slots[row].number
    }

    /// Writes the current positions of this part, like [`VecGame::observe`] for all games.
    ///
    /// # Errors
    /// If a buffer has the wrong length.
    pub fn observe(&self, mut out: Outputs) -> Result<(), StepError> {
        out.check(self.len(), self.rules.actions)?;
        observe(self.slots, self.rules.actions, &mut out);
        Ok(())
    }

    /// Plays one action in every game of this part; row 0 of the buffers is its first game.
    ///
    /// # Errors
    /// As for [`VecGame::step`]; an illegal action is reported with its slot among all games.
    pub fn step(&mut self, actions: &[Action], out: Outputs) -> Result<(), StepError> {
        self.step_observed(actions, out, |_, _, _| {})
    }

    /// Like [`step`](Self::step), and calls `ended` with the row, the game and the outcome of each game that ends, before the
    /// next game replaces it.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn step_observed(
        &mut self,
        actions: &[Action],
        out: Outputs,
        ended: impl FnMut(usize, &Game, Outcome),
    ) -> Result<(), StepError> {
        check_lengths(self.len(), self.rules.actions, actions, &out)?;
        self.choose(actions)?;
        self.play(out, ended);
        Ok(())
    }

    /// Decodes each action into a move.
    fn choose(&mut self, actions: &[Action]) -> Result<(), StepError> {
        for (row, (slot, &action)) in self.slots.iter_mut().zip(actions).enumerate() {
            slot.chosen = self.rules.actions.to_move(slot.game.position(), action);
            if slot.chosen.is_none() {
                return Err(StepError::IllegalAction { game: self.first + row, action });
            }
        }
        Ok(())
    }

    /// Plays the chosen moves.
    fn play(&mut self, mut out: Outputs, mut ended: impl FnMut(usize, &Game, Outcome)) {
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
            if let Some(outcome) = outcome {
                if let Some(observation) = out.final_observations.get_mut(row) {
                    *observation = PackedObservation::new(&slot.game);
                }
                ended(row, &slot.game, outcome);
                slot.number += 1;
                self.rules.opening.begin(self.first + row, slot.number, &mut slot.game);
                describe_legal(self.rules.actions, row, slot.game.position(), &mut out);
            }
            describe_position(row, &slot.game, &mut out);
        }
    }
}

fn check_lengths(games: usize, numbering: Actions, actions: &[Action], out: &Outputs) -> Result<(), StepError> {
    if actions.len() != games {
        return Err(StepError::Length { buffer: "actions", found: actions.len(), needed: games });
    }
    out.check(games, numbering)
}

/// Reward of `mover`: the result of its game, 0 while the game goes on.
fn reward(outcome: Option<Outcome>, mover: Color) -> f32 {
    match outcome.map(|outcome| outcome.result) {
        Some(GameResult::Win(winner)) if winner == mover => 1.0,
        Some(GameResult::Win(_)) => -1.0,
        Some(GameResult::Draw | GameResult::Truncated) | None => 0.0,
    }
}

fn observe(slots: &[Slot], actions: Actions, out: &mut Outputs) {
    for (row, slot) in slots.iter().enumerate() {
        describe_legal(actions, row, slot.game.position(), out);
        describe_position(row, &slot.game, out);
    }
}

/// Writes the description of the position to act in, except for the legal actions.
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

/// Writer of the legal actions of one game.
struct LegalRow<'a> {
    actions: Actions,
    side: Color,
    mask: &'a mut [bool],
    list: &'a mut [Action],
    moves: &'a mut [Move],
    count: Option<&'a mut u16>,
    found: usize,
}

impl<'a> LegalRow<'a> {
    fn new(actions: Actions, row: usize, side: Color, out: &'a mut Outputs) -> Self {
        let mask = self::row(out.masks, row, actions.count());
        mask.fill(false);
        let list = self::row(out.legal, row, MAX_MOVES);
        let moves = self::row(out.legal_moves, row, MAX_MOVES);
        Self { actions, side, mask, list, moves, count: out.legal_counts.get_mut(row), found: 0 }
    }

    fn add(&mut self, targets: TargetSet) {
        // Each wish has its own loop: a test for each move would cost a step of many games some 4 %.
        if self.moves.is_empty() {
            self.write(targets, |_, _, _| {});
        } else {
            self.write(targets, set);
        }
    }

    #[inline]
    fn write(&mut self, targets: TargetSet, write_move: impl Fn(&mut [Move], usize, Move)) {
        // Local variables let the loop keep them in registers.
        let (mask, list, moves, mut found) = (&mut *self.mask, &mut *self.list, &mut *self.moves, self.found);
        self.actions.for_each_of(self.side, targets, |action, mv| {
            set(mask, action.index(), true);
            set(list, found, action);
            write_move(moves, found, mv);
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

/// Sets an element; does nothing if the buffer is empty.
fn set<T>(buffer: &mut [T], at: usize, value: T) {
    if let Some(element) = buffer.get_mut(at) {
        *element = value;
    }
}

/// One row of a buffer of rows; empty if the buffer is.
fn row<T>(buffer: &mut [T], row: usize, size: usize) -> &mut [T] {
    buffer.get_mut(row * size..(row + 1) * size).unwrap_or_default()
}
