//! What the search benchmark runs, natively and in WebAssembly: the same network, forward alone and below a search.

use keisei_core::encoding::{Actions, Features, PackedObservation, SQUARES};
use keisei_core::net::simd::Simd;
use keisei_core::net::{Executor, OUTCOMES};
use keisei_core::search::{Evaluator, Search, Settings};
use keisei_core::shogi::Game;

use crate::inference::NETS;

/// Leaves, or positions, that go through the network together.
pub const BATCH: usize = 8;

/// Visits after which a search starts anew, from the next position.
const VISITS: u32 = 800;

/// The two programs that are compared.
#[derive(Debug)]
pub struct Runner {
    simd: Simd,
    planes: Vec<f32>,
    policy: Vec<f32>,
    wdl: Vec<f32>,
    evaluator: Evaluator<Simd>,
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
            evaluator: Evaluator::new(simd.clone(), features, actions),
            search: search(Game::startpos()),
            simd,
        }
    }

    /// Runs the network on one batch that is ready; returns the positions.
    pub fn forward(&mut self) -> u32 {
        self.simd.forward(BATCH, &self.planes, &mut self.policy, &mut self.wdl);
        BATCH as u32
    }

    /// Takes the search one batch further: selection, rules, mate search, planes, network, tree. Returns the visits.
    pub fn search(&mut self) -> u32 {
        if self.search.is_finished() {
            let mut game = self.search.game().clone();
            match self.search.candidates(1).first() {
                Some(best) if game.moves().len() < 60 => game.play(best.mv),
                _ => game = Game::startpos(),
            }
            // An empty tree, so that every visit counted is one made.
            self.search = search(game);
        }
        let before = self.search.visits();
        self.evaluator.step(&mut self.search, BATCH);
        self.search.visits() - before
    }
}

fn search(game: Game) -> Search {
    Search::new(game, Actions::Dest2187, Settings { visits: VISITS, ..Settings::default() }, 1)
}
