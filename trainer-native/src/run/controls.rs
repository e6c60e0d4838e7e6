//! Controls: what signals and keys ask of a run in progress.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Wishes of the user, set from any thread and read by the run between two jobs.
#[derive(Debug, Default)]
pub struct Controls {
    stop: AtomicBool,
    pause: AtomicBool,
    evaluate: AtomicBool,
    shown: AtomicUsize,
}

impl Controls {
    /// Asks the run to stop at once and to save the last iteration.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the run is to stop.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Pauses the run after its iteration, or lets it go on.
    pub fn toggle_pause(&self) {
        self.pause.fetch_xor(true, Ordering::Relaxed);
    }

    /// Whether the run is paused.
    pub fn is_paused(&self) -> bool {
        self.pause.load(Ordering::Relaxed)
    }

    /// Asks for an evaluation after the current iteration.
    pub fn evaluate(&self) {
        self.evaluate.store(true, Ordering::Relaxed);
    }

    /// Takes the wish for an evaluation, if there is one.
    pub fn take_evaluate(&self) -> bool {
        self.evaluate.swap(false, Ordering::Relaxed)
    }

    /// Shows the game of the next slot.
    pub fn show_next_game(&self) {
        self.shown.fetch_add(1, Ordering::Relaxed);
    }

    /// Slot of the game to show, to be taken modulo the number of slots.
    pub fn shown(&self) -> usize {
        self.shown.load(Ordering::Relaxed)
    }
}
