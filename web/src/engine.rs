//! Engine: a model that evaluates and searches, in a worker of the page.

use keisei_core::encoding::PackedObservation;
use keisei_core::evaluator::{Batch, Evaluator, HostEvaluator, Predictions};
use keisei_core::format::model::{Model, Provenance};
use keisei_core::net::{Executor, OUTCOMES, Value, Wdl, simd::Simd};
use keisei_core::notation::western;
use keisei_core::search::{self, Decision, Search, Settings, policy};
use keisei_core::shogi::{Game, Move, Position};
use wasm_bindgen::prelude::*;

use crate::board::position;
use crate::js_error;

/// Largest number of best moves in a [`Thought`].
const CANDIDATES: usize = 8;

/// Largest number of moves in each line of a [`Thought`].
const LINE: usize = 7;

/// Largest number of nodes in a search, about a kilobyte each, for which a phone has the memory.
const MAX_NODES: usize = 60_000;

/// Model with its evaluator and search.
#[wasm_bindgen]
pub struct Engine {
    model: Model,
    evaluator: HostEvaluator<Simd>,
    search: Option<Search>,
    /// Predictions for a search whose network is computed elsewhere.
    delivered: Predictions,
}

/// Evaluation of a position, from the side to move.
#[wasm_bindgen]
pub struct Thought {
    /// The probability of a win.
    pub win: f32,
    /// The probability of a draw.
    pub draw: f32,
    /// The probability of a loss.
    pub loss: f32,
    /// Visits of the position by a search; 0 for the policy alone.
    pub visits: u32,
    chosen: String,
    candidates: Candidates,
}

/// Candidate moves, the best first.
#[wasm_bindgen]
#[derive(Clone, Default)]
pub struct Candidates {
    moves: Vec<String>,
    texts: Vec<String>,
    probabilities: Vec<f32>,
    values: Vec<f32>,
    lines: Vec<String>,
}

impl Candidates {
    /// Candidates of the policy, with their probabilities.
    pub(crate) fn new(position: &Position, moves: impl Iterator<Item = (Move, f32)>) -> Candidates {
        let mut candidates = Candidates::default();
        for (mv, probability) in moves {
            candidates.push(position, &[mv], probability, f32::NAN);
        }
        candidates
    }

    /// Candidates of a search, with their shares of the visits.
    fn searched(position: &Position, found: &[search::Candidate]) -> Candidates {
        let visits: u32 = found.iter().map(|candidate| candidate.visits).sum();
        let mut candidates = Candidates::default();
        for candidate in found {
            // Without any visit the only candidate is a mate.
            let share = if visits == 0 { 1.0 } else { candidate.visits as f32 / visits as f32 };
            candidates.push(position, &candidate.line, share, candidate.value().map_or(f32::NAN, |Value(value)| value));
        }
        candidates
    }

    fn push(&mut self, position: &Position, line: &[Move], probability: f32, value: f32) {
        let mut position = position.clone();
        let mut texts = Vec::new();
        for &mv in line.iter().take(LINE) {
            texts.push(western::write(&position, mv));
            position.play(mv);
        }
        self.moves.push(line[0].to_string());
        self.lines.push(texts[1..].join(" "));
        self.texts.push(texts.swap_remove(0));
        self.probabilities.push(probability);
        self.values.push(value);
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

    /// The moves' probabilities; after a search, their shares of the visits.
    pub fn probabilities(&self) -> Vec<f32> {
        self.probabilities.clone()
    }

    /// Value after each move: probability of a win less that of a loss, in `[-1, 1]`, from the side that plays it; NaN without a
    /// search.
    pub fn values(&self) -> Vec<f32> {
        self.values.clone()
    }

    /// Expected line of play after each move, in Western notation, separated by spaces.
    pub fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }
}

#[wasm_bindgen]
impl Thought {
    /// The chosen move in USI, or `win` for a declaration.
    #[wasm_bindgen(getter)]
    pub fn usi(&self) -> String {
        self.chosen.clone()
    }

    /// The best moves.
    pub fn candidates(&self) -> Candidates {
        self.candidates.clone()
    }
}

