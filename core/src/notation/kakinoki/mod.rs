//! Kakinoki's formats, which share one reader and most of what is written.

mod reader;
mod writer;
pub mod kif;
pub mod ki2;
pub mod bod;

pub(super) use reader::games;
pub(super) use writer::is_header;
