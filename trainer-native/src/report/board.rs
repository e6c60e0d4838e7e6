//! Sample games of the report: every position worked out here, so that the page holds no rule of shogi.

use crate::view::kanji;
use keisei_core::format::record::Record;
use keisei_core::notation::japanese;
use keisei_core::shogi::{Color, Move, PieceType, Position, Square};
use serde::Serialize;
use std::fmt::Write;

/// Size of a square in the picture.
const CELL: usize = 40;

/// Place of the board's corner in the picture, and the size of the picture.
const CORNER: usize = 24;
const SIZE: usize = 9 * CELL + 2 * CORNER;

/// A game to step through.
#[derive(Serialize)]
pub struct SampleGame {
    /// Title, such as `run a, game 1: black wins: checkmate, 73 moves`.
    pub title: String,
    /// Every position from the start to the end.
    pub positions: Vec<SamplePosition>,
}

/// A position of a game.
#[derive(Serialize)]
pub struct SamplePosition {
    /// Each piece: square from 0 (file 1, rank 1) by files, kanji, and 1 for White's.
    pub pieces: Vec<(usize, &'static str, u8)>,
    /// Squares that the last move went to and came from.
    pub marks: Vec<usize>,
    /// The last move, with its number.
    pub text: String,
    /// Black's and White's hand.
    pub hands: [String; 2],
}

/// The shortest, the middle and the longest of the games.
pub fn samples(records: &[Record]) -> Vec<&Record> {
    let mut ended: Vec<&Record> = records.iter().filter(|record| record.outcome.is_some()).collect();
    ended.sort_by_key(|record| record.moves.len());
    let mut places = vec![0, ended.len() / 2, ended.len().saturating_sub(1)];
    places.dedup();
    places.into_iter().filter_map(|place| ended.get(place).copied()).collect()
}

impl SampleGame {
    /// The game with all its positions; none if the record is not one of a legal game.
    pub fn of(name: &str, record: &Record) -> Option<Self> {
        let mut position = Position::from_sfen(&record.start_sfen).ok()?;
        let mut positions = vec![SamplePosition::of(&position, None, "start".into())];
        let mut previous: Option<Move> = None;
        for (i, &mv) in record.moves.iter().enumerate() {
            let mut text = format!("{}. {}", i + 1, japanese::write_marked(&position, mv, previous.map(Move::to)));
            if let Some(value) = record.plies.get(i).and_then(|ply| ply.value) {
                let _ = write!(text, ", value {:.2} to the mover", value.0);
            }
            position.try_play(mv).ok()?;
            positions.push(SamplePosition::of(&position, Some(mv), text));
            previous = Some(mv);
        }
        let end = record.outcome.map_or_else(|| "unfinished".to_owned(), |outcome| outcome.to_string());
        Some(Self { title: format!("{name}: {end}, {} moves", record.moves.len()), positions })
    }
}

impl SamplePosition {
    fn of(position: &Position, last: Option<Move>, text: String) -> Self {
        let piece = |&square: &Square| {
            let piece = position.piece_at(square)?;
            Some((square.index(), kanji(piece.kind()), u8::from(piece.color() == Color::White)))
        };
        let marks = last.into_iter().flat_map(|mv| [Some(mv.to()), mv.from()]).flatten().map(Square::index);
        Self {
            pieces: Square::ALL.iter().filter_map(piece).collect(),
            marks: marks.collect(),
            text,
            hands: [hand(position, Color::Black), hand(position, Color::White)],
        }
    }

