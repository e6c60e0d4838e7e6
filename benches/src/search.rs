//! Programs of the search benchmark, native and in WebAssembly: one network, by its forward pass alone and in a search.

use keisei_core::encoding::{Actions, Features, PackedObservation, SQUARES};
use keisei_core::evaluator::HostEvaluator;
use keisei_core::net::simd::Simd;
use keisei_core::net::{Executor, OUTCOMES};
use keisei_core::random::SplitMix64;
use keisei_core::search::{Decision, Search, Settings};
use keisei_core::shogi::Game;

use crate::inference::NETS;

/// Leaves, or positions, in one batch through the network.
pub const BATCH: usize = 8;

/// Visits after which a new search starts, from the next position.
const VISITS: u32 = 800;

/// Visits of a search whose move is compared with other targets'.
const VISITS_OF_A_MOVE: u32 = 100;

/// Programs that are compared: forward passes and searches.
#[derive(Debug)]
pub struct Runner {
    simd: Simd,
    planes: Vec<f32>,
    policy: Vec<f32>,
    wdl: Vec<f32>,
    evaluator: HostEvaluator<Simd>,
    search: Search,
}

impl Default for Runner {
    fn default() -> Runner {
        Runner::new()
    }
}

impl Runner {
    /// With the trainer's network of the inference benchmark.
    pub fn new() -> Runner {
        let simd = Simd::new(&NETS[0].weights());
        let (features, actions) = (Features::Attack96, Actions::Dest2187);
        let mut planes = vec![0.0; BATCH * features.planes() * SQUARES];
        features.expand_batch(&[PackedObservation::new(&Game::startpos()); BATCH], &mut planes);
        Runner {
            planes,
            policy: vec![0.0; BATCH * actions.count()],
            wdl: vec![0.0; BATCH * OUTCOMES],
            evaluator: HostEvaluator::new(simd.clone(), features, actions),
            search: search(Game::startpos()),
            simd,
        }
    }

    /// Runs the network on one batch that is ready; returns the positions.
    pub fn forward(&mut self) -> u32 {
        self.simd.forward(BATCH, &self.planes, &mut self.policy, &mut self.wdl);
        BATCH as u32
    }

    /// Advances the search by one batch: selection, rules, mate search, planes, network, tree. Returns the visits.
    ///
    /// # Panics
    /// Never: a CPU does not fail.
    pub fn search(&mut self) -> u32 {
        if self.search.is_finished() {
            let mut game = self.search.game().clone();
            match self.search.candidates(1).first() {
                Some(best) if game.moves().len() < 60 => game.play(best.mv),
                _ => game = Game::startpos(),
            }
            // The new search begins with an empty tree, so that all visits counted have been made.
            self.search = search(game);
        }
        let before = self.search.visits();
        self.search.step(&mut self.evaluator, BATCH).expect("a CPU does not fail");
        self.search.visits() - before
    }

    /// The move of a search from the position after `number % 100` random plies of a game of its own, as
    /// [`Move::to_u16`](keisei_core::shogi::Move::to_u16); 0 where there is none.
    ///
    /// # Panics
    /// Never: a CPU does not fail.
    pub fn decide(&mut self, number: u32) -> u16 {
        let (mut game, mut random) = (Game::startpos(), SplitMix64(number.into()));
        while game.outcome().is_none() && game.moves().len() < number as usize % 100 {
            let moves = game.position().legal_moves();
            game.play_unchecked(moves[(random.next_u64() % moves.len() as u64) as usize]);
        }
        let mut search =
            Search::new(game, Actions::Dest2187, Settings { visits: VISITS_OF_A_MOVE, ..Settings::default() });
        while !search.is_finished() {
            search.step(&mut self.evaluator, BATCH).expect("a CPU does not fail");
        }
        match search.decide() {
            Decision::Play(mv) => mv.to_u16(),
            Decision::Declare | Decision::Over(_) => 0,
        }
    }
}

fn search(game: Game) -> Search {
    Search::new(game, Actions::Dest2187, Settings { visits: VISITS, ..Settings::default() })
}
