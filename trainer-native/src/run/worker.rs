//! Worker: the thread that trains. The run waits for it and can leave it behind, so that a signal never waits for an iteration.

use super::card;
use super::checkpoint::State;
use super::guard::Remedy;
use crate::event::{EvaluationMatch, GateMatch, LeagueMetrics, ShownGame};
use crate::league::{Average, League, Snapshots};
use crate::ranks::orders::{BEAT, Order, Stored, give, ready};
use crate::settings::Settings;
use crate::totals::Totals;
use crate::trainer::{Report, Trainer};
use anyhow::{Result, anyhow};
use keisei_core::format::model::{Model, Provenance};
use keisei_core::learn::{LearnError, Reduce, SlotState, read};
use keisei_core::net::Weights;
use keisei_core::random::{Purpose, Stream};
use keisei_play::contender::Contender;
use keisei_play::executor::ModelExecutor;
use keisei_play::matches::Match;
use keisei_play::policy_player::{EVALUATION_TEMPERATURE, PolicyPlayer};
use keisei_play::probes;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tracing::info_span;

/// Moves of the shown game that are told.
const LAST_MOVES: usize = 16;

/// Thread that owns the trainer of a run.
pub struct Worker {
    jobs: Sender<Job>,
    results: Receiver<Done>,
    thread: JoinHandle<()>,
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
    /// Starts the thread, as rank 0 of `ranks` with so many `threads` or those of the settings. The other ranks begin with its state.
    ///
    /// # Errors
    /// If it cannot be started, a rank cannot begin, or one is lost.
    pub fn start(mut trainer: Trainer, ranks: Arc<dyn Reduce>, threads: Option<usize>) -> Result<Self> {
        let is_alone = ranks.ranks() == 1;
        if !is_alone {
            give(ranks.as_ref(), &Order::Begin(Stored::new(&trainer.state()?, trainer.league.snapshots())?))?;
            let joined = trainer.join(ranks.clone(), threads);
            ready(ranks.as_ref(), joined)?;
        }
        let (jobs, work) = channel();
        let (done, results) = channel();
        let serve = move || {
            loop {
                let job = if is_alone { work.recv().map_err(RecvTimeoutError::from) } else { work.recv_timeout(BEAT) };
                // A rank that does not hear it is told of by the next job.
                match job {
                    Ok(job) => {
                        if done.send(trainer.conduct(job)).is_err() {
                            break;
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => drop(give(ranks.as_ref(), &Order::Rest)),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            drop(give(ranks.as_ref(), &Order::End));
        };
        let thread = std::thread::Builder::new().name("trainer".into()).spawn(serve)?;
        Ok(Self { jobs, results, thread })
    }

    /// Ends the thread and the other ranks, after the job that they are at; returns whether they have ended within this time.
    pub fn end(self, longest: Duration) -> bool {
        let Self { jobs, results, thread } = self;
        drop(jobs);
        let deadline = Instant::now() + longest;
        loop {
            match results.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return thread.join().is_ok(),
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
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
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

fn gone() -> anyhow::Error {
    anyhow!("the thread that trains has panicked; the message is above")
}

impl Trainer {
    /// Does a job as rank 0, with the other ranks.
    fn conduct(&mut self, job: Job) -> Done {
        let ranks = self.ranks.clone();
        if ranks.ranks() == 1 {
            return self.serve(job);
        }
        let given = match &job {
            Job::Iterate { progress, .. } => {
                give(ranks.as_ref(), &Order::Iterate { progress: *progress }).map_err(anyhow::Error::from)
            }
            Job::Evaluate => return self.evaluate_among(ranks.as_ref()),
            Job::Restore(state, snapshots) => {
                Stored::new(state, snapshots).and_then(|stored| Ok(give(ranks.as_ref(), &Order::Restore(stored))?))
            }
        };
        match (given, job) {
            (Ok(()), job) => self.serve(job),
            (Err(error), Job::Restore(..)) => Done::Restored(Err(error)),
            (Err(error), _) => Done::Failed(error, Remedy::Stop),
        }
    }

    /// The match against the greedy player, while the other ranks rest.
    fn evaluate_among(&self, ranks: &dyn Reduce) -> Done {
        let Self { settings, weights, average, done, .. } = self;
        std::thread::scope(|scope| {
            let evaluation = scope.spawn(|| evaluate(settings, weights, average.as_ref(), done));
            let mut last = Instant::now();
            while !evaluation.is_finished() {
                std::thread::sleep(Duration::from_millis(5));
                if last.elapsed() >= BEAT {
                    last = Instant::now();
                    drop(give(ranks, &Order::Rest));
                }
            }
            Done::Evaluated(evaluation.join().expect("a match does not panic"))
        })
    }

    /// Does a job as one of the ranks, all of which do it.
    pub fn serve(&mut self, job: Job) -> Done {
        match job {
            Job::Iterate { progress, shown } => {
                match self.iterate(progress).and_then(|report| Ok((report, self.state()?))) {
                    Ok((report, state)) => match state.sickness() {
                        None => match self.conclude(report, state, shown) {
                            Ok(iterated) => Done::Iterated(Box::new(iterated)),
                            Err(error) => Done::Failed(error, Remedy::Stop),
                        },
                        Some(reason) => Done::Failed(anyhow!(reason), self.guard.broken()),
                    },
                    Err(error @ LearnError::NotFinite { .. }) => Done::Failed(error.into(), self.guard.broken()),
                    Err(error @ LearnError::OutOfMemory(_)) => {
                        let error = anyhow!("{error}; {}", card::advice_after(&self.settings));
                        Done::Failed(error, Remedy::Stop)
                    }
                    Err(error) => Done::Failed(error.into(), Remedy::Stop),
                }
            }
            Job::Evaluate => Done::Evaluated(self.evaluate()),
            Job::Restore(state, snapshots) => {
                let restored = self.restore(*state, snapshots);
                Done::Restored(ready(self.ranks.as_ref(), restored))
            }
        }
    }

    /// Results of an iteration with sound weights, after the league has taken note of it.
    fn conclude(&mut self, report: Report, state: State, shown: usize) -> Result<Iterated> {
        let Self { settings, weights, done, league, average, .. } = &mut *self;
        let (playing, plies_before) = (state.opponents(), done.plies - report.plies as u64);
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

    /// State between two iterations; that of the alarms is up to the run. On rank 0 it has the games of all ranks, on the others their own.
    ///
    /// # Errors
    /// If a rank is lost.
    ///
    /// # Panics
    /// Never: plain data is always encoded.
    pub fn state(&self) -> Result<State, LearnError> {
        let Self { settings, selfplay, weights, adam, done, guard, league, average, adaptation, ranks, .. } = self;
        let mut envs = selfplay.state();
        if ranks.ranks() > 1 {
            let all = ranks.gather_at_first(postcard::to_allocvec(&envs).expect("plain data"))?;
            for (rank, message) in all.iter().enumerate().skip(1) {
                envs.append(&mut read::<Vec<SlotState>>(rank, message)?);
            }
        }
        Ok(State {
            config: settings.to_toml(),
            done: *done,
            weights: weights.data().to_vec(),
            adam: adam.clone(),
            envs,
            guard: guard.clone(),
            alarms: Vec::new(),
            league: league.state().clone(),
            average: average.clone(),
            adaptation: adaptation.clone(),
            starts: selfplay.starts(),
        })
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
        evaluate(&self.settings, &self.weights, self.average.as_ref(), &self.done)
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

/// Match of the agent against the greedy player.
fn evaluate(settings: &Settings, weights: &Weights, average: Option<&Average>, done: &Totals) -> EvaluationMatch {
    let _span = info_span!("evaluate", iteration = done.iterations).entered();
    let begin = Instant::now();
    let seed = Stream::new(settings.seed, Purpose::Evaluation, done.iterations, 0).next_u64();
    let (pairs, max_plies) = (settings.run.evaluate_games / 2, settings.selfplay.max_plies);
    let table = Match { pairs, seed, max_plies, threads: settings.threads() };
    let model = model(settings, weights, average, Provenance::default());
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

/// Model of the agent: with the averaged weights, if there are any.
pub fn model(settings: &Settings, weights: &Weights, average: Option<&Average>, provenance: Provenance) -> Model {
    let mut weights = weights.clone();
    if let Some(average) = average {
        weights.data_mut().copy_from_slice(average.weights());
    }
    Model { features: settings.features(), actions: settings.actions(), provenance, weights }
}
