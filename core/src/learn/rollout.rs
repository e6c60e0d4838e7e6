//! What self-play hands to the learner.
//!
//! A rollout is one row of `horizon` plies for each game; slot `game * horizon + t` is ply `t` of a row. Everything in a slot
//! is from the view of the side that moved there, so values change sign from one ply to the next.

use alloc::vec::Vec;

use super::material::material_score;
use crate::encoding::{Action, Actions, PackedObservation};
use crate::net::{Value, Wdl};
use crate::random::Stream;
use crate::shogi::{Color, Game, GameResult, Outcome};

/// Whose ply a step is. Only the learner's plies are learned from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mover {
    /// The policy that learns played it.
    #[default]
    Learner,
    /// Another player did, such as a frozen one of a league.
    Opponent,
}

/// How the game stood after a ply, for the side that moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StepEnd {
    /// The game goes on.
    #[default]
    Continues,
    /// Won by the rules: nothing follows.
    Won,
    /// Drawn by the rules.
    Drawn,
    /// Lost by the rules.
    Lost,
    /// Cut off by the ply limit: the value of the position reached stands for what would have followed.
    Truncated,
}

impl StepEnd {
    /// How `outcome` looks to `mover`.
    pub fn of(outcome: Outcome, mover: Color) -> Self {
        match outcome.result {
            GameResult::Win(winner) if winner == mover => Self::Won,
            GameResult::Win(_) => Self::Lost,
            GameResult::Draw => Self::Drawn,
            GameResult::Truncated => Self::Truncated,
        }
    }

    /// The result as a distribution, if the rules have ended the game.
    pub fn result(self) -> Option<Wdl> {
        match self {
            Self::Won => Some(Wdl::WIN),
            Self::Drawn => Some(Wdl::DRAW),
            Self::Lost => Some(Wdl::LOSS),
            Self::Continues | Self::Truncated => None,
        }
    }
}

/// Where the legal actions of a ply stand in [`Rollout::legal`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// Index of the first.
    pub start: u32,
    /// How many there are.
    pub count: u16,
}

/// What is known of the position after a cut, from the view of the side to move there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tail {
    /// Prediction of the network.
    pub wdl: Wdl,
    /// Material, see [`material_value`](super::material_value).
    pub material: Value,
}

/// One ply of self-play.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// Position before the move.
    pub observation: PackedObservation,
    /// Its legal actions.
    pub legal: Span,
    /// Action played.
    pub action: Action,
    /// Whose ply it is.
    pub mover: Mover,
    /// Log-probability of the action under the policy that played it.
    pub log_prob: f32,
    /// Prediction of the network in the position.
    pub wdl: Wdl,
    /// Material in the position, see [`material_value`](super::material_value).
    pub material: Value,
    /// Target of the score head, see [`material_score`](super::material_score).
    pub score: f32,
    /// How the game stood after the move.
    pub end: StepEnd,
    /// The position after the move, where the row or a game is cut.
    pub tail: Option<Tail>,
}

impl Step {
    /// A step that says nothing: what rollouts are filled with before they are written.
    pub const EMPTY: Self = Self {
        observation: PackedObservation::EMPTY,
        legal: Span { start: 0, count: 0 },
        action: Action(0),
        mover: Mover::Learner,
        log_prob: 0.0,
        wdl: Wdl::DRAW,
        material: Value(0.0),
        score: 0.0,
        end: StepEnd::Continues,
        tail: None,
    };
}

/// A batch of self-play, sized once and filled again and again.
#[derive(Debug, Default)]
pub struct Rollout {
    /// Plies of each row.
    pub horizon: usize,
    /// The plies, row by row.
    pub steps: Vec<Step>,
    /// Legal actions of all plies.
    pub legal: Vec<Action>,
    /// Advantage of each ply's action.
    pub advantages: Vec<f32>,
    /// Target of the value head: a categorical λ-return.
    pub targets: Vec<Wdl>,
}

impl Rollout {
    /// Plies of random games in one row, as if a nearly uniform policy had played them, with random advantages and targets:
    /// something to learn from, for tests and benchmarks.
    pub fn of_random_games(plies: usize, actions: Actions, mut stream: Stream) -> Self {
        let mut rollout = Self { horizon: plies, ..Self::default() };
        let mut game = Game::startpos();
        for _ in 0..plies {
            let legal = actions.legal(game.position());
            let played = stream.below(legal.len());
            rollout.steps.push(Step {
                observation: PackedObservation::new(&game),
                legal: Span { start: rollout.legal.len() as u32, count: legal.len() as u16 },
                action: legal.actions()[played],
                log_prob: -libm::logf(legal.len() as f32) + stream.uniform() - 0.5,
                score: material_score(game.position()),
                ..Step::EMPTY
            });
            rollout.legal.extend(legal.actions());
            let win = stream.uniform() / 2.0;
            rollout.targets.push(Wdl { win, draw: 0.5, loss: 0.5 - win });
            rollout.advantages.push(2.0 * stream.uniform() - 1.0);
            game.play(legal.moves()[played]);
            if game.outcome().is_some() {
                game = Game::startpos();
            }
        }
        rollout
    }

    /// Makes room for `games` rows of `horizon` plies. Nothing of what was there is left.
    pub(super) fn clear(&mut self, games: usize, horizon: usize) {
        self.horizon = horizon;
        self.steps.clear();
        self.steps.resize(games * horizon, Step::EMPTY);
        self.legal.clear();
        self.advantages.clear();
        self.targets.clear();
    }

    /// Legal actions of one ply.
    pub fn legal_of(&self, step: &Step) -> &[Action] {
        let Span { start, count } = step.legal;
        &self.legal[start as usize..][..usize::from(count)]
    }

    /// Slots of the plies that the learner played, rising.
    pub fn learner_slots(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().enumerate().filter(|(_, step)| step.mover == Mover::Learner).map(|(slot, _)| slot)
    }
}
