//! Players, matches between them with their statistics, and an engine for the Universal Shogi Interface (USI).
//!
//! | module | holds |
//! |---|---|
//! | [`player`] | the trait of all players |
//! | [`baseline`] | random and greedy players, the yardsticks of strength |
//! | [`alpha_beta`] | player by a plain search for material |
//! | [`policy_player`] [`search_player`] | players with a network: by its policy alone, or with a search |
//! | [`usi_player`] | player that asks any USI engine, a process of its own |
//! | [`mixture`] | player that is one of several others in each game |
//! | [`executor`] | a model's network in the arithmetic that the user chose |
//! | [`files`] | reading models and records from files |
//! | [`agents`] | the manifest of a folder of agents |
//! | [`contender`] | description of a player, from which a match makes its players |
//! | [`spelling`] | the text that names a player completely |
//! | [`matches`](mod@matches) | the match runner |
//! | [`probes`] | positions with a task, and a policy's share of solved ones |
//! | [`rating`] | scores, intervals, Elo, centipawns |
//! | [`usi`] | a model as an engine for shogi GUIs |

// What a library has to say it returns or tells a sink: printing panics once nobody reads.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod player;
pub mod baseline;
pub mod alpha_beta;
pub mod policy_player;
pub mod search_player;
pub mod usi_player;
pub mod mixture;
pub mod executor;
pub mod files;
pub mod agents;
pub mod contender;
pub mod spelling;
pub mod matches;
pub mod probes;
pub mod rating;
pub mod usi;

#[cfg(test)]
mod samples;
