//! Results of a tournament as tables for people.

use std::fmt::{Result, Write};

use keisei_play::rating::{Standings, Tally, Verdict};

use super::{Outcome, Rating};

/// All tables.
pub(super) fn tables(rating: &Rating, outcome: &Outcome) -> String {
    let mut text = String::new();
    write(&mut text, rating, outcome).expect("a string takes everything");
    text
}

fn write(text: &mut String, rating: &Rating, outcome: &Outcome) -> Result {
    let standings = &outcome.standings;
    let games = outcome.results.games.len();
    let (meetings, openings, seed) = (rating.meetings(), rating.openings(), rating.args.conditions.seed);
    writeln!(text, "{games} games: {meetings}; {openings}, seed {seed}\n")?;
    write_ranking(text, rating, standings)?;
    write_matrix(text, standings)?;
    write_notices(text, standings)?;
    write_test(text, rating, outcome)
}

fn write_ranking(text: &mut String, rating: &Rating, standings: &Standings) -> Result {
    let order = standings.order();
    let width = width(standings);
    let name = format!("player ({} = 0)", rating.anchor_name());
    let width = width.max(name.chars().count());
    writeln!(text, "| rank | {name:<width$} |   Elo | 95 % interval  | score | games | stronger than the next |")?;
    writeln!(text, "|-----:|:{:-<width$}-|------:|:--------------:|------:|------:|-----------------------:|", "")?;
    for (rank, &player) in order.iter().enumerate() {
        let total = standings.total(player);
        let (name, games) = (&standings.names[player], total.games());
        let score = if games == 0 { "–".to_owned() } else { format!("{:.3}", total.score()) };
        let Some(rated) = standings.ratings.of(player) else {
            writeln!(
                text,
                "|    – | {name:<width$} |     – | no games link it to the anchor | {score:>5} | {games:>5} | |"
            )?;
            continue;
        };
        let next = order.get(rank + 1).and_then(|&next| standings.ratings.superiority(player, next));
        let next = next.map_or(String::new(), percent);
        let interval = if player == standings.ratings.anchor() { "anchor".into() } else { interval(rated.interval) };
        let (rank, elo) = (rank + 1, signed(rated.elo));
        writeln!(
            text,
            "| {rank:>4} | {name:<width$} | {elo:>5} | {interval:^14} | {score:>5} | {games:>5} | {next:>22} |"
        )?;
    }
    let open = order.iter().filter_map(|&player| standings.ratings.of(player)).filter(|rated| {
        let (low, high) = rated.interval;
        low.is_infinite() || high.is_infinite()
    });
    if open.count() > 0 {
        writeln!(text, "\n… : no bound: such a player won, or lost, all games that link it to the anchor")?;
    }
    writeln!(text)
}

/// Results of each player (row) against each other (column).
fn write_matrix(text: &mut String, standings: &Standings) -> Result {
    let order = standings.order();
    // Before each name stands its rank.
    let width = (width(standings) + 3).max(18);
    let cell = |player, opponent| {
        let tally = standings.against(player, opponent);
        if tally.games() == 0 { String::new() } else { counts(tally) }
    };
    let cells = |player: usize| order.iter().map(move |&opponent| (opponent, cell(player, opponent)));
    let widest = order.iter().flat_map(|&player| cells(player)).map(|(_, cell)| cell.len()).max().unwrap_or(0).max(3);
    write!(text, "| {:<width$} |", "won-drawn-lost")?;
    (1..=order.len()).try_for_each(|rank| write!(text, " {rank:>widest$} |"))?;
    write!(text, "\n|:{:-<width$}-|", "")?;
    order.iter().try_for_each(|_| write!(text, "-{:->widest$}:|", ""))?;
    for (rank, &player) in order.iter().enumerate() {
        let name = format!("{} {}", rank + 1, standings.names[player]);
        write!(text, "\n| {name:<width$} |")?;
        for (opponent, cell) in cells(player) {
            let cell = if opponent == player { "–".to_owned() } else { cell };
            write!(text, " {cell:>widest$} |")?;
        }
    }
    writeln!(text, "\n")
}

