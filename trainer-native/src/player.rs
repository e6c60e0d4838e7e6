//! Who plays: random and greedy for measure, and agents with a network.

use keisei_core::encoding::{Actions, Features, PackedObservation, SQUARES};
use keisei_core::format::{Model, PlyInfo};
use keisei_core::net::{Executor, OUTCOMES, value};
use keisei_core::search::policy;
use keisei_core::shogi::{Game, Move};

use crate::material;
use crate::network::Network;
use crate::random::Stream;
use crate::searcher::Searcher;

/// Candidate moves of each ply that a record shows.
pub(crate) const SHOWN: usize = 5;

/// A game in which a player is to move, and the random numbers of that game.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Number of the game: until it [ends](Player::end), all turns with this number are of one game.
    pub number: usize,
    /// The game, which is not over.
    pub game: &'a Game,
    /// All randomness of the choice: what else is in the batch does not matter.
    pub random: &'a mut Stream,
}

/// A move, and what there is to tell about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The move, a legal one.
    pub mv: Move,
    /// What the player thought.
    pub thought: PlyInfo,
}

impl Choice {
    fn without_thought(mv: Move) -> Choice {
        Choice { mv, thought: PlyInfo::default() }
    }
}

/// Chooses moves, for many games at a time.
pub trait Player {
    /// One choice for each turn, in their order.
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Choice>;

    /// Game `number` is over: what the player keeps of it can go.
    fn end(&mut self, _number: usize) {}
}

/// A player on paper: each thread of a match gets its own to play with.
#[derive(Clone, Debug)]
pub enum Contender {
    /// Plays any legal move.
    Random,
    /// Mates if it can in one move, else takes the most material; see [`Greedy`].
    Greedy,
    /// Plays by a network's policy.
    Agent(Box<Agent>),
    /// Searches with a network.
    Searcher(Box<Searcher>),
}

impl From<Agent> for Contender {
    fn from(agent: Agent) -> Contender {
        Contender::Agent(Box::new(agent))
    }
}

impl From<Searcher> for Contender {
    fn from(searcher: Searcher) -> Contender {
        Contender::Searcher(Box::new(searcher))
    }
}

impl Contender {
    /// What tables and records call it.
    pub fn name(&self) -> &str {
        match self {
            Contender::Random => "random",
            Contender::Greedy => "greedy",
            Contender::Agent(agent) => &agent.name,
            Contender::Searcher(searcher) => searcher.name(),
        }
    }

    /// Visits of a move's search, 0 for the policy alone; nothing for players without a network.
    pub fn visits(&self) -> Option<u32> {
        match self {
            Contender::Random | Contender::Greedy => None,
            Contender::Agent(_) => Some(0),
            Contender::Searcher(searcher) => Some(searcher.visits()),
        }
    }

    /// The player.
    pub fn player(&self) -> Box<dyn Player + Send> {
        match self {
            Contender::Random => Box::new(Random),
            Contender::Greedy => Box::new(Greedy),
            Contender::Agent(agent) => agent.clone(),
            Contender::Searcher(searcher) => searcher.clone(),
        }
    }
}

/// Plays every legal move with the same probability.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Player for Random {
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Choice> {
        let one = |turn: &mut Turn| Choice::without_thought(any(&turn.game.position().legal_moves(), turn.random));
        turns.iter_mut().map(one).collect()
    }
}

/// Plays a move that ends the game in its favour at once, else one after which its [material](material::balance) is
/// best; ties at random. It does not see the answer to its move.
#[derive(Clone, Copy, Debug)]
pub struct Greedy;

impl Player for Greedy {
    fn choose(&mut self, turns: &mut [Turn]) -> Vec<Choice> {
        turns.iter_mut().map(|turn| Choice::without_thought(greedy(turn.game, turn.random))).collect()
    }
}

fn greedy(game: &Game, random: &mut Stream) -> Move {
    let us = game.position().side_to_move();
    let mut best = Vec::new();
    let mut most = f32::NEG_INFINITY;
    for &mv in &game.position().legal_moves() {
        let mut after = game.position().clone();
        after.play_unchecked(mv);
        // An opponent without a move has lost, in check or not.
        let worth = if after.has_legal_move() { material::balance(&after, us) } else { f32::INFINITY };
        if worth > most {
            most = worth;
            best.clear();
        }
        if worth == most {
            best.push(mv);
        }
    }
    any(&best, random)
}

/// Temperature of a policy in evaluations: nearly the best move, but not the same game twice.
pub const EVALUATION_TEMPERATURE: f64 = 0.15;

/// Plays by a network's policy. A clone shares the weights.
#[derive(Clone, Debug)]
pub struct Agent {
    name: String,
    features: Features,
    actions: Actions,
    temperature: f32,
    executor: Network,
}