    /// The board as SVG; the page's script draws the other positions into its groups.
    pub fn svg(&self) -> String {
        let mut svg = format!(
            "<svg id=\"board\" role=\"img\" aria-label=\"Board of the chosen game\" viewBox=\"0 0 {SIZE} {SIZE}\" width=\"{SIZE}\" \
             data-cell=\"{CELL}\" data-corner=\"{CORNER}\">\n<g id=\"marks\">"
        );
        for (i, &square) in self.marks.iter().enumerate() {
            let (x, y) = corner_of(square);
            let class = if i == 0 { "to" } else { "from" };
            let _ = write!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{CELL}\" class=\"{class}\"/>");
        }
        svg.push_str("</g>\n<path class=\"grid\" d=\"");
        let end = CORNER + 9 * CELL;
        for i in 0..=9 {
            let at = CORNER + i * CELL;
            let _ = write!(svg, "M{at} {CORNER}V{end}M{CORNER} {at}H{end}");
        }
        svg.push_str("\"/>\n<g class=\"names\">");
        for i in 0..9 {
            let middle = CORNER + i * CELL + CELL / 2;
            let rank = ["一", "二", "三", "四", "五", "六", "七", "八", "九"][i];
            let _ = write!(svg, "<text x=\"{middle}\" y=\"{}\">{}</text>", CORNER - 8, 9 - i);
            let _ = write!(svg, "<text x=\"{}\" y=\"{}\">{rank}</text>", end + 12, middle + 5);
        }
        svg.push_str("</g>\n<g id=\"pieces\">");
        for &(square, name, is_white) in &self.pieces {
            let (x, y) = corner_of(square);
            let (x, y) = (x + CELL / 2, y + CELL / 2);
            let turn = if is_white == 1 { format!(" transform=\"rotate(180 {x} {y})\"") } else { String::new() };
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\"{turn}>{name}</text>");
        }
        svg.push_str("</g>\n</svg>\n");
        svg
    }
}

/// Corner of a square in the picture.
fn corner_of(square: usize) -> (usize, usize) {
    (CORNER + (8 - square / 9) * CELL, CORNER + square % 9 * CELL)
}

fn hand(position: &Position, color: Color) -> String {
    let held = |(kind, count): (PieceType, u8)| match count {
        1 => kanji(kind).to_owned(),
        count => format!("{}{count}", kanji(kind)),
    };
    let pieces: Vec<(PieceType, u8)> = position.hand(color).iter().collect();
    let text: Vec<String> = pieces.into_iter().rev().map(held).collect();
    if text.is_empty() { "none".to_owned() } else { text.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keisei_core::shogi::{Game, GameResult, Outcome, Reason};

    fn record(moves: &[&str]) -> Record {
        let mut game = Game::startpos();
        for text in moves {
            game.try_play(text.parse().expect("a move")).expect("legal");
        }
        let outcome = Some(Outcome { result: GameResult::Draw, reason: Reason::Repetition });
        Record { outcome, ..Record::of_game(&game, "a", "b", Vec::new()) }
    }

    #[test]
    fn a_game_has_all_its_positions() {
        let game = SampleGame::of("a", &record(&["7g7f", "3c3d", "8h2b+", "3a2b"])).expect("a game");
        assert_eq!(game.title, "a: draw: repetition, 4 moves");
        let texts: Vec<&str> = game.positions.iter().map(|position| position.text.as_str()).collect();
        assert_eq!(texts, ["start", "1. ▲７六歩", "2. △３四歩", "3. ▲２二角成", "4. △同　銀"]);
        let last = &game.positions[4];
        assert_eq!((last.hands.clone(), last.pieces.len()), (["角".to_owned(), "角".to_owned()], 38));
        let square = |file: usize, rank: usize| 9 * (file - 1) + rank - 1;
        assert_eq!(last.marks, [square(2, 2), square(3, 1)]);
        assert!(last.pieces.contains(&(square(2, 2), "銀", 1)) && last.pieces.contains(&(square(7, 6), "歩", 0)));
        let svg = last.svg();
        assert!(svg.contains("<rect x=\"304\" y=\"64\" width=\"40\" height=\"40\" class=\"to\"/>"), "{svg}");
        assert_eq!(svg.matches("rotate(180").count(), 19);
    }

    #[test]
    fn samples_are_the_shortest_the_middle_and_the_longest() {
        let moves = ["7g7f", "3c3d", "2g2f", "8c8d", "2f2e"];
        let records: Vec<Record> = [3, 1, 5, 2, 4].iter().map(|&count| record(&moves[..count])).collect();
        let lengths = |records: &[Record]| samples(records).iter().map(|record| record.moves.len()).collect::<Vec<_>>();
        assert_eq!(lengths(&records), [1, 3, 5]);
        assert_eq!(lengths(&records[..1]), [3]);
        assert_eq!(lengths(&[]), [0; 0]);
    }
}
