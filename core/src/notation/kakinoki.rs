//! What KIF, KI2 and BOD share: headers, board diagrams, hands, comments, variations and ends.
//!
//! One reader understands them all, line by line; a line's first characters tell what it is.
//!
//! | line begins with | is |
//! |---|---|
//! | `#` | a remark of the file |
//! | `*` `&` | a comment, a bookmark |
//! | `\|` `+-` `９ ８ ７` | a board diagram |
//! | a number | a move or an end of KIF |
//! | `▲` `△` `☗` `☖` `▽` | moves of KI2 |
//! | `変化：` | a variation |
//! | `まで` | an end of KI2; KIF's repeats what the moves say |
//! | `先手番` `後手番` `下手番` `上手番` `手数＝` | the turn of a diagram |
//! | anything with `：` or `:` | a header |

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::csa::add_comment;
use super::evaluation::write_comments;
use super::problem::{Defects, lines, one_line};
use super::text::{can_be_held, digit, piece_name, take_piece, take_side, trim, trim_start};
use super::tree::Node;
use super::usi::offset;
use super::{Builder, End, Event, GameTree, Handicap, NodeId, Parsed, Problem, ki2, kif};
use crate::shogi::{Color, Move, Piece, PieceType, Position, SfenError, Square};

/// A start position in the making.
#[derive(Clone)]
pub(super) struct Placement {
    board: [Option<Piece>; Square::COUNT],
    hands: [[u16; 7]; 2],
    given: bool,
    pub(super) side: Color,
    ply: u16,
}

impl Default for Placement {
    fn default() -> Placement {
        Placement { board: [None; Square::COUNT], hands: [[0; 7]; 2], given: false, side: Color::Black, ply: 1 }
    }
}

impl Placement {
    pub(super) const fn is_blank(&self) -> bool {
        !self.given
    }

    /// From now on the board is what is put on it.
    pub(super) const fn begin_board(&mut self) {
        self.given = true;
    }

    /// Takes over the board of `position`.
    pub(super) fn fill(&mut self, position: &Position) {
        self.given = true;
        for square in Square::ALL {
            self.board[square.index()] = position.piece_at(square);
        }
    }

    pub(super) const fn put(&mut self, square: Square, piece: Option<Piece>) {
        self.given = true;
        self.board[square.index()] = piece;
    }

    /// Adds a piece to a hand; kings and promoted pieces go as what they can be there, kings not at all.
    pub(super) fn hold(&mut self, color: Color, kind: PieceType) {
        self.given = true;
        if can_be_held(kind.unpromoted()) {
            let count = &mut self.hands[color.index()][kind.unpromoted().index()];
            *count = count.saturating_add(1);
        }
    }

    fn hold_many(&mut self, color: Color, kind: PieceType, count: u16) {
        self.given = true;
        self.hands[color.index()][kind.index()] = count;
    }

    /// Gives `color` every piece that is still in the box.
    pub(super) fn give_rest(&mut self, color: Color) {
        self.given = true;
        for kind in PieceType::HAND {
            let on_board = self.board.iter().flatten().filter(|piece| piece.kind().unpromoted() == kind).count() as u16;
            let held = self.hands[0][kind.index()].saturating_add(self.hands[1][kind.index()]);
            let rest = u16::from(kind.set_size()).saturating_sub(on_board.saturating_add(held));
            self.hands[color.index()][kind.index()] += rest;
        }
    }

    /// The position; the usual start if nothing was put anywhere.
    pub(super) fn position(&self) -> Result<Position, SfenError> {
        if !self.given && self.side == Color::Black && self.ply == 1 {
            return Ok(Position::startpos());
        }
        let usual;
        let board = if self.given {
            &self.board
        } else {
            let mut filled = self.clone();
            filled.fill(&Position::startpos());
            usual = filled.board;
            &usual
        };
        Position::from_sfen(&self.sfen(board))
    }

    fn sfen(&self, board: &[Option<Piece>; Square::COUNT]) -> String {
        let letter = |color: Color, kind: PieceType| {
            let letter = ['P', 'L', 'N', 'S', 'G', 'B', 'R', 'K'][kind.unpromoted().index()];
            if color == Color::Black { letter } else { letter.to_ascii_lowercase() }
        };
        let mut sfen = String::new();
        for rank in 1..=9 {
            if rank > 1 {
                sfen.push('/');
            }
            for file in (1..=9).rev() {
                match Square::new(file, rank).and_then(|square| board[square.index()]) {
                    None => sfen.push('1'),
                    Some(piece) => {
                        if piece.kind().is_promoted() {
                            sfen.push('+');
                        }
                        sfen.push(letter(piece.color(), piece.kind()));
                    }
                }
            }
        }
        sfen.push_str(if self.side == Color::Black { " b " } else { " w " });
        let before = sfen.len();
        for color in Color::ALL {
            for kind in PieceType::HAND {
                let count = self.hands[color.index()][kind.index()];
                if count > 0 {
                    put!(sfen, "{count}{}", letter(color, kind));
                }
            }
        }
        if sfen.len() == before {
            sfen.push('-');
        }
        put!(sfen, " {}", self.ply);
        sfen
    }
}

