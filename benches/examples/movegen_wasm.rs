//! The rules as a plain WebAssembly module, for the move generation benchmark; `benches/node/movegen.mjs` calls it.

use keisei_benches::movegen::{KeiseiMoves, MoveGenerator, PLAYOUTS, ROWS, Random, SEED};

// SAFETY, for all: no other function of these names is linked into the module.

/// Leaves of row number `row`, counted without playing them.
#[unsafe(no_mangle)]
pub extern "C" fn counted(row: usize) -> f64 {
    KeiseiMoves.perft(ROWS[row].sfen, ROWS[row].depth) as f64
}

/// Leaves of row number `row`, each played.
#[unsafe(no_mangle)]
pub extern "C" fn played(row: usize) -> f64 {
    KeiseiMoves.perft_played(ROWS[row].sfen, ROWS[row].depth) as f64
}

/// Plies of random games from row number `row`.
#[unsafe(no_mangle)]
pub extern "C" fn playouts(row: usize) -> f64 {
    let mut random = Random(SEED);
    (0..PLAYOUTS).map(|_| KeiseiMoves.playout(ROWS[row].sfen, &mut random)).sum::<u64>() as f64
}
