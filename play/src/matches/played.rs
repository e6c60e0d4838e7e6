//! Results of matches: games with their places in the schedule, and what they say about two players.

use std::collections::BTreeMap;
use std::fmt;

use keisei_core::format::Record;
use keisei_core::shogi::{Color, GameResult, Outcome, Reason};

use super::schedule::Fixture;
use crate::rating::{Tally, elo, paired};

/// Plies, opening included, within which a strong player is expected to turn an advantage into a win.
pub const CONVERSION_PLIES: usize = 256;

/// Finished game of a tournament.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayedGame {
    /// Its place in the schedule.
    pub fixture: Fixture,
    /// Its moves, outcome, and note on a forfeit.
    pub record: Record,
}

impl PlayedGame {
    /// Index of the player that forfeited the game, and what it did; `None` if nobody did.
    pub fn forfeit(&self) -> Option<(usize, &str)> {
        match self.record.outcome {
            Some(Outcome { result: GameResult::Win(winner), reason: Reason::Forfeit }) => {
                let loser = if winner == Color::Black { self.fixture.white } else { self.fixture.black };
                Some((loser, &self.record.note))
            }
            _ => None,
        }
    }

    /// Result of `player`, one of the two. A game that was cut off counts as a draw.
    pub fn tally(&self, player: usize) -> Tally {
        let color = if self.fixture.black == player { Color::Black } else { Color::White };
        tally(self.record.outcome, color)
    }
}

/// Finished games of a tournament.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// Names of the players.
    pub players: Vec<String>,
    /// Games in the order of their numbers.
    pub games: Vec<PlayedGame>,
}

impl Results {
    /// Match of two players: all pairs of games between them of which both are finished.
    pub fn pairing(&self, first: usize, second: usize) -> Played {
        let mut games = Vec::new();
        for pair in self.pairs() {
            let [one, other] = pair;
            let players = [one.fixture.black, one.fixture.white];
            if players == [first, second] {
                games.extend([one, other]);
            } else if players == [second, first] {
                games.extend([other, one]);
            }
        }
        Played {
            first: self.players[first].clone(),
            second: self.players[second].clone(),
            games: games.into_iter().map(|game| game.record.clone()).collect(),
        }
    }

    /// Pairings with a finished pair of games, each once, in the order of their first games; the player that was Black there is
    /// named first.
    pub fn pairings(&self) -> Vec<(usize, usize)> {
        let mut pairings: Vec<(usize, usize)> = Vec::new();
        for [game, _] in self.pairs() {
            let (black, white) = (game.fixture.black, game.fixture.white);
            if !pairings.contains(&(black, white)) && !pairings.contains(&(white, black)) {
                pairings.push((black, white));
            }
        }
        pairings
    }

    /// Pairs of games with the same opening, both of them finished.
    pub fn pairs(&self) -> impl Iterator<Item = [&PlayedGame; 2]> {
        self.games.windows(2).filter_map(|games| {
            let [first, second] = [games[0].fixture.number, games[1].fixture.number];
            (first % 2 == 0 && second == first + 1).then(|| [&games[0], &games[1]])
        })
    }

    /// Games that `player` forfeited.
    pub fn forfeits(&self, player: usize) -> Forfeits {
        let mut forfeits = Forfeits::default();
        let own = self.games.iter().filter(|game| [game.fixture.black, game.fixture.white].contains(&player));
        for game in own {
            forfeits.note(game.forfeit().filter(|&(loser, _)| loser == player).map(|(_, text)| text));
        }
        forfeits
    }

    /// Records of all games, in the order of their numbers.
    pub fn into_records(self) -> Vec<Record> {
        self.games.into_iter().map(|game| game.record).collect()
    }
}

/// Number of forfeits in a row from which on a player counts as broken.
pub const STREAK: usize = 5;

/// Games that a player forfeited, counted in the order of the games.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forfeits {
    /// Number of games.
    pub count: usize,
    /// Largest number of games in a row.
    pub streak: usize,
    /// Number of games by what the player did.
    pub texts: BTreeMap<String, usize>,
    running: usize,
}

impl Forfeits {
    /// Counts a game of the player: what it did if it forfeited it.
    pub fn note(&mut self, forfeit: Option<&str>) {
        let Some(text) = forfeit else {
            self.running = 0;
            return;
        };
        self.count += 1;
        self.running += 1;
        self.streak = self.streak.max(self.running);
        *self.texts.entry(text.to_owned()).or_default() += 1;
    }

    /// Whether the last game makes the player count as broken: its [`STREAK`]th forfeit in a row.
    pub fn breaks(&self) -> bool {
        self.running == STREAK
    }
}

/// Text such as `3 forfeits: 2 times the process ended, 7g7e is not a legal move here`, the most frequent first.
impl fmt::Display for Forfeits {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} forfeit{}", self.count, if self.count == 1 { "" } else { "s" })?;
        let mut texts: Vec<(&String, &usize)> = self.texts.iter().collect();
        texts.sort_by_key(|&(_, &count)| std::cmp::Reverse(count));
        for (index, (text, &count)) in texts.into_iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { ", " })?;
            if count > 1 {
                write!(f, "{count} times ")?;
            }
            f.write_str(text)?;
        }
        Ok(())
    }
}

