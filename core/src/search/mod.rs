//! From network output to a move.

pub mod policy;