fn write_notices(text: &mut String, standings: &Standings) -> Result {
    let name = |player: usize| &standings.names[player];
    for (player, forfeits) in standings.forfeits.iter().enumerate().filter(|(_, forfeits)| forfeits.count > 0) {
        writeln!(text, "{}: {forfeits}", name(player))?;
    }
    for cycle in &standings.cycles {
        let ([a, b, c], [ab, bc, ca]) = (cycle.players.map(name), cycle.scores);
        writeln!(
            text,
            "not transitive: {a} beats {b} ({ab:.3}), {b} beats {c} ({bc:.3}), {c} beats {a} ({ca:.3}); {}",
            chance(cycle.p_value)
        )?;
    }
    for misfit in &standings.misfits {
        let (player, opponent) = (name(misfit.player), name(misfit.opponent));
        writeln!(
            text,
            "off the scale: {player} scored {:.3} against {opponent}, where the ratings say {:.3}; {}",
            misfit.score,
            misfit.expected,
            chance(misfit.p_value)
        )?;
    }
    Ok(())
}

fn write_test(text: &mut String, rating: &Rating, outcome: &Outcome) -> Result {
    let Some(sprt) = rating.sprt else { return Ok(()) };
    let Some(pairing) = outcome.standings.pairings.first() else { return Ok(()) };
    let ((elo0, elo1), (alpha, beta)) = (sprt.hypotheses(), sprt.error_rates());
    let (ratio, (lower, upper)) = (sprt.log_likelihood_ratio(&pairing.pairs), sprt.bounds());
    let [n0, n1, n2, n3, n4] = pairing.pairs.complete;
    let (first, second) = (&outcome.standings.names[0], &outcome.standings.names[1]);
    writeln!(text, "test of {elo0} against {elo1} Elo for {first} over {second}, α = {alpha}, β = {beta}:")?;
    writeln!(text, "  LLR {ratio:+.2}, bounds {lower:+.2} and {upper:+.2}")?;
    writeln!(text, "  pairs with 0, ½, 1, 1½, 2 points: {n0}, {n1}, {n2}, {n3}, {n4}")?;
    match outcome.verdict {
        Some(Verdict::Elo1) => writeln!(text, "  accepted: {first} is stronger, by {elo1} Elo rather than by {elo0}"),
        Some(Verdict::Elo0) => writeln!(text, "  rejected: {first} is stronger by {elo0} Elo rather than by {elo1}"),
        None => {
            let rest = 2.0 * sprt.expected_pairs(&pairing.pairs);
            writeln!(text, "  undecided: about {rest:.0} more games are expected")
        }
    }
}

fn width(standings: &Standings) -> usize {
    standings.names.iter().map(|name| name.chars().count()).max().unwrap_or(0)
}

fn signed(elo: f64) -> String {
    format!("{:+.0}", elo + 0.0)
}

/// Interval with dots where it has no bound.
fn interval((low, high): (f64, f64)) -> String {
    let bound = |elo: f64| if elo.is_finite() { signed(elo) } else { "…".to_owned() };
    format!("{} to {}", bound(low), bound(high))
}

/// Probability in percent; never 100 or 0, which no games can show.
fn percent(probability: f64) -> String {
    match 100.0 * probability {
        percent if percent > 99.9 => "> 99.9 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

fn chance(p_value: f64) -> String {
    if p_value < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p_value:.4}") }
}

fn counts(Tally { wins, draws, losses }: Tally) -> String {
    format!("{wins}-{draws}-{losses}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_probabilities_in_words() {
        assert_eq!(interval((-12.4, 300.6)), "-12 to +301");
        assert_eq!(interval((700.0, f64::INFINITY)), "+700 to …");
        assert_eq!(signed(-0.0), "+0");
        assert_eq!((percent(0.99999), percent(0.5)), ("> 99.9 %".to_owned(), "50.0 %".to_owned()));
        assert_eq!((chance(1e-9), chance(0.0123)), ("p < 0.0001".to_owned(), "p = 0.0123".to_owned()));
    }
}
