//! Why learning ends.

use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::evaluator::EvaluatorError;

/// Reason why an iteration failed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum LearnError {
    /// The device or its driver failed, with its message.
    Device(String),
    /// The device has not enough memory, with its message.
    OutOfMemory(String),
    /// Another rank failed, or is lost.
    Rank {
        /// Number of the rank.
        rank: usize,
        /// Its failure, or how it was lost.
        reason: String,
    },
    /// The network's output in self-play is not finite.
    NotFinite {
        /// Iteration, counted from 1.
        iteration: u64,
    },
    /// A game is against an opponent that was not given.
    MissingOpponent {
        /// Id of the opponent.
        opponent: u32,
    },
    /// The output of an opponent's network is not finite.
    BrokenOpponent {
        /// Id of the opponent.
        opponent: u32,
    },
    /// The learner computes another policy than the one that played, see [`RatioTolerance::limit`](super::RatioTolerance::limit).
    OtherPolicy {
        /// Mean `|ratio − 1|` of the first minibatch.
        ratio_error: f64,
        /// Approximate KL divergence of that minibatch, in nats.
        approx_kl: f64,
        /// Share of its samples outside the clip range, 0–1.
        clipfrac: f64,
    },
}

impl LearnError {
    /// The error as all ranks are told of it where `rank` met it: what depends on the rank names it.
    #[must_use]
    pub fn on(self, rank: usize) -> Self {
        match self {
            Self::Device(reason) | Self::OutOfMemory(reason) => Self::Rank { rank, reason },
            broken @ Self::BrokenOpponent { .. } => Self::Rank { rank, reason: format!("{broken}") },
            missing @ Self::MissingOpponent { .. } => Self::Rank { rank, reason: format!("{missing}") },
            common => common,
        }
    }
}

impl From<EvaluatorError> for LearnError {
    fn from(error: EvaluatorError) -> Self {
        match error {
            EvaluatorError::Device(reason) => Self::Device(reason),
            EvaluatorError::OutOfMemory(reason) => Self::OutOfMemory(reason),
        }
    }
}

impl fmt::Display for LearnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(reason) | Self::OutOfMemory(reason) => f.write_str(reason),
            Self::Rank { rank, reason } => write!(f, "rank {rank}: {reason}"),
            Self::NotFinite { iteration } => {
                write!(f, "iteration {iteration}: the network's output is not finite; its weights have grown too large")
            }
            Self::MissingOpponent { opponent } => write!(f, "a game is against opponent {opponent}, who is not there"),
            Self::BrokenOpponent { opponent } => {
                write!(f, "the output of opponent {opponent}'s network is not finite: its weights are damaged")
            }
            Self::OtherPolicy { ratio_error, approx_kl, clipfrac } => write!(
                f,
                "the learner and self-play compute different functions: in the first minibatch the mean |ratio - 1| is \
                 {ratio_error:.2e}, approx_kl {approx_kl:.2e}, clipfrac {clipfrac}"
            ),
        }
    }
}

impl core::error::Error for LearnError {}
