//! An agent that searches before it plays: the player of strength measurements at a number of visits.

use keisei_core::encoding::PackedObservation;
use keisei_core::format::{Model, PlyInfo};
use keisei_core::net::OUTCOMES;
use keisei_core::net::simd::Simd;
use keisei_core::search::{Candidate, Decision, Evaluator, Search, Settings};

use crate::player::{Choice, Player, SHOWN, Turn};

/// Plays by a search with a fixed number of visits, each move from an empty tree. A clone shares the weights.
#[derive(Clone, Debug)]
pub struct Searcher {
    name: String,
    evaluator: Evaluator<Simd>,
    settings: Settings,
    temperature: f32,
}

impl Searcher {
    /// A searcher that draws its move in proportion to `visits^(1 / temperature)`; 0 plays the best.
    ///
    /// # Panics
    /// If a setting is out of its range.
    pub fn of_model(name: &str, model: &Model, settings: Settings, temperature: f32) -> Searcher {
        settings.validate().expect("the settings are in range");
        // A model holds no network that does not fit its encodings: reading and writing refuse it.
        let evaluator = Evaluator::new(Simd::new(&model.weights), model.features, model.actions);
        Searcher { name: name.to_owned(), evaluator, settings, temperature }
    }

    /// What tables and records call it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Player for Searcher {
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Choice> {
        let actions = self.evaluator.actions();
        let new =
            |turn: &mut Turn| Search::new(turn.game.clone(), actions, self.settings.clone(), turn.random.next_u64());
        let mut searches: Vec<Search> = turns.iter_mut().map(new).collect();
        // One leaf of each game makes a batch, so that no search waits for its own leaves.
        let mut observations: Vec<PackedObservation> = Vec::new();
        while searches.iter().any(|search| !search.is_finished()) {
            observations.clear();
            for search in searches.iter_mut().filter(|search| !search.is_finished()) {
                observations.extend_from_slice(search.gather(1));
            }
            let (mut policy, mut wdl) = self.evaluator.evaluate(&observations);
            for search in &mut searches {
                let leaves = search.observations().len();
                if leaves > 0 {
                    let (own_policy, own_wdl);
                    (own_policy, policy) = policy.split_at(leaves * actions.count());
                    (own_wdl, wdl) = wdl.split_at(leaves * OUTCOMES);
                    search.deliver(own_policy, own_wdl);
                }
            }
        }
        turns.iter_mut().zip(&searches).map(|(turn, search)| self.decide(turn, search)).collect()
    }
}

impl Searcher {
    fn decide(&self, turn: &mut Turn, search: &Search) -> Choice {
        let candidates = search.candidates(SHOWN);
        let mv = match search.decide_at(self.temperature, turn.random.uniform()) {
            Decision::Play(mv) => mv,
            // Whoever runs the match has declared before asking; a player that is asked all the same plays on.
            Decision::Declare | Decision::Over(_) => turn.game.position().legal_moves()[0],
        };
        let visits = search.visits().max(2) - 1;
        let share = |candidate: &Candidate| match search.visits() {
            0 | 1 => candidate.prior,
            _ => (candidate.visits as f32 / visits as f32).min(1.0),
        };
        let top = candidates.iter().map(|candidate| (candidate.mv, share(candidate))).collect();
        let value = search.wdl().map(|[win, _, loss]| (win - loss).clamp(-1.0, 1.0));
        Choice { mv, thought: PlyInfo { value, top } }
    }
}

#[cfg(test)]
mod tests {
    use keisei_core::shogi::{Game, Position};

    use super::*;
    use crate::arena::Match;
    use crate::player::Contender;
    use crate::player::tests::model;
    use crate::random::{Purpose, Stream};

    fn searcher(visits: u32) -> Searcher {
        Searcher::of_model("searcher", &model(), Settings { visits, ..Settings::default() }, 0.5)
    }

    #[test]
    fn what_is_in_the_batch_changes_nothing() {
        let mate = Position::from_sfen("8k/9/8P/9/9/9/9/9/K8 b G 1").expect("it is SFEN");
        let games = [Game::startpos(), Game::new(mate, 0), Game::startpos()];
        let stream = |i| Stream::new(1, Purpose::Evaluation, i, 0);
        let mut streams: Vec<Stream> = (0..3).map(stream).collect();
        let mut turns: Vec<Turn> = games.iter().zip(&mut streams).map(|(game, random)| Turn { game, random }).collect();
        let together = searcher(20).choose(&mut turns);
        assert_eq!(together[1].mv.to_string(), "G*1b");
        for (i, choice) in together.iter().enumerate() {
            let mut random = stream(i as u64);
            let alone = searcher(20).choose(&mut [Turn { game: &games[i], random: &mut random }]);
            assert_eq!(alone, std::slice::from_ref(choice));
        }
    }

    #[test]
    fn a_searcher_plays_a_match_that_can_be_recorded() {
        let searcher = || Contender::from(searcher(4));
        let play = |threads| Match { pairs: 2, seed: 5, threads }.play(&searcher(), &Contender::Random, &|_| ());
        let played = play(1);
        assert_eq!(play(2), played);
        let bytes = keisei_core::format::record::to_bytes(&played.games).expect("the games are legal");
        assert_eq!(keisei_core::format::record::from_bytes(&bytes), Ok(played.games));
    }
}
