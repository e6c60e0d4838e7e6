//! Trials of a sweep in their order: as text, and as JSON.

use super::journal::{DEFAULT, Journal, Plan, Progress};
use super::score::{CONFIDENCE, Spread, mean};
use super::space::Dimension;
use crate::commands::runs::table;
use crate::run::budget::plies_in_words;
use keisei_play::rating::Tally;
use serde_json::{Value as Json, json};

/// Trials of a sweep, the best first: those of the last rung, then of the rungs before, then those that failed or are not done.
pub struct Table {
    /// Plan of the sweep.
    pub plan: Plan,
    /// The trials.
    pub rows: Vec<Row>,
    /// Spread of the agents of one setting.
    pub spread: Spread,
    /// Whether all is done.
    pub is_done: bool,
}

/// Trial.
pub struct Row {
    /// Number; 0 is that of the default settings.
    pub trial: usize,
    /// Value of each setting that trials change.
    pub values: Vec<String>,
    /// Last rung in which it has a result, or the first.
    pub rung: usize,
    /// Budget of each of its agents there.
    pub plies: u64,
    /// Its outcome.
    pub outcome: Outcome,
}

/// Outcome of a trial.
pub enum Outcome {
    /// All its agents have played.
    Scored(Scored),
    /// An agent failed, for this reason.
    Failed(String),
    /// Something is still to be done.
    Unfinished,
}

/// Scores of a trial.
pub struct Scored {
    /// Mean over its agents, 0 to 1.
    pub mean: f64,
    /// 95 % interval of the mean.
    pub interval: (f64, f64),
    /// Score of each agent.
    pub agents: Vec<f64>,
    /// Results of all agents against each opponent.
    pub opponents: Vec<Tally>,
}

impl Table {
    /// Table of what the journal holds.
    pub fn new(journal: &Journal) -> Self {
        let base = journal.base.rows();
        let default_of = |dimension: &Dimension| {
            let row = base.iter().find(|row| row.setting.key == dimension.key);
            row.map_or_else(String::new, |row| row.value.to_string())
        };
        let trials = || 0..journal.points.len();
        let rungs = || (0..journal.rungs.len()).rev();
        let all: Vec<Vec<f64>> =
            rungs().flat_map(|rung| trials().filter_map(move |trial| journal.scores(rung, trial))).collect();
        let spread = Spread::within(&all);
        let row = |trial: usize| {
            let rung = rungs().find(|&rung| journal.is_finished(rung, trial)).unwrap_or(0);
            let outcome = match (journal.scores(rung, trial), journal.failure(rung, trial)) {
                (_, Some(reason)) => Outcome::Failed(reason.to_owned()),
                (None, None) => Outcome::Unfinished,
                (Some(agents), None) => {
                    let opponents = opponents(journal, rung, trial);
                    let games = opponents.iter().map(|tally| tally.games()).sum();
                    let interval = spread.interval(&agents, games);
                    Outcome::Scored(Scored { mean: mean(&agents), interval, agents, opponents })
                }
            };
            let values = match trial {
                0 => journal.plan.space.dimensions.iter().map(default_of).collect(),
                _ => journal.points[trial].clone(),
            };
            Row { trial, values, rung, plies: journal.rungs[rung].plies, outcome }
        };
        let mut rows: Vec<Row> = trials().map(row).collect();
        let order = |row: &Row| match &row.outcome {
            Outcome::Scored(scored) => (0, journal.rungs.len() - row.rung, -scored.mean),
            Outcome::Failed(_) => (1, 0, 0.0),
            Outcome::Unfinished => (2, 0, 0.0),
        };
        rows.sort_by(|a, b| {
            let ((a, rung_a, mean_a), (b, rung_b, mean_b)) = (order(a), order(b));
            (a, rung_a).cmp(&(b, rung_b)).then(mean_a.total_cmp(&mean_b))
        });
        let is_done = rows.len() > journal.plan.trials
            && (0..journal.rungs.len()).all(|rung| {
                let trials = journal.trials(rung);
                !trials.is_empty() && trials.iter().all(|&trial| journal.is_finished(rung, trial))
            });
        Self { plan: journal.plan.clone(), rows, spread, is_done }
    }

    /// The table for a person, and notes on what it can tell.
    pub fn text(&self) -> String {
        let plan = &self.plan;
        let has_rungs = self.rows.iter().any(|row| row.plies != plan.plies);
        let mut head: Vec<String> = ["", "trial"].map(ToOwned::to_owned).into();
        head.extend(plan.space.dimensions.iter().map(|dimension| dimension.key.clone()));
        head.extend(has_rungs.then(|| "plies".to_owned()));
        head.extend(["score", "95 % interval", "seeds"].map(ToOwned::to_owned));
        head.extend(plan.opponents.iter().map(|opponent| format!("vs {opponent}")));
        let cells = |(i, row): (usize, &Row)| {
            let trial = if row.trial == 0 { DEFAULT.to_owned() } else { row.trial.to_string() };
            let mut cells = vec![String::new(), trial];
            cells.extend(row.values.iter().cloned());
            cells.extend(has_rungs.then(|| plies_in_words(row.plies)));
            match &row.outcome {
                Outcome::Scored(Scored { mean, interval: (low, high), agents, opponents }) => {
                    cells[0] = format!("{}.", i + 1);
                    let agents: Vec<String> = agents.iter().map(|score| format!("{score:.3}")).collect();
                    cells.extend([format!("{mean:.3}"), format!("{low:.3} to {high:.3}"), agents.join(" ")]);
                    let score =
                        |tally: &Tally| if tally.games() > 0 { format!("{:.3}", tally.score()) } else { "-".into() };
                    cells.extend(opponents.iter().map(score));
                }
                Outcome::Failed(reason) => cells.extend(["failed".to_owned(), reason.clone()]),
                Outcome::Unfinished => cells.push("not done".to_owned()),
            }
            cells.resize(head.len().max(cells.len()), String::new());
            cells
        };
        let rows: Vec<Vec<String>> = self.rows.iter().enumerate().map(cells).collect();
        format!("{}\n{}\n", table(&head, &rows), self.notes().join("\n"))
    }

