//! Thin wasm-bindgen methods over `keisei-core`: no rule of shogi here, no state but the owned Rust objects.
