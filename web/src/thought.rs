//! Judgement of one position: by the network alone, or by a search over it.

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};

use keisei_core::net::{Value, Wdl, WdlLogits};
use keisei_core::search::{self, policy};
use keisei_core::shogi::{Game, GameResult, Move, Outcome, Position, Square};
use wasm_bindgen::prelude::*;

use crate::style::Style;

/// Largest number of moves in the line of a [`Candidate`].
const LINE: usize = 16;

pub use proven::Proven;

mod proven {
    // `wasm_bindgen` gives an enumeration of strings further items, without documentation.
    #![expect(missing_docs)]

    use wasm_bindgen::prelude::*;

    /// Result that is certain, for the side to move or the side that plays a move.
    #[wasm_bindgen]
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum Proven {
        /// It wins.
        Win = "win",
        /// Neither side can do better than a draw.
        Draw = "draw",
        /// It loses.
        Loss = "loss",
    }
}

/// Judgement of a position, from the side to move.
#[wasm_bindgen]
#[derive(Clone, PartialEq, Debug)]
pub struct Thought {
    /// Probability of a win.
    #[wasm_bindgen(readonly)]
    pub win: f32,
    /// Probability of a draw.
    #[wasm_bindgen(readonly)]
    pub draw: f32,
    /// Probability of a loss.
    #[wasm_bindgen(readonly)]
    pub loss: f32,
    /// Visits of the position by a search; 0 for the network alone.
    #[wasm_bindgen(readonly)]
    pub visits: u32,
    /// Certain result of the position, if a search proved it or the game is over.
    #[wasm_bindgen(readonly)]
    pub proven: Option<Proven>,
    /// Plies to the end of the game that is proven; 0 without a proof, and for a draw.
    #[wasm_bindgen(readonly)]
    pub plies: u16,
    /// Whether the game is over: there is no move to choose.
    #[wasm_bindgen(readonly)]
    pub over: bool,
    chosen: String,
    policy: Policy,
    candidates: Vec<Candidate>,
}

/// Every legal move with its probability by the network.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Policy {
    moves: Vec<String>,
    texts: Vec<String>,
    probabilities: Vec<f32>,
}

/// Move that is worth a look.
#[wasm_bindgen(getter_with_clone)]
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    /// The move in USI.
    #[wasm_bindgen(readonly)]
    pub usi: String,
    /// The move in the language that was asked for.
    #[wasm_bindgen(readonly)]
    pub text: String,
    /// Its probability by the network; after a search, its share of the visits.
    #[wasm_bindgen(readonly)]
    pub probability: f32,
    /// Prior P: its probability in the search, which flattens the network's; without a search the network's.
    #[wasm_bindgen(readonly)]
    pub prior: f32,
    /// Visits N of a search.
    #[wasm_bindgen(readonly)]
    pub visits: u32,
    /// Value Q after the move: probability of a win less that of a loss, in `[-1, 1]`, from the side that plays it; `undefined`
    /// if no search visited it.
    #[wasm_bindgen(readonly)]
    pub value: Option<f32>,
    /// Exploration term U: a search follows the move of the greatest Q + U; `undefined` without a search.
    #[wasm_bindgen(readonly)]
    pub exploration: Option<f32>,
    /// Certain result of the move, for the side that plays it.
    #[wasm_bindgen(readonly)]
    pub proven: Option<Proven>,
    /// Plies to the end of the game that is proven, this move included; 0 without a proof, and for a draw.
    #[wasm_bindgen(readonly)]
    pub plies: u16,
    /// Expected line of play in USI, this move first.
    #[wasm_bindgen(readonly)]
    pub line: Vec<String>,
    /// The line in the language that was asked for, this move first.
    #[wasm_bindgen(readonly)]
    pub texts: Vec<String>,
}

/// Position with what the texts of its moves depend on.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub position: &'a Position,
    /// Destination of the move that led here.
    pub previous: Option<Square>,
    pub style: Style,
}

