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

use alloc::string::String;

use crate::notation::builder::Builder;
use crate::notation::end::End;
use crate::notation::handicap::Handicap;
use crate::notation::lines::{lines, trim, trim_start};
use crate::notation::moves::japanese::{take_draft, take_piece, take_side};
use crate::notation::moves::mover::can_be_held;
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
    /// Side to move, if a line says it.
    turn: Option<Color>,
    /// Rank of a diagram that was read last.
    rank: u8,
}

/// Reads KIF, KI2 or BOD.
pub(super) fn read(text: &str) -> Parsed {
    let mut reader = Reader::default();
    for (number, line) in lines(text) {
        if let Err((place, problem)) = reader.line(number, line) {
            reader.defect(number, line, place, problem);
        }
    }
    reader.begin(1);
    reader.game.finish()
}

impl Reader {
    fn line<'a>(&mut self, number: usize, line: &'a str) -> Result<(), (&'a str, Problem)> {
        let text = trim(line);
        let mut chars = text.chars();
        match chars.next() {
            None | Some('#') => {}
            // A comment keeps the spaces at its end.
            Some('*') => self.game.comment(&trim_start(line)[1..]),
            Some('&') => self.game.comment(trim_start(line)),
            Some('|' | '｜') => self.rank_line(chars.as_str())?,
            Some('+') if text.starts_with("+-") => {}
            Some('９') if text.chars().filter_map(digit).eq((1..=9).rev()) => {}
            Some('0'..='9' | '０'..='９') => self.kif_line(number, line),
            Some(_) if take_side(text).is_some() => self.ki2_line(number, line),
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
        } else if matches!(text, "先手番" | "下手番") {
            self.turn = Some(Color::Black);
        } else if matches!(text, "後手番" | "上手番") {
            self.turn = Some(Color::White);
        } else if !text.starts_with("手数--") {
            let header = text.split_once(['：', ':']);
            let (key, value) = header.ok_or((text, Problem::Expected("a header, a move or a comment")))?;
            self.header(number, trim(key), trim(value)).map_err(|problem| (value, problem))?;
        }
        Ok(())
    }

    fn header(&mut self, number: usize, key: &str, value: &str) -> Result<(), Problem> {
        match key.strip_suffix("持駒").map(|owner| owner.strip_suffix('の').unwrap_or(owner)) {
            Some("先手" | "下手") => return self.hand(Color::Black, value),
            Some("後手" | "上手") => return self.hand(Color::White, value),
            _ => {}
        }
        match key {
            "手合割" => self.handicap = Some((number, value.into())),
            "下手" => self.game.headers.push(("先手".into(), value.into())),
            "上手" => self.game.headers.push(("後手".into(), value.into())),
            _ => self.game.headers.push((key.into(), value.into())),
        }
        Ok(())
    }

    fn hand(&mut self, color: Color, value: &str) -> Result<(), Problem> {
        self.game.placement.begin_board();
        if value == "なし" {
            return Ok(());
        }
        let mut rest = trim_start(value);
        while !rest.is_empty() {
            let piece = take_piece(rest).filter(|&(kind, _)| can_be_held(kind));
            let (kind, after) = piece.ok_or(Problem::Expected("a piece in hand"))?;
            let (count, after) = take_number(after).unwrap_or((1, after));
            self.game.placement.hold_many(color, kind, count);
            rest = trim_start(after);
        }
        Ok(())
    }

    /// Nine cells of a rank, after the first `|`: an owner (`v` is White) and a piece each.
    fn rank_line<'a>(&mut self, cells: &'a str) -> Result<(), (&'a str, Problem)> {
        let (cells, name) = cells.rsplit_once(['|', '｜']).unwrap_or((cells, ""));
        let named = name.chars().next().and_then(digit);
        let rank = named.unwrap_or(self.rank + 1);
        self.rank = rank.min(9);
        self.game.placement.begin_board();
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
                self.game.placement.put(square, piece);
            }
            rest = after;
        }
        Ok(())
    }

    /// Completes the start position.
    fn begin(&mut self, number: usize) {
        if self.game.builder.is_some() {
            return;
        }
        let usual = self.game.placement.is_blank();
        let handicap = match &self.handicap {
            None => Some(Handicap::Even),
            Some((line, name)) => {
                let handicap = Handicap::from_name(name);
                let open = matches!(name.as_str(), "" | "その他" | "詰将棋" | "詰め将棋") || !usual;
                if handicap.is_none() && !open {
                    self.game.defects.at(*line, "", "", Problem::Handicap(name.clone()));
                }
                handicap
            }
        };
        let handicapped = handicap.is_some_and(|handicap| handicap != Handicap::Even);
        let usual_turn = if handicapped { Color::White } else { Color::Black };
        if let (true, Some(handicap)) = (usual, handicap) {
            self.game.placement.fill(&handicap.position());
        }
        self.game.placement.side = self.turn.unwrap_or(usual_turn);
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
        // The number says which move this is; one that goes too far does not matter.
        let known = self.game.builder.as_ref().map_or(0, Builder::ply);
        if usize::from(ply) <= known {
            self.rewind(usize::from(ply).saturating_sub(1))
                .unwrap_or_else(|problem| self.defect(number, line, line, problem));
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
        let words = take_number(text).and_then(|(_, rest)| rest.strip_prefix("手で"));
        let words = trim(words.unwrap_or(text));
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
