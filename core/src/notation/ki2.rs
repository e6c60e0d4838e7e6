//! KI2, Kakinoki's format to be read by people: no origins, no clocks, several moves a line.
//!
//! A move against the rules is written with its origin, as in KIF: nothing else would tell which piece made it.

use alloc::format;
use alloc::string::String;

use super::kakinoki::{self, Reader, width};
use super::text::{side_mark, take_draft, take_side, trim_start, write_kif, write_marked};
use super::{Event, GameTree, NodeId, Parsed, Problem};
use crate::shogi::Piece;

/// Reads a record. KIF and BOD are understood as well.
pub fn read(text: &str) -> Parsed {
    kakinoki::read(text)
}

/// Reads a line that begins with a side's mark.
pub(super) fn read_move_line(reader: &mut Reader, number: usize, line: &str) {
    let mut rest = trim_start(line);
    while !rest.is_empty() {
        let place = rest;
        let Some(builder) = reader.following() else { return };
        let Some((color, after)) = take_side(rest) else {
            reader.play(number, line, place, Err(Problem::Expected("▲ or △")));
            return;
        };
        let (mv, after) = match take_draft(after) {
            Ok((draft, after)) => (draft.resolve(builder.position(), color, builder.previous()), after),
            Err((problem, at)) => {
                reader.play(number, line, at, Err(problem));
                return;
            }
        };
        reader.play(number, line, place, mv);
        rest = trim_start(after);
    }
}

/// The whole tree without its clocks.
pub fn write(record: &GameTree) -> String {
    const PER_LINE: usize = 6;
    let mut text = String::from("#KI2 version=2.0 encoding=UTF-8\n");
    kakinoki::write_head(&mut text, record);
    for line in record.lines() {
        let Some((&head, &last)) = line.first().zip(line.last()) else { continue };
        text.push('\n');
        if head != NodeId::ROOT {
            put!(text, "変化：{}手\n", kakinoki::variation_number(record, head));
        }
        let mut on_line = 0;
        let mut padding = 0;
        record.walk(&line, |id, node, position| {
            let mut after = position.clone();
            let word = match node.event() {
                Event::Move(mv) => {
                    after.play_unchecked(*mv);
                    Some(write_marked(position, *mv, record.previous(id)))
                }
                Event::Illegal(mv) => {
                    let piece = mv.from().and_then(|from| position.piece_at(from));
                    let color = piece.map_or(position.side_to_move(), Piece::color);
                    Some(format!("{}{}", side_mark(color), write_kif(position, *mv, record.previous(id))))
                }
                Event::Start | Event::End(_) => None,
            };
            let end_line = |text: &mut String, on_line: &mut usize| {
                if *on_line > 0 {
                    text.push('\n');
                    *on_line = 0;
                }
            };
            if let Some(word) = word {
                if on_line == PER_LINE {
                    end_line(&mut text, &mut on_line);
                }
                if on_line > 0 {
                    put!(text, "{:padding$}", "");
                }
                text.push_str(&word);
                padding = 12usize.saturating_sub(width(&word));
                on_line += 1;
            } else if matches!(node.event(), Event::End(_)) {
                end_line(&mut text, &mut on_line);
                kakinoki::write_ending(&mut text, record, id);
            }
            if node.has_comment() || node.bookmark.is_some() {
                end_line(&mut text, &mut on_line);
                kakinoki::write_remarks(&mut text, node, &after);
            }
            if id == last {
                end_line(&mut text, &mut on_line);
            }
        });
    }
    text
}
