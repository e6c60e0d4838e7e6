//! Rollout: the plies of self-play that one update learns from.
//!
//! A rollout is one row of `horizon` plies for each game; slot `game * horizon + t` is ply `t` of a row. Everything in a slot
//! is from the view of the side that moved there, so values change sign from one ply to the next.

use alloc::vec::Vec;

use super::material::material_score;
use crate::encoding::{Action, Actions, PackedObservation};
use crate::net::{Value, Wdl};
use crate::random::Stream;
use crate::shogi::{Color, Game, GameResult, Outcome};

/// Player of a ply. Only the learner's plies are learned from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mover {
    /// The policy that learns.
    #[default]
    Learner,
    /// Another player, such as a frozen one of a league.
    Opponent,
}

/// State of the game after a ply, from the view of the side that moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StepEnd {
    /// The game goes on.
    #[default]
    Continues,
    /// Won by the rules.
    Won,
    /// Drawn by the rules.
    Drawn,
    /// Lost by the rules.
    Lost,
    /// Cut off by the ply limit: the return is bootstrapped from the value of the position reached.
    Truncated,
}

impl StepEnd {
    /// State of a game that ended with `outcome`, from the view of `mover`.
    pub fn of(outcome: Outcome, mover: Color) -> Self {
        match outcome.result {
            GameResult::Win(winner) if winner == mover => Self::Won,
            GameResult::Win(_) => Self::Lost,
            GameResult::Draw => Self::Drawn,
            GameResult::Truncated => Self::Truncated,
        }
    }

    /// The result as a distribution for the side that moved, if the rules have ended the game.
    pub fn result(self) -> Option<Wdl> {
        match self {
            Self::Won => Some(Wdl::WIN),
            Self::Drawn => Some(Wdl::DRAW),
            Self::Lost => Some(Wdl::LOSS),
            Self::Continues | Self::Truncated => None,
        }
    }
}

/// Range of a ply's legal actions in [`Rollout::legal`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// Index of the first action.
    pub start: u32,
    /// Number of actions.
    pub count: u16,
}

/// Bootstrap values of the position after a cut, from the view of the side to move there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tail {
    /// Prediction of the network.
    pub wdl: Wdl,
    /// Material as a value in [−0.7, 0.7], see [`material_value`](super::material_value).
    pub material: Value,
}

/// One ply of self-play.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// Position before the move.
    pub observation: PackedObservation,
    /// Legal actions in that position.
    pub legal: Span,
    /// Action played.
    pub action: Action,
    /// Action that begins a proved mate, if one was found; see [`Mates`](super::Mates).
    pub mate: Option<Action>,
    /// Player of the ply.
    pub mover: Mover,
    /// Log-probability, in nats, of the action under the policy of its player.
    pub log_prob: f32,
    /// Prediction of the player's network for the position, from the side to move.
    pub wdl: Wdl,
    /// Material of the side to move as a value in [−0.7, 0.7], see [`material_value`](super::material_value).
    pub material: Value,
    /// Target of the score head, see [`material_score`].
    pub score: f32,
    /// State of the game after the move.
    pub end: StepEnd,
    /// Bootstrap values of the position after the move, by the learner's network; only where the row or the game is cut there.
    pub tail: Option<Tail>,
}

impl Step {
    /// Placeholder that fills a rollout before its steps are written.
    pub const EMPTY: Self = Self {
        observation: PackedObservation::EMPTY,
        legal: Span { start: 0, count: 0 },
        action: Action(0),
        mate: None,
        mover: Mover::Learner,
        log_prob: 0.0,
        wdl: Wdl::DRAW,
        material: Value(0.0),
        score: 0.0,
        end: StepEnd::Continues,
        tail: None,
    };
}

/// Position beside the plies of a rollout, of which the value head learns a result that is known: one of a finished game of the
/// learner against itself, or a [lesson](Lesson).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Past {
    /// The position.
    pub observation: PackedObservation,
    /// Result for the side to move.
    pub result: Wdl,
    /// Plies from there to the end of the game.
    pub plies: u16,
    /// Target of the score head, see [`material_score`].
    pub score: f32,
    /// Mate that the policy learns there, if the position is a lesson.
    pub lesson: Option<Lesson>,
}

