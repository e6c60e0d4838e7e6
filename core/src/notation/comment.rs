//! Comment lines of a node, and the evaluations and bookmarks that travel as such.
//!
//! Two forms of evaluations are read in every format. A line becomes an [`Evaluation`] only if it is understood to its end;
//! one that is not stays a comment. A bookmark travels as the comment `&name`.
//!
//! | form | comment lines | written in |
//! |---|---|---|
//! | Floodgate | `* 123 +7776FU -3334FU #1500`: score, line of play, nodes | CSA |
//! | `ShogiHome` | `*評価値=123`, `*詰み=先手勝ち:7手`, `*読み筋=▲７六歩(77)△３四歩(33)`, `*深さ=12`, `*ノード数=1500`, `*エンジン=…` | KIF, KI2, JKF, and CSA for what Floodgate's form lacks |
//!
//! In `ShogiHome`'s form `*` marks [`EvaluationSource::Player`] and `#` [`EvaluationSource::Analysis`]. Both forms give scores
//! from Black's view.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;

use super::builder::Builder;
use super::evaluation::{Centipawns, Evaluation, EvaluationSource, Mate};
use super::lines::{one_line, split_lines};
use super::moves::{csa, japanese};
use super::tree::Node;
use crate::shogi::{Color, Move, Position, Square};

/// Reads a decimal number that is written in the usual way, so that it is written back the same.
fn number<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|value| value.to_string() == text)
}

/// Reads a score from Black's view.
fn score(text: &str) -> Option<Centipawns> {
    number(text).map(|centipawns| Centipawns::from_view(Color::Black, centipawns))
}

/// Reads a Floodgate comment: `* 123 +7776FU -3334FU #1500`.
fn read_floodgate(line: &str, position: &Position) -> Option<Evaluation> {
    let mut words = line.strip_prefix("* ")?.split(' ');
    let mut evaluation = Evaluation::new(EvaluationSource::Player);
    evaluation.score = Some(score(words.next()?)?);
    let mut position = position.clone();
    for word in words {
        if evaluation.nodes.is_some() {
            return None;
        }
        if let Some(nodes) = word.strip_prefix('#') {
            evaluation.nodes = Some(number(nodes)?);
            continue;
        }
        let mv = csa::read_move(&position, word).ok()?;
        position.try_play(mv).ok()?;
        evaluation.line.push(mv);
    }
    Some(evaluation)
}

fn write_floodgate(evaluation: &Evaluation, position: &Position) -> Option<String> {
    let mut text = format!("* {}", evaluation.score?.seen_from(Color::Black));
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

/// Reads a line of play in Japanese: `▲７六歩(77)△３四歩(33)`.
fn read_japanese(text: &str, position: &Position) -> Option<Vec<Move>> {
    let mut position = position.clone();
    let mut previous = None;
    let mut moves = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (color, after) = japanese::take_side(rest)?;
        let (draft, after) = japanese::take_draft(after).ok()?;
        let mv = draft.resolve(&position, color, previous).ok()?;
        position.try_play(mv).ok()?;
        previous = Some(mv.to());
        moves.push(mv);
        rest = after;
    }
    Some(moves)
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

/// Takes one line of `ShogiHome`'s form into `evaluation`; false if it is none or says again what is known already.
fn read_field(line: &str, evaluation: &mut Evaluation, position: &Position) -> bool {
    let Some((key, value)) = line.split_once('=') else { return false };
    match key {
        "評価値" => fill(&mut evaluation.score, score(value)),
        "詰み" => fill(&mut evaluation.mate, read_mate(value)),
        "読み筋" if evaluation.line.is_empty() => {
            // Only if it is written back the same: other programs space and pad it differently.
            let moves = read_japanese(value, position).filter(|moves| write_japanese(moves, position) == value);
            evaluation.line = moves.unwrap_or_default();
            !evaluation.line.is_empty()
        }
        "深さ" => fill(&mut evaluation.depth, number(value)),
        "ノード数" => fill(&mut evaluation.nodes, number(value)),
        "エンジン" => fill(&mut evaluation.engine, Some(value.into()).filter(|_| !value.is_empty())),
        _ => false,
    }
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

fn write_fields(evaluation: &Evaluation, position: &Position, into: &mut Vec<String>) {
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
        into.push(format!("{mark}評価値={}", score.seen_from(Color::Black)));
    }
    if !evaluation.line.is_empty() {
        into.push(format!("{mark}読み筋={}", write_japanese(&evaluation.line, position)));
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
}

/// Adds a comment line to the node where `builder` is: as its bookmark or an evaluation if it is one, else as it is.
pub(super) fn add_comment(builder: &mut Builder, line: &str) {
    if let Some(name) = line.strip_prefix('&').filter(|_| builder.node().bookmark.is_none()) {
        builder.node_mut().bookmark = Some(name.into());
        return;
    }
    let known = |source| builder.node().evaluations().iter().find(|evaluation| evaluation.source == source);
    let floodgate = read_floodgate(line, builder.position()).filter(|_| known(EvaluationSource::Player).is_none());
    let evaluation = floodgate.or_else(|| {
        // ShogiHome's mark; a line without one is the player's.
        let (source, field) = match line.strip_prefix('#') {
            Some(field) => (EvaluationSource::Analysis, field),
            None => (EvaluationSource::Player, line.strip_prefix('*').unwrap_or(line)),
        };
        let mut evaluation = known(source).cloned().unwrap_or_else(|| Evaluation::new(source));
        read_field(field, &mut evaluation, builder.position()).then_some(evaluation)
    });
    let node = builder.node_mut();
    match evaluation {
        Some(evaluation) => {
            let source = evaluation.source;
            *node.evaluation_mut(source) = evaluation;
        }
        None => node.comments.push(line.into()),
    }
}

/// Comment lines of a node, evaluations first in `ShogiHome`'s form. `position` is the one after the node.
pub(super) fn write_comments(node: &Node, position: &Position) -> Vec<String> {
    comment_lines(node, |evaluation, lines| write_fields(evaluation, position, lines))
}

/// Comment lines of a node for CSA: the player's score, line and nodes in Floodgate's form.
pub(super) fn write_csa_comments(node: &Node, position: &Position) -> Vec<String> {
    comment_lines(node, |evaluation, lines| {
        let mut rest = evaluation.clone();
        let line = write_floodgate(evaluation, position).filter(|_| evaluation.source == EvaluationSource::Player);
        if let Some(line) = line {
            lines.push(line);
            (rest.score, rest.line, rest.nodes) = (None, Vec::new(), None);
        }
        write_fields(&rest, position, lines);
    })
}

/// Comment lines of a node, evaluations first as `write` writes them.
fn comment_lines(node: &Node, write: impl Fn(&Evaluation, &mut Vec<String>)) -> Vec<String> {
    let mut lines = Vec::new();
    node.evaluations().iter().for_each(|evaluation| write(evaluation, &mut lines));
    lines.extend(node.comments.iter().flat_map(|comment| split_lines(comment)).map(String::from));
    lines
}
