//! Notices of what ratings on one scale cannot express: players that beat each other in a circle, and pairings whose results
//! are far from what the ratings predict.

use statrs::function::beta::beta_reg;

use super::fit::{Pairing, Ratings};
use super::pairs::Pairs;

/// Probability of any false notice among all that a tournament could give.
const SIGNIFICANCE: f64 = 0.05;

/// Three players of whom the first beats the second, the second the third, and the third the first, beyond chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cycle {
    /// Numbers of the players, the lowest first.
    pub players: [usize; 3],
    /// Score of the first against the second, the second against the third, the third against the first; each above ½.
    pub scores: [f64; 3],
    /// Probability of such results if not all three had a true score above ½, multiplied by the number of cycles that were
    /// looked at (Bonferroni), at most 1.
    pub p_value: f64,
}

/// Two players whose games contradict the ratings beyond chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Misfit {
    /// Number of the player that scored more than predicted.
    pub player: usize,
    /// Number of its opponent.
    pub opponent: usize,
    /// Score of the player, 0 to 1.
    pub score: f64,
    /// Score that the ratings predict.
    pub expected: f64,
    /// Probability of such a deviation or a larger one if the ratings were true, multiplied by the number of pairings that
    /// were looked at (Bonferroni), at most 1.
    pub p_value: f64,
}

/// Cycles of three players, the most significant first.
///
/// A cycle is more than three lucky matches only if each of its three scores is significantly above ½; so its p-value is the
/// largest of theirs (Berger 1982). Each three players that all met can form two cycles.
pub fn cycles(players: usize, pairings: &[Pairing]) -> Vec<Cycle> {
    let results = table(players, pairings);
    let met = |a: usize, b: usize| results[a][b].games() > 0;
    let mut triples = Vec::new();
    for a in 0..players {
        for b in a + 1..players {
            triples.extend((b + 1..players).filter(|&c| met(a, b) && met(b, c) && met(c, a)).map(|c| [a, b, c]));
        }
    }
    let looked_at = 2.0 * triples.len() as f64;
    let both_ways = triples.into_iter().flat_map(|[a, b, c]| [[a, b, c], [a, c, b]]);
    let mut found: Vec<Cycle> = both_ways
        .map(|players| {
            let [a, b, c] = players;
            let edges = [results[a][b], results[b][c], results[c][a]];
            let chance = edges.map(|pairs| pairs.chance_if_equal()).into_iter().fold(0.0, f64::max);
            Cycle { players, scores: edges.map(|pairs| pairs.score()), p_value: (looked_at * chance).min(1.0) }
        })
        .filter(|cycle| cycle.p_value < SIGNIFICANCE)
        .collect();
    found.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    found
}

/// Pairings whose results contradict the ratings, the most significant first.
pub fn misfits(ratings: &Ratings, pairings: &[Pairing]) -> Vec<Misfit> {
    let players = ratings.rated().len();
    let results = table(players, pairings);
    let pairs = (0..players).flat_map(|a| (a + 1..players).map(move |b| (a, b)));
    let looked_at: Vec<(usize, usize)> = pairs.filter(|&(a, b)| results[a][b].games() > 0).collect();
    let mut found: Vec<Misfit> = looked_at
        .iter()
        .filter_map(|&(a, b)| {
            let expected = ratings.expected_score(a, b)?;
            let pairs = results[a][b];
            // As many independent decisive games as there is evidence, and the points in them.
            let scale = 1.0 / pairs.dispersion().design_effect;
            let (games, points) = (scale * pairs.games() as f64, scale * pairs.points());
            let surplus = pairs.points() - expected * pairs.games() as f64;
            let rare = if surplus > 0.0 {
                at_least(points, games, expected)
            } else {
                at_least(games - points, games, 1.0 - expected)
            };
            let chance = 2.0 * rare;
            let (player, opponent, expected) = if surplus > 0.0 { (a, b, expected) } else { (b, a, 1.0 - expected) };
            let score = results[player][opponent].score();
            Some(Misfit { player, opponent, score, expected, p_value: (looked_at.len() as f64 * chance).min(1.0) })
        })
        .filter(|misfit| misfit.p_value < SIGNIFICANCE)
        .collect();
    found.sort_by(|a, b| a.p_value.total_cmp(&b.p_value));
    found
}

/// Probability of at least `points` of `games` where each is won with probability `p`; neither must be a whole number. It is
/// exact at the ends, where one lost game of a hundred may be many standard deviations.
fn at_least(points: f64, games: f64, p: f64) -> f64 {
    if points > 0.0 { beta_reg(points, games - points + 1.0, p.clamp(0.0, 1.0)) } else { 1.0 }
}

/// Results of each player (row) against each other (column).
fn table(players: usize, pairings: &[Pairing]) -> Vec<Vec<Pairs>> {
    let mut table = vec![vec![Pairs::default(); players]; players];
    for pairing in pairings {
        table[pairing.first][pairing.second] += pairing.pairs;
        table[pairing.second][pairing.first] += pairing.pairs.mirrored();
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::fit::fit;
    use super::*;

    fn pairing(first: usize, second: usize, complete: [usize; 5]) -> Pairing {
        Pairing { first, second, pairs: Pairs { complete, single: [0; 3] } }
    }

    const CLEAR: [usize; 5] = [2, 0, 10, 0, 18];

    #[test]
    fn a_clear_cycle_is_noticed_and_each_of_its_matches_contradicts_the_ratings() {
        let games = [pairing(0, 2, CLEAR), pairing(2, 1, CLEAR), pairing(1, 0, CLEAR), pairing(3, 0, CLEAR)];
        let found = cycles(4, &games);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].players, [0, 2, 1]);
        assert!(found[0].scores.iter().all(|score| (score - 46.0 / 60.0).abs() < 1e-12) && found[0].p_value < 0.001);
        let misfits = misfits(&fit(4, 0, &games), &games);
        let mut pairs: Vec<_> = misfits.iter().map(|misfit| (misfit.player, misfit.opponent)).collect();
        pairs.sort_unstable();
        assert_eq!(pairs, [(0, 2), (1, 0), (2, 1)], "{misfits:?}");
    }

    #[test]
    fn a_weak_link_or_a_missing_one_is_no_cycle() {
        let even = [3, 3, 3, 3, 4];
        assert_eq!(cycles(3, &[pairing(0, 1, CLEAR), pairing(1, 2, CLEAR), pairing(2, 0, even)]), []);
        assert_eq!(cycles(3, &[pairing(0, 1, CLEAR), pairing(1, 2, CLEAR)]), []);
        let ordered = [pairing(0, 1, CLEAR), pairing(1, 2, CLEAR), pairing(0, 2, [0, 0, 3, 0, 27])];
        assert_eq!(cycles(3, &ordered), []);
        assert_eq!(misfits(&fit(3, 0, &ordered), &ordered), []);
    }

    #[test]
    fn the_more_cycles_are_looked_at_the_more_evidence_it_takes() {
        let weak = [2, 2, 4, 6, 10];
        let three = [pairing(0, 1, weak), pairing(1, 2, weak), pairing(2, 0, weak)];
        let alone = cycles(3, &three);
        assert_eq!(alone.len(), 1);
        let even = [3, 3, 3, 3, 3];
        let others = (3..8).flat_map(|a| (0..a).map(move |b| pairing(a, b, even)));
        let all: Vec<Pairing> = three.into_iter().chain(others).collect();
        assert_eq!(cycles(8, &all), []);
    }
}
