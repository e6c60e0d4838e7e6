//! Ladder: rungs that play their neighbours, and new players that play the rungs around their ratings.

use anyhow::{Result, bail, ensure};

use super::archive::Archive;
use super::played::Results;
use super::runner::{Tournament, Watch};
use super::schedule::{Schedule, ScheduleError};

/// Rungs on which a new player is tried first, spread from the lowest to the highest.
const TRIED: usize = 3;

/// Games of each trial.
const TRIAL: usize = 4;

/// Schedule that follows from its own results.
///
/// Every rung plays its neighbours. A subject is tried on a few rungs in a few games; from then on it plays the rungs nearest to
/// its rating, as it is after the games so far, until it has played all of these in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Players that are the rungs, the weakest first.
    pub rungs: Vec<usize>,
    /// Players that are measured.
    pub subjects: Vec<usize>,
    /// Games of a pairing.
    pub games: usize,
    /// Number of rungs around a subject's rating that it plays.
    pub nearest: usize,
}

impl Ladder {
    /// Plays the ladder. `rate` gives the rating of each player from the results so far; it must depend on nothing else.
    ///
    /// # Errors
    /// As for [`Tournament::play`]; if there are fewer than two rungs, a player stands twice, or the number of games is odd; if
    /// `rate` fails.
    ///
    /// # Panics
    /// If `rate` gives fewer ratings than there are players.
    pub fn play(
        &self,
        tournament: &Tournament,
        mut archive: Option<&mut Archive>,
        rate: &dyn Fn(&Results) -> Result<Vec<f64>>,
        watch: Watch,
    ) -> Result<Results> {
        let mut schedule = self.first_games()?;
        let mut results = tournament.no_results();
        loop {
            let flow = tournament.extend(&mut results, &schedule, archive.as_deref_mut(), watch)?;
            if flow.is_break() {
                return Ok(results);
            }
            let ratings = rate(&results)?;
            let before = schedule.games().len();
            for &subject in &self.subjects {
                for rung in self.around(subject, &ratings) {
                    let missing = self.games.saturating_sub(schedule.games_of(subject, rung));
                    if missing > 0 {
                        schedule.add(subject, rung, missing)?;
                    }
                }
            }
            if schedule.games().len() == before {
                break;
            }
        }
        let last = archive.and_then(|archive| archive.games().last_key_value().map(|(&number, _)| number));
        match last.filter(|&number| number >= schedule.games().len()) {
            Some(number) => bail!("the archive has game {number}, to which this ladder does not lead"),
            None => Ok(results),
        }
    }

    /// Games before anything is known: rungs against their neighbours, and trials of the subjects.
    fn first_games(&self) -> Result<Schedule> {
        let mut players = [&self.rungs[..], &self.subjects].concat();
        players.sort_unstable();
        ensure!(players.windows(2).all(|pair| pair[0] != pair[1]), "a player stands on the ladder twice");
        ensure!(self.rungs.len() >= 2, ScheduleError::TooFewPlayers);
        let mut schedule = Schedule::neighbours(&self.rungs, self.games)?;
        let last = self.rungs.len() - 1;
        let mut tried: Vec<usize> = (0..TRIED).map(|trial| self.rungs[last * trial / (TRIED - 1)]).collect();
        tried.dedup();
        for &subject in &self.subjects {
            for &rung in &tried {
                schedule.add(subject, rung, self.games.min(TRIAL))?;
            }
        }
        Ok(schedule)
    }

    /// The rungs nearest to the rating of `subject`, the nearest first.
    fn around(&self, subject: usize, ratings: &[f64]) -> Vec<usize> {
        let mut rungs = self.rungs.clone();
        rungs.sort_by(|&a, &b| {
            let [a, b] = [a, b].map(|rung| (ratings[rung] - ratings[subject]).abs());
            a.total_cmp(&b)
        });
        rungs.truncate(self.nearest);
        rungs
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::contender::Contender;
    use crate::rating::Tally;

    const NO_WATCH: Watch = &|_| ControlFlow::Continue(());

    fn ladder() -> Ladder {
        Ladder { rungs: vec![0, 1, 2, 3], subjects: vec![4], games: 6, nearest: 2 }
    }

    fn players() -> Vec<Contender> {
        [Contender::Random, Contender::Random, Contender::Random, Contender::Greedy, Contender::Greedy].into()
    }

    fn tournament(players: &[Contender]) -> Tournament<'_> {
        Tournament { players, book: None, seed: 1, max_plies: 80, threads: 2 }
    }

    /// Points per game: enough to see who is near whom here.
    fn rate(results: &Results) -> Result<Vec<f64>> {
        let score = |player| {
            let own = results.games.iter().filter(|game| [game.fixture.black, game.fixture.white].contains(&player));
            own.map(|game| game.tally(player)).fold(Tally::default(), |sum, tally| sum + tally).score()
        };
        let scores: Vec<f64> = (0..results.players.len()).map(score).collect();
        ensure!(scores.iter().all(|score| score.is_finite()), "a player without games");
        Ok(scores)
    }

    #[test]
    fn a_subject_plays_the_rungs_around_its_rating() {
        let players = players();
        let results = ladder().play(&tournament(&players), None, &rate, NO_WATCH).expect("all can play");
        let games = |first, second| results.pairing(first, second).games.len();
        assert_eq!([games(0, 1), games(1, 2), games(2, 3), games(0, 2), games(0, 3)], [6, 6, 6, 0, 0]);
        // It is a greedy player, and so is the highest rung: in full against that and another, and trials on the rest.
        let own: Vec<usize> = (0..4).map(|rung| games(4, rung)).collect();
        assert_eq!((own[3], own.iter().filter(|&&games| games == 6).count() >= 2), (6, true), "{own:?}");
        assert!(own[0] >= 4 && own[1] >= 4, "{own:?}");
        // Each opening of a pairing is played once with each colour.
        for game in &results.games {
            let twin = |other: &&super::super::PlayedGame| {
                (other.fixture.black, other.fixture.white, other.fixture.opening)
                    == (game.fixture.black, game.fixture.white, game.fixture.opening)
            };
            assert_eq!(results.games.iter().filter(twin).count(), 1);
        }
    }

    #[test]
    fn a_killed_ladder_leads_to_the_same_results() {
        let players = players();
        let tournament = tournament(&players);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let whole = ladder().play(&tournament, None, &rate, NO_WATCH).expect("all can play");
        let plan = tournament.plan("ladder");
        for stop in [1, 20, 31, 33] {
            let mut archive = Archive::open(folder.path(), &plan).expect("the same tournament");
            let seen = std::sync::atomic::AtomicUsize::new(0);
            let watch = |_: &super::super::PlayedGame| {
                let seen = 1 + seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if seen >= stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let part = ladder().play(&tournament, Some(&mut archive), &rate, &watch).expect("all can play");
            assert!(part.games.len() < whole.games.len());
        }
        let mut archive = Archive::open(folder.path(), &plan).expect("the same tournament");
        assert!(archive.games().len() >= 33);
        assert_eq!(ladder().play(&tournament, Some(&mut archive), &rate, NO_WATCH).expect("all can play"), whole);
    }

    #[test]
    fn what_is_no_ladder_is_refused() {
        let players = players();
        let check = |ladder: Ladder, expected: &str| {
            let error = ladder.play(&tournament(&players), None, &rate, NO_WATCH).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(Ladder { games: 5, ..ladder() }, "5 games of a pairing: must be even");
        check(Ladder { rungs: vec![0], ..ladder() }, "two players");
        check(Ladder { subjects: vec![2], ..ladder() }, "stands on the ladder twice");
    }
}
