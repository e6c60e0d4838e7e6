//! The one reader of KIF, KI2 and BOD.
//!
//! It goes line by line; a line's first characters tell what it is.
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
//! | anything else | none of the format; kept as a comment |
//!
//! The start position is the printed board, else the handicap that a header names, else the usual one if nothing is said of any. If
//! anything of it is not understood, there is no game.

use alloc::string::String;
use alloc::vec::Vec;

use crate::notation::builder::Builder;
use crate::notation::end::End;
use crate::notation::handicap::Handicap;
use crate::notation::lines::{holds, lines, trim, trim_start};
use crate::notation::moves::japanese::{take_draft, take_piece, take_side};
use crate::notation::number::{digit, take_number};
use crate::notation::problem::Problem;
use crate::notation::reading::{Course, Parsed, Reading};
use crate::notation::tree::Event;
use crate::shogi::{Color, Move, Piece, Square};

/// Reader of KIF, KI2 and BOD.
#[derive(Default)]
struct Reader {
    game: Reading,
    /// Handicap and the line that says it.
    handicap: Option<(usize, String)>,
    /// Whether the sides are named 下手 and 上手, as in a game with a handicap.
    handicapped_names: bool,
    /// Whether the line above the moves was read: only moves begin with a number after it.
    in_moves: bool,
    /// Whether the hand of each side was said.
    hands_said: [bool; 2],
    /// Number of the move that was read last.
    last_number: Option<u16>,
    /// Rank of a diagram that was read last.
    rank: u8,
    /// Mark of the empty squares of the diagram.
    empty: Option<char>,
}

/// Reads the first game of a text in KIF, KI2 or BOD.
pub(super) fn read(text: &str) -> Parsed {
    games(text).next().unwrap_or_else(|| Reading::default().finish())
}

/// Reads every game of a text, which may be several files one after the other.
pub(super) fn read_all(text: &str) -> Vec<Parsed> {
    games(text).collect()
}

/// Games of a text, each read when it is asked for.
pub(in crate::notation) fn games(text: &str) -> impl Iterator<Item = Parsed> {
    let mut lines = lines(text).peekable();
    let mut first = true;
    core::iter::from_fn(move || {
        if lines.peek().is_none() && !core::mem::take(&mut first) {
            return None;
        }
        first = false;
        let mut reader = Reader::default();
        while let Some((number, line)) = lines.next_if(|(_, line)| !reader.is_next_game(trim(line))) {
            if let Err((place, problem)) = reader.line(number, line) {
                reader.defect(number, line, place, problem);
            }
        }
        reader.begin(1);
        Some(reader.game.finish())
    })
}

/// Headers with which a game begins.
const FIRST_HEADERS: [&str; 9] = ["開始日時", "開始日", "対局日", "棋戦", "表題", "手合割", "先手", "下手", "後手"];

impl Reader {
    /// Whether a line begins another game: the remark at the head of a file after moves, or a first header after an end.
    fn is_next_game(&self, text: &str) -> bool {
        // An end without a move, or a move against the rules, may be a damaged line of the head.
        let Some(builder) = self.game.builder.as_ref().filter(|builder| builder.begins_with_a_move()) else {
            return false;
        };
        let is_head = ["#KIF", "#KI2", "# ----", "# KIF", "# KI2"].iter().any(|head| text.starts_with(head));
        let ended = matches!(builder.node().event(), Event::End(_));
        let is_header = || text.split_once(['：', ':']).is_some_and(|(key, _)| FIRST_HEADERS.contains(&trim(key)));
        is_head || ended && is_header()
    }

