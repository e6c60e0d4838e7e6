//! BOD, Kakinoki's board diagram: one position.

use alloc::string::String;

use super::{reader, writer};
use crate::notation::problem::Defect;
use crate::shogi::Position;

/// Reads a diagram with hands and turn; headers and remarks around it do no harm.
///
/// # Errors
/// The first thing that is wrong.
///
/// ```
/// use keisei_core::notation::bod;
/// use keisei_core::shogi::Position;
///
/// let position = Position::from_sfen("4k4/9/4P4/9/9/9/9/9/4K4 b G2r2b3g4s4n4l17p 1").unwrap();
/// assert_eq!(bod::read(&bod::write(&position)), Ok(position));
/// ```
pub fn read(text: &str) -> Result<Position, Defect> {
    reader::read(text).strict().map(|tree| tree.start().clone())
}

/// Diagram of a position.
pub fn write(position: &Position) -> String {
    let mut text = String::new();
    writer::write_diagram(&mut text, position);
    text
}
