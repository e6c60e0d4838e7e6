//! Records and trees as one another.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::record::{PlyInfo, Record};
use crate::notation::{
    Builder, Centipawns, End, Evaluation, EvaluationSource, Event, GameTree, LeftOut, centipawns, value_of,
};
use crate::shogi::{Color, Game, Move, Position};

impl Record {
    /// Tree of the game, with the players' values and candidates as evaluations.
    ///
    /// # Panics
    /// If the game is not legal: a record that was read or made of a game is.
    pub fn to_tree(&self) -> GameTree {
        let start = Position::from_sfen(&self.start_sfen).expect("a record that was read has a start position");
        let mut builder = Builder::new(start);
        for (index, &mv) in self.moves.iter().enumerate() {
            let mover = builder.position().side_to_move();
            builder.play(mv).expect("a record that was read holds legal moves");
            let Some(info) = self.plies.get(index).filter(|&info| *info != PlyInfo::default()) else { continue };
            let evaluation = builder.node_mut().evaluation_mut(EvaluationSource::Player);
            evaluation.score = info.value.map(|value| Centipawns::from_view(mover, centipawns(value)));
            evaluation.value = info.value.map(|value| -value);
            evaluation.policy.clone_from(&info.top);
            // The line begins before the move; what follows another move than the one that was played has no place.
            if let Some((_, line)) = info.line.split_first().filter(|&(&first, _)| first == mv) {
                evaluation.line = line.to_vec();
            }
        }
        if let Some(outcome) = self.outcome {
            // The longest record fills the longest line, where an end has no place.
            let _ = builder.end(End::of_outcome(outcome, builder.position().side_to_move()));
        }
        if !self.note.is_empty() {
            builder.node_mut().comments.push(self.note.clone());
        }
        let mut tree = builder.finish();
        tree.set_header("先手", &self.black);
        tree.set_header("後手", &self.white);
        if self.max_plies > 0 {
            tree.set_header("最大手数", &self.max_plies.to_string());
        }
        tree
    }

    /// Record of a game's main line, and what it leaves out. The game ends where the rules end it, or with its end; the player's
    /// evaluations become values, candidates and lines.
    pub fn of_tree(tree: &GameTree) -> (Record, LeftOut) {
        let line = tree.main_line();
        let length = tree.main_moves().len();
        let max_plies = tree.header("最大手数").and_then(|plies| plies.parse().ok());
        let max_plies: u16 = max_plies.filter(|&plies| usize::from(plies) >= length).unwrap_or(0);
        let mut game = Game::new(tree.start().clone(), max_plies);
        let (mut plies, mut note, mut left_out) = (Vec::new(), String::new(), LeftOut::default());
        for node in line.iter().map(|&id| tree.node(id)) {
            if matches!(node.event(), Event::End(_)) {
                note = node.comments.join("\n");
            } else {
                left_out.comments += usize::from(!node.comments.is_empty());
            }
            left_out.bookmarks += usize::from(node.bookmark.is_some());
            left_out.times += usize::from(node.spent.is_some());
            let mut info = PlyInfo::default();
            for evaluation in node.evaluations() {
                match node.event() {
                    Event::Move(mv) if evaluation.source == EvaluationSource::Player => {
                        info = info_of(evaluation, *mv, game.position().side_to_move());
                    }
                    _ => left_out.evaluations += 1,
                }
            }
            match node.event() {
                Event::Start => {}
                Event::Move(mv) if game.try_play(*mv).is_ok() => plies.push(info),
                Event::Move(_) | Event::Illegal(_) => left_out.illegal_moves += 1,
                Event::End(end) => {
                    let decided = game.outcome().is_some();
                    match end {
                        End::Resign if !decided => game.resign(game.position().side_to_move()),
                        End::IllegalLoss if !decided => game.forfeit(game.position().side_to_move()),
                        End::IllegalWin if !decided => game.forfeit(game.position().side_to_move().flip()),
                        // A record of a game that goes on has no outcome.
                        End::Interrupt if !decided => {}
                        End::Declaration if !decided => left_out.ends += usize::from(game.declare().is_err()),
                        end => {
                            let by_rule =
                                game.outcome().map(|outcome| End::of_outcome(outcome, game.position().side_to_move()));
                            left_out.ends += usize::from(by_rule.as_ref() != Some(end));
                        }
                    }
                }
            }
        }
        while plies.last().is_some_and(|last| *last == PlyInfo::default()) {
            plies.pop();
        }
        left_out.variations = tree.lines().len() - 1;
        let kept = ["先手", "後手", "最大手数"];
        left_out.headers = tree.headers.iter().filter(|(key, _)| !kept.contains(&key.as_str())).count();
        let name = |key| tree.header(key).unwrap_or_default();
        (Record { note, ..Record::of_game(&game, name("先手"), name("後手"), plies) }, left_out)
    }
}

/// Thought of a player before its move `mv`, from its evaluation after it.
fn info_of(evaluation: &Evaluation, mv: Move, mover: Color) -> PlyInfo {
    let of_score = || evaluation.score.map(|score| value_of(score.seen_from(mover)));
    let line = if evaluation.line.is_empty() { Vec::new() } else { [&[mv][..], &evaluation.line].concat() };
    PlyInfo { value: evaluation.value.map(|value| -value).or_else(of_score), top: evaluation.policy.clone(), line }
}