    fn line<'a>(&mut self, number: usize, line: &'a str) -> Result<(), (&'a str, Problem)> {
        let text = trim(line);
        let mut chars = text.chars();
        match chars.next() {
            None | Some('#') => {}
            // A comment keeps the spaces at its end.
            Some('*') => self.game.comment(&trim_start(line)[1..]),
            Some('&') => self.game.comment(trim_start(line)),
            Some('|' | '｜') => self.start_line(text, |reader| reader.rank_line(chars.as_str()))?,
            Some('+') if text.starts_with("+-") => {}
            Some('９') if text.chars().filter_map(digit).eq((1..=9).rev()) => {}
            Some('0'..='9' | '０'..='９') if self.in_moves || self.game.builder.is_some() || is_kif_move(text) => {
                self.kif_line(number, line);
            }
            Some('0'..='9' | '０'..='９') => return Err(self.foreign(text)),
            Some(_)
                if take_side(text).is_some_and(|(_, rest)| self.game.builder.is_some() || take_draft(rest).is_ok()) =>
            {
                self.ki2_line(number, line);
            }
            Some(_) => self.word_line(number, text)?,
        }
        Ok(())
    }

    fn word_line<'a>(&mut self, number: usize, text: &'a str) -> Result<(), (&'a str, Problem)> {
        if let Some(rest) = text.strip_prefix("変化：").or_else(|| text.strip_prefix("変化:")) {
            self.begin(number);
            return self.variation(trim(rest));
        }
        if let Some(rest) = text.strip_prefix("まで") {
            self.begin(number);
            self.ending(rest);
        } else if let Some(rest) = text.strip_prefix("手数＝").or_else(|| text.strip_prefix("手数=")) {
            if let Some((ply, _)) = take_number(rest).filter(|_| self.game.builder.is_none()) {
                self.game.placement.ply = ply.saturating_add(1);
            }
        } else if let Some(color) = turn_of(text) {
            self.start_line(text, |reader| {
                reader.game.placement.side = Some(color);
                Ok(())
            })?;
        } else if text.starts_with("手数--") {
            self.in_moves = true;
        } else {
            let Some((key, value)) = text.split_once(['：', ':']) else { return Err(self.foreign(text)) };
            self.header(number, text, trim(key), trim(value))?;
        }
        Ok(())
    }

    /// Keeps a line that is none of the format as a comment.
    fn foreign<'a>(&mut self, text: &'a str) -> (&'a str, Problem) {
        // A line about the start position whose letters are damaged must not go unnoticed.
        let about_start =
            text.contains(['|', '｜', '・']) || holds(text, "持駒") || holds(text, "手合") || text.ends_with('番');
        self.game.unclear |= about_start && self.game.builder.is_none();
        self.game.comment(text);
        (text, Problem::Foreign)
    }

    /// Reads a part of the start position. If it is not understood, or comes after the moves that need it, there is no game.
    fn start_line<'a>(
        &mut self,
        text: &'a str,
        read: impl FnOnce(&mut Reader) -> Result<(), (&'a str, Problem)>,
    ) -> Result<(), (&'a str, Problem)> {
        let done = self.game.starts_here().map_err(|problem| (text, problem)).and_then(|()| read(self));
        self.game.unclear |= done.is_err();
        done
    }

    fn header<'a>(
        &mut self,
        number: usize,
        text: &'a str,
        key: &str,
        value: &'a str,
    ) -> Result<(), (&'a str, Problem)> {
        let of_hand = holds(key, "持駒") || holds(key, "持ち駒") || key.ends_with("の駒");
        // The key of a hand may be damaged.
        if of_hand || holds(key, "の持") && !holds(key, "時間") {
            let owner = ["の持駒", "持駒", "の持ち駒", "持ち駒"].iter().find_map(|hand| key.strip_suffix(hand));
            let color = match owner {
                Some("先手" | "下手" | "攻方") => Ok(Color::Black),
                Some("後手" | "上手" | "玉方" | "受方") => Ok(Color::White),
                _ => Err((text, Problem::Expected("the hand of 先手 or 後手"))),
            };
            return self.start_line(text, |reader| reader.hand(color?, value));
        }
        if key.starts_with("手合") {
            return self.start_line(text, |reader| {
                reader.handicap = Some((number, value.into()));
                Ok(())
            });
        }
        let (key, handicapped) = match key {
            "下手" => ("先手", true),
            "上手" => ("後手", true),
            key => (key, false),
        };
        self.handicapped_names |= handicapped;
        self.game.headers.push((key.into(), value.into()));
        Ok(())
    }

    fn hand<'a>(&mut self, color: Color, value: &'a str) -> Result<(), (&'a str, Problem)> {
        if core::mem::replace(&mut self.hands_said[color.index()], true) {
            return Err((value, Problem::Expected("each hand once")));
        }
        if value == "なし" {
            return Ok(());
        }
        let mut rest = trim_start(value);
        while !rest.is_empty() {
            let (kind, after) = take_piece(rest).ok_or((rest, Problem::Expected("a piece in hand")))?;
            let (count, after) = take_number(after).unwrap_or((1, after));
            self.game.placement.hold(color, kind, count).map_err(|problem| (rest, problem))?;
            rest = trim_start(after);
        }
        Ok(())
    }

    /// Nine cells of a rank, after the first `|`: an owner (`v` is White) and a piece each.
    fn rank_line<'a>(&mut self, cells: &'a str) -> Result<(), (&'a str, Problem)> {
        let (cells, name) = cells.rsplit_once(['|', '｜']).unwrap_or((cells, ""));
        let rank = trim(name).chars().next().map_or(Some(self.rank + 1), digit).unwrap_or(0);
        self.rank = rank.min(9);
        self.game.placement.begin_rank(rank).map_err(|problem| (name, problem))?;
        let mut rest = cells;
        let (mut spaced, mut bare) = (0, 0);
        for file in (1..=9).rev() {
            let color = if rest.starts_with(['v', 'V', 'ｖ']) { Color::White } else { Color::Black };
            let owner = rest.strip_prefix([' ', 'v', 'V', 'ｖ', '^']);
            spaced += usize::from(rest.starts_with(' '));
            bare += usize::from(owner.is_none());
            let cell = owner.unwrap_or(rest);
            let mark = cell.chars().next().filter(|mark| matches!(mark, '・' | '.' | '･' | '*' | ' ' | '　'));
            let (piece, after) = if let Some(mark) = mark {
                // A piece that was damaged is not an empty square.
                if *self.empty.get_or_insert(mark) != mark || color == Color::White {
                    return Err((cell, Problem::Expected("a piece or the mark of the other empty squares")));
                }
                (None, &cell[mark.len_utf8()..])
            } else {
                let (kind, after) = take_piece(cell).ok_or((cell, Problem::Expected("a piece or ・")))?;
                (Some(Piece::new(color, kind)), after)
            };
            if let Some(square) = Square::new(file, rank) {
                self.game.placement.put(square, piece);
            }
            rest = after;
        }
        // In a row of cells that begin with an owner, one without is a piece of either side.
        if bare > 0 && (spaced > 0 || bare == 1) {
            return Err((cells, Problem::Expected("an owner of each piece")));
        }
        if trim(rest).is_empty() { Ok(()) } else { Err((rest, Problem::Expected("the end of the rank"))) }
    }

    /// Completes the start position.
    fn begin(&mut self, number: usize) {
        if self.game.builder.is_some() {
            return;
        }
        let handicap = self.handicap.as_ref().map_or(Some(Handicap::Even), |(_, name)| match name.as_str() {
            "" => Some(Handicap::Even),
            name => Handicap::from_name(name),
        });
        let handicapped = handicap.is_some_and(|handicap| handicap != Handicap::Even);
        if self.game.placement.is_printed() {
            let turn = if handicapped { Color::White } else { Color::Black };
            self.game.placement.side.get_or_insert(turn);
            return self.game.begin(number);
        }
        // Names of the sides, or a name under another key, may say that there is a handicap.
        let unsaid = self.handicap.as_ref().is_none_or(|(_, name)| name.is_empty());
        let named = |value: &str| holds(value, "落") && Handicap::from_name(value).is_some();
        let hinted = self.handicapped_names || self.game.headers.iter().any(|(_, value)| named(value));
        let problem = match (&self.handicap, handicap) {
            (Some((line, name)), None) => Some((*line, Problem::Handicap(name.clone()))),
            _ if unsaid && hinted => Some((number, Problem::Expected("the handicap"))),
            _ if self.game.placement.is_given() => Some((number, Problem::Expected("a board of nine ranks"))),
            _ => None,
        };
        if let Some((line, problem)) = problem.filter(|_| !self.game.unclear) {
            self.game.defects.at(line, "", "", problem);
            self.game.unclear = true;
        }
        if let Some(handicap) = handicap.filter(|_| !unsaid) {
            let start = handicap.position();
            self.game.placement.fill(&start);
            self.game.placement.side.get_or_insert(start.side_to_move());
        }
        self.game.begin(number);
    }

    fn variation<'a>(&mut self, text: &'a str) -> Result<(), (&'a str, Problem)> {
        let (number, _) = take_number(text).filter(|&(number, _)| number > 0).ok_or_else(|| {
            self.lose();
            (text, Problem::Expected("the number of a move"))
        })?;
        self.rewind(usize::from(number) - 1).map_err(|problem| (text, problem))
    }

    /// Leaves the line, until a variation comes.
    fn lose(&mut self) {
        if self.game.course != Course::Nowhere {
            self.game.course = Course::Lost;
        }
    }

    /// Goes back to `ply`.
    fn rewind(&mut self, ply: usize) -> Result<(), Problem> {
        if self.game.course == Course::Nowhere {
            return Ok(());
        }
        let result = self.game.builder.as_mut().map_or(Ok(()), |builder| builder.rewind(ply));
        self.game.course = if result.is_ok() { Course::Followed } else { Course::Lost };
        result
    }

    fn defect(&mut self, number: usize, line: &str, place: &str, problem: Problem) {
        self.game.defects.at(number, line, place, problem);
    }

    /// Plays what was read at `place`; says whether its node is there now.
    fn play(&mut self, number: usize, line: &str, place: &str, mv: Result<Move, Problem>) -> bool {
        let Some(builder) = self.game.following() else { return false };
        let before = builder.ply();
        let Err(problem) = mv.and_then(|mv| builder.play(mv)) else { return true };
        // After a move against the rules only its end still has a place, and is awaited.
        let kept = builder.ply() > before;
        if !kept {
            self.lose();
        }
        self.defect(number, line, place, problem);
        kept
    }

    /// Ends the line with what was read at `place`.
    fn end(&mut self, number: usize, line: &str, place: &str, end: End) {
        let Some(builder) = self.game.following() else { return };
        if let Err(problem) = builder.end(end) {
            self.defect(number, line, place, problem);
        }
    }

    /// Reads a line of KIF, which begins with a number.
    fn kif_line(&mut self, number: usize, line: &str) {
        self.begin(number);
        let Some((ply, rest)) = take_number(trim_start(line)) else {
            return self.defect(number, line, trim_start(line), Problem::Expected("a move number from 1 on"));
        };
        let place = trim_start(rest);
        // The number says which move this is. One that goes too far does not matter, but moves may be missing before it.
        let known = self.game.builder.as_ref().map_or(0, Builder::ply);
        let after = self.last_number.replace(ply).map_or(1, |last| usize::from(last) + 1);
        if usize::from(ply) <= known {
            self.rewind(usize::from(ply).saturating_sub(1))
                .unwrap_or_else(|problem| self.defect(number, line, line, problem));
        } else if known > 0
            && usize::from(ply) > known + 1
            && usize::from(ply) != after
            && self.game.following().is_some()
        {
            self.defect(number, line, trim_start(line), Problem::Gap { found: usize::from(ply), expected: known + 1 });
        }
        if self.game.following().is_none() || place.is_empty() {
            return;
        }
        let unmarked = take_side(place).map_or(place, |(_, rest)| rest);
        let clock = match take_draft(unmarked) {
            Ok((draft, rest)) => {
                let mv = self.game.following().map(|builder| {
                    let position = builder.position();
                    draft.resolve(position, position.side_to_move(), builder.previous())
                });
                if !mv.is_some_and(|mv| self.play(number, line, place, mv)) {
                    return;
                }
                rest
            }
            Err((problem, at)) => {
                let end = place.find(['(', '（']).unwrap_or(place.len());
                let word = trim(place[..end].trim_end_matches('+'));
                let origin = place[end..].chars().nth(3).is_some_and(|found| matches!(found, ')' | '）'));
                let square = |found: char| found == '同' || !found.is_ascii() && digit(found).is_some();
                if origin || word.is_empty() || word.starts_with(square) {
                    self.defect(number, line, at, problem.clone());
                    self.play(number, line, at, Err(problem));
                    return;
                }
                self.end(number, line, place, End::from_kakinoki(word));
                &place[end..]
            }
        };
        let clock = trim(trim(clock).trim_end_matches('+'));
        if clock.is_empty() {
            return;
        }
        match (read_clock(clock), self.game.following()) {
            (Some(spent), Some(builder)) => builder.node_mut().spent = Some(spent),
            (None, _) => self.defect(number, line, clock, Problem::Expected("a clock such as ( 0:12/00:01:30)")),
            (_, None) => {}
        }
    }

    /// Reads a line of KI2, which begins with a side's mark.
    fn ki2_line(&mut self, number: usize, line: &str) {
        self.begin(number);
        let mut rest = trim_start(line);
        while !rest.is_empty() {
            let place = rest;
            let Some(builder) = self.game.following() else { return };
            let draft = take_side(rest).ok_or((Problem::Expected("▲ or △"), rest)).and_then(|(color, after)| {
                let (draft, after) = take_draft(after)?;
                Ok((draft.resolve(builder.position(), color, builder.previous()), after))
            });
            let (mv, after) = match draft {
                Ok(read) => read,
                Err((problem, at)) => {
                    self.play(number, line, at, Err(problem));
                    return;
                }
            };
            self.play(number, line, place, mv);
            rest = trim_start(after);
        }
    }

    /// `まで87手で先手の勝ち`, without まで.
    fn ending(&mut self, text: &str) {
        let Reading { headers, builder: Some(builder), course: Course::Followed, .. } = &mut self.game else { return };
        if matches!(builder.node().event(), Event::End(_)) {
            return;
        }
        let text = trim(text.strip_prefix('、').unwrap_or(text)).trim_end_matches('。');
        // `1手で詰` and `1手詰` are the same.
        let words = take_number(text).and_then(|(_, rest)| rest.strip_prefix('手'));
        let words =
            words.map_or(text, |words| ["にて", "で"].iter().find_map(|by| words.strip_prefix(by)).unwrap_or(words));
        let words = trim(words);
        let side = |name: &str| match name {
            "先手" | "下手" => Some(Color::Black),
            "後手" | "上手" => Some(Color::White),
            _ => {
                let (key, _) = headers.iter().find(|(_, value)| value == name && !name.is_empty())?;
                if key == "先手" { Some(Color::Black) } else { Some(Color::White).filter(|_| key == "後手") }
            }
        };
        if words.is_empty() {
            return;
        }
        let us = builder.position().side_to_move();
        let end = words_to_end(words, us, side);
        // The line is open, or was cut off for its length, which was noted then.
        let _ = builder.end(end);
    }
}

