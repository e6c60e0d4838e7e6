//! CSA, the Computer Shogi Association's format, versions 2.2 and 3.
//!
//! The main line only: CSA has no variations. `'*` lines are comments, other `'` lines are remarks of the file and are dropped.
//! A bookmark travels as the comment `&name`.
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
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::evaluation::{read_comment, write_csa_comments};
use super::kakinoki::Placement;
use super::problem::{Defects, lines, one_line};
use super::usi::offset;
use super::{Builder, End, Event, GameTree, Handicap, Parsed, Problem};
use crate::shogi::{Color, Move, Piece, PieceType, Position, Square};

/// The codes of pieces, in the order of [`PieceType::index`].
const CODES: [&str; PieceType::COUNT] =
    ["FU", "KY", "KE", "GI", "KI", "KA", "HI", "OU", "TO", "NY", "NK", "NG", "UM", "RY"];

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

/// A version to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// V2.2: whole seconds.
    V2,
    /// V3.0: milliseconds, time controls with increment, notes.
    V3,
}

/// The code of a kind: `FU` … `RY`.
pub const fn piece_code(kind: PieceType) -> &'static str {
    CODES[kind.index()]
}

/// The kind with this code.
pub fn piece_of(code: &str) -> Option<PieceType> {
    CODES.iter().position(|&known| known == code).map(|index| PieceType::ALL[index])
}

const fn sign(color: Color) -> char {
    match color {
        Color::Black => '+',
        Color::White => '-',
    }
}

fn take_sign(text: &str) -> Option<(Color, &str)> {
    match text.strip_prefix('+') {
        Some(rest) => Some((Color::Black, rest)),
        None => text.strip_prefix('-').map(|rest| (Color::White, rest)),
    }
}

/// Two digits, `00` for the hand, and the rest.
fn take_square(text: &str) -> Option<(Option<Square>, &str)> {
    let digits = text.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (file, rank) = (digits.as_bytes()[0] - b'0', digits.as_bytes()[1] - b'0');
    let square = Square::new(file, rank);
    if square.is_none() && digits != "00" { None } else { Some((square, &text[2..])) }
}

fn take_piece(text: &str) -> Option<(PieceType, &str)> {
    Some((piece_of(text.get(..2)?)?, &text[2..]))
}

/// Reads a move: `+7776FU`, `-0055KA`; the kind is the one after the move.
///
/// # Errors
/// If the text is not a move's, or the piece is not there. A move against the rules is not an error here.
pub fn read_move(position: &Position, text: &str) -> Result<Move, Problem> {
    let parts = take_sign(text).and_then(|(color, rest)| {
        let (from, rest) = take_square(rest)?;
        let (to, rest) = take_square(rest)?;
        let (kind, rest) = take_piece(rest)?;
        Some((color, from, to?, kind)).filter(|_| rest.is_empty())
    });
    let (color, from, to, kind) = parts.ok_or(Problem::Expected("a move such as +7776FU"))?;
    let Some(from) = from else {
        let held = PieceType::HAND.contains(&kind) && color == position.side_to_move();
        return if held { Ok(Move::drop(kind, to)) } else { Err(Problem::NoSuchMove) };
    };
    let piece = position.piece_at(from).filter(|piece| piece.color() == color && from != to);
    let mover = piece.ok_or(Problem::OtherPiece)?.kind();
    if mover == kind {
        Ok(Move::normal(from, to))
    } else if mover.promoted() == Some(kind) {
        Ok(Move::promoting(from, to))
    } else {
        Err(Problem::OtherPiece)
    }
}

/// The text of a move.
pub fn write_move(position: &Position, mv: Move) -> String {
    let piece = mv.from().and_then(|from| position.piece_at(from));
    let color = piece.map_or(position.side_to_move(), Piece::color);
    let mover = piece.map(Piece::kind).or(mv.dropped()).unwrap_or(PieceType::Pawn);
    let kind = if mv.is_promotion() { mover.promoted().unwrap_or(mover) } else { mover };
    let digits = |square: Option<Square>| square.map_or((0, 0), |square| (square.file(), square.rank()));
    let ((a, b), (c, d)) = (digits(mv.from()), digits(Some(mv.to())));
    format!("{}{a}{b}{c}{d}{}", sign(color), piece_code(kind))
}

/// Reads the first game of a text.
pub fn read(text: &str) -> Parsed {
    read_all(text).swap_remove(0)
}

