//! The policy and value network: its specification, its weights and its executors.
//!
//! [`scalar::Scalar`] *is* the definition, slow and obvious; parity tests hold every other executor to it (logits within 1e-4).
//!
//! ```text
//! planes  [B, planes, 9, 9]      file by rank, side-to-move view
//! stem    ReLU(conv3×3 + bias)                                     -> [B, C, 9, 9]
//! block   x = ReLU(x + conv3×3(ReLU(conv3×3 x + bias)) + bias)     -> [B, C, 9, 9]   (`blocks` times)
//! policy  conv1×1 + bias per action                                -> [B, policy_planes * 81]
//! value   ReLU(conv1×1 + bias), flatten, ReLU(linear), linear      -> [B, 3]   win, draw, loss
//! ```
//!
//! Optional layers of the original networks ([`NetOptions`]), where `pool` is the mean, the maximum and the standard deviation of each
//! channel over the board, `[B, 3 C]`:
//!
//! ```text
//! bias    conv2 of a block reads ReLU(conv1 x + bias) + linear(ReLU(linear(pool x)))
//! se      x = ReLU(x + sigmoid(s) z + t), z = conv2 … + bias, (s, t) = linear(ReLU(linear(mean z)))   [B, 2 C]
//! score   linear(ReLU(linear(pool of the last block)))             -> [B, 1]
//! ```
//!
//! There is no normalisation layer, because rollout and update must compute the same function. Instead the second convolution of a
//! block starts at zero, so that a fresh trunk passes its input through.

mod spec;
mod value;
mod weights;

#[cfg(feature = "burn")]
pub mod burn;
pub mod scalar;
pub mod simd;

pub use spec::{NetOptions, NetSpec, SpecError, TensorSpec};
pub use value::{Value, Wdl, WdlLogits};
pub use weights::{Weights, WeightsError};

use crate::encoding::SQUARES;

/// Files, and ranks, of the board.
const SIDE: usize = 9;

/// Taps of a 3×3 kernel.
const TAPS: usize = 9;

/// Outcomes that the value head tells apart: win, draw, loss.
pub const OUTCOMES: usize = 3;

/// Pooled values per channel: mean, maximum, standard deviation.
const POOLED: usize = 3;

/// Term added to a variance before the square root, which keeps the derivative finite.
pub const VARIANCE_FLOOR: f32 = 1e-4;

/// Executor of the network on batches of positions.
pub trait Executor {
    /// Architecture of the network.
    fn spec(&self) -> &NetSpec;

    /// Forward pass of `batch` positions, each from its side to move.
    ///
    /// `planes` is `[batch, planes, 81]`; `policy` receives unmasked policy logits `[batch, policy_planes * 81]`, `wdl` logits
    /// `[batch, 3]` of win, draw and loss for the side to move. The outputs of a position do not depend on its batch.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape.
    fn forward(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32]) {
        self.forward_scored(batch, planes, policy, wdl, &mut []);
    }

    /// Forward pass with the score of each position, `[batch]` from its side to move, for networks with a score head; an empty slice
    /// skips it.
    ///
    /// # Panics
    /// As [`forward`](Executor::forward), or if scores are asked of a network without a score head.
    fn forward_scored(&mut self, batch: usize, planes: &[f32], policy: &mut [f32], wdl: &mut [f32], score: &mut [f32]);
}

/// Panics unless the slices of [`Executor::forward_scored`] have the lengths of their shapes.
fn assert_shapes(spec: &NetSpec, batch: usize, planes: &[f32], policy: &[f32], wdl: &[f32], score: &[f32]) {
    assert_eq!(planes.len(), batch * usize::from(spec.planes) * SQUARES, "planes are [batch, planes, 81]");
    assert_eq!(policy.len(), batch * spec.actions(), "policy is [batch, policy_planes * 81]");
    assert_eq!(wdl.len(), batch * OUTCOMES, "wdl is [batch, 3]");
    assert!(
        score.is_empty() || score.len() == batch && spec.options.score_hidden > 0,
        "score is [batch], of a network with a score head, or empty"
    );
}
