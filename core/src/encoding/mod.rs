//! Positions as network input, moves as network output, both from the side to move.
//!
//! An encoding is a pair of ids: [`Features`] names the input planes, [`Actions`] the output indices. The ids travel in
//! every model and checkpoint; a file that names an id this build does not know is refused.
//!
//! The side to move always plays up the board: for White, squares are rotated by 180°. One network plays both colours.

mod observation;
mod planes;
mod actions;
mod compat;

pub use actions::{Actions, LegalActions};
pub use observation::{Counters, ObservationError, PackedObservation};
pub use planes::{ATTACK96, Features};

/// Squares of the board, and so values of one plane.
pub const SQUARES: usize = 81;
