//! Journal of a sweep: its plan, then what came of each trial, one line of JSON an entry. It only grows, and each entry is
//! on the disk before the sweep acts on it, so that a sweep killed at any instant goes on from its journal.

use super::space::{Point, Space};
use super::strategy::{Rung, Strategy, random, rungs, startup, tpe};
use crate::durable::{append, write_atomically};
use crate::settings::{Layers, Settings};
use anyhow::{Context, Result, bail, ensure};
use keisei_play::rating::Tally;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// File name of the journal in the folder of a sweep.
pub const JOURNAL: &str = "journal.jsonl";

/// Version of the journal's format.
const VERSION: u32 = 1;

/// Opponent that stands for the agents which the default settings trained with the same budget, one for each seed.
pub const DEFAULT: &str = "default";

/// Opponents that need neither a file nor a program.
pub const BUILT_IN: [&str; 3] = ["random", "greedy", DEFAULT];

/// Plan of a sweep: together with the results it decides everything.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the format.
    pub version: u32,
    /// Settings that trials start from, as TOML; trial 0 has no other.
    pub settings: String,
    /// Settings that trials change.
    pub space: Space,
    /// Way to choose their values.
    pub strategy: Strategy,
    /// Number of trials beside that of the default settings.
    pub trials: usize,
    /// Values of each range in a grid.
    pub points: usize,
    /// Share of the trials that halving keeps: one in so many.
    pub eta: usize,
    /// Agents that each trial trains, with seeds one apart.
    pub seeds: usize,
    /// Budget of an agent in plies; in halving that of the last rung.
    pub plies: u64,
    /// Opponents as `evaluate --opponent` takes them, and [`DEFAULT`].
    pub opponents: Vec<String>,
    /// Games of an agent against each opponent.
    pub games: usize,
    /// Trials that TPE proposes beyond those whose results it knows, so that so many can be trained at once.
    pub ahead: usize,
}

/// Agent of a sweep: trial, seed and rung.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Agent {
    /// Rung of successive halving; 0 for other strategies.
    pub rung: usize,
    /// Number of the trial; 0 is that of the default settings.
    pub trial: usize,
    /// Number of the seed, from 0.
    pub seed: usize,
}

/// Entry of the journal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// First entry.
    Plan(Box<Plan>),
    /// A trial has these values.
    Proposed {
        /// Number of the trial.
        trial: usize,
        /// Its values, in the order of the space.
        point: Point,
    },
    /// An agent has spent its budget.
    Trained {
        /// The agent.
        agent: Agent,
    },
    /// An agent has played its matches.
    Played {
        /// The agent.
        agent: Agent,
        /// Its wins, draws and losses against each opponent of the plan.
        results: Vec<[usize; 3]>,
    },
    /// An agent could not be trained or could not play.
    Failed {
        /// The agent.
        agent: Agent,
        /// Last words of its process.
        reason: String,
    },
}

/// State of an agent.
#[derive(Clone, PartialEq, Debug)]
pub enum Progress {
    /// It has spent its budget.
    Trained,
    /// It has played; its results against each opponent.
    Played(Vec<Tally>),
    /// It failed, for this reason.
    Failed(String),
}

/// Sweep as its journal tells it.
pub struct Journal {
    path: PathBuf,
    /// Plan of the sweep.
    pub plan: Plan,
    /// Settings of trial 0.
    pub base: Settings,
    /// Rungs of successive halving; one with all trials for other strategies.
    pub rungs: Vec<Rung>,
    /// Values of each trial that is proposed, those of trial 0 empty.
    pub points: Vec<Point>,
    /// Outcome of each agent that is not still to be trained.
    pub agents: BTreeMap<Agent, Progress>,
}

impl Plan {
    /// Version that this program writes.
    pub const VERSION: u32 = VERSION;

    fn rungs(&self, base: &Settings) -> Vec<Rung> {
        match self.strategy {
            Strategy::Halving => rungs(self.trials, self.eta, self.plies, base.iteration_plies()),
            _ => vec![Rung { plies: self.plies, trials: self.trials }],
        }
    }
}

