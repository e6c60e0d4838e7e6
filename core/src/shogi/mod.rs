//! The game: squares, pieces, positions, legal moves, results.
