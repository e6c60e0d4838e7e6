//! USI's `position` command, SFEN, and lists of moves in USI's syntax.
//!
//! Read are `position sfen … moves …`, `position startpos moves …`, both without `position`, an SFEN alone, and moves alone from the
//! usual start. Only the main line can be written.

use alloc::string::String;
use alloc::vec::Vec;

use super::problem::{Defects, lines};
use super::{Builder, End, Event, GameTree, Parsed, Problem};
use crate::shogi::{Move, Position};

/// Reads the first line that is not empty.
pub fn read(text: &str) -> Parsed {
    let line = lines(text).find(|(_, line)| !line.trim().is_empty());
    let (number, line) = line.unwrap_or((1, ""));
    read_line(number, line)
}

/// Reads every line that is not empty as a game.
pub fn read_all(text: &str) -> Vec<Parsed> {
    lines(text).filter(|(_, line)| !line.trim().is_empty()).map(|(number, line)| read_line(number, line)).collect()
}

/// The bytes from the begin of `line` to `word`, which is a part of it.
pub(super) fn offset(line: &str, word: &str) -> usize {
    (word.as_ptr() as usize).saturating_sub(line.as_ptr() as usize)
}

fn read_line(number: usize, line: &str) -> Parsed {
    let mut defects = Defects::default();
    let mut words = line.split_ascii_whitespace().peekable();
    words.next_if_eq(&"position");
    let mut start = Position::startpos();
    match words.peek().copied() {
        Some("startpos") => {
            words.next();
        }
        Some(first) if first == "sfen" || first.contains('/') => {
            words.next_if_eq(&"sfen");
            let begin = words.peek().map_or(line.len(), |word| offset(line, word));
            let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
            let fields = [words.next(), words.next(), words.next()].map(|field| field.unwrap_or(""));
            // Many programs leave the move number out.
            let ply = words.next_if(is_number).unwrap_or("1");
            let sfen = [fields[0], fields[1], fields[2], ply].join(" ");
            match Position::from_sfen(&sfen) {
                Ok(position) => start = position,
                Err(error) => {
                    defects.at(number, line, begin, Problem::Start(error));
                    return Parsed { tree: GameTree::new(start), defects: defects.0 };
                }
            }
        }
        _ => {}
    }
    words.next_if_eq(&"moves");
    let mut builder = Builder::new(start);
    for word in words {
        let played = match word.parse::<Move>() {
            Ok(mv) => builder.play(mv),
            Err(_) if word == "resign" => builder.end(End::Resign),
            Err(_) if word == "win" => builder.end(End::Declaration),
            Err(_) => Err(Problem::Expected("a move such as 7g7f, 8h2b+ or P*5e")),
        };
        if let Err(problem) = played {
            defects.at(number, line, offset(line, word), problem);
            break;
        }
    }
    Parsed { tree: builder.finish(), defects: defects.0 }
}

/// The main line as a `position` command without an end.
pub fn write(record: &GameTree) -> String {
    let mut text = String::from("position ");
    if *record.start() == Position::startpos() {
        text.push_str("startpos");
    } else {
        text.push_str("sfen ");
        text.push_str(&record.start().to_sfen());
    }
    let mut first = true;
    for id in record.main_line() {
        if let Event::Move(mv) = record.node(id).event() {
            text.push_str(if first { " moves " } else { " " });
            text.push_str(&mv.to_usi());
            first = false;
        }
    }
    text.push('\n');
    text
}
