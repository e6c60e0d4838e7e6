//! Players, matches and their statistics, and the USI engine: who plays, and how strong they are.
//!
//! | module | holds |
//! |---|---|
//! | [`player`] | what a player is |
//! | [`baseline`] | random and greedy, for measure |
//! | [`policy_player`] [`search_player`] | a network by its policy alone, or with a search |
//! | [`executor`] | a model's network in the arithmetic of the user's choice |
//! | [`files`] | models and records from files |
//! | [`contender`] | a player on paper |
//! | [`matches`] | the one runner of matches |
//! | [`rating`] | scores, intervals, Elo |
//! | [`usi`] | an agent as an engine for shogi GUIs |

pub mod player;
pub mod baseline;
pub mod policy_player;
pub mod search_player;
pub mod executor;
pub mod files;
pub mod contender;
pub mod matches;
pub mod rating;
pub mod usi;

#[cfg(test)]
mod samples;
