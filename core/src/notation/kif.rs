//! KIF, Kakinoki's format with origins and clocks.
//!
//! `   1 ７六歩(77)   ( 0:12/00:00:12)+`: number, move, time for this move and in all, and `+` before an alternative. The number counts:
//! one that is not the next goes back to that move.

use alloc::format;
use alloc::string::String;

use super::kakinoki::{self, Reader, take_number};
use super::problem::one_line;
use super::text::{self, take_draft, trim, trim_start};
use super::{End, Event, GameTree, NodeId, Parsed, Problem};
use crate::shogi::Color;

/// Reads a record. KI2 and BOD are understood as well.
pub fn read(text: &str) -> Parsed {
    kakinoki::read(text)
}

/// The milliseconds of `( 0:12/00:00:12)`, `(00:12 / …)` or `(0:00:12)`: only the first time counts.
fn read_clock(text: &str) -> Option<u64> {
    let inside = text.strip_prefix(['(', '（'])?;
    let time = inside.split([')', '）', '/', '／']).next()?;
    let mut seconds = 0u64;
    for field in trim(time).split([':', '：']) {
        let field = trim(field);
        let digits = !field.is_empty() && field.len() <= 9 && field.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { field.parse::<u64>().ok() } else { None }?;
        seconds = seconds.checked_mul(60)?.checked_add(number)?;
    }
    seconds.checked_mul(1000)
}

/// Reads a line that begins with a number.
pub(super) fn read_move_line(reader: &mut Reader, number: usize, line: &str) {
    let Some((ply, rest)) = take_number(trim_start(line)) else {
        return reader.defect(number, line, trim_start(line), Problem::Expected("a move number from 1 on"));
    };
    let place = trim_start(rest);
    // The number says which move this is; one that goes too far does not matter.
    let known = reader.builder.as_ref().map_or(0, super::Builder::ply);
    if usize::from(ply) <= known {
        let back = reader.rewind(usize::from(ply).saturating_sub(1));
        back.unwrap_or_else(|problem| reader.defect(number, line, line, problem));
    }
    if reader.following().is_none() || place.is_empty() {
        return;
    }
    let unmarked = text::take_side(place).map_or(place, |(_, rest)| rest);
    let clock = match take_draft(unmarked) {
        Ok((draft, rest)) => {
            let mv = reader.following().map(|builder| {
                let position = builder.position();
                draft.resolve(position, position.side_to_move(), builder.previous())
            });
            if !mv.is_some_and(|mv| reader.play(number, line, place, mv)) {
                return;
            }
            rest
        }
        Err((problem, at)) => {
            let end = place.find(['(', '（']).unwrap_or(place.len());
            let word = trim(place[..end].trim_end_matches('+'));
            let origin = place[end..].chars().nth(3).is_some_and(|found| matches!(found, ')' | '）'));
            let square = |found: char| found == '同' || !found.is_ascii() && text::digit(found).is_some();
            if origin || word.is_empty() || word.starts_with(square) {
                reader.defect(number, line, at, problem.clone());
                reader.play(number, line, at, Err(problem));
                return;
            }
            reader.end(number, line, place, End::from_kakinoki(word));
            &place[end..]
        }
    };
    let clock = trim(clock).trim_end_matches('+');
    let clock = trim(clock);
    if clock.is_empty() {
        return;
    }
    match (read_clock(clock), reader.following()) {
        (Some(spent), Some(builder)) => builder.node_mut().spent = Some(spent),
        (None, _) => reader.defect(number, line, clock, Problem::Expected("a clock such as ( 0:12/00:01:30)")),
        (_, None) => {}
    }
}

/// The whole tree; times are written in whole seconds.
pub fn write(record: &GameTree) -> String {
    let mut text = String::from("#KIF version=2.0 encoding=UTF-8\n");
    kakinoki::write_head(&mut text, record);
    let timed = record.nodes().iter().any(|node| node.spent.is_some());
    text.push_str(if timed { "手数----指手---------消費時間--\n" } else { "手数----指手--\n" });
    for line in record.lines() {
        let Some((&head, &last)) = line.first().zip(line.last()) else { continue };
        if head != NodeId::ROOT {
            put!(text, "\n変化：{}手\n", kakinoki::variation_number(record, head));
        }
        let parent = record.node(head).parent();
        let mut totals = Color::ALL.map(|color| parent.map_or(0, |parent| record.total_spent(parent, color)));
        record.walk(&line, |id, node, position| {
            let mut after = position.clone();
            let word = match node.event() {
                Event::Start => String::new(),
                Event::Move(mv) | Event::Illegal(mv) => {
                    // After a move against the rules the position stays.
                    let _ = after.try_play(*mv);
                    text::write_kif(position, *mv, record.previous(id))
                }
                Event::End(end) => one_line(end.kakinoki()),
            };
            if !matches!(node.event(), Event::Start) {
                let clock = node.spent.map_or_else(String::new, |spent| {
                    let total = &mut totals[position.side_to_move().index()];
                    *total = total.saturating_add(spent);
                    write_clock(spent / 1000, *total / 1000)
                });
                let more = if record.has_later_sibling(id) { "+" } else { "" };
                let padding = 13usize.saturating_sub(kakinoki::width(&word));
                let line = format!("{:>4} {word}{:padding$}{clock}{more}", node.ply(), "");
                text.push_str(line.trim_end());
                text.push('\n');
            }
            kakinoki::write_remarks(&mut text, node, &after);
        });
        kakinoki::write_ending(&mut text, record, last);
    }
    text
}

/// Seconds for this move and in all.
fn write_clock(spent: u64, total: u64) -> String {
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    format!("({:>2}:{:02}/{hours:02}:{minutes:02}:{seconds:02})", spent / 60, spent % 60)
}
