//! JKF 1.0, the JSON Kifu Format of Kifu for JS.
//!
//! | object | members |
//! |---|---|
//! | the file | `header` (key → text), `initial`, `moves` (entries; the first is the start position's) |
//! | `initial` | `preset` (a handicap's name, or `OTHER`), `data`: `color`, `board[file][rank]` of `color` and `kind`, `hands` |
//! | an entry | `comments`, `move` or `special`, `time` (`now`, `total`: `h` `m` `s`), `forks` (lines of entries) |
//! | `move` | `color`, `from`, `to` (`x`: file, `y`: rank), `piece`, `same`, `promote`, `capture`, `relative` (letters `LCRUMDH`) |
//!
//! Colours are 0 for Black and 1 for White, pieces CSA's words. A bookmark travels as the comment `&name`. A move without
//! an origin is a drop unless a piece on the board fits, as files that come from KI2 have it; `relative` then tells the
//! pieces apart.

use alloc::string::String;
use alloc::vec::Vec;

use super::builder::Builder;
use super::comment::{add_comment, write_comments};
use super::end::End;
use super::handicap::Handicap;
use super::json::{self, Json, digits, elements, flag_of, list, member, members, quote, sequence, text_of, whole};
use super::lines::split_lines;
use super::moves::csa::{piece_code, piece_of};
use super::moves::japanese::Draft;
use super::moves::mover::{may_promote, mover, reaching};
use super::number::read_seconds;
use super::placement::Placement;
use super::problem::{Defects, Place, Problem};
use super::reading::Parsed;
use super::tree::{Clock, Event, GameTree, NodeId, Visit};
use crate::shogi::{Color, Move, Piece, PieceType, Position, Square};

const PIECE: Problem = Problem::Expected("a piece such as FU");

/// Reads a game. What is not JSON gives an empty tree and one defect; what is not of the schema ends its line.
///
/// ```
/// use keisei_core::notation::{End, jkf};
///
/// let text = r#"{"moves":[{},{"move":{"from":{"x":7,"y":7},"to":{"x":7,"y":6},"piece":"FU"}},{"special":"TORYO"}]}"#;
/// let tree = jkf::read(text).strict().unwrap();
/// assert_eq!(tree.main_moves()[0].to_usi(), "7g7f");
/// assert_eq!(tree.end(), Some(&End::Resign));
/// ```
pub fn read(text: &str) -> Parsed {
    let mut defects = Defects::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read =
        json::read(text).and_then(|root| read_root(&root, &mut defects).map_err(|problem| (Place::Ply(0), problem)));
    let tree = read.unwrap_or_else(|(place, problem)| {
        defects.add(place, problem);
        GameTree::new(Position::startpos())
    });
    Parsed { tree, defects: defects.0 }
}

fn read_root(root: &Json<'_>, defects: &mut Defects) -> Result<GameTree, Problem> {
    let start = member(root, "initial")?.map_or_else(|| Ok(Position::startpos()), read_start)?;
    let mut builder = Builder::new(start);
    let moves = member(root, "moves")?.ok_or(Problem::Expected("a list of moves"))?;
    read_entries(&mut builder, elements(moves)?, true, defects);
    let mut tree = builder.finish();
    for (key, value) in member(root, "header")?.map_or(Ok(&[][..]), members)? {
        // The start position says the handicap already.
        if key != "手合割" {
            tree.set_header(key, json::text(value)?);
        }
    }
    Ok(tree)
}

fn read_color(object: &Json<'_>) -> Result<Color, Problem> {
    let number = member(object, "color")?.map_or(Ok(0), whole::<u8>)?;
    Ok(if number == 1 { Color::White } else { Color::Black })
}

fn read_start(initial: &Json<'_>) -> Result<Position, Problem> {
    let preset = text_of(initial, "preset")?.unwrap_or_default();
    if let Some(handicap) = Handicap::from_preset(preset) {
        return Ok(handicap.position());
    }
    let Some(state) = member(initial, "data")? else { return Err(Problem::Handicap(preset.into())) };
    let mut placement = Placement::default();
    placement.begin_board();
    placement.side = read_color(state)?;
    for (file, ranks) in (1..=9).zip(list(state, "board")?) {
        for (rank, cell) in (1..=9).zip(elements(ranks)?) {
            let Some(code) = text_of(cell, "kind")? else { continue };
            let kind = piece_of(code).ok_or(PIECE)?;
            if let Some(square) = Square::new(file, rank) {
                placement.put(square, Some(Piece::new(read_color(cell)?, kind)));
            }
        }
    }
    for (color, hand) in Color::ALL.into_iter().zip(list(state, "hands")?) {
        for (code, count) in members(hand)? {
            let kind = piece_of(code).ok_or(PIECE)?;
            (0..whole::<u8>(count)?).for_each(|_| placement.hold(color, kind));
        }
    }
    placement.position().map_err(Problem::Start)
}