impl Agent {
    /// An agent of this model and its network, that draws from the softmax of `logits / temperature`; 0 plays the best move.
    ///
    /// # Panics
    /// If the network does not fit the model's encodings.
    pub fn new(name: &str, model: &Model, executor: Network, temperature: f32) -> Agent {
        let Model { features, actions, .. } = *model;
        assert_eq!(usize::from(executor.spec().planes), features.planes(), "the network reads these features");
        assert_eq!(executor.spec().actions(), actions.count(), "the network has these actions");
        Agent { name: name.to_owned(), features, actions, temperature, executor }
    }
}

impl Player for Agent {
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

impl Agent {
    fn decide(&self, turn: &mut Turn, logits: &[f32], wdl: [f32; OUTCOMES]) -> Choice {
        let legal = self.actions.legal(turn.game.position());
        let sharpened = policy::probabilities(logits, legal.actions(), self.temperature);
        let mv = legal.moves()[policy::draw(&sharpened, turn.random.uniform())];
        // A record shows the policy itself, whatever the temperature it was played at.
        let probabilities = policy::probabilities(logits, legal.actions(), 1.0);
        let top = policy::top(&probabilities, SHOWN).into_iter().map(|(i, p)| (legal.moves()[i], p)).collect();
        Choice { mv, thought: PlyInfo { value: Some(value(wdl)), top } }
    }
}

fn any(moves: &[Move], random: &mut Stream) -> Move {
    moves[random.below(moves.len())]
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use keisei_core::format::Provenance;
    use keisei_core::net::{NetSpec, Weights};
    use keisei_core::shogi::Position;

    use super::*;
    use crate::random::Purpose;

    /// A fresh network, a small one.
    pub(crate) fn model() -> Model {
        let (features, actions) = (Features::Attack96, Actions::Dest2187);
        let small = NetSpec::for_encodings(features, actions);
        let spec = NetSpec { channels: 8, blocks: 1, value_channels: 1, value_hidden: 8, ..small };
        Model {
            features,
            actions,
            provenance: Provenance::default(),
            weights: Weights::init(&spec, 3).expect("the specification is valid"),
        }
    }

    pub(crate) fn agent(temperature: f32) -> Agent {
        Agent::new("agent", &model(), Network::f32(&model()), temperature)
    }

    fn game(sfen: &str) -> Game {
        Game::new(Position::from_sfen(sfen).expect(sfen), 0)
    }

    /// All that `player` plays here in many tries.
    fn tries(player: &mut dyn Player, sfen: &str) -> BTreeSet<String> {
        let game = game(sfen);
        let mut streams: Vec<Stream> = (0..200).map(|i| Stream::new(1, Purpose::Evaluation, i, 0)).collect();
        let turn = |(number, random)| Turn { number, game: &game, random };
        let mut turns: Vec<Turn> = streams.iter_mut().enumerate().map(turn).collect();
        player.choose(&mut turns).into_iter().map(|choice| choice.mv.to_string()).collect()
    }

    fn check_greedy(sfen: &str, expected: &[&str]) {
        let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(tries(&mut Greedy, sfen), expected, "{sfen}");
    }

    #[test]
    fn greedy_takes_what_is_worth_most() {
        // The rook hangs, and so does a pawn.
        check_greedy("4k4/9/9/3r1p3/4G4/9/9/9/4K4 b - 1", &["5e6d"]);
        // Two silvers hang: either.
        check_greedy("4k4/9/9/3s1s3/4G4/9/9/9/4K4 b - 1", &["5e6d", "5e4d"]);
        // A promoted piece is worth 14 on the board and 10 in the taker's hand: taking it beats taking the bishop.
        check_greedy("4k4/9/9/3+r1b3/4G4/9/9/9/4K4 b - 1", &["5e6d"]);
        // To promote the rook (+4) is worth more than to take the pawn (+2).
        check_greedy("4k4/9/9/9/R7p/9/9/9/4K4 b - 1", &["9e9c+", "9e9b+", "9e9a+"]);
        // White alike.
        check_greedy("4k4/9/9/9/4g4/3R1P3/9/9/4K4 w - 1", &["5e6f"]);
    }

    #[test]
    fn greedy_mates_before_it_takes() {
        check_greedy("8k/9/8P/9/9/9/9/r8/L3K4 b G 1", &["G*1b"]);
        check_greedy("4k4/9/4P4/9/9/9/9/r8/L3K4 b G 1", &["G*5b"]);
    }

    #[test]
    fn random_plays_every_legal_move() {
        let all = game("8k/9/9/9/9/9/9/9/K8 b - 1").position().legal_moves().iter().map(ToString::to_string).collect();
        assert_eq!(tries(&mut Random, "8k/9/9/9/9/9/9/9/K8 b - 1"), all);
    }

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
