//! Benchmarks beside the best peers.

pub mod inference;
