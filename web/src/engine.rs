//! Engine: a model that evaluates and searches, in a worker of the page.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use keisei_core::encoding::PackedObservation;
use keisei_core::evaluator::{Batch, Evaluator, HostEvaluator, Predictions};
use keisei_core::format::model::{MeasuredRating, Model, Provenance};
use keisei_core::net::{Executor, OUTCOMES, Wdl, simd::Simd};
use keisei_core::search::{Decision, Search, Settings, policy};
use keisei_core::shogi::{Game, IllegalMove, Move};
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::*;

use crate::board::position;
use crate::js_error;
use crate::style::Style;
use crate::thought::{Candidate, Place, Policy, Thought, outcomes, probabilities};

/// Number of best moves in a [`Thought`], unless another is asked for.
const CANDIDATES: usize = 8;

/// Largest number of nodes in a search's tree.
const MAX_NODES: usize = 200_000;

/// Largest number of moves in a search's tree: 24 MB, for which a phone has the memory. They lie in one piece that doubles as it
/// grows, so the limit is just below such a size, and a module's memory, which never shrinks, holds the pieces before it as well.
const MAX_EDGES: usize = 2_090_000;

/// Model with its evaluator and search.
#[wasm_bindgen]
pub struct Engine {
    model: Model,
    evaluator: HostEvaluator<Simd>,
    search: Option<Search>,
    /// Predictions for a search whose network is computed elsewhere.
    delivered: Predictions,
}

/// Game from `start` after USI moves separated by spaces. It goes on where the rules had ended it, as records of games do in
/// which nobody saw the repetition.
pub(crate) fn game(start: &str, moves: &str, max_plies: u16) -> Result<Game, JsError> {
    let mut game = Game::new(position(start)?, max_plies);
    for (ply, text) in moves.split_ascii_whitespace().enumerate() {
        let mv: Move = text.parse().map_err(|error| js_error(format!("move {}, {text}: {error}", ply + 1)))?;
        if !game.position().is_legal(mv) {
            return Err(js_error(format!("move {}: {}", ply + 1, IllegalMove::AgainstTheRules(mv))));
        }
        game.play_unchecked(mv);
    }
    Ok(game)
}

/// Probabilities of the legal moves and of the result, by one forward pass.
fn glance(model: &Model, evaluator: &mut HostEvaluator<Simd>, game: &Game) -> (Vec<(Move, f32)>, Vec<f32>, Wdl) {
    let legal = model.actions.legal(game.position());
    let mut batch = Batch::new();
    batch.push(PackedObservation::new(game), legal.actions().iter().copied());
    let prediction = evaluator.predict(&batch).get(0);
    let natural = probabilities(prediction.logits, 1.0);
    let moves = legal.moves().iter().copied().zip(natural).collect();
    (moves, prediction.logits.to_vec(), outcomes(prediction.wdl))
}

impl Engine {
    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    pub(crate) fn evaluator(&mut self) -> &mut HostEvaluator<Simd> {
        &mut self.evaluator
    }
}

