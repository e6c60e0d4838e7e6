//! Simulated players: how often intervals cover the truth, and how often sequential tests err.
//!
//! The tests run a few cells of the tables with few trials. The tables of `docs/rating.md` are what the ignored tests print:
//!
//! ```text
//! cargo test --release -p keisei-play --lib rating::simulated -- --ignored --nocapture
//! ```

use keisei_core::random::SplitMix64;

use super::*;

/// Dependence between the two games of a pair, and draws.
#[derive(Clone, Copy, Debug)]
struct Dependence {
    name: &'static str,
    /// Standard deviation, from opening to opening, of the player's advantage in both games, in units of the logistic function.
    player: f64,
    /// Standard deviation of Black's advantage, which each player has in one game.
    color: f64,
    /// Advantage that a win needs.
    draws: f64,
}

const fn dependence(name: &'static str, player: f64, color: f64, draws: f64) -> Dependence {
    Dependence { name, player, color, draws }
}

const DEPENDENCES: [Dependence; 10] = [
    dependence("independent games", 0.0, 0.0, 0.0),
    dependence("openings suit a player", 0.8, 0.0, 0.0),
    dependence("openings much suit a player", 3.0, 0.0, 0.0),
    dependence("openings suit a colour", 0.0, 1.0, 0.0),
    dependence("openings much suit a colour", 0.0, 2.5, 0.0),
    dependence("openings decide which colour wins", 0.0, 6.0, 0.0),
    dependence("draws", 0.0, 0.0, 0.7),
    dependence("draws, suit a player", 1.0, 0.5, 0.7),
    dependence("draws, suit a colour", 0.0, 2.0, 1.5),
    dependence("nearly all draws", 0.0, 0.0, 4.0),
];

impl Dependence {
    /// Probabilities that a pair scores 0, ½, 1, 1½ and 2 points, for a player with the mean score `score`.
    fn probabilities(self, score: f64) -> [f64; 5] {
        let (mut low, mut high) = (-40.0, 40.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            let mean: f64 = self.at(middle).iter().zip([0.0, 0.25, 0.5, 0.75, 1.0]).map(|(p, s)| p * s).sum();
            *(if mean < score { &mut low } else { &mut high }) = middle;
        }
        self.at(low)
    }

    fn at(self, advantage: f64) -> [f64; 5] {
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        let results = |x: f64| {
            let (won, lost) = (logistic(x - self.draws), logistic(-x - self.draws));
            [lost, 1.0 - won - lost, won]
        };
        let mut probabilities = [0.0; 5];
        for (player, weight) in normal(self.player) {
            for (color, more) in normal(self.color) {
                let games = [results(advantage + player + color), results(advantage + player - color)];
                for (i, first) in games[0].iter().enumerate() {
                    games[1]
                        .iter()
                        .enumerate()
                        .for_each(|(j, second)| probabilities[i + j] += weight * more * first * second);
                }
            }
        }
        probabilities
    }
}

/// Points and weights of a normal distribution.
fn normal(deviation: f64) -> Vec<(f64, f64)> {
    if deviation == 0.0 {
        return vec![(0.0, 1.0)];
    }
    let points = (-20..=20).map(|i| f64::from(i) * 0.2).map(|x| (deviation * x, (-x * x / 2.0).exp()));
    let total: f64 = points.clone().map(|(_, weight)| weight).sum();
    points.map(|(x, weight)| (x, weight / total)).collect()
}

/// Result, 0 to 4 half points, of a random pair.
fn pair(random: &mut SplitMix64, probabilities: &[f64; 5]) -> usize {
    let mut rest = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    probabilities
        .iter()
        .take(4)
        .take_while(|p| {
            rest -= **p;
            rest >= 0.0
        })
        .count()
}

fn pairs(random: &mut SplitMix64, probabilities: &[f64; 5], count: usize) -> Pairs {
    let mut pairs = Pairs::default();
    (0..count).for_each(|_| pairs.complete[pair(random, probabilities)] += 1);
    pairs
}

/// Share of score intervals that cover the true score.
fn coverage(dependence: Dependence, score: f64, games: usize, trials: usize) -> f64 {
    let probabilities = dependence.probabilities(score);
    let mut random = SplitMix64(games as u64);
    let covers = |_: &usize| {
        let (low, high) = pairs(&mut random, &probabilities, games / 2).score_interval();
        low <= score && score <= high
    };
    (0..trials).filter(covers).count() as f64 / trials as f64
}

const SCORES: [f64; 7] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98];

#[test]
fn intervals_of_scores_cover() {
    for dependence in [0, 2, 5, 8].map(|at| DEPENDENCES[at]) {
        for score in SCORES {
            for games in [8, 32, 100, 200] {
                let share = coverage(dependence, score, games, 400);
                // Three and a half standard deviations of 400 trials are 4 %.
                assert!(share > 0.91, "{}, {score}, {games} games: {share}", dependence.name);
                let narrow = games >= 100 && score <= 0.8 && dependence.color < 6.0;
                assert!(!narrow || share < 0.995, "{}, {score}, {games} games: {share}", dependence.name);
            }
        }
    }
}

