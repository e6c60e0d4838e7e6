//! Player that draws its moves from a network's policy.

use keisei_core::encoding::{LegalActions, PackedObservation};
use keisei_core::evaluator::{Batch, Evaluator, HostEvaluator, Prediction};
use keisei_core::format::{Model, PlyInfo};
use keisei_core::search::policy;

use crate::executor::ModelExecutor;
use crate::player::{Answer, Choice, Player, SHOWN, Turn};

/// Temperature of a policy in evaluations: low enough to play nearly the best move, high enough that games differ.
pub const EVALUATION_TEMPERATURE: f64 = 0.15;

/// Player by a network's policy. A clone shares the weights.
#[derive(Clone, Debug)]
pub struct PolicyPlayer {
    name: String,
    identity: String,
    temperature: f32,
    evaluator: HostEvaluator<ModelExecutor>,
}

impl PolicyPlayer {
    /// Player with this model and its network, which draws from the softmax of `logits / temperature`; 0 plays the best move.
    ///
    /// # Panics
    /// If the network does not fit the model's encodings.
    pub fn new(name: &str, model: &Model, executor: ModelExecutor, temperature: f32) -> PolicyPlayer {
        let identity = format!("{name}, {}, temperature {temperature}", executor.identity(model));
        let evaluator = HostEvaluator::new(executor, model.features, model.actions);
        PolicyPlayer { name: name.to_owned(), identity, temperature, evaluator }
    }

    /// Name in tables and records.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name, network and temperature: all that its games depend on.
    pub fn identity(&self) -> &str {
        &self.identity
    }
}

impl Player for PolicyPlayer {
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer> {
        let actions = self.evaluator.shape().actions;
        let legal: Vec<_> = turns.iter().map(|turn| actions.legal(turn.game.position())).collect();
        let mut batch = Batch::new();
        for (turn, legal) in turns.iter().zip(&legal) {
            batch.push(PackedObservation::new(turn.game), legal.actions().iter().copied());
        }
        let predictions = self.evaluator.predict(&batch).iter();
        let positions = turns.iter_mut().zip(&legal).zip(predictions);
        positions.map(|((turn, legal), prediction)| decide(turn, legal, prediction, self.temperature).into()).collect()
    }
}

fn decide(turn: &mut Turn, legal: &LegalActions, prediction: Prediction, temperature: f32) -> Choice {
    let sharpened = policy::probabilities(prediction.logits, temperature);
    let mv = legal.moves()[policy::draw(&sharpened, turn.random.uniform())];
    // A record shows the policy itself, at temperature 1.
    let probabilities = policy::probabilities(prediction.logits, 1.0);
    let top = policy::top(&probabilities, SHOWN).into_iter().map(|(i, p)| (legal.moves()[i], p)).collect();
    Choice { mv, thought: PlyInfo { value: Some(prediction.wdl.value()), top, line: Vec::new() } }
}

#[cfg(test)]
mod tests {
    use keisei_core::random::{Purpose, Stream};
    use keisei_core::shogi::{Game, Position};

    use super::*;
    use crate::samples::{agent, game, played, tries};

    #[test]
    fn an_agent_plays_legal_moves_and_at_temperature_zero_always_the_same() {
        let start = Position::startpos().to_sfen();
        assert_eq!(tries(&mut agent(0.0), &start).len(), 1);
        let drawn = tries(&mut agent(1.0), &start);
        assert!(drawn.len() > 10, "a fresh network plays nearly uniformly: {drawn:?}");
        let position = Position::startpos();
        assert!(drawn.iter().all(|usi| position.is_legal(usi.parse().expect("it is USI"))));
    }

    #[test]
    fn what_is_in_the_batch_changes_nothing() {
        let games = [Game::startpos(), game("4k4/9/9/3r1p3/4G4/9/9/9/4K4 w - 1"), game("8k/9/9/9/9/9/9/9/K8 b - 1")];
        let stream = |i| Stream::new(1, Purpose::Evaluation, i, 0);
        let mut streams: Vec<Stream> = (0..3).map(stream).collect();
        let turn = |(number, random)| Turn { number, game: &games[number], random };
        let mut turns: Vec<Turn> = streams.iter_mut().enumerate().map(turn).collect();
        let together = agent(1.0).choose(&mut turns);
        for (i, answer) in together.iter().enumerate() {
            let mut random = stream(i as u64);
            let alone = agent(1.0).choose(&mut [Turn { number: i, game: &games[i], random: &mut random }]);
            assert_eq!(alone, std::slice::from_ref(answer));
            let choice = played(answer);
            let total: f32 = choice.thought.top.iter().map(|&(_, p)| p).sum();
            assert!(choice.thought.value.is_some());
            assert_eq!(choice.thought.top.len(), 5.min(games[i].position().legal_count()));
            assert!(total > 0.0 && total < 1.0 + 1e-5, "{total}");
        }
    }
}
