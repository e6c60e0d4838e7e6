//! Positions as network input, moves as network output, both from the side to move.
