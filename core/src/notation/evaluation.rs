//! What an engine thought of a position, and the comment lines that say so.
//!
//! Two forms are read in every format, and each becomes an [`Evaluation`] only if the line is understood to its end; a line
//! that is not stays a comment.
//!
//! | form | comment lines | written in |
//! |---|---|---|
//! | Floodgate | `* 123 +7776FU -3334FU #1500`: score, line of play, nodes | CSA |
//! | `ShogiHome` | `*評価値=123`, `*詰み=先手勝ち:7手`, `*読み筋=▲７六歩(77)△３四歩(33)`, `*深さ=12`, `*ノード数=1500`, `*エンジン=…` | KIF, KI2, JKF, and CSA for what Floodgate's form lacks |
//!
//! In `ShogiHome`'s form `*` marks the player's own engine and `#` a later analysis.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::csa;
use super::problem::{one_line, split_lines};
use super::text;
use super::tree::Node;
use crate::shogi::{Color, Move, Position};

/// Who evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Searcher {
    /// The player who made the move, while playing.
    Player,
    /// An analysis afterwards.
    Research,
}

/// A forced mate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mate {
    /// Who mates.
    pub winner: Color,
    /// In how many plies, if that is known.
    pub plies: Option<u32>,
}

/// What an engine thought of the position after a node. Everything but the searcher may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Who evaluated.
    pub by: Searcher,
    /// Centipawns from Black's view, as all record formats have it (unlike values elsewhere in this crate).
    pub centipawns: Option<i32>,
    /// A forced mate.
    pub mate: Option<Mate>,
    /// The expected line of play after this node.
    pub line: Vec<Move>,
    /// Search depth in plies.
    pub depth: Option<u32>,
    /// Positions searched.
    pub nodes: Option<u64>,
    /// The engine's name.
    pub engine: Option<String>,
}

impl Evaluation {
    /// An evaluation that says nothing yet.
    pub const fn new(by: Searcher) -> Evaluation {
        Evaluation { by, centipawns: None, mate: None, line: Vec::new(), depth: None, nodes: None, engine: None }
    }

    fn is_blank(&self) -> bool {
        *self == Evaluation::new(self.by)
    }
}

/// Reads a decimal number that is written in the usual way, so that it is written back the same.
fn number<T: core::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|value| value.to_string() == text)
}

/// Reads a Floodgate comment: `* 123 +7776FU -3334FU #1500`.
fn read_floodgate(line: &str, position: &Position) -> Option<Evaluation> {
    let mut words = line.strip_prefix("* ")?.split(' ');
    let mut evaluation = Evaluation::new(Searcher::Player);
    evaluation.centipawns = Some(number(words.next()?)?);
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
    let mut text = format!("* {}", evaluation.centipawns?);
    let mut position = position.clone();
    for &mv in &evaluation.line {
        text.push(' ');
        text.push_str(&csa::write_move(&position, mv));
        if position.try_play(mv).is_err() {
            break;
        }
    }
    if let Some(nodes) = evaluation.nodes {
        put!(text, " #{nodes}");
    }
    Some(text)
}

/// Reads a line of play: `▲７六歩(77)△３四歩(33)`.
fn read_line(text: &str, position: &Position) -> Option<Vec<Move>> {
    let mut position = position.clone();
    let mut previous = None;
    let mut moves = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (color, after) = text::take_side(rest)?;
        let (draft, after) = text::take_draft(after).ok()?;
        let mv = draft.resolve(&position, color, previous).ok()?;
        position.try_play(mv).ok()?;
        previous = Some(mv.to());
        moves.push(mv);
        rest = after;
    }
    Some(moves)
}

fn write_line(moves: &[Move], position: &Position) -> String {
    let mut position = position.clone();
    let mut previous = None;
    let mut text = String::new();
    for &mv in moves {
        text.push(text::side_mark(position.side_to_move()));
        text.push_str(&text::write_kif(&position, mv, previous));
        if position.try_play(mv).is_err() {
            break;
        }
        previous = Some(mv.to());
    }
    text
}

