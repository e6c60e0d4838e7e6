//! A player that draws its moves from a network's policy.

use keisei_core::encoding::{Actions, Features, PackedObservation, SQUARES};
use keisei_core::format::{Model, PlyInfo};
use keisei_core::net::{Executor, OUTCOMES, WdlLogits};
use keisei_core::search::policy;

use crate::executor::ModelExecutor;
use crate::player::{Choice, Player, SHOWN, Turn};

/// Temperature of a policy in evaluations: nearly the best move, but not the same game twice.
pub const EVALUATION_TEMPERATURE: f64 = 0.15;

/// Plays by a network's policy. A clone shares the weights.
#[derive(Clone, Debug)]
pub struct PolicyPlayer {
    name: String,
    features: Features,
    actions: Actions,
    temperature: f32,
    executor: ModelExecutor,
}

impl PolicyPlayer {
    /// An agent of this model and its network, that draws from the softmax of `logits / temperature`; 0 plays the best move.
    ///
    /// # Panics
    /// If the network does not fit the model's encodings.
    pub fn new(name: &str, model: &Model, executor: ModelExecutor, temperature: f32) -> PolicyPlayer {
        let Model { features, actions, .. } = *model;
        assert_eq!(usize::from(executor.spec().planes), features.planes(), "the network reads these features");
        assert_eq!(executor.spec().actions(), actions.count(), "the network has these actions");
        PolicyPlayer { name: name.to_owned(), features, actions, temperature, executor }
    }

    /// Name in tables and records.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Player for PolicyPlayer {
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Choice> {
        let observations: Vec<_> = turns.iter().map(|turn| PackedObservation::new(turn.game)).collect();
        let mut planes = vec![0.0; turns.len() * self.features.planes() * SQUARES];
        self.features.expand_batch(&observations, &mut planes);
        let mut policy = vec![0.0; turns.len() * self.actions.count()];
        let mut wdl = vec![0.0; turns.len() * OUTCOMES];
        self.executor.forward(turns.len(), &planes, &mut policy, &mut wdl);

        let rows = policy.chunks_exact(self.actions.count()).zip(wdl.as_chunks().0);
        turns.iter_mut().zip(rows).map(|(turn, (logits, &wdl))| self.decide(turn, logits, wdl)).collect()
    }
}

impl PolicyPlayer {
    fn decide(&self, turn: &mut Turn, logits: &[f32], wdl: [f32; OUTCOMES]) -> Choice {
        let legal = self.actions.legal(turn.game.position());
        let sharpened = policy::probabilities(logits, legal.actions(), self.temperature);
        let mv = legal.moves()[policy::draw(&sharpened, turn.random.uniform())];
        // A record shows the policy itself, whatever the temperature it was played at.
        let probabilities = policy::probabilities(logits, legal.actions(), 1.0);
        let top = policy::top(&probabilities, SHOWN).into_iter().map(|(i, p)| (legal.moves()[i], p)).collect();
        Choice { mv, thought: PlyInfo { value: Some(WdlLogits(wdl).value()), top } }
    }
}

#[cfg(test)]
mod tests {
    use keisei_core::random::{Purpose, Stream};
    use keisei_core::shogi::{Game, Position};

    use super::*;
    use crate::samples::{agent, game, tries};

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
        for (i, choice) in together.iter().enumerate() {
            let mut random = stream(i as u64);
            let alone = agent(1.0).choose(&mut [Turn { number: i, game: &games[i], random: &mut random }]);
            assert_eq!(alone, std::slice::from_ref(choice));
            let total: f32 = choice.thought.top.iter().map(|&(_, p)| p).sum();
            assert!(choice.thought.value.is_some());
            assert_eq!(choice.thought.top.len(), 5.min(games[i].position().legal_count()));
            assert!(total > 0.0 && total < 1.0 + 1e-5, "{total}");
        }
    }
}
