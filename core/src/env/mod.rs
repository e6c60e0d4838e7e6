//! Games as an environment for reinforcement learning: many of them, stepped together into the caller's buffers.
//!
//! Every game is self-play: the side to move acts, and observations are from its view. [`VecGame::step`] takes one action
//! for each game and writes the results into [`Outputs`]. A game that ends is replaced by the next one in the same step
//! (Gymnasium's `AutoresetMode.SAME_STEP`): the flags and the reward belong to the game that ended, its last position is in
//! `final_observations`, and `observations` and the legal actions are already those of the next game. So every row of a
//! rollout is a real transition and no action is ever ignored.
//!
//! ```
//! use keisei_core::encoding::{Action, Actions, Features, PackedObservation, SQUARES};
//! use keisei_core::env::{Outputs, VecGame};
//! use keisei_core::shogi::Position;
//!
//! const GAMES: usize = 4;
//! let (features, actions) = (Features::Attack96, Actions::Dest2187);
//! let max_plies = 256.try_into()?;
//! let mut env = VecGame::new(GAMES, actions, max_plies, vec![Position::startpos()])?;
//!
//! // Buffers are made once; a step allocates nothing.
//! let mut observations = [PackedObservation::EMPTY; GAMES];
//! let mut masks = vec![false; GAMES * actions.count()];
//! let mut rewards = [0.0; GAMES];
//! let (mut terminated, mut truncated) = ([false; GAMES], [false; GAMES]);
//! env.observe(Outputs { observations: &mut observations, masks: &mut masks, ..Outputs::default() })?;
//!
//! let mut planes = vec![0.0_f32; GAMES * features.planes() * SQUARES];
//! let mut finished = 0;
//! while finished < 2 {
//!     features.expand_batch(&observations, &mut planes); // input of a network
//!     // A network would choose here; this one plays the legal action with the highest number.
//!     let chosen: Vec<Action> = masks
//!         .chunks(actions.count())
//!         .map(|mask| mask.iter().rposition(|&legal| legal).expect("a running game has a legal action"))
//!         .map(|action| Action(action as u16))
//!         .collect();
//!     env.step(
//!         &chosen,
//!         Outputs {
//!             observations: &mut observations,
//!             masks: &mut masks,
//!             rewards: &mut rewards,
//!             terminated: &mut terminated,
//!             truncated: &mut truncated,
//!             ..Outputs::default()
//!         },
//!     )?;
//!     // The reward is that of the side that moved; the other side moves next, so a return changes its sign.
//!     finished += terminated.iter().zip(&truncated).filter(|&(&won, &cut)| won || cut).count();
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod vec_game;
mod outputs;
mod opening;

pub use opening::{Opening, StartError, Starts};
pub use outputs::{Outputs, PlaneBuffer, StepError};
pub use vec_game::{Games, VecGame};
