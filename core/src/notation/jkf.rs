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
use alloc::vec;
use alloc::vec::Vec;

use super::builder::Builder;
use super::comment::{add_comment, write_comments};
use super::end::End;
use super::handicap::Handicap;
use super::json::{
    self, Document, Elements, Json, digits, elements, flag_of, list, member, members, quote, sequence, text_of, whole,
};
use super::lines::split_lines;
use super::moves::csa::{piece_code, piece_of};
use super::moves::japanese::{Draft, relation};
use super::moves::mover::{may_promote, mover};
use super::number::read_seconds;
use super::placement::Placement;
use super::problem::{Defects, Place, Problem};
use super::reading::Parsed;
use super::tree::{Clock, Event, GameTree, NodeId, Visit, Walk};
use crate::shogi::{Color, Move, Piece, PieceType, Position, Square};

const PIECE: Problem = Problem::Expected("a piece such as FU");

/// Letters of `relative` and the marks that they stand for.
const RELATIONS: [(char, char); 7] =
    [('L', '左'), ('C', '直'), ('R', '右'), ('U', '上'), ('M', '寄'), ('D', '引'), ('H', '打')];

/// Letter of a mark.
fn letter_of(mark: char) -> Option<char> {
    RELATIONS.iter().find(|row| row.1 == mark).map(|row| row.0)
}

/// Reads a game. What is not JSON is no game; what is not of the schema ends its line.
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
    let document = Document::read(text);
    let read = document
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|document| read_root(document.root(), &mut defects).map_err(|problem| (Place::Ply(0), problem)));
    let tree = read.map_err(|(place, problem)| defects.add(place, problem)).ok();
    Parsed { tree, defects: defects.0 }
}

fn read_root(root: Json<'_>, defects: &mut Defects) -> Result<GameTree, Problem> {
    let start = member(root, "initial")?.map_or_else(|| Ok(Position::startpos()), read_start)?;
    let moves = member(root, "moves")?.ok_or(Problem::Expected("a list of moves"))?;
    let mut tree = read_lines(start, elements(moves)?, defects);
    read_headers(root, &mut tree).unwrap_or_else(|problem| defects.add(Place::Ply(0), problem));
    Ok(tree)
}

fn read_headers(root: Json<'_>, tree: &mut GameTree) -> Result<(), Problem> {
    let Some(header) = member(root, "header")? else { return Ok(()) };
    for (key, value) in members(header)? {
        // The start position says the handicap already.
        if key != "手合割" {
            tree.set_header(key, json::text(value)?);
        }
    }
    Ok(())
}

fn read_color(object: Json<'_>) -> Result<Color, Problem> {
    match member(object, "color")?.map(whole::<u8>).transpose()? {
        Some(0) => Ok(Color::Black),
        Some(1) => Ok(Color::White),
        _ => Err(Problem::Expected("a color, 0 or 1")),
    }
}

fn read_start(initial: Json<'_>) -> Result<Position, Problem> {
    let preset = text_of(initial, "preset")?.unwrap_or_default();
    if let Some(handicap) = Handicap::from_preset(preset) {
        return Ok(handicap.position());
    }
    let Some(state) = member(initial, "data")? else { return Err(Problem::Handicap(preset.into())) };
    let mut placement = Placement::default();
    placement.begin_board();
    placement.side = Some(read_color(state)?);
    let mut files = list(state, "board")?;
    for file in 1..=9 {
        let mut ranks = elements(files.next().ok_or(Problem::Expected("a board of nine files"))?)?;
        for rank in 1..=9 {
            let cell = ranks.next().ok_or(Problem::Expected("a file of nine squares"))?;
            let Some(code) = text_of(cell, "kind")? else { continue };
            let piece = Piece::new(read_color(cell)?, piece_of(code).ok_or(PIECE)?);
            if let Some(square) = Square::new(file, rank) {
                placement.put(square, Some(piece));
            }
        }
    }
    for (color, hand) in Color::ALL.into_iter().zip(list(state, "hands")?) {
        for (code, count) in members(hand)? {
            let count = whole(count)?;
            if count > 0 {
                placement.hold(color, piece_of(code).ok_or(PIECE)?, count)?;
            }
        }
    }
    placement.position()
}

/// Plays all lines. A line that is not understood ends where it is not; its alternatives are played all the same.
fn read_lines(start: Position, entries: Elements<'_>, defects: &mut Defects) -> GameTree {
    let mut builder = Builder::new(start);
    // Lines to come with the plies after which they begin. The deepest comes last and is played first, so that the path to each is
    // still there.
    let mut lines = vec![(0, entries)];
    let mut main = true;
    while let Some((ply, entries)) = lines.pop() {
        if let Err(problem) = builder.rewind(ply) {
            defects.add(Place::Ply(ply + 1), problem);
            continue;
        }
        for (index, entry) in entries.enumerate() {
            let before = builder.ply();
            let mut note = |problem| defects.add(Place::Ply(before + 1), problem);
            let played = read_event(&mut builder, entry, main && index == 0);
            let reached = builder.ply() > before || played == Ok(false);
            let remarks = if reached { read_remarks(&mut builder, entry) } else { Ok(()) };
            [played.map(|_| ()), remarks].into_iter().filter_map(Result::err).for_each(&mut note);
            let forks = list(entry, "forks").and_then(|forks| forks.map(elements).collect::<Result<Vec<_>, _>>());
            match forks {
                Ok(forks) => lines.extend(forks.into_iter().rev().map(|fork| (before, fork))),
                Err(problem) => note(problem),
            }
            if !reached {
                break;
            }
        }
        main = false;
    }
    builder.finish()
}

