//! Comment lines of a node, and the evaluations and bookmarks that travel as such.
//!
//! Evaluations are read in the forms of many programs, in every format. The score counts; a line of play is read as far as it is
//! understood, and the rest is kept as text. A bookmark travels as the comment `&name`.
//!
//! | form | comment lines | source | written in |
//! |---|---|---|---|
//! | Floodgate | `* 123 +7776FU -3334FU #1500`: score, line of play in CSA or USI, nodes | player | CSA |
//! | `ShogiHome` | `*評価値=123`, `*詰み=先手勝ち:7手`, `*読み筋=▲７六歩(77)△３四歩(33)`, `*深さ=12`, `*ノード数=1500`, `*エンジン=…` | `*` player, `#` analysis | KIF, KI2, JKF, and CSA for what Floodgate's form lacks |
//! | ours | `*期待値=0.25`, `*候補手=▲７六歩(77):0.5▲２六歩(27):0.25`: value, policy at the position before | as above | as above |
//! | `ShogiGUI` | `*対局 時間 00:01 深さ 12/20 ノード数 1500 評価値 123 読み筋 ▲７六歩(77) △３四歩(33)`, also `*解析`, `*検討` or none | 対局 player, others analysis | none |
//! | K-Shogi, Piyo | `#形勢[123]`, `#指し手[123]△３四歩  ▲２六歩` | analysis | none |
//!
//! Scores and values are from Black's view. A line of play may begin with the node's own move.

// A small module keeps evaluations as words.
#![cfg_attr(feature = "compact", allow(dead_code))]

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

use super::builder::Builder;
use super::evaluation::{Centipawns, Evaluation, EvaluationSource, Mate};
use super::lines::{one_line, split_lines, trim, trim_start};
use super::moves::{csa, japanese};
use super::number::read_decimal;
use super::tree::{Node, Visit};
use crate::net::Value;
use crate::shogi::{Color, Move, Position, Square};

/// Reads a whole number without a sign.
fn number<T: FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Reads a score that may be followed by something that is no part of a number.
fn score(text: &str) -> Option<(Centipawns, &str)> {
    Centipawns::take(text)
        .filter(|(_, rest)| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '.'))
}

/// Place of a comment: the node's move with the positions before and after it.
struct Place<'a> {
    mv: Option<Move>,
    before: &'a Position,
    after: &'a Position,
}

impl Place<'_> {
    /// Reads a line of play that follows the node, or begins with its move, as far as it is understood; returns the text after that.
    fn line<'t>(&self, text: &'t str) -> (Vec<Move>, &'t str) {
        let follows = read_line(text, self.after, self.mv.map(Move::to));
        if !follows.0.is_empty() || self.mv.is_none() {
            return follows;
        }
        let (mut moves, rest) = read_line(text, self.before, None);
        if moves.first() == self.mv.as_ref() { (moves.split_off(1), rest) } else { follows }
    }
}

/// Reads moves with or without spaces between them, each in Japanese, CSA or USI, as far as they are legal; returns what follows them.
fn read_line<'t>(text: &'t str, position: &Position, mut previous: Option<Square>) -> (Vec<Move>, &'t str) {
    let mut position = position.clone();
    let mut moves = Vec::new();
    let mut rest = trim(text);
    while let Some((mv, after)) = read_move(rest, &position, previous) {
        if position.try_play(mv).is_err() {
            break;
        }
        previous = Some(mv.to());
        moves.push(mv);
        rest = trim_start(after);
    }
    (moves, rest)
}

fn read_move<'t>(text: &'t str, position: &Position, previous: Option<Square>) -> Option<(Move, &'t str)> {
    if let Some((color, after)) = japanese::take_side(text) {
        let (draft, after) = japanese::take_draft(after).ok()?;
        return Some((draft.resolve(position, color, previous).ok()?, after));
    }
    let (word, after) = text.split_at(text.find([' ', '\t']).unwrap_or(text.len()));
    Some((word.parse().ok().or_else(|| csa::read_move(position, word).ok())?, after))
}

/// Whether a text begins as a line of play does, whatever comes of it.
fn begins_line(text: &str) -> bool {
    let word = text.split([' ', '\t']).next().unwrap_or("");
    japanese::take_side(word).is_some()
        || word.parse::<Move>().is_ok()
        || word.len() == 7 && word.starts_with(['+', '-'])
}