impl Place<'_> {
    /// The position that a game has come to.
    pub fn of(game: &Game, style: Style) -> Place<'_> {
        Place { position: game.position(), previous: game.moves().last().map(|mv| mv.to()), style }
    }

    /// Text of a move here.
    pub fn text(self, mv: Move) -> String {
        self.style.write(self.position, mv, self.previous)
    }
}

impl Candidate {
    /// Candidate of the network alone.
    pub(crate) fn glanced(place: Place<'_>, mv: Move, probability: f32) -> Candidate {
        let mut candidate = Candidate::along(place, &[mv]);
        (candidate.probability, candidate.prior) = (probability, probability);
        candidate
    }

    /// Candidate of a search that made `all` visits of the root's moves.
    fn searched(place: Place<'_>, found: &search::Candidate, all: u32) -> Candidate {
        let (proven, plies) = proven(found.proof);
        Candidate {
            // Without any visit the only candidate is a mate.
            probability: if all == 0 { 1.0 } else { found.visits as f32 / all as f32 },
            prior: found.prior,
            visits: found.visits,
            value: found.value().map(|Value(value)| value),
            exploration: Some(found.exploration),
            proven,
            plies,
            ..Candidate::along(place, &found.line)
        }
    }

    fn along(place: Place<'_>, line: &[Move]) -> Candidate {
        let line = &line[..line.len().min(LINE)];
        let (mut position, mut previous) = (place.position.clone(), place.previous);
        let mut texts: Vec<String> = Vec::with_capacity(line.len());
        for &mv in line {
            texts.push(place.style.write(&position, mv, previous));
            position.play(mv);
            previous = Some(mv.to());
        }
        Candidate {
            usi: line[0].to_string(),
            text: texts[0].clone(),
            probability: 0.0,
            prior: 0.0,
            visits: 0,
            value: None,
            exploration: None,
            proven: None,
            plies: 0,
            line: line.iter().map(Move::to_string).collect(),
            texts,
        }
    }
}

fn proven(proof: Option<search::Proof>) -> (Option<Proven>, u16) {
    match proof {
        None => (None, 0),
        Some(search::Proof::Win(plies)) => (Some(Proven::Win), plies),
        Some(search::Proof::Draw) => (Some(Proven::Draw), 0),
        Some(search::Proof::Loss(plies)) => (Some(Proven::Loss), plies),
    }
}

/// Probabilities of the legal moves from their logits. Where a network of wild weights gives no numbers, no move is better than
/// another.
pub(crate) fn probabilities(logits: &[f32], temperature: f32) -> Vec<f32> {
    let found = policy::probabilities(logits, temperature);
    if found.iter().all(|p| p.is_finite()) { found } else { vec![1.0 / found.len() as f32; found.len()] }
}

/// Probabilities of the outcomes from their logits, or a draw where they are no numbers.
pub(crate) fn outcomes(logits: WdlLogits) -> Wdl {
    let found = logits.softmax();
    if found.to_array().iter().all(|p| p.is_finite()) { found } else { Wdl::DRAW }
}

/// Certain probabilities of a game that is over, for the side to move.
pub(crate) fn wdl_of(outcome: Outcome, game: &Game) -> Wdl {
    match outcome.result {
        GameResult::Win(winner) if winner == game.position().side_to_move() => Wdl::WIN,
        GameResult::Win(_) => Wdl::LOSS,
        GameResult::Draw | GameResult::Truncated => Wdl::DRAW,
    }
}

impl Policy {
    /// The moves with their probabilities, in any order.
    pub(crate) fn new(place: Place<'_>, moves: &[(Move, f32)]) -> Policy {
        let probabilities: Vec<f32> = moves.iter().map(|&(_, probability)| probability).collect();
        let ranked = policy::top(&probabilities, moves.len());
        Policy {
            moves: ranked.iter().map(|&(at, _)| moves[at].0.to_string()).collect(),
            texts: ranked.iter().map(|&(at, _)| place.text(moves[at].0)).collect(),
            probabilities: ranked.iter().map(|&(_, probability)| probability).collect(),
        }
    }
}

