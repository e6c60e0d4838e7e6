//! The rules alone as a module, for `cargo xtask size`: all functions of a game that a page needs.
//!
//! `input` gives a buffer for text; the other functions read it and leave their answer at `output`.

use std::cell::RefCell;
use std::fmt::Write;

use keisei_core::shogi::{Color, Game, Move, Position};

#[derive(Default)]
struct State {
    input: Vec<u8>,
    output: String,
    game: Option<Game>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Makes the text that `run` writes the answer; returns its length in bytes.
pub fn answer(run: impl FnOnce(&str, &mut Option<Game>, &mut String)) -> usize {
    STATE.with_borrow_mut(|State { input, output, game }| {
        output.clear();
        match str::from_utf8(input) {
            Ok(text) => run(text, game, output),
            Err(_) => output.push_str("no UTF-8"),
        }
        output.len()
    })
}

// SAFETY, for all: no other function of these names is linked into the module.

/// Buffer for `length` bytes of text.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: usize) -> *mut u8 {
    STATE.with_borrow_mut(|state| {
        state.input.resize(length, 0);
        state.input.as_mut_ptr()
    })
}

/// The last answer.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    STATE.with_borrow(|state| state.output.as_ptr())
}

/// Starts a game from the SFEN.
#[unsafe(no_mangle)]
pub extern "C" fn start() -> usize {
    answer(|text, game, output| match Position::from_sfen(text) {
        Ok(position) => *game = Some(Game::new(position, 0)),
        Err(error) => output.push_str(&error.to_string()),
    })
}

/// Plays the move, or returns the reason why it is illegal.
#[unsafe(no_mangle)]
pub extern "C" fn play() -> usize {
    answer(|text, game, output| {
        let Some(game) = game else { return };
        let played = match text.parse::<Move>() {
            Ok(mv) => game.try_play(mv).err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        output.extend(played);
    })
}

/// Takes back the last move.
#[unsafe(no_mangle)]
pub extern "C" fn undo() -> usize {
    answer(|_, game, output| output.extend(game.as_mut().and_then(Game::undo).map(Move::to_usi)))
}

/// Declares a win.
#[unsafe(no_mangle)]
pub extern "C" fn declare() -> usize {
    answer(|_, game, output| {
        if let Some(Err(error)) = game.as_mut().map(Game::declare) {
            let _ = write!(output, "{error}");
        }
    })
}

/// SFEN, legal moves, checkers, hands, repetitions and outcome.
#[unsafe(no_mangle)]
pub extern "C" fn show() -> usize {
    answer(|_, game, output| {
        let Some(game) = game else { return };
        let position = game.position();
        output.push_str(&position.to_sfen());
        position.legal_targets(|set| output.extend(set.moves().map(Move::to_usi)));
        output.extend(position.checkers().into_iter().map(|square| square.to_string()));
        for color in Color::ALL {
            output.extend(position.hand(color).iter().map(|(kind, count)| format!(" {count}{}", kind.index())));
        }
        let _ = write!(output, " {}", game.repetition_count());
        output.extend(game.outcome().map(|outcome| outcome.to_string()));
    })
}