/// Evaluation in one comment line, and the text beside it that is kept.
struct Found {
    evaluation: Evaluation,
    rest: String,
}

impl Found {
    /// Evaluation with the line of play that `text` says; what is not understood of it follows `before` in what is kept.
    fn new(mut evaluation: Evaluation, before: &[&str], text: &str, place: &Place) -> Found {
        let (line, kept) = place.line(text);
        evaluation.line = line;
        let words: Vec<&str> = before.iter().copied().chain(Some(kept).filter(|kept| !kept.is_empty())).collect();
        Found { evaluation, rest: words.join(" ") }
    }
}

/// Reads a Floodgate comment: `* 123 +7776FU -3334FU #1500`.
fn read_floodgate(line: &str, place: &Place) -> Option<Found> {
    let (score, rest) = score(trim_start(line.strip_prefix("* ")?))?;
    let mut evaluation = Evaluation::new(EvaluationSource::Player);
    evaluation.score = Some(score);
    let rest = trim(rest);
    let (line, nodes) = rest.rsplit_once('#').unwrap_or((rest, ""));
    evaluation.nodes = number(nodes).filter(|_| !nodes.is_empty());
    let line = if evaluation.nodes.is_some() { line } else { rest };
    if !line.is_empty() && !begins_line(line) {
        return None;
    }
    Some(Found::new(evaluation, &[], line, place))
}

/// Reads a comment of `ShogiGUI`. Words that an [`Evaluation`] has no place for are kept.
fn read_shogigui(line: &str, place: &Place) -> Option<Found> {
    let (kind, mut rest) = line.strip_prefix('*').unwrap_or(line).split_once(' ')?;
    let source = match kind {
        "対局" => EvaluationSource::Player,
        "解析" | "検討" => EvaluationSource::Analysis,
        "" if line.starts_with('*') => EvaluationSource::Analysis,
        _ => return None,
    };
    let mut evaluation = Evaluation::new(source);
    let mut take_word = || {
        let (word, after) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
        rest = after;
        word
    };
    let mut kept = Vec::new();
    let has_line = loop {
        match take_word() {
            "" => break false,
            "深さ" => evaluation.depth = take_word().split('/').next().and_then(number),
            "ノード数" => evaluation.nodes = number(take_word()),
            "評価値" => {
                let word = take_word();
                evaluation.score = score(word).map(|(score, _)| score);
                let winner = match word.split_once('詰') {
                    Some(("+", _)) => Some(Color::Black),
                    Some(("-", _)) => Some(Color::White),
                    _ => None,
                };
                evaluation.mate = winner.map(|winner| Mate { winner, plies: None });
            }
            "読み筋" => break true,
            word => kept.push(word),
        }
    };
    if evaluation.score.is_none() && evaluation.mate.is_none() {
        return None;
    }
    Some(Found::new(evaluation, &kept, if has_line { rest } else { "" }, place))
}

/// Reads a comment of K-Shogi or Piyo Shogi: `#形勢[123]▲７六歩`.
fn read_kshogi(line: &str, place: &Place) -> Option<Found> {
    let rest = line.strip_prefix("#形勢[").or_else(|| line.strip_prefix("#指し手["))?;
    let (text, rest) = rest.split_once(']')?;
    let mut evaluation = Evaluation::new(EvaluationSource::Analysis);
    evaluation.score = Some(score(text).filter(|(_, rest)| rest.is_empty())?.0);
    Some(Found::new(evaluation, &[], rest, place))
}

fn write_floodgate(evaluation: &Evaluation, position: &Position) -> Option<String> {
    let mut text = format!("* {}", evaluation.score?.text());
    text += &write_line(&evaluation.line, position, |position, mv, _| [" ", &csa::write_move(position, mv)].concat());
    if let Some(nodes) = evaluation.nodes {
        put!(text, " #{nodes}");
    }
    Some(text)
}

/// Text of a line of play, whose moves `write` writes; a move against the rules is the last.
fn write_line(
    moves: &[Move],
    position: &Position,
    write: impl Fn(&Position, Move, Option<Square>) -> String,
) -> String {
    let mut position = position.clone();
    let mut previous = None;
    let mut text = String::new();
    for &mv in moves {
        text += &write(&position, mv, previous);
        if position.try_play(mv).is_err() {
            break;
        }
        previous = Some(mv.to());
    }
    text
}

