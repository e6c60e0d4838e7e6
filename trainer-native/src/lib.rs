//! The trainer: self-play, rollout, PPO, checkpoints, evaluation, export.

pub mod train;
mod run;
pub mod settings;
pub mod selfplay;
pub mod rollout;
pub mod ppo;
pub mod learner;
pub mod adam;
pub mod arena;
pub mod evaluate;
pub mod export;
pub mod network;
pub mod player;
pub mod searcher;
pub mod score;
pub mod checkpoint;
pub mod events;
pub mod material;
pub mod random;
pub mod durable;

pub mod inspect;
pub mod encode;
pub mod convert;
pub mod interop;
pub mod serve;
pub mod usi;
pub mod argument;
pub mod commands;
