//! Messages of the host to the GPU for an update, in words of 32 bits: the rollout, once, and an order for each minibatch, which names entries of the
//! rollout and holds all numbers that the kernels need. Numbers are stored by their bits.
//!
//! An entry of the rollout is a ply; or a position beside the plies, where no action was played, and where only that of a lesson has
//! legal actions:
//!
//! | words | content |
//! |---|---|
//! | [`WORDS`] | packed observation |
//! | [`ENTRY_LEGAL`], [`ENTRY_COUNT`] | the legal actions: number of the first one, from the start of all, and how many; two to a word |
//! | [`ENTRY_ACTION`], [`ENTRY_MATE`] | action played; action that begins a proved mate, or mates in a lesson; −1 for none |
//! | [`ENTRY_LOG_PROB`] | log-probability of the action when it was played |
//! | [`ENTRY_TARGET`] | target of the outcome: win, draw, loss |
//! | [`ENTRY_SCORE`] | target of the score |
//!
//! An order is a header of [`HEADER`] numbers; then the entry of each sample; the advantage of each sample; and Adam's two bias
//! corrections for every number of steps that may have been taken by then.

use keisei_core::encoding::PackedObservation;
use keisei_core::learn::{Coefficients, Minibatch, Rollout, StepRules, Verdict, biases};

use super::push_words;

/// Words of a packed observation on the device.
pub(super) const WORDS: usize = PackedObservation::SIZE.div_ceil(4);
pub(super) use crate::learner::autodiff::PARTS;

/// Words of an entry.
pub(super) const ENTRY: usize = WORDS + 9;
/// Places in an entry behind the observation.
pub(super) const ENTRY_LEGAL: usize = 0;
pub(super) const ENTRY_COUNT: usize = 1;
pub(super) const ENTRY_ACTION: usize = 2;
pub(super) const ENTRY_MATE: usize = 3;
pub(super) const ENTRY_LOG_PROB: usize = 4;
pub(super) const ENTRY_TARGET: usize = 5;
pub(super) const ENTRY_SCORE: usize = 8;

/// Places in the header of an order: the coefficients of the loss, the loss scale, which the scale of a sample includes, the rules, and
/// the number of plies.
pub(super) const CLIP_COEF: usize = 0;
pub(super) const VF_COEF: usize = 1;
pub(super) const PAST_COEF: usize = 2;
pub(super) const SCORE_COEF: usize = 3;
pub(super) const ENT_COEF: usize = 4;
pub(super) const KL_COEF: usize = 5;
pub(super) const MATE_COEF: usize = 6;
pub(super) const SCALE: usize = 7;
pub(super) const LIFT: usize = 8;
pub(super) const LEARNING_RATE: usize = 9;
pub(super) const MAX_GRAD_NORM: usize = 10;
pub(super) const TARGET_KL: usize = 11;
pub(super) const RATIO_LIMIT: usize = 12;
pub(super) const PLIES: usize = 13;
/// Place of a whole number: the steps of the update that the host knows of, behind which the bias corrections begin.
pub(super) const KNOWN: usize = 14;
pub(super) const HEADER: usize = 15;

/// Numbers of a result: verdict, norm of the gradient, sums of the parts of the loss.
pub(super) const RESULT: usize = 2 + PARTS;

/// Verdicts as numbers; [`OVER`] for a minibatch after the last of the update.
pub(super) const TAKEN: f32 = 0.0;
pub(super) const TAKEN_LAST: f32 = 1.0;
pub(super) const NOT_FINITE: f32 = 2.0;
pub(super) const OTHER_POLICY: f32 = 3.0;
pub(super) const OVER: f32 = 4.0;

/// The verdict of this number; none for a minibatch after the last.
pub(super) fn verdict(number: f32) -> Option<Verdict> {
    [
        (TAKEN, Verdict::Taken),
        (TAKEN_LAST, Verdict::TakenLast),
        (NOT_FINITE, Verdict::NotFinite),
        (OTHER_POLICY, Verdict::OtherPolicy),
    ]
    .into_iter()
    .find_map(|(code, verdict)| (code == number).then_some(verdict))
}