#[test]
#[ignore = "prints a table"]
fn table_of_score_intervals() {
    let mut counts = [0; 3];
    println!("| pairs of games | games | {} |", SCORES.map(|score| score.to_string()).join(" | "));
    println!("|:--|--:|{}", "--:|".repeat(SCORES.len()));
    for dependence in DEPENDENCES {
        for games in [8, 16, 32, 64, 100, 200, 400] {
            let shares = SCORES.map(|score| coverage(dependence, score, games, 40_000));
            for share in shares {
                counts[usize::from(share >= 0.94) + usize::from(share > 0.97)] += 1;
            }
            println!(
                "| {} | {games} | {} |",
                dependence.name,
                shares.map(|share| format!("{:.1}", 100.0 * share)).join(" | ")
            );
        }
    }
    println!("below 94 %: {}, 94 to 97 %: {}, above: {}", counts[0], counts[1], counts[2]);
}

/// Tournament of players whose ratings are known.
struct Tournament {
    name: &'static str,
    elos: Vec<f64>,
    pairings: Vec<(usize, usize)>,
}

fn evenly(players: usize, distance: f64) -> Vec<f64> {
    (0..players).map(|player| distance * player as f64).collect()
}

fn round_robin(players: usize) -> Vec<(usize, usize)> {
    (0..players).flat_map(|a| (0..a).map(move |b| (a, b))).collect()
}

fn tournaments() -> Vec<Tournament> {
    let chain = |players: usize| (1..players).map(|a| (a, a - 1)).collect();
    vec![
        Tournament { name: "2 players, 100 Elo", elos: evenly(2, 100.0), pairings: round_robin(2) },
        Tournament { name: "2 players, 400 Elo", elos: evenly(2, 400.0), pairings: round_robin(2) },
        Tournament { name: "round robin of 6, 60 Elo apart", elos: evenly(6, 60.0), pairings: round_robin(6) },
        Tournament { name: "round robin of 6, 200 Elo apart", elos: evenly(6, 200.0), pairings: round_robin(6) },
        Tournament { name: "round robin of 8, 350 Elo apart", elos: evenly(8, 350.0), pairings: round_robin(8) },
        Tournament { name: "ladder of 6, 200 Elo apart", elos: evenly(6, 200.0), pairings: chain(6) },
        Tournament {
            name: "gauntlet of 6, 0 to 500",
            elos: evenly(6, 100.0),
            pairings: (0..5).map(|a| (5, a)).collect(),
        },
    ]
}

/// Share of intervals of ratings, over all players but the anchor, that cover; and the lowest of any player.
fn coverage_of_ratings(tournament: &Tournament, dependence: Dependence, games: usize, trials: usize) -> (f64, f64) {
    let players = tournament.elos.len();
    let probabilities: Vec<[f64; 5]> = tournament
        .pairings
        .iter()
        .map(|&(a, b)| dependence.probabilities(expected_score(tournament.elos[a] - tournament.elos[b])))
        .collect();
    let mut random = SplitMix64(games as u64);
    let mut covered = vec![0u32; players];
    for _ in 0..trials {
        let played: Vec<Pairing> = tournament
            .pairings
            .iter()
            .zip(&probabilities)
            .map(|(&(first, second), p)| Pairing { first, second, pairs: pairs(&mut random, p, games / 2) })
            .collect();
        let ratings = fit(players, 0, &played);
        for ((rated, elo), covered) in ratings.rated().iter().zip(&tournament.elos).zip(&mut covered) {
            let (low, high) = rated.expect("all players are linked").interval;
            *covered += u32::from((low..=high).contains(elo));
        }
    }
    let shares = || covered[1..].iter().map(|&count| f64::from(count) / trials as f64);
    (shares().sum::<f64>() / (players - 1) as f64, shares().fold(1.0, f64::min))
}

#[test]
fn intervals_of_ratings_cover() {
    for tournament in [1, 3].map(|at| tournaments().swap_remove(at)) {
        for dependence in [0, 4].map(|at| DEPENDENCES[at]) {
            for games in [20, 100] {
                let (share, lowest) = coverage_of_ratings(&tournament, dependence, games, 150);
                let cell = format!("{}, {}, {games} games: {share}, {lowest}", tournament.name, dependence.name);
                // Three standard deviations of 150 trials are 5 %.
                assert!(share > 0.91 && lowest > 0.89, "{cell}");
                assert!(games < 100 || share < 0.998, "{cell}");
            }
        }
    }
}

#[test]
#[ignore = "prints a table"]
fn table_of_intervals_of_ratings() {
    println!("| tournament | pairs of games | 8 | 20 | 100 | 400 |\n|:--|:--|--:|--:|--:|--:|");
    for tournament in tournaments() {
        for dependence in [0, 2, 4, 7, 8].map(|at| DEPENDENCES[at]) {
            let cells = [8, 20, 100, 400].map(|games| {
                let (share, lowest) = coverage_of_ratings(&tournament, dependence, games, 1000);
                format!("{:.1} ({:.1})", 100.0 * share, 100.0 * lowest)
            });
            println!("| {} | {} | {} |", tournament.name, dependence.name, cells.join(" | "));
        }
    }
}

