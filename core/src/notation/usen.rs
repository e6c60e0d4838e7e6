//! USEN, a whole tree as one word that needs no escaping in an address line (Shogi Playground, `ShogiHome`).
//!
//! `START~OFFSET.MOVES.END~OFFSET.MOVES.END…`: START is an SFEN without its number and with `_` for `/`, `.` for a space and `z` for
//! `+`, or nothing for the usual start. Each part then goes back to ply OFFSET and plays MOVES of three base-36 digits:
//! (from · 81 + to) · 2 + promotion, with squares counted 1a = 0, 2a = 1 … 9i = 80 and 90 gold, 91 pawn, 92 lance, 93 knight,
//! 94 silver, 95 bishop, 96 rook for drops. END is `r` resigned, `t` time, `j` impasse, `i` foul, `p` anything else, or nothing.

use alloc::format;
use alloc::string::String;

use super::builder::Builder;
use super::end::End;
use super::problem::{Defects, Problem};
use super::reading::Parsed;
use super::tree::{Event, GameTree};
use crate::shogi::{Move, PieceType, Position, Square};

/// Kinds that can be dropped, in USEN's order from 90 on.
const DROPS: [PieceType; 7] = [
    PieceType::Gold,
    PieceType::Pawn,
    PieceType::Lance,
    PieceType::Knight,
    PieceType::Silver,
    PieceType::Bishop,
    PieceType::Rook,
];
const FIRST_DROP: usize = 90;

/// Row by row from 1a leftwards.
const fn square_number(square: Square) -> usize {
    (square.rank() as usize - 1) * 9 + square.file() as usize - 1
}

fn square_of(number: usize) -> Option<Square> {
    Square::new((number % 9 + 1) as u8, (number / 9 + 1) as u8)
}

fn write_move(text: &mut String, mv: Move) {
    let origin = match (mv.from(), mv.dropped()) {
        (Some(from), _) => square_number(from),
        (None, dropped) => FIRST_DROP + DROPS.iter().position(|&kind| Some(kind) == dropped).unwrap_or(0),
    };
    let number = (origin * 81 + square_number(mv.to())) * 2 + usize::from(mv.is_promotion());
    for place in [36 * 36, 36, 1] {
        text.extend(char::from_digit((number / place % 36) as u32, 36));
    }
}

fn read_move(digits: &str) -> Option<Move> {
    let number = usize::from_str_radix(digits, 36).ok().filter(|_| !digits.starts_with('+'))?;
    let (promotes, squares) = (number % 2 == 1, number / 2);
    let (origin, to) = (squares / 81, square_of(squares % 81)?);
    match square_of(origin) {
        Some(from) if from == to => None,
        Some(from) => Some(if promotes { Move::promoting(from, to) } else { Move::normal(from, to) }),
        None if promotes => None,
        None => DROPS.get(origin.checked_sub(FIRST_DROP)?).map(|&kind| Move::drop(kind, to)),
    }
}

/// Reads a game.
pub fn read(text: &str) -> Parsed {
    let word = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let mut defects = Defects::default();
    let (start, parts) = word.split_once('~').unwrap_or((word, ""));
    let sfen = format!("{} 1", start.replace('_', "/").replace('.', " ").replace('z', "+"));
    let position = if start.is_empty() { Ok(Position::startpos()) } else { Position::from_sfen(&sfen) };
    let position = match position {
        Ok(position) => position,
        Err(error) => {
            return Parsed::no_game(1, text, word, Problem::Start(error));
        }
    };
    let mut builder = Builder::new(position);
    for part in parts.split('~').filter(|part| !part.is_empty()) {
        if let Err((place, problem)) = read_part(&mut builder, part) {
            defects.at(1, text, place, problem);
        }
    }
    Parsed { tree: Some(builder.finish()), defects: defects.0 }
}

fn read_part<'a>(builder: &mut Builder, part: &'a str) -> Result<(), (&'a str, Problem)> {
    let mut fields = part.split('.');
    let (offset, moves, end) = (fields.next().unwrap_or(""), fields.next(), fields.next());
    let ply = offset.parse().map_err(|_| (part, Problem::Expected("a move number")))?;
    builder.rewind(ply).map_err(|problem| (part, problem))?;
    let mut rest = moves.unwrap_or("");
    let mut played = Ok(());
    while !rest.is_empty() {
        let mv = rest.get(..3).and_then(read_move).ok_or((rest, Problem::Expected("a move of three digits")))?;
        let before = builder.ply();
        played = builder.play(mv).map_err(|problem| (rest, problem));
        rest = &rest[3..];
        // After a move against the rules, if it was kept, only the end of its line still has a place.
        if played.is_err() && (builder.ply() == before || !rest.is_empty()) {
            return played;
        }
    }
    let Some(letter) = end.and_then(|end| end.chars().next()) else { return played };
    let end = End::from_usen(letter).ok_or((part, Problem::Expected("an end: one of r, t, i, j and p")))?;
    played.and(builder.end(end).map_err(|problem| (part, problem)))
}

/// Text of the whole tree; comments, clocks and headers have no place in it.
pub fn write(tree: &GameTree) -> String {
    let mut text = String::new();
    // The key of a position leaves the move number out, as USEN does.
    if tree.start().key() != Position::startpos().key() {
        let sfen = tree.start().to_sfen();
        let fields = sfen.rsplit_once(' ').map_or(sfen.as_str(), |(fields, _)| fields);
        text.push_str(&fields.replace('/', "_").replace(' ', ".").replace('+', "z"));
    }
    for line in tree.lines() {
        let Some(&head) = line.first() else { continue };
        put!(text, "~{}.", tree.node(head).ply().saturating_sub(1));
        let mut end = None;
        for id in line {
            match tree.node(id).event() {
                Event::Start => {}
                Event::Move(mv) | Event::Illegal(mv) => write_move(&mut text, *mv),
                Event::End(word) => end = Some(word.usen()),
            }
        }
        text.push('.');
        text.extend(end);
    }
    text
}