impl Thought {
    /// Thought of a game that is over.
    pub(crate) fn over(outcome: Outcome, game: &Game) -> Thought {
        let Wdl { win, draw, loss } = wdl_of(outcome, game);
        let proven = match outcome.result {
            GameResult::Truncated => None,
            GameResult::Draw => Some(Proven::Draw),
            GameResult::Win(winner) if winner == game.position().side_to_move() => Some(Proven::Win),
            GameResult::Win(_) => Some(Proven::Loss),
        };
        let (policy, candidates) = (Policy::default(), Vec::new());
        Thought { win, draw, loss, visits: 0, proven, plies: 0, over: true, chosen: String::new(), policy, candidates }
    }

    /// Thought of the network alone, which chose a move.
    pub(crate) fn glanced(wdl: Wdl, chosen: Move, policy: Policy, candidates: Vec<Candidate>) -> Thought {
        let Wdl { win, draw, loss } = wdl;
        let chosen = chosen.to_string();
        Thought { win, draw, loss, visits: 0, proven: None, plies: 0, over: false, chosen, policy, candidates }
    }

    /// Thought of a search with its best `count` candidates; `chosen` is its move in USI, or `win`.
    pub(crate) fn searched(
        search: &search::Search,
        style: Style,
        chosen: String,
        policy: &[(Move, f32)],
        count: usize,
    ) -> Thought {
        let mut found = search.candidates(usize::MAX);
        let all: u32 = found.iter().map(|candidate| candidate.visits).sum();
        found.truncate(count.max(1));
        let of_best = || found.first().and_then(|candidate| candidate.wdl);
        let Wdl { win, draw, loss } = search.wdl().or_else(of_best).unwrap_or(Wdl::DRAW);
        let (proven, plies) = proven(search.proof());
        let place = Place::of(search.game(), style);
        let candidates = found.iter().map(|candidate| Candidate::searched(place, candidate, all)).collect();
        let (visits, policy) = (search.visits(), Policy::new(place, policy));
        Thought { win, draw, loss, visits, proven, plies, over: false, chosen, policy, candidates }
    }
}

#[wasm_bindgen]
impl Thought {
    /// The chosen move in USI, `win` for a declaration, or empty if the game is over.
    #[wasm_bindgen(getter)]
    pub fn usi(&self) -> String {
        self.chosen.clone()
    }

    /// The best moves, the best first.
    pub fn candidates(&self) -> Vec<Candidate> {
        self.candidates.clone()
    }

    /// All legal moves in USI, by falling probability.
    pub fn moves(&self) -> Vec<String> {
        self.policy.moves.clone()
    }

    /// The legal moves in the language that was asked for, in the order of [`moves`](Self::moves).
    pub fn texts(&self) -> Vec<String> {
        self.policy.texts.clone()
    }

    /// The legal moves' probabilities by the network, at temperature 1, in the order of [`moves`](Self::moves); they sum to 1.
    pub fn probabilities(&self) -> Vec<f32> {
        self.policy.probabilities.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wild_networks_have_opinions_all_the_same() {
        let check = |logits: &[f32], expected: &[f32]| assert_eq!(probabilities(logits, 1.0), expected, "{logits:?}");
        check(&[0.0, 0.0], &[0.5, 0.5]);
        check(&[f32::INFINITY, 0.0], &[0.5, 0.5]);
        check(&[f32::NAN, 0.0, 1.0, 2.0], &[0.25; 4]);
        assert_eq!(outcomes(WdlLogits([f32::NAN, 0.0, 0.0])), Wdl::DRAW);
        assert_eq!(outcomes(WdlLogits([0.0, -1e4, -1e4])), Wdl::WIN);
    }
}
