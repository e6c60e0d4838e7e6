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
use alloc::string::String;
use alloc::vec::Vec;

use super::comment::write_csa_comments;
use super::end::End;
use super::handicap::Handicap;
use super::lines::{lines, one_line};
pub use super::moves::csa::{piece_code, piece_of, read_move, write_move};
use super::moves::csa::{sign, take_piece, take_sign, take_square};
use super::number::read_seconds;
use super::problem::Problem;
use super::reading::{Course, Parsed, Reading};
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
    read_all(text).swap_remove(0)
}

/// Reads every game of a text; a line `/` separates them. There is always at least one.
pub fn read_all(text: &str) -> Vec<Parsed> {
    let mut games = Vec::new();
    let mut reader = Reader::default();
    for (number, line) in lines(text) {
        if line == "/" {
            games.push(core::mem::take(&mut reader).game.finish());
        } else if let Err((place, problem)) = reader.line(number, line) {
            reader.game.defects.at(number, line, place, problem);
        }
    }
    if games.is_empty() || !reader.is_blank() {
        games.push(reader.game.finish());
    }
    games
}

#[derive(Default)]
struct Reader {
    game: Reading,
}

impl Reader {
    fn is_blank(&self) -> bool {
        let game = &self.game;
        game.headers.is_empty() && game.builder.is_none() && game.placement.is_blank() && game.defects.0.is_empty()
    }

    fn line<'a>(&mut self, number: usize, line: &'a str) -> Result<(), (&'a str, Problem)> {
        match line.chars().next() {
            None | Some('V') => {}
            Some('\'') => {
                if let Some(comment) = line.strip_prefix("'*") {
                    self.game.comment(comment);
                }
            }
            Some('N') => self.name(line)?,
            Some('$') => self.header(line)?,
            Some('P') => self.placement_line(line)?,
            Some('+' | '-' | '%' | 'T') => {
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
            Some(_) => return Err((line, Problem::Expected("a line of CSA"))),
        }
        Ok(())
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
        let (name, value) = line[1..].split_once(':').ok_or((line, Problem::Expected("$KEY:value")))?;
        if name == NOTE.0 {
            self.game.headers.push((NOTE.1.into(), unescape(value)));
            return Ok(());
        }
        let key = KEYS.iter().find(|row| row.0 == name).map_or_else(|| format!("${name}"), |row| row.1.into());
        self.game.headers.push((key, value.into()));
        Ok(())
    }

    /// `PI82HI22KA`, `P1-KY-KE …`, `P+00FU`, `P-00AL`.
    fn placement_line<'a>(&mut self, line: &'a str) -> Result<(), (&'a str, Problem)> {
        if self.game.builder.is_some() {
            return Err((line, Problem::Expected("a move")));
        }
        let rest = &line[1..];
        let placement = &mut self.game.placement;
        let placed = |rest| {
            let placed = take_square(rest).and_then(|(square, after)| Some((square, take_piece(after)?)));
            placed.ok_or((rest, Problem::Expected("a square and a piece")))
        };
        if let Some(mut rest) = rest.strip_prefix('I') {
            placement.fill(&Handicap::Even.position());
            while !rest.trim().is_empty() {
                let (square, (_, after)) = placed(rest)?;
                placement.put(square.ok_or((rest, Problem::Expected("a square and a piece")))?, None);
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
                    Some(square) => placement.put(square, Some(Piece::new(color, kind))),
                    None => placement.hold(color, kind),
                }
                rest = after;
            }
            return Ok(());
        }
        let rank = rest.chars().next().and_then(|digit| digit.to_digit(10)).filter(|rank| (1..=9).contains(rank));
        let rank = rank.ok_or((rest, Problem::Expected("a rank, I, + or -")))? as u8;
        let mut rest = &rest[1..];
        placement.begin_board();
        for file in (1..=9).rev() {
            let cell = rest.get(..3).unwrap_or(rest);
            let piece = match take_sign(cell) {
                Some((color, code)) => piece_of(code).map(|kind| Some(Piece::new(color, kind))),
                None => Some(None).filter(|_| matches!(cell.trim(), "" | "*")),
            };
            let piece = piece.ok_or((rest, Problem::Expected("a piece such as +FU, or *")))?;
            if let Some(square) = Square::new(file, rank) {
                placement.put(square, piece);
            }
            rest = &rest[cell.len()..];
        }
        Ok(())
    }

    fn statement(&mut self, statement: &str, number: usize) -> Result<(), Problem> {
        if let ("+" | "-", Some((color, _)), None) = (statement, take_sign(statement), &self.game.builder) {
            self.game.placement.side = color;
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
    tree.walk(&tree.main_line(), |visit| {
        match visit.node.event() {
            Event::Start => {}
            Event::Move(mv) | Event::Illegal(mv) => put!(text, "{}\n", write_move(visit.before, *mv)),
            Event::End(end) => put!(text, "%{}\n", one_line(end.csa(visit.before.side_to_move()))),
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
        for comment in write_csa_comments(visit.node, visit.after) {
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
