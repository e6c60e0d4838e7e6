//! CSA, the Computer Shogi Association's format, versions 2.2 and 3.
//!
//! The main line only: CSA has no variations. `'*` lines are comments; of other `'` lines, which are remarks of the file, only our own
//! `'key：value` for a header without a word in CSA is read. A line that is none of CSA, as some servers put before the board, is
//! kept as a comment. A bookmark travels as the comment `&name`, an end without a word in CSA as `%CHUDAN` and the comment
//! `終局=封じ手`.
//!
//! A printed board is read by its pieces, not by its columns. A start position that is not understood is no game.
//!
//! | CSA | header key |
//! |---|---|
//! | `N+` `N-` | 先手 後手 |
//! | `$EVENT` `$SITE` `$OPENING` `$NOTE` | 棋戦 場所 戦型 備考 |
//! | `$START_TIME` `$END_TIME` | 開始日時 終了日時 |
//! | `$TIME_LIMIT` (`01:30+30`) or `$TIME` (`5400+30+0`) | 持ち時間 |
//! | `$TIME+` `$TIME-` | 先手の持ち時間 後手の持ち時間 |
//! | `$MAX_MOVES` `$JISHOGI` | 最大手数 持将棋ルール |

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::comment::write_csa_comments;
use super::end::End;
use super::handicap::Handicap;
use super::lines::{holds, lines, one_line};
pub use super::moves::csa::{piece_code, piece_of, read_move, write_move};
use super::moves::csa::{sign, take_piece, take_sign, take_square};
use super::number::read_seconds;
use super::problem::Problem;
use super::reading::{Course, Parsed, Reading};
use super::time_control::TimeControl;
use super::tree::{Event, GameTree};
use crate::shogi::{Color, Piece, Position, Square};

/// `$` keys with their header keys.
const KEYS: [(&str, &str); 11] = [
    ("EVENT", "棋戦"),
    ("SITE", "場所"),
    ("START_TIME", "開始日時"),
    ("END_TIME", "終了日時"),
    ("TIME_LIMIT", "持ち時間"),
    ("TIME", "持ち時間"),
    ("TIME+", "先手の持ち時間"),
    ("TIME-", "後手の持ち時間"),
    ("MAX_MOVES", "最大手数"),
    ("JISHOGI", "持将棋ルール"),
    ("OPENING", "戦型"),
];
const NOTE: (&str, &str) = ("NOTE", "備考");

/// Version to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// V2.2: whole seconds.
    V2,
    /// V3.0: milliseconds, time controls with increment, notes.
    V3,
}

/// Reads the first game of a text.
pub fn read(text: &str) -> Parsed {
    games(text).next().unwrap_or_else(|| Reading::default().finish())
}

/// Reads every game of a text; a line `/` separates them. There is always at least one.
pub fn read_all(text: &str) -> Vec<Parsed> {
    games(text).collect()
}

/// Games of a text, each read when it is asked for.
pub(super) fn games(text: &str) -> impl Iterator<Item = Parsed> {
    let mut lines = lines(text);
    let mut first = true;
    core::iter::from_fn(move || {
        let mut reader = Reader::default();
        let mut separated = false;
        for (number, line) in lines.by_ref() {
            if line == "/" {
                separated = true;
                break;
            }
            if let Err((place, problem)) = reader.line(number, line) {
                reader.game.defects.at(number, line, place, problem);
            }
        }
        // After the last separator there may be nothing.
        let is_game = core::mem::take(&mut first) || separated || !reader.is_blank();
        is_game.then(|| reader.game.finish())
    })
}

#[derive(Default)]
struct Reader {
    game: Reading,
    /// Whether a line before the first statement was none of CSA.
    foreign: bool,
}

impl Reader {
    fn is_blank(&self) -> bool {
        let game = &self.game;
        game.headers.is_empty() && game.builder.is_none() && !game.placement.is_given() && game.defects.0.is_empty()
    }

