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
//! In `ShogiHome`'s form `*` marks the player's own engine and `#` a later analysis. Both forms give scores from Black's view.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::csa;
use super::problem::{one_line, split_lines};
use super::text;
use super::tree::Node;
use crate::shogi::{Color, Move, Position};

/// Origin of an [`Evaluation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvaluationSource {
    /// Player who made the move, during the game.
    Player,
    /// Analysis after the game.
    Analysis,
}

/// Score in hundredths of a pawn, which cannot be read or made without a point of view.
///
/// ```
/// use keisei_core::notation::Centipawns;
/// use keisei_core::shogi::Color;
///
/// let score = Centipawns::from_view(Color::White, 80);
/// assert_eq!(score.seen_from(Color::White), 80);
/// assert_eq!(score.seen_from(Color::Black), -80);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Centipawns {
    black: i32,
}

impl Centipawns {
    /// Score that is `centipawns` from the point of view of `side`: positive if `side` is ahead.
    pub const fn from_view(side: Color, centipawns: i32) -> Centipawns {
        match side {
            Color::Black => Centipawns { black: centipawns },
            Color::White => Centipawns { black: centipawns.saturating_neg() },
        }
    }

    /// Centipawns from the point of view of `side`: positive if `side` is ahead.
    pub const fn seen_from(self, side: Color) -> i32 {
        match side {
            Color::Black => self.black,
            Color::White => self.black.saturating_neg(),
        }
    }
}

/// Forced mate. It needs no point of view: it names its winner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mate {
    /// Side that mates.
    pub winner: Color,
    /// Length in plies, if it is known.
    pub plies: Option<u32>,
}

/// Opinion of an engine on the position after a node. Everything but the source may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Origin.
    pub source: EvaluationSource,
    /// Score.
    pub score: Option<Centipawns>,
    /// Forced mate.
    pub mate: Option<Mate>,
    /// Expected line of play after this node.
    pub line: Vec<Move>,
    /// Search depth in plies.
    pub depth: Option<u32>,
    /// Number of positions searched.
    pub nodes: Option<u64>,
    /// Name of the engine.
    pub engine: Option<String>,
}

impl Evaluation {
    /// Evaluation that says nothing yet.
    pub const fn new(source: EvaluationSource) -> Evaluation {
        Evaluation { source, score: None, mate: None, line: Vec::new(), depth: None, nodes: None, engine: None }
    }

    fn is_blank(&self) -> bool {
        *self == Evaluation::new(self.source)
    }
}

/// Reads a decimal number that is written in the usual way, so that it is written back the same.
fn number<T: core::str::FromStr + ToString>(text: &str) -> Option<T> {
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
        "評価値" if evaluation.score.is_none() => evaluation.score = score(value),
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
        "評価値" => evaluation.score.is_some(),
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
    let known = |node: &Node, by| node.evaluations().iter().any(|evaluation| evaluation.source == by);
    if let Some(evaluation) = read_floodgate(line, position).filter(|_| !known(node, EvaluationSource::Player)) {
        *node.evaluation_mut(EvaluationSource::Player) = evaluation;
        return;
    }
    // ShogiHome's mark; a line without one is the player's.
    let (by, field) = match line.strip_prefix('#') {
        Some(field) => (EvaluationSource::Analysis, field),
        None => (EvaluationSource::Player, line.strip_prefix('*').unwrap_or(line)),
    };
    let old = node.evaluations().iter().find(|evaluation| evaluation.source == by);
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
        let line = write_floodgate(evaluation, position).filter(|_| evaluation.source == EvaluationSource::Player);
        if let Some(line) = line {
            lines.push(line);
            (rest.score, rest.line, rest.nodes) = (None, Vec::new(), None);
        }
        write_fields(&rest, position, &mut lines);
    }
    lines.extend(node.comments.iter().flat_map(|comment| split_lines(comment)).map(String::from));
    lines
}
