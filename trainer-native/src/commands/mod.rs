//! Subcommands of the program, one file each: their arguments and their output.

pub mod train;
pub mod sweep;
pub mod watch;
pub mod runs;
pub mod report;
pub mod checkpoint;
pub mod settings;
pub mod metrics;
pub mod conditions;
pub mod evaluate;
pub mod probe;
pub mod rate;
pub mod model;
pub mod export;
pub mod ship;
pub mod serve;
pub mod convert;
pub mod dataset;
pub mod encode;
pub mod inspect;
