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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use keisei_core::format::record;
    use keisei_core::search::Settings;

    use super::*;
    use crate::executor::ModelExecutor;
    use crate::search_player::SearchPlayer;

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

    fn search(visits: u32, temperature: f32) -> Contender {
        let model = crate::samples::model();
        let settings = Settings { visits, ..Settings::default() };
        let name = format!("search {visits}");
        SearchPlayer::new(&name, &model, ModelExecutor::f32(&model), settings, temperature).into()
    }

    fn tournament(players: &[Contender], threads: usize) -> Tournament<'_> {
        Tournament { players, book: None, seed: 2, max_plies: 60, threads }
    }

    const NO_WATCH: Watch = &|_| ControlFlow::Continue(());

    #[test]
    fn a_tournament_does_not_depend_on_the_number_of_threads() {
        let players = [agent(), search(6, 0.5), search(3, 0.5), Contender::Greedy, Contender::Random];
        let schedule = Schedule::round_robin(players.len(), 2).expect("it is sound");
        let play = |threads| tournament(&players, threads).play(&schedule, None, NO_WATCH).expect("all can play");
        let alone = play(1);
        assert_eq!(alone.games.len(), 20);
        for (game, fixture) in alone.games.iter().zip(schedule.games()) {
            assert_eq!(game.fixture, *fixture);
            let names = [fixture.black, fixture.white].map(|player| players[player].name());
            assert_eq!([&*game.record.black, &*game.record.white], names);
            assert!(game.record.outcome.is_some() && game.record.max_plies == 60);
        }
        for threads in [2, 3, 5] {
            assert_eq!(play(threads), alone, "{threads} threads");
        }
        // A pairing plays the games that it plays in a match of its own.
        let table = Match { pairs: 1, seed: 2, max_plies: 60, threads: 1 };
        assert_eq!(alone.pairing(1, 3), table.play(&players[1], &players[3], &|_| ()));
    }

    #[test]
    fn a_killed_tournament_goes_on_where_it_was() {
        let players = [agent(), search(3, 0.5), Contender::Random];
        let schedule = Schedule::round_robin(players.len(), 4).expect("it is sound");
        let tournament = tournament(&players, 2);
        let whole = tournament.play(&schedule, None, NO_WATCH).expect("all can play");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plan = tournament.plan("round robin, 4 games");
        let open = || Archive::open(folder.path(), &plan).expect("the same tournament");
        let mut kept = 0;
        for stop in [2, 3] {
            let mut archive = open();
            assert_eq!(archive.games().len(), kept);
            let seen = AtomicUsize::new(0);
            let watch = |_: &PlayedGame| {
                let seen = 1 + seen.fetch_add(1, Ordering::Relaxed);
                if seen >= kept + stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let part = tournament.play(&schedule, Some(&mut archive), &watch).expect("all can play");
            assert!(part.games.len() >= kept + stop && part.games.iter().all(|game| whole.games.contains(game)));
            kept = part.games.len();
        }
        // As after a kill while a game was written.
        let file = folder.path().join("tournament.games");
        let bytes = std::fs::read(&file).expect("it is there");
        std::fs::write(&file, &bytes[..bytes.len() - 5]).expect("it can be written");
        let mut archive = open();
        assert_eq!(archive.games().len(), kept - 1);
        assert_eq!(tournament.play(&schedule, Some(&mut archive), NO_WATCH).expect("all can play"), whole);
        drop(archive);
        let mut archive = open();
        assert_eq!(archive.games().len(), 12);
        assert_eq!(tournament.play(&schedule, Some(&mut archive), NO_WATCH).expect("nothing is left"), whole);

        // The plan guards what it tells; the games guard the schedule.
        let mut check = |tournament: Tournament, schedule: &Schedule, expected: &str| {
            let error = tournament.play(schedule, Some(&mut archive), NO_WATCH).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        };
        let short = Schedule::round_robin(3, 2).expect("it is sound");
        check(tournament, &short, "the archive has game 11, random against search 3, of which there are 6");
        let other = Schedule::gauntlet(&[1], &[0, 2], 6).expect("it is sound");
        check(tournament, &other, "the archive has game 0, agent against search 3, which is search 3 against agent");
        check(Tournament { seed: 3, ..tournament }, &schedule, "from another opening");
    }

    #[test]
    fn a_round_robin_becomes_longer() {
        let players = [agent(), search(3, 0.5), Contender::Random];
        let tournament = tournament(&players, 2);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let play = |games: usize| {
            let schedule = Schedule::round_robin(players.len(), games).expect("it is sound");
            let plan = tournament.plan(&format!("round robin, {games} games")).extending();
            let mut archive = Archive::open(folder.path(), &plan)?;
            let kept = archive.games().len();
            Ok::<_, anyhow::Error>((kept, tournament.play(&schedule, Some(&mut archive), NO_WATCH)?))
        };
        let schedule = Schedule::round_robin(players.len(), 12).expect("it is sound");
        let whole = tournament.play(&schedule, None, NO_WATCH).expect("all can play");
        for (games, kept) in [(2, 0), (4, 6), (12, 12), (12, 36)] {
            let (found, results) = play(games).expect("it goes on");
            assert_eq!((found, &results.games[..]), (kept, &whole.games[..3 * games]));
        }
        let error = play(4).expect_err("there are more games already");
        assert!(error.to_string().contains("the archive has game 35"), "{error}");
        for (plan, expected) in [
            (tournament.plan("round robin, 14 games"), "`games: round robin, 2 games`"),
            (tournament.plan("ladder, 14 games").extending(), "`games: round robin, 2 games`"),
            (Tournament { seed: 3, ..tournament }.plan("round robin, 14 games").extending(), "`seed: 2`"),
            (Tournament { players: &players[..2], ..tournament }.plan("round robin, 14 games").extending(), "player 2"),
        ] {
            let error = Archive::open(folder.path(), &plan).expect_err(expected);
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
    }

    #[test]
    fn plans_tell_everything_that_games_depend_on() {
        let players = [agent(), Contender::Random];
        let plan = |change: &dyn Fn(&mut Tournament)| {
            let mut tournament = tournament(&players, 1);
            change(&mut tournament);
            tournament.plan("a match")
        };
        let same = plan(&|tournament| tournament.threads = 7);
        assert_eq!(plan(&|_| ()), same);
        let book = Book::from_text("book", "startpos\n").expect("it is sound");
        let cold = [crate::samples::agent(0.0).into(), Contender::Random];
        let searching = [search(3, 0.15), Contender::Random];
        let searching_more = [search(4, 0.15), Contender::Random];
        assert_ne!(plan(&|tournament| tournament.seed = 3), same);
        assert_ne!(plan(&|tournament| tournament.max_plies = 61), same);
        let changed = [&cold[..], &searching, &searching_more, &players[..1]];
        let mut plans: Vec<Plan> = changed.map(|players| tournament(players, 1).plan("a match")).into();
        plans.push(Tournament { book: Some(&book), ..tournament(&players, 1) }.plan("a match"));
        for (index, plan) in plans.iter().enumerate() {
            assert!(*plan != same && !plans[..index].contains(plan), "{index}");
        }
    }

    #[test]
    fn every_opening_of_a_book_is_played_with_both_colors() {
        let text = "startpos moves 7g7f\nstartpos moves 2g2f 8c8d\n4k4/9/9/9/9/9/PPPPPPPPP/9/4K4 w 2R 1\n";
        let book = Book::from_text("book", text).expect("it is sound");
        let players = [Contender::Greedy, Contender::Random];
        let tournament = Tournament { book: Some(&book), ..tournament(&players, 2) };
        let results = tournament.play(&Schedule::pair(6).expect("it is even"), None, NO_WATCH).expect("both can play");
        let mut starts = Vec::new();
        for pair in results.pairing(0, 1).games.chunks(2) {
            assert_eq!(pair[0].start_sfen, pair[1].start_sfen);
            let opening = usize::from(pair[0].start_sfen.starts_with("lnsgk"));
            assert_eq!(pair[0].moves[..opening], pair[1].moves[..opening]);
            starts.push(pair[0].start_sfen.clone());
        }
        assert_eq!(starts.iter().filter(|start| start.starts_with("4k4")).count(), 1);
        let error =
            tournament.play(&Schedule::pair(8).expect("it is even"), None, NO_WATCH).expect_err("one is missing");
        assert!(error.to_string().contains("the book has 3 openings, but 4 are needed"), "{error}");
    }

    #[test]
    fn a_game_that_is_cut_off_is_a_draw_with_a_row_of_its_own() {
        let table = Match { pairs: 2, seed: 1, max_plies: 9, threads: 1 };
        let played = table.play(&Contender::Random, &Contender::Random, &|_| ());
        let draws = Tally { draws: 4, ..Tally::default() };
        assert_eq!(played.tally(), draws);
        assert_eq!(played.by_reason().into_iter().collect::<Vec<_>>(), [("max plies".to_owned(), draws)]);
        assert!(played.games.iter().all(|game| game.moves.len() == 9 && game.max_plies == 9));
    }

    #[test]
    fn no_games_are_no_games() {
        let played = Match { pairs: 0, seed: 1, max_plies: 60, threads: 3 }.play(&agent(), &Contender::Random, &|_| ());
        assert!(played.games.is_empty());
    }
}
