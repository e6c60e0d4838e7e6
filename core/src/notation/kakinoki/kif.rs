//! KIF, Kakinoki's format with origins and clocks.
//!
//! `   1 ７六歩(77)   ( 0:12/00:00:12)+`: number, move, time for this move and in all, and `+` before an alternative. The number counts:
//! one that is not the next goes back to that move.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{reader, writer};
use crate::notation::lines::one_line;
use crate::notation::moves::japanese;
use crate::notation::reading::Parsed;
use crate::notation::tree::{Clock, Event, GameTree, NodeId};

/// Reads the first game of a text. KI2 and BOD are understood as well.
///
/// ```
/// use keisei_core::notation::kif;
///
/// let parsed = kif::read("   1 ７六歩(77)\n   2 ３四歩(33)\n   3 投了\n");
/// assert!(parsed.defects.is_empty());
/// assert_eq!(parsed.tree.expect("a game").main_moves().len(), 2);
/// ```
pub fn read(text: &str) -> Parsed {
    reader::read(text)
}

/// Reads every game of a text, which may be files of KIF and KI2 one after the other; there is always at least one.
pub fn read_all(text: &str) -> Vec<Parsed> {
    reader::read_all(text)
}

/// Text of the whole tree; times are written in whole seconds.
pub fn write(tree: &GameTree) -> String {
    let mut text = String::from("#KIF version=2.0 encoding=UTF-8\n");
    writer::write_head(&mut text, tree);
    let timed = tree.nodes().iter().any(|node| node.spent.is_some());
    text.push_str(if timed { "手数----指手---------消費時間--\n" } else { "手数----指手--\n" });
    for line in tree.lines() {
        if let Some(&head) = line.first().filter(|&&head| head != NodeId::ROOT) {
            put!(text, "\n変化：{}手\n", tree.node(head).ply());
        }
        for visit in tree.walk(line) {
            let word = match visit.node.event() {
                Event::Start => None,
                Event::Move(mv) | Event::Illegal(mv) => Some(japanese::write_kif(&visit.before, *mv, visit.previous)),
                Event::End(end) => Some(one_line(end.kakinoki())),
            };
            if let Some(word) = word {
                let clock = visit.clock.as_ref().map_or_else(String::new, write_clock);
                let more = if tree.has_later_sibling(visit.id) { "+" } else { "" };
                let padding = 13usize.saturating_sub(writer::width(&word));
                let line = format!("{:>4} {word}{:padding$}{clock}{more}", visit.node.ply(), "");
                text.push_str(line.trim_end());
                text.push('\n');
            }
            writer::write_remarks(&mut text, &visit);
            writer::write_ending(&mut text, tree, &visit);
        }
    }
    text
}

/// Time for this move and in all: `( 0:12/00:00:12)`.
fn write_clock(clock: &Clock) -> String {
    let (spent, total) = (clock.spent / 1000, clock.total / 1000);
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    format!("({:>2}:{:02}/{hours:02}:{minutes:02}:{seconds:02})", spent / 60, spent % 60)
}
