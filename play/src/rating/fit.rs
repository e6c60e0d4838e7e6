//! Ratings of all players of a tournament at once, with intervals relative to one of them.
//!
//! The model is Bradley and Terry's: the expected score between two players is the logistic function of the difference of
//! their ratings. A draw counts as half a win for each. This fits the expected score whatever the share of draws, which is
//! itself no constant: between two weak players a third of the games repeat positions, between others almost none. (Davidson's
//! model, with one parameter for the draws of all players, would be wrong for such a pool.) As the games are then no
//! independent wins and losses, the likelihood gives the estimate but not its variance; that is taken from the spread of the
//! pairs of games ("sandwich", White 1982).
//!
//! The prior is Jeffreys's, which takes the first-order bias out of the estimates (Firth 1993). Between two players it is one
//! more game, drawn. In a tournament it is one drawn game for each player but the anchor, spread over the pairings by how much
//! they tell about the ratings: nearly nothing goes to pairings that are lost from the start, where a drawn game would pull the
//! players together. It keeps the ratings of a player that won or lost every game finite; their interval is then open on the
//! side where the games themselves set no bound.

use super::pairs::{Dispersion, Pairs};
use super::student;

/// Elo per unit of the logistic function's argument.
const ELO: f64 = 400.0 / std::f64::consts::LN_10;

/// Largest distance of a bound of an interval from its estimate that is looked for; bounds beyond are infinite.
const FARTHEST: f64 = 20_000.0 / ELO;

/// Results of two players against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// Number of the first player.
    pub first: usize,
    /// Number of the second player.
    pub second: usize,
    /// Results of the first player.
    pub pairs: Pairs,
}

/// Rating of a player, in Elo above the anchor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rated {
    /// Estimate, always finite.
    pub elo: f64,
    /// 95 % interval. Its lower bound is −∞ if no chain of players, of whom each scored against the next, leads from the
    /// player to the anchor, as for a player that lost every game; its upper bound is ∞ if none leads from the anchor to the
    /// player, as for one that won every game.
    pub interval: (f64, f64),
}

/// Ratings of the players of a tournament.
#[derive(Clone, Debug)]
pub struct Ratings {
    anchor: usize,
    rated: Vec<Option<Rated>>,
    estimate: Estimate,
}

/// Fits the ratings of `players` players with that of player `anchor` as 0.
///
/// # Panics
/// If a number is not below `players`, or a player is paired with itself.
pub fn fit(players: usize, anchor: usize, pairings: &[Pairing]) -> Ratings {
    assert!(anchor < players, "player {anchor} of {players} cannot be the anchor");
    for pairing in pairings {
        assert!(pairing.first.max(pairing.second) < players && pairing.first != pairing.second, "{pairing:?}");
    }
    let played: Vec<Pairing> = pairings.iter().copied().filter(|pairing| pairing.pairs.games() > 0).collect();
    let met = reached(players, &played, |_| true);
    let scored = reached(players, &played, |points| points > 0.0);
    let played: Vec<Pairing> = played.into_iter().filter(|pairing| met[anchor][pairing.first]).collect();
    let estimate = Estimate::new(players, anchor, met[anchor].clone(), &played);
    let rated = (0..players).map(|player| {
        met[anchor][player].then(|| {
            let (low, high) = if player == anchor { (0.0, 0.0) } else { estimate.profile(player) };
            let low = if scored[player][anchor] { ELO * low } else { f64::NEG_INFINITY };
            let high = if scored[anchor][player] { ELO * high } else { f64::INFINITY };
            Rated { elo: ELO * estimate.strengths[player], interval: (low, high) }
        })
    });
    Ratings { anchor, rated: rated.collect(), estimate }
}

/// Players that chains of games lead to from each player; the points of a player in its games with the next must be
/// `enough`.
fn reached(players: usize, pairings: &[Pairing], enough: impl Fn(f64) -> bool) -> Vec<Vec<bool>> {
    let mut reached = vec![vec![false; players]; players];
    (0..players).for_each(|player| reached[player][player] = true);
    for &Pairing { first, second, pairs } in pairings {
        reached[first][second] |= enough(pairs.points());
        reached[second][first] |= enough(pairs.mirrored().points());
    }
    for middle in 0..players {
        let onward = reached[middle].clone();
        for from in reached.iter_mut().filter(|from| from[middle]) {
            from.iter_mut().zip(&onward).for_each(|(to, &more)| *to |= more);
        }
    }
    reached
}

