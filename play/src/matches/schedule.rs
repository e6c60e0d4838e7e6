//! Schedule: who plays whom, with which colour, from which opening.

use std::collections::BTreeMap;
use std::fmt;

/// Game of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixture {
    /// Number of the game, from 0.
    pub number: usize,
    /// Index of the player of the black pieces.
    pub black: usize,
    /// Index of the player of the white pieces.
    pub white: usize,
    /// Number of the opening, from 0.
    pub opening: usize,
}

/// Games to play, in pairs: games 2i and 2i + 1 have the same opening and players, with colours swapped. Each opening is played
/// by a pairing once.
///
/// ```
/// use keisei_play::matches::Schedule;
///
/// let schedule = Schedule::round_robin(3, 4)?;
/// assert_eq!(schedule.games().len(), 12);
/// let [first, second] = [schedule.games()[0], schedule.games()[1]];
/// assert_eq!((first.black, first.white, second.black, second.white), (0, 1, 1, 0));
/// assert_eq!(first.opening, second.opening);
/// # Ok::<(), keisei_play::matches::ScheduleError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    games: Vec<Fixture>,
    /// Openings that each pairing has, by the lower and the higher index of its players.
    openings: BTreeMap<(usize, usize), usize>,
}

/// Reason why games cannot be scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleError {
    /// The number of games of a pairing is odd.
    Odd(usize),
    /// No game is asked for.
    NoGames,
    /// This player would play itself.
    Itself(usize),
    /// There is nobody to play.
    TooFewPlayers,
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            ScheduleError::Odd(games) => {
                write!(f, "{games} games of a pairing: must be even, because every opening is played with both colours")
            }
            ScheduleError::NoGames => f.write_str("must be even and not 0: every opening is played with both colours"),
            ScheduleError::Itself(player) => write!(f, "player {player} would play itself"),
            ScheduleError::TooFewPlayers => f.write_str("it takes two players at least"),
        }
    }
}

impl std::error::Error for ScheduleError {}

impl Schedule {
    /// Schedule without games.
    pub fn new() -> Schedule {
        Schedule::default()
    }

    /// Match of player 0 against player 1.
    ///
    /// # Errors
    /// If the number of games is odd or 0.
    pub fn pair(games: usize) -> Result<Schedule, ScheduleError> {
        Schedule::gauntlet(&[0], &[1], games)
    }

    /// Round robin: each of `players` against each other in `games` games, round by round, so that all pairings have as many
    /// games at any time, but for one round.
    ///
    /// # Errors
    /// If the number of games is odd or 0, or there are fewer than two players.
    pub fn round_robin(players: usize, games: usize) -> Result<Schedule, ScheduleError> {
        let pairings = (0..players).flat_map(|first| (first + 1..players).map(move |second| (first, second)));
        Schedule::in_rounds(&pairings.collect::<Vec<_>>(), games)
    }

    /// Gauntlet: each of `subjects` against each of `opponents` in `games` games, one pairing after the other, so that each
    /// result is known as early as can be.
    ///
    /// # Errors
    /// If the number of games is odd or 0, a player is on both sides, or a side is empty.
    pub fn gauntlet(subjects: &[usize], opponents: &[usize], games: usize) -> Result<Schedule, ScheduleError> {
        let mut schedule = Schedule::new();
        for &subject in subjects {
            for &opponent in opponents {
                schedule.add(subject, opponent, games)?;
            }
        }
        if schedule.games.is_empty() { Err(ScheduleError::TooFewPlayers) } else { Ok(schedule) }
    }

    /// Each of `players`, which are in the order of their strength, against its neighbours in `games` games, round by round.
    ///
    /// # Errors
    /// If the number of games is odd or 0, or there are fewer than two players.
    pub fn neighbours(players: &[usize], games: usize) -> Result<Schedule, ScheduleError> {
        let pairings: Vec<_> = players.windows(2).map(|pair| (pair[0], pair[1])).collect();
        Schedule::in_rounds(&pairings, games)
    }

    /// `games` games of each of these pairings, round by round.
    fn in_rounds(pairings: &[(usize, usize)], games: usize) -> Result<Schedule, ScheduleError> {
        if pairings.is_empty() {
            return Err(ScheduleError::TooFewPlayers);
        }
        let pairs = pairs(games)?;
        let mut schedule = Schedule::new();
        for _ in 0..pairs {
            for &(first, second) in pairings {
                schedule.add(first, second, 2)?;
            }
        }
        Ok(schedule)
    }