/// Side whose turn a line of a diagram says it is.
fn turn_of(line: &str) -> Option<Color> {
    match line {
        "先手番" | "下手番" => Some(Color::Black),
        "後手番" | "上手番" => Some(Color::White),
        _ => None,
    }
}

/// Whether a line that begins with a number is a move or an end of KIF, and not a date or the like.
fn is_kif_move(text: &str) -> bool {
    let Some((_, rest)) = take_number(text) else { return false };
    let word = trim_start(rest);
    let word = take_side(word).map_or(word, |(_, rest)| rest);
    let end = trim(word.split(['(', '（', '+']).next().unwrap_or(word));
    take_draft(word).is_ok() || end == "中断" || !matches!(End::from_kakinoki(end), End::Other(_) | End::Interrupt)
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

/// Milliseconds of `( 0:12/00:00:12)`, `(00:12 / …)` or `(0:00:12)`: only the first time counts.
fn read_clock(text: &str) -> Option<u64> {
    let inside = text.strip_prefix(['(', '（'])?;
    let time = inside.split([')', '）', '/', '／']).next()?;
    let mut seconds = 0u64;
    for field in trim(time).split([':', '：']) {
        let field = trim(field);
        let digits = !field.is_empty() && field.len() <= 9 && field.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { field.parse::<u64>().ok() } else { None }?;
        seconds = seconds.checked_mul(60)?.checked_add(number)?;
    }
    seconds.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;
    use crate::notation::tree::Node;

    #[test]
    fn several_files_in_one_text() {
        /// Checks the number of plies of each game, ends included, and the lines of the defects.
        #[track_caller]
        fn check(text: &str, plies: &[u16], defects: &[&str]) {
            let games = read_all(text);
            let tree = |game: &Parsed| game.tree.clone().expect("a game");
            let found: Vec<u16> =
                games.iter().map(tree).map(|tree| tree.nodes().iter().map(Node::ply).max().unwrap_or(0)).collect();
            let places: Vec<String> =
                games.iter().flat_map(|game| &game.defects).map(|defect| defect.place.to_string()).collect();
            assert_eq!((&*found, &*places.join("; ")), (plies, &*defects.join("; ")), "{text}");
        }
        let head = "#KIF version=2.0 encoding=UTF-8\n先手：甲\n手合割：平手\n手数----指手--\n";
        let game = format!("{head}   1 ７六歩(77)\n   2 投了\nまで1手で先手の勝ち\n");
        check("", &[0], &[]);
        check(&game, &[2], &[]);
        check(&game.repeat(3), &[2, 2, 2], &[]);
        // Variations, and no end before the next head.
        let tree = format!("{head}   1 ７六歩(77)\n   2 ３四歩(33)\n\n変化：2手\n   2 ８四歩(83)\n   3 ２六歩(27)\n\n");
        check(&tree.repeat(2), &[3, 3], &[]);
        check("開始日時：2026/11/29\n▲７六歩\nまで1手で中断\n開始日時：2026/11/30\n▲２六歩△３四歩\n", &[2, 2], &[]);
        // The same header within a game is none of the next, and lines count through the whole text.
        check("▲７六歩\n先手：甲\n△３四歩\n", &[2], &[]);
        check(&format!("{game}{head}   1 ７五歩(77)\n"), &[2, 1], &["line 12, column 6"]);
        // A line before the head that is no move of this position is a damaged head, not a game.
        check("▲７五歩\n先手：甲\n▲７六歩\n", &[0], &["line 1, column 1"]);
    }
}
