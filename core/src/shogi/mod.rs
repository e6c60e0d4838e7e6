//! The rules of shogi; the modules stand in reading order.
//!
//! | module | holds |
//! |---|---|
//! | `color` `piece` `square` | the vocabulary: who, what, where |
//! | `bitboard` | a set of squares in two words |
//! | `mv` | a move in 16 bits |
//! | `hand` | pieces in hand |
//! | `outcome` | result of a game, and the name of every reason to end |
//! | `position` | board, hands, side to move; playing a move |
//! | `attacks` | attack sets of each kind of piece |
//! | `movegen` | the one generator of legal moves: pins, checks, two pawns, drop-pawn mate |
//! | `illegal` | the reason why a move is against the rules |
//! | `setup` | a start position that somebody puts together, and what is wrong with it |
//! | `game` | history: repetition, perpetual check, declaration, ply limit |
//! | `sfen` `usi` | text of positions and moves |
//! | `zobrist` | keys for the repetition test |
//! | `perft` | leaf counts, to verify the generator |
//! | `material` | the worth of a side's pieces |
//!
//! ```
//! use keisei_core::shogi::{Game, Position};
//!
//! let mut game = Game::startpos();
//! game.play("7g7f".parse().unwrap());
//! assert_eq!(game.position().legal_count(), 30);
//! assert!(Position::from_sfen("9/9/9 b - 1").is_err());
//! ```

mod color;
mod piece;
mod square;
mod bitboard;
mod mv;
mod hand;
mod outcome;
mod position;
mod attacks;
mod movegen;
mod illegal;
mod setup;
mod game;
mod sfen;
mod usi;
mod zobrist;
mod perft;
pub mod material;

pub use attacks::attacks;
pub use bitboard::{Bitboard, Squares};
pub use color::Color;
pub use game::{DEFAULT_MAX_PLIES, DeclarationError, Game};
pub use hand::Hand;
pub use illegal::Illegal;
pub use movegen::{MAX_MOVES, MoveList, TargetSet};
pub use mv::{Move, Origin};
pub use outcome::{GameResult, Outcome, Reason};
pub use perft::{perft, perft_played};
pub use piece::{Piece, PieceType};
pub use position::{IllegalMove, Position};
pub use setup::{Setup, SetupFault};
pub use sfen::SfenError;
pub use square::{Square, SquareError};
pub use usi::MoveError;