impl Journal {
    /// Journal of a new sweep in `folder`.
    ///
    /// # Errors
    /// If it cannot be written, or there is one already.
    pub fn start(folder: &Path, plan: Plan) -> Result<Self> {
        let path = folder.join(JOURNAL);
        if path.exists() {
            bail!("{0}: holds a sweep already; go on with --resume {0}, or choose another --out", folder.display());
        }
        write_atomically(&path, &line(&Entry::Plan(Box::new(plan.clone())))?)?;
        Self::new(path, plan)
    }

    /// Journal of the sweep in `folder`. Half an entry at its end, which a kill left, is cut off.
    ///
    /// # Errors
    /// If there is none, it cannot be read, or an entry is not one of this version.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(JOURNAL);
        let name = path.display().to_string();
        let bytes = std::fs::read(&path).with_context(|| format!("{name}: no sweep there to go on with"))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        if whole < bytes.len() {
            let file = std::fs::File::options().write(true).open(&path).with_context(|| name.clone())?;
            file.set_len(whole as u64).and_then(|()| file.sync_all()).with_context(|| name.clone())?;
        }
        let mut entries = bytes[..whole].split_inclusive(|&byte| byte == b'\n').enumerate().map(|(i, line)| {
            serde_json::from_slice::<Entry>(line).with_context(|| format!("{name}: line {}: not an entry", i + 1))
        });
        let plan = match entries.next().transpose()? {
            Some(Entry::Plan(plan)) => *plan,
            _ => bail!("{name}: does not begin with a plan"),
        };
        ensure!(plan.version == VERSION, "{name}: has version {}; this program reads {VERSION}", plan.version);
        let mut journal = Self::new(path, plan)?;
        for entry in entries {
            journal.note(entry?).with_context(|| name.clone())?;
        }
        Ok(journal)
    }

    fn new(path: PathBuf, plan: Plan) -> Result<Self> {
        let base = Settings::from_toml(&plan.settings)?;
        let rungs = plan.rungs(&base);
        Ok(Self { path, base, rungs, points: vec![Point::new()], agents: BTreeMap::new(), plan })
    }

    /// Adds an entry. It is on the disk when this returns.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, entry: Entry) -> Result<()> {
        append(&self.path, &line(&entry)?)?;
        self.note(entry)
    }

    fn note(&mut self, entry: Entry) -> Result<()> {
        match entry {
            Entry::Plan(_) => bail!("a second plan"),
            Entry::Proposed { trial, point } => {
                ensure!(trial == self.points.len(), "trial {trial} is proposed after trial {}", self.points.len() - 1);
                ensure!(point.len() == self.plan.space.dimensions.len(), "trial {trial} has {} values", point.len());
                self.points.push(point);
            }
            Entry::Trained { agent } => {
                self.agents.insert(agent, Progress::Trained);
            }
            Entry::Played { agent, results } => {
                ensure!(results.len() == self.plan.opponents.len(), "{} results of a match", results.len());
                let tally = |[wins, draws, losses]: [usize; 3]| Tally { wins, draws, losses };
                self.agents.insert(agent, Progress::Played(results.into_iter().map(tally).collect()));
            }
            Entry::Failed { agent, reason } => {
                self.agents.insert(agent, Progress::Failed(reason));
            }
        }
        Ok(())
    }

    /// Agents of a trial in a rung.
    pub fn agents_of(&self, rung: usize, trial: usize) -> impl Iterator<Item = Agent> + use<> {
        (0..self.plan.seeds).map(move |seed| Agent { rung, trial, seed })
    }

    /// Reason for which a trial failed in a rung, if it did.
    pub fn failure(&self, rung: usize, trial: usize) -> Option<&str> {
        self.agents_of(rung, trial).find_map(|agent| match self.agents.get(&agent) {
            Some(Progress::Failed(reason)) => Some(&**reason),
            _ => None,
        })
    }

    /// Score of each agent of a trial in a rung, once all have played; none before, or if one failed.
    pub fn scores(&self, rung: usize, trial: usize) -> Option<Vec<f64>> {
        let score = |agent| match self.agents.get(&agent) {
            Some(Progress::Played(tallies)) => Some(super::score::of_agent(tallies)),
            _ => None,
        };
        self.agents_of(rung, trial).map(score).collect()
    }

    /// Mean score of a trial in a rung.
    pub fn mean(&self, rung: usize, trial: usize) -> Option<f64> {
        self.scores(rung, trial).map(|scores| super::score::mean(&scores))
    }

    /// Whether nothing more comes of a trial in a rung.
    pub fn is_finished(&self, rung: usize, trial: usize) -> bool {
        self.failure(rung, trial).is_some() || self.scores(rung, trial).is_some()
    }

    /// Trials of a rung: trial 0, then those that are proposed, or the best of the rung before. None before that is finished.
    pub fn trials(&self, rung: usize) -> Vec<usize> {
        let Some(before) = rung.checked_sub(1) else { return (0..self.points.len()).collect() };
        let earlier = self.trials(before);
        let is_whole = if before == 0 { earlier.len() > self.plan.trials } else { !earlier.is_empty() };
        if !is_whole || earlier.iter().any(|&trial| !self.is_finished(before, trial)) {
            return Vec::new();
        }
        let scored = earlier[1..].iter().filter_map(|&trial| self.mean(before, trial).map(|mean| (mean, trial)));
        let mut best: Vec<(f64, usize)> = scored.collect();
        // Of equals the earlier one.
        best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut trials: Vec<usize> = best.into_iter().map(|(_, trial)| trial).take(self.rungs[rung].trials).collect();
        trials.sort_unstable();
        trials.insert(0, 0);
        trials
    }

    /// Values of the next trial, if it can be proposed now. It depends on the results of the trials that come at least
    /// `ahead` before it, and on no others, whichever are there.
    ///
    /// # Errors
    /// If the journal has a point that is not one of the space.
    pub fn proposal(&self) -> Result<Option<Point>> {
        let Plan { strategy, trials, space, points, ahead, .. } = &self.plan;
        let trial = self.points.len();
        if trial > *trials {
            return Ok(None);
        }
        Ok(match strategy {
            Strategy::Grid => Some(space.grid(*points, trial - 1)),
            Strategy::Tpe if trial > startup(*trials) => {
                let known = trial.saturating_sub(*ahead);
                if (1..=known).any(|earlier| !self.is_finished(0, earlier)) {
                    return Ok(None);
                }
                let tried = |earlier: usize| {
                    let score = if earlier <= known { self.mean(0, earlier) } else { None };
                    (&self.points[earlier], score)
                };
                let tried: Vec<_> = (1..trial).map(tried).collect();
                Some(tpe(space, self.base.seed, trial, &tried)?)
            }
            Strategy::Tpe | Strategy::Random | Strategy::Halving => Some(random(space, self.base.seed, trial)),
        })
    }

    /// Settings of an agent: those of its trial, its seed, and the budget of its rung.
    ///
    /// # Errors
    /// If the values of the trial do not go together.
    pub fn settings(&self, agent: Agent, threads: usize) -> Result<Settings> {
        let point = &self.points[agent.trial];
        let mut layers = Layers::new("plan", &self.base);
        for (dimension, value) in self.plan.space.dimensions.iter().zip(point) {
            layers = layers.put(&format!("trial {}", agent.trial), &dimension.key, value)?;
        }
        let mut settings = layers.settings()?;
        settings.seed = self.base.seed + agent.seed as u64;
        settings.run.plies = self.rungs[agent.rung].plies;
        settings.run.threads = threads;
        settings.validate()?;
        Ok(settings)
    }

    /// Folder of the journal.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Directory of the run of an agent, the same in all rungs.
    pub fn directory(&self, agent: Agent) -> PathBuf {
        self.folder()
            .join(format!("trial-{:03}", agent.trial))
            .join(format!("seed-{}", self.base.seed + agent.seed as u64))
    }
}

