//! One iteration of learning: collect → advantages → update.

use std::sync::Arc;
use std::time::Instant;

use keisei_core::learn::{
    Adam, Adaptation, Alone, Collected, Estimation, LearnError, Learner, Rates, Reduce, Rollout, SelfPlay, Update,
    gather, share, update,
};
use keisei_core::net::Weights;
use keisei_core::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};
use tracing::{debug_span, info_span};

use crate::league::{Average, League};
use crate::run::guard::{Guard, Remedy};
use crate::selfplay::play;
use crate::settings::Settings;
use crate::totals::Totals;

/// State of learning: games, network and optimiser. Logging, saving and evaluating are up to the caller.
pub struct Trainer {
    /// Settings of the run.
    pub settings: Settings,
    /// Backend that computes gradients and evaluates positions.
    pub learner: Box<dyn Learner>,
    /// Games in progress, those of this rank.
    pub selfplay: SelfPlay,
    /// Weights of the network.
    pub weights: Weights,
    /// Optimiser.
    pub adam: Adam,
    /// Work done so far.
    pub done: Totals,
    /// What was done about numbers that were not finite.
    pub guard: Guard,
    /// Opponents of self-play, and the best agent so far.
    pub league: League,
    /// Average of the weights, if the settings ask for one.
    pub average: Option<Average>,
    /// Rates as they adapt to what the run measures.
    pub adaptation: Adaptation,
    /// Ranks that train together, of which this is one.
    pub ranks: Arc<dyn Reduce>,
    /// Threads of this rank, if they are not those of the settings.
    threads: Option<usize>,
    rollout: Rollout,
}

/// Report of one iteration.
pub struct Report {
    /// Statistics of self-play.
    pub collected: Collected,
    /// Statistics of the update.
    pub update: Update,
    /// Learning rate and entropy bonus that were in force.
    pub rates: Rates,
    /// Discounts and prior weight that were in force.
    pub estimation: Estimation,
    /// Step of the guard, if the update had no finite gradient.
    pub remedy: Remedy,
    /// Plies played, by all ranks.
    pub plies: usize,
    /// Share of the samples that were dropped because the update stopped at its target KL, 0–1.
    pub dropped_samples: f64,
    /// Size of the update by all weights: `|Δw| / |w|`.
    pub update_norm: f64,
    /// Brier score of the predicted outcomes, see [`Rollout::brier`].
    pub brier: f64,
    /// Seconds of self-play.
    pub collect_seconds: f64,
    /// Seconds of self-play in the network, as a mean over the threads and the ranks.
    pub inference_seconds: f64,
    /// Seconds of advantages and update.
    pub learn_seconds: f64,
    /// Longest time that a rank waited for others, in seconds, and the rank that waited least; 0 with one rank.
    pub longest_wait: (f64, usize),
}

impl Report {
    /// Seconds that the iteration would have taken with an update from every sample.
    ///
    /// The first updates of a run stop at the target KL and its later ones seldom do, so the seconds of the first iterations as
    /// they are promise a quarter more plies than there will be time for.
    pub fn seconds_with_every_sample(&self) -> f64 {
        self.collect_seconds + self.learn_seconds / (1.0 - self.dropped_samples).max(f64::MIN_POSITIVE)
    }
}

/// Learner on the device and in the precision of `settings`.
///
/// # Errors
/// If this build or this machine does not support the device or the precision.
pub fn learner(settings: &Settings) -> anyhow::Result<Box<dyn Learner>> {
    settings.run.device.learner(settings.features(), settings.actions(), settings.run.precision, settings.threads())
}

impl Trainer {
    /// Trainer with the learner of `settings` and initial weights.
    ///
    /// # Errors
    /// As [`learner`], or if the network's shape is not valid, or a number that is to be [measured](crate::run::fit) is open.
    pub fn fresh(settings: Settings) -> anyhow::Result<Self> {
        anyhow::ensure!(!settings.is_open(), "selfplay.envs and ppo.minibatch must be numbers above 0 by now");
        let weights = Weights::init(&settings.spec(), Stream::new(settings.seed, Purpose::Weights, 0, 0).next_u64())?;
        let learner = learner(&settings)?;
        Ok(Self::new(settings, learner, weights))
    }