/// Bits of a number, as a word.
fn bits(number: f32) -> i32 {
    number.to_bits().cast_signed()
}

/// Words of a rollout, and the place of its legal actions: the plies, the positions of the past, the legal actions.
pub(super) fn rollout_words(rollout: &Rollout) -> (Vec<i32>, usize) {
    let entries = rollout.steps.len() + rollout.past.len();
    let mut words = Vec::with_capacity(entries * ENTRY + rollout.legal.len().div_ceil(2));
    let rest = |target: keisei_core::net::Wdl, score: f32| {
        let [win, draw, loss] = target.to_array().map(bits);
        [win, draw, loss, bits(score)]
    };
    for (step, &target) in rollout.steps.iter().zip(&rollout.targets) {
        push_words(&step.observation, &mut words);
        let mate = step.mate.map_or(-1, |mate| i32::from(mate.0));
        let first = step.legal.start.cast_signed();
        words.extend([first, i32::from(step.legal.count), i32::from(step.action.0), mate, bits(step.log_prob)]);
        words.extend(rest(target, step.score));
    }
    for (past, &target) in rollout.past.iter().zip(&rollout.past_targets) {
        push_words(&past.observation, &mut words);
        let (first, count, mate) = past.lesson.map_or((0, 0, -1), |lesson| {
            (lesson.legal.start.cast_signed(), i32::from(lesson.legal.count), i32::from(lesson.mate.0))
        });
        words.extend([first, count, -1, mate, 0]);
        words.extend(rest(target, past.score));
    }
    let first_legal = words.len();
    let pairs = rollout.legal.chunks(2);
    words.extend(pairs.map(|pair| i32::from(pair[0].0) | pair.get(1).map_or(0, |action| i32::from(action.0) << 16)));
    (words, first_legal)
}

/// Steps of an update as the host knows them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steps {
    /// Steps of Adam before the update.
    pub before: u32,
    /// Steps of the update up to its last results.
    pub known: u32,
    /// Minibatches since, each of which may have brought a step.
    pub pending: u32,
}

/// Words of an order: the minibatch, the coefficients of its loss, whose scale is raised by `lift`, and the rules of its step.
pub(super) fn order_words(
    minibatch: &Minibatch,
    coefficients: &Coefficients,
    lift: f32,
    rules: &StepRules,
    steps: Steps,
) -> Vec<i32> {
    let c = coefficients;
    let mut words = Vec::with_capacity(HEADER + 2 * minibatch.len() + 2 * (steps.pending as usize + 1));
    // A limit that nothing exceeds, as a number that a kernel may compare with.
    let limit = |limit: f32| limit.min(f32::MAX);
    let header: [f32; KNOWN] = [
        c.clip_coef,
        c.vf_coef,
        c.past_coef,
        c.score_coef,
        c.ent_coef,
        c.kl_coef,
        c.mate_coef,
        c.scale * lift,
        lift,
        rules.learning_rate,
        limit(rules.max_grad_norm),
        limit(rules.target_kl),
        limit(rules.ratio_limit as f32),
        minibatch.slots.len().max(1) as f32,
    ];
    words.extend(header.map(bits));
    words.push(steps.known.cast_signed());
    let plies = minibatch.rollout.steps.len();
    let entries = minibatch.slots.iter().copied().chain(minibatch.past.iter().map(|&past| plies + past));
    words.extend(entries.map(|entry| entry as i32));
    words.extend(minibatch.advantages.iter().copied().map(bits));
    words.extend(minibatch.past.iter().map(|_| 0));
    words.extend((0..=steps.pending).flat_map(|more| biases(steps.before + steps.known + more + 1)).map(bits));
    words
}