/// A played match of two players.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// Name of the first player.
    pub first: String,
    /// Name of the second.
    pub second: String,
    /// All games, the two of each opening one after the other; the first player is Black in games 0, 2, 4 and so on.
    pub games: Vec<Record>,
}

/// Result of the player with `color`. A game that was cut off counts as a draw.
fn tally(outcome: Option<Outcome>, color: Color) -> Tally {
    match outcome.map(|outcome| outcome.result) {
        Some(GameResult::Win(winner)) if winner == color => Tally { wins: 1, ..Tally::default() },
        Some(GameResult::Win(_)) => Tally { losses: 1, ..Tally::default() },
        _ => Tally { draws: 1, ..Tally::default() },
    }
}

/// Points of a player in a pair of games, by their results: twice the points, 0 to 4.
pub(super) fn half_points(pair: [Tally; 2]) -> usize {
    let [one, other] = pair;
    2 * (one.wins + other.wins) + one.draws + other.draws
}

impl Played {
    /// The first player's results as Black and as White.
    pub fn by_color(&self) -> [Tally; 2] {
        let mut by_color = [Tally::default(); 2];
        for (number, tally) in self.tallies().enumerate() {
            by_color[number % 2] += tally;
        }
        by_color
    }

    /// The first player's results.
    pub fn tally(&self) -> Tally {
        self.tallies().fold(Tally::default(), |sum, tally| sum + tally)
    }

    /// The first player's results by the reason that ended the game.
    pub fn by_reason(&self) -> BTreeMap<String, Tally> {
        let mut by_reason = BTreeMap::new();
        for (record, tally) in self.games.iter().zip(self.tallies()) {
            let reason = record.outcome.map_or(Reason::MaxPlies, |outcome| outcome.reason);
            *by_reason.entry(reason.to_string()).or_insert_with(Tally::default) += tally;
        }
        by_reason
    }

    /// Points of the first player in each pair of games, 0 to 2.
    pub fn pair_points(&self) -> Vec<f64> {
        let tallies: Vec<Tally> = self.tallies().collect();
        let pairs = tallies.as_chunks().0.iter();
        pairs.map(|&pair| half_points(pair) as f64 / 2.0).collect()
    }

    /// Numbers of pairs in which the first player scored 0, ½, 1, 1½ and 2 points.
    pub fn pentanomial(&self) -> [usize; 5] {
        let mut counts = [0; 5];
        for points in self.pair_points() {
            counts[(2.0 * points) as usize] += 1;
        }
        counts
    }

    /// 95 % interval of the first player's score, which is from 0 to 1; see [`Pairs::score_interval`](crate::rating::Pairs::score_interval).
    pub fn score_interval(&self) -> (f64, f64) {
        paired(&self.pair_points())
    }

    /// Elo difference of the first player over the second, with a 95 % interval from the pairs; infinite where the games set
    /// no bound.
    pub fn elo(&self) -> (f64, (f64, f64)) {
        let (low, high) = paired(&self.pair_points());
        (elo(self.tally().score()), (elo(low), elo(high)))
    }

    /// Games that each of the two players forfeited.
    pub fn forfeits(&self) -> [Forfeits; 2] {
        let mut forfeits = [Forfeits::default(), Forfeits::default()];
        for (record, tally) in self.games.iter().zip(self.tallies()) {
            let is_forfeit = record.outcome.is_some_and(|outcome| outcome.reason == Reason::Forfeit);
            let loser = usize::from(tally.wins == 1);
            for (player, forfeits) in forfeits.iter_mut().enumerate() {
                forfeits.note((is_forfeit && player == loser).then_some(&record.note));
            }
        }
        forfeits
    }

    /// Mean length of the games in plies, opening included.
    pub fn mean_plies(&self) -> f64 {
        let plies: usize = self.games.iter().map(|record| record.moves.len()).sum();
        plies as f64 / self.games.len() as f64
    }

    /// Number of the first player's wins within [`CONVERSION_PLIES`].
    pub fn quick_wins(&self) -> usize {
        let quick = self.games.iter().map(|record| record.moves.len() <= CONVERSION_PLIES);
        quick.zip(self.tallies()).filter(|&(quick, tally)| quick && tally.wins == 1).count()
    }

