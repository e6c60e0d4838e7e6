//! League of a run: frozen opponents for self-play, the best agent so far, and averaged weights.
//!
//! | module | holds |
//! |---|---|
//! | [`snapshot`] | the network at an iteration, frozen, and its file |
//! | [`matchmaking`] | how often the learner meets each snapshot, by its score against it |
//! | [`gate`] | the match that decides whether the newest agent is the best so far |
//! | [`average`] | moving average of the weights |
//!
//! Nothing here depends on the clock or on threads: a run that is killed and goes on has the same league as one that never stopped.

pub mod snapshot;
pub mod matchmaking;
pub mod gate;
pub mod average;

pub use self::average::Average;
pub use self::gate::Gate;
pub use self::matchmaking::Score;
pub use self::snapshot::{FOLDER, Snapshot, Snapshots};

use self::gate::RunningGate;
use self::matchmaking::ENOUGH;
use crate::durable::{FileDigest, remove};
use crate::event::{GateMatch, LeagueMetrics, Verdict};
use crate::run::interval::Interval;
use crate::selfplay::Pool;
use crate::settings::Settings;
use crate::totals::Totals;
use anyhow::{Context, Result, ensure};
use keisei_core::format::model::Model;
use keisei_core::learn::{EndedGame, Matchmaking};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// State of the league between two iterations; part of a checkpoint. Snapshots are named by the iteration after which they were taken.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct LeagueState {
    /// Files of all snapshots that the run still needs.
    pub files: BTreeMap<u32, FileDigest>,
    /// Snapshots that the learner meets, with its score against each.
    pub pool: BTreeMap<u32, Score>,
    /// The best agent so far.
    pub best: Option<u32>,
    /// The gate that is not decided yet.
    pub gate: Option<Gate>,
}

impl LeagueState {
    /// The state without what the settings have switched off, for games in progress against the snapshots `playing`.
    #[must_use]
    pub fn under(mut self, settings: &Settings, playing: &BTreeSet<u32>) -> Self {
        if settings.gate.plies == 0 {
            (self.best, self.gate) = (None, None);
        }
        self.arrange_pool(settings);
        self.forget_all_but(playing);
        self
    }

    /// Puts the best agent into the pool, and takes out whatever has had its time.
    fn arrange_pool(&mut self, settings: &Settings) {
        if settings.league.share == 0.0 {
            self.pool.clear();
            return;
        }
        let Self { pool, best, .. } = self;
        let spaced = |&&iteration: &&u32| snapshot::is_log_spaced(iteration);
        let kept: BTreeSet<u32> =
            pool.keys().rev().filter(spaced).take(settings.league.snapshots).copied().chain(*best).collect();
        pool.retain(|iteration, _| kept.contains(iteration));
        if let Some(best) = *best {
            pool.entry(best).or_default();
        }
    }

    /// Drops the files of snapshots that are no longer needed.
    fn forget_all_but(&mut self, playing: &BTreeSet<u32>) {
        let mut files = std::mem::take(&mut self.files);
        files.retain(|&iteration, _| self.use_of(iteration).is_some() || playing.contains(&iteration));
        self.files = files;
    }

    /// Purpose of a snapshot for the user; none if only a game in progress needs it.
    fn use_of(&self, iteration: u32) -> Option<&'static str> {
        if self.best == Some(iteration) {
            return Some("the best agent");
        }
        if self.gate.as_ref().is_some_and(|gate| gate.holds(iteration)) {
            return Some("an agent in the gate's match");
        }
        self.pool.contains_key(&iteration).then_some("an opponent in the pool")
    }

    /// Reads the files of all snapshots from the directory `run`.
    ///
    /// # Errors
    /// Names the first file that is gone or not what was written, what it is for, and what to do.
    pub fn load(&self, run: &Path, settings: &Settings) -> Result<Snapshots> {
        let load = |(&iteration, file): (&u32, &FileDigest)| {
            let purpose = self.use_of(iteration).unwrap_or("the opponent of a game in progress");
            let is_gated = self.best == Some(iteration) || self.gate.as_ref().is_some_and(|gate| gate.holds(iteration));
            let without = match (is_gated, self.pool.contains_key(&iteration)) {
                (true, true) => "--set league.share=0 --set gate.plies=0",
                (true, false) => "--set gate.plies=0",
                (false, _) => "--set league.share=0",
            };
            let snapshot = Snapshot::load(&run.join(FOLDER), file, settings).with_context(|| {
                format!(
                    "the snapshot of iteration {iteration} is {purpose}, and cannot be used: give its file back, go on \
                     without it ({without}), or resume an older checkpoint (--from-iteration)"
                )
            })?;
            Ok((iteration, Arc::new(snapshot)))
        };
        self.files.iter().map(load).collect()
    }
}

