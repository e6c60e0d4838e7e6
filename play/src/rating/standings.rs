//! Standings of a tournament: ratings of its players, and the results that they rest on.

use super::Tally;
use super::cycles::{Cycle, Misfit, cycles, misfits};
use super::fit::{Pairing, Ratings, fit};
use super::pairs::Pairs;
use crate::matches::{Forfeits, PlayedGame, Results};

/// Standings of a tournament, finished or not.
#[derive(Clone, Debug)]
pub struct Standings {
    /// Names of the players, by whose indices everything else names them.
    pub names: Vec<String>,
    /// Ratings, jointly fitted.
    pub ratings: Ratings,
    /// Results of each two players that met, each once.
    pub pairings: Vec<Pairing>,
    /// Players that beat each other in a circle, beyond chance.
    pub cycles: Vec<Cycle>,
    /// Players whose games contradict the ratings, beyond chance.
    pub misfits: Vec<Misfit>,
    /// Games that each player forfeited.
    pub forfeits: Vec<Forfeits>,
    tallies: Vec<Vec<Tally>>,
}

impl Standings {
    /// Standings after these games, with the rating of player `anchor` as 0. A game without its partner counts too.
    ///
    /// # Panics
    /// If there is no player `anchor`.
    pub fn new(results: &Results, anchor: usize) -> Standings {
        let players = results.players.len();
        let mut tallies = vec![vec![Tally::default(); players]; players];
        let mut pairings: Vec<Pairing> = Vec::new();
        for pair in results.games.chunk_by(|a, b| a.fixture.number / 2 == b.fixture.number / 2) {
            let (first, second) = (pair[0].fixture.black, pair[0].fixture.white);
            for game in pair {
                tallies[first][second] += game.tally(first);
                tallies[second][first] += game.tally(second);
            }
            let pairs = pairs_of(pair, first);
            let is_same = |other: &&mut Pairing| (other.first, other.second) == (first, second);
            let is_turned = |other: &&mut Pairing| (other.second, other.first) == (first, second);
            if let Some(pairing) = pairings.iter_mut().find(is_same) {
                pairing.pairs += pairs;
            } else if let Some(pairing) = pairings.iter_mut().find(is_turned) {
                pairing.pairs += pairs.mirrored();
            } else {
                pairings.push(Pairing { first, second, pairs });
            }
        }
        let ratings = fit(players, anchor, &pairings);
        Standings {
            names: results.players.clone(),
            cycles: cycles(players, &pairings),
            misfits: misfits(&ratings, &pairings),
            forfeits: (0..players).map(|player| results.forfeits(player)).collect(),
            ratings,
            pairings,
            tallies,
        }
    }

    /// Results of `player` against `opponent`.
    pub fn against(&self, player: usize, opponent: usize) -> Tally {
        self.tallies[player][opponent]
    }

    /// Results of `player` in all its games.
    pub fn total(&self, player: usize) -> Tally {
        self.tallies[player].iter().fold(Tally::default(), |sum, &tally| sum + tally)
    }

    /// Players with a rating from the strongest to the weakest, then those without.
    pub fn order(&self) -> Vec<usize> {
        let mut order = self.ratings.ranking();
        order.extend((0..self.names.len()).filter(|&player| self.ratings.of(player).is_none()));
        order
    }
}

/// Results of player `first` in a pair of games, or in one whose partner is not finished.
fn pairs_of(pair: &[PlayedGame], first: usize) -> Pairs {
    let half_points = |game: &PlayedGame| {
        let Tally { wins, draws, .. } = game.tally(first);
        2 * wins + draws
    };
    let mut pairs = Pairs::default();
    match pair {
        [one, other] => pairs.complete[half_points(one) + half_points(other)] += 1,
        games => games.iter().for_each(|game| pairs.single[half_points(game)] += 1),
    }
    pairs
}

#[cfg(test)]
mod tests {
    use keisei_core::format::Record;
    use keisei_core::shogi::{Color, GameResult, Outcome, Reason};

    use super::*;
    use crate::matches::Fixture;

    /// Games with these numbers, players (Black first), results and reasons.
    fn results(games: &[(usize, usize, usize, GameResult, Reason)]) -> Results {
        let game = |&(number, black, white, result, reason): &(usize, usize, usize, GameResult, Reason)| PlayedGame {
            fixture: Fixture { number, black, white, opening: number / 2 },
            record: Record { outcome: Some(Outcome { result, reason }), note: "hung".into(), ..Record::default() },
        };
        Results { players: ["a", "b", "c", "d"].map(String::from).into(), games: games.iter().map(game).collect() }
    }

    const BLACK: GameResult = GameResult::Win(Color::Black);
    const WHITE: GameResult = GameResult::Win(Color::White);

    #[test]
    fn pairs_single_games_and_turned_pairings_are_told_apart() {
        let standings = Standings::new(
            &results(&[
                (0, 0, 1, BLACK, Reason::Checkmate),
                (1, 1, 0, WHITE, Reason::Checkmate),
                (2, 1, 0, GameResult::Truncated, Reason::MaxPlies),
                (3, 0, 1, WHITE, Reason::Forfeit),
                (5, 2, 1, BLACK, Reason::Checkmate),
            ]),
            1,
        );
        // A forfeit is a loss: 2 points, then ½.
        let expected = Pairs { complete: [0, 1, 0, 0, 1], single: [0; 3] };
        assert_eq!(standings.pairings[0], Pairing { first: 0, second: 1, pairs: expected });
        let single = Pairs { complete: [0; 5], single: [0, 0, 1] };
        assert_eq!(standings.pairings[1..], [Pairing { first: 2, second: 1, pairs: single }]);
        assert_eq!(standings.against(1, 0), Tally { wins: 1, draws: 1, losses: 2 });
        assert_eq!(standings.total(1), Tally { wins: 1, draws: 1, losses: 3 });
        assert_eq!((standings.forfeits[0].count, standings.forfeits[1].count), (1, 0));
        assert_eq!(standings.order(), [2, 0, 1, 3]);
        assert_eq!(standings.ratings.of(3), None);
    }
}