fn write_japanese(moves: &[Move], position: &Position) -> String {
    write_line(moves, position, |position, mv, previous| {
        let mark = japanese::side_mark(position.side_to_move());
        format!("{mark}{}", japanese::write_kif(position, mv, previous))
    })
}

/// Fills `place` with `value`; false if there is none, or it is full already.
fn fill<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let fits = place.is_none() && value.is_some();
    if fits {
        *place = value;
    }
    fits
}

/// Takes one line of `ShogiHome`'s form into `evaluation`, and returns the text beside it; `None` if it is none or says again what is
/// known already.
fn read_field<'a>(line: &'a str, evaluation: &mut Evaluation, place: &Place) -> Option<&'a str> {
    let (key, value) = line.split_once('=')?;
    let (mut value, mut rest) = (trim(value), "");
    let filled = match key {
        "評価値" => {
            let (score, after) = score(value)?;
            rest = after;
            fill(&mut evaluation.score, Some(score))
        }
        "詰み" => fill(&mut evaluation.mate, read_mate(value)),
        "読み筋" if evaluation.line.is_empty() => {
            (evaluation.line, rest) = place.line(value);
            !evaluation.line.is_empty()
        }
        "深さ" => {
            value = value.split('/').next().unwrap_or(value);
            fill(&mut evaluation.depth, number(value))
        }
        "ノード数" => fill(&mut evaluation.nodes, number(value)),
        "エンジン" => fill(&mut evaluation.engine, Some(value.into()).filter(|_| !value.is_empty())),
        "期待値" => fill(&mut evaluation.value, read_value(value, place.after.side_to_move())),
        "候補手" if evaluation.policy.is_empty() => {
            evaluation.policy = read_policy(value, place.before)?;
            !evaluation.policy.is_empty()
        }
        _ => false,
    };
    filled.then_some(rest)
}

fn read_mate(value: &str) -> Option<Mate> {
    let (winner, rest) = match (value.strip_prefix("先手勝ち"), value.strip_prefix("後手勝ち")) {
        (Some(rest), _) => (Color::Black, rest),
        (None, Some(rest)) => (Color::White, rest),
        (None, None) => return None,
    };
    let plies = match rest.strip_prefix(':') {
        Some(plies) => Some(number(plies.strip_suffix('手')?)?),
        None if rest.is_empty() => None,
        None => return None,
    };
    Some(Mate { winner, plies })
}

/// Reads a value from Black's view, as one of `side`.
fn read_value(text: &str, side: Color) -> Option<Value> {
    let value = Value(read_decimal(text).filter(|value| value.abs() <= 1.0)?);
    Some(if side == Color::Black { value } else { -value })
}

/// Reads moves of `position`, each with its probability: `▲７六歩(77):0.5▲２六歩(27):0.25`.
fn read_policy(text: &str, position: &Position) -> Option<Vec<(Move, f32)>> {
    let mut policy = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (color, after) = japanese::take_side(rest)?;
        let (draft, after) = japanese::take_draft(after).ok()?;
        let after = after.strip_prefix(':')?;
        let end = after.find(|found| japanese::side_mark(color) == found).unwrap_or(after.len());
        let probability = read_decimal(after[..end].trim()).filter(|share| (0.0..=1.0).contains(share))?;
        let mv = draft.resolve(position, color, None).ok().filter(|&mv| position.is_legal(mv))?;
        policy.push((mv, probability));
        rest = &after[end..];
    }
    Some(policy)
}

fn write_fields(evaluation: &Evaluation, place: &Place, into: &mut Vec<String>) {
    let mark = match evaluation.source {
        EvaluationSource::Player => '*',
        EvaluationSource::Analysis => '#',
    };
    if let Some(mate) = evaluation.mate {
        let winner = match mate.winner {
            Color::Black => "先手勝ち",
            Color::White => "後手勝ち",
        };
        let plies = mate.plies.map_or_else(String::new, |plies| format!(":{plies}手"));
        into.push(format!("{mark}詰み={winner}{plies}"));
    }
    if let Some(score) = evaluation.score {
        into.push(format!("{mark}評価値={}", score.text()));
    }
    if !evaluation.line.is_empty() {
        into.push(format!("{mark}読み筋={}", write_japanese(&evaluation.line, place.after)));
    }
    if let Some(depth) = evaluation.depth {
        into.push(format!("{mark}深さ={depth}"));
    }
    if let Some(nodes) = evaluation.nodes {
        into.push(format!("{mark}ノード数={nodes}"));
    }
    if let Some(engine) = &evaluation.engine {
        into.push(format!("{mark}エンジン={}", one_line(engine)));
    }
    if let Some(value) = evaluation.value {
        let Value(black) = if place.after.side_to_move() == Color::Black { value } else { -value };
        into.push(format!("{mark}期待値={black}"));
    }
    if !evaluation.policy.is_empty() {
        let side = japanese::side_mark(place.before.side_to_move());
        let mut text = format!("{mark}候補手=");
        for &(mv, probability) in &evaluation.policy {
            put!(text, "{side}{}:{probability}", japanese::write_kif(place.before, mv, None));
        }
        into.push(text);
    }
}

