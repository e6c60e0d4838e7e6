//! Benchmarks are the binaries of this package.
