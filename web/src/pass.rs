//! Quick pass over a whole game: the network's judgement of every position, in batches.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use keisei_core::encoding::PackedObservation;
use keisei_core::evaluator::{Batch, Prediction, Predictions};
use keisei_core::format::Model;
use keisei_core::net::{OUTCOMES, Wdl};
use keisei_core::search::policy;
use keisei_core::shogi::{Game, Move};
use wasm_bindgen::prelude::*;

use crate::engine::{self, Engine};
use crate::js_error;
use crate::style::Style;
use crate::thought::{Place, outcomes, probabilities, wdl_of};

/// Pass over a game: every position is evaluated once, from the first to the last.
#[wasm_bindgen]
pub struct Pass {
    /// The game up to the next position to be gathered.
    game: Game,
    moves: Vec<Move>,
    style: Style,
    /// Whether the last position was gathered.
    done: bool,
    waiting: Vec<Waiting>,
    batch: Batch,
    delivered: Predictions,
}

/// Position of a batch.
struct Waiting {
    ply: usize,
    legal: Vec<Move>,
    /// Texts of the legal moves' positions are made once the best is known.
    game: Game,
}

/// Judgement of one position of a game, from the side to move.
#[wasm_bindgen(getter_with_clone)]
#[derive(Clone, PartialEq, Debug)]
pub struct Judgement {
    /// Number of moves before the position.
    #[wasm_bindgen(readonly)]
    pub ply: usize,
    /// Probability of a win.
    #[wasm_bindgen(readonly)]
    pub win: f32,
    /// Probability of a draw.
    #[wasm_bindgen(readonly)]
    pub draw: f32,
    /// Probability of a loss.
    #[wasm_bindgen(readonly)]
    pub loss: f32,
    /// Whether the rules ended the game here: the probabilities are certain.
    #[wasm_bindgen(readonly)]
    pub over: bool,
    /// The network's first move in USI, if there is a legal one.
    #[wasm_bindgen(readonly)]
    pub best: Option<String>,
    /// The first move in the language that was asked for, or empty.
    #[wasm_bindgen(readonly)]
    pub text: String,
    /// Probability of the first move.
    #[wasm_bindgen(readonly)]
    pub probability: f32,
    /// Probability of the move that was played; `undefined` after the last.
    #[wasm_bindgen(readonly)]
    pub played: Option<f32>,
    /// Place of the played move by probability, from 1; `undefined` after the last.
    #[wasm_bindgen(readonly)]
    pub rank: Option<usize>,
}

#[wasm_bindgen]
impl Pass {
    /// A pass over the game after `moves` (USI, separated by spaces) from `start`, with the texts of moves in this language.
    ///
    /// # Errors
    /// If the position is wrong, a move is not legal, or there is no such language; the text names it.
    #[wasm_bindgen(constructor)]
    pub fn new(
        start: &str,
        moves: &str,
        max_plies: u16,
        #[wasm_bindgen(unchecked_param_type = "MoveStyle")] style: &str,
    ) -> Result<Pass, JsError> {
        let style = Style::named(style)?;
        let whole = engine::game(start, moves, max_plies)?;
        let game = Game::new(whole.start().clone(), max_plies);
        let (batch, delivered) = (Batch::new(), Predictions::new());
        Ok(Pass { game, moves: whole.moves().to_vec(), style, done: false, waiting: Vec::new(), batch, delivered })
    }

    /// Number of positions: one more than moves.
    pub fn positions(&self) -> usize {
        self.moves.len() + 1
    }

    /// Whether every position was gathered.
    pub fn done(&self) -> bool {
        self.done
    }

    /// Planes `[batch, planes, 81]` of the next positions, at most `count` (1 or more); positions of a game that is over need no
    /// evaluation and have none. The logits must be passed to [`deliver`](Self::deliver).
    pub fn gather(&mut self, engine: &Engine, count: usize) -> Vec<f32> {
        self.collect(engine.model(), count);
        let mut planes = Vec::new();
        if !self.batch.is_empty() {
            self.batch.expand(engine.model().features, &mut planes);
        }
        planes
    }