/// Reads every game of a text; a line `/` separates them. There is always at least one.
pub fn read_all(text: &str) -> Vec<Parsed> {
    let mut games = Vec::new();
    let mut reader = Reader::default();
    for (number, line) in lines(text) {
        if line == "/" {
            games.push(core::mem::take(&mut reader).finish());
        } else {
            reader.line(number, line);
        }
    }
    if games.is_empty() || !reader.is_blank() {
        games.push(reader.finish());
    }
    games
}

#[derive(Default)]
struct Reader {
    headers: Vec<(String, String)>,
    placement: Placement,
    /// Comments before the start position is complete.
    early: Vec<String>,
    builder: Option<Builder>,
    /// Set once a move could not be followed: what comes after it has no place.
    lost: bool,
    defects: Defects,
}

impl Reader {
    fn is_blank(&self) -> bool {
        self.headers.is_empty() && self.builder.is_none() && self.placement.is_blank() && self.defects.0.is_empty()
    }

    fn line(&mut self, number: usize, line: &str) {
        let result = match line.chars().next() {
            None | Some('V') => Ok(()),
            Some('\'') => {
                if let Some(comment) = line.strip_prefix("'*") {
                    self.comment(comment);
                }
                Ok(())
            }
            Some('N') => self.name(line),
            Some('$') => self.header(line),
            Some('P') => self.placement_line(line),
            Some('+' | '-' | '%' | 'T') => {
                // `+7776FU,T12` is two statements; a comment or a remark goes on to the end of the line.
                let (statements, remark) = line.split_once(",'").unwrap_or((line, ""));
                for statement in statements.split(',') {
                    if let Err((place, problem)) = self.statement(statement.trim_end(), number, line) {
                        self.defects.at(number, line, offset(line, place), problem);
                    }
                }
                if let Some(comment) = remark.strip_prefix('*') {
                    self.comment(comment);
                }
                Ok(())
            }
            Some(_) if line.trim().is_empty() => Ok(()),
            Some(_) => Err((line, Problem::Expected("a line of CSA"))),
        };
        if let Err((place, problem)) = result {
            self.defects.at(number, line, offset(line, place), problem);
        }
    }

    fn comment(&mut self, comment: &str) {
        match &mut self.builder {
            None => self.early.push(comment.into()),
            Some(builder) if !self.lost => add_comment(builder, comment),
            Some(_) => {}
        }
    }

