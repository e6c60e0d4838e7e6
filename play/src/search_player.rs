//! Player that searches before each move, for measurements of strength at a number of visits.

use std::collections::BTreeMap;

use keisei_core::evaluator::{Batch, Evaluator, HostEvaluator};
use keisei_core::format::{Model, PlyInfo};
use keisei_core::net::Value;
use keisei_core::search::{Candidate, Decision, Search, Settings};
use keisei_core::shogi::Outcome;

use crate::executor::ModelExecutor;
use crate::player::{Answer, Choice, Player, SHOWN, Turn};

/// Player by a search with a fixed number of visits, including those kept from earlier moves of the game. A clone shares
/// the weights.
#[derive(Clone, Debug)]
pub struct SearchPlayer {
    name: String,
    identity: String,
    evaluator: HostEvaluator<ModelExecutor>,
    settings: Settings,
    temperature: f32,
    /// The search of each game that has not ended, by the game's number.
    searches: BTreeMap<usize, Search>,
}

impl SearchPlayer {
    /// Player with this model and its network, which draws its move in proportion to `visits^(1 / temperature)`; 0 plays the
    /// best move.
    ///
    /// # Panics
    /// If a setting is out of its range, or the network does not fit the model's encodings.
    pub fn new(
        name: &str,
        model: &Model,
        network: ModelExecutor,
        settings: Settings,
        temperature: f32,
    ) -> SearchPlayer {
        settings.validate().expect("the settings are in range");
        let network_identity = network.identity(model);
        let identity = format!("{name}, {network_identity}, temperature {temperature}, {settings:?}");
        let evaluator = HostEvaluator::new(network, model.features, model.actions);
        SearchPlayer { name: name.to_owned(), identity, evaluator, settings, temperature, searches: BTreeMap::new() }
    }

    /// Name in tables and records.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name, network, temperature and settings: all that its games depend on.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Visits of the root at which the search ends.
    pub fn visits(&self) -> u32 {
        self.settings.visits
    }
}

impl Player for SearchPlayer {
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Answer> {
        let mut searches: Vec<Search> = turns.iter_mut().map(|turn| self.search(turn)).collect();
        // A batch takes one leaf from each game, so that no search selects a leaf before the result of its last one is known.
        let mut batch = Batch::new();
        while searches.iter().any(|search| !search.is_finished()) {
            batch.clear();
            for search in searches.iter_mut().filter(|search| !search.is_finished()) {
                let leaves = search.gather(1);
                batch.extend(leaves, 0..leaves.len());
            }
            let mut predictions = self.evaluator.predict(&batch).iter();
            for search in &mut searches {
                search.deliver(&mut predictions);
            }
        }
        let choices = turns.iter_mut().zip(&searches).map(|(turn, search)| self.decide(turn, search).into()).collect();
        self.searches.extend(turns.iter().map(|turn| turn.number).zip(searches));
        choices
    }

    fn end(&mut self, number: usize, _: Option<Outcome>) {
        self.searches.remove(&number);
    }
}

impl SearchPlayer {
    /// Search for this turn, removed from `searches`: the game's own, advanced by the moves played since, or a new one.
    fn search(&mut self, turn: &mut Turn) -> Search {
        let game = turn.game.clone();
        match self.searches.remove(&turn.number) {
            Some(mut search) => {
                search.follow(game);
                search
            }
            None => Search::new(game, self.evaluator.shape().actions, self.settings.clone()),
        }
    }

    fn decide(&self, turn: &mut Turn, search: &Search) -> Choice {
        let candidates = search.candidates(SHOWN);
        let mv = match search.decide_at(self.temperature, turn.random.uniform()) {
            Decision::Play(mv) => mv,
            // The match runner declares a win before it asks for a move; a player that is asked all the same plays on.
            Decision::Declare | Decision::Over(_) => turn.game.position().legal_moves()[0],
        };
        let visits = search.visits().max(2) - 1;
        let share = |candidate: &Candidate| match search.visits() {
            0 | 1 => candidate.prior,
            _ => (candidate.visits as f32 / visits as f32).min(1.0),
        };
        let top = candidates.iter().map(|candidate| (candidate.mv, share(candidate))).collect();
        let value = search.wdl().map(|wdl| Value(wdl.value().0.clamp(-1.0, 1.0)));
        let line = candidates.into_iter().next().map_or_else(Vec::new, |best| best.line);
        Choice { mv, thought: PlyInfo { value, top, line } }
    }
}

#[cfg(test)]
mod tests {
    use keisei_core::shogi::{Game, Position};

    use super::*;
    use crate::contender::Contender;
    use crate::matches::Match;
    use crate::samples::{model, played};
    use keisei_core::random::{Purpose, Stream};

    fn player(visits: u32) -> SearchPlayer {
        let settings = Settings { visits, ..Settings::default() };
        SearchPlayer::new("player", &model(), ModelExecutor::f32(&model()), settings, 0.5)
    }

    #[test]
    fn what_is_in_the_batch_changes_nothing() {
        let mate = Position::from_sfen("8k/9/8P/9/9/9/9/9/K8 b G 1").expect("it is SFEN");
        let games = [Game::startpos(), Game::new(mate, 0), Game::startpos()];
        let stream = |i| Stream::new(1, Purpose::Evaluation, i, 0);
        let mut streams: Vec<Stream> = (0..3).map(stream).collect();
        let turn = |(number, random)| Turn { number, game: &games[number], random };
        let mut turns: Vec<Turn> = streams.iter_mut().enumerate().map(turn).collect();
        let together = player(20).choose(&mut turns);
        assert_eq!(played(&together[1]).mv.to_string(), "G*1b");
        for (i, answer) in together.iter().enumerate() {
            let mut random = stream(i as u64);
            let alone = player(20).choose(&mut [Turn { number: i, game: &games[i], random: &mut random }]);
            assert_eq!(alone, std::slice::from_ref(answer));
        }
    }

    #[test]
    fn a_game_keeps_its_search_until_it_ends() {
        let mut player = player(40);
        let mut random = Stream::new(1, Purpose::Evaluation, 0, 0);
        let mut game = Game::startpos();
        let answer = player.choose(&mut [Turn { number: 7, game: &game, random: &mut random }]).remove(0);
        let choice = played(&answer);
        game.play(choice.mv);
        let answer = player.searches[&7].candidates(usize::MAX);
        let answer = answer.iter().find(|candidate| candidate.mv == choice.mv).expect("it was searched");
        let reply = answer.line[1];
        game.play(reply);
        let kept = player.search(&mut Turn { number: 7, game: &game, random: &mut random });
        assert_eq!(kept.game().moves(), game.moves());
        assert!(kept.visits() > 0, "the search has seen this position");
        // Another game with the same moves shares nothing.
        let other = player.search(&mut Turn { number: 8, game: &game, random: &mut random });
        assert_eq!(other.visits(), 0);
        player.searches.insert(7, kept);
        player.end(7, None);
        assert!(player.searches.is_empty());
    }

    #[test]
    fn a_searcher_plays_a_match_that_can_be_recorded() {
        let player = |visits| Contender::from(player(visits));
        let play =
            |threads| Match { pairs: 2, seed: 5, max_plies: 400, threads }.play(&player(12), &player(4), &|_| ());
        let played = play(1);
        for threads in [2, 3] {
            assert_eq!(play(threads), played, "{threads} threads");
        }
        let bytes = keisei_core::format::record::to_bytes(&played.games).expect("the games are legal");
        assert_eq!(keisei_core::format::record::from_bytes(&bytes), Ok(played.games));
    }
}