/// Takes one line of `ShogiHome`'s form into `evaluation`; false if it is none or says again what is known already.
fn read_field(line: &str, evaluation: &mut Evaluation, position: &Position) -> bool {
    let Some((key, value)) = line.split_once('=') else { return false };
    match key {
        "評価値" if evaluation.centipawns.is_none() => evaluation.centipawns = number(value),
        "詰み" if evaluation.mate.is_none() => evaluation.mate = read_mate(value),
        "読み筋" if evaluation.line.is_empty() => {
            // Only if it is written back the same: other programs space and pad it differently.
            let moves = read_line(value, position).filter(|moves| write_line(moves, position) == value);
            evaluation.line = moves.unwrap_or_default();
            return !evaluation.line.is_empty();
        }
        "深さ" if evaluation.depth.is_none() => evaluation.depth = number(value),
        "ノード数" if evaluation.nodes.is_none() => evaluation.nodes = number(value),
        "エンジン" if evaluation.engine.is_none() && !value.is_empty() => evaluation.engine = Some(value.into()),
        _ => return false,
    }
    match key {
        "評価値" => evaluation.centipawns.is_some(),
        "詰み" => evaluation.mate.is_some(),
        "深さ" => evaluation.depth.is_some(),
        "ノード数" => evaluation.nodes.is_some(),
        _ => true,
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
    let mark = match evaluation.by {
        Searcher::Player => '*',
        Searcher::Research => '#',
    };
    if let Some(mate) = evaluation.mate {
        let winner = match mate.winner {
            Color::Black => "先手勝ち",
            Color::White => "後手勝ち",
        };
        let plies = mate.plies.map_or_else(String::new, |plies| format!(":{plies}手"));
        into.push(format!("{mark}詰み={winner}{plies}"));
    }
    if let Some(score) = evaluation.centipawns {
        into.push(format!("{mark}評価値={score}"));
    }
    if !evaluation.line.is_empty() {
        into.push(format!("{mark}読み筋={}", write_line(&evaluation.line, position)));
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

/// Adds a comment line to a node: as an evaluation if it is one, else as it is. `position` is the one after the node.
pub(super) fn read_comment(node: &mut Node, line: &str, position: &Position) {
    let known = |node: &Node, by| node.evaluations().iter().any(|evaluation| evaluation.by == by);
    if let Some(evaluation) = read_floodgate(line, position).filter(|_| !known(node, Searcher::Player)) {
        *node.evaluation_mut(Searcher::Player) = evaluation;
        return;
    }
    // ShogiHome's mark; a line without one is the player's.
    let (by, field) = match line.strip_prefix('#') {
        Some(field) => (Searcher::Research, field),
        None => (Searcher::Player, line.strip_prefix('*').unwrap_or(line)),
    };
    let old = node.evaluations().iter().find(|evaluation| evaluation.by == by);
    let mut evaluation = old.cloned().unwrap_or_else(|| Evaluation::new(by));
    if read_field(field, &mut evaluation, position) && !evaluation.is_blank() {
        *node.evaluation_mut(by) = evaluation;
    } else {
        node.comments.push(line.into());
    }
}

/// The comment lines of a node, evaluations first in `ShogiHome`'s form. `position` is the one after the node.
pub(super) fn write_comments(node: &Node, position: &Position) -> Vec<String> {
    let mut lines = Vec::new();
    for evaluation in node.evaluations() {
        write_fields(evaluation, position, &mut lines);
    }
    lines.extend(node.comments.iter().flat_map(|comment| split_lines(comment)).map(String::from));
    lines
}

/// The comment lines of a node for CSA: the player's score, line and nodes in Floodgate's form.
pub(super) fn write_csa_comments(node: &Node, position: &Position) -> Vec<String> {
    let mut lines = Vec::new();
    for evaluation in node.evaluations() {
        let mut rest = evaluation.clone();
        let line = write_floodgate(evaluation, position).filter(|_| evaluation.by == Searcher::Player);
        if let Some(line) = line {
            lines.push(line);
            (rest.centipawns, rest.line, rest.nodes) = (None, Vec::new(), None);
        }
        write_fields(&rest, position, &mut lines);
    }
    lines.extend(node.comments.iter().flat_map(|comment| split_lines(comment)).map(String::from));
    lines
}
