//! Rules and game records as a module of their own, for `cargo xtask size`: every format read and written, every move text.

#[path = "size_rules.rs"]
mod size_rules;

use std::fmt::Write;

use keisei_core::notation::{Format, bod, japanese, western};
use keisei_core::shogi::Game;
use size_rules::answer;

// SAFETY, for all: no other function of these names is linked into the module.

/// Reads a record, whatever its format, and writes it in format number `to`, its defects after it.
#[unsafe(no_mangle)]
pub extern "C" fn convert(to: usize) -> usize {
    answer(|input, _, output| {
        let Some(format) = Format::detect(input) else { return };
        let parsed = format.read(input);
        if let (Some(to), Some(tree)) = (Format::ALL.get(to), &parsed.tree) {
            output.push_str(&to.write(tree));
        }
        for defect in &parsed.defects {
            let _ = writeln!(output, "{defect}");
        }
    })
}

/// The game's position as a diagram, its legal moves in Japanese and in Western text.
#[unsafe(no_mangle)]
pub extern "C" fn texts() -> usize {
    answer(|_, game, output| {
        let Some(position) = game.as_ref().map(Game::position) else { return };
        output.push_str(&bod::write(position));
        for mv in position.legal_moves() {
            let japanese = japanese::write_marked(position, mv, None);
            let _ = writeln!(output, "{japanese} {}", western::write(position, mv));
        }
    })
}

/// The move that a Japanese or Western text means in the game's position.
#[unsafe(no_mangle)]
pub extern "C" fn read_move() -> usize {
    answer(|input, game, output| {
        let Some(position) = game.as_ref().map(Game::position) else { return };
        match japanese::read(position, input, None).or_else(|_| western::read(position, input)) {
            Ok(mv) => output.push_str(&mv.to_usi()),
            Err(problem) => output.push_str(&problem.to_string()),
        }
    })
}