fn line(entry: &Entry) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry).context("an entry of the journal")?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Preset;

    fn plan(strategy: Strategy, trials: usize, ahead: usize) -> Plan {
        Plan {
            version: VERSION,
            settings: Preset::Tiny.settings().to_toml(),
            space: Space::new(&["ppo.clip_coef=0.1..0.3".to_owned()], None).expect("a space"),
            strategy,
            trials,
            points: 3,
            eta: 2,
            seeds: 1,
            plies: 256,
            opponents: vec!["random".to_owned()],
            games: 100,
            ahead,
        }
    }

    fn agent(rung: usize, trial: usize) -> Agent {
        Agent { rung, trial, seed: 0 }
    }

    /// Notes that a trial has won so many of a hundred games.
    fn win(journal: &mut Journal, rung: usize, trial: usize, wins: usize) {
        let entry = Entry::Played { agent: agent(rung, trial), results: vec![[wins, 0, 100 - wins]] };
        journal.add(entry).expect("written");
    }

    #[test]
    fn proposals_do_not_depend_on_the_order_in_which_trials_end() {
        let sweep = |later_first: bool| {
            let folder = tempfile::tempdir().expect("a folder");
            let mut journal = Journal::start(folder.path(), plan(Strategy::Tpe, 12, 3)).expect("started");
            let score = |trial: usize| 10 + 37 * trial % 60;
            let mut open: Vec<usize> = vec![0];
            while journal.points.len() <= 12 || !open.is_empty() {
                if let Some(point) = journal.proposal().expect("a proposal") {
                    let trial = journal.points.len();
                    journal.add(Entry::Proposed { trial, point }).expect("written");
                    open.push(trial);
                } else {
                    // Whichever ends first of those that are trained at the same time, the next proposal waits for what it needs.
                    let trial = if later_first { open.pop().expect("one") } else { open.remove(0) };
                    if trial == 5 {
                        let reason = "failed".to_owned();
                        journal.add(Entry::Failed { agent: agent(0, trial), reason }).expect("written");
                    } else {
                        win(&mut journal, 0, trial, score(trial));
                    }
                }
            }
            assert!(journal.proposal().expect("none").is_none());
            // What is read is what was written.
            let read = Journal::open(folder.path()).expect("opened");
            assert_eq!((&read.points, &read.agents, &read.plan), (&journal.points, &journal.agents, &journal.plan));
            journal.points
        };
        assert_eq!(sweep(false), sweep(true));
    }

    #[test]
    fn the_best_of_a_rung_go_on_once_all_of_it_have_played() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut journal = Journal::start(folder.path(), plan(Strategy::Halving, 4, 1)).expect("started");
        assert_eq!(journal.rungs.iter().map(|rung| rung.trials).collect::<Vec<_>>(), [4, 2, 1]);
        for trial in 1..=4 {
            let point = journal.proposal().expect("a proposal").expect("one");
            journal.add(Entry::Proposed { trial, point }).expect("written");
        }
        for (trial, wins) in [(0, 90), (1, 30), (3, 50), (4, 50)] {
            win(&mut journal, 0, trial, wins);
            assert!(journal.trials(1).is_empty());
        }
        journal.add(Entry::Failed { agent: agent(0, 2), reason: "it broke".to_owned() }).expect("written");
        assert_eq!(journal.trials(1), [0, 3, 4], "trial 0 stays whatever its score");
        for trial in [0, 3] {
            win(&mut journal, 1, trial, 50);
        }
        assert!(journal.trials(2).is_empty());
        win(&mut journal, 1, 4, 50);
        assert_eq!(journal.trials(2), [0, 3], "of equals the earlier one");
        assert_eq!(journal.settings(agent(2, 3), 1).expect("valid").run.plies, 256);
    }

    #[test]
    fn entries_that_contradict_the_plan_are_refused() {
        let check = |entry: &str, part: &str| {
            let folder = tempfile::tempdir().expect("a folder");
            Journal::start(folder.path(), plan(Strategy::Random, 2, 1)).expect("started");
            append(&folder.path().join(JOURNAL), entry.as_bytes()).expect("written");
            let error = format!("{:#}", Journal::open(folder.path()).err().expect(entry));
            assert!(error.contains("journal.jsonl") && error.contains(part), "{entry}: {error}");
        };
        check("{\"proposed\":{\"trial\":2,\"point\":[\"0.2\"]}}\n", "trial 2 is proposed after trial 0");
        check("{\"proposed\":{\"trial\":1,\"point\":[]}}\n", "trial 1 has 0 values");
        check("{\"played\":{\"agent\":{\"rung\":0,\"trial\":0,\"seed\":0},\"results\":[]}}\n", "0 results of a match");
        check("{\"lost\":{}}\n", "line 2: not an entry");
    }
}