/// Share of tests that accept `elo1`, and mean number of pairs, if the true difference is `truth`.
fn tests(sprt: &Sprt, dependence: Dependence, truth: f64, trials: usize) -> (f64, f64) {
    let probabilities = dependence.probabilities(expected_score(truth));
    let mut random = SplitMix64(truth.to_bits());
    let (mut stronger, mut played) = (0, 0);
    for _ in 0..trials {
        let mut seen = Pairs::default();
        let verdict = loop {
            seen.complete[pair(&mut random, &probabilities)] += 1;
            played += 1;
            if let Some(verdict) = sprt.verdict(&seen) {
                break verdict;
            }
        };
        stronger += usize::from(verdict == Verdict::Elo1);
    }
    (stronger as f64 / trials as f64, f64::from(played) / trials as f64)
}

const SPRTS: [(f64, f64); 4] = [(0.0, 20.0), (0.0, 50.0), (-10.0, 60.0), (0.0, 150.0)];

#[test]
fn tests_err_no_more_often_than_they_say() {
    for (elo0, elo1) in [SPRTS[1], SPRTS[3]] {
        let sprt = Sprt::new(elo0, elo1, 0.05, 0.05).expect("valid");
        for dependence in [0, 1, 4].map(|at| DEPENDENCES[at]) {
            let (alpha, _) = tests(&sprt, dependence, elo0, 400);
            let (power, _) = tests(&sprt, dependence, elo1, 400);
            // Three standard deviations of 400 trials are 3.3 %.
            assert!(alpha < 0.083 && power > 0.917, "{elo0} {elo1} {}: {alpha} {power}", dependence.name);
        }
    }
}

/// Log-likelihood ratio of a test that takes each game for independent of its partner: the trinomial test.
fn trinomial_verdict(sprt: &Sprt, games: [usize; 3]) -> Option<Verdict> {
    // With each game as half a pair, only the scale differs: the results 0, 1 and 2 of a "pair" are the game's.
    sprt.verdict(&Pairs { complete: [games[0], 0, games[1], 0, games[2]], single: [0; 3] })
}

#[test]
fn pairs_need_fewer_games_than_lone_games_where_openings_suit_a_color() {
    let sprt = Sprt::new(0.0, 50.0, 0.05, 0.05).expect("valid");
    let dependence = DEPENDENCES[4];
    let probabilities = dependence.probabilities(expected_score(50.0));
    let (_, pairs_alone) = tests(&sprt, dependence, 50.0, 300);
    let mut random = SplitMix64(9);
    let mut games_played = 0;
    for _ in 0..300 {
        let mut games = [0; 3];
        loop {
            // The pair's points as two games: without draws, 0, 1 or 2 wins.
            let wins = pair(&mut random, &probabilities) / 2;
            games[0] += 2 - wins;
            games[2] += wins;
            games_played += 2;
            if trinomial_verdict(&sprt, games).is_some() {
                break;
            }
        }
    }
    let ratio = 2.0 * pairs_alone / (f64::from(games_played) / 300.0);
    assert!(ratio < 0.8, "{ratio}");
}

#[test]
fn the_expected_length_is_that_of_simulated_tests() {
    let sprt = Sprt::new(0.0, 50.0, 0.05, 0.05).expect("valid");
    for dependence in [DEPENDENCES[0], DEPENDENCES[4]] {
        for truth in [0.0, 50.0, 90.0] {
            let expected = sprt.expected_pairs_of(&dependence.probabilities(expected_score(truth)), 0.0);
            let (_, found) = tests(&sprt, dependence, truth, 300);
            assert!((found / expected - 1.0).abs() < 0.25, "{} {truth}: {found} is not {expected}", dependence.name);
        }
    }
}

#[test]
#[ignore = "prints a table"]
fn table_of_sequential_tests() {
    println!("| elo0, elo1 | pairs of games | α | 1 − power | pairs at elo0 | expected | at elo1 | expected |");
    println!("|:--|:--|--:|--:|--:|--:|--:|--:|");
    for (elo0, elo1) in SPRTS {
        let sprt = Sprt::new(elo0, elo1, 0.05, 0.05).expect("valid");
        for dependence in [0, 2, 4, 7].map(|at| DEPENDENCES[at]) {
            let lengths =
                [elo0, elo1].map(|elo| sprt.expected_pairs_of(&dependence.probabilities(expected_score(elo)), 0.0));
            let ((alpha, at0), (power, at1)) =
                (tests(&sprt, dependence, elo0, 5000), tests(&sprt, dependence, elo1, 5000));
            println!(
                "| {elo0}, {elo1} | {} | {:.1} % | {:.1} % | {at0:.0} | {:.0} | {at1:.0} | {:.0} |",
                dependence.name,
                100.0 * alpha,
                100.0 * (1.0 - power),
                lengths[0],
                lengths[1]
            );
        }
    }
}
