//! Plays a game of random legal moves to its end and shows the last position.
//!
//! `cargo run -p keisei-examples --bin play_random_game`

use keisei_core::random::SplitMix64;
use keisei_core::shogi::{Game, Position};

fn main() {
    let mut random = SplitMix64(7);
    // The game is cut off after 500 plies; without a limit random games are very long.
    let mut game = Game::new(Position::startpos(), 500);
    while game.adjudicate().is_none() {
        let moves = game.position().legal_moves();
        game.play(moves[random.below(moves.len())]);
    }
    let moves: Vec<String> = game.moves().iter().map(ToString::to_string).collect();
    println!("{}", moves.join(" "));
    println!("{}", game.position().to_sfen());
    println!("after {} plies: {}", moves.len(), game.outcome().expect("the loop has ended"));
}

#[test]
fn it_runs() {
    main();
}
