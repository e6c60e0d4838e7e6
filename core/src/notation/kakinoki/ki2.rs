//! KI2, Kakinoki's format to be read by people: no origins, no clocks, several moves a line.
//!
//! A move against the rules is written with its origin, as in KIF: nothing else would tell which piece made it.

use alloc::format;
use alloc::string::String;

use super::{reader, writer};
use crate::notation::moves::japanese::{side_mark, write_kif, write_marked};
use crate::notation::moves::mover::mover;
use crate::notation::reading::Parsed;
use crate::notation::tree::{Event, GameTree, NodeId};
use crate::shogi::Piece;

/// Reads the first game of a text. KIF and BOD are understood as well.
pub fn read(text: &str) -> Parsed {
    reader::read(text)
}

/// Text of the whole tree without its clocks.
pub fn write(tree: &GameTree) -> String {
    const PER_LINE: usize = 6;
    let mut text = String::from("#KI2 version=2.0 encoding=UTF-8\n");
    writer::write_head(&mut text, tree);
    for line in tree.lines() {
        text.push('\n');
        if let Some(&head) = line.first().filter(|&&head| head != NodeId::ROOT) {
            put!(text, "変化：{}手\n", tree.node(head).ply());
        }
        let mut on_line = 0;
        let mut padding = 0;
        for visit in tree.walk(line) {
            let word = match visit.node.event() {
                Event::Move(mv) => Some(write_marked(&visit.before, *mv, visit.previous)),
                Event::Illegal(mv) => {
                    let color = mover(&visit.before, *mv).map_or(visit.before.side_to_move(), Piece::color);
                    Some(format!("{}{}", side_mark(color), write_kif(&visit.before, *mv, visit.previous)))
                }
                Event::Start | Event::End(_) => None,
            };
            if on_line == PER_LINE || on_line > 0 && word.is_none() {
                text.push('\n');
                on_line = 0;
            }
            if let Some(word) = word {
                if on_line > 0 {
                    put!(text, "{:padding$}", "");
                }
                text.push_str(&word);
                padding = 12usize.saturating_sub(writer::width(&word));
                on_line += 1;
            }
            writer::write_ending(&mut text, tree, &visit);
            if on_line > 0 && (visit.node.has_comment() || visit.node.bookmark.is_some()) {
                text.push('\n');
                on_line = 0;
            }
            writer::write_remarks(&mut text, &visit);
        }
        if on_line > 0 {
            text.push('\n');
        }
    }
    text
}
