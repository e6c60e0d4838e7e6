//! Sequential match: two players play until a test has decided.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use super::archive::Archive;
use super::played::{Played, PlayedGame, half_points};
use super::runner::{Tournament, Watch};
use super::schedule::Schedule;
use crate::rating::{Pairs, Sprt, Tally, Verdict};

/// Match of player 0 against player 1 of a tournament that ends with the first pair of games after which a test decides.
///
/// The test sees the pairs in the order of their numbers, whichever ends first: the decision and the games on which it rests
/// do not depend on threads, and short games do not count for more than long ones. Games that have been played beyond that pair
/// are left out of the result; an archive keeps them.
#[derive(Clone, Copy, Debug)]
pub struct Sequential<'a> {
    /// Players and conditions.
    pub tournament: Tournament<'a>,
    /// Largest number of pairs.
    pub most_pairs: usize,
}

/// Pairs that the test has seen, and games that wait for others.
struct Sequence<D> {
    games: BTreeMap<usize, Tally>,
    seen: usize,
    pentanomial: [usize; 5],
    decision: Option<D>,
}

impl<D> Sequence<D> {
    /// Takes a game in, and shows the test each pair that is next.
    fn take(&mut self, game: &PlayedGame, test: &impl Fn(&[usize; 5]) -> Option<D>) {
        self.games.insert(game.fixture.number, game.tally(0));
        while self.decision.is_none() {
            let next = 2 * self.seen;
            let (Some(&first), Some(&second)) = (self.games.get(&next), self.games.get(&(next + 1))) else { return };
            self.games.retain(|&number, _| number > next + 1);
            self.seen += 1;
            self.pentanomial[half_points([first, second])] += 1;
            self.decision = test(&self.pentanomial);
        }
    }
}

impl Sequential<'_> {
    /// Plays until this test of whether player 0 is stronger decides; see [`play`](Sequential::play).
    ///
    /// # Errors
    /// As for [`Tournament::play`].
    pub fn test(&self, sprt: &Sprt, archive: Option<&mut Archive>, watch: Watch) -> Result<(Played, Option<Verdict>)> {
        let verdict = |&complete: &[usize; 5]| sprt.verdict(&Pairs { complete, ..Pairs::default() });
        self.play(verdict, archive, watch)
    }

    /// Plays until `test` decides. It is given the numbers of pairs in which player 0 scored 0, ½, 1, 1½ and 2 points, after
    /// each pair. The decision is `None` if the largest number of pairs was played without one, or `watch` broke the match off.
    ///
    /// # Errors
    /// As for [`Tournament::play`].
    pub fn play<D: Send>(
        &self,
        test: impl Fn(&[usize; 5]) -> Option<D> + Sync,
        archive: Option<&mut Archive>,
        watch: Watch,
    ) -> Result<(Played, Option<D>)> {
        let schedule = Schedule::pair(2 * self.most_pairs)?;
        let sequence = Sequence { games: BTreeMap::new(), seen: 0, pentanomial: [0; 5], decision: None };
        let sequence = Mutex::new(sequence);
        let both = |game: &PlayedGame| {
            let mut sequence = sequence.lock().unwrap_or_else(PoisonError::into_inner);
            sequence.take(game, &test);
            if sequence.decision.is_some() { ControlFlow::Break(()) } else { watch(game) }
        };
        let results = self.tournament.play(&schedule, archive, &both)?;
        let sequence = sequence.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut played = results.pairing(0, 1);
        played.games.truncate(2 * sequence.seen);
        Ok((played, sequence.decision))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::contender::Contender;

    fn match_of(threads: usize, players: &[Contender]) -> Sequential<'_> {
        let tournament = Tournament { players, book: None, seed: 3, max_plies: 60, threads };
        Sequential { tournament, most_pairs: 40 }
    }

    const NO_WATCH: Watch = &|_| ControlFlow::Continue(());

    #[test]
    fn the_pair_that_decides_does_not_depend_on_threads() {
        let players = [Contender::Random, Contender::Random];
        // Random games of 60 plies are drawn nearly all: this decides at the third pair that is not even, or after 30.
        let test = |pairs: &[usize; 5]| {
            let uneven = pairs.iter().sum::<usize>() - pairs[2];
            (uneven == 3 || pairs.iter().sum::<usize>() == 30).then_some(uneven)
        };
        let alone = match_of(1, &players).play(test, None, NO_WATCH).expect("both can play");
        assert!(alone.1.is_some() && alone.0.games.len() <= 60);
        for threads in [2, 3, 5] {
            assert_eq!(match_of(threads, &players).play(test, None, NO_WATCH).expect("both can play"), alone);
        }
    }

    #[test]
    fn the_stronger_player_is_found() {
        let check = |players: [Contender; 2], expected: Verdict| {
            let sprt = Sprt::new(0.0, 100.0, 0.05, 0.05).expect("it is a test");
            let mut sequential = match_of(2, &players);
            sequential.tournament.max_plies = 400;
            let (played, verdict) = sequential.test(&sprt, None, NO_WATCH).expect("both can play");
            assert_eq!(verdict, Some(expected));
            let pairs = Pairs { complete: played.pentanomial(), ..Pairs::default() };
            assert_eq!(sprt.verdict(&pairs), Some(expected));
            assert!(played.games.len() < 80, "{} games", played.games.len());
        };
        check([Contender::Greedy, Contender::Random], Verdict::Elo1);
        check([Contender::Random, Contender::Greedy], Verdict::Elo0);
    }

    #[test]
    fn a_test_sees_every_pair_in_order_and_once() {
        let players = [Contender::Greedy, Contender::Random];
        let seen = Mutex::new(Vec::new());
        let test = |pairs: &[usize; 5]| {
            seen.lock().expect("no test panics").push(pairs.iter().sum::<usize>());
            None::<()>
        };
        let (played, decision) = match_of(3, &players).play(test, None, NO_WATCH).expect("both can play");
        assert_eq!((played.games.len(), decision), (80, None));
        assert_eq!(seen.into_inner().expect("no test panics"), (1..=40).collect::<Vec<_>>());
        assert_eq!(played.pentanomial().iter().sum::<usize>(), 40);
        let none = Sequential { most_pairs: 0, ..match_of(1, &players) };
        assert!(none.play(|_| Some(()), None, NO_WATCH).is_err());
    }
}
