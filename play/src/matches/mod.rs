//! The match runner: who plays whom, from which openings, on how many threads, and the results.
//!
//! | module | holds |
//! |---|---|
//! | `book` `opening` | where games begin: a [`Book`], or random plies |
//! | `schedule` | [`Schedule`]: the games of a pair, a round robin, a gauntlet, neighbours on a ladder |
//! | `played` | [`Results`] of a tournament, and of two players in it: [`Played`] |
//! | `archive` | [`Archive`]: finished games in a folder, from which a killed tournament goes on |
//! | `runner` | [`Tournament`]: plays a schedule |
//! | `sequential` | [`Sequential`]: a match that goes on until a test has decided |
//! | `ladder` | [`Ladder`]: new players against the rungs around their ratings |
//!
//! Each game has random numbers of its own, so the results depend on players, seed and schedule, and not on the number of
//! threads or on which game ends first.
//!
//! # The ply limit
//!
//! Everywhere, in training as in matches, a game is cut off when it has had as many plies as its limit, the opening included
//! ([`Reason::MaxPlies`](keisei_core::shogi::Reason::MaxPlies)), unless this very ply ends it by the rules. The limit is
//! [`DEFAULT_MAX_PLIES`] if none is given; evaluations within a run take that of its self-play, `selfplay.max_plies`. Such a game
//! has no winner. Learning takes it for unfinished and goes on from the value of its last position; a match, which has to count
//! something, counts a draw, and shows these games in a row of their own.

mod book;
mod opening;
mod schedule;
mod played;
mod archive;
mod runner;
mod sequential;
mod ladder;

use std::ops::ControlFlow;

pub use archive::{Archive, Plan};
pub use book::Book;
pub use keisei_core::shogi::DEFAULT_MAX_PLIES;
pub use ladder::Ladder;
pub use opening::{OPENING_BALANCE, OPENING_PLIES, opening};
pub use played::{CONVERSION_PLIES, Forfeits, Played, PlayedGame, Results, STREAK};
pub use runner::{Tournament, Watch};
pub use schedule::{Fixture, Schedule, ScheduleError};
pub use sequential::Sequential;

use crate::contender::Contender;
use crate::rating::Tally;

/// Match of two players from random openings: the smallest tournament.
#[derive(Clone, Copy, Debug)]
pub struct Match {
    /// Number of openings, each of which is played in two games.
    pub pairs: usize,
    /// Seed of openings and moves.
    pub seed: u64,
    /// Ply limit, 0 for the longest game that a record holds.
    pub max_plies: u16,
    /// Number of threads to play on; 0 counts as 1.
    pub threads: usize,
}

impl Match {
    /// Plays the match. `progress` is called from any thread with each finished game's result for the first player.
    ///
    /// # Panics
    /// If the ply limit is not above [`OPENING_PLIES`], or a player cannot be started.
    pub fn play(&self, first: &Contender, second: &Contender, progress: &(dyn Fn(Tally) + Sync)) -> Played {
        let Match { pairs, seed, max_plies, threads } = *self;
        let players = [first.clone(), second.clone()];
        let tournament = Tournament { players: &players, book: None, seed, max_plies, threads };
        let watch = |game: &PlayedGame| {
            progress(game.tally(0));
            ControlFlow::Continue(())
        };
        let mut schedule = Schedule::new();
        if pairs > 0 {
            schedule.add(0, 1, 2 * pairs).expect("the number of games is even");
        }
        let results = tournament.play(&schedule, None, &watch).expect("both players can be started");
        results.pairing(0, 1)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use keisei_core::format::record;

    use super::*;

    fn agent() -> Contender {
        crate::samples::agent(0.15).into()
    }

    #[test]
    fn a_match_does_not_depend_on_the_number_of_threads() {
        let play = |threads| {
            Match { pairs: 3, seed: 5, max_plies: DEFAULT_MAX_PLIES, threads }.play(
                &agent(),
                &Contender::Greedy,
                &|_| (),
            )
        };
        let alone = play(1);
        assert_eq!(alone.games.len(), 6);
        for threads in [2, 5, 9] {
            assert_eq!(play(threads), alone, "{threads} threads");
        }
    }

    #[test]
    fn each_opening_is_played_with_both_colors_and_records_can_be_read() {
        let seen = Mutex::new(Tally::default());
        let progress = |tally| *seen.lock().expect("no other test holds it") += tally;
        let played = Match { pairs: 4, seed: 1, max_plies: DEFAULT_MAX_PLIES, threads: 2 }.play(
            &agent(),
            &Contender::Random,
            &progress,
        );
        for (pair, games) in played.games.chunks(2).enumerate() {
            assert_eq!([&games[0].black[..], &games[0].white], ["agent", "random"]);
            assert_eq!([&games[1].black[..], &games[1].white], ["random", "agent"]);
            for game in games {
                assert_eq!(game.moves[..OPENING_PLIES], *opening(1, pair, 400).moves());
                assert!(game.outcome.is_some());
                // The player with a network records its values, the random player records none.
                let thought = |ply: usize| game.plies[ply].value.is_some();
                let agents = usize::from(game.black != "agent");
                assert!((0..game.moves.len()).all(|ply| thought(ply) == (ply >= OPENING_PLIES && ply % 2 == agents)));
            }
        }
        let bytes = record::to_bytes(&played.games).expect("the games are legal");
        assert_eq!(record::from_bytes(&bytes), Ok(played.games.clone()));
        assert_eq!(*seen.lock().expect("the match is over"), played.tally());
    }

    #[test]
    fn greedy_beats_random() {
        let played = Match { pairs: 10, seed: 1, max_plies: DEFAULT_MAX_PLIES, threads: 2 }.play(
            &Contender::Greedy,
            &Contender::Random,
            &|_| (),
        );
        assert!(played.tally().score() > 0.9, "{:?}", played.tally());
    }
}
