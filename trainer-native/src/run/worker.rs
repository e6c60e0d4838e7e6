//! Worker: the thread that trains. The run waits for it and can leave it behind, so that a signal never waits for an iteration.

use super::card;
use super::checkpoint::State;
use super::guard::Remedy;
use crate::event::{EvaluationMatch, GateMatch, LeagueMetrics, ShownGame};
use crate::league::{Average, League, Snapshots};
use crate::settings::Settings;
use crate::trainer::{Report, Trainer};
use anyhow::{Result, anyhow};
use keisei_core::format::model::{Model, Provenance};
use keisei_core::learn::LearnError;
use keisei_core::net::Weights;
use keisei_core::random::{Purpose, Stream};
use keisei_play::contender::Contender;
use keisei_play::executor::ModelExecutor;
use keisei_play::matches::Match;
use keisei_play::policy_player::{EVALUATION_TEMPERATURE, PolicyPlayer};
use keisei_play::probes;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tracing::info_span;

/// Moves of the shown game that are told.
const LAST_MOVES: usize = 16;

/// Thread that owns the trainer of a run.
pub struct Worker {
    jobs: Sender<Job>,
    results: Receiver<Done>,
}

/// Work for the thread.
pub enum Job {
    /// One iteration, with the schedules at this part of the run, and this slot's game to be told of.
    Iterate {
        /// Part of the run, 0–1.
        progress: f64,
        /// Slot of the game to show.
        shown: usize,
    },
    /// A match against the greedy player.
    Evaluate,
    /// Return to a state, with the snapshots of its league.
    Restore(Box<State>, Snapshots),
}

/// Result of a job.
pub enum Done {
    /// An iteration.
    Iterated(Box<Iterated>),
    /// An iteration that failed, with the step that the guard takes.
    Failed(anyhow::Error, Remedy),
    /// A match.
    Evaluated(EvaluationMatch),
    /// A return to a state.
    Restored(Result<()>),
}

