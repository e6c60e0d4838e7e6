//! USI's `position` command, SFEN, and lists of moves in USI's syntax.
//!
//! Read are `position sfen … moves …`, `position startpos moves …`, both without `position`, an SFEN alone, and moves alone from the
//! usual start. Only the main line can be written.

use alloc::string::String;
use alloc::vec::Vec;

use super::builder::Builder;
use super::end::End;
use super::lines::lines;
use super::problem::{Defects, Problem};
use super::reading::Parsed;
use super::tree::GameTree;
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
            let place = words.peek().copied().unwrap_or(&line[line.len()..]);
            let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
            let fields = [words.next(), words.next(), words.next()].map(|field| field.unwrap_or(""));
            // Many programs leave the move number out.
            let ply = words.next_if(is_number).unwrap_or("1");
            let sfen = [fields[0], fields[1], fields[2], ply].join(" ");
            match Position::from_sfen(&sfen) {
                Ok(position) => start = position,
                Err(error) => {
                    defects.at(number, line, place, Problem::Start(error));
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
            defects.at(number, line, word, problem);
            break;
        }
    }
    Parsed { tree: builder.finish(), defects: defects.0 }
}

/// Text of the main line: a `position` command without an end.
pub fn write(tree: &GameTree) -> String {
    let mut text = String::from("position ");
    if *tree.start() == Position::startpos() {
        text.push_str("startpos");
    } else {
        put!(text, "sfen {}", tree.start().to_sfen());
    }
    for (index, mv) in tree.main_moves().into_iter().enumerate() {
        put!(text, "{}{mv}", if index == 0 { " moves " } else { " " });
    }
    text.push('\n');
    text
}