impl Ratings {
    /// Number of the player whose rating is 0.
    pub fn anchor(&self) -> usize {
        self.anchor
    }

    /// Rating of each player; `None` where no chain of games leads to the anchor.
    pub fn rated(&self) -> &[Option<Rated>] {
        &self.rated
    }

    /// Rating of a player; `None` where no chain of games leads to the anchor.
    pub fn of(&self, player: usize) -> Option<Rated> {
        self.rated[player]
    }

    /// Players with a rating from the strongest to the weakest; equals in their order.
    pub fn ranking(&self) -> Vec<usize> {
        let mut ranking: Vec<usize> = (0..self.rated.len()).filter(|&player| self.rated[player].is_some()).collect();
        ranking.sort_by(|&a, &b| self.estimate.strengths[b].total_cmp(&self.estimate.strengths[a]));
        ranking
    }

    /// Elo difference of `player` over `other`, with its standard deviation; `None` where either has no rating.
    pub fn difference(&self, player: usize, other: usize) -> Option<(f64, f64)> {
        self.of(player).and(self.of(other))?;
        let (difference, Spread { variance, .. }) = self.estimate.contrast(player, other);
        Some((ELO * difference, ELO * variance.sqrt()))
    }

    /// Likelihood of superiority: probability, given the games, that `player` is stronger than `other`; `None` where either has
    /// no rating.
    pub fn superiority(&self, player: usize, other: usize) -> Option<f64> {
        self.of(player).and(self.of(other))?;
        if player == other {
            return Some(0.5);
        }
        let (difference, Spread { variance, freedom }) = self.estimate.contrast(player, other);
        Some(student::below(difference / variance.sqrt(), freedom))
    }

    /// Score of `player` against `other` that the ratings predict, 0 to 1; `None` where either has no rating.
    pub fn expected_score(&self, player: usize, other: usize) -> Option<f64> {
        self.of(player).and(self.of(other))?;
        Some(logistic(self.estimate.strengths[player] - self.estimate.strengths[other]))
    }
}

/// Games of two players.
#[derive(Clone, Copy, Debug)]
struct Link {
    first: usize,
    second: usize,
    games: f64,
    points: f64,
    dispersion: Dispersion,
}

/// Maximum of the likelihood, with what its variance is computed from.
#[derive(Clone, Debug)]
struct Estimate {
    links: Vec<Link>,
    /// Strength of each player in units of the logistic function's argument, that of the anchor and of players without a
    /// rating 0.
    strengths: Vec<f64>,
    /// Players whose strength is estimated.
    free: Vec<bool>,
    maximum: f64,
    /// Inverse of the information: variance of the strengths if games were independent wins and losses.
    inverse: Vec<Vec<f64>>,
}

/// Variance and its degrees of freedom.
#[derive(Clone, Copy, Debug)]
struct Spread {
    variance: f64,
    freedom: f64,
}

