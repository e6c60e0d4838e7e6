//! The search benchmark's programs as a plain WebAssembly module, run by `benches/node/search.mjs`.

use std::cell::RefCell;

use keisei_benches::search::Runner;

thread_local! {
    static RUNNER: RefCell<Runner> = RefCell::new(Runner::new());
}

// SAFETY, for all: no other function of these names is linked into the module.

/// One batch through the network; returns the positions.
#[unsafe(no_mangle)]
pub extern "C" fn forward() -> u32 {
    RUNNER.with_borrow_mut(Runner::forward)
}

/// One batch of a search; returns the visits.
#[unsafe(no_mangle)]
pub extern "C" fn search() -> u32 {
    RUNNER.with_borrow_mut(Runner::search)
}

/// The move of a search from a position of this number.
#[unsafe(no_mangle)]
pub extern "C" fn decide(number: u32) -> u32 {
    RUNNER.with_borrow_mut(|runner| runner.decide(number).into())
}
