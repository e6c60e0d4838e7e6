//! Trainer: self-play on all cores, learners on CPU and GPU, runs with checkpoints and metrics, and the command line.

// What a library has to say it returns or tells a sink: printing panics once nobody reads.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod trainer;
pub mod totals;
pub mod selfplay;
pub mod learner;
pub mod ranks;
pub mod settings;
pub mod league;
pub mod run;
pub mod sweep;
pub mod event;
pub mod metrics;
pub mod alarm;
pub mod series;
pub mod view;
pub mod history;
pub mod report;
pub mod bundle;
pub mod terminal;
pub mod sinks;
pub mod durable;
pub mod trace;

pub mod commands;
pub mod interop;
pub mod argument;
