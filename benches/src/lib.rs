//! Benchmarks against the best peers.

pub mod measure;
pub mod inference;
pub mod executors;
pub mod movegen;
pub mod search;
pub mod worker;
