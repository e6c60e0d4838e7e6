//! State of the guard against updates that learn nothing.

use serde::{Deserialize, Serialize};

/// Steps that the guard has taken since the last good update; part of a checkpoint.
#[derive(Default, Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Guard {
    /// Consecutive updates without a finite gradient.
    pub barren: u32,
    /// Halvings of the learning rate in force.
    pub halvings: u32,
    /// Restores of the last good checkpoint.
    pub restores: u32,
}
