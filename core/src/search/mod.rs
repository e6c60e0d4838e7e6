//! From network output to a move.