    /// Adds `games` games of a pairing, with openings that it does not have yet; the first player is Black in the first.
    ///
    /// # Errors
    /// If the number of games is odd or 0, or a player would play itself.
    pub fn add(&mut self, first: usize, second: usize, games: usize) -> Result<(), ScheduleError> {
        if first == second {
            return Err(ScheduleError::Itself(first));
        }
        let openings = self.openings.entry((first.min(second), first.max(second))).or_default();
        for _ in 0..pairs(games)? {
            let (number, opening) = (self.games.len(), *openings);
            self.games.push(Fixture { number, black: first, white: second, opening });
            self.games.push(Fixture { number: number + 1, black: second, white: first, opening });
            *openings += 1;
        }
        Ok(())
    }

    /// Games in their order.
    pub fn games(&self) -> &[Fixture] {
        &self.games
    }

    /// Number of games of this pairing, whoever is named first.
    pub fn games_of(&self, first: usize, second: usize) -> usize {
        self.openings.get(&(first.min(second), first.max(second))).map_or(0, |openings| 2 * openings)
    }

    /// Largest number of openings of a pairing.
    pub fn openings(&self) -> usize {
        self.openings.values().copied().max().unwrap_or(0)
    }
}

/// Number of pairs in `games` games.
fn pairs(games: usize) -> Result<usize, ScheduleError> {
    match games {
        0 => Err(ScheduleError::NoGames),
        odd if odd % 2 == 1 => Err(ScheduleError::Odd(odd)),
        even => Ok(even / 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Black, White and opening of each game.
    fn games(schedule: Result<Schedule, ScheduleError>) -> Vec<(usize, usize, usize)> {
        let schedule = schedule.expect("it is sound");
        assert!(schedule.games().iter().enumerate().all(|(number, game)| game.number == number));
        schedule.games().iter().map(|game| (game.black, game.white, game.opening)).collect()
    }

    #[test]
    fn schedules_by_hand() {
        assert_eq!(games(Schedule::pair(4)), [(0, 1, 0), (1, 0, 0), (0, 1, 1), (1, 0, 1)]);
        let round = |opening| [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)].map(|(a, b)| (a, b, opening));
        assert_eq!(games(Schedule::round_robin(3, 4)), [round(0), round(1)].concat());
        assert_eq!(
            games(Schedule::gauntlet(&[0], &[2, 1], 4)),
            [(0, 2, 0), (2, 0, 0), (0, 2, 1), (2, 0, 1), (0, 1, 0), (1, 0, 0), (0, 1, 1), (1, 0, 1)]
        );
        assert_eq!(games(Schedule::neighbours(&[3, 1, 2], 2)), [(3, 1, 0), (1, 3, 0), (1, 2, 0), (2, 1, 0)]);
    }

    #[test]
    fn a_pairing_plays_each_opening_once() {
        let mut schedule = Schedule::pair(2).expect("it is even");
        schedule.add(1, 0, 2).expect("it is even");
        schedule.add(2, 0, 2).expect("it is even");
        assert_eq!(games(Ok(schedule.clone()))[2..], [(1, 0, 1), (0, 1, 1), (2, 0, 0), (0, 2, 0)]);
        assert_eq!([schedule.games_of(0, 1), schedule.games_of(0, 2), schedule.games_of(1, 2)], [4, 2, 0]);
        assert_eq!(schedule.openings(), 2);
    }

    #[test]
    fn what_cannot_be_scheduled_is_refused() {
        use ScheduleError::*;
        assert_eq!(Schedule::pair(7), Err(Odd(7)));
        assert_eq!(Schedule::pair(0), Err(NoGames));
        assert_eq!(Schedule::round_robin(4, 3), Err(Odd(3)));
        assert_eq!(Schedule::round_robin(1, 2), Err(TooFewPlayers));
        assert_eq!(Schedule::neighbours(&[5], 2), Err(TooFewPlayers));
        assert_eq!(Schedule::gauntlet(&[0], &[], 2), Err(TooFewPlayers));
        assert_eq!(Schedule::gauntlet(&[0, 1], &[2, 1], 2), Err(Itself(1)));
    }
}
