//! The trainer: self-play, rollout, PPO, checkpoints, evaluation, export.

pub mod inspect;
pub mod serve;

pub mod argument;
pub mod durable;
