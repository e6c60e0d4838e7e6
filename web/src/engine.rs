//! The agent in its worker.

use keisei_core::encoding::{PackedObservation, SQUARES};
use keisei_core::format::model::{Model, Provenance};
use keisei_core::net::{Executor, OUTCOMES, simd::Simd, softmax3};
use keisei_core::notation::western;
use keisei_core::search::policy;
use keisei_core::shogi::{Game, Move};
use wasm_bindgen::prelude::*;

use crate::board::position;
use crate::js_error;

/// How many of the most probable moves a thought tells.
const CANDIDATES: usize = 8;

/// An agent: a model and what runs it.
#[wasm_bindgen]
pub struct Engine {
    model: Model,
    executor: Simd,
    planes: Vec<f32>,
    policy: Vec<f32>,
    wdl: [f32; OUTCOMES],
}

/// What an agent thinks of a position, from the side to move.
#[wasm_bindgen]
pub struct Thought {
    /// The probability of a win.
    pub win: f32,
    /// The probability of a draw.
    pub draw: f32,
    /// The probability of a loss.
    pub loss: f32,
    chosen: Move,
    candidates: Candidates,
}

/// Moves with their probabilities, most probable first.
#[wasm_bindgen]
#[derive(Clone, Default)]
pub struct Candidates {
    moves: Vec<String>,
    texts: Vec<String>,
    probabilities: Vec<f32>,
}

impl Candidates {
    pub(crate) fn new(position: &keisei_core::shogi::Position, moves: impl Iterator<Item = (Move, f32)>) -> Candidates {
        let mut candidates = Candidates::default();
        for (mv, probability) in moves {
            candidates.moves.push(mv.to_string());
            candidates.texts.push(western::write(position, mv));
            candidates.probabilities.push(probability);
        }
        candidates
    }
}

#[wasm_bindgen]
impl Candidates {
    /// The moves in USI.
    pub fn moves(&self) -> Vec<String> {
        self.moves.clone()
    }

    /// The moves in Western notation.
    pub fn texts(&self) -> Vec<String> {
        self.texts.clone()
    }

    /// The moves' probabilities.
    pub fn probabilities(&self) -> Vec<f32> {
        self.probabilities.clone()
    }
}

#[wasm_bindgen]
impl Thought {
    /// The move that was drawn, in USI.
    #[wasm_bindgen(getter)]
    pub fn usi(&self) -> String {
        self.chosen.to_string()
    }

    /// The most probable moves at temperature 1.
    pub fn candidates(&self) -> Candidates {
        self.candidates.clone()
    }
}

/// The game that `start` and USI moves separated by spaces lead to.
fn game(start: &str, moves: &str, max_plies: u16) -> Result<Game, JsError> {
    let mut game = Game::new(position(start)?, max_plies);
    for (ply, text) in moves.split_ascii_whitespace().enumerate() {
        let mv: Move = text.parse().map_err(|error| js_error(format!("move {}, {text}: {error}", ply + 1)))?;
        game.try_play(mv).map_err(|error| js_error(format!("move {}: {error}", ply + 1)))?;
    }
    Ok(game)
}

#[wasm_bindgen]
impl Engine {
    /// The agent in the bytes of a model file.
    ///
    /// # Errors
    /// If they are no model of this version; the text says what is wrong and where.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Engine, JsError> {
        let model = Model::from_bytes(bytes).map_err(js_error)?;
        let executor = Simd::new(&model.weights);
        let planes = vec![0.0; model.features.planes() * SQUARES];
        let policy = vec![0.0; model.actions.count()];
        Ok(Engine { model, executor, planes, policy, wdl: [0.0; OUTCOMES] })
    }

    /// A name: the training run and how far it had come.
    pub fn name(&self) -> String {
        let Provenance { run, iteration, .. } = &self.model.provenance;
        // A trainer may name a run by its folder; where that lay on its disk is nobody's business.
        let run = run.rsplit(['/', '\\']).next().unwrap_or_default();
        if run.is_empty() { "Unnamed agent".into() } else { format!("{run}, iteration {iteration}") }
    }

    /// A line about its training and its network.
    pub fn about(&self) -> String {
        let Provenance { plies, created, notes, .. } = &self.model.provenance;
        let spec = self.model.spec();
        let size = format!(
            "{} blocks of {} channels, {} weights",
            spec.blocks,
            spec.channels,
            counted(self.model.weights.data().len() as u64)
        );
        let learned = match plies {
            0 => "untrained".into(),
            plies => format!("learned from {} moves of its own games", counted(*plies)),
        };
        let day = created.split(['T', ' ']).next().unwrap_or_default();
        let parts = [learned, size, day.into(), notes.clone()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// Judges the position after `moves` (USI, separated by spaces) from `start`, and draws a move: by the policy at
    /// `temperature` (0: its best) with `uniform` in `[0, 1)` as the randomness.
    ///
    /// # Errors
    /// If the position, a move or the temperature is wrong, or the side to move has no legal move.
    pub fn think(
        &mut self,
        start: &str,
        moves: &str,
        max_plies: u16,
        temperature: f32,
        uniform: f32,
    ) -> Result<Thought, JsError> {
        if !(0.0..=100.0).contains(&temperature) {
            return Err(js_error(format!("temperature {temperature} is not in 0..=100")));
        }
        let game = game(start, moves, max_plies)?;
        let legal = self.model.actions.legal(game.position());
        if legal.is_empty() {
            return Err(JsError::new("the side to move has no legal move"));
        }
        self.forward(&game);
        let drawn = policy::draw(&policy::probabilities(&self.policy, legal.actions(), temperature), uniform);
        let natural = policy::probabilities(&self.policy, legal.actions(), 1.0);
        let best = policy::top(&natural, CANDIDATES).into_iter().map(|(index, p)| (legal.moves()[index], p));
        let [win, draw, loss] = softmax3(self.wdl);
        let candidates = Candidates::new(game.position(), best);
        Ok(Thought { win, draw, loss, chosen: legal.moves()[drawn], candidates })
    }

    /// The network's raw answer to a position: every policy logit, unmasked, and then the three outcome logits.
    ///
    /// # Errors
    /// If the position or a move is wrong.
    pub fn logits(&mut self, start: &str, moves: &str, max_plies: u16) -> Result<Vec<f32>, JsError> {
        self.forward(&game(start, moves, max_plies)?);
        Ok(self.policy.iter().chain(&self.wdl).copied().collect())
    }

    fn forward(&mut self, game: &Game) {
        self.model.features.expand(&PackedObservation::new(game), &mut self.planes);
        self.executor.forward(1, &self.planes, &mut self.policy, &mut self.wdl);
    }
}

/// A count for people: `2.4 million`, `310 thousand`.
fn counted(count: u64) -> String {
    match count {
        1_000_000.. => format!("{:.1} million", count as f64 / 1e6),
        10_000.. => format!("{} thousand", count / 1000),
        _ => count.to_string(),
    }
}
