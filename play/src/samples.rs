//! Players, positions and models for tests.

use std::collections::BTreeSet;

use keisei_core::encoding::{Actions, Features};
use keisei_core::format::{Model, Provenance};
use keisei_core::net::{NetSpec, Weights};
use keisei_core::random::{Purpose, Stream};
use keisei_core::shogi::{Game, Position};

use crate::executor::ModelExecutor;
use crate::player::{Answer, Choice, Player, Turn};
use crate::policy_player::PolicyPlayer;

/// Small model with initial weights.
pub(crate) fn model() -> Model {
    let small = NetSpec::for_encodings(Features::Attack96, Actions::Dest2187);
    let spec = NetSpec { channels: 8, blocks: 1, value_channels: 1, value_hidden: 8, ..small };
    Model {
        features: Features::Attack96,
        actions: Actions::Dest2187,
        provenance: Provenance::default(),
        weights: Weights::init(&spec, 3).expect("the specification is valid"),
    }
}

pub(crate) fn agent(temperature: f32) -> PolicyPlayer {
    PolicyPlayer::new("agent", &model(), ModelExecutor::f32(&model()), temperature)
}

pub(crate) fn game(sfen: &str) -> Game {
    Game::new(Position::from_sfen(sfen).expect(sfen), 0)
}

/// Choice of a player that plays a move.
pub(crate) fn played(answer: &Answer) -> &Choice {
    match answer {
        Answer::Plays(choice) => choice,
        other => panic!("{other:?} is not a move"),
    }
}

/// All moves that `player` plays in this position, in 200 tries.
pub(crate) fn tries(player: &mut dyn Player, sfen: &str) -> BTreeSet<String> {
    let game = game(sfen);
    let mut streams: Vec<Stream> = (0..200).map(|i| Stream::new(1, Purpose::Evaluation, i, 0)).collect();
    let turn = |(number, random)| Turn { number, game: &game, random };
    let mut turns: Vec<Turn> = streams.iter_mut().enumerate().map(turn).collect();
    player.choose(&mut turns).iter().map(|answer| played(answer).mv.to_string()).collect()
}