impl Link {
    /// Information of the games about the difference of the two strengths.
    fn information(&self, strengths: &[f64]) -> f64 {
        let difference = strengths[self.first] - strengths[self.second];
        self.games * logistic(difference) * logistic(-difference)
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Logarithm of [`logistic`], exact for large negative arguments too.
fn log_logistic(x: f64) -> f64 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

impl Estimate {
    fn new(players: usize, anchor: usize, met: Vec<bool>, pairings: &[Pairing]) -> Estimate {
        let mut free = met;
        free[anchor] = false;
        let mut joined: Vec<Pairing> = Vec::new();
        for &pairing in pairings {
            let turned = Pairing { first: pairing.second, second: pairing.first, pairs: pairing.pairs.mirrored() };
            let pairing = if pairing.first < pairing.second { pairing } else { turned };
            match joined.iter_mut().find(|other| (other.first, other.second) == (pairing.first, pairing.second)) {
                Some(other) => other.pairs += pairing.pairs,
                None => joined.push(pairing),
            }
        }
        let links = joined.into_iter().map(|Pairing { first, second, pairs }| Link {
            first,
            second,
            games: pairs.games() as f64,
            points: pairs.points(),
            dispersion: pairs.dispersion(),
        });
        let mut estimate =
            Estimate { links: links.collect(), strengths: vec![0.0; players], free, maximum: 0.0, inverse: Vec::new() };
        let mut strengths = vec![0.0; players];
        (estimate.maximum, estimate.inverse) = estimate.maximise(&mut strengths, &estimate.free);
        estimate.strengths = strengths;
        estimate
    }

    fn information(&self, strengths: &[f64], free: &[bool]) -> Vec<Vec<f64>> {
        let players = strengths.len();
        let mut information = vec![vec![0.0; players]; players];
        for link in &self.links {
            let weight = link.information(strengths);
            let (a, b) = (link.first, link.second);
            information[a][a] += weight;
            information[b][b] += weight;
            information[a][b] -= weight;
            information[b][a] -= weight;
        }
        for fixed in (0..players).filter(|&player| !free[player]) {
            for row in &mut information {
                row[fixed] = 0.0;
            }
            information[fixed].fill(0.0);
            information[fixed][fixed] = 1.0;
        }
        information
    }

    /// Logarithm of the likelihood and of the prior, which is the square root of the information's determinant; and the
    /// inverse of the information.
    fn log_posterior(&self, strengths: &[f64]) -> (f64, Vec<Vec<f64>>) {
        let (inverse, log_determinant) = inverse(&self.information(strengths, &self.free));
        let of = |link: &Link| {
            let difference = strengths[link.first] - strengths[link.second];
            link.points * log_logistic(difference) + (link.games - link.points) * log_logistic(-difference)
        };
        (self.links.iter().map(of).sum::<f64>() + log_determinant / 2.0, inverse)
    }

    /// Moves the strengths of the players in `moving` to the maximum of likelihood and prior, whose logarithm it returns with
    /// the inverse of the information there: Fisher's scoring, with shorter steps where a whole one leads down.
    fn maximise(&self, strengths: &mut Vec<f64>, moving: &[bool]) -> (f64, Vec<Vec<f64>>) {
        let (mut value, mut inverse) = self.log_posterior(strengths);
        for _ in 0..200 {
            let mut gradient = vec![0.0; strengths.len()];
            for link in &self.links {
                let p = logistic(strengths[link.first] - strengths[link.second]);
                let (a, b) = (link.first, link.second);
                // The prior's part of the gradient: that of so many drawn games (Firth 1993).
                let drawn = link.information(strengths) * self.distance(&inverse, a, b);
                let surplus = link.points + drawn / 2.0 - (link.games + drawn) * p;
                gradient[a] += surplus;
                gradient[b] -= surplus;
            }
            gradient.iter_mut().zip(moving).filter(|(_, moving)| !**moving).for_each(|(g, _)| *g = 0.0);
            let (step, _) = solve(self.information(strengths, moving), gradient);
            let longest = step.iter().fold(0.0, |longest: f64, step| longest.max(step.abs()));
            let mut scale = (4.0 / longest).min(1.0);
            loop {
                let next: Vec<f64> =
                    strengths.iter().zip(&step).map(|(strength, step)| strength + scale * step).collect();
                let (there, inverse_there) = self.log_posterior(&next);
                if there >= value || scale < 1e-6 {
                    (value, inverse, *strengths) = (there, inverse_there, next);
                    break;
                }
                scale /= 2.0;
            }
            if scale * longest < 1e-7 {
                break;
            }
        }
        (value, inverse)
    }

    /// Variance of the difference of two strengths, given the inverse of the information.
    fn distance(&self, inverse: &[Vec<f64>], a: usize, b: usize) -> f64 {
        let entry =
            |row: usize, column: usize| if self.free[row] && self.free[column] { inverse[row][column] } else { 0.0 };
        entry(a, a) + entry(b, b) - 2.0 * entry(a, b)
    }

    /// Difference of two strengths, and its variance.
    fn contrast(&self, player: usize, other: usize) -> (f64, Spread) {
        let difference = self.strengths[player] - self.strengths[other];
        // Share of a link's surplus of points in the difference.
        let share = |at: usize| {
            let of = |row: usize| if self.free[row] && self.free[at] { self.inverse[row][at] } else { 0.0 };
            of(player) - of(other)
        };
        let (mut variance, mut uncertainty) = (0.0, 0.0);
        for link in &self.links {
            let independent = link.information(&self.strengths) * (share(link.first) - share(link.second)).powi(2);
            let part = link.dispersion.design_effect * independent;
            variance += part;
            uncertainty += part * part / link.dispersion.freedom;
        }
        // Welch and Satterthwaite's degrees of freedom of a sum of estimated variances.
        (difference, Spread { variance, freedom: variance * variance / uncertainty })
    }

    /// Bounds of the strength of `player` above the anchor: of the strengths that the games do not refute.
    ///
    /// A strength is refuted if, with the others refitted, twice the logarithm of the likelihood falls by more than Student's
    /// t squared, in units of the ratio of the variance from the pairs to that of independent games (the adjusted profile
    /// likelihood; Pace, Salvan, Sartori 2011).
    fn profile(&self, player: usize) -> (f64, f64) {
        let (strength, Spread { variance, freedom }) = (self.strengths[player], self.contrast_with_anchor(player));
        let naive = self.inverse[player][player];
        let fall = student::half_width(freedom).powi(2) * variance / naive / 2.0;
        let mut free = self.free.clone();
        free[player] = false;
        let bound = |direction: f64| {
            let mut strengths = self.strengths.clone();
            let mut refuted = |distance: f64| {
                strengths[player] = strength + direction * distance;
                self.maximum - self.maximise(&mut strengths, &free).0 > fall
            };
            let (mut inside, mut outside) = (0.0, variance.sqrt());
            while !refuted(outside) {
                (inside, outside) = (outside, 2.0 * outside);
                if outside > FARTHEST {
                    return direction * f64::INFINITY;
                }
            }
            while outside - inside > 1e-4 / ELO {
                let middle = f64::midpoint(inside, outside);
                *(if refuted(middle) { &mut outside } else { &mut inside }) = middle;
            }
            strength + direction * outside
        };
        (bound(-1.0), bound(1.0))
    }

    fn contrast_with_anchor(&self, player: usize) -> Spread {
        // The anchor, as every player that is not free, has a share of 0.
        let anchor = self.free.iter().position(|free| !free).expect("the anchor is not free");
        self.contrast(player, anchor).1
    }
}

/// Solution of `matrix · x = right` and the logarithm of the matrix's determinant: Gauss's elimination. The matrix is symmetric
/// and positive definite, so no rows need to be exchanged.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> (Vec<f64>, f64) {
    let n = right.len();
    for pivot in 0..n {
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let pivots = &above[pivot];
        for (row, entries) in below.iter_mut().enumerate() {
            let factor = entries[pivot] / pivots[pivot];
            if factor != 0.0 {
                entries.iter_mut().zip(pivots).skip(pivot).for_each(|(entry, above)| *entry -= factor * above);
                right[pivot + 1 + row] -= factor * right[pivot];
            }
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    (right, (0..n).map(|pivot| matrix[pivot][pivot].ln()).sum())
}

/// Inverse of a symmetric positive definite matrix, and the logarithm of the matrix's determinant.
fn inverse(matrix: &[Vec<f64>]) -> (Vec<Vec<f64>>, f64) {
    let unit = |column: usize| (0..matrix.len()).map(|row| f64::from(u8::from(row == column))).collect();
    let columns = (0..matrix.len()).map(|column| solve(matrix.to_vec(), unit(column)));
    let mut log_determinant = 0.0;
    let inverse = columns.map(|(column, logarithm)| {
        log_determinant = logarithm;
        column
    });
    (inverse.collect(), log_determinant)
}

#[cfg(test)]
mod tests {
    use super::super::elo;
    use super::*;

    fn pairing(first: usize, second: usize, complete: [usize; 5]) -> Pairing {
        Pairing { first, second, pairs: Pairs { complete, single: [0; 3] } }
    }

    #[test]
    fn two_players_differ_by_the_elo_of_their_score() {
        // 15 points of 20 games and half a point of the prior's one.
        let ratings = fit(2, 0, &[pairing(1, 0, [1, 0, 3, 0, 6])]);
        assert_eq!(ratings.of(0), Some(Rated { elo: 0.0, interval: (0.0, 0.0) }));
        let rated = ratings.of(1).expect("it met the anchor");
        assert!((rated.elo - elo(15.5 / 21.0)).abs() < 1e-6, "{rated:?}");
        let (low, high) = rated.interval;
        assert!(low > -60.0 && low < 60.0 && high > 350.0 && high < 500.0, "{rated:?}");
        // The same games, told by the other player and in two parts.
        let parts = [pairing(0, 1, [2, 0, 3, 0, 0]), pairing(1, 0, [1, 0, 0, 0, 4])];
        assert_eq!(fit(2, 0, &parts).of(1), Some(rated));
        let mirrored = fit(2, 1, &parts).of(0).expect("it met the anchor");
        assert!((mirrored.elo + rated.elo).abs() < 1e-6 && (mirrored.interval.0 + high).abs() < 1e-3, "{mirrored:?}");
    }

    #[test]
    fn a_chain_adds_up_and_the_fit_is_where_the_points_are_expected() {
        let links = [pairing(1, 0, [2, 0, 10, 0, 8]), pairing(2, 1, [0, 2, 5, 5, 8])];
        let ratings = fit(3, 0, &links);
        let elos: Vec<f64> = (0..3).map(|player| ratings.of(player).expect("all are linked").elo).collect();
        assert!((elos[1] - elo(26.5 / 41.0)).abs() < 1e-6, "{elos:?}");
        assert!((elos[2] - elos[1] - elo(30.0 / 41.0)).abs() < 1e-6, "{elos:?}");
        assert_eq!(ratings.ranking(), [2, 1, 0]);
        assert!((ratings.expected_score(1, 0).expect("both are rated") - 26.5 / 41.0).abs() < 1e-9);

        // With all three met, each player scores what is expected, but for at most the two drawn games of the prior.
        let links = [links[0], links[1], pairing(0, 2, [90, 10, 40, 30, 30])];
        let ratings = fit(3, 0, &links);
        for player in 0..3 {
            let mut surplus = 0.0;
            for link in links {
                let expected = ratings.expected_score(link.first, link.second).expect("all are rated");
                let difference = link.pairs.points() - expected * link.pairs.games() as f64;
                surplus += f64::from(i8::from(link.first == player) - i8::from(link.second == player)) * difference;
            }
            assert!(surplus.abs() < 1.0, "{player}: {surplus}");
        }
        let (forth, back) = (ratings.superiority(2, 1), ratings.superiority(1, 2));
        assert!((forth.expect("rated") + back.expect("rated") - 1.0).abs() < 1e-12);
        assert!(forth > Some(0.5) && ratings.superiority(1, 1) == Some(0.5));
    }

    #[test]
    fn players_that_no_game_bounds_have_an_open_interval() {
        let all = [0, 0, 0, 0, 20];
        let ratings =
            fit(6, 0, &[pairing(1, 0, [1, 2, 3, 4, 10]), pairing(2, 1, all), pairing(3, 2, all), pairing(0, 4, all)]);
        let rated = |player: usize| ratings.of(player).expect("it is linked");
        assert!(rated(1).interval.0.is_finite() && rated(1).interval.1.is_finite());
        for player in [2, 3] {
            assert!(
                rated(player).interval.0 > rated(player - 1).interval.0 && rated(player).interval.1 == f64::INFINITY
            );
        }
        assert!(rated(3).elo > rated(2).elo && rated(2).elo > rated(1).elo + 400.0 && rated(3).elo < 3000.0);
        assert!(rated(4).interval.0 == f64::NEG_INFINITY && rated(4).interval.1 < -300.0 && rated(4).elo > -1000.0);
        // Player 5 never played.
        assert_eq!((ratings.of(5), ratings.superiority(5, 1), ratings.expected_score(1, 5)), (None, None, None));
        assert_eq!(ratings.ranking(), [3, 2, 1, 0, 4]);
    }

    #[test]
    fn islands_without_the_anchor_have_no_rating() {
        let ratings = fit(4, 0, &[pairing(1, 0, [1, 1, 1, 1, 1]), pairing(2, 3, [1, 1, 1, 1, 1])]);
        assert!(ratings.of(1).is_some() && ratings.of(2).is_none() && ratings.of(3).is_none());
        assert!(fit(1, 0, &[]).of(0).is_some());
    }

    #[test]
    fn two_that_both_beat_a_third_always_are_not_bounded_by_it() {
        let all = [0, 0, 0, 0, 20];
        let ratings = fit(3, 1, &[pairing(1, 0, all), pairing(2, 0, all)]);
        assert_eq!(ratings.of(2).expect("linked").interval, (f64::NEG_INFINITY, f64::INFINITY));
        assert!((ratings.superiority(2, 1).expect("linked") - 0.5).abs() < 1e-9);
    }
}