    fn tallies(&self) -> impl Iterator<Item = Tally> {
        self.games.iter().enumerate().map(|(number, record)| tally(record.outcome, Color::ALL[number % 2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: GameResult = GameResult::Win(Color::Black);
    const WHITE: GameResult = GameResult::Win(Color::White);

    fn played_game(number: usize, black: usize, white: usize, result: GameResult, note: &str) -> PlayedGame {
        let reason = if note.is_empty() { Reason::Checkmate } else { Reason::Forfeit };
        let outcome = Some(Outcome { result, reason });
        let fixture = Fixture { number, black, white, opening: number / 2 };
        PlayedGame { fixture, record: Record { outcome, note: note.into(), ..Record::default() } }
    }

    fn results() -> Results {
        Results {
            players: ["a", "b", "c"].map(str::to_owned).into(),
            games: vec![
                played_game(0, 0, 1, BLACK, ""),
                played_game(1, 1, 0, BLACK, "it hung"),
                played_game(3, 2, 0, WHITE, "it ended"), // its twin is missing
                played_game(4, 1, 0, WHITE, "it hung"),
                played_game(5, 0, 1, WHITE, ""),
                played_game(6, 2, 1, BLACK, ""),
                played_game(7, 1, 2, BLACK, ""),
            ],
        }
    }

    #[test]
    fn a_tournament_is_a_match_of_each_pairing() {
        let results = results();
        assert_eq!(results.pairings(), [(0, 1), (2, 1)]);
        let tally = |wins, draws, losses| Tally { wins, draws, losses };
        let played = results.pairing(0, 1);
        assert_eq!((&*played.first, &*played.second), ("a", "b"));
        // Wins as Black, forfeits as White; then, with the games of the pair exchanged, loses as Black and is given a win.
        assert_eq!(played.by_color(), [tally(1, 0, 1), tally(1, 0, 1)]);
        assert_eq!(played.pair_points(), [1.0, 1.0]);
        assert_eq!(results.pairing(1, 0).by_color(), [tally(1, 0, 1), tally(1, 0, 1)]);
        assert_eq!(results.pairing(1, 2).by_color(), [tally(1, 0, 0), tally(0, 0, 1)]);
        assert_eq!(results.pairing(0, 2).games, []);
        assert_eq!(results.into_records().len(), 7);
    }

    #[test]
    fn forfeits_are_counted_with_their_texts() {
        let results = results();
        let told = |player| results.forfeits(player).to_string();
        assert_eq!([told(0), told(1), told(2)], ["1 forfeit: it hung", "1 forfeit: it hung", "1 forfeit: it ended"]);
        let [first, second] = results.pairing(0, 1).forfeits();
        assert_eq!([first.to_string(), second.to_string()], ["1 forfeit: it hung", "1 forfeit: it hung"]);
        assert_eq!(results.games[1].forfeit(), Some((0, "it hung")));
        assert_eq!(results.games[0].forfeit(), None);

        let mut forfeits = Forfeits::default();
        assert_eq!(forfeits.to_string(), "0 forfeits");
        let texts = [Some("it hung"), Some("it ended"), None, Some("it hung"), Some("it hung")];
        for text in texts {
            forfeits.note(text);
        }
        assert_eq!((forfeits.count, forfeits.streak, forfeits.breaks()), (4, 2, false));
        assert_eq!(forfeits.to_string(), "4 forfeits: 3 times it hung, it ended");
        let broken: Vec<bool> = (0..6).map(|_| (forfeits.note(Some("it hung")), forfeits.breaks()).1).collect();
        assert_eq!((forfeits.streak, &broken[..]), (8, &[false, false, true, false, false, false][..]));
    }

    #[test]
    fn results_are_counted_for_the_first_player() {
        let game = |result, reason, plies| Record {
            outcome: Some(Outcome { result, reason }),
            moves: vec!["7g7f".parse().expect("it is USI"); plies],
            ..Record::default()
        };
        let (black, white) = (GameResult::Win(Color::Black), GameResult::Win(Color::White));
        let played = Played {
            first: "a".into(),
            second: "b".into(),
            games: vec![
                game(black, Reason::Checkmate, 100),                // won with Black
                game(white, Reason::Checkmate, 300),                // won with White, slowly
                game(GameResult::Draw, Reason::Repetition, 50),     // drawn with Black
                game(black, Reason::PerpetualCheck, 70),            // lost with White
                game(GameResult::Truncated, Reason::MaxPlies, 512), // drawn with Black
                game(white, Reason::Checkmate, 256),                // won with White
            ],
        };
        let tally = |wins, draws, losses| Tally { wins, draws, losses };
        assert_eq!(played.by_color(), [tally(1, 2, 0), tally(2, 0, 1)]);
        assert_eq!(played.tally(), tally(3, 2, 1));
        assert_eq!(played.pair_points(), [2.0, 0.5, 1.5]);
        assert_eq!(played.pentanomial(), [0, 1, 0, 1, 1]);
        assert_eq!(played.quick_wins(), 2);
        assert_eq!(played.mean_plies(), 1288.0 / 6.0);
        let reasons: Vec<_> = played.by_reason().into_iter().collect();
        let expected = [
            ("checkmate", tally(3, 0, 0)),
            ("max plies", tally(0, 1, 0)),
            ("perpetual check", tally(0, 0, 1)),
            ("repetition", tally(0, 1, 0)),
        ];
        assert_eq!(reasons, expected.map(|(reason, tally)| (reason.to_owned(), tally)));
        // A score of 2/3: 400 log10(2).
        assert!((played.elo().0 - 120.412).abs() < 1e-3);
    }
}