    fn line<'a>(&mut self, number: usize, line: &'a str) -> Result<(), (&'a str, Problem)> {
        let mut letters = line.chars();
        let (first, second) = (letters.next(), letters.next().unwrap_or(' '));
        match first {
            None => {}
            Some('V') if second.is_ascii_digit() => {}
            Some('\'') => self.remark(line),
            Some('N') if matches!(second, '+' | '-') => self.name(line)?,
            Some('$') if holds(line, ":") => self.header(line)?,
            Some('P') if matches!(second, 'I' | '1'..='9' | '+' | '-') => {
                let in_time = self.game.starts_here().map_err(|problem| (line, problem));
                let placed = in_time.and_then(|()| self.placement_line(line));
                self.game.unclear |= placed.is_err();
                placed?;
            }
            Some('+' | '-' | '%' | 'T') if self.is_statement(line) => {
                // `+7776FU,T12` is two statements; a comment or a remark goes on to the end of the line.
                let (statements, remark) = line.split_once(",'").unwrap_or((line, ""));
                for statement in statements.split(',').map(str::trim_end) {
                    if let Err(problem) = self.statement(statement, number) {
                        self.game.defects.at(number, line, statement, problem);
                    }
                }
                if let Some(comment) = remark.strip_prefix('*') {
                    self.game.comment(comment);
                }
            }
            Some(_) if line.trim().is_empty() => {}
            Some(_) => {
                // A line that is none of CSA.
                if self.game.builder.is_none() {
                    self.foreign = true;
                    // A line of the board whose first letters were lost must not go unnoticed.
                    self.game.unclear |= names_a_piece(line);
                }
                self.game.comment(line);
                return Err((line, Problem::Foreign));
            }
        }
        Ok(())
    }

    /// Takes a line that begins with `'`: a comment, a header of ours, or a remark.
    fn remark(&mut self, line: &str) {
        if let Some(comment) = line.strip_prefix("'*") {
            match (End::from_comment(comment), self.game.following()) {
                (Some(end), Some(builder)) if *builder.node().event() == Event::End(End::Interrupt) => {
                    builder.end_as(end);
                }
                _ => self.game.comment(comment),
            }
        } else if let Some((key, value)) = line[1..].split_once('：').filter(|_| self.game.builder.is_none()) {
            self.game.headers.push((key.into(), value.into()));
        }
    }

    /// Whether a line that begins as one is a statement: before the first move, servers write other lines that begin so.
    fn is_statement(&self, line: &str) -> bool {
        let after = &line[1..];
        match &line[..1] {
            "T" => after.starts_with(|found: char| found.is_ascii_digit()),
            "%" => true,
            _ => {
                let letters = after.as_bytes();
                let move_like = letters.len() >= 6 && letters[..4].iter().all(u8::is_ascii_digit);
                self.game.builder.is_some() || move_like || after.trim().is_empty() || after.starts_with(',')
            }
        }
    }

    fn name<'a>(&mut self, line: &'a str) -> Result<(), (&'a str, Problem)> {
        let (color, name) = take_sign(&line[1..]).ok_or((&line[1..], Problem::Expected("+ or -")))?;
        let key = match color {
            Color::Black => "先手",
            Color::White => "後手",
        };
        self.game.headers.push((key.into(), name.into()));
        Ok(())
    }

    fn header<'a>(&mut self, line: &'a str) -> Result<(), (&'a str, Problem)> {
        let (name, value) = line[1..].split_once(':').ok_or((line, Problem::Foreign))?;
        if name == NOTE.0 {
            self.game.headers.push((NOTE.1.into(), unescape(value)));
            return Ok(());
        }
        let key = KEYS.iter().find(|row| row.0 == name).map_or_else(|| format!("${name}"), |row| row.1.into());
        // A time is kept in the shortest form that holds it, whichever version said it.
        let time = Some(value).filter(|_| name == "TIME").and_then(TimeControl::read).and_then(TimeControl::csa2);
        self.game.headers.push((key, time.unwrap_or_else(|| value.into())));
        Ok(())
    }

    /// `PI82HI22KA`, `P1-KY-KE …`, `P+00FU`, `P-00AL`.
    fn placement_line<'a>(&mut self, line: &'a str) -> Result<(), (&'a str, Problem)> {
        let rest = &line[1..];
        let placement = &mut self.game.placement;
        let placed = |rest| {
            let placed = take_square(rest).and_then(|(square, after)| Some((square, take_piece(after)?)));
            placed.ok_or((rest, Problem::Expected("a square and a piece")))
        };
        if let Some(mut rest) = rest.strip_prefix('I') {
            placement.fill(&Handicap::Even.position());
            while !rest.trim().is_empty() {
                let (square, (kind, after)) = placed(rest)?;
                let square =
                    square.filter(|&square| placement.piece_at(square).is_some_and(|piece| piece.kind() == kind));
                placement.put(square.ok_or((rest, Problem::OtherPiece))?, None);
                rest = after;
            }
            return Ok(());
        }
        if let Some((color, mut rest)) = take_sign(rest) {
            while !rest.trim().is_empty() {
                if rest.trim_end() == "00AL" {
                    placement.give_rest(color);
                    return Ok(());
                }
                let (square, (kind, after)) = placed(rest)?;
                match square {
                    Some(square) if placement.piece_at(square).is_some() => {
                        return Err((rest, Problem::Expected("an empty square")));
                    }
                    Some(square) => placement.put(square, Some(Piece::new(color, kind))),
                    None => placement.hold(color, kind, 1).map_err(|problem| (rest, problem))?,
                }
                rest = after;
            }
            return Ok(());
        }
        let rank = rest.chars().next().and_then(|digit| digit.to_digit(10)).filter(|rank| (1..=9).contains(rank));
        let rank = rank.ok_or((rest, Problem::Expected("a rank, I, + or -")))? as u8;
        placement.begin_rank(rank).map_err(|problem| (rest, problem))?;
        for (file, piece) in (1..=9).rev().zip(read_rank(&rest[1..])?) {
            if let Some(square) = Square::new(file, rank) {
                placement.put(square, piece);
            }
        }
        Ok(())
    }

    fn statement(&mut self, statement: &str, number: usize) -> Result<(), Problem> {
        if self.game.builder.is_none() {
            // Without a line for the side to move, the first move tells it.
            self.game.placement.side = take_sign(statement).map(|(color, _)| color);
            if self.foreign && !self.game.placement.is_given() && !self.game.unclear {
                self.game.defects.at(number, statement, statement, Problem::Expected("a start position"));
                self.game.unclear = true;
            }
        }
        self.game.begin(number);
        let Some(builder) = self.game.following() else { return Ok(()) };
        if matches!(statement, "+" | "-" | "") {
            return Ok(());
        }
        if let Some(word) = statement.strip_prefix('%').map(str::trim) {
            if word.is_empty() {
                return Err(Problem::Expected("an end such as %TORYO"));
            }
            return builder.end(End::from_csa(word, builder.position().side_to_move()));
        }
        if let Some(spent) = statement.strip_prefix('T') {
            let spent = read_seconds(spent).ok_or(Problem::Expected("a time such as T12"))?;
            // Nobody took time for the start position.
            if builder.ply() > 0 {
                builder.node_mut().spent = Some(spent);
            }
            return Ok(());
        }
        let played = read_move(builder.position(), statement.trim()).and_then(|mv| builder.play(mv));
        // After a move against the rules only its end still has a place.
        if played.as_ref().is_err_and(|problem| builder.is_open() || *problem == Problem::AfterEnd) {
            self.game.course = Course::Lost;
        }
        played
    }
}

