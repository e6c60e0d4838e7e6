//! The trainer: self-play, rollout, PPO, checkpoints, evaluation, export.

pub mod serve;
