//! One integration binary: a module for each subject, so that the crates link once.

mod reference;
mod rules;
mod symmetry;
mod encodings;
mod encoding_tables;
mod encoding_symmetry;
mod env;
mod net_parity;
mod notation;
mod records;
mod search;
mod mate;
mod docs;
mod imports;
mod keisei_map;
mod selfplay;