/// Game from `start` after USI moves separated by spaces.
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
    /// Engine with the model in the bytes of a file.
    ///
    /// # Errors
    /// If they are not a model of this version; the text names the defect and its place.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Engine, JsError> {
        let model = Model::from_bytes(bytes).map_err(js_error)?;
        let evaluator = HostEvaluator::new(Simd::new(&model.weights), model.features, model.actions);
        Ok(Engine { model, evaluator, search: None, delivered: Predictions::new() })
    }

    /// Name: the training run and its iteration.
    pub fn name(&self) -> String {
        let Provenance { run, iteration, .. } = &self.model.provenance;
        // A trainer may name a run by the path of its folder; only the last part is shown, for privacy.
        let run = run.rsplit(['/', '\\']).next().unwrap_or_default();
        if run.is_empty() { "Unnamed agent".into() } else { format!("{run}, iteration {iteration}") }
    }

    /// Line about the model's training and network.
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

    /// Number of weights of the network.
    pub fn weights(&self) -> usize {
        self.model.weights.data().len()
    }

    /// Size of the network's input: numbers in the planes of one position.
    pub fn inputs(&self) -> usize {
        self.evaluator.shape().inputs()
    }

    /// Number of policy logits of one position, legal or not.
    pub fn actions(&self) -> usize {
        self.evaluator.shape().actions()
    }

    /// Evaluates the position after `moves` (USI, separated by spaces) from `start` by one forward pass, and draws a move from
    /// the policy at `temperature` (0: its best) with the random number `uniform` in `[0, 1)`.
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
        let mut batch = Batch::new();
        batch.push(PackedObservation::new(&game), legal.actions().iter().copied());
        let prediction = self.evaluator.predict(&batch).get(0);
        let drawn = policy::draw(&policy::probabilities(prediction.logits, temperature), uniform);
        let natural = policy::probabilities(prediction.logits, 1.0);
        let best = policy::top(&natural, CANDIDATES).into_iter().map(|(index, p)| (legal.moves()[index], p));
        let Wdl { win, draw, loss } = prediction.wdl.softmax();
        let candidates = Candidates::new(game.position(), best);
        Ok(Thought { win, draw, loss, visits: 0, chosen: legal.moves()[drawn].to_string(), candidates })
    }

    /// Begins a search of the position after `moves` from `start` that ends at `visits` visits. It reuses the tree of the last
    /// search if the game continues that one's. Call [`step`](Self::step) until the search is done or the move is needed, and
    /// [`found`](Self::found) at any time.
    ///
    /// # Errors
    /// If the position or a move is wrong, the game is over, or `visits` is 0.
    pub fn search(&mut self, start: &str, moves: &str, max_plies: u16, visits: u32) -> Result<(), JsError> {
        let game = game(start, moves, max_plies)?;
        if let Some(outcome) = game.outcome() {
            return Err(js_error(format!("the game is over: {}", outcome.reason)));
        }
        let settings = Settings { visits, max_nodes: MAX_NODES, ..Settings::default() };
        settings.validate().map_err(js_error)?;
        match &mut self.search {
            Some(search) => {
                search.follow(game);
                search.set_visits(visits);
            }
            None => self.search = Some(Search::new(game, self.model.actions, settings)),
        }
        // Without a visit there would be no move to play.
        self.step(1).map(|_| ())
    }

    /// Advances the search by at most `batch` (1 or more) visits; returns whether it is done.
    ///
    /// # Errors
    /// If no search has begun.
    pub fn step(&mut self, batch: usize) -> Result<bool, JsError> {
        let search = self.search.as_mut().ok_or_else(|| JsError::new("no search has begun"))?;
        search.step(&mut self.evaluator, batch.max(1)).map_err(js_error)?;
        Ok(search.is_finished())
    }

    /// First half of [`step`](Self::step) for a network that is computed elsewhere: planes `[batch, planes, 81]` of at most
    /// `batch` (1 or more) positions that the search needs evaluated; none if it is done, or can go on without. Their logits
    /// must be passed to [`deliver`](Self::deliver).
    ///
    /// # Errors
    /// If no search has begun.
    pub fn gather(&mut self, batch: usize) -> Result<Vec<f32>, JsError> {
        let search = self.search.as_mut().ok_or_else(|| JsError::new("no search has begun"))?;
        let mut planes = Vec::new();
        search.gather(batch.max(1)).expand(self.model.features, &mut planes);
        Ok(planes)
    }

    /// Takes the network's outputs for the gathered positions: policy logits `[batch, actions]`, followed by outcome logits
    /// `[batch, 3]`; returns whether the search is done.
    ///
    /// # Errors
    /// If no search has begun, or the number of logits does not match the gathered positions.
    pub fn deliver(&mut self, logits: &[f32]) -> Result<bool, JsError> {
        let search = self.search.as_mut().ok_or_else(|| JsError::new("no search has begun"))?;
        let (batch, actions) = (search.batch(), self.model.actions.count());
        if logits.len() != batch.len() * (actions + OUTCOMES) {
            return Err(js_error(format!("{} logits, but {} positions were gathered", logits.len(), batch.len())));
        }
        let (policy, wdl) = logits.split_at(batch.len() * actions);
        self.delivered.pick(batch, policy, wdl, &[]);
        search.deliver(self.delivered.iter());
        Ok(search.is_finished())
    }

    /// Outputs of the network for planes `[batch, planes, 81]`, in the layout that [`deliver`](Self::deliver) takes.
    ///
    /// # Errors
    /// If there are no planes, or not a whole number of positions.
    pub fn forward(&mut self, planes: &[f32]) -> Result<Vec<f32>, JsError> {
        let size = self.inputs();
        if planes.is_empty() || !planes.len().is_multiple_of(size) {
            return Err(js_error(format!("{} numbers are not planes of {size} each", planes.len())));
        }
        let (batch, actions) = (planes.len() / size, self.actions());
        let mut logits = vec![0.0; batch * (actions + OUTCOMES)];
        let (policy, wdl) = logits.split_at_mut(batch * actions);
        self.evaluator.executor().forward(batch, planes, policy, wdl);
        Ok(logits)
    }

    /// Discards the gathered positions, if they cannot be evaluated after all.
    ///
    /// # Errors
    /// If no search has begun.
    pub fn abandon(&mut self) -> Result<(), JsError> {
        self.search.as_mut().ok_or_else(|| JsError::new("no search has begun"))?.abandon();
        Ok(())
    }

    /// Result of the search so far: its best move, and the candidates with their values.
    ///
    /// # Errors
    /// If no search has begun.
    pub fn found(&self) -> Result<Thought, JsError> {
        let search = self.search.as_ref().ok_or_else(|| JsError::new("no search has begun"))?;
        let chosen = match search.decide() {
            Decision::Play(mv) => mv.to_string(),
            Decision::Declare => "win".into(),
            Decision::Over(outcome) => return Err(js_error(format!("the game is over: {}", outcome.reason))),
        };
        let found = search.candidates(CANDIDATES);
        let of_best = || found.first().and_then(|candidate| candidate.wdl);
        let Wdl { win, draw, loss } = search.wdl().or_else(of_best).unwrap_or(Wdl::DRAW);
        let candidates = Candidates::searched(search.game().position(), &found);
        Ok(Thought { win, draw, loss, visits: search.visits(), chosen, candidates })
    }

    /// Input of the network for a position: planes `[planes, 81]`.
    ///
    /// # Errors
    /// If the position or a move is wrong.
    pub fn planes(&self, start: &str, moves: &str, max_plies: u16) -> Result<Vec<f32>, JsError> {
        let observation = PackedObservation::new(&game(start, moves, max_plies)?);
        let mut planes = vec![0.0; self.inputs()];
        self.model.features.expand(&observation, &mut planes);
        Ok(planes)
    }

    /// Outputs of the network for a position: all policy logits, unmasked, followed by the three outcome logits.
    ///
    /// # Errors
    /// If the position or a move is wrong.
    pub fn logits(&mut self, start: &str, moves: &str, max_plies: u16) -> Result<Vec<f32>, JsError> {
        let planes = self.planes(start, moves, max_plies)?;
        self.forward(&planes)
    }
}

/// Count in words: `2.4 million`, `310 thousand`.
fn counted(count: u64) -> String {
    match count {
        1_000_000.. => format!("{:.1} million", count as f64 / 1e6),
        10_000.. => format!("{} thousand", count / 1000),
        _ => count.to_string(),
    }
}
