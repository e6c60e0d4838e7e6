//! Positions as network input, moves as network output, both from the side to move.
//!
//! An encoding is a pair of ids: [`Features`] names the input planes, [`Actions`] the output indices. The ids travel in
//! every model and checkpoint; a file that names an id this build does not know is refused.
//!
//! The side to move always plays up the board: for White, squares are rotated by 180°. One network plays both colours.
//!
//! | id | is | shape | described at |
//! |---|---|---|---|
//! | `attack96` | [`Features::Attack96`], the default | 96 planes | [`ATTACK96`] |
//! | `dlshogi119` | [`Features::Dlshogi119`], planes of dlshogi | 119 planes | [`DLSHOGI119`] |
//! | `core46-2025` `core46-2026` | planes of the original Keisei | 46 planes | the table in `compat.rs` |
//! | `katago50-2026` | likewise, its "katago" mode | 50 planes | the table in `compat.rs` |
//! | `dest2187` | [`Actions::Dest2187`], the default: 27 planes × 81 destinations | 2,187 actions | [`Actions`] |
//! | `flat13527-2025` `flat13527-2026` | actions of the original Keisei: origin, destination, promotion | 13,527 actions | [`Actions`] |
//! | `spatial11259-2026` | likewise, its "spatial" mode: 139 slots × 81 squares | 11,259 actions | [`Actions`] |
//!
//! The state of a game is stored as a [`PackedObservation`] of 101 bytes. It is expanded to planes where a network reads them, as
//! `f32`, binary16 or `i8` (see [`PlaneValue`]), or [`compressed`](Features::compress) to sets of squares. Legal moves are a list
//! ([`Actions::legal`]), a dense mask ([`Actions::legal_mask`]) or a visit of each ([`Actions::for_each_legal`]).
//! `trainer-native encode` prints any of them.

mod observation;
mod planes;
mod expand;
mod actions;
mod numbering;
mod compat;

pub use actions::{Action, Actions, LegalActions};
pub use expand::{PlaneValue, SET_WORDS};
pub use observation::{Counters, ObservationError, PackedObservation};
pub use planes::{ATTACK96, DLSHOGI_BOARD_PLANES, DLSHOGI119, Features, HAND_SCALE, PLY_SCALE};

/// Number of squares of the board, which is the number of values of a plane.
pub const SQUARES: usize = 81;
