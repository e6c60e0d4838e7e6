//! The core in the browser: thin wasm-bindgen methods over Rust objects, without any rules of shogi.
//!
//! [`Board`] holds a game along one line, on the page's thread. [`Engine`] runs in a worker and evaluates positions with a model, one
//! by one or, by a [`Pass`], all of a game. [`Tree`] holds a game with its variations; [`read_games`] reads files of games, and a
//! `Tree` writes them.
//!
//! The pages load this crate as two modules, because a game against the agent needs no tree and no file: one with the feature
//! `engine`, for playing, and one with `records`, for everything that is written down.

// As a module it is linked without `std`, whose panics would bring their texts and all formatting of numbers: see `module`.
#![cfg_attr(target_family = "wasm", no_std)]
// What a library has to say it returns or tells a sink: printing panics once nobody reads.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

extern crate alloc;

mod board;
mod style;
#[cfg(feature = "engine")]
mod thought;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "engine")]
mod pass;
#[cfg(feature = "records")]
mod tree;
#[cfg(feature = "records")]
mod setup;
#[cfg(feature = "records")]
mod typed;
#[cfg(feature = "records")]
mod reading;
#[cfg(feature = "records")]
mod writing;
#[cfg(target_family = "wasm")]
mod module;

pub use board::{Board, GameEnd, LinkedGame, NamedStart, handicaps};
#[cfg(feature = "engine")]
pub use {
    engine::{Engine, ModelFacts, Rating, sha256},
    pass::{Judgement, Pass},
    thought::{Candidate, Proven, Thought},
};
#[cfg(feature = "records")]
pub use {
    reading::{GameFile, read_games},
    setup::{CustomStart, check_start},
    tree::{Opinion, Tree},
    typed::TypedMove,
    writing::Lost,
};

use alloc::string::ToString as _;

use wasm_bindgen::JsError;

/// JavaScript `Error` with the message of a Rust error.
fn js_error(error: impl core::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
}

#[cfg(test)]
mod tests {
    use keisei_core::format::ModelError;
    use keisei_core::notation::typed::TypedError;
    use keisei_core::notation::{End, Format};
    use keisei_core::shogi::{Color, Illegal, Move, PieceType, Reason, SetupFault, Square};

    /// Checks that a type of TypeScript in `source` has exactly these ids.
    #[track_caller]
    fn check<'a>(source: &str, name: &str, ids: impl IntoIterator<Item = &'a str>) {
        let (_, after) = source.split_once(&format!("export type {name} =")).expect("the type");
        let (members, _) = after.split_once(';').expect("its end");
        let mut found: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
        let mut expected: Vec<&str> = ids.into_iter().collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn types_name_every_id() {
        let (board, setup) = (include_str!("board.rs"), include_str!("setup.rs"));
        let (typed_move, writing) = (include_str!("typed.rs"), include_str!("writing.rs"));
        check(board, "EndReason", Reason::ALL.map(Reason::id));
        let ends: Vec<End> = End::all().chain([End::Other(String::new())]).collect();
        check(board, "LineEnd", ends.iter().map(End::id));
        check(writing, "RecordFormat", Format::ALL.map(Format::name));
        let engine = include_str!("engine.rs");
        check(engine, "ModelDefect", ModelError::IDS.into_iter().chain([crate::engine::OTHER_FILE]));
        let (square, mv) = (Square::ALL[0], Move::normal(Square::ALL[0], Square::ALL[1]));
        let illegal = [
            Illegal::NoPiece,
            Illegal::NotYours,
            Illegal::NotInHand,
            Illegal::Movement,
            Illegal::Blocked { by: square },
            Illegal::OwnPiece,
            Illegal::Occupied,
            Illegal::TwoPawns { pawn: square },
            Illegal::DeadDrop,
            Illegal::DropPawnMate,
            Illegal::IntoCheck { attacker: square },
            Illegal::InCheck { attacker: square },
            Illegal::Pinned { attacker: square },
            Illegal::MustPromote,
            Illegal::CannotPromote,
        ];
        check(board, "IllegalReason", illegal.map(Illegal::id).into_iter().chain(["game_over"]));
        let typed = [
            TypedError::Unreadable,
            TypedError::OtherSide,
            TypedError::NoPrevious,
            TypedError::NoSuchMove,
            TypedError::Ambiguous(Vec::new()),
            TypedError::Illegal(mv, Illegal::Movement),
        ];
        check(typed_move, "TypedProblem", typed.iter().map(TypedError::id));
        let faults = [
            SetupFault::NoKing(Color::Black),
            SetupFault::TwoKings(Color::Black),
            SetupFault::TooMany(PieceType::Pawn),
            SetupFault::TwoPawns(square),
            SetupFault::Dead(square),
            SetupFault::OpponentInCheck(square),
        ];
        check(setup, "SetupProblem", faults.map(SetupFault::id));
    }
}