/// Nine cells of a printed rank: by their columns of three where these are kept, else by their pieces and `*`.
fn read_rank(cells: &str) -> Result<[Option<Piece>; 9], (&str, Problem)> {
    const CELL: Problem = Problem::Expected("a piece such as +FU, or *");
    let piece = |cell: &str| {
        let (color, code) = take_sign(cell)?;
        piece_of(code.get(..2)?).map(|kind| Piece::new(color, kind))
    };
    let mut rank = [None; 9];
    let rest = cells.get(27..).filter(|rest| cells.is_ascii() && rest.trim().is_empty());
    if rest.is_some() && !holds(cells, "*") {
        // Blanks without a mark are three spaces.
        for (square, at) in rank.iter_mut().zip((0..27).step_by(3)) {
            let cell = &cells[at..at + 3];
            if !cell.trim().is_empty() {
                *square = Some(piece(cell).ok_or((cell, CELL))?);
            }
        }
        return Ok(rank);
    }
    let mut rest = cells.trim_start();
    for square in &mut rank {
        if let Some(after) = rest.strip_prefix('*') {
            rest = after.trim_start();
        } else {
            *square = Some(piece(rest).ok_or((rest, CELL))?);
            rest = rest[3..].trim_start();
        }
    }
    if rest.is_empty() { Ok(rank) } else { Err((rest, Problem::Expected("the end of the rank"))) }
}

/// Whether the code of a piece follows a sign or a square anywhere in a line.
fn names_a_piece(line: &str) -> bool {
    let before_code = |at: usize| {
        let before = &line.as_bytes()[..at];
        before.ends_with(b"+")
            || before.ends_with(b"-")
            || before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count() >= 2
    };
    (1..line.len().saturating_sub(1)).any(|at| line.get(at..at + 2).and_then(piece_of).is_some() && before_code(at))
}

fn unescape(value: &str) -> String {
    let mut text = String::new();
    let mut chars = value.chars();
    while let Some(found) = chars.next() {
        match (found, chars.as_str().chars().next()) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('\\')) => text.push('\\'),
            _ => {
                text.push(found);
                continue;
            }
        }
        chars.next();
    }
    text
}