/// Adds a comment line to the node where `builder` is, as its bookmark if it is one. Evaluations stay the words that they are: a small
/// module shows them, and has no use for their numbers.
#[cfg(feature = "compact")]
pub(super) fn add_comment(builder: &mut Builder, line: &str) {
    let node = builder.node_mut();
    match line.strip_prefix('&') {
        Some(name) if node.bookmark.is_none() => node.bookmark = Some(name.into()),
        _ => node.comments.push(line.into()),
    }
}

/// Adds a comment line to the node where `builder` is: as its bookmark or an evaluation if it is one, else as it is.
#[cfg(not(feature = "compact"))]
pub(super) fn add_comment(builder: &mut Builder, line: &str) {
    if let Some(name) = line.strip_prefix('&').filter(|_| builder.node().bookmark.is_none()) {
        builder.node_mut().bookmark = Some(name.into());
        return;
    }
    let node = builder.node();
    let place = Place { mv: node.event().legal(), before: builder.position_before(), after: builder.position() };
    let known = |source| node.evaluations().iter().find(|evaluation| evaluation.source == source);
    let alone =
        read_floodgate(line, &place).or_else(|| read_shogigui(line, &place)).or_else(|| read_kshogi(line, &place));
    let found = alone.filter(|found| known(found.evaluation.source).is_none()).or_else(|| {
        // ShogiHome's mark; a line without one is the player's.
        let (source, field) = match line.strip_prefix('#') {
            Some(field) => (EvaluationSource::Analysis, field),
            None => (EvaluationSource::Player, line.strip_prefix('*').unwrap_or(line)),
        };
        let mut evaluation = known(source).cloned().unwrap_or_else(|| Evaluation::new(source));
        let rest = read_field(field, &mut evaluation, &place)?;
        Some(Found { evaluation, rest: trim(rest).into() })
    });
    let Some(Found { evaluation, rest }) = found else {
        builder.node_mut().comments.push(line.into());
        return;
    };
    let source = evaluation.source;
    *builder.node_mut().evaluation_mut(source) = evaluation;
    // What is kept may itself be something that is understood; it is shorter, and there is now less that it can be.
    if !rest.is_empty() {
        add_comment(builder, &rest);
    }
}

/// Comment lines of a node, evaluations first in `ShogiHome`'s form.
pub(super) fn write_comments(visit: &Visit) -> Vec<String> {
    comment_lines(visit, write_fields)
}

/// Comment lines of a node for CSA: the player's score, line and nodes in Floodgate's form.
pub(super) fn write_csa_comments(visit: &Visit) -> Vec<String> {
    comment_lines(visit, |evaluation, place, lines| {
        let mut rest = evaluation.clone();
        let line = write_floodgate(evaluation, place.after).filter(|_| evaluation.source == EvaluationSource::Player);
        if let Some(line) = line {
            lines.push(line);
            (rest.score, rest.line, rest.nodes) = (None, Vec::new(), None);
        }
        write_fields(&rest, place, lines);
    })
}

/// Comment lines of a node, evaluations first as `write` writes them.
fn comment_lines(visit: &Visit, write: impl Fn(&Evaluation, &Place, &mut Vec<String>)) -> Vec<String> {
    let node: &Node = visit.node;
    let place = Place { mv: node.event().legal(), before: &visit.before, after: &visit.after };
    let mut lines = Vec::new();
    node.evaluations().iter().for_each(|evaluation| write(evaluation, &place, &mut lines));
    lines.extend(node.comments.iter().flat_map(|comment| split_lines(comment)).map(String::from));
    lines
}
