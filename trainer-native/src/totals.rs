//! Totals of a run.

use serde::{Deserialize, Serialize};

/// Totals of the work since the start of a run; a checkpoint stores the numbers in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Number of iterations.
    pub iterations: u64,
    /// Plies played.
    pub plies: u64,
    /// Samples learned from.
    pub samples: u64,
    /// Games finished.
    pub games: u64,
}