/// The reader of KIF, KI2 and BOD.
#[derive(Default)]
pub(super) struct Reader {
    headers: Vec<(String, String)>,
    handicap: Option<(usize, String)>,
    placement: Placement,
    /// The turn, if a line says it.
    turn: Option<Color>,
    /// The next rank of a diagram.
    rank: u8,
    /// Comments before the start position is complete.
    early: Vec<String>,
    pub(super) builder: Option<Builder>,
    /// Set where a move could not be followed, until the next variation.
    lost: bool,
    /// Set if there is no start position: nothing has a place.
    dead: bool,
    defects: Defects,
}

/// Reads KIF, KI2 or BOD.
pub(super) fn read(text: &str) -> Parsed {
    let mut reader = Reader::default();
    for (number, line) in lines(text) {
        reader.line(number, line);
    }
    reader.begin(1);
    let mut record = reader.builder.take().map_or_else(|| GameTree::new(Position::startpos()), Builder::finish);
    record.headers = reader.headers;
    Parsed { tree: record, defects: reader.defects.0 }
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) {
        let text = trim(line);
        let mut chars = text.chars();
        let result = match chars.next() {
            None | Some('#') => Ok(()),
            Some('*') => {
                // A comment keeps the spaces at its end.
                self.comment(&trim_start(line)[1..]);
                Ok(())
            }
            Some('&') => {
                self.comment(trim_start(line));
                Ok(())
            }
            Some('|' | '｜') => self.rank_line(chars.as_str()),
            Some('+') if text.starts_with("+-") => Ok(()),
            Some('９') if text.chars().filter_map(digit).eq((1..=9).rev()) => Ok(()),
            Some(first) if first.is_ascii_digit() || ('０'..='９').contains(&first) => {
                self.begin(number);
                kif::read_move_line(self, number, line);
                Ok(())
            }
            Some(_) if take_side(text).is_some() => {
                self.begin(number);
                ki2::read_move_line(self, number, line);
                Ok(())
            }
            Some(_) => self.word_line(number, text),
        };
        if let Err((place, problem)) = result {
            self.defect(number, line, place, problem);
        }
    }

    fn word_line<'a>(&mut self, number: usize, text: &'a str) -> Result<(), (&'a str, Problem)> {
        if let Some(rest) = text.strip_prefix("変化：").or_else(|| text.strip_prefix("変化:")) {
            self.begin(number);
            return self.variation(trim(rest));
        }
        if let Some(rest) = text.strip_prefix("まで") {
            self.begin(number);
            self.ending(rest);
            return Ok(());
        }
        if let Some(rest) = text.strip_prefix("手数＝").or_else(|| text.strip_prefix("手数=")) {
            let ply = take_number(rest).filter(|_| self.builder.is_none());
            if let Some((ply, _)) = ply {
                self.placement.ply = ply.saturating_add(1);
            }
            return Ok(());
        }
        match text {
            _ if text.starts_with("手数--") => Ok(()),
            "先手番" | "下手番" => {
                self.turn = Some(Color::Black);
                Ok(())
            }
            "後手番" | "上手番" => {
                self.turn = Some(Color::White);
                Ok(())
            }
            _ => match text.split_once(['：', ':']) {
                Some((key, value)) => self.header(number, trim(key), trim(value), value),
                None => Err((text, Problem::Expected("a header, a move or a comment"))),
            },
        }
    }

    fn header<'a>(&mut self, number: usize, key: &str, value: &str, place: &'a str) -> Result<(), (&'a str, Problem)> {
        let hand_of = match key.strip_suffix("持駒").map(|owner| owner.strip_suffix('の').unwrap_or(owner)) {
            Some("先手" | "下手") => Some(Color::Black),
            Some("後手" | "上手") => Some(Color::White),
            _ => None,
        };
        if let Some(color) = hand_of {
            return self.hand(color, value).map_err(|problem| (place, problem));
        }
        match key {
            "手合割" => self.handicap = Some((number, value.into())),
            "下手" => self.headers.push(("先手".into(), value.into())),
            "上手" => self.headers.push(("後手".into(), value.into())),
            _ => self.headers.push((key.into(), value.into())),
        }
        Ok(())
    }

    fn hand(&mut self, color: Color, value: &str) -> Result<(), Problem> {
        self.placement.begin_board();
        if value == "なし" {
            return Ok(());
        }
        let mut rest = trim_start(value);
        while !rest.is_empty() {
            let piece = take_piece(rest).filter(|&(kind, _)| can_be_held(kind));
            let (kind, after) = piece.ok_or(Problem::Expected("a piece in hand"))?;
            let (count, after) = take_number(after).unwrap_or((1, after));
            self.placement.hold_many(color, kind, count);
            rest = trim_start(after);
        }
        Ok(())
    }

    /// The nine cells of a rank, after the first `|`: an owner (`v` is White) and a piece each.
    fn rank_line<'a>(&mut self, cells: &'a str) -> Result<(), (&'a str, Problem)> {
        let (cells, name) = cells.rsplit_once(['|', '｜']).unwrap_or((cells, ""));
        let named = name.chars().next().and_then(digit);
        let rank = named.unwrap_or(self.rank + 1);
        self.rank = rank.min(9);
        self.placement.begin_board();
        let mut rest = cells;
        for file in (1..=9).rev() {
            let color = if rest.starts_with(['v', 'V', 'ｖ']) { Color::White } else { Color::Black };
            let cell = rest.strip_prefix([' ', 'v', 'V', 'ｖ', '^']).unwrap_or(rest);
            let (piece, after) = if let Some(after) = cell.strip_prefix(['・', '.', '･', '*', ' ', '　']) {
                (None, after)
            } else {
                let (kind, after) = take_piece(cell).ok_or((cell, Problem::Expected("a piece or ・")))?;
                (Some(Piece::new(color, kind)), after)
            };
            if let Some(square) = Square::new(file, rank) {
                self.placement.put(square, piece);
            }
            rest = after;
        }
        Ok(())
    }

    fn comment(&mut self, comment: &str) {
        match &mut self.builder {
            None => self.early.push(comment.into()),
            Some(_) if self.lost => {}
            Some(builder) => add_comment(builder, comment),
        }
    }

    /// Completes the start position.
    fn begin(&mut self, number: usize) {
        if self.builder.is_some() {
            return;
        }
        let handicap = match &self.handicap {
            None => Some(Handicap::Even),
            Some((line, name)) => {
                let handicap = Handicap::from_name(name);
                let open = matches!(name.as_str(), "" | "その他" | "詰将棋" | "詰め将棋") || self.placement.given;
                if handicap.is_none() && !open {
                    self.defects.at(*line, "", 0, Problem::Handicap(name.clone()));
                }
                handicap
            }
        };
        let handicapped = handicap.is_some_and(|handicap| handicap != Handicap::Even);
        let usual_turn = if handicapped { Color::White } else { Color::Black };
        if let (false, Some(handicap)) = (self.placement.given, handicap) {
            self.placement.fill(&handicap.position());
        }
        self.placement.side = self.turn.unwrap_or(usual_turn);
        let start = self.placement.position().unwrap_or_else(|error| {
            self.defects.at(number, "", 0, Problem::Start(error));
            (self.dead, self.lost) = (true, true);
            Position::startpos()
        });
        let mut builder = Builder::new(start);
        for comment in core::mem::take(&mut self.early) {
            add_comment(&mut builder, &comment);
        }
        self.builder = Some(builder);
    }

    fn variation<'a>(&mut self, text: &'a str) -> Result<(), (&'a str, Problem)> {
        let (number, _) = take_number(text).filter(|&(number, _)| number > 0).ok_or_else(|| {
            self.lost = true;
            (text, Problem::Expected("the number of a move"))
        })?;
        self.rewind(usize::from(number) - 1).map_err(|problem| (text, problem))
    }

    /// Goes back to `ply`.
    pub(super) fn rewind(&mut self, ply: usize) -> Result<(), Problem> {
        let Some(builder) = self.builder.as_mut().filter(|_| !self.dead) else { return Ok(()) };
        let result = builder.rewind(ply);
        self.lost = result.is_err();
        result
    }

    /// The builder, if the line can be followed here.
    pub(super) fn following(&mut self) -> Option<&mut Builder> {
        self.builder.as_mut().filter(|_| !self.lost)
    }

    pub(super) fn defect(&mut self, number: usize, line: &str, place: &str, problem: Problem) {
        self.defects.at(number, line, offset(line, place), problem);
    }

    /// Plays what was read at `place`; says whether its node is there now.
    pub(super) fn play(&mut self, number: usize, line: &str, place: &str, mv: Result<Move, Problem>) -> bool {
        let Some(builder) = self.following() else { return false };
        let before = builder.ply();
        let Err(problem) = mv.and_then(|mv| builder.play(mv)) else { return true };
        // After a move against the rules only its end still has a place, and is awaited.
        let kept = builder.ply() > before;
        self.lost = !kept;
        self.defect(number, line, place, problem);
        kept
    }

    /// Ends the line with what was read at `place`.
    pub(super) fn end(&mut self, number: usize, line: &str, place: &str, end: End) {
        let Some(builder) = self.following() else { return };
        if let Err(problem) = builder.end(end) {
            self.defect(number, line, place, problem);
        }
    }

    /// `まで87手で先手の勝ち`, without まで.
    fn ending(&mut self, text: &str) {
        let Some(builder) = self.builder.as_mut().filter(|_| !self.lost) else { return };
        if matches!(builder.node().event(), Event::End(_)) {
            return;
        }
        let text = trim(text.strip_prefix('、').unwrap_or(text)).trim_end_matches('。');
        let words = take_number(text).and_then(|(_, rest)| rest.strip_prefix("手で"));
        let words = trim(words.unwrap_or(text));
        let headers = &self.headers;
        let side = |name: &str| match name {
            "先手" | "下手" => Some(Color::Black),
            "後手" | "上手" => Some(Color::White),
            _ => {
                let (key, _) = headers.iter().find(|(_, value)| value == name && !name.is_empty())?;
                if key == "先手" { Some(Color::Black) } else { Some(Color::White).filter(|_| key == "後手") }
            }
        };
        if words.is_empty() || words.strip_suffix('手').is_some_and(|number| take_number(number).is_some()) {
            return;
        }
        let us = builder.position().side_to_move();
        let end = words_to_end(words, us, side);
        // The line is open, or was cut off for its length, which was noted then.
        let _ = builder.end(end);
    }
}