    /// Meaning of the scores, and whether the first trial can be told from the second and from the default settings.
    pub fn notes(&self) -> Vec<String> {
        let Plan { seeds, games, plies, strategy, .. } = &self.plan;
        let mut notes = vec![format!(
            "{strategy}, budget {} plies, {seeds} seed{} a trial, {games} games of each against each opponent; the score is their mean",
            plies_in_words(*plies),
            if *seeds == 1 { "" } else { "s" },
        )];
        if self.spread.freedom > 0 {
            notes.push(format!(
                "agents of one setting differ by a standard deviation of {:.3}; the intervals hold it",
                self.spread.deviation
            ));
        } else {
            notes.push(
                "with one seed a trial the intervals hold the chance of the games alone: seeds of one setting have been 131 Elo \
                 apart, so this order may be luck; --seeds 2 or more tells"
                    .to_owned(),
            );
        }
        let last = self.rows.first().map_or(0, |row| row.rung);
        let scored = |row: &Row| match &row.outcome {
            Outcome::Scored(scored) if row.rung == last => Some((row.trial, scored.mean)),
            _ => None,
        };
        let places: Vec<(usize, f64)> = self.rows.iter().filter_map(scored).collect();
        let Some(&first) = places.first() else { return notes };
        let mut others: Vec<(usize, f64)> = places.get(1).copied().into_iter().collect();
        others.extend(places.iter().skip(2).find(|(trial, _)| *trial == 0));
        for other in others {
            let name = |trial: usize| if trial == 0 { "the default".to_owned() } else { format!("trial {trial}") };
            let (one, two) = (name(first.0), name(other.0));
            let difference = first.1 - other.1;
            notes.push(match self.spread.seeds_to_tell(difference) {
                _ if difference == 0.0 => format!("{one} and {two} have the same score"),
                None => format!("{one} is {difference:.3} ahead of {two}"),
                Some(seeds) => {
                    format!("{one} is {difference:.3} ahead of {two}: it takes about {seeds} seeds of each to tell that from chance")
                }
            });
        }
        if self.plan.opponents.iter().any(|opponent| opponent == DEFAULT) {
            notes.push("the luck of the default's agents, which all trials meet, is in no interval".to_owned());
        }
        if places.len() > 2 {
            notes
                .push(format!("the best of {} is lucky as well as good: play it again with other seeds", places.len()));
        }
        notes
    }

    /// The table for programs.
    pub fn json(&self) -> Json {
        let Plan { space, strategy, trials, seeds, plies, opponents, games, .. } = &self.plan;
        let row = |row: &Row| {
            let values: serde_json::Map<String, Json> =
                space.dimensions.iter().zip(&row.values).map(|(dim, value)| (dim.key.clone(), typed(value))).collect();
            let mut json = json!({ "trial": row.trial, "settings": values, "rung": row.rung, "plies": row.plies });
            match &row.outcome {
                Outcome::Scored(scored) => {
                    let against = |(opponent, tally): (&String, &Tally)| json!({ "opponent": opponent, "wins": tally.wins, "draws": tally.draws, "losses": tally.losses });
                    json["score"] = scored.mean.into();
                    json["interval"] = json!([scored.interval.0, scored.interval.1]);
                    json["seeds"] = scored.agents.clone().into();
                    json["results"] = opponents.iter().zip(&scored.opponents).map(against).collect();
                }
                Outcome::Failed(reason) => json["failed"] = reason.clone().into(),
                Outcome::Unfinished => {}
            }
            json
        };
        let space: serde_json::Map<String, Json> =
            space.dimensions.iter().map(|dim| (dim.key.clone(), dim.spelling.clone().into())).collect();
        json!({
            "strategy": strategy,
            "space": space,
            "budget_plies": plies,
            "trials": trials,
            "seeds": seeds,
            "opponents": opponents,
            "games": games,
            "confidence": CONFIDENCE,
            "deviation_between_seeds": (self.spread.freedom > 0).then_some(self.spread.deviation),
            "done": self.is_done,
            "table": self.rows.iter().map(row).collect::<Json>(),
            "notes": self.notes(),
        })
    }
}

/// Results of a trial's agents together, against each opponent.
fn opponents(journal: &Journal, rung: usize, trial: usize) -> Vec<Tally> {
    let mut sums = vec![Tally::default(); journal.plan.opponents.len()];
    for agent in journal.agents_of(rung, trial) {
        if let Some(Progress::Played(tallies)) = journal.agents.get(&agent) {
            sums.iter_mut().zip(tallies).for_each(|(sum, &tally)| *sum += tally);
        }
    }
    sums
}

/// Value of a setting as JSON: a number or a truth where it reads as one.
fn typed(value: &str) -> Json {
    match serde_json::from_str(value) {
        Ok(number @ (Json::Number(_) | Json::Bool(_))) => number,
        _ => value.into(),
    }
}
