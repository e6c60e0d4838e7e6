//! Our own environment.

use keisei_core::encoding::{Action, Actions, Features, PackedObservation, SQUARES};
use keisei_core::env::{Outputs, PlaneBuffer, VecGame};
use keisei_core::shogi::{MAX_MOVES, Position};

use super::{Environment, State, Want};

const ACTIONS: Actions = Actions::Dest2187;
const FEATURES: Features = Features::Core46Keisei2026;

pub struct KeiseiGames {
    env: VecGame,
    observations: Vec<PackedObservation>,
    legal: Vec<Action>,
    legal_counts: Vec<u16>,
    masks: Vec<bool>,
    planes: Vec<f32>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
}

impl KeiseiGames {
    pub fn new(games: usize, max_plies: u16, sfen: &str) -> Self {
        let start = Position::from_sfen(sfen).expect("the benchmark's positions are correct");
        let max_plies = max_plies.try_into().expect("the benchmark has a ply limit");
        let mut environment = Self {
            env: VecGame::new(games, ACTIONS, max_plies, vec![start]).expect("the start is no end"),
            observations: vec![PackedObservation::EMPTY; games],
            legal: vec![Action(0); games * MAX_MOVES],
            legal_counts: vec![0; games],
            masks: vec![false; games * ACTIONS.count()],
            planes: vec![0.0; games * FEATURES.planes() * SQUARES],
            rewards: vec![0.0; games],
            terminated: vec![false; games],
            truncated: vec![false; games],
        };
        let (env, outputs) = environment.outputs(Want::Everything);
        env.observe(outputs).expect("the buffers fit");
        environment
    }

    fn outputs(&mut self, want: Want) -> (&mut VecGame, Outputs<'_>) {
        let mut outputs = Outputs {
            observations: &mut self.observations,
            legal: &mut self.legal,
            legal_counts: &mut self.legal_counts,
            rewards: &mut self.rewards,
            terminated: &mut self.terminated,
            truncated: &mut self.truncated,
            ..Outputs::default()
        };
        if want == Want::Everything {
            outputs.masks = &mut self.masks;
            outputs.planes = PlaneBuffer::F32(FEATURES, &mut self.planes);
        }
        (&mut self.env, outputs)
    }
}

impl Environment for KeiseiGames {
    fn name(&self) -> &'static str {
        "keisei"
    }

    fn legal_count(&self, game: usize) -> usize {
        self.legal_counts[game].into()
    }

    fn legal(&self, game: usize, choice: usize) -> Action {
        self.legal[game * MAX_MOVES + choice]
    }

    fn step(&mut self, actions: &[Action], want: Want) {
        let (env, outputs) = self.outputs(want);
        env.step(actions, outputs).expect("the actions are legal");
    }

    fn state(&self, game: usize) -> State<'_> {
        let size = FEATURES.planes() * SQUARES;
        State {
            packed: self.observations[game].as_bytes(),
            mask: &self.masks[game * ACTIONS.count()..][..ACTIONS.count()],
            planes: &self.planes[game * size..][..size],
            is_over: self.terminated[game] || self.truncated[game],
        }
    }
}
