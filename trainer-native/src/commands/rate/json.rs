//! Results of a tournament as JSON for programs.

use keisei_play::rating::{Tally, Verdict};
use serde_json::{Value, json};

use super::{Outcome, Rating};

/// One line, with null for an infinite bound of an interval and for the rating of a player that no games link to the anchor.
pub(super) fn line(rating: &Rating, outcome: &Outcome) -> String {
    let Outcome { results, standings, .. } = outcome;
    let ratings = &standings.ratings;
    let order = standings.order();
    let name = |player: usize| &standings.names[player];
    let players = order.iter().enumerate().map(|(rank, &player)| {
        let rated = ratings.of(player);
        let next = order.get(rank + 1).and_then(|&next| ratings.superiority(player, next));
        let total = standings.total(player);
        let forfeits = &standings.forfeits[player];
        json!({
            "rank": rated.map(|_| rank + 1),
            "name": name(player),
            "player": rating.spellings[player].to_string(),
            "elo": rated.map(|rated| rated.elo),
            "elo_interval": rated.map(|rated| [rated.interval.0, rated.interval.1]),
            "games": total.games(),
            "score": (total.games() > 0).then(|| total.score()),
            "all": counts(total),
            "stronger_than_next": next,
            "forfeits": forfeits.count,
            "forfeit_reasons": forfeits.texts,
        })
    });
    let pairings = standings.pairings.iter().map(|pairing| {
        json!({
            "first": name(pairing.first),
            "second": name(pairing.second),
            "results": counts(standings.against(pairing.first, pairing.second)),
            "pentanomial": pairing.pairs.complete,
            "score": pairing.pairs.score(),
            "score_interval": pairing.pairs.score_interval(),
            "expected_score": ratings.expected_score(pairing.first, pairing.second),
            "first_stronger": ratings.superiority(pairing.first, pairing.second),
        })
    });
    let cycles = standings.cycles.iter().map(|cycle| {
        let names: Vec<&String> = cycle.players.into_iter().map(name).collect();
        json!({ "players": names, "scores": cycle.scores, "p_value": cycle.p_value })
    });
    let misfits = standings.misfits.iter().map(|misfit| {
        json!({
            "player": name(misfit.player),
            "opponent": name(misfit.opponent),
            "score": misfit.score,
            "expected_score": misfit.expected,
            "p_value": misfit.p_value,
        })
    });
    let line = json!({
        "games": results.games.len(),
        "finished": !outcome.is_broken_off,
        "schedule": rating.meetings(),
        "openings": rating.openings(),
        "max_plies": rating.args.conditions.max_plies,
        "seed": rating.args.conditions.seed,
        "visits": rating.args.visits,
        "temperature": rating.args.conditions.temperature,
        "arithmetic": rating.args.conditions.arithmetic.to_string(),
        "anchor": rating.anchor_name(),
        "players": players.collect::<Vec<_>>(),
        "pairings": pairings.collect::<Vec<_>>(),
        "cycles": cycles.collect::<Vec<_>>(),
        "misfits": misfits.collect::<Vec<_>>(),
        "sprt": test(rating, outcome),
    });
    format!("{line}\n")
}

fn test(rating: &Rating, outcome: &Outcome) -> Option<Value> {
    let sprt = rating.sprt?;
    let pairs = outcome.standings.pairings.first().map(|pairing| pairing.pairs).unwrap_or_default();
    let ((elo0, elo1), (alpha, beta)) = (sprt.hypotheses(), sprt.error_rates());
    Some(json!({
        "elo0": elo0,
        "elo1": elo1,
        "alpha": alpha,
        "beta": beta,
        "bounds": sprt.bounds(),
        "llr": sprt.log_likelihood_ratio(&pairs),
        "accepted": outcome.verdict.map(|verdict| match verdict {
            Verdict::Elo0 => elo0,
            Verdict::Elo1 => elo1,
        }),
        "expected_games_left": outcome.verdict.map_or(2.0 * sprt.expected_pairs(&pairs), |_| 0.0),
    }))
}

fn counts(Tally { wins, draws, losses }: Tally) -> Value {
    json!({ "wins": wins, "draws": draws, "losses": losses })
}
