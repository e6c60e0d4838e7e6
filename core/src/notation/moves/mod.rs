//! The text of a single move in the languages of game records.
//!
//! | module | text |
//! |---|---|
//! | `mover` | none: which piece moves, and which others could |
//! | `japanese` | `▲７六歩`, `同　銀(31)` |
//! | `western` | `P-7f` |
//! | `csa` | `+7776FU` |
//! | `typed` | any of these, and USI, as people type them |

pub(super) mod mover;
pub mod japanese;
pub mod western;
pub(super) mod csa;
pub mod typed;