    fn name<'a>(&mut self, line: &'a str) -> Result<(), (&'a str, Problem)> {
        let (color, name) = take_sign(&line[1..]).ok_or((&line[1..], Problem::Expected("+ or -")))?;
        let key = match color {
            Color::Black => "先手",
            Color::White => "後手",
        };
        self.headers.push((key.into(), name.into()));
        Ok(())
    }

    fn header<'a>(&mut self, line: &'a str) -> Result<(), (&'a str, Problem)> {
        let (name, value) = line[1..].split_once(':').ok_or((line, Problem::Expected("$KEY:value")))?;
        if name == NOTE.0 {
            self.headers.push((NOTE.1.into(), unescape(value)));
            return Ok(());
        }
        let key = KEYS.iter().find(|row| row.0 == name).map_or_else(|| format!("${name}"), |row| row.1.into());
        self.headers.push((key, value.into()));
        Ok(())
    }

    /// `PI82HI22KA`, `P1-KY-KE …`, `P+00FU`, `P-00AL`.
    fn placement_line<'a>(&mut self, line: &'a str) -> Result<(), (&'a str, Problem)> {
        if self.builder.is_some() {
            return Err((line, Problem::Expected("a move")));
        }
        let rest = &line[1..];
        if let Some(mut rest) = rest.strip_prefix('I') {
            self.placement.fill(&Handicap::Even.position());
            while !rest.trim().is_empty() {
                let removed = take_square(rest).and_then(|(square, after)| Some((square?, take_piece(after)?)));
                let (square, (_, after)) = removed.ok_or((rest, Problem::Expected("a square and a piece")))?;
                self.placement.put(square, None);
                rest = after;
            }
            return Ok(());
        }
        if let Some((color, mut rest)) = take_sign(rest) {
            while !rest.trim().is_empty() {
                if rest.trim_end() == "00AL" {
                    self.placement.give_rest(color);
                    return Ok(());
                }
                let piece = take_square(rest).and_then(|(square, after)| Some((square, take_piece(after)?)));
                let (square, (kind, after)) = piece.ok_or((rest, Problem::Expected("a square and a piece")))?;
                match square {
                    Some(square) => self.placement.put(square, Some(Piece::new(color, kind))),
                    None => self.placement.hold(color, kind),
                }
                rest = after;
            }
            return Ok(());
        }
        let rank = rest.chars().next().and_then(|digit| digit.to_digit(10)).filter(|rank| (1..=9).contains(rank));
        let rank = rank.ok_or((rest, Problem::Expected("a rank, I, + or -")))? as u8;
        let mut rest = &rest[1..];
        self.placement.begin_board();
        for file in (1..=9).rev() {
            let cell = rest.get(..3).unwrap_or(rest);
            let piece = match take_sign(cell) {
                Some((color, code)) => {
                    let kind = piece_of(code).ok_or((rest, Problem::Expected("a piece such as +FU, or *")))?;
                    Some(Piece::new(color, kind))
                }
                None if cell.trim().is_empty() || cell.trim() == "*" => None,
                None => return Err((rest, Problem::Expected("a piece such as +FU, or *"))),
            };
            if let Some(square) = Square::new(file, rank) {
                self.placement.put(square, piece);
            }
            rest = &rest[cell.len()..];
        }
        Ok(())
    }

    fn statement<'a>(&mut self, statement: &'a str, number: usize, line: &str) -> Result<(), (&'a str, Problem)> {
        let here = |problem| (statement, problem);
        if self.builder.is_none() {
            if let ("+" | "-", Some((color, _))) = (statement, take_sign(statement)) {
                self.placement.side = color;
            }
            let builder = self.start().unwrap_or_else(|problem| {
                self.defects.at(number, line, 0, problem);
                self.lost = true;
                Builder::new(Position::startpos())
            });
            self.builder = Some(builder);
        }
        let Some(builder) = self.builder.as_mut().filter(|_| !self.lost) else { return Ok(()) };
        match statement {
            "+" | "-" | "" => Ok(()),
            _ if statement.starts_with('%') => {
                let word = statement[1..].trim();
                if word.is_empty() {
                    return Err(here(Problem::Expected("an end such as %TORYO")));
                }
                let end = End::from_csa(word, builder.position().side_to_move());
                builder.end(end).map_err(here)
            }
            _ if statement.starts_with('T') => {
                let spent = read_seconds(&statement[1..]).ok_or(here(Problem::Expected("a time such as T12")))?;
                // Nobody took time for the start position.
                if builder.ply() > 0 {
                    builder.node_mut().spent = Some(spent);
                }
                Ok(())
            }
            _ => {
                let played = read_move(builder.position(), statement.trim()).and_then(|mv| builder.play(mv));
                if let Err(problem) = played {
                    // After a move against the rules only its end still has a place.
                    self.lost = builder.is_open() || problem == Problem::AfterEnd;
                    return Err(here(problem));
                }
                Ok(())
            }
        }
    }

    fn start(&mut self) -> Result<Builder, Problem> {
        let position = self.placement.position().map_err(Problem::Start)?;
        let mut builder = Builder::new(position);
        for comment in core::mem::take(&mut self.early) {
            add_comment(&mut builder, &comment);
        }
        Ok(builder)
    }

    fn finish(mut self) -> Parsed {
        let builder = match self.builder.take() {
            Some(builder) => builder,
            None => self.start().unwrap_or_else(|problem| {
                self.defects.at(1, "", 0, problem);
                Builder::new(Position::startpos())
            }),
        };
        let mut record = builder.finish();
        record.headers = self.headers;
        Parsed { tree: record, defects: self.defects.0 }
    }
}

/// A comment line or a bookmark, for formats in which a bookmark travels as a comment.
pub(super) fn add_comment(builder: &mut Builder, comment: &str) {
    let bookmark = comment.strip_prefix('&').filter(|_| builder.node().bookmark.is_none());
    if let Some(name) = bookmark {
        builder.node_mut().bookmark = Some(name.into());
        return;
    }
    let position = builder.position().clone();
    read_comment(builder.node_mut(), comment, &position);
}

/// Seconds with a fraction, as milliseconds.
pub(super) fn read_seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let thousandths = (0..3)
        .fold(0, |sum, place| sum * 10 + fraction.as_bytes().get(place).map_or(0, |digit| u64::from(digit - b'0')));
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths)
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

/// `HH:MM+SS`, as seconds and byoyomi.
fn read_time_limit(value: &str) -> Option<(u64, u64)> {
    let (main, byoyomi) = value.split_once('+')?;
    let (hours, minutes) = main.split_once(':')?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|&number| number < 1 << 20);
    Some((number(hours)? * 3600 + number(minutes)? * 60, number(byoyomi)?))
}

