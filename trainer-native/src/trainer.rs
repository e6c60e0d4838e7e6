//! One iteration of learning: collect → advantages → update.

use std::time::Instant;

use keisei_core::learn::{
    Adam, Adaptation, Alone, Collected, Estimation, LearnError, Learner, Rates, Rollout, SelfPlay, Update, update,
};
use keisei_core::net::Weights;
use keisei_core::random::{Purpose, Stream};
use tracing::{debug_span, info_span};

use crate::league::{Average, League};
use crate::run::guard::{Guard, Remedy};
use crate::selfplay::collect;
use crate::settings::Settings;
use crate::totals::Totals;

/// State of learning: games, network and optimiser. Logging, saving and evaluating are up to the caller.
pub struct Trainer {
    /// Settings of the run.
    pub settings: Settings,
    /// Backend that computes gradients and evaluates positions.
    pub learner: Box<dyn Learner>,
    /// Games in progress.
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
    /// Plies played.
    pub plies: usize,
    /// Share of the samples that were dropped because the update stopped at its target KL, 0–1.
    pub dropped_samples: f64,
    /// Size of the update by all weights: `|Δw| / |w|`.
    pub update_norm: f64,
    /// Brier score of the predicted outcomes, see [`Rollout::brier`].
    pub brier: f64,
    /// Seconds of self-play.
    pub collect_seconds: f64,
    /// Seconds of self-play in the network, as a mean over the threads.
    pub inference_seconds: f64,
    /// Seconds of advantages and update.
    pub learn_seconds: f64,
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
        Self { settings, learner, selfplay, weights, adam, done, guard, league, average: None, adaptation, rollout }
    }

    /// Runs one iteration, with the schedules at the part `progress` (0–1) of the run.
    ///
    /// # Errors
    /// If the device fails, the network's output is not finite, or the learner computes another policy than the one that
    /// played.
    pub fn iterate(&mut self, progress: f64) -> Result<Report, LearnError> {
        let Self { settings, learner, selfplay, weights, adam, done, guard, league, average, adaptation, rollout } =
            self;
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

        let threads = settings.threads();
        let opponents = league.opponents(settings, &selfplay.opponents());
        let (collected, inference) = debug_span!("collect")
            .in_scope(|| collect(selfplay, learner.as_ref(), weights, &opponents, done.iterations, threads, rollout))?;
        let collect_seconds = begin.elapsed().as_secs_f64();

        let estimated = debug_span!("estimate").in_scope(|| rollout.estimate(&estimation));
        let before = weights.data().to_vec();
        let order = Stream::new(settings.seed, Purpose::Shuffle, done.iterations, 0);
        let update = debug_span!("update")
            .in_scope(|| update(learner.as_mut(), weights, adam, estimated, &settings.ppo(), rates, order, &Alone))?;
        let learn_seconds = begin.elapsed().as_secs_f64() - collect_seconds;

        adaptation.observe(&aims, update.explained_variance, update.last_kl, collected.mean_entropy());
        if settings.ppo.ema > 0.0 {
            average.get_or_insert_default().add(weights.data(), settings.ppo.ema);
        }

        let plies = rollout.steps.len();
        let (brier_sum, brier_plies) = rollout.brier();
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
                    / (settings.ppo.epochs * settings.ppo().samples_of(rollout.learner_slots().count())).max(1) as f64,
            update_norm: relative_change(&before, weights.data()),
            brier: brier_sum / f64::from(brier_plies.max(1)),
            collect_seconds,
            inference_seconds: inference.as_secs_f64(),
            learn_seconds,
        })
    }
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
    use crate::selfplay::Pool;
    use crate::settings::Preset;
    use anyhow::Result;
    use keisei_core::encoding::Action;
    use keisei_core::learn::{Matchmaking, Mover, SelfPlaySettings, Span, Step, StepEnd};
    use keisei_core::net::{Value, Wdl};

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
}