fn words_to_end(words: &str, us: Color, side: impl Fn(&str) -> Option<Color>) -> End {
    let of = |suffix: &str| words.strip_suffix(suffix).and_then(&side);
    let known = if let Some(winner) = of("の反則勝ち") {
        Some(if winner == us { End::IllegalWin } else { End::IllegalLoss })
    } else if let Some(loser) = of("の反則負け") {
        Some(if loser == us { End::IllegalLoss } else { End::IllegalWin })
    } else if let Some(winner) = of("の入玉勝ち") {
        Some(End::Declaration).filter(|_| winner == us)
    } else if let Some(rest) = words.strip_prefix("時間切れにより") {
        let winner = rest.strip_suffix("の勝ち").and_then(&side);
        Some(End::TimeUp).filter(|_| winner == Some(us.flip()))
    } else {
        Some(End::Resign).filter(|_| of("の勝ち") == Some(us.flip()))
    };
    known.unwrap_or_else(|| End::from_kakinoki(words))
}

/// Reads a number in ASCII, full width or kanji digits (up to 九十九 for the latter).
pub(super) fn take_number(text: &str) -> Option<(u16, &str)> {
    let mut rest = text;
    let mut number: Option<u16> = None;
    while let Some(found) = rest.chars().next() {
        number = Some(match (found, digit(found)) {
            ('十', _) => number.unwrap_or(1).saturating_mul(10),
            ('0' | '０' | '〇', _) => number.unwrap_or(0).saturating_mul(10),
            (_, None) => break,
            // 十八 is 18: a digit after 十 is added, after another digit it is the next place.
            (_, Some(digit)) if text[..text.len() - rest.len()].ends_with('十') => {
                number?.saturating_add(digit.into())
            }
            (_, Some(digit)) => number.unwrap_or(0).saturating_mul(10).saturating_add(digit.into()),
        });
        rest = &rest[found.len_utf8()..];
    }
    Some((number?, rest))
}

