//! One integration binary: a module for each subject, so that the crates link once.

mod encodings;
mod net_parity;