    /// Trainer of these weights, before its first iteration.
    pub fn new(settings: Settings, learner: Box<dyn Learner>, weights: Weights) -> Self {
        let selfplay = SelfPlay::new(settings.selfplay(), settings.actions(), settings.seed);
        let adam = Adam::new(weights.data().len());
        let (done, guard, league) = (Totals::default(), Guard::default(), League::default());
        let (adaptation, rollout) = (Adaptation::default(), Rollout::default());
        let (ranks, threads, average) = (Arc::new(Alone), None, None);
        Self {
            settings,
            learner,
            selfplay,
            weights,
            adam,
            done,
            guard,
            league,
            average,
            adaptation,
            ranks,
            threads,
            rollout,
        }
    }

    /// Goes on as one of these `ranks`, with its share of the games, on so many `threads` or those of the settings. Until now it had all games.
    ///
    /// # Errors
    /// If there are fewer games than ranks, or the learner does not start.
    pub fn join(&mut self, ranks: Arc<dyn Reduce>, threads: Option<usize>) -> anyhow::Result<()> {
        let Self { settings, selfplay, .. } = self;
        let (games, count) = (settings.selfplay.envs, ranks.ranks());
        anyhow::ensure!(games >= count, "selfplay.envs = {games}: must be at least 1 for each of {count} ranks");
        let slots = share(games, ranks.rank(), count);
        let mut own = SelfPlay::of_slots(settings.selfplay(), settings.actions(), settings.seed, slots);
        own.restore(&selfplay.state())?;
        own.restore_starts(&selfplay.starts())?;
        if let Some(threads) = threads {
            let run = &settings.run;
            self.learner = run.device.learner(settings.features(), settings.actions(), run.precision, threads)?;
        }
        ranks.set_patience(settings.rank_patience());
        (self.selfplay, self.ranks, self.threads) = (own, ranks, threads);
        Ok(())
    }

    /// Runs one iteration, with the schedules at the part `progress` (0–1) of the run. All ranks do so together.
    ///
    /// # Errors
    /// If the device fails, the network's output is not finite, or the learner computes another policy than the one that
    /// played, on any rank; or if a rank is lost.
    pub fn iterate(&mut self, progress: f64) -> Result<Report, LearnError> {
        let Self { settings, learner, selfplay, weights, adam, done, guard, league, average, adaptation, .. } = self;
        let (rollout, ranks) = (&mut self.rollout, self.ranks.as_ref());
        let _span = info_span!("iteration", iteration = done.iterations + 1).entered();
        let (mut rates, mut estimation) = settings.schedules(progress);
        let aims = settings.adaptation();
        rates.learning_rate *= guard.rate() * adaptation.rate() * settings.warmup(done.plies);
        rates.ent_coef *= adaptation.bonus();
        if aims.prior_explained > 0.0 {
            let prior = &settings.estimation.prior_weight;
            estimation.prior_weight = adaptation.prior_weight(&aims, prior.from, prior.to);
        }
        let begin = Instant::now();
        ranks.take_waited();

        let threads = self.threads.unwrap_or_else(|| settings.threads());
        let opponents = league.opponents(settings, &selfplay.opponents());
        let played = debug_span!("collect")
            .in_scope(|| play(selfplay, learner.as_ref(), weights, &opponents, done.iterations, threads, rollout));
        let (collected, inference) = match played {
            Ok((collected, inference)) => (Ok(collected), inference.as_secs_f64()),
            Err(error) => (Err(error), 0.0),
        };
        let mut collected = Collected::of_all_ranks(ranks, collected, settings.selfplay().records)?;
        selfplay.remember(&mut collected);
        let collect_seconds = begin.elapsed().as_secs_f64();

        let estimated = debug_span!("estimate").in_scope(|| rollout.estimate(&estimation));
        let before = weights.data().to_vec();
        let order = Stream::new(settings.seed, Purpose::Shuffle, done.iterations, ranks.rank() as u64);
        let update = debug_span!("update")
            .in_scope(|| update(learner.as_mut(), weights, adam, estimated, &settings.ppo(), rates, order, ranks))?;
        let learn_seconds = begin.elapsed().as_secs_f64() - collect_seconds;

        adaptation.observe(&aims, update.explained_variance, update.last_kl, collected.mean_entropy());
        if settings.ppo.ema > 0.0 {
            average.get_or_insert_default().add(weights.data(), settings.ppo.ema);
        }

        let update_norm = relative_change(&before, weights.data());
        let all = gather(
            ranks,
            Part {
                plies: rollout.steps.len(),
                samples: rollout.learner_slots().count(),
                brier: rollout.brier(),
                inference_seconds: inference,
                waited: ranks.take_waited(),
                update_norm: update_norm.to_bits(),
            },
        )?;
        check_all_are_one(&all)?;
        let sum = |number: fn(&Part) -> usize| all.iter().map(number).sum::<usize>();
        let plies = sum(|part| part.plies);
        done.iterations += 1;
        done.plies += plies as u64;
        done.samples += update.samples as u64;
        done.games += collected.games();
        Ok(Report {
            collected,
            update,
            rates,
            estimation,
            remedy: guard.after_update(update.steps > 0),
            plies,
            dropped_samples: 1.0
                - update.samples as f64
                    / (settings.ppo.epochs * settings.ppo().samples_of(sum(|part| part.samples))).max(1) as f64,
            update_norm,
            brier: all.iter().map(|part| part.brier.0).sum::<f64>()
                / f64::from(all.iter().map(|part| part.brier.1).sum::<u32>().max(1)),
            collect_seconds,
            inference_seconds: all.iter().map(|part| part.inference_seconds).sum::<f64>() / all.len() as f64,
            learn_seconds,
            longest_wait: longest_wait(&all),
        })
    }
}

