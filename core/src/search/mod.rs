//! Choice of a move: by the policy alone, or by a tree search over the network.
//!
//! | module | holds |
//! |---|---|
//! | `policy` | play by the policy alone |
//! | `settings` | every number of the search, with its default |
//! | `mcts` | the search itself: gathers leaves, takes the network's predictions for them |
//! | `puct` | selection of the move to follow from a node |
//! | `mate` | forced mate by checks |
//! | `tree` | nodes and edges, with their proofs |
//! | `report` | candidates, principal variations, the decision |
//!
//! The search has no thread, no clock and no randomness. Its caller steps it by batches of leaves for as long as it likes;
//! between two steps the search can be asked for its candidates, or dropped.
//!
//! ```
//! use keisei_core::encoding::{Actions, Features};
//! use keisei_core::evaluator::HostEvaluator;
//! use keisei_core::net::{NetSpec, Weights, simd::Simd};
//! use keisei_core::search::{Decision, Search, Settings};
//! use keisei_core::shogi::{Game, Position};
//!
//! let small = NetSpec::for_encodings(Features::Attack96, Actions::Dest2187);
//! let spec = NetSpec { channels: 8, blocks: 1, value_channels: 1, value_hidden: 8, ..small };
//! let net = Simd::new(&Weights::init(&spec, 1).unwrap());
//! let mut evaluator = HostEvaluator::new(net, Features::Attack96, Actions::Dest2187);
//!
//! let game = Game::new(Position::from_sfen("8k/9/8P/9/9/9/9/9/K8 b G 1").unwrap(), 0);
//! let mut search = Search::new(game, Actions::Dest2187, Settings { visits: 100, ..Settings::default() });
//! while !search.is_finished() {
//!     search.step(&mut evaluator, 8).unwrap();
//! }
//! assert_eq!(search.decide(), Decision::Play("G*1b".parse().unwrap()));
//! ```
//!
//! All values are from the side to move: of a node, from the side to move there; of a candidate, from the side to move at
//! the root.

pub mod policy;
mod settings;
mod mcts;
mod puct;
pub mod mate;
mod tree;
mod report;

pub use mcts::Search;
pub use report::{Candidate, Decision};

pub use settings::{MateLimits, Settings, SettingsError};
pub use tree::Proof;