/// Results of an iteration.
pub struct Iterated {
    /// Report.
    pub report: Report,
    /// State after it.
    pub state: State,
    /// The game to show.
    pub shown: ShownGame,
    /// Statistics of the league.
    pub league: LeagueMetrics,
    /// The gate that was decided, if any.
    pub gate: Option<GateMatch>,
    /// Snapshots that the state needs.
    pub snapshots: Snapshots,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mut trainer: Trainer) -> Result<Self> {
        let (jobs, work) = channel();
        let (done, results) = channel();
        let serve = move || {
            for job in work {
                if done.send(trainer.serve(job)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("trainer".into()).spawn(serve)?;
        Ok(Self { jobs, results })
    }

    /// Gives the thread a job.
    ///
    /// # Errors
    /// If the thread has panicked.
    pub fn give(&self, job: Job) -> Result<()> {
        self.jobs.send(job).map_err(|_| gone())
    }

    /// Waits for the result of the last job, for a moment.
    ///
    /// # Errors
    /// If the thread has panicked.
    pub fn wait(&self, moment: Duration) -> Result<Option<Done>> {
        match self.results.recv_timeout(moment) {
            Ok(done) => Ok(Some(done)),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Ok(None),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

fn gone() -> anyhow::Error {
    anyhow!("the thread that trains has panicked; the message is above")
}

impl Trainer {
    fn serve(&mut self, job: Job) -> Done {
        match job {
            Job::Iterate { progress, shown } => match self.iterate(progress) {
                Ok(report) => {
                    let state = self.state();
                    match state.sickness() {
                        None => match self.conclude(report, state, shown) {
                            Ok(iterated) => Done::Iterated(Box::new(iterated)),
                            Err(error) => Done::Failed(error, Remedy::Stop),
                        },
                        Some(reason) => Done::Failed(anyhow!(reason), self.guard.broken()),
                    }
                }
                Err(error @ LearnError::NotFinite { .. }) => Done::Failed(error.into(), self.guard.broken()),
                Err(error @ LearnError::OutOfMemory(_)) => {
                    let error = anyhow!("{error}; {}", card::advice_after(&self.settings));
                    Done::Failed(error, Remedy::Stop)
                }
                Err(error) => Done::Failed(error.into(), Remedy::Stop),
            },
            Job::Evaluate => Done::Evaluated(self.evaluate()),
            Job::Restore(state, snapshots) => Done::Restored(self.restore(*state, snapshots)),
        }
    }

    /// Results of an iteration with sound weights, after the league has taken note of it.
    fn conclude(&mut self, report: Report, state: State, shown: usize) -> Result<Iterated> {
        let Self { settings, selfplay, weights, done, league, average, .. } = &mut *self;
        let (playing, plies_before) = (selfplay.opponents(), done.plies - report.plies as u64);
        // Neither the name of the run nor the time: the bytes of a snapshot depend only on the work done.
        let provenance = Provenance {
            iteration: done.iterations,
            plies: done.plies,
            notes: "snapshot of a league".into(),
            ..Provenance::default()
        };
        let agent = || model(settings, weights, average.as_ref(), provenance.clone());
        let ended = &report.collected.ended;
        let (league, gate) = league.follow(settings, plies_before, done, &agent, ended, &playing)?;
        let state = State { league: self.league.state().clone(), ..state };
        let (shown, snapshots) = (self.shown(shown % self.selfplay.len()), self.league.snapshots().clone());
        Ok(Iterated { report, state, shown, league, gate, snapshots })
    }

    /// State between two iterations; that of the alarms is up to the run.
    pub fn state(&self) -> State {
        let Self { settings, selfplay, weights, adam, done, guard, league, average, adaptation, .. } = self;
        State {
            config: settings.to_toml(),
            done: *done,
            weights: weights.data().to_vec(),
            adam: adam.clone(),
            envs: selfplay.state(),
            guard: guard.clone(),
            alarms: Vec::new(),
            league: league.state().clone(),
            average: average.clone(),
            adaptation: adaptation.clone(),
            starts: selfplay.starts(),
        }
    }

    /// Goes on from a state, with the snapshots of its league and the settings and the guard of this trainer.
    ///
    /// # Errors
    /// If the settings do not fit the state, or a snapshot is missing.
    pub fn restore(&mut self, state: State, snapshots: Snapshots) -> Result<()> {
        use anyhow::{Context, bail};
        let weights = Weights::new(self.settings.spec(), state.weights).context("weights in the checkpoint")?;
        if state.adam.len() != weights.data().len() {
            bail!("the checkpoint's optimiser is for {} weights, not {}", state.adam.len(), weights.data().len());
        }
        if let Some(average) = state.average.as_ref().filter(|average| average.weights().len() != weights.data().len())
        {
            bail!("the checkpoint's average is of {} weights, not {}", average.weights().len(), weights.data().len());
        }
        let league = League::resume(state.league, snapshots, &self.settings)?;
        self.selfplay.restore(&state.envs)?;
        self.selfplay.restore_starts(&state.starts)?;
        (self.weights, self.adam, self.done) = (weights, state.adam, state.done);
        (self.league, self.average, self.adaptation) = (league, state.average, state.adaptation);
        Ok(())
    }

    /// Match of the current policy against the greedy player.
    pub fn evaluate(&self) -> EvaluationMatch {
        let _span = info_span!("evaluate", iteration = self.done.iterations).entered();
        let begin = Instant::now();
        let Self { settings, done, .. } = self;
        let seed = Stream::new(settings.seed, Purpose::Evaluation, done.iterations, 0).next_u64();
        let (pairs, max_plies) = (settings.run.evaluate_games / 2, settings.selfplay.max_plies);
        let table = Match { pairs, seed, max_plies, threads: settings.threads() };
        let model = model(settings, &self.weights, self.average.as_ref(), Provenance::default());
        let agent = PolicyPlayer::new("agent", &model, ModelExecutor::f32(&model), EVALUATION_TEMPERATURE as f32);
        let played = table.play(&agent.into(), &Contender::Greedy, &|_| {});
        let tally = played.tally();
        EvaluationMatch {
            iteration: done.iterations,
            plies: done.plies,
            opponent: played.second.clone(),
            games: tally.games(),
            score: tally.score(),
            interval: played.score_interval(),
            probes: probes::score(&model, &probes::standard()),
            seconds: begin.elapsed().as_secs_f64(),
        }
    }

    fn shown(&self, slot: usize) -> ShownGame {
        let game = self.selfplay.game(slot);
        let (earlier, last) = game.moves().split_at(game.moves().len().saturating_sub(LAST_MOVES));
        let mut position = game.start().clone();
        for &mv in earlier {
            position.play_unchecked(mv);
        }
        ShownGame { slot, sfen: position.to_sfen(), last: last.iter().map(ToString::to_string).collect() }
    }
}

/// Model of the agent: with the averaged weights, if there are any.
pub fn model(settings: &Settings, weights: &Weights, average: Option<&Average>, provenance: Provenance) -> Model {
    let mut weights = weights.clone();
    if let Some(average) = average {
        weights.data_mut().copy_from_slice(average.weights());
    }
    Model { features: settings.features(), actions: settings.actions(), provenance, weights }
}