fn kanji_number(number: u8) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let (tens, ones) = (number / 10, usize::from(number % 10));
    let tens = match tens {
        0 => "",
        1 => "十",
        _ => "二十",
    };
    format!("{tens}{}", DIGITS[ones])
}

fn hand_text(position: &Position, color: Color) -> String {
    let hand = position.hand(color);
    if hand.is_empty() {
        return "なし".into();
    }
    let mut text = String::new();
    for kind in PieceType::HAND.into_iter().rev() {
        let count = hand.count(kind);
        if count > 0 {
            text.push_str(piece_name(kind));
            if count > 1 {
                text.push_str(&kanji_number(count));
            }
            text.push('　');
        }
    }
    text
}

/// The one character of a kind in a diagram.
const fn diagram_name(kind: PieceType) -> &'static str {
    match kind {
        PieceType::ProLance => "杏",
        PieceType::ProKnight => "圭",
        PieceType::ProSilver => "全",
        kind => piece_name(kind),
    }
}

/// The names of the sides: 先手 後手, or 下手 上手 if White gives a handicap.
pub(super) fn side_names(start: &Position) -> [&'static str; 2] {
    match Handicap::of(start) {
        Some(handicap) if handicap != Handicap::Even => ["下手", "上手"],
        _ => ["先手", "後手"],
    }
}

