//! Buffers of the caller that a step writes into, and what a step refuses.

use core::{fmt, iter, mem};

use crate::encoding::{Action, Actions, Features, PackedObservation, SQUARES};
use crate::shogi::{MAX_MOVES, Move, Reason};

/// Buffers that a step writes into: a struct of arrays, one row for each game. An empty slice is not written.
///
/// | field | row | content |
/// |---|---|---|
/// | `observations` | 1 | the position in which the next action is to be chosen |
/// | `planes` | `planes × 81` | the same, expanded |
/// | `repetitions` | 1 | occurrences of that position in its game, itself included, 1–4 |
/// | `masks` | `actions.count()` | `masks[game * actions.count() + action]`: whether the action is legal there |
/// | `legal` | [`MAX_MOVES`] | the `legal_counts[game]` legal actions, in no particular order; the rest is left as it was |
/// | `legal_moves` | [`MAX_MOVES`] | the moves of these actions, in the same order |
/// | `legal_counts` | 1 | number of legal actions there, at least 1 |
/// | `rewards` | 1 | 1 if the game ended as a win of the side that just acted, −1 as its loss, else 0 |
/// | `terminated` | 1 | whether the game ended by the rules |
/// | `truncated` | 1 | whether the ply limit cut off the game; bootstrap from the negated value of `final_observations` |
/// | `reasons` | 1 | reason that ended the game, or `None` |
/// | `final_observations` | 1 | the last position of a game that ended, from the view of the side that would move there; rows of games that go on are left as they were |
///
/// The first seven describe the position to act in, the others the step that has just been played.
#[derive(Default)]
#[allow(missing_docs, reason = "the table above describes the fields")]
pub struct Outputs<'a> {
    pub observations: &'a mut [PackedObservation],
    pub planes: PlaneBuffer<'a>,
    pub repetitions: &'a mut [u8],
    pub masks: &'a mut [bool],
    pub legal: &'a mut [Action],
    pub legal_moves: &'a mut [Move],
    pub legal_counts: &'a mut [u16],
    pub rewards: &'a mut [f32],
    pub terminated: &'a mut [bool],
    pub truncated: &'a mut [bool],
    pub reasons: &'a mut [Option<Reason>],
    pub final_observations: &'a mut [PackedObservation],
}

/// Planes as [`Features::expand`] writes them, `[games, planes, 81]`, in one of the types of
/// [`PlaneValue`](crate::encoding::PlaneValue).
#[derive(Default)]
pub enum PlaneBuffer<'a> {
    /// Planes are not written.
    #[default]
    None,
    /// Planes as `f32`.
    F32(Features, &'a mut [f32]),
    /// Planes as the bits of IEEE binary16.
    F16(Features, &'a mut [u16]),
    /// Planes in units of 1/127.
    I8(Features, &'a mut [i8]),
}

impl PlaneBuffer<'_> {
    fn len_and_row(&self) -> (usize, usize) {
        let row = |features: Features| features.planes() * SQUARES;
        match self {
            Self::None => (0, 0),
            Self::F32(features, out) => (out.len(), row(*features)),
            Self::F16(features, out) => (out.len(), row(*features)),
            Self::I8(features, out) => (out.len(), row(*features)),
        }
    }

    fn split_off(&mut self, games: usize) -> Self {
        let at = games * self.len_and_row().1;
        match self {
            Self::None => Self::None,
            Self::F32(features, out) => Self::F32(*features, split_off(out, at)),
            Self::F16(features, out) => Self::F16(*features, split_off(out, at)),
            Self::I8(features, out) => Self::I8(*features, split_off(out, at)),
        }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.len_and_row().0 > 0
    }

    /// Writes the planes of one game, if they are wanted.
    pub(super) fn write(&mut self, game: usize, observation: &PackedObservation) {
        let (len, row) = self.len_and_row();
        if len == 0 {
            return;
        }
        let rows = game * row..(game + 1) * row;
        match self {
            Self::None => {}
            Self::F32(features, out) => features.expand(observation, &mut out[rows]),
            Self::F16(features, out) => features.expand(observation, &mut out[rows]),
            Self::I8(features, out) => features.expand(observation, &mut out[rows]),
        }
    }
}

/// Takes the first `at` entries off a slice; an empty slice stays empty.
#[allow(clippy::mut_mut, reason = "the slice itself gets shorter, not what it borrows")]
fn split_off<'a, T>(slice: &mut &'a mut [T], at: usize) -> &'a mut [T] {
    let at = at.min(slice.len());
    let (first, rest) = mem::take(slice).split_at_mut(at);
    *slice = rest;
    first
}

impl<'a> Outputs<'a> {
    /// Checks that every slice is empty or has a row for each of `games`.
    pub(super) fn check(&self, games: usize, actions: Actions) -> Result<(), StepError> {
        let (planes, plane_row) = self.planes.len_and_row();
        let lengths = [
            ("observations", self.observations.len(), 1),
            ("planes", planes, plane_row),
            ("repetitions", self.repetitions.len(), 1),
            ("masks", self.masks.len(), actions.count()),
            ("legal", self.legal.len(), MAX_MOVES),
            ("legal_moves", self.legal_moves.len(), MAX_MOVES),
            ("legal_counts", self.legal_counts.len(), 1),
            ("rewards", self.rewards.len(), 1),
            ("terminated", self.terminated.len(), 1),
            ("truncated", self.truncated.len(), 1),
            ("reasons", self.reasons.len(), 1),
            ("final_observations", self.final_observations.len(), 1),
        ];
        for (buffer, found, row) in lengths {
            let needed = games * row;
            if found != 0 && found != needed {
                return Err(StepError::Length { buffer, found, needed });
            }
        }
        Ok(())
    }

    /// The buffers in parts of `games` rows, the last one possibly shorter: one for each part of
    /// [`VecGame::chunks_mut`](super::VecGame::chunks_mut). The iterator never ends; parts beyond the buffers are empty.
    pub fn chunks(mut self, games: usize, actions: Actions) -> impl Iterator<Item = Outputs<'a>> {
        iter::repeat_with(move || Outputs {
            observations: split_off(&mut self.observations, games),
            planes: self.planes.split_off(games),
            repetitions: split_off(&mut self.repetitions, games),
            masks: split_off(&mut self.masks, games * actions.count()),
            legal: split_off(&mut self.legal, games * MAX_MOVES),
            legal_moves: split_off(&mut self.legal_moves, games * MAX_MOVES),
            legal_counts: split_off(&mut self.legal_counts, games),
            rewards: split_off(&mut self.rewards, games),
            terminated: split_off(&mut self.terminated, games),
            truncated: split_off(&mut self.truncated, games),
            reasons: split_off(&mut self.reasons, games),
            final_observations: split_off(&mut self.final_observations, games),
        })
    }
}

/// Reason why a step was refused; no move was played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepError {
    /// An action is not legal, or its number is out of range.
    IllegalAction {
        /// Slot of the first game with such an action.
        game: usize,
        /// The action.
        action: Action,
    },
    /// A buffer has the wrong length.
    Length {
        /// Name of the buffer: `actions`, or a field of [`Outputs`].
        buffer: &'static str,
        /// Length of the buffer.
        found: usize,
        /// Length that the buffer needs.
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