fn write_header(text: &mut String, version: Version, key: &str, value: &str) {
    let flat = one_line(value);
    let time = || TimeControl::read(value);
    let (name, value) = match (key, version) {
        ("先手" | "後手", _) => return,
        ("持ち時間", Version::V3) => ("TIME", time().map(TimeControl::csa3)),
        ("持ち時間", Version::V2) => ("TIME_LIMIT", time().and_then(TimeControl::csa2)),
        ("先手の持ち時間", Version::V3) => ("TIME+", time().map(TimeControl::csa3)),
        ("後手の持ち時間", Version::V3) => ("TIME-", time().map(TimeControl::csa3)),
        ("備考", Version::V3) => (NOTE.0, Some(value.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', " "))),
        _ => match KEYS.iter().find(|row| row.1 == key && !row.0.starts_with("TIME")) {
            Some(row) if version == Version::V3 || !["MAX_MOVES", "JISHOGI"].contains(&row.0) => {
                (row.0, Some(flat.clone()))
            }
            None if key.starts_with('$') => {
                put!(text, "{}:{flat}\n", one_line(key));
                return;
            }
            _ => (key, None),
        },
    };
    if let Some(value) = value {
        put!(text, "${name}:{value}\n");
    } else {
        // `'*` would begin a comment.
        let gap = if key.starts_with('*') { " " } else { "" };
        put!(text, "'{gap}{}：{flat}\n", one_line(key));
    }
}

/// Text of the main line. Headers without a word in CSA become remarks.
pub fn write(tree: &GameTree, version: Version) -> String {
    let mut text = String::from(match version {
        Version::V2 => "V2.2\n",
        Version::V3 => "'CSA encoding=UTF-8\nV3.0\n",
    });
    for (key, sign) in [("先手", '+'), ("後手", '-')] {
        if let Some(name) = tree.header(key) {
            put!(text, "N{sign}{}\n", one_line(name));
        }
    }
    for (key, value) in &tree.headers {
        write_header(&mut text, version, key, value);
    }
    write_start(&mut text, tree.start());
    for visit in tree.walk(tree.main_line()) {
        match visit.node.event() {
            Event::Start => {}
            Event::Move(mv) | Event::Illegal(mv) => put!(text, "{}\n", write_move(&visit.before, *mv)),
            Event::End(end) => {
                let word = word_of(end, version, visit.before.side_to_move());
                put!(text, "%{}\n", word.unwrap_or("CHUDAN"));
            }
        }
        if let Some(spent) = visit.node.spent {
            put!(text, "T{}", spent / 1000);
            if version == Version::V3 && !spent.is_multiple_of(1000) {
                put!(text, ".{:03}", spent % 1000);
            }
            text.push('\n');
        }
        if let Some(name) = &visit.node.bookmark {
            put!(text, "'*&{}\n", one_line(name));
        }
        if let Event::End(end) = visit.node.event()
            && word_of(end, version, visit.before.side_to_move()).is_none()
        {
            put!(text, "'*{}\n", end.as_comment());
        }
        for comment in write_csa_comments(&visit) {
            put!(text, "'*{comment}\n");
        }
    }
    text
}

/// Word of an end, without `%`; `None` if the version has none.
pub(super) fn word_of(end: &End, version: Version, side_to_move: Color) -> Option<&'static str> {
    let of_other_version = match version {
        Version::V2 => End::MaxMoves,
        Version::V3 => End::TakenBack,
    };
    if *end == of_other_version { None } else { end.csa(side_to_move) }
}

fn write_start(text: &mut String, start: &Position) {
    if Handicap::of(start) == Some(Handicap::Even) {
        text.push_str("PI\n");
    } else {
        for rank in 1..=9 {
            put!(text, "P{rank}");
            for file in (1..=9).rev() {
                match Square::new(file, rank).and_then(|square| start.piece_at(square)) {
                    Some(piece) => put!(text, "{}{}", sign(piece.color()), piece_code(piece.kind())),
                    None => text.push_str(" * "),
                }
            }
            text.push('\n');
        }
        for color in Color::ALL.into_iter().filter(|&color| !start.hand(color).is_empty()) {
            put!(text, "P{}", sign(color));
            for (kind, count) in start.hand(color).iter() {
                (0..count).for_each(|_| put!(text, "00{}", piece_code(kind)));
            }
            text.push('\n');
        }
    }
    put!(text, "{}\n", sign(start.side_to_move()));
}
