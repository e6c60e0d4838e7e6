//! Learning by self-play with PPO, in the order in which an iteration runs: collect → advantages → update.
//!
//! | module | holds |
//! |---|---|
//! | `matchmaking` | whom the learner meets in a game: itself, or a frozen opponent of a league |
//! | `selfplay` | games stepped together by the learner and its opponents, which fill a rollout |
//! | `material` | the material prior of a young value head, and the target of the score head |
//! | `rollout` | the plies of an iteration, with everything that an update needs |
//! | `gae` | advantages and value targets, in games against oneself and against an opponent |
//! | `loss` | the PPO loss of a sample, and its gradient worked out by hand |
//! | `ppo` | the update: shuffled minibatches, one gradient step each |
//! | `adam` | the optimiser |
//! | `learner` | the traits that a backend implements: gradients, optimiser steps, and an evaluator for self-play |
//! | `reduce` | what ranks that learn together tell each other |
//! | `schedule` | hyper-parameters that change over a run |
//! | `adaptation` | hyper-parameters that follow what is measured |
//!
//! Like the rest of the core, this module starts no thread and reads no clock; callers bring threads and GPUs.

mod matchmaking;
mod selfplay;
mod material;
mod rollout;
mod error;
mod gae;
mod loss;
mod ppo;
mod adam;
mod learner;
mod reduce;
mod schedule;
mod adaptation;

pub use adam::{Adam, BETA1, BETA2, EPSILON, biases, clip, clip_scale, global_norm};
pub use adaptation::{Adaptation, AdaptationSettings};
pub use error::LearnError;
pub use gae::{Estimated, Estimation, categorical_returns, gae};
pub use learner::{Descent, HostDescent, Learner, Minibatch, RatioTolerance, StepResult, StepRules, Verdict};
pub use loss::{Choice, Coefficients, Losses, Sample, Sums, Task, loss_of_sample, loss_of_score};
pub use matchmaking::{Matchmaking, Meeting};
pub use material::{material_score, material_value};
pub use ppo::{PpoSettings, Rates, Update, update};
pub use reduce::{Alone, Reduce, agree, gather, read, share};
pub use rollout::{Lesson, Mover, Past, Rollout, Span, Step, StepEnd, Tail};
pub use schedule::{Curve, Schedule};
pub use selfplay::{
    Collected, EndedGame, Mates, Notes, Opponents, Part, RandomPlies, SelfPlay, SelfPlaySettings, Share, SlotError,
    SlotState, Thought,
};