/// What a rank tells of its part of an iteration.
#[derive(Serialize, Deserialize)]
struct Part {
    plies: usize,
    /// Plies of the learner.
    samples: usize,
    brier: (f64, u32),
    inference_seconds: f64,
    /// Seconds that it waited for others.
    waited: f64,
    /// Bits of the size of its update, which is that of all ranks.
    update_norm: u64,
}

/// Checks that all ranks have made the same update: their weights are the same, and have to stay so.
fn check_all_are_one(all: &[Part]) -> Result<(), LearnError> {
    match all.iter().position(|part| part.update_norm != all[0].update_norm) {
        None => Ok(()),
        Some(rank) => Err(LearnError::Rank { rank, reason: "its weights are no longer those of rank 0".into() }),
    }
}

/// Longest wait of a rank for others, in seconds, and the rank that waited least: the slowest.
fn longest_wait(all: &[Part]) -> (f64, usize) {
    let longest = all.iter().map(|part| part.waited).fold(0.0, f64::max);
    let slowest = (0..all.len()).min_by(|&a, &b| all[a].waited.total_cmp(&all[b].waited));
    (longest, slowest.unwrap_or(0))
}

/// Norm of the difference of two vectors by that of the first.
fn relative_change(before: &[f32], after: &[f32]) -> f64 {
    let norm =
        |squares: &mut dyn Iterator<Item = f32>| squares.map(|x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    let change = norm(&mut before.iter().zip(after).map(|(x, y)| y - x));
    change / norm(&mut before.iter().copied()).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::{Device, Precision};
    use crate::ranks::threads::tests::on_ranks;
    use crate::selfplay::{Pool, collect};
    use crate::settings::Preset;
    use anyhow::Result;
    use keisei_core::encoding::Action;
    use keisei_core::learn::{Matchmaking, Mover, SelfPlaySettings, Span, Step, StepEnd};
    use keisei_core::net::{Value, Wdl};
    use std::time::Duration;

    /// Update after `change` to the weights of the policy that played; returns its statistics and whether the weights moved.
    fn update_after(change: fn(&mut Weights)) -> Result<(Update, bool)> {
        let settings = Preset::Tiny.settings();
        let mut weights = Weights::init(&settings.spec(), 5)?;
        let mut selfplay = SelfPlay::new(settings.selfplay(), settings.actions(), 1);
        let mut rollout = Rollout::default();
        let mut learner = Device::Cpu.learner(settings.features(), settings.actions(), Precision::F32, 1)?;
        collect(&mut selfplay, learner.as_ref(), &weights, &Pool::default(), 0, 1, &mut rollout)?;
        let estimation = Estimation { gamma: 0.99, gae_lambda: 0.9, value_lambda: 0.9, prior_weight: 0.5 };
        let estimated = rollout.estimate(&estimation);
        change(&mut weights);
        let before = weights.data().to_vec();
        let mut adam = Adam::new(before.len());
        let rates = Rates { learning_rate: 1e-3, ent_coef: 0.01 };
        let order = Stream::new(1, Purpose::Shuffle, 0, 0);
        let update =
            update(learner.as_mut(), &mut weights, &mut adam, estimated, &settings.ppo(), rates, order, &Alone)?;
        let bits = |data: &[f32]| data.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        Ok((update, bits(weights.data()) != bits(&before)))
    }

    #[test]
    fn an_update_begins_with_the_policy_that_played() {
        let (update, moved) = update_after(|_| {}).expect("learned");
        assert!(moved && update.first_ratio_error < Precision::F32.ratio_tolerance().alarm, "{update:?}");
        assert_eq!((update.samples, update.steps, update.skipped), (64, 2, 0));
        assert!(update.losses.policy_loss.is_finite() && update.grad_norm > 0.0, "{update:?}");
    }

    #[test]
    fn another_policy_than_the_one_that_played_is_refused() {
        let change = |weights: &mut Weights| weights.data_mut().iter_mut().for_each(|w| *w *= 1.5);
        let error = update_after(change).expect_err("refused");
        assert!(error.to_string().contains("compute different functions"), "{error}");
    }

    #[test]
    fn what_is_not_finite_is_left_out_and_counted() {
        let (update, moved) = update_after(|weights| weights.data_mut().fill(f32::NAN)).expect("left out");
        assert_eq!((moved, update.samples, update.steps, update.skipped), (false, 0, 0, 2));
        assert_eq!((update.losses.policy_loss, update.advantage_std, update.grad_norm), (0.0, 0.0, 0.0));
    }

    #[test]
    fn an_opponents_plies_are_not_learned_from() {
        let settings = Preset::Tiny.settings();
        let frozen = Weights::init(&settings.spec(), 6).expect("a valid network");
        let matchmaking = Matchmaking { share: 1.0, weights: vec![(1, 1.0)] };
        let pool = Pool { matchmaking, weights: [(1, &frozen)].into() };
        // An update after games against the opponent, of whose plies only `what` is changed.
        let update = |what: fn(&mut Step)| {
            let mut learner = learner(&settings).expect("a CPU");
            let mut weights = Weights::init(&settings.spec(), 5).expect("a valid network");
            let short = SelfPlaySettings { max_plies: 12, first_opening_plies: 8, ..settings.selfplay() };
            let mut selfplay = SelfPlay::new(short, settings.actions(), 1);
            let mut rollout = Rollout::default();
            for iteration in 0..3 {
                collect(&mut selfplay, learner.as_ref(), &weights, &pool, iteration, 1, &mut rollout).expect("finite");
            }
            // The last game of each row ends by the rules, which in so few plies hardly any other does.
            for row in rollout.steps.chunks_mut(rollout.horizon) {
                let last = row.last_mut().expect("a ply");
                (last.end, last.tail) = (StepEnd::Won, None);
            }
            rollout.steps.iter_mut().filter(|step| step.mover == Mover::Opponent).for_each(what);
            let (learners, brier) = (rollout.learner_slots().count(), rollout.brier().0);
            let estimation = Estimation { gamma: 0.99, gae_lambda: 0.9, value_lambda: 0.9, prior_weight: 0.5 };
            let mut adam = Adam::new(weights.data().len());
            let rates = Rates { learning_rate: 1e-3, ent_coef: 0.01 };
            let order = Stream::new(1, Purpose::Shuffle, 0, 0);
            let estimated = rollout.estimate(&estimation);
            let ppo = settings.ppo();
            let update =
                super::update(learner.as_mut(), &mut weights, &mut adam, estimated, &ppo, rates, order, &Alone);
            (update.expect("learned"), brier, learners, weights.data().to_vec())
        };
        let learned = update(|_| {});
        let (statistics, brier, learners, _) = &learned;
        assert_eq!((statistics.samples, statistics.skipped), (settings.ppo.epochs * learners, 0));
        assert!(*learners < 60 && *brier > 0.0 && statistics.explained_variance.is_finite(), "{learners}, {brier}");
        assert!(statistics.first_ratio_error < Precision::F32.ratio_tolerance().alarm, "{statistics:?}");
        let blind = update(|step| {
            (step.log_prob, step.score, step.material) = (f32::NAN, f32::NAN, Value(f32::NAN));
            (step.wdl, step.legal, step.action) = (Wdl::from_array([f32::NAN; 3]), Span::default(), Action(9999));
        });
        assert!(learned == blind);
    }

    /// Reports of two iterations on so many ranks, and the weights after them, from a run with these settings; the same on each rank.
    fn iterated(settings: &Settings, ranks: usize) -> (Vec<Report>, Vec<f32>) {
        let mut found = on_ranks(ranks, Duration::from_mins(1), |reduce| {
            let mut trainer = Trainer::fresh(settings.clone()).expect("a trainer");
            trainer.join(reduce, Some(1)).expect("enough games");
            let reports = [0.0, 0.5].map(|progress| trainer.iterate(progress).expect("learned"));
            (Vec::from(reports), trainer.weights.data().to_vec())
        });
        for (reports, weights) in &found {
            assert!(*weights == found[0].1);
            for (report, first) in reports.iter().zip(&found[0].0) {
                assert_eq!(report.update, first.update);
                assert!(report.collected.ended == first.collected.ended && report.plies == first.plies);
                assert!(report.collected.records == first.collected.records && report.brier == first.brier);
            }
        }
        found.swap_remove(0)
    }

    #[test]
    fn ranks_learn_as_one_learns_from_all_of_their_games() {
        let mut settings = Preset::Tiny.settings();
        (settings.selfplay.envs, settings.selfplay.max_plies, settings.selfplay.first_opening_plies) = (11, 30, 25);
        (settings.selfplay.start_share, settings.selfplay.past_positions) = (0.5, 2);
        settings.selfplay.mate_lessons = 4;
        // One minibatch holds the whole rollout, so that nothing but rounding depends on how it is shuffled and cut.
        (settings.ppo.minibatch, settings.ppo.advantage_share, settings.ppo.target_kl) = (10_000, 0.7, 100.0);
        let (one, weights) = iterated(&settings, 1);
        for ranks in [2, 3, 11] {
            let (found, other) = iterated(&settings, ranks);
            assert!(found[0].collected.ended == one[0].collected.ended, "{ranks} ranks");
            assert!(found[0].collected.records == one[0].collected.records && !one[0].collected.records.is_empty());
            let near = |name: &str, found: f64, expected: f64| {
                assert!((found - expected).abs() < 1e-5 * expected.abs().max(0.1), "{name}: {found}, not {expected}");
            };
            let (report, expected) = (&found[0], &one[0]);
            assert_eq!(
                (report.plies, report.update.samples, report.update.steps),
                (expected.plies, expected.update.samples, 1)
            );
            near("mean_entropy", report.collected.mean_entropy(), expected.collected.mean_entropy());
            near("brier", report.brier, expected.brier);
            near("dropped_samples", report.dropped_samples, expected.dropped_samples);
            near("advantage_mean", report.update.advantage_mean, expected.update.advantage_mean);
            near("advantage_std", report.update.advantage_std, expected.update.advantage_std);
            near("explained_variance", report.update.explained_variance, expected.update.explained_variance);
            near("grad_norm", report.update.grad_norm, expected.update.grad_norm);
            near("value_loss", report.update.losses.value_loss, expected.update.losses.value_loss);
            near("past_loss", report.update.losses.past_loss, expected.update.losses.past_loss);
            near("lesson_loss", report.update.losses.lesson_loss, expected.update.losses.lesson_loss);
            near("policy_loss", report.update.losses.policy_loss, expected.update.losses.policy_loss);
            assert!(report.longest_wait.0 > 0.0 && report.longest_wait.1 < ranks);
            // Adam divides by the size of a gradient, so that rounding in the least of them shows; still the same curve.
            let change = relative_change(&weights, &other);
            assert!(change < 1e-2 * one[1].update_norm.max(one[0].update_norm), "{ranks} ranks: {change}");
        }
    }

    #[test]
    fn fewer_games_than_ranks_are_refused() {
        let refused = on_ranks(9, Duration::from_mins(1), |reduce| {
            let mut trainer = Trainer::fresh(Preset::Tiny.settings()).expect("a trainer");
            trainer.join(reduce, None).expect_err("8 games").to_string()
        });
        assert!(refused.iter().all(|error| error == "selfplay.envs = 8: must be at least 1 for each of 9 ranks"));
    }
}