/// The network's probability of each legal move at the root of a search: that of the tree, whose temperature is undone, or of a
/// pass of its own if a proof came before the network.
fn natural_policy(model: &Model, evaluator: &mut HostEvaluator<Simd>, search: &Search) -> Vec<(Move, f32)> {
    let temperature = search.settings().policy_temperature;
    let mut priors: Vec<(Move, f32)> = search.priors().collect();
    if priors.is_empty() {
        return glance(model, evaluator, search.game()).0;
    }
    for (_, prior) in &mut priors {
        *prior = libm::powf(*prior, temperature);
    }
    let sum: f32 = priors.iter().map(|(_, prior)| prior).sum();
    for (_, prior) in &mut priors {
        *prior /= sum;
    }
    priors
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Reason why bytes are not the expected model; `other_file` is a wrong SHA-256. */
export type ModelDefect = "other_file" | "not_a_model" | "version" | "length" | "damaged" | "encoding" | "network";
"#;

/// Id of the defect that the file is not the expected one.
pub(crate) const OTHER_FILE: &str = "other_file";

#[wasm_bindgen]
extern "C" {
    /// JavaScript's `Error`, whose name a program can tell from others.
    type Error;

    #[wasm_bindgen(constructor)]
    fn new(message: &str) -> Error;

    #[wasm_bindgen(method, setter)]
    fn set_name(this: &Error, name: &str);
}

fn named_error(name: &str, message: &str) -> JsValue {
    let error = Error::new(message);
    error.set_name(name);
    error.into()
}

/// SHA-256 of a file, in lower-case hexadecimal digits. The browser's own exists only on pages of `https` and of this machine.
#[wasm_bindgen]
pub fn sha256(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(bytes);
    digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Origin and size of a model, as its file tells them.
#[wasm_bindgen(getter_with_clone)]
#[derive(Clone, PartialEq, Debug)]
pub struct ModelFacts {
    /// Name of the training run: empty if the trainer named it by the time alone, `undefined` if there is none.
    #[wasm_bindgen(readonly)]
    pub run: Option<String>,
    /// Iterations of training.
    #[wasm_bindgen(readonly)]
    pub iteration: f64,
    /// Plies of self-play that the model learned from; 0 for an untrained one.
    #[wasm_bindgen(readonly)]
    pub plies: f64,
    /// Time of the export, in the exporter's notation.
    #[wasm_bindgen(readonly)]
    pub created: String,
    /// Remarks of the exporter.
    #[wasm_bindgen(readonly)]
    pub notes: String,
    /// Channels of the network.
    #[wasm_bindgen(readonly)]
    pub channels: u32,
    /// Residual blocks of the network.
    #[wasm_bindgen(readonly)]
    pub blocks: u32,
    /// Number of weights of the network.
    #[wasm_bindgen(readonly)]
    pub weights: usize,
}

/// Strength of the model for one way to play, as a tournament measured it.
#[wasm_bindgen(getter_with_clone)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rating {
    /// How the model played, such as `policy alone, temperature 0.15, f32` or `100 visits, temperature 0.15, f32`.
    #[wasm_bindgen(readonly)]
    pub play: String,
    /// Rating in Elo above the anchor.
    #[wasm_bindgen(readonly)]
    pub elo: i32,
    /// Lower bound of the 95 % interval.
    #[wasm_bindgen(readonly)]
    pub low: Option<i32>,
    /// Upper bound of the 95 % interval.
    #[wasm_bindgen(readonly)]
    pub high: Option<i32>,
    /// Name of the player whose rating is 0.
    #[wasm_bindgen(readonly)]
    pub anchor: String,
}

#[wasm_bindgen]
impl Engine {
    /// Engine with the model in the bytes of a file, which must have this SHA-256 if one is given.
    ///
    /// # Errors
    /// If they are not that file, or not a model of this version. The error's name is a `ModelDefect`; its text names the
    /// defect and its place.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8], expected: Option<String>) -> Result<Engine, JsValue> {
        if let Some(expected) = expected {
            let found = sha256(bytes);
            if found != expected {
                return Err(named_error(OTHER_FILE, &format!("its SHA-256 is {found}, not {expected}")));
            }
        }
        let model = Model::from_bytes(bytes).map_err(|error| named_error(error.id(), &error.to_string()))?;
        let evaluator = HostEvaluator::new(Simd::new(&model.weights), model.features, model.actions);
        Ok(Engine { model, evaluator, search: None, delivered: Predictions::new() })
    }

    /// Origin and size of the model.
    pub fn facts(&self) -> ModelFacts {
        let Provenance { run, iteration, plies, created, notes, .. } = &self.model.provenance;
        // A trainer may name a run by the path of its folder; only the last part is shown, for privacy.
        let name = run.rsplit(['/', '\\']).next().unwrap_or_default();
        let spec = self.model.spec();
        ModelFacts {
            run: (!run.is_empty()).then(|| if is_time(name) { String::new() } else { name.into() }),
            iteration: *iteration as f64,
            plies: *plies as f64,
            created: created.clone(),
            notes: notes.clone(),
            channels: spec.channels.into(),
            blocks: spec.blocks.into(),
            weights: self.model.weights.data().len(),
        }
    }

    /// Strength of the model, one for each way to play that was measured.
    pub fn ratings(&self) -> Vec<Rating> {
        if self.model.provenance.ratings.is_empty() {
            return Vec::new();
        }
        // Of weights that have changed since nothing is known.
        let digest = self.model.weights_digest();
        let ratings = self.model.provenance.ratings.iter().filter(|rating| rating.weights == digest);
        ratings
            .map(|&MeasuredRating { ref play, elo, low, high, ref anchor, .. }| Rating {
                play: play.clone(),
                elo,
                low,
                high,
                anchor: anchor.clone(),
            })
            .collect()
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
    /// the policy at `temperature` (0: its best) with the random number `uniform` in `[0, 1)`. The texts of moves are in the
    /// language `style`.
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
        #[wasm_bindgen(unchecked_param_type = "MoveStyle")] style: &str,
    ) -> Result<Thought, JsError> {
        let style = Style::named(style)?;
        if !(0.0..=100.0).contains(&temperature) {
            return Err(JsError::new("the temperature is not in 0..=100"));
        }
        let game = game(start, moves, max_plies)?;
        if let Some(outcome) = game.outcome() {
            return Ok(Thought::over(outcome, &game));
        }
        let (moves, logits, wdl) = glance(&self.model, &mut self.evaluator, &game);
        let (drawn, _) = moves[policy::draw(&probabilities(&logits, temperature), uniform)];
        let natural: Vec<f32> = moves.iter().map(|&(_, probability)| probability).collect();
        let place = Place::of(&game, style);
        let best = policy::top(&natural, CANDIDATES).into_iter();
        let candidates = best.map(|(at, p)| Candidate::glanced(place, moves[at].0, p)).collect();
        let policy = Policy::new(place, &moves);
        Ok(Thought::glanced(wdl, drawn, policy, candidates))
    }

    /// Begins a search of the position after `moves` from `start` that ends at `visits` visits, or never if that is
    /// `undefined`. It reuses the tree of the last search if the game continues that one's, unless that has more visits
    /// already: a weak level is to stay weak. Call [`step`](Self::step) until the search is done or the move is needed, and
    /// [`found`](Self::found) at any time.
    ///
    /// # Errors
    /// If the position or a move is wrong, or `visits` is 0.
    pub fn search(&mut self, start: &str, moves: &str, max_plies: u16, visits: Option<u32>) -> Result<(), JsError> {
        let game = game(start, moves, max_plies)?;
        let visits = visits.unwrap_or(u32::MAX);
        let settings = Settings { visits, max_nodes: MAX_NODES, ..Settings::default() };
        settings.validate().map_err(js_error)?;
        match &mut self.search {
            Some(search) => {
                search.follow(game);
                search.set_visits(visits);
                if search.visits() > visits {
                    search.restart();
                }
            }
            None => self.search = Some(Search::new(game, self.model.actions, settings)),
        }
        // Without a visit there would be no move to play.
        self.step(1).map(|_| ())
    }

    /// Advances the search by at most `batch` (1 or more) visits; returns whether it is done. A full tree loses what lies
    /// below its least visited nodes, so that a search goes on in the same memory.
    ///
    /// # Errors
    /// If no search has begun.
    pub fn step(&mut self, batch: usize) -> Result<bool, JsError> {
        let search = self.search.as_mut().ok_or_else(|| JsError::new("no search has begun"))?;
        search.step(&mut self.evaluator, batch.max(1)).map_err(js_error)?;
        Ok(is_done(search))
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
        Ok(is_done(search))
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

    /// Result of the search so far: its best move, and at most `count` candidates (1 or more) with their values, the
    /// texts of moves in this language.
    ///
    /// # Errors
    /// If no search has begun, or there is no such language.
    pub fn found(
        &mut self,
        count: Option<usize>,
        #[wasm_bindgen(unchecked_param_type = "MoveStyle")] style: &str,
    ) -> Result<Thought, JsError> {
        let style = Style::named(style)?;
        let search = self.search.as_ref().ok_or_else(|| JsError::new("no search has begun"))?;
        let chosen = match search.decide() {
            Decision::Play(mv) => mv.to_string(),
            Decision::Declare => "win".into(),
            Decision::Over(outcome) => return Ok(Thought::over(outcome, search.game())),
        };
        let moves = natural_policy(&self.model, &mut self.evaluator, search);
        Ok(Thought::searched(search, style, chosen, &moves, count.unwrap_or(CANDIDATES)))
    }

    /// Number of positions in the search's tree.
    pub fn nodes(&self) -> usize {
        self.search.as_ref().map_or(0, Search::nodes)
    }

    /// Input of the network for a position: planes `[planes, 81]`.
    ///
    /// # Errors
    /// If the position or a move is wrong.
    pub fn planes(&self, start: &str, moves: &str, max_plies: u16) -> Result<Vec<f32>, JsError> {
        let mut batch = Batch::new();
        batch.push(PackedObservation::new(&game(start, moves, max_plies)?), []);
        let mut planes = Vec::new();
        batch.expand(self.model.features, &mut planes);
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

/// Whether the name of a run is a time: `2026-11-24-093015`.
fn is_time(run: &str) -> bool {
    run.starts_with(|first: char| first.is_ascii_digit())
        && run.chars().all(|c| c.is_ascii_digit() || "-_:TZ".contains(c))
}

/// Whether a search needs no further step, once a full tree is trimmed.
fn is_done(search: &mut Search) -> bool {
    if search.nodes() >= MAX_NODES || search.edges() >= MAX_EDGES {
        search.trim(search.nodes() / 2);
    }
    search.is_finished()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_file_is_the_published_one() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_run_that_is_named_by_its_time_has_no_name() {
        let check = |run: &str, expected: bool| assert_eq!(is_time(run), expected, "{run}");
        check("2026-11-24-093015", true);
        check("2026-11-24T09:30:15Z", true);
        check("baseline-2026-11-24", false);
        check("4x64", false);
        check("", false);
    }
}
