//! The subcommands, one file each.

pub mod train;
pub mod evaluate;