/// `seconds+byoyomi+increment`.
fn read_time(value: &str) -> Option<[&str; 3]> {
    let mut parts = value.split('+');
    let fields = [parts.next()?, parts.next()?, parts.next()?];
    let good = fields.iter().all(|field| read_seconds(field).is_some()) && parts.next().is_none();
    good.then_some(fields)
}

fn write_header(text: &mut String, version: Version, key: &str, value: &str) {
    let mut line = |name: &str, value: &str| put!(text, "${name}:{value}\n");
    let flat = one_line(value);
    match (key, version) {
        ("先手" | "後手", _) => {}
        ("持ち時間", Version::V3) => match (read_time(value), read_time_limit(value)) {
            (Some(_), _) => line("TIME", value),
            (None, Some((seconds, byoyomi))) => line("TIME", &format!("{seconds}+{byoyomi}+0")),
            (None, None) => put!(text, "'{key}:{flat}\n"),
        },
        ("持ち時間", Version::V2) => match (read_time(value), read_time_limit(value)) {
            (_, Some(_)) => line("TIME_LIMIT", value),
            (Some([seconds, byoyomi, "0"]), None) if !seconds.contains('.') && !byoyomi.contains('.') => {
                let seconds: u64 = seconds.parse().unwrap_or(0);
                line("TIME_LIMIT", &format!("{:02}:{:02}+{byoyomi:0>2}", seconds / 3600, seconds / 60 % 60));
            }
            (_, None) => put!(text, "'{key}:{flat}\n"),
        },
        ("備考", Version::V3) => line(NOTE.0, &value.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', " ")),
        (key, _) => match KEYS.iter().find(|row| row.1 == key) {
            Some(row) => line(row.0, &flat),
            None if key.starts_with('$') => put!(text, "{}:{flat}\n", one_line(key)),
            None => put!(text, "'{}:{flat}\n", one_line(key)),
        },
    }
}

/// The main line. Headers without a word in CSA become remarks.
pub fn write(record: &GameTree, version: Version) -> String {
    let mut text = String::from(match version {
        Version::V2 => "V2.2\n",
        Version::V3 => "'CSA encoding=UTF-8\nV3.0\n",
    });
    for (key, sign) in [("先手", '+'), ("後手", '-')] {
        if let Some(name) = record.header(key) {
            put!(text, "N{sign}{}\n", one_line(name));
        }
    }
    for (key, value) in &record.headers {
        write_header(&mut text, version, key, value);
    }
    write_start(&mut text, record.start());
    let line = record.main_line();
    record.walk(&line, |_, node, position| {
        let after = match node.event() {
            Event::Start => None,
            Event::Move(mv) | Event::Illegal(mv) => {
                text.push_str(&write_move(position, *mv));
                text.push('\n');
                let mut after = position.clone();
                after.try_play(*mv).ok().map(|()| after)
            }
            Event::End(end) => {
                put!(text, "%{}\n", one_line(end.csa(position.side_to_move())));
                None
            }
        };
        if let Some(spent) = node.spent {
            put!(text, "T{}", spent / 1000);
            if version == Version::V3 && !spent.is_multiple_of(1000) {
                put!(text, ".{:03}", spent % 1000);
            }
            text.push('\n');
        }
        if let Some(name) = &node.bookmark {
            put!(text, "'*&{}\n", one_line(name));
        }
        for comment in write_csa_comments(node, after.as_ref().unwrap_or(position)) {
            put!(text, "'*{comment}\n");
        }
    });
    text
}

fn write_start(text: &mut String, start: &Position) {
    if Handicap::of(start) == Some(Handicap::Even) {
        text.push_str("PI\n");
    } else {
        for rank in 1..=9 {
            text.push('P');
            text.push_str(&rank.to_string());
            for file in (1..=9).rev() {
                match Square::new(file, rank).and_then(|square| start.piece_at(square)) {
                    Some(piece) => put!(text, "{}{}", sign(piece.color()), piece_code(piece.kind())),
                    None => text.push_str(" * "),
                }
            }
            text.push('\n');
        }
        for color in Color::ALL {
            let hand = start.hand(color);
            if !hand.is_empty() {
                put!(text, "P{}", sign(color));
                for (kind, count) in hand.iter() {
                    (0..count).for_each(|_| put!(text, "00{}", piece_code(kind)));
                }
                text.push('\n');
            }
        }
    }
    text.push(sign(start.side_to_move()));
    text.push('\n');
}