/// League of a run in progress: its state, the networks of its snapshots, and the gate's match that is being played.
#[derive(Default)]
pub struct League {
    state: LeagueState,
    snapshots: Snapshots,
    gate: Option<RunningGate>,
}

impl League {
    /// The league of a state, with the snapshots of its files. The match of an undecided gate is played again.
    ///
    /// # Errors
    /// If a snapshot is missing.
    pub fn resume(state: LeagueState, snapshots: Snapshots, settings: &Settings) -> Result<Self> {
        for iteration in state.files.keys() {
            ensure!(snapshots.contains_key(iteration), "the snapshot of iteration {iteration} is missing");
        }
        let gate = state.gate.as_ref().map(|gate| RunningGate::start(gate, &snapshots, settings)).transpose()?;
        Ok(Self { state, snapshots, gate })
    }

    /// State for a checkpoint.
    pub fn state(&self) -> &LeagueState {
        &self.state
    }

    /// Snapshots that the run still needs.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// Opponents of an iteration: the chances of those in the pool, and their weights and those of the opponents that are `playing`.
    pub fn opponents(&self, settings: &Settings, playing: &BTreeSet<u32>) -> Pool<'_> {
        let weights = matchmaking::weights(&self.state.pool, settings.league.weighting);
        let is_met = |iteration| self.state.pool.contains_key(iteration) || playing.contains(iteration);
        let met = self.snapshots.iter().filter(|&(iteration, _)| is_met(iteration));
        Pool {
            matchmaking: Matchmaking { share: settings.league.share, weights },
            weights: met.map(|(&iteration, snapshot)| (iteration, &snapshot.model.weights)).collect(),
        }
    }

    /// Takes note of an iteration: scores the games that `ended`, decides a gate and begins the next one if that is due after
    /// `plies_before`, and takes a snapshot of `model` if one is due. `playing` are the opponents of the games in progress.
    ///
    /// # Errors
    /// If the gate's thread fails or cannot be started.
    pub fn follow(
        &mut self,
        settings: &Settings,
        plies_before: u64,
        done: &Totals,
        model: &dyn Fn() -> Model,
        ended: &[EndedGame],
        playing: &BTreeSet<u32>,
    ) -> Result<(LeagueMetrics, Option<GateMatch>)> {
        let games = self.score(ended);
        let iteration = u32::try_from(done.iterations).context("iterations of a run with a league")?;
        let mut decided = None;
        if Interval(settings.gate.plies).crossed(plies_before, done.plies) {
            decided = self.decide(done)?;
            self.begin_gate(settings, iteration, model)?;
        }
        if settings.league.share > 0.0 && snapshot::is_log_spaced(iteration) {
            self.freeze(iteration, model)?;
            self.state.pool.entry(iteration).or_default();
        }
        self.state.arrange_pool(settings);
        self.state.forget_all_but(playing);
        self.snapshots.retain(|iteration, _| self.state.files.contains_key(iteration));
        Ok((self.metrics(games), decided))
    }

    /// Adds the games against the pool to the learner's scores; returns their number.
    fn score(&mut self, ended: &[EndedGame]) -> u64 {
        let mut games = 0;
        for (opponent, points) in ended.iter().filter_map(matchmaking::points) {
            games += 1;
            if let Some(score) = self.state.pool.get_mut(&opponent) {
                score.add(points);
            }
        }
        games
    }

    /// The verdict of the gate in progress, if there is one: waits for its match.
    fn decide(&mut self, done: &Totals) -> Result<Option<GateMatch>> {
        let (Some(gate), Some(running)) = (self.state.gate.take(), self.gate.take()) else { return Ok(None) };
        let decided = running.wait(&gate, done)?;
        if decided.verdict == Verdict::Promoted {
            self.state.best = Some(gate.challenger);
        }
        Ok(Some(decided))
    }

    /// Begins the gate of the newest agent against the best; the first agent is the best without a match.
    fn begin_gate(&mut self, settings: &Settings, challenger: u32, model: &dyn Fn() -> Model) -> Result<()> {
        self.freeze(challenger, model)?;
        match self.state.best {
            None => self.state.best = Some(challenger),
            Some(best) => {
                let gate = Gate::new(settings.seed, challenger, best);
                self.gate = Some(RunningGate::start(&gate, &self.snapshots, settings)?);
                self.state.gate = Some(gate);
            }
        }
        Ok(())
    }

    fn freeze(&mut self, iteration: u32, model: &dyn Fn() -> Model) -> Result<()> {
        if !self.snapshots.contains_key(&iteration) {
            let snapshot = Snapshot { model: model() };
            self.state.files.insert(iteration, snapshot.file()?);
            self.snapshots.insert(iteration, Arc::new(snapshot));
        }
        Ok(())
    }

    fn metrics(&self, pool_games: u64) -> LeagueMetrics {
        let pool = &self.state.pool;
        let known = pool.iter().filter(|(_, score)| score.games >= ENOUGH);
        let pool_scores: BTreeMap<String, f64> =
            known.map(|(iteration, score)| (format!("{iteration:08}"), score.mean())).collect();
        LeagueMetrics {
            pool_snapshots: pool.len() as u64,
            pool_games,
            pool_lowest: pool_scores.values().copied().min_by(f64::total_cmp),
            pool_scores,
            best_iteration: self.state.best,
        }
    }
}