/// Plays a line; the forks of an entry are alternatives to it.
fn read_entries(builder: &mut Builder, entries: &[Json<'_>], main: bool, defects: &mut Defects) {
    for (index, entry) in entries.iter().enumerate() {
        let before = builder.ply();
        let place = Place::Ply(before + 1);
        let played = read_event(builder, entry, main && index == 0);
        let reached = builder.ply() > before || played == Ok(false);
        let remarks = if reached { read_remarks(builder, entry) } else { Ok(()) };
        for problem in [played.map(|_| ()), remarks].into_iter().filter_map(Result::err) {
            defects.add(place, problem);
        }
        let forks = list(entry, "forks").and_then(|forks| forks.iter().map(elements).collect::<Result<Vec<_>, _>>());
        match forks {
            Ok(forks) => {
                for fork in forks {
                    builder.aside(before, |builder| read_entries(builder, fork, false, defects));
                }
            }
            Err(problem) => defects.add(place, problem),
        }
        if !reached {
            break;
        }
    }
}

/// Plays the move or the end of an entry; false if it has none and may have none, `first` in its file.
fn read_event(builder: &mut Builder, entry: &Json<'_>, first: bool) -> Result<bool, Problem> {
    match (member(entry, "move")?, text_of(entry, "special")?) {
        (Some(mv), _) => {
            let mv = read_move(builder, mv)?;
            builder.play(mv)?;
        }
        (None, Some(word)) => builder.end(End::from_csa(word, builder.position().side_to_move()))?,
        (None, None) if first => return Ok(false),
        (None, None) => return Err(Problem::Expected("a move or an end")),
    }
    Ok(true)
}

/// Notes the time and the comments of an entry.
fn read_remarks(builder: &mut Builder, entry: &Json<'_>) -> Result<(), Problem> {
    // Nobody took time for the start position.
    if let Some(time) = member(entry, "time")?.filter(|_| builder.ply() > 0) {
        let now = member(time, "now")?.ok_or(Problem::Expected("the time `now`"))?;
        builder.node_mut().spent = Some(read_clock(now)?);
    }
    for comment in list(entry, "comments")? {
        split_lines(json::text(comment)?).for_each(|line| add_comment(builder, line));
    }
    Ok(())
}

/// Milliseconds.
fn read_clock(clock: &Json<'_>) -> Result<u64, Problem> {
    let part = |key| member(clock, key)?.map_or(Ok(0), whole::<u32>).map(u64::from);
    let seconds = member(clock, "s")?.map_or(Ok("0"), digits)?;
    let milliseconds = read_seconds(seconds).ok_or(Problem::Expected("seconds such as 12 or 1.5"))?;
    Ok(milliseconds.saturating_add((part("h")? * 60 + part("m")?) * 60_000))
}

fn read_move(builder: &Builder, entry: &Json<'_>) -> Result<Move, Problem> {
    let square = |key| match member(entry, key)? {
        None => Ok(None),
        Some(point) => {
            let part = |key| member(point, key)?.map_or(Ok(0), whole::<u8>);
            let square = Square::new(part("x")?, part("y")?);
            square.map(Some).ok_or(Problem::Expected("a square with x and y 1-9"))
        }
    };
    let kind = text_of(entry, "piece")?.and_then(piece_of).ok_or(PIECE)?;
    let mut draft = Draft::new(square("to")?, kind);
    draft.promotes = flag_of(entry, "promote")? == Some(true);
    let from = square("from")?;
    for letter in text_of(entry, "relative")?.unwrap_or_default().chars() {
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
    if let Some(from) = from {
        draft.start_from(from);
    }
    draft.resolve(builder.position(), builder.position().side_to_move(), builder.previous())
}

/// Forks within forks go on to this depth: each takes four levels of JSON, of which readers allow 128.
const MAX_DEPTH: usize = 30;

/// Text of the whole tree, but for forks that are nested more than thirty deep.
pub fn write(tree: &GameTree) -> String {
    let mut text = String::from("{\"header\":{");
    sequence(&mut text, &tree.headers, |text, (key, value)| {
        quote(text, key);
        text.push(':');
        quote(text, value);
    });
    text.push_str("},\"initial\":{\"preset\":");
    match tree.handicap() {
        Some(handicap) => quote(&mut text, handicap.preset()),
        None => write_state(&mut text, tree.start()),
    }
    text.push_str("},\"moves\":");
    write_line(&mut text, tree, NodeId::ROOT, 0);
    text.push_str("}\n");
    text
}

fn write_state(text: &mut String, position: &Position) {
    put!(text, "\"OTHER\",\"data\":{{\"color\":{},\"board\":[", position.side_to_move() as u8);
    sequence(text, 1..=9, |text, file| {
        text.push('[');
        sequence(text, 1..=9, |text, rank| {
            match Square::new(file, rank).and_then(|square| position.piece_at(square)) {
                Some(piece) => {
                    let (color, kind) = (piece.color() as u8, piece_code(piece.kind()));
                    put!(text, "{{\"color\":{color},\"kind\":\"{kind}\"}}");
                }
                None => text.push_str("{}"),
            }
        });
        text.push(']');
    });
    text.push_str("],\"hands\":[");
    sequence(text, Color::ALL, |text, color| {
        text.push('{');
        sequence(text, PieceType::HAND, |text, kind| {
            put!(text, "\"{}\":{}", piece_code(kind), position.hand(color).count(kind));
        });
        text.push('}');
    });
    text.push_str("]}");
}

fn write_line(text: &mut String, tree: &GameTree, head: NodeId, depth: usize) {
    text.push('[');
    let mut separator = "{";
    tree.walk(&tree.line(head), |visit| {
        text.push_str(separator);
        separator = ",{";
        let begin = text.len();
        write_remarks(text, visit);
        match visit.node.event() {
            Event::Start => {}
            Event::Move(mv) | Event::Illegal(mv) => write_move(text, visit.before, *mv, visit.previous),
            Event::End(end) => {
                text.push_str(",\"special\":");
                quote(text, end.csa(visit.before.side_to_move()));
            }
        }
        if let Some(clock) = &visit.clock {
            write_time(text, clock);
        }
        let siblings = visit.node.parent().filter(|_| visit.id != head).map(|parent| tree.node(parent).children());
        if let Some([_, forks @ ..]) = siblings.filter(|forks| forks.len() > 1 && depth < MAX_DEPTH) {
            text.push_str(",\"forks\":[");
            sequence(text, forks, |text, &fork| write_line(text, tree, fork, depth + 1));
            text.push(']');
        }
        // Each member came with a comma before it.
        if text[begin..].starts_with(',') {
            text.remove(begin);
        }
        text.push('}');
    });
    text.push(']');
}

fn write_remarks(text: &mut String, visit: &Visit) {
    let bookmark = visit.node.bookmark.iter().map(|name| ["&", name].concat());
    let mut comments = bookmark.chain(write_comments(visit.node, visit.after)).peekable();
    if comments.peek().is_some() {
        text.push_str(",\"comments\":[");
        sequence(text, comments, |text, comment| quote(text, &comment));
        text.push(']');
    }
}

/// Hours are written for totals only.
fn write_time(text: &mut String, &Clock { spent, total }: &Clock) {
    let fraction = |text: &mut String, milliseconds: u64| {
        if !milliseconds.is_multiple_of(1000) {
            let digits = alloc::format!(".{:03}", milliseconds % 1000);
            text.push_str(digits.trim_end_matches('0'));
        }
    };
    put!(text, ",\"time\":{{\"now\":{{\"m\":{},\"s\":{}", spent / 60_000, spent / 1000 % 60);
    fraction(text, spent);
    let (hours, minutes) = (total / 3_600_000, total / 60_000 % 60);
    put!(text, "}},\"total\":{{\"h\":{hours},\"m\":{minutes},\"s\":{}", total / 1000 % 60);
    fraction(text, total);
    text.push_str("}}");
}

fn write_move(text: &mut String, position: &Position, mv: Move, previous: Option<Square>) {
    let piece = mover(position, mv).unwrap_or(Piece::new(position.side_to_move(), PieceType::Pawn));
    let point = |text: &mut String, key, square: Square| {
        put!(text, ",\"{key}\":{{\"x\":{},\"y\":{}}}", square.file(), square.rank());
    };
    put!(text, ",\"move\":{{\"color\":{}", piece.color() as u8);
    if let Some(from) = mv.from() {
        point(text, "from", from);
    }
    point(text, "to", mv.to());
    put!(text, ",\"piece\":\"{}\"", piece_code(piece.kind()));
    if previous == Some(mv.to()) {
        text.push_str(",\"same\":true");
    }
    if mv.is_promotion() || may_promote(piece, mv) {
        put!(text, ",\"promote\":{}", mv.is_promotion());
    }
    if let Some(captured) = position.piece_at(mv.to()).filter(|_| !mv.is_drop()) {
        put!(text, ",\"capture\":\"{}\"", piece_code(captured.kind()));
    }
    let ambiguous_drop = mv.is_drop() && !reaching(position, piece, mv.to()).is_empty();
    // A drop that cannot be made would be read as another piece's move.
    let illegal_drop = mv.is_drop() && !position.is_legal(mv);
    if ambiguous_drop || illegal_drop {
        text.push_str(",\"relative\":\"H\"");
    }
    text.push('}');
}