/// A board diagram with hands and turn.
pub(super) fn write_diagram(text: &mut String, position: &Position) {
    const RANKS: [char; 9] = ['一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let [black, white] = side_names(position);
    put!(text, "{white}の持駒：{}\n", hand_text(position, Color::White));
    text.push_str("  ９ ８ ７ ６ ５ ４ ３ ２ １\n+---------------------------+\n");
    for (rank, name) in (1..=9).zip(RANKS) {
        text.push('|');
        for file in (1..=9).rev() {
            match Square::new(file, rank).and_then(|square| position.piece_at(square)) {
                None => text.push_str(" ・"),
                Some(piece) => {
                    text.push(if piece.color() == Color::Black { ' ' } else { 'v' });
                    text.push_str(diagram_name(piece.kind()));
                }
            }
        }
        text.push('|');
        text.push(name);
        text.push('\n');
    }
    text.push_str("+---------------------------+\n");
    put!(text, "{black}の持駒：{}\n", hand_text(position, Color::Black));
    if position.side_to_move() == Color::White {
        put!(text, "{white}番\n");
    }
    if position.ply() > 1 {
        put!(text, "手数＝{}\n", position.ply() - 1);
    }
}

/// Whether a reader takes `line`, which has a `：`, for a header that says nothing about the start position.
fn is_header(line: &str) -> bool {
    let line = trim(line);
    let key = line.split(['：', ':']).next().map_or("", trim);
    let is_mark = |first: char| matches!(first, '#' | '*' | '&' | '|' | '｜' | '+') || first.is_ascii_digit();
    let is_statement =
        ["まで", "変化", "手数", "先手番", "後手番", "下手番", "上手番"].iter().any(|word| line.starts_with(word));
    !key.is_empty()
        && !line.starts_with(|first| is_mark(first) || ('０'..='９').contains(&first))
        && take_side(line).is_none()
        && !is_statement
        && !key.ends_with("持駒")
        && key != "手合割"
}

/// Headers and start position of a record.
pub(super) fn write_head(text: &mut String, record: &GameTree) {
    let start = record.start();
    let [black, white] = side_names(start);
    for (key, value) in &record.headers {
        let key = match key.as_str() {
            "先手" => black,
            "後手" => white,
            key => key,
        };
        let line = one_line(&format!("{key}：{value}"));
        // What would be read as something else becomes a remark.
        let mark = if is_header(&line) { "" } else { "#" };
        put!(text, "{mark}{line}\n");
    }
    match Handicap::of(start) {
        Some(handicap) => put!(text, "手合割：{}\n", handicap.name()),
        None => write_diagram(text, start),
    }
}

/// Bookmark and comments of a node; `position` is the one after it.
pub(super) fn write_remarks(text: &mut String, node: &Node, position: &Position) {
    if let Some(name) = &node.bookmark {
        put!(text, "&{}\n", one_line(name));
    }
    for comment in write_comments(node, position) {
        put!(text, "*{comment}\n");
    }
}

/// `まで87手で先手の勝ち` after the last node of a line, if it ends.
pub(super) fn write_ending(text: &mut String, record: &GameTree, last: NodeId) {
    let Event::End(end) = record.node(last).event() else { return };
    let us = record.position(last).side_to_move();
    let names = side_names(record.start());
    let (us, them) = (names[us.index()], names[us.flip().index()]);
    let words = match end {
        End::Resign => format!("{them}の勝ち"),
        End::TimeUp => format!("時間切れにより{them}の勝ち"),
        End::IllegalWin => format!("{us}の反則勝ち"),
        End::IllegalLoss => format!("{us}の反則負け"),
        End::Declaration => format!("{us}の入玉勝ち"),
        end => one_line(end.kakinoki()),
    };
    put!(text, "まで{}手で{words}\n", record.node(last).ply() - 1);
}

/// The number of the first move of a variation, for 変化.
pub(super) fn variation_number(record: &GameTree, head: NodeId) -> String {
    record.node(head).ply().to_string()
}

/// Columns that a text takes where kanji are two wide.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(|found| if found.is_ascii() { 1 } else { 2 }).sum()
}
