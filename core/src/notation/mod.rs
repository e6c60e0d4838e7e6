//! Game records: reading and writing KIF, KI2, CSA, JKF, USI, USEN and BOD, and the text of moves.
//!
//! | module | holds |
//! |---|---|
//! | `tree` | [`GameTree`]: start position, headers, and a tree of nodes; [`Builder`] plays moves by the rules into one |
//! | `end` | how a line ends, in the words of every format |
//! | `handicap` | the named start positions |
//! | `evaluation` | what an engine thought, and the comment lines that say so |
//! | `problem` | what was wrong with a text, and where |
//! | `text` | Japanese move text and its disambiguation (右 左 直 上 寄 引 打) |
//! | `western` | Western move text in Hodges' style |
//! | `kakinoki` | what KIF, KI2 and BOD share: headers, board diagrams, ends |
//! | `kif` `ki2` `bod` | Kakinoki's formats |
//! | `csa` | the Computer Shogi Association's format, 2.2 and 3 |
//! | `json` `jkf` | JSON as far as needed; JSON Kifu Format 1.0 |
//! | `usi` `usen` | a `position` command; a whole tree as a word for an address line |
//!
//! Text arrives decoded: finding out and undoing `Shift_JIS` or EUC-JP is the caller's part. A reader never fails: it keeps
//! what it could read up to the last good node and lists each [`Defect`] with its place.
//!
//! What survives a round trip: KIF and JKF keep everything but KIF's fractions of a second; KI2 drops the
//! clocks; CSA has no variations; USEN has no comments and few ends; USI has the main line only.
//!
//! ```
//! use keisei_core::notation::{kif, ki2};
//!
//! let text = "   1 ７六歩(77)\n   2 ３四歩(33)\n   3 ３二金(41)\n";
//! let read = kif::read(text);
//! assert_eq!(read.tree.main_line().len(), 4); // the start, two moves, and the illegal one that ends the line
//! assert_eq!(read.defects[0].to_string(), "line 3, column 6: 4a3b is against the rules here");
//! assert!(ki2::write(&read.tree).contains("▲７六歩    △３四歩"));
//! ```

/// Appends formatted text to a `String`, which cannot fail.
macro_rules! put {
    ($text:expr, $($arguments:tt)*) => {{
        use core::fmt::Write as _;
        let _ = $text.write_fmt(format_args!($($arguments)*));
    }};
}

mod tree;
mod end;
mod handicap;
mod evaluation;
mod problem;
pub mod text;
pub mod western;
mod kakinoki;
pub mod kif;
pub mod ki2;
pub mod bod;
pub mod csa;
mod json;
pub mod jkf;
pub mod usi;
pub mod usen;
mod format;

pub use end::End;
pub use evaluation::{Centipawns, Evaluation, EvaluationSource, Mate};
pub use format::Format;
pub use handicap::Handicap;
pub use problem::{Defect, Parsed, Place, Problem};
pub use tree::{Builder, Event, GameTree, MAX_PLIES, Node, NodeId};