/// Deletes the files of snapshots in the directory `run` that no checkpoint needs, of which `needed` are the names.
///
/// # Errors
/// If the folder cannot be read or a file cannot be deleted.
pub fn prune(run: &Path, needed: &BTreeSet<String>) -> Result<()> {
    let superfluous = files(run)?.into_iter().filter(|(_, name)| !needed.contains(name));
    superfluous.into_iter().try_for_each(|(path, _)| remove(&path))
}

/// Paths and names of the files of snapshots in the directory `run`.
///
/// # Errors
/// If the folder exists but cannot be read.
pub fn files(run: &Path) -> Result<Vec<(PathBuf, String)>> {
    let folder = run.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(&folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let paths: Vec<PathBuf> = entries.with_context(|| format!("{}: cannot be read", folder.display()))?;
    let named = paths.into_iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        snapshot::is_name(&name).then_some((path, name))
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::snapshot::tests::snapshot;
    use super::*;
    use crate::settings::Preset;
    use keisei_core::learn::Meeting;
    use keisei_core::shogi::{Color, GameResult, Outcome, Reason};

    fn settings(snapshots: usize) -> Settings {
        let mut settings = Preset::Tiny.settings();
        (settings.league.share, settings.league.snapshots) = (0.25, snapshots);
        settings
    }

    /// League after `iterations` iterations of ten plies each, in which nothing ended.
    fn league(settings: &Settings, iterations: std::ops::RangeInclusive<u64>, playing: &[u32]) -> League {
        let mut league = League::default();
        for iteration in iterations {
            let done = Totals { iterations: iteration, plies: 10 * iteration, ..Totals::default() };
            let model = || snapshot(iteration).model;
            let playing = playing.iter().copied().collect();
            league.follow(settings, done.plies - 10, &done, &model, &[], &playing).expect("followed");
        }
        league
    }

    fn pool(league: &League) -> Vec<u32> {
        league.state.pool.keys().copied().collect()
    }

    fn ended(opponent: u32, result: GameResult) -> EndedGame {
        let outcome = Outcome { result, reason: Reason::Checkmate };
        let meeting = Some(Meeting { opponent, learner: Color::White });
        EndedGame { place: (0, 0), outcome, plies: 9, moves_hash: 0, opening_hash: 0, meeting }
    }

    #[test]
    fn the_pool_keeps_the_newest_of_the_log_spaced_and_the_files_that_games_need() {
        let league = league(&settings(4), 1..=50, &[2, 24]);
        assert_eq!(pool(&league), [16, 24, 32, 48]);
        let held: Vec<u32> = league.snapshots.keys().copied().collect();
        assert_eq!(held, [2, 16, 24, 32, 48], "a game against 2 is in progress");
        assert!(league.state.files.keys().eq(&held));
        let opponents = league.opponents(&settings(4), &BTreeSet::from([2]));
        assert!(opponents.weights.keys().eq(&held), "{:?}", opponents.weights.keys());
        assert_eq!(opponents.matchmaking.share, 0.25);
        assert_eq!(opponents.matchmaking.weights.len(), 4);
    }

    #[test]
    fn without_a_share_there_is_no_league() {
        let mut settings = settings(4);
        settings.league.share = 0.0;
        let league = league(&settings, 1..=8, &[]);
        assert_eq!(league.state, LeagueState::default());
        assert!(league.snapshots.is_empty());
    }

    #[test]
    fn the_best_agent_is_in_the_pool_and_stays_until_another_is() {
        let mut settings = settings(2);
        (settings.gate.plies, settings.gate.games) = (50, 2);
        let mut league = league(&settings, 1..=5, &[]);
        // The first agent at a gate is the best without a match.
        assert_eq!((league.state.best, &league.state.gate), (Some(5), &None));
        assert_eq!(pool(&league), [3, 4, 5]);
        let mut state = league.state.clone();
        (state.best, league.state.best) = (Some(4), Some(4));
        state.arrange_pool(&settings);
        assert_eq!(state.pool.keys().copied().collect::<Vec<_>>(), [3, 4]);
        let off = state.clone().under(&Preset::Tiny.settings(), &BTreeSet::from([3]));
        assert_eq!((off.best, off.pool.len(), off.files.keys().copied().collect::<Vec<_>>()), (None, 0, vec![3]));
        assert_eq!(state.clone().under(&settings, &BTreeSet::new()).pool, state.pool);
    }

    #[test]
    fn a_gate_is_decided_when_the_next_begins() {
        let mut settings = settings(2);
        (settings.gate.plies, settings.gate.games) = (50, 2);
        let mut league = league(&settings, 1..=10, &[]);
        let gate = league.state.gate.clone().expect("begun");
        assert_eq!((gate.challenger, gate.best, league.state.best), (10, 5, Some(5)));
        // A kill in between plays it again.
        let mut resumed =
            League::resume(league.state.clone(), league.snapshots.clone(), &settings).expect("all is there");
        let follow = |league: &mut League| {
            let mut decided = Vec::new();
            for iteration in 11..=15 {
                let done = Totals { iterations: iteration, plies: 10 * iteration, ..Totals::default() };
                let model = || snapshot(iteration).model;
                let followed = league.follow(&settings, done.plies - 10, &done, &model, &[], &BTreeSet::new());
                decided.extend(followed.expect("followed").1.map(|gate| GateMatch { seconds: 0.0, ..gate }));
            }
            (decided, league.state.clone())
        };
        let (decided, state) = follow(&mut league);
        assert_eq!(follow(&mut resumed), (decided.clone(), state.clone()));
        assert_eq!((decided.len(), decided[0].iteration, decided[0].challenger), (1, 15, 10));
        assert_eq!(state.best, Some(if decided[0].verdict == Verdict::Promoted { 10 } else { 5 }));
        assert_eq!(state.gate.map(|gate| gate.challenger), Some(15));
    }

    #[test]
    fn games_against_the_pool_are_scored_for_the_learner_and_told_once_they_are_enough() {
        let settings = settings(4);
        let mut league = league(&settings, 1..=4, &[]);
        let [lost, won, drawn] = [GameResult::Win(Color::Black), GameResult::Win(Color::White), GameResult::Truncated]
            .map(|end| ended(2, end));
        let itself = EndedGame { meeting: None, ..lost };
        let gone = EndedGame { meeting: Some(Meeting { opponent: 77, learner: Color::White }), ..lost };
        let mut follow = |ended: &[EndedGame]| {
            let done = Totals { iterations: 5, ..Totals::default() };
            league.follow(&settings, 0, &done, &|| snapshot(5).model, ended, &BTreeSet::new()).expect("followed").0
        };
        let few = follow(&[lost, won, drawn, itself, gone]);
        assert_eq!((few.pool_games, few.pool_lowest, few.pool_snapshots), (4, None, 4));
        let many = follow(&[lost; 80]);
        let lowest = many.pool_lowest.expect("enough games");
        assert!(lowest < 0.05 && many.pool_scores == BTreeMap::from([("00000002".to_owned(), lowest)]), "{many:?}");
        assert!(league.state.pool[&2].mean() < 0.05 && league.state.pool[&3] == Score::default());
    }

    #[test]
    fn files_that_no_checkpoint_needs_are_deleted_and_no_others() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let run = run.path();
        prune(run, &BTreeSet::new()).expect("nothing to do");
        let folder = run.join(FOLDER);
        std::fs::create_dir(&folder).expect("created");
        for name in ["00000001.model", "00000002.model", "00000002.model.aside", "mine.model"] {
            std::fs::write(folder.join(name), b"x").expect("written");
        }
        prune(run, &BTreeSet::from(["00000002.model".to_owned()])).expect("pruned");
        let names = files(run).expect("read").into_iter().map(|(_, name)| name);
        assert_eq!(names.collect::<Vec<_>>(), ["00000002.model"]);
        assert_eq!(std::fs::read_dir(&folder).expect("read").count(), 3);
    }
}
