//! JKF 1.0, the JSON Kifu Format of Kifu for JS.
//!
//! A bookmark travels as the comment `&name`. A move without an origin is a drop unless a piece on the board fits, as
//! files that come from KI2 have it; `relative` then tells the pieces apart.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::csa::{add_comment, piece_code, piece_of};
use super::evaluation::write_comments;
use super::kakinoki::Placement;
use super::problem::{Defects, Place, split_lines};
use super::text::Draft;
use super::text::{mover, reaching};
use super::{Builder, End, Event, Handicap, NodeId, Parsed, Problem, Record};
use crate::shogi::{Color, Move, Piece, PieceType, Position, Square};

#[derive(Serialize, Deserialize)]
struct Root {
    #[serde(default)]
    header: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initial: Option<Initial>,
    moves: Vec<Entry>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Initial {
    preset: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<State>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    color: Option<u8>,
    /// Files 1 to 9, each from rank 1 to 9.
    board: Vec<Vec<Cell>>,
    hands: Vec<BTreeMap<String, u8>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Cell {
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    comments: Vec<String>,
    #[serde(rename = "move", skip_serializing_if = "Option::is_none")]
    mv: Option<MoveEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    special: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forks: Vec<Vec<Entry>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct MoveEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Point>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Point>,
    piece: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    same: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promote: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relative: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Point {
    x: u8,
    y: u8,
}

#[derive(Serialize, Deserialize)]
struct Time {
    now: Clock,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<Clock>,
}

#[derive(Serialize, Deserialize)]
struct Clock {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h: Option<u32>,
    m: u32,
    s: Number,
}

impl Clock {
    fn milliseconds(&self) -> u64 {
        let whole = (u64::from(self.h.unwrap_or(0)) * 60 + u64::from(self.m)) * 60_000;
        // A number out of the integer's range becomes its nearest end.
        whole.saturating_add(libm::round(self.s.as_f64().unwrap_or(0.0) * 1000.0) as u64)
    }

    /// Hours are written for totals only.
    fn of(milliseconds: u64, hours: bool) -> Clock {
        let seconds = milliseconds / 1000;
        let minutes = if hours { seconds / 60 % 60 } else { seconds / 60 };
        let fraction = (milliseconds % 1000) as f64 / 1000.0;
        let exact = Number::from_f64((seconds % 60) as f64 + fraction).filter(|_| !milliseconds.is_multiple_of(1000));
        Clock {
            h: hours.then_some((seconds / 3600) as u32),
            m: minutes as u32,
            s: exact.unwrap_or_else(|| Number::from(seconds % 60)),
        }
    }
}

const fn color_of(number: u8) -> Color {
    if number == 1 { Color::White } else { Color::Black }
}

/// Reads a record. What is not JSON of the schema gives an empty record and one defect.
pub fn read(text: &str) -> Parsed {
    let mut defects = Defects::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let root: Root = match serde_json::from_str(text) {
        Ok(root) => root,
        Err(error) => {
            let place = Place::Text { line: error.line().max(1), column: error.column().max(1) };
            let message = error.to_string();
            let reason = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
            defects.add(place, Problem::Json(reason.into()));
            return Parsed { record: Record::new(Position::startpos()), defects: defects.0 };
        }
    };
    let start = match read_start(&root) {
        Ok(start) => start,
        Err(problem) => {
            defects.add(Place::Ply(0), problem);
            return Parsed { record: Record::new(Position::startpos()), defects: defects.0 };
        }
    };
    let mut builder = Builder::new(start);
    read_entries(&mut builder, &root.moves, true, &mut defects);
    let mut record = builder.finish();
    // The start position says the handicap already.
    record.headers = root.header.into_iter().filter(|(key, _)| key != "手合割").collect();
    Parsed { record, defects: defects.0 }
}

fn read_start(root: &Root) -> Result<Position, Problem> {
    let Some(initial) = &root.initial else { return Ok(Position::startpos()) };
    if let Some(handicap) = Handicap::from_preset(&initial.preset) {
        return Ok(handicap.position());
    }
    let Some(state) = &initial.data else { return Err(Problem::Handicap(initial.preset.clone())) };
    let mut placement = Placement::default();
    placement.begin_board();
    placement.side = color_of(state.color.unwrap_or(0));
    for (file, ranks) in (1..=9).zip(&state.board) {
        for (rank, cell) in (1..=9).zip(ranks) {
            let Some(code) = &cell.kind else { continue };
            let kind = piece_of(code).ok_or(Problem::Expected("a piece such as FU"))?;
            if let Some(square) = Square::new(file, rank) {
                placement.put(square, Some(Piece::new(color_of(cell.color.unwrap_or(0)), kind)));
            }
        }
    }
    for (color, hand) in Color::ALL.into_iter().zip(&state.hands) {
        for (code, &count) in hand {
            let kind = piece_of(code).ok_or(Problem::Expected("a piece such as FU"))?;
            (0..count).for_each(|_| placement.hold(color, kind));
        }
    }
    placement.position().map_err(Problem::Start)
}

/// Plays a line; the forks of an entry are alternatives to it.
fn read_entries(builder: &mut Builder, entries: &[Entry], main: bool, defects: &mut Defects) {
    for (index, entry) in entries.iter().enumerate() {
        let before = builder.ply();
        let is_start = main && index == 0 && entry.mv.is_none() && entry.special.is_none();
        let played = if is_start { Ok(()) } else { read_event(builder, entry) };
        let reached = builder.ply() > before || is_start;
        if let Err(problem) = played {
            defects.add(Place::Ply(before + 1), problem);
        }
        if reached {
            // Nobody took time for the start position.
            if let Some(time) = entry.time.as_ref().filter(|_| !is_start) {
                builder.node_mut().spent = Some(time.now.milliseconds());
            }
            let lines = entry.comments.iter().flat_map(|comment| split_lines(comment));
            for line in lines {
                add_comment(builder, line);
            }
        }
        for fork in &entry.forks {
            builder.aside(before, |builder| read_entries(builder, fork, false, defects));
        }
        if !reached {
            break;
        }
    }
}

fn read_event(builder: &mut Builder, entry: &Entry) -> Result<(), Problem> {
    if let Some(mv) = &entry.mv {
        let mv = read_move(builder, mv)?;
        return builder.play(mv);
    }
    match &entry.special {
        Some(word) => builder.end(End::from_csa(word, builder.position().side_to_move())),
        None => Err(Problem::Expected("a move or an end")),
    }
}

fn read_move(builder: &Builder, entry: &MoveEntry) -> Result<Move, Problem> {
    let square = |point: Point| Square::new(point.x, point.y).ok_or(Problem::Expected("a square with x and y 1-9"));
    let to = entry.to.map(square).transpose()?;
    let from = entry.from.map(square).transpose()?;
    let kind = piece_of(&entry.piece).ok_or(Problem::Expected("a piece such as FU"))?;
    let mut draft = Draft::plain(to, kind, entry.promote == Some(true));
    draft.from = from;
    for letter in entry.relative.iter().flat_map(|relative| relative.chars()) {
        let mark = match letter {
            'L' => '左',
            'C' => '直',
            'R' => '右',
            'U' => '上',
            'M' => '寄',
            'D' => '引',
            'H' => '打',
            _ => return Err(Problem::Expected("a relation of the letters L C R U M D H")),
        };
        draft.relate(mark);
    }
    draft.resolve(builder.position(), builder.position().side_to_move(), builder.previous())
}

/// Forks within forks go on to this depth: each takes four levels of JSON, of which readers allow 128.
const MAX_DEPTH: usize = 30;

/// The whole tree, but for forks that are nested more than thirty deep.
// String keys and finite numbers always have a text.
#[allow(clippy::missing_panics_doc)]
pub fn write(record: &Record) -> String {
    let start = record.start();
    let initial = match record.handicap() {
        Some(handicap) => Initial { preset: handicap.preset().into(), data: None },
        None => Initial { preset: "OTHER".into(), data: Some(write_state(start)) },
    };
    let root = Root {
        header: record.headers.iter().cloned().collect(),
        initial: Some(initial),
        moves: write_line(record, NodeId::ROOT, 0),
    };
    let mut text = serde_json::to_string(&root).expect("the schema has string keys and finite numbers only");
    text.push('\n');
    text
}

fn write_state(position: &Position) -> State {
    let cell = |file, rank| {
        let piece = Square::new(file, rank).and_then(|square| position.piece_at(square));
        Cell { color: piece.map(|piece| piece.color() as u8), kind: piece.map(|piece| piece_code(piece.kind()).into()) }
    };
    let hand = |color| {
        let held = position.hand(color);
        PieceType::HAND.into_iter().map(|kind| (piece_code(kind).to_string(), held.count(kind))).collect()
    };
    State {
        color: Some(position.side_to_move() as u8),
        board: (1..=9).map(|file| (1..=9).map(|rank| cell(file, rank)).collect()).collect(),
        hands: Color::ALL.map(hand).into(),
    }
}

fn write_line(record: &Record, head: NodeId, depth: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    let line = record.line(head);
    let parent = record.node(head).parent();
    let mut totals = Color::ALL.map(|color| parent.map_or(0, |parent| record.total_spent(parent, color)));
    record.walk(&line, |id, node, position| {
        let mut after = position.clone();
        let mut entry = Entry::default();
        match node.event() {
            Event::Start => {}
            Event::Move(mv) | Event::Illegal(mv) => {
                entry.mv = Some(write_move(position, *mv, record.previous(id)));
                // After a move against the rules the position stays.
                let _ = after.try_play(*mv);
            }
            Event::End(end) => entry.special = Some(end.csa(position.side_to_move()).into()),
        }
        entry.time = node.spent.filter(|_| *node.event() != Event::Start).map(|spent| {
            let total = &mut totals[position.side_to_move().index()];
            *total = total.saturating_add(spent);
            Time { now: Clock::of(spent, false), total: Some(Clock::of(*total, true)) }
        });
        entry.comments.extend(node.bookmark.iter().map(|name| ["&", name].concat()));
        entry.comments.extend(write_comments(node, &after));
        let siblings = node.parent().filter(|_| id != head).map(|parent| record.node(parent).children());
        if let Some([_, forks @ ..]) = siblings.filter(|_| depth < MAX_DEPTH) {
            entry.forks = forks.iter().map(|&fork| write_line(record, fork, depth + 1)).collect();
        }
        entries.push(entry);
    });
    entries
}

fn write_move(position: &Position, mv: Move, previous: Option<Square>) -> MoveEntry {
    let point = |square: Square| Point { x: square.file(), y: square.rank() };
    let us = position.side_to_move();
    let kind = mover(position, mv).unwrap_or(PieceType::Pawn);
    let color = mv.from().and_then(|from| position.piece_at(from)).map_or(us, Piece::color);
    let captured = position.piece_at(mv.to()).filter(|_| !mv.is_drop());
    let ambiguous_drop = mv.is_drop() && !reaching(position, us, kind, mv.to()).is_empty();
    // A drop that cannot be made would be read as another piece's move.
    let illegal_drop = mv.is_drop() && !position.is_legal(mv);
    MoveEntry {
        color: Some(color as u8),
        from: mv.from().map(point),
        to: Some(point(mv.to())),
        piece: piece_code(kind).into(),
        same: Some(true).filter(|_| previous == Some(mv.to())),
        promote: match (mv.is_promotion(), super::text::may_promote(kind, color, mv)) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        },
        capture: captured.map(|piece| piece_code(piece.kind()).into()),
        relative: Some("H".into()).filter(|_| ambiguous_drop || illegal_drop),
    }
}
