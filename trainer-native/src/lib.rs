//! Trainer: self-play on all cores, learners on CPU and GPU, runs with checkpoints and metrics, and the command line.

pub mod trainer;
pub mod selfplay;
pub mod learner;
pub mod settings;
pub mod run;
pub mod event;
pub mod metrics;
pub mod alarm;
pub mod sinks;
pub mod durable;

pub mod commands;
pub mod interop;
pub mod argument;
