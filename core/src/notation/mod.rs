//! Game records: reading and writing KIF, KI2, CSA, JKF, USI, USEN and BOD, and the text of moves.
//!
//! | module | holds |
//! |---|---|
//! | `encoding` | [`decode`]: text of a file in any encoding, without the tables of the Japanese ones |
//! | `problem` | what was wrong with a text, and where; the longest line |
//! | `lines` `number` | lines, spaces and numbers of a text |
//! | `moves` | text of a move: [`japanese`], [`western`] (Hodges' style), CSA's, and any of them as people type it: [`typed`] |
//! | `end` `handicap` `time_control` | how a line ends, the named start positions, and times to think, in the words of every format |
//! | `evaluation` | what an engine thought: [`Evaluation`] |
//! | `tree` `builder` | [`GameTree`]: start position, headers, nodes; [`Builder`] plays moves by the rules into one |
//! | `comment` | comment lines, and the evaluations and bookmarks that travel as such |
//! | `placement` `reading` | start position in the making; a game that is read line by line, and its result [`Parsed`] |
//! | `kakinoki` | the formats [`kif`], [`ki2`] and [`bod`], with the reader and the writing that they share |
//! | [`csa`] | the Computer Shogi Association's format, 2.2 and 3 |
//! | `json` [`jkf`] | JSON as far as needed; JSON Kifu Format 1.0 |
//! | [`usi`] [`usen`] | a `position` command; a whole tree as a word for an address line |
//! | `base64url` [`link`] | bytes as letters of an address; one line of a tree in two bytes a move |
//! | `format` `left_out` | the formats by name: [`Format`]; what a format cannot hold: [`LeftOut`] |
//!
//! Each file uses only those above it.
//!
//! A reader never fails: it keeps
//! what it could read up to the last good node of each line and lists each [`Defect`] with its place. Only a start position that is not
//! understood is no game.
//!
//! What survives a round trip: KIF and JKF keep everything but KIF's fractions of a second; KI2 drops the
//! clocks; CSA has no variations; USEN has no comments and few ends; USI has the main line only. [`LeftOut`] tells it of a game.
//!
//! ```
//! use keisei_core::notation::{kif, ki2};
//!
//! let text = "   1 ７六歩(77)\n   2 ３四歩(33)\n   3 ３二金(41)\n";
//! let parsed = kif::read(text);
//! let tree = parsed.tree.unwrap();
//! assert_eq!(tree.main_line().len(), 4); // the start, two moves, and the illegal one that ends the line
//! assert_eq!(parsed.defects[0].to_string(), "line 3, column 6: 4a3b is against the rules here");
//! assert!(ki2::write(&tree).contains("▲７六歩    △３四歩"));
//! ```

/// Appends formatted text to a `String`, which cannot fail.
macro_rules! put {
    ($text:expr, $($arguments:tt)*) => {{
        use core::fmt::Write as _;
        let _ = $text.write_fmt(format_args!($($arguments)*));
    }};
}

mod encoding;
mod problem;
mod lines;
mod number;
mod moves;
mod end;
mod handicap;
mod time_control;
mod evaluation;
mod tree;
mod builder;
mod comment;
mod placement;
mod reading;
mod kakinoki;
pub mod csa;
mod json;
pub mod jkf;
pub mod usi;
pub mod usen;
mod base64url;
pub mod link;
mod format;
mod left_out;

pub use builder::Builder;
pub use encoding::{TextEncoding, decode};
pub use end::End;
pub use evaluation::{Centipawns, Evaluation, EvaluationSource, Mate, centipawns, value_of};
pub use format::Format;
pub use handicap::Handicap;
pub use kakinoki::{bod, ki2, kif};
pub use left_out::LeftOut;
pub use moves::{japanese, typed, western};
pub use problem::{Defect, MAX_ALTERNATIVES, MAX_PLIES, Place, Problem};
pub use reading::Parsed;
pub use tree::{Event, GameTree, Node, NodeId};
