//! `cargo xtask`: the only build script.

fn main() {}
