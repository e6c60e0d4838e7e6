//! Subcommands of `trainer-native`, one file each.

pub mod settings;