/// Plays the move or the end of an entry; false if it has none and may have none, `first` in its file.
fn read_event(builder: &mut Builder, entry: Json<'_>, first: bool) -> Result<bool, Problem> {
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
fn read_remarks(builder: &mut Builder, entry: Json<'_>) -> Result<(), Problem> {
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
fn read_clock(clock: Json<'_>) -> Result<u64, Problem> {
    let part = |key| member(clock, key)?.map_or(Ok(0), whole::<u32>).map(u64::from);
    let seconds = member(clock, "s")?.map_or(Ok("0"), digits)?;
    let milliseconds = read_seconds(seconds).ok_or(Problem::Expected("seconds such as 12 or 1.5"))?;
    Ok(milliseconds.saturating_add((part("h")? * 60 + part("m")?) * 60_000))
}

fn read_move(builder: &Builder, entry: Json<'_>) -> Result<Move, Problem> {
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
        let mark = RELATIONS.iter().find(|row| row.0 == letter).map(|row| row.1);
        draft.relate(mark.ok_or(Problem::Expected("a relation of the letters L C R U M D H"))?);
    }
    if let Some(from) = from {
        draft.start_from(from);
    }
    draft.resolve(builder.position(), builder.position().side_to_move(), builder.previous())
}

/// Text of the whole tree.
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
    write_lines(&mut text, tree);
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

/// Line that is written: how far it is, its first node, and its alternatives that are still to be written.
struct Line<'a> {
    walk: Walk<'a>,
    head: NodeId,
    /// Entry that was written last, if its alternatives follow, and the next of them.
    open: Option<(Visit<'a>, usize)>,
}

/// Appends all lines, each among the forks of the entry to which it is an alternative.
fn write_lines(text: &mut String, tree: &GameTree) {
    text.push('[');
    let mut lines = vec![Line { walk: tree.walk(tree.main_line()), head: NodeId::ROOT, open: None }];
    while let Some(line) = lines.last_mut() {
        if let Some((visit, next)) = &mut line.open {
            let alternatives = visit.node.parent().map_or(&[][..], |parent| tree.node(parent).children());
            if let Some(&fork) = alternatives.get(*next) {
                text.push_str(if *next == 1 { "[" } else { ",[" });
                *next += 1;
                let walk = line.walk.fork(visit, fork);
                lines.push(Line { walk, head: fork, open: None });
                continue;
            }
            text.push_str("]}");
            line.open = None;
        }
        let Some(visit) = line.walk.next() else {
            text.push(']');
            lines.pop();
            continue;
        };
        if text.ends_with('}') {
            text.push(',');
        }
        text.push('{');
        write_entry(text, &visit);
        // The alternatives of a line's first node stand beside the line.
        let alternatives =
            visit.node.parent().filter(|_| visit.id != line.head).map(|parent| tree.node(parent).children());
        if alternatives.is_some_and(|alternatives| alternatives.len() > 1) {
            let separator = if text.ends_with('{') { "" } else { "," };
            put!(text, "{separator}\"forks\":[");
            line.open = Some((visit, 1));
        } else {
            text.push('}');
        }
    }
}

/// Appends the members of an entry but for its forks.
fn write_entry(text: &mut String, visit: &Visit) {
    let begin = text.len();
    write_remarks(text, visit);
    match visit.node.event() {
        Event::Start => {}
        Event::Move(mv) | Event::Illegal(mv) => write_move(text, &visit.before, *mv, visit.previous),
        Event::End(end) => {
            text.push_str(",\"special\":");
            quote(text, end.jkf(visit.before.side_to_move()));
        }
    }
    if let Some(clock) = &visit.clock {
        write_time(text, clock);
    }
    // Each member came with a comma before it.
    if text[begin..].starts_with(',') {
        text.remove(begin);
    }
}

fn write_remarks(text: &mut String, visit: &Visit) {
    let bookmark = visit.node.bookmark.iter().map(|name| ["&", name].concat());
    let mut comments = bookmark.chain(write_comments(visit)).peekable();
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
    let mut relation: String = relation(position, piece, mv).chars().filter_map(letter_of).collect();
    // A drop that cannot be made would be read as another piece's move.
    if mv.is_drop() && !position.is_legal(mv) {
        relation = "H".into();
    }
    if !relation.is_empty() {
        put!(text, ",\"relative\":\"{relation}\"");
    }
    text.push('}');
}