/// Mate in one that no game has seen: the side to move has it behind a random move that another ply allows. See
/// [`Mates`](super::Mates).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Lesson {
    /// Legal actions of the position.
    pub legal: Span,
    /// Action that mates.
    pub mate: Action,
}

/// A batch of self-play, whose memory is reused from one iteration to the next.
#[derive(Debug, Default)]
pub struct Rollout {
    /// Plies of each row.
    pub horizon: usize,
    /// The plies, row by row: `[games, horizon]`.
    pub steps: Vec<Step>,
    /// Legal actions of all plies; [`Step::legal`] is the range of one.
    pub legal: Vec<Action>,
    /// Advantage of each ply's action, for the side that moved, not normalised; 0 at an opponent's ply.
    pub advantages: Vec<f32>,
    /// Target of the value head at each ply, from the side to move: a categorical λ-return; the draw at an opponent's ply.
    pub targets: Vec<Wdl>,
    /// Positions of games that ended in the rollout, see [`SelfPlaySettings::past`](super::SelfPlaySettings::past), and lessons.
    pub past: Vec<Past>,
    /// Target of the value head at each of them.
    pub past_targets: Vec<Wdl>,
}

impl Rollout {
    /// Test data: plies of random games in one row, as if a nearly uniform policy had played them, with random advantages
    /// and targets; one ply in eight has a mate, and as many are positions of the past.
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
            if rollout.targets.len().is_multiple_of(8)
                && let Some(step) = rollout.steps.last_mut()
            {
                step.mate = Some(legal.actions()[legal.len() / 2]);
                let (observation, score) = (step.observation, step.score);
                let lesson = Lesson { legal: step.legal, mate: legal.actions()[0] };
                let lesson = Some(lesson).filter(|_| rollout.past.len() % 2 == 1);
                rollout.past.push(Past { observation, result: Wdl::WIN, plies: 3, score, lesson });
                rollout.past_targets.push(Wdl { win, draw: 0.5, loss: 0.5 - win });
            }
            game.play(legal.moves()[played]);
            if game.outcome().is_some() {
                game = Game::startpos();
            }
        }
        rollout
    }

    /// Removes all contents and makes room for `games` rows of `horizon` plies.
    pub(super) fn clear(&mut self, games: usize, horizon: usize) {
        self.horizon = horizon;
        self.steps.clear();
        self.steps.resize(games * horizon, Step::EMPTY);
        self.legal.clear();
        self.advantages.clear();
        self.targets.clear();
        self.past.clear();
        self.past_targets.clear();
    }

    /// Legal actions of one ply or lesson.
    pub fn legal_of(&self, span: Span) -> &[Action] {
        &self.legal[span.start as usize..][..usize::from(span.count)]
    }

    /// Brier score of the outcomes that the learner predicted: their squared error against the result, 0–2, over its plies before
    /// the end of a game in the same row. Returns the sum and the number of these plies, 0 if no game ended by the rules.
    pub fn brier(&self) -> (f64, u32) {
        let (mut sum, mut count) = (0.0, 0u32);
        for row in self.steps.chunks(self.horizon.max(1)) {
            // Result of the game from the view of the side that moves at the ply, known after its end.
            let mut result: Option<Wdl> = None;
            for step in row.iter().rev() {
                result = match step.end {
                    StepEnd::Continues => result.map(Wdl::flipped),
                    end => end.result(),
                };
                if let Some(result) = result
                    && step.mover == Mover::Learner
                {
                    let pairs = step.wdl.to_array().into_iter().zip(result.to_array());
                    sum += pairs.map(|(p, r)| f64::from((p - r) * (p - r))).sum::<f64>();
                    count += 1;
                }
            }
        }
        (sum, count)
    }

    /// Slots of the plies that the learner played, in rising order.
    pub fn learner_slots(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().enumerate().filter(|(_, step)| step.mover == Mover::Learner).map(|(slot, _)| slot)
    }
}