    /// Judgements of the gathered positions from the network's outputs: policy logits `[batch, actions]`, followed by outcome
    /// logits `[batch, 3]`.
    ///
    /// # Errors
    /// If the number of logits does not match the gathered positions.
    pub fn deliver(&mut self, engine: &Engine, logits: &[f32]) -> Result<Vec<Judgement>, JsError> {
        let (batch, actions) = (self.batch.len(), engine.actions());
        if logits.len() != batch * (actions + OUTCOMES) {
            return Err(js_error(format!("{} logits, but {batch} positions were gathered", logits.len())));
        }
        let (policy, wdl) = logits.split_at(batch * actions);
        self.delivered.pick(&self.batch, policy, wdl, &[]);
        Ok(self.judge())
    }

    /// Judgements of the gathered positions, or else of the next ones, at most `count`, by the engine's own network.
    pub fn step(&mut self, engine: &mut Engine, count: usize) -> Vec<Judgement> {
        if self.waiting.is_empty() {
            self.collect(engine.model(), count);
        }
        if !self.batch.is_empty() {
            self.delivered.clone_from(engine.evaluator().predict(&self.batch));
        }
        self.judge()
    }
}

impl Pass {
    fn collect(&mut self, model: &Model, count: usize) {
        self.batch.clear();
        self.waiting.clear();
        while !self.done && self.waiting.len() < count.max(1) {
            let ply = self.game.moves().len();
            let mut legal = Vec::new();
            if self.game.outcome().is_none() {
                let moves = model.actions.legal(self.game.position());
                self.batch.push(PackedObservation::new(&self.game), moves.actions().iter().copied());
                legal.extend_from_slice(moves.moves());
            }
            self.waiting.push(Waiting { ply, legal, game: self.game.clone() });
            match self.moves.get(ply) {
                // It was played before, by the same rules.
                Some(&mv) => self.game.play_unchecked(mv),
                None => self.done = true,
            }
        }
    }

    fn judge(&mut self) -> Vec<Judgement> {
        let mut predictions = self.delivered.iter();
        let judged = self.waiting.iter().map(|waiting| {
            let played = self.moves.get(waiting.ply).copied();
            if let Some(outcome) = waiting.game.outcome() {
                return Judgement::new(waiting.ply, wdl_of(outcome, &waiting.game), true);
            }
            let prediction = predictions.next().expect("a prediction for each position of the batch");
            Judgement::of(waiting, self.style, prediction, played)
        });
        let judged = judged.collect();
        self.waiting.clear();
        self.batch.clear();
        judged
    }
}

impl Judgement {
    fn new(ply: usize, wdl: Wdl, over: bool) -> Judgement {
        let Wdl { win, draw, loss } = wdl;
        let (best, text, probability) = (None, String::new(), 0.0);
        Judgement { ply, win, draw, loss, over, best, text, probability, played: None, rank: None }
    }

    fn of(waiting: &Waiting, style: Style, prediction: Prediction<'_>, played: Option<Move>) -> Judgement {
        let probabilities = probabilities(prediction.logits, 1.0);
        let [(best, probability)] = policy::top(&probabilities, 1)[..] else { unreachable!("there is a legal move") };
        let played =
            played.and_then(|mv| waiting.legal.iter().position(|&legal| legal == mv)).map(|at| probabilities[at]);
        Judgement {
            best: Some(waiting.legal[best].to_string()),
            text: Place::of(&waiting.game, style).text(waiting.legal[best]),
            probability,
            played,
            rank: played.map(|played| 1 + probabilities.iter().filter(|&&p| p > played).count()),
            ..Judgement::new(waiting.ply, outcomes(prediction.wdl), false)
        }
    }
}
